"""Tests of a program: what meets them, why not in a sentence, and what cannot be written."""

from datetime import date
from typing import Any

import pytest

from bihuan.programs import document
from bihuan.programs.criteria import All, Leaf, holds, parse, years_before
from bihuan.programs.reading import BadDocument, Table
from tests.programs.test_ladder_checks import TEXT, edited

ON = date(2026, 3, 2)
GOOD = {"birth": "1990-05-01", "skill": "stone", "works": 20, "income": 30_000, "lives_here": True}


def met(table: dict[str, Any], answers: dict[str, Any]) -> bool | None:
    return holds(parse(Table(table, "", [])), edited(), answers, ON)


@pytest.mark.parametrize(
    ("table", "answers", "expected"),
    [
        ({"ask": "works", "gte": 12}, {"works": 12}, True),
        ({"ask": "works", "gte": 12}, {"works": 11.5}, False),
        ({"ask": "works", "gte": 12}, {}, None),  # missing is neither yes nor no
        ({"ask": "works", "gte": 12}, {"works": "20"}, None),  # of the wrong type: as good as missing
        ({"ask": "works", "gte": 1}, {"works": True}, None),
        ({"ask": "works", "between": [1, 5]}, {"works": 5}, True),
        ({"ask": "skill", "in": ["stone", "weave"]}, {"skill": "wood"}, False),
        ({"ask": "lives_here", "eq": True}, {"lives_here": False}, False),
        ({"ask": "letter", "has": True}, {}, False),  # has is always answered
        ({"ask": "letter", "has": True}, {"letter": ""}, False),
        ({"ask": "birth", "before": "18y"}, {"birth": "2008-03-02"}, True),  # eighteen today
        ({"ask": "birth", "before": "18y"}, {"birth": "2008-03-03"}, False),
        ({"ask": "birth", "before": date(2000, 1, 1)}, {"birth": "2000-01-01"}, False),  # strictly before a day
        ({"ask": "birth", "within_days": 30}, {"birth": "2026-01-31"}, True),  # 30 days before 2 March
        ({"ask": "birth", "within_days": 30}, {"birth": "2026-01-30"}, False),
        ({"ask": "birth", "within_days": 30}, {"birth": "2026-03-03"}, False),  # tomorrow is not within the last days
        ({"not": {"ask": "works", "gte": 12}}, {"works": 3}, True),
        ({"not": {"ask": "works", "gte": 12}}, {}, None),  # not of missing is missing
        ({"all": [{"ask": "works", "gte": 1}, {"ask": "income", "gte": 1}]}, {"works": 0}, False),  # settled by one
        ({"all": [{"ask": "works", "gte": 1}, {"ask": "income", "gte": 1}]}, {"works": 1}, None),
        ({"any": [{"ask": "works", "gte": 1}, {"ask": "income", "gte": 1}]}, {"works": 1}, True),
        ({"any": [{"ask": "works", "gte": 1}, {"ask": "income", "gte": 1}]}, {"works": 0}, None),
        ({"count_of": ["busy", "earning", "local"], "gte": 2}, {"works": 12, "income": 20_000}, True),
        ({"count_of": ["busy", "earning", "local"], "gte": 2}, {"works": 12}, False),  # what lacks an answer is not met
    ],
)  # fmt: skip
def test_what_meets_a_test(table: dict[str, Any], answers: dict[str, Any], expected: bool | None) -> None:
    assert met(table, answers) is expected


@pytest.mark.parametrize(
    ("test", "changes", "why"),
    [
        ("busy", {}, ""),
        ("busy", {"works": 3}, "上年作品不足12件"),
        ("busy", {"works": None}, "还没有填写“上年作品”"),
        ("working_age", {"birth": None}, "还没有填写“出生日期”"),
        (
            "recommended",
            {"income": None},
            "还没有填写“上年手艺收入”",
        ),  # a letter would do; what is asked for is the income
        ("rare", {"skill": "wood"}, "手艺不属于石工、编织，或条件不够"),
    ],
)
def test_why_not_is_said_in_a_sentence(test: str, changes: dict[str, Any], why: str) -> None:
    verdict = edited().judge(test, GOOD | changes, ON)
    assert (verdict.ok, verdict.why) == (not why, why)


def test_a_gate_admits_with_every_must_and_enough_of_the_rest() -> None:
    program = edited()
    gate = program.gates["admit"]
    assert program.admits(gate, GOOD, ON)
    assert program.admits(gate, GOOD | {"lives_here": False}, ON)  # busy and earning are two
    assert not program.admits(gate, GOOD | {"lives_here": False, "works": 0}, ON)
    assert not program.admits(gate, GOOD | {"birth": "1950-01-01"}, ON)
    assert [line.test.key for line in program.lines(gate, GOOD, ON) if not line.verdict.ok] == ["recommended"]
    assert program.unanswered(gate.asks, {"birth": "1990-05-01"}) == ("skill", "works", "income", "lives_here")


def test_a_leap_day_goes_back_to_the_28th() -> None:
    assert years_before(date(2024, 2, 29), "18y") == date(2006, 2, 28)
    assert years_before(date(2024, 2, 29), "4y") == date(2020, 2, 29)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("gte = 12 }", "gte = 12, lte = 20 }", "test.busy.if.：写的是“gte、lte”，应为eq、gte、lte、between"),
        ('{ ask = "works", gte = 12 }', '{ ask = "works" }', "写的是空（没有写），应为eq、gte、lte、between"),
        ("gte = 12 }", "atleast = 12 }", "test.busy.if.atleast：写的是不认识的键"),
        ("gte = 12 }", 'gte = "12" }', "test.busy.if.gte：写的是“12”，应为数或日期"),
        ('before = "18y" }', 'before = "18 years" }', "test.grown.if.before：写的是“18 years”，应为日期，或 18y"),
        ("has = true }", "has = false }", "test.recommended.if.any.0.has：写的是是否 False，应为true"),
        ('in = ["stone", "weave"] }', 'in = ["stone", 3] }', "test.rare.if.all.0.in：写的是数组"),
        ("gte = 12 }", "between = [5, 1] }", "应为[从, 到]，两个数或两个日期"),
    ],
)
def test_a_test_that_cannot_be_read_says_where(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(BadDocument) as caught:
        document.load(TEXT.replace(old, new, 1), "x.toml")
    assert said in str(caught.value)


def test_a_tree_is_read_as_written() -> None:
    part = {"ask": "works", "gte": 1}
    assert parse(Table({"all": [part]}, "", [])) == All((Leaf("works", "gte", 1),))
