"""A lower level's own terms (C4): it changes only what the document above opens, only in the direction it allows."""

import copy
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from bihuan.lib.worktime import BadDuration, Duration
from bihuan.programs import document
from bihuan.programs.changes import differences
from bihuan.programs.measuring import is_never_later
from bihuan.programs.reading import BadDocument
from bihuan.programs.telling import Names, spell
from bihuan.programs.writing import toml

ALLOWED = {
    "shorter": "只许缩短",
    "longer": "只许延长",
    "fewer": "只许减少",
    "more": "只许增加",
    "wording": "只许改文字",
}


class BadTerms(Exception):
    """Own terms that the document above does not allow. The message says why, a line for each reason."""

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__("\n".join(reasons))


def merged(base: str, terms: str) -> str:
    """The document of a lower level: `base` with its terms written in. Raises BadTerms, BadDocument.

    terms: TOML with `program` and a table [set] of values by path: "limit.handle.default" = "8wd".
    """
    above = document.table_of(base, "").data
    wanted = read_terms(terms, program=above["program"])
    reasons = [reason for path, value in wanted.items() for reason in _refused(above, path, value)]
    if reasons:
        raise BadTerms(reasons)
    data = copy.deepcopy(dict(above))
    for path, value in wanted.items():
        _put(data, path.split("."), value)
    return toml(data)


def program_of(terms: str) -> str:
    """The key of the program the terms are for; empty when they do not say. Raises BadTerms."""
    return str(_read(terms).get("program", ""))


def _read(terms: str) -> dict[str, Any]:
    try:
        return tomllib.loads(terms)
    except tomllib.TOMLDecodeError as error:
        raise BadTerms([f"不合 TOML 格式的内容（{error}）。"]) from error


def data_of(text: str) -> Mapping[str, Any]:
    """A document's tables as they are written. Raises BadDocument."""
    return document.table_of(text, "").data


def read_terms(terms: str, *, program: str) -> dict[str, Any]:
    """What the terms set, by path. Raises BadTerms when they are for another program, set nothing or say more."""
    data = _read(terms)
    wanted, other = data.get("set"), sorted(data.keys() - {"program", "set"})
    if other:
        raise BadTerms([f"只能写 program 和 [set]，不能写“{'、'.join(other)}”。"])
    if data.get("program") != program:
        raise BadTerms([f"program 应为“{program}”，写的是“{data.get('program')}”。"])
    if not isinstance(wanted, dict) or not wanted:
        raise BadTerms(['[set] 里还没有写要改什么，如 "limit.handle.default" = "8wd"。'])
    return wanted


def astray(base: str, doc: str, terms: str) -> str | None:
    """Why a stored overlay is not its base with its terms, or None when it is."""
    try:
        same = merged(base, terms) == doc
    except (BadTerms, BadDocument) as error:
        return str(error)
    return None if same else "内容与上级版本加本级条款不一致。"


def only_open_paths_differ(base: str, doc: str) -> bool:
    """Whether a document differs from the one above only where that opens it."""
    above, below = (document.table_of(text, "").data for text in (base, doc))
    return all(".".join(path) in above.get("open", {}) for path, _, _ in differences(above, below))


def _put(data: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        data = data[key]
    data[path[-1]] = value


def value_at(data: Mapping[str, Any], path: str) -> Any:
    """What stands at a path ("clock.review.limit"), None when nothing does."""
    value: Any = data
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _refused(above: Mapping[str, Any], path: str, value: Any) -> Iterator[str]:
    opened: Mapping[str, str] = above.get("open", {})
    name = Names(above, above).of(tuple(path.split(".")))
    if path not in opened:
        yield f"{name}（{path}）没有开放给下级，开放的有：{'、'.join(opened) or '无'}。"
        return
    ours = value_at(above, path)
    if not _goes(opened[path], ours, value):
        yield f"{name}{ALLOWED[opened[path]]}：上级定的是{spell(ours)}，这里写的是{spell(value)}。"


def _goes(direction: str, above: Any, own: Any) -> bool:
    """Whether the own value stands where the direction lets it; the same value always does."""
    if direction == "wording":
        return isinstance(own, str) and bool(own.strip())
    if direction in ("fewer", "more"):
        if type(own) is not int or own < 1:
            return False
        return own <= above if direction == "fewer" else own >= above
    try:
        theirs, ours = Duration.parse(above), Duration.parse(own)
    except BadDuration:
        return False
    return is_never_later(ours, theirs) if direction == "shorter" else is_never_later(theirs, ours)
