"""Tests of a program: conditions on answers, read from a closed vocabulary; one tree, held in Python and in SQL.

A missing answer is neither yes nor no, as NULL is in SQL: `not` of it is missing too, `any` and `all` may still be
settled by the others. A test is met only by a plain yes; what was missing is named, so that "why not" has an answer.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

from bihuan.programs.reading import Table

LEAVES = ("eq", "gte", "lte", "between", "in", "has", "before", "within_days")
OPERATORS = (*LEAVES, "count_of", "all", "any", "not")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
YEARS = re.compile(r"([1-9]\d?)y")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One answer compared. `op` is one of LEAVES; `value` is a plain value, or a tuple for between and in."""

    ask: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple["Criterion", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple["Criterion", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Criterion"


@dataclass(frozen=True, slots=True)
class CountOf:
    """At least so many of other tests are met; one that lacks an answer is not met."""

    tests: tuple[str, ...]
    at_least: int


Criterion = Leaf | All | AnyOf | Not | CountOf


class Asked(Protocol):
    """What is asked, as far as a sentence needs it."""

    @property
    def title(self) -> str: ...
    @property
    def use(self) -> str: ...


class Tested(Protocol):
    """One test: what must hold, and the sentence that says it does not."""

    @property
    def criterion(self) -> Criterion: ...
    @property
    def otherwise(self) -> str: ...


class Book(Protocol):
    """A program, as far as its tests need it."""

    @property
    def asks(self) -> Mapping[str, Asked]: ...
    @property
    def tests(self) -> Mapping[str, Tested]: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a test is met, and if not the sentence why. `missing`: asks without an answer that it waits for."""

    ok: bool
    why: str = ""
    missing: tuple[str, ...] = ()


# In Python


def judge(test: str, book: Book, answers: Mapping[str, Any], on: date) -> Verdict:
    """Whether the answers (plain values by ask; those that are out of date left out) meet a test on a day."""
    rule = book.tests[test]
    met = holds(rule.criterion, book, answers, on)
    if met:
        return Verdict(True)
    if met is None:
        missing = tuple(dict.fromkeys(_missing(rule.criterion, answers)))
        return Verdict(False, f"还没有填写{'、'.join(f'“{book.asks[ask].title}”' for ask in missing)}", missing)
    return Verdict(False, rule.otherwise)


def holds(criterion: Criterion, book: Book, answers: Mapping[str, Any], on: date) -> bool | None:
    """Yes, no, or None where a missing answer leaves it open."""
    match criterion:
        case Leaf(ask, op, value):
            return _leaf(op, value, answers.get(ask), on)
        case Not(part):
            inner = holds(part, book, answers, on)
            return None if inner is None else not inner
        case All(parts):
            found = [holds(part, book, answers, on) for part in parts]
            return False if False in found else None if None in found else True
        case AnyOf(parts):
            found = [holds(part, book, answers, on) for part in parts]
            return True if True in found else None if None in found else False
        case CountOf(tests, at_least):
            return sum(bool(holds(book.tests[key].criterion, book, answers, on)) for key in tests) >= at_least


def _leaf(op: str, wanted: Any, found: Any, on: date) -> bool | None:
    """An answer of the wrong type is as good as none; the checks see to it that forms do not take one."""
    if op == "has":
        return found not in (None, "", [])
    if op in ("before", "within_days") or isinstance(_first(wanted), date):
        return _dates(op, wanted, found, on) if isinstance(found, str) and DATE.fullmatch(found) else None
    if _type_of(found) != _type_of(_first(wanted)):
        return None
    return _compare(op, wanted, found)


def _dates(op: str, wanted: Any, found: str, on: date) -> bool:
    """Dates are compared as they are written, year first, in both languages."""
    if op == "within_days":
        return (on - timedelta(days=wanted)).isoformat() <= found <= on.isoformat()
    if op == "before" and isinstance(wanted, str):
        return found <= years_before(on, wanted).isoformat()
    if op == "before":
        return found < wanted.isoformat()
    return _compare(op, tuple(map(str, wanted)) if isinstance(wanted, tuple) else str(wanted), found)


def _compare(op: str, wanted: Any, found: Any) -> bool:
    match op:
        case "eq":
            return found == wanted
        case "gte":
            return found >= wanted
        case "lte":
            return found <= wanted
        case "between":
            return wanted[0] <= found <= wanted[1]
        case _:
            return found in wanted


def _first(wanted: Any) -> Any:
    return wanted[0] if isinstance(wanted, tuple) else wanted


def _type_of(value: Any) -> str:
    """The JSON type of a value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "null"


def years_before(on: date, years: str) -> date:
    """The day "18y" before `on`; the 28th where February had no 29th."""
    year = on.year - int(years.removesuffix("y"))
    try:
        return on.replace(year=year)
    except ValueError:
        return on.replace(year=year, day=28)


def _missing(criterion: Criterion, answers: Mapping[str, Any]) -> Iterator[str]:
    for leaf in leaves(criterion):
        if leaf.op != "has" and holds(leaf, _NO_BOOK, answers, date.max) is None:
            yield leaf.ask


@dataclass(frozen=True)
class _Empty:
    asks: Mapping[str, Asked]
    tests: Mapping[str, Tested]


_NO_BOOK = _Empty({}, {})  # a leaf looks nothing up


def leaves(criterion: Criterion) -> Iterator[Leaf]:
    """The comparisons of a tree, other tests' not included."""
    match criterion:
        case Leaf():
            yield criterion
        case Not(part):
            yield from leaves(part)
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)


def counted(criterion: Criterion) -> Iterator[CountOf]:
    """The counts of other tests in a tree."""
    match criterion:
        case CountOf():
            yield criterion
        case Not(part):
            yield from counted(part)
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from counted(part)


# Reading


def parse(table: Table) -> Criterion:
    """Read {ask = "output", gte = 300000}, {all = [{...}]}, {any = [...]}, {not = {...}}, {count_of = [...], gte = 2}."""
    criterion = _parse(table)
    table.close()
    return criterion


def _parse(table: Table) -> Criterion:
    used = [op for op in OPERATORS if op in table.data]
    if "count_of" in used:
        return CountOf(table.words("count_of", required=True), table.count("gte") or 1)
    if len(used) != 1:
        table.wrong("", "、".join(used) or None, f"{'、'.join(OPERATORS)} 中的一个")
        table.known.update(used, ("ask",))
        return All(())
    match used[0]:
        case "all":
            return All(_parts(table, "all"))
        case "any":
            return AnyOf(_parts(table, "any"))
        case "not":
            return Not(parse(table.table("not")))
        case op:
            return Leaf(table.word("ask", required=True) or "", op, _value(table, op))


def _parts(table: Table, key: str) -> tuple[Criterion, ...]:
    wanted = "条件的列表，如 [{ask = ..., gte = ...}]"
    found: list[dict[str, Any]] = table.take(key, wanted, _are_tables, [])
    return tuple(parse(Table(part, table.file, table.problems, f"{table.at(key)}.{n}")) for n, part in enumerate(found))


_SHAPES = {
    "eq": ("一个值（文字、数、日期、true、false）", lambda v: _is_plain(v)),
    "gte": ("数或日期", lambda v: _is_ordered(v)),
    "lte": ("数或日期", lambda v: _is_ordered(v)),
    "between": ("[从, 到]，两个数或两个日期", lambda v: _is_pair(v)),
    "in": ("同一种值的列表", lambda v: _is_list(v)),
    "has": ("true", lambda v: v is True),
    "before": ("日期，或 18y 这样的年数", lambda v: _is_date(v) or (isinstance(v, str) and bool(YEARS.fullmatch(v)))),
    "within_days": ("天数", lambda v: type(v) is int and 0 < v <= 40_000),
}


def _value(table: Table, op: str) -> Any:
    wanted, accepts = _SHAPES[op]
    value = table.take(op, wanted, accepts, None)
    return tuple(value) if isinstance(value, list) else value


def _is_date(value: object) -> bool:
    return type(value) is date


def _is_ordered(value: object) -> bool:
    return _is_date(value) or (isinstance(value, int | float) and not isinstance(value, bool))


def _is_plain(value: object) -> bool:
    return _is_date(value) or isinstance(value, str | bool | int | float)


def _is_pair(value: object) -> bool:
    if not (isinstance(value, list) and len(value) == 2 and all(map(_is_ordered, value))):
        return False
    return _is_date(value[0]) == _is_date(value[1]) and value[0] <= value[1]


def _is_list(value: object) -> bool:
    if not (isinstance(value, list) and value and all(map(_is_plain, value))):
        return False
    return len({"date" if _is_date(item) else _type_of(item) for item in value}) == 1


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(part, dict) for part in value)
