"""Calendars of units over the seeded national one."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from bihuan.lib.worktime import Duration, due
from bihuan.lib.worktime.calendar import BadHours
from bihuan.net import calendar, tree
from bihuan.net.models import CalendarDay, WorkWindow
from tests.net.conftest import AT, County

HERE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def seeded(county: County) -> County:
    calendar.seed_calendar(at=AT)
    return county


def test_the_published_days_of_2026_hold(seeded: County) -> None:
    days = calendar.calendar_for(seeded.housing.id)
    assert not days.is_workday(date(2026, 2, 17))  # 春节
    assert days.is_workday(date(2026, 2, 14))  # a Saturday worked for it
    assert days.day(date(2026, 2, 17)).confirmed


def test_a_year_without_its_notice_is_computed_and_says_so(seeded: County) -> None:
    said = calendar.calendar_for(None).day(date(2028, 10, 1))
    assert (said.is_workday, said.confirmed) == (False, False)
    assert calendar.computed_years() == [2027, 2028]


def test_seeding_again_changes_nothing_and_keeps_what_was_entered(seeded: County) -> None:
    calendar.set_day(None, date(2027, 2, 6), is_workday=False, name="春节", source="国办通知", at=AT)
    assert calendar.seed_calendar(at=AT) == 0
    entered = CalendarDay.objects.get(unit=None, date=date(2027, 2, 6))
    assert (entered.source, entered.confirmed) == ("国办通知", True)
    assert WorkWindow.objects.count() == 2


def test_the_exception_of_the_nearest_unit_above_wins(seeded: County) -> None:
    snow = date(2026, 3, 3)
    calendar.set_day(seeded.county, snow, is_workday=False, name="暴雪停工", source="市政府通知", at=AT)
    calendar.set_day(seeded.housing, snow, is_workday=True, name="保供热", source="局通知", at=AT)
    assert not calendar.calendar_for(seeded.haizhou.id).is_workday(snow)
    assert calendar.calendar_for(seeded.team.id).is_workday(snow)
    assert calendar.calendar_for(seeded.city.id).is_workday(snow)
    calendar.drop_day(seeded.housing, snow, at=AT)
    assert not calendar.calendar_for(seeded.team.id).is_workday(snow)


def test_a_deadline_counts_the_hours_in_force(seeded: County) -> None:
    start = datetime(2026, 3, 2, 10, 0, tzinfo=HERE)  # Monday
    two = Duration.parse("4wh")
    # 10:00-12:00 are two hours, 13:00-15:00 the other two.
    assert due(two, start=start, calendar=calendar.calendar_for(seeded.housing.id)) == start.replace(hour=15)
    calendar.set_hours(seeded.housing, [(time(9), time(11)), (time(14), time(18))], since=date(2026, 3, 1), at=AT)
    # 10:00-11:00 is one, 14:00-17:00 three.
    assert due(two, start=start, calendar=calendar.calendar_for(seeded.housing.id)) == start.replace(hour=17)
    assert due(two, start=start, calendar=calendar.calendar_for(seeded.county.id)) == start.replace(hour=15)


def test_new_hours_leave_the_past_as_it_was(seeded: County) -> None:
    calendar.set_hours(None, [(time(9), time(17))], since=date(2026, 5, 1), at=AT)
    days = calendar.calendar_for(None)
    assert [str(window) for window in days.hours_on(date(2026, 4, 30)).windows] == ["08:30-12:00", "13:00-17:00"]
    assert [str(window) for window in days.hours_on(date(2026, 5, 1)).windows] == ["09:00-17:00"]


def test_hours_that_overlap_are_refused(seeded: County) -> None:
    with pytest.raises(BadHours, match="重叠"):
        calendar.set_hours(None, [(time(9), time(12)), (time(11), time(17))], since=date(2026, 5, 1), at=AT)


def test_a_calendar_asked_again_is_the_same_object_and_costs_no_query(
    seeded: County, django_assert_num_queries: object
) -> None:
    tree.forget()  # the fixture's own transaction would look every time
    first = calendar.calendar_for(seeded.team.id)
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert calendar.calendar_for(seeded.beiguan.id) is first
