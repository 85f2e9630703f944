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
OF_AREAS = (
    "accepted", "accepted_today", "settled", "settled_today", "open", "grid_accepted", "grid_grassroots",
)  # fmt: skip


@pytest.fixture
def day(cast, at):
    """Eight cases on Monday: one answered at once, one run to its end, one withdrawn, two dispatched, two untouched, and
    a secret one that a grid worker found."""
    cases = []
    for n in range(7):
        grid = ("219981001001001", "21998100100100101", "219981001002")[n % 3]
        cases.append(file(at + n * HOUR / 4, grid=grid))
    intake.answer(cases[0], "这样办", by=cast.agent, at=at + 2 * HOUR)
    for case in cases[1:4]:
        intake.accept(case, by=cast.dispatcher, at=at + 2 * HOUR)
        dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at + 2 * HOUR)
    finish(cases[1], cast, at + 2.5 * HOUR)
    closing.withdraw(cases[4], at=at + 2 * HOUR)
    cases.append(file(at + 2.2 * HOUR, by=cast.worker, grid="219981001001001", secrecy="secret"))
    return cases


def file(at, by=None, **place):
    report = Report(type="help", text=f"{at:%H:%M}的事", **place)
    filed = intake.file(report, at=at, by=by) if by else intake.file(report, at=at)
    return Case.objects.get(no=filed.number)


def finish(case, cast, at):
    dispatching.sign(case, by=cast.handler, at=at)
    handling.contact(case, text="电话联系", by=cast.handler, at=at)
    handling.reply(case, result="resolved", text="好了", by=cast.handler, at=at)
    handling.approve(case, passed=True, by=cast.chief, at=at)
    closing.call_back(case, reached=True, contacted=True, solved=True, satisfied=4, by=cast.caller, at=at)


def area(cast, name):
    return tree.snapshot().unit(getattr(cast, name).pk)


def listed(one, what, at, *, live, unit=None):
    """How many rows the figure's list has, page by page."""
    listing, seen, after = wall.listing(one, what, at=at, live=live, unit=unit), 0, ""
    while True:
        page = lists.page(listing, at=at, after=after, limit=3)
        seen, after = seen + len(page.rows), page.after
        if not after:
            return seen


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("name", ["city", "county", "town", "south"])
@pytest.mark.parametrize("hours", [2.1, 2.3, 2.6, 3.1])
def test_Q1_every_past_figure_equals_the_list_it_opens(cast, at, day, name, folded, hours):
    if folded:
        tallies.fold(10_000)
    then, one = at + hours * HOUR, area(cast, name)
    for what in (*OF_AREAS, "late_this_month"):
        assert wall.figure(one, what, at=then, live=False) == listed(one, what, then, live=False), what


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("name", ["city", "county", "town", "south"])
def test_Q1_every_figure_of_now_equals_the_list_it_opens(cast, at, day, name, folded):
    if folded:
        tallies.fold(10_000)
    now, one = at + 3.1 * HOUR, area(cast, name)
    for what in (*OF_AREAS, "late", "soon"):
        assert wall.figure(one, what, at=now, live=True) == listed(one, what, now, live=True), what
    shown = wall.numbers(one, at=now, live=True)
    assert (shown.accepted, shown.settled, shown.open) == ((5, 2, 5) if name != "south" else (4, 2, 3))


@pytest.mark.parametrize("name", ["city", "county", "town", "south"])
@pytest.mark.parametrize("live", [True, False])
def test_Q1_a_units_figures_equal_their_lists(cast, at, day, live, name):
    then, one = at + 3.1 * HOUR, area(cast, name)
    if name == "south":
        finish(day[3], cast, at + 2.8 * HOUR)
    rows = {row.unit.name: row for row in wall.standings(one, at=then, live=live)}
    assert rows.keys() == {"海澄市水务局"}  # the centre answered one at once: it handles nothing, so it has no rank
    for row in rows.values():
        shown = {
            what: wall.figure(one, what, at=then, live=live, unit=row.unit) for what in ("unit_settled", "unit_late")
        }
        assert shown == {"unit_settled": row.settled, "unit_late": 0} and row.settled == 1 + (name == "south")
        for what, count in shown.items():
            assert listed(one, what, then, live=live, unit=row.unit) == count
        assert row.on_time == 100.0


