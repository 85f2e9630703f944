"""Lists of needs, claims and overdue lines: what each may know, one query a page, keyset pages."""

from datetime import date, timedelta

import pytest

from bihuan.loop.lists import BadCursor
from bihuan.offers import lists
from bihuan.offers.actions import needs, plans
from bihuan.offers.actions.plans import Line
from bihuan.offers.lapsing import sweep
from tests.offers.test_needs import collect

DAY = timedelta(days=1)


def test_open_needs_are_those_offered_where_one_stands(folk, at, django_assert_num_queries):
    town = collect(folk, at)
    county = collect(folk, at, unit=folk.county, topic="technique", amount=1500, text="想学\n嫁接")
    with django_assert_num_queries(1):
        rows = lists.open_needs(folk.farmer_helper, at=at).rows
    assert [(row.no, row.topic, row.words, row.amount, row.level) for row in rows] == [
        (county.no, "技术", "想学 嫁接", "1,500", "海澄市")
    ]
    assert (rows[0].name, rows[0].seats, rows[0].state, rows[0].clock) == ("刘能手", "0/1", "待认领", "ok")
    assert rows[0].place.endswith("南关社区")

    def numbers(who, **narrow):
        return {row.no for row in lists.open_needs(getattr(folk, who), at=at, **narrow).rows}

    assert numbers("town_handler") == numbers("organiser") == numbers("village_secretary") == {town.no, county.no}
    assert numbers("organiser", topic="funds") == {town.no}
    assert numbers("organiser", program="other") == set()
    assert numbers("stranger") == numbers("north_secretary") == numbers("agent") == numbers("banker") == set()
    needs.claim(town, by=folk.town_handler, at=at)
    assert numbers("organiser") == {county.no}


def test_pages_of_needs_follow_on_without_gap(folk, at):
    made = [collect(folk, at + n * DAY, unit=folk.county).no for n in range(5)]
    seen, after = [], ""
    while True:
        page = lists.open_needs(folk.organiser, at=at, after=after, limit=2)
        seen += [row.no for row in page.rows]
        after = page.after
        if not after:
            break
    assert seen == made
    with pytest.raises(BadCursor):
        lists.open_needs(folk.organiser, at=at, after="nonsense")


def test_the_needs_of_one_trainee(folk, at, django_assert_num_queries):
    first, second = collect(folk, at), collect(folk, at + DAY, topic="technique")
    collect(folk, at, subject=folk.other_trainee)
    needs.withdraw(first, text="不用了", by=folk.village_secretary, at=at + DAY)
    with django_assert_num_queries(1):
        rows = lists.needs_of(folk.trainee.pk, at=at).rows
    assert [(row.no, row.state) for row in rows] == [(second.no, "待认领"), (first.no, "已撤回")]


def test_my_claims_show_how_far_their_plans_are(folk, at, django_assert_num_queries):
    claim = needs.claim(collect(folk, at, unit=folk.county), by=folk.farmer_helper, at=at)
    [bare] = lists.my_claims(folk.farmer_helper, at=at).rows
    assert (bare.progress, bare.owes) == ("0/0", "制定帮扶计划书（11-30 17:00前）")
    lines = [Line(date(2026, 11, 1), f"第{n}次上门", date(2026, 11, 20 + n), helper="张某") for n in range(3)]
    items = plans.draw_up(claim, lines, by=folk.farmer_helper, at=at)
    plans.do_item(items[0], text="去了", by=folk.farmer_helper, at=at)
    sweep(at + 6 * DAY)
    with django_assert_num_queries(1):
        [row] = lists.my_claims(folk.farming_chief, at=at + 6 * DAY).rows
    assert (row.progress, row.late, row.clock) == ("1/3", 1, "late")
    assert row.owes == "完成下一项帮扶（11-22 00:00前）"
    assert lists.my_claims(folk.handler, at=at).rows == []
    needs.release(claim, text="退回", by=folk.farmer_helper, at=at + 6 * DAY)
    assert lists.my_claims(folk.farmer_helper, at=at).rows == []
    assert [row.state for row in lists.my_claims(folk.farmer_helper, at=at, ended=True).rows] == ["已退回"]


def test_overdue_lines_of_the_area_and_of_the_unit(folk, at, django_assert_num_queries):
    claim = needs.claim(collect(folk, at, unit=folk.county), by=folk.farmer_helper, at=at)
    lines = [Line(date(2026, 11, 1), f"第{n}次上门", date(2026, 11, 20 + n), helper="张某") for n in range(3)]
    plans.draw_up(claim, lines, by=folk.farmer_helper, at=at)
    now = at + 6 * DAY  # the 22nd, 9:00: those of the 20th and 21st are late
    sweep(now)
    with django_assert_num_queries(1):
        rows = lists.overdue_items(folk.organiser, at=now).rows
    assert [(row.measure, row.due, row.days, row.helper) for row in rows if row.clock == "late"] == [
        ("第0次上门", "2026-11-20", 2, "张某"),
        ("第1次上门", "2026-11-21", 1, "张某"),
    ]
    first = lists.overdue_items(folk.farmer_helper, at=now, limit=1)
    assert lists.overdue_items(folk.farmer_helper, at=now, limit=1, after=first.after).rows == [rows[1]]
    assert (
        lists.overdue_items(folk.handler, at=now).rows == lists.overdue_items(folk.north_secretary, at=now).rows == []
    )
