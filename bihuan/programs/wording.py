"""Words that documents of every kind have: titles, messages, and English for each of them."""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from bihuan.programs.reading import Table


@dataclass(frozen=True, slots=True)
class Titled:
    """A word of the program: its key, its title, and perhaps a sentence about it."""

    key: str
    title: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What is said, and to whom; the kind says which audiences there are."""

    key: str
    audience: str
    text: str

    @property
    def variables(self) -> tuple[str, ...]:
        return variables_in(self.text)


def variables_in(text: str) -> tuple[str, ...]:
    """The {names} in a text. Raises ValueError when the braces do not match."""
    return tuple(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


class Spoken:
    """A program that speaks Chinese, and English where its author wrote it."""

    english: Mapping[str, Mapping[str, str]]

    @cached_property
    def chinese(self) -> Mapping[str, Mapping[str, str]]:
        """Every text of the document, by part and key."""
        raise NotImplementedError

    def label(self, part: str, key: str, language: str = "zh") -> str:
        """The title of a word in a language: label("state", "filed"), label("public", "filed", "en").

        part: a part of [en.*]; where its tables are nested ("reason", "step", "choice") the key is "outer.inner".
        English falls back on the Chinese title.
        """
        return (self.english.get(part, {}).get(key) if language.startswith("en") else None) or self.chinese[part][key]

    def say(self, message: str, values: Mapping[str, str], language: str = "zh") -> str:
        """A message filled in. Raises KeyError when `values` lacks one of its variables."""
        return self.label("message", message, language).format_map(values)


# Reading


def read_word(key: str, table: Table) -> Titled:
    word = Titled(key, table.text("title", required=True), table.text("about"))
    table.close()
    return word


def read_words(top: Table, key: str) -> dict[str, Titled]:
    """The tables [key.*] of titles; there may be none."""
    return {name: read_word(name, table) for name, table in top.tables(key)}


def read_message(key: str, table: Table) -> Message:
    message = Message(key, table.word("audience", required=True) or "", table.text("text", required=True))
    try:
        variables_in(message.text)
    except ValueError:
        table.wrong("text", message.text, "花括号成对的文字，如“编号{number}”")
    table.close()
    return message


def read_english(top: Table, parts: tuple[str, ...], *, nested: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """[en.state] filed = "..."; nested parts are one level deeper and come out as "outer.inner"."""
    inner = top.table("en")
    english = {part: read_texts(inner.table(part)) for part in parts}
    for part in nested:
        groups = inner.table(part)
        english[part] = {
            f"{group}.{key}": text for group in groups.data for key, text in read_texts(groups.table(group)).items()
        }
    inner.close()
    return english


def read_texts(table: Table) -> dict[str, str]:
    return {key: table.text(key, required=True) for key in table.data}
