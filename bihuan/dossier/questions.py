"""The questions that facts answer: a shared bank, and what programs ask beyond it. One answer serves every program."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from django.utils.translation import gettext as _

from bihuan.dossier.models import Question

BANK = Path(__file__).with_name("questions.toml")
LARGEST = 10**12
LONGEST = 2000  # characters of an answer in words
_YES = frozenset({"是", "有", "对", "党员", "中共党员", "预备党员", "yes", "true", "1", "y", "√"})
_NO = frozenset({"否", "无", "没有", "不是", "非党员", "群众", "no", "false", "0", "n", "×"})
_DATE = re.compile(r"(\d{4})\s*[-/.年]?\s*(\d{1,2})(?:\s*[-/.月]?\s*(\d{1,2})?)?\s*[日号月]?")
_MONEY = re.compile(r"(-?\d+(?:\.\d+)?)\s*(亿|万|千)?\s*元?")
_TIMES = {"亿": 10**8, "万": 10**4, "千": 10**3}


class NoSuchQuestion(Exception):
    """A fact was told for a question that nobody registered."""

    def __init__(self, key: str) -> None:
        super().__init__(_("没有登记“%(key)s”这个问题。") % {"key": key})


class QuestionDiffers(Exception):
    """A program asks a known question as something else; one answer could not serve both."""

    def __init__(self, known: Question, type: str) -> None:
        says = _("“%(title)s”（%(key)s）在系统里是“%(known)s”，方案里写成了“%(type)s”。")
        asked = dict(Question.Type.choices).get(type, type)
        super().__init__(
            says % {"title": known.title, "key": known.key, "known": known.get_type_display(), "type": asked}
        )


class BadAnswer(ValueError):
    """What was said does not answer the question; the message says what would."""


class Asked(Protocol):
    """An ask of a program, as far as questions and facts need it (`programs.ladder.Ask` is one)."""

    @property
    def use(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def choices(self) -> Mapping[str, str]: ...
    @property
    def personal(self) -> bool: ...


class Asking(Protocol):
    """A program that asks."""

    @property
    def asks(self) -> Mapping[str, Any]: ...


@cache
def bank() -> Mapping[str, Question]:
    """The shared questions, as they come with the product."""
    with BANK.open("rb") as file:
        groups = tomllib.load(file)
    return {
        f"{group}.{key}": Question(
            key=f"{group}.{key}", **facts | {"choice": [list(pair) for pair in facts.get("choice", {}).items()]}
        )
        for group, members in groups.items()
        for key, facts in members.items()
    }


def ensure(*programs: Asking) -> None:
    """Register the bank and what these programs ask beyond it; to be called when a program is published.

    A question keeps its title; new choices are added to it. Raises QuestionDiffers. Two statements when nothing is new.
    """
    known = {**bank(), **Question.objects.in_bulk()}
    stored = set(Question.objects.values_list("key", flat=True))
    changed: dict[str, Question] = {key: question for key, question in bank().items() if key not in stored}
    for asked in (ask for program in programs for ask in program.asks.values()):
        question = known.setdefault(asked.use, _question(asked))
        if question.type != asked.type:
            raise QuestionDiffers(question, asked.type)
        new = [[choice, title] for choice, title in asked.choices.items() if choice not in question.choices]
        if asked.use not in stored or new:
            question.choice = [*question.choice, *new]
            changed[asked.use] = question
    Question.objects.bulk_create(
        changed.values(), update_conflicts=True, unique_fields=["key"], update_fields=["choice"]
    )


def _question(asked: Asked) -> Question:
    return Question(
        key=asked.use, type=asked.type, title=asked.title, unit=asked.unit, personal=asked.personal
    )  # fmt: skip


def known(keys: Iterable[str]) -> dict[str, Question]:
    """Registered questions by key. Raises NoSuchQuestion. One query."""
    wanted = set(keys)
    found: dict[str, Question] = Question.objects.in_bulk(wanted)
    if missing := sorted(wanted - found.keys()):
        raise NoSuchQuestion(missing[0])
    return found


# From words to a value and back


def value_of(question: Question, said: Any) -> Any:
    """What was typed or read from a sheet as the value a fact keeps (JSON); None for nothing said.

    Text, number (int or float), date as "2026-03-01", the key of a choice, true or false, the id of a paper as text.
    Raises BadAnswer.
    """
    if isinstance(said, str):
        said = unicodedata.normalize("NFC", said).strip()
    if said is None or said == "":
        return None
    return _READERS[question.type](question, said)


def _text(question: Question, said: Any) -> str:
    words = str(said)
    if len(words) > LONGEST:
        raise BadAnswer(_("“%(title)s”最多 %(most)d 个字。") % {"title": question.title, "most": LONGEST})
    if any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\r\t" for letter in words):
        raise BadAnswer(_("“%(title)s”里有看不见的控制字符。") % {"title": question.title})
    return words


def _number(question: Question, said: Any) -> int | float:
    plain = unicodedata.normalize("NFKC", str(said)).replace(",", "").strip().removesuffix(question.unit).strip()
    return _bounded(question, plain)


def _money(question: Question, said: Any) -> int | float:
    """300000, 30万, 30万元, 1.2亿."""
    plain = unicodedata.normalize("NFKC", str(said)).replace(",", "").strip()
    found = _MONEY.fullmatch(plain)
    return _bounded(question, found[1], _TIMES.get(found[2], 1)) if found else _bounded(question, plain)


def _bounded(question: Question, plain: str, times: int = 1) -> int | float:
    try:
        number = Decimal(plain) * times
    except InvalidOperation:
        raise BadAnswer(_("“%(title)s”应填数。") % {"title": question.title}) from None
    if not number.is_finite() or not 0 <= number < LARGEST:
        raise BadAnswer(_("“%(title)s”应在 0 到一万亿之间。") % {"title": question.title})
    return int(number) if number == number.to_integral_value() else float(number)


def _date(question: Question, said: Any) -> str:
    """2026-03-01, 2026/3/1, 2026年3月1日, 20260301; a month alone (1985.06) means its first day."""
    if isinstance(said, date):
        return said.isoformat()[:10]
    plain = unicodedata.normalize("NFKC", str(said))
    found = _DATE.fullmatch(plain)
    try:
        if found:
            return date(int(found[1]), int(found[2]), int(found[3] or 1)).isoformat()
    except ValueError:
        pass
    raise BadAnswer(_("“%(title)s”应是日期，写成 2026-03-01 的样子。") % {"title": question.title})


def _choice(question: Question, said: Any) -> str:
    word = str(said)
    if word in question.choices:
        return word
    for key, title in question.choice:
        if word in (title, *re.split("[、（）]", title)):
            return str(key)
    words = "、".join(question.choices.values())
    raise BadAnswer(_("“%(title)s”应选：%(words)s。") % {"title": question.title, "words": words})


def _flag(question: Question, said: Any) -> bool:
    word = str(said).casefold()
    if word in _YES or word in _NO:
        return word in _YES
    raise BadAnswer(_("“%(title)s”应填“是”或“否”。") % {"title": question.title})


def _paper(question: Question, said: Any) -> str:
    if str(said).isdecimal():
        return str(said)
    raise BadAnswer(_("“%(title)s”要上传材料的照片。") % {"title": question.title})


_READERS = {
    "text": _text,
    "number": _number,
    "money": _money,
    "date": _date,
    "choice": _choice,
    "flag": _flag,
    "paper": _paper,
}


def shown(question: Question, value: Any) -> str:
    """A value as people read it: 30万元, 2026-03-01, 大专, 是."""
    if value is None:
        return ""
    match question.type:
        case "flag":
            return _("是") if value else _("否")
        case "choice":
            return str(question.choices.get(value, value))
        case "money" if value >= 10_000:
            return f"{round(value / 10_000, 4):g}{_('万')}{question.unit or _('元')}"
        case "money" | "number":
            return f"{value:g}{question.unit}" if value < 1_000_000 else f"{value}{question.unit}"
        case "paper":
            return _("已提交")
    return str(value)
