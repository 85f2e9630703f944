"""The wall's figures, now and as of a past moment, equal the lists that they open (Q1)."""

from datetime import timedelta

import pytest

from bihuan.book import tallies
from bihuan.gauge import wall
from bihuan.loop import lists
from bihuan.loop.actions import closing, dispatching, handling, intake
from bihuan.loop.models import Case
from bihuan.loop.report import Report
from bihuan.net import tree

HOUR = timedelta(hours=1)


@pytest.fixture
def day(cast, at):
    """Seven cases on Monday: one answered at once, one run to its end, one withdrawn, two dispatched, two untouched."""
    cases = []
    for n in range(7):
        grid = ("219981001001001", "21998100100100101", "219981001002")[n % 3]
        filed = intake.file(Report(type="help", text=f"第{n}件", grid=grid), at=at + n * HOUR / 4)
        cases.append(Case.objects.get(no=filed.number))
    intake.answer(cases[0], "这样办", by=cast.agent, at=at + 2 * HOUR)
    for case in cases[1:4]:
        intake.accept(case, by=cast.dispatcher, at=at + 2 * HOUR)
        dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at + 2 * HOUR)
    finish(cases[1], cast, at + 2.5 * HOUR)
    closing.withdraw(cases[4], at=at + 2 * HOUR)
    return cases


def finish(case, cast, at):
    dispatching.sign(case, by=cast.handler, at=at)
    handling.contact(case, text="电话联系", by=cast.handler, at=at)
    handling.reply(case, result="resolved", text="好了", by=cast.handler, at=at)
    handling.approve(case, passed=True, by=cast.chief, at=at)
    closing.call_back(case, reached=True, contacted=True, solved=True, satisfied=4, by=cast.caller, at=at)


def area(cast, name):
    return tree.snapshot().unit(getattr(cast, name).pk)


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("name", ["city", "county", "town", "south"])
def test_Q1_every_figure_equals_the_list_it_opens(cast, at, day, name, folded):
    if folded:
        tallies.fold(10_000)
    later = at + 3.1 * HOUR
    shown = wall.numbers(area(cast, name), at=later, live=False)
    for what in ("accepted", "accepted_today", "settled", "settled_today", "open"):
        listed = lists.page(wall.listing(area(cast, name), what, at=later), at=later, limit=200).rows
        assert getattr(shown, what) == len(listed), what
    assert (shown.accepted, shown.settled) == ((4, 2) if name != "south" else (3, 2))


def test_a_past_moment_does_not_know_what_came_after(cast, at, day):
    shown = wall.numbers(area(cast, "county"), at=at + 2.5 * HOUR, live=False)
    assert (shown.accepted_today, shown.settled_today, shown.open) == (4, 1, 5)


def test_the_curve_sums_to_the_day(cast, at, day):
    hours = wall.curve(area(cast, "county"), at=at + 2.9 * HOUR, live=False)
    assert len(hours) == 24 and sum(hour.accepted for hour in hours) == 4 and sum(hour.settled for hour in hours) == 2


def test_the_map_shows_where_cases_are_open(cast, at, day):
    for live in (True, False):
        patches = {
            patch.unit.name: patch.open for patch in wall.patches(area(cast, "town"), at=at + 2.9 * HOUR, live=live)
        }
        assert patches == {"南关社区": 2, "北关社区": 2}
        grids = {
            patch.unit.name: patch.open for patch in wall.patches(area(cast, "south"), at=at + 2.9 * HOUR, live=live)
        }
        assert grids == {"南关一网格": 2, "南关二网格": 0}


def test_the_numbers_cost_two_statements(cast, at, day, django_assert_num_queries):
    wall.numbers(area(cast, "county"), at=at, live=True)
    with django_assert_num_queries(2):
        wall.numbers(area(cast, "county"), at=at + 2.9 * HOUR, live=True)