def test_a_past_moment_does_not_know_what_came_after(cast, at, day):
    shown = wall.numbers(area(cast, "county"), at=at + 2.5 * HOUR, live=False)
    assert (shown.accepted_today, shown.settled_today, shown.open) == (5, 1, 6)
    assert wall.standings(area(cast, "county"), at=at + 2.5 * HOUR, live=False) == []


def test_what_presses_is_what_the_lists_call_late_and_soon(cast, at, day):
    county = area(cast, "county")
    limits = sorted(case.due_at for case in Case.objects.filter(region_id=cast.county.pk, closed_at=None))
    now = limits[1] + timedelta(seconds=1)
    pressing = wall.due(county, at=now)
    assert pressing.late == 2
    for what in ("late", "soon"):
        assert getattr(pressing, what) == listed(county, what, now, live=True)


def test_the_curve_sums_to_the_day(cast, at, day):
    for live in (True, False):
        hours = wall.curve(area(cast, "county"), at=at + 2.9 * HOUR, live=live)
        assert (
            len(hours) == 24 and sum(hour.accepted for hour in hours) == 5 and sum(hour.settled for hour in hours) == 2
        )


@pytest.mark.parametrize("live", [True, False])
def test_the_map_shows_where_cases_are_open(cast, at, day, live):
    def shown(name, **how):
        patches = wall.patches(area(cast, name), at=at + 2.9 * HOUR, live=live, **how)
        return {patch.unit.name: patch.open for patch in patches}

    assert shown("city") == {"铁阳区": 0, "海澄市": 5}
    assert shown("county") == {"海州街道": 5, "响堂街道": 0}
    assert shown("county", finer=True) == shown("town") == {"南关社区": 3, "北关社区": 2}
    assert shown("south") == {"南关一网格": 3, "南关二网格": 0}


@pytest.mark.parametrize("live", [True, False])
def test_Q1_a_grid_opens_the_cases_it_shows(cast, at, day, live):
    grid = area(cast, "grid1")
    assert wall.figure(grid, "open", at=at + 2.9 * HOUR, live=live) == 3
    assert listed(grid, "open", at + 2.9 * HOUR, live=live) == 3
    with pytest.raises(wall.NoSuchFigure):
        wall.figure(grid, "accepted_today", at=at, live=live)


def test_the_latest_acts_come_newest_first_without_secret_ones(cast, at, day):
    acts = wall.latest(area(cast, "county"), at=at + 2.4 * HOUR)
    assert day[-1].no not in {act.number for act in acts}
    assert [act.what for act in acts].count("accepted") == 4 and [act.at for act in acts] == sorted(
        (act.at for act in acts), reverse=True
    )
    assert wall.latest(area(cast, "county"), at=at) == []


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (44_767, 44_892, 99.7),  # 99.7216
        (9_999, 10_000, 99.9),  # 99.99 is not 100 while one is missing
        (10, 10, 100.0),
        (0, 3, 0.0),
        (0, 0, None),
    ],
)
def test_a_share_never_claims_everything_too_early(part, whole, shown):
    assert wall.percent(part, whole) == shown


def test_the_numbers_cost_two_statements(cast, at, day, django_assert_num_queries):
    county, later = area(cast, "county"), at + 2.9 * HOUR
    wall.numbers(county, at=at, live=True)
    for live in (True, False):
        with django_assert_num_queries(2):
            wall.numbers(county, at=later, live=live)
    for read in (wall.patches, wall.standings):
        with django_assert_num_queries(1):
            read(county, at=later, live=True)
    for read in (wall.due, wall.latest):
        with django_assert_num_queries(1):
            read(county, at=later)
