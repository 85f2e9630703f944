"""A test of a program means the same in Python and in SQL, whatever facts there are: one tree, two readings."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bihuan.dossier import facts
from bihuan.dossier.models import Fact, Subject
from bihuan.lib.worktime import Duration
from bihuan.programs import ladder
from bihuan.programs.criteria import All, AnyOf, CountOf, Criterion, Leaf, Not, asks_in, holds, sql
from bihuan.programs.ladder import Ask

TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
ASKS = {
    "works": Ask("works", "作品", "number", "t.works", max_age=Duration.parse("365d")),
    "income": Ask("income", "收入", "money", "t.income", source=("town", "self")),
    "birth": Ask("birth", "出生", "date", "t.birth"),
    "skill": Ask("skill", "手艺", "choice", "t.skill", max_age=Duration.parse("30d"), source=("village",)),
    "member": Ask("member", "党员", "flag", "t.member"),
    "letter": Ask("letter", "推荐信", "paper", "t.letter"),
}
SOURCES = ["self", "village", "town", "register"]

numbers = st.one_of(st.integers(-2, 40), st.sampled_from([0.1, 0.3, 12.5, 1e6]))
days = st.dates(TODAY - timedelta(days=800), TODAY + timedelta(days=30))
births = st.dates(date(1950, 1, 1), date(2012, 12, 31))
words = st.sampled_from(["stone", "wood", "", "2026-03-02", "12", "[]", "%s", "年糕"])
values = st.one_of(
    numbers, words, st.booleans(), days.map(str), births.map(str), st.sampled_from([None, [], ["a"], {}])
)


def leaf(ask: str, op: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[Criterion]:
    return value.map(lambda said: Leaf(ask, op, said))


def pair(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    return st.tuples(of, of).map(lambda two: (min(two), max(two)))


def some(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, min_size=1, max_size=3).map(tuple)


leaves = st.one_of(
    *[leaf(ask, op, numbers) for ask in ("works", "income") for op in ("eq", "gte", "lte")],
    *[leaf(ask, "between", pair(numbers)) for ask in ("works", "income")],
    leaf("works", "in", some(numbers)),
    leaf("birth", "before", st.one_of(births, st.integers(1, 70).map(lambda n: f"{n}y"))),
    leaf("birth", "within_days", st.integers(1, 30_000)),
    leaf("birth", "between", pair(births)),
    leaf("birth", "eq", births),
    leaf("birth", "in", some(births)),
    leaf("skill", "eq", words),
    leaf("skill", "in", some(words)),
    leaf("member", "eq", st.booleans()),
    *[leaf(ask, "has", st.just(True)) for ask in ASKS],
)


def grown(parts: st.SearchStrategy[Criterion]) -> st.SearchStrategy[Criterion]:
    several = st.lists(parts, min_size=1, max_size=3).map(tuple)
    counts = st.builds(CountOf, st.sampled_from([("a",), ("a", "b"), ("a", "b", "c")]), st.integers(1, 3))
    return st.one_of(parts.map(Not), several.map(All), several.map(AnyOf), counts)


criteria = st.recursive(leaves, grown, max_leaves=6)
told = st.tuples(
    st.sampled_from([ask.use for ask in ASKS.values()]),
    values,
    st.sampled_from(SOURCES),
    days,  # since
    st.one_of(st.none(), st.integers(1, 400)),  # true for so many days
    st.integers(-60 * 24, 400 * 24),  # told so many hours ago; some only later
)


@dataclass
class Book:
    tests: dict[str, ladder.Test]
    asks: dict[str, Ask] = field(default_factory=lambda: ASKS)


def book_of(counted: list[Criterion], whole: Criterion) -> Book:
    tests = dict(zip("abc", counted, strict=True)) | {"whole": whole}
    return Book({key: ladder.Test(key, key, one, "不符合") for key, one in tests.items()})


def fact_of(subject: Subject, row: tuple) -> Fact:
    question, value, source, since, lasts, hours = row
    until = since + timedelta(days=lasts) if lasts else None
    at = NOW - timedelta(hours=hours)
    return Fact(
        subject=subject, question=question, value=value, source=source, grade=1, since=since, until=until, made_at=at
    )


def chosen_in_sql(book: Book, subjects: list[Subject], on: date, at: datetime | None) -> set[int]:
    fragment, params = sql(book.tests["whole"].criterion, book, on, subject="known.id", at=at)
    with connection.cursor() as cursor:
        ids = [subject.pk for subject in subjects]
        cursor.execute(f"SELECT id FROM dossier_subject known WHERE id = ANY(%s) AND {fragment}", [ids, *params])
        return {row[0] for row in cursor.fetchall()}


@pytest.fixture
def subjects(county) -> list[Subject]:
    made = [Subject(no=f"T{n}", name="某人", unit=county, made_at=timezone.now()) for n in range(6)]
    return Subject.objects.bulk_create(made)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    whole=criteria,
    counted=st.lists(leaves, min_size=3, max_size=3),
    rows=st.lists(st.tuples(st.integers(0, 5), told), max_size=30),
    on=st.one_of(st.just(TODAY), days),
    at=st.one_of(st.none(), st.integers(-30, 400).map(lambda n: NOW - timedelta(days=n))),
)
def test_python_and_sql_choose_the_same_people(subjects, whole, counted, rows, on, at) -> None:  # type: ignore[no-untyped-def]
    book = book_of(counted, whole)
    with transaction.atomic():
        Fact.objects.bulk_create([fact_of(subjects[n], row) for n, row in rows])
        known = facts.answers_of(subjects, book, on, at=at)
        in_python = {pk for pk, answers in known.items() if holds(whole, book, facts.plain(answers), on)}
        assert chosen_in_sql(book, subjects, on, at) == in_python
        transaction.set_rollback(True)


def test_the_property_tells_a_wrong_reading_from_a_right_one(subjects) -> None:  # type: ignore[no-untyped-def]
    """Where `not` took a missing answer for a no, somebody without an answer would be chosen."""
    book = book_of([Leaf("works", "gte", 1)] * 3, Not(Leaf("works", "gte", 12)))
    Fact.objects.create(
        subject=subjects[0], question="t.works", value=3, source="self", grade=1, since=TODAY, made_at=timezone.now()
    )
    assert chosen_in_sql(book, subjects, TODAY, None) == {subjects[0].pk}


def test_every_ask_behind_a_count_is_known() -> None:
    book = book_of(
        [Leaf("works", "gte", 1), Leaf("birth", "has", True), Leaf("skill", "eq", "wood")], CountOf(("a", "c"), 1)
    )
    assert asks_in(book.tests["whole"].criterion, book) == {"works", "skill"}
