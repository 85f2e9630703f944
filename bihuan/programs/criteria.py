"""Tests of a program: conditions on answers, read from a closed vocabulary; one tree, held in Python and in SQL.

A missing answer is neither yes nor no, as NULL is in SQL: `not` of it is missing too, `any` and `all` may still be
settled by the others. A test is met only by a plain yes; what was missing is named, so that "why not" has an answer.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol

from django.utils import timezone

from bihuan.lib.worktime import Duration
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
    """What is asked: `programs.ladder.Ask`, as far as a test needs it."""

    @property
    def title(self) -> str: ...
    @property
    def use(self) -> str: ...
    @property
    def max_age(self) -> Duration | None: ...
    @property
    def source(self) -> tuple[str, ...]: ...


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


def asks_in(criterion: Criterion, book: Book) -> set[str]:
    """Every ask a tree looks at, through the tests it counts."""
    found = {leaf.ask for leaf in leaves(criterion)}
    for count in counted(criterion):
        found |= {ask for test in count.tests for ask in asks_in(book.tests[test].criterion, book)}
    return found


# In SQL


def sql(
    criterion: Criterion, book: Book, on: date, *, subject: str = "subject_id", at: datetime | None = None
) -> tuple[str, list[Any]]:
    """The same condition over the facts of the dossier: SQL that is true or false of the subject, and its parameters.

    subject: the column (never what a user typed) that holds the subject's id.   on: the day the answers must be true.
    at: as it was known then; without, as it is known now. Costs an index look-up for each comparison and subject.
    """
    fragment, values = _sql(criterion, _Asking(book, on, subject, at))
    return f"({fragment}) IS TRUE", values


@dataclass(frozen=True, slots=True)
class _Asking:
    """What every part of a condition needs to ask the dossier."""

    book: Book
    on: date
    subject: str
    at: datetime | None

    def answer(self, ask: Asked, reading: str, values: list[Any]) -> tuple[str, list[Any]]:
        """The deciding fact's answer read by an expression over `value`; NULL where there is none (dossier.facts)."""
        fresh, since = self._fresh(ask)
        known, told = ("AND made_at <= %s ", [self.at]) if self.at else ("", [])
        counts, sources = ("AND source = ANY(%s) ", [[*ask.source]]) if ask.source else ("", [])
        chosen = (
            f"SELECT value, made_at FROM dossier_fact WHERE subject_id = {self.subject} AND question = %s "
            f"AND since <= %s AND (until IS NULL OR until > %s) {known}{counts}"
            "ORDER BY since DESC, made_at DESC, id DESC LIMIT 1"
        )
        params = [*since, *values, ask.use, self.on, self.on, *told, *sources]
        return f"(SELECT CASE WHEN {fresh} THEN {reading} END FROM ({chosen}) fact)", params

    def _fresh(self, ask: Asked) -> tuple[str, list[Any]]:
        """An answer holds for `max_age` from the day it was told; hours are rounded up to days."""
        if ask.max_age is None:
            return "TRUE", []
        days = ask.max_age.n if ask.max_age.unit in ("d", "wd") else -(-ask.max_age.n // 24)
        oldest = datetime.combine(self.on - timedelta(days=days), time.min)
        return "made_at >= %s", [timezone.make_aware(oldest)]


def _sql(criterion: Criterion, asking: _Asking) -> tuple[str, list[Any]]:
    match criterion:
        case Leaf():
            return _leaf_sql(criterion, asking)
        case Not(part):
            inner, values = _sql(part, asking)
            return f"NOT ({inner})", values
        case All(parts):
            return _joined(" AND ", parts, asking)
        case AnyOf(parts):
            return _joined(" OR ", parts, asking)
        case CountOf(tests, at_least):
            found = [_sql(asking.book.tests[key].criterion, asking) for key in tests]
            each = " + ".join(f"(({part}) IS TRUE)::int" for part, _values in found)
            return f"{each} >= %s", [*(value for _part, values in found for value in values), at_least]


def _joined(word: str, parts: tuple[Criterion, ...], asking: _Asking) -> tuple[str, list[Any]]:
    found = [_sql(part, asking) for part in parts]
    return word.join(f"({part})" for part, _values in found), [value for _part, values in found for value in values]


_PLAIN = "value #>> '{}'"
_SAID = """value IS NOT NULL AND value NOT IN ('null'::jsonb, '""'::jsonb, '[]'::jsonb)"""
_IS_DATE = rf"jsonb_typeof(value) = 'string' AND {_PLAIN} ~ '^\d{{4}}-\d{{2}}-\d{{2}}$'"
_AS_DATE = f'({_PLAIN}) COLLATE "C"'
_AS = {"number": f"({_PLAIN})::numeric", "string": f'({_PLAIN}) COLLATE "C"', "boolean": f"({_PLAIN})::boolean"}


def _leaf_sql(leaf: Leaf, asking: _Asking) -> tuple[str, list[Any]]:
    """One answer compared, NULL where it is missing or of the wrong type."""
    ask = asking.book.asks[leaf.ask]
    if leaf.op == "has":
        fragment, values = asking.answer(ask, _SAID, [])
        return f"COALESCE({fragment}, FALSE)", values
    guard, read, (compared, bounds) = _read_as(leaf, asking.on)
    return asking.answer(ask, f"CASE WHEN {guard} THEN {read} {compared} END", bounds)


def _read_as(leaf: Leaf, on: date) -> tuple[str, str, tuple[str, list[Any]]]:
    """How the value is guarded and read, and what it is compared with."""
    wanted = leaf.value
    if leaf.op == "within_days":
        days = [(on - timedelta(days=wanted)).isoformat(), on.isoformat()]
        return _IS_DATE, _AS_DATE, ("BETWEEN %s AND %s", days)
    if leaf.op == "before":
        years = isinstance(wanted, str)
        bound = years_before(on, wanted).isoformat() if years else wanted.isoformat()
        return _IS_DATE, _AS_DATE, ("<= %s" if years else "< %s", [bound])
    if isinstance(_first(wanted), date):
        written = [day.isoformat() for day in (wanted if isinstance(wanted, tuple) else (wanted,))]
        return _IS_DATE, _AS_DATE, _compared(leaf.op, written)
    kind = _type_of(_first(wanted))
    values = [_exact(value) for value in (wanted if isinstance(wanted, tuple) else (wanted,))]
    return f"jsonb_typeof(value) = '{kind}'", _AS[kind], _compared(leaf.op, values)


def _exact(value: Any) -> Any:
    """A number as the database keeps it, so that 0.1 is 0.1."""
    return Decimal(str(value)) if _type_of(value) == "number" else value


def _compared(op: str, values: list[Any]) -> tuple[str, list[Any]]:
    simple = {"eq": "= %s", "gte": ">= %s", "lte": "<= %s", "between": "BETWEEN %s AND %s", "in": "= ANY(%s)"}
    return simple[op], [values] if op == "in" else values


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
