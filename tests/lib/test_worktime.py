"""Limits, calendars and plain deadlines."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.lib.worktime import (
    BadDuration,
    BadHours,
    Day,
    Duration,
    Hours,
    NaiveTime,
    OutOfCalendar,
    WorkCalendar,
    before,
    due,
)

from .places import CALENDAR, CALENDARS, CHINA, LIMITS, OFFICE, PLAIN, TIMES, at, day

# Limits


@pytest.mark.parametrize(
    ("text", "n", "unit", "chinese", "english"),
    [
        ("24h", 24, "uh", "24小时", "24 hours"),
        ("2wh", 2, "wh", "2个工作小时", "2 working hours"),
        ("5wd", 5, "wd", "5个工作日", "5 working days"),
        ("30d", 30, "d", "30个自然日", "30 calendar days"),
        ("1wd", 1, "wd", "1个工作日", "1 working day"),
    ],
)
def test_limits_are_read_and_said(text: str, n: int, unit: str, chinese: str, english: str) -> None:
    limit = Duration.parse(text)
    assert (limit.n, limit.unit, str(limit)) == (n, unit, text)
    assert (limit.chinese(), limit.english()) == (chinese, english)


@pytest.mark.parametrize(
    "text", ["", "5", "wd", "5 wd", "-1wd", "0wd", "5w", "1.5d", "12345d", "5WD", "五wd", "５wd", None]
)
def test_what_is_no_limit_is_explained(text: str) -> None:
    with pytest.raises(BadDuration, match="时限"):
        Duration.parse(text)


@given(LIMITS)
def test_a_limit_is_what_its_text_says(limit: Duration) -> None:
    assert Duration.parse(str(limit)) == limit


# Deadlines without a ledger. November 2026: the 20th is a Friday. Office hours 08:30-11:30, 13:00-17:00.
# National Day 2026: 1 to 7 October off, Sunday 20 September and Saturday 10 October worked.


@pytest.mark.parametrize(
    ("limit", "start", "end", "why"),
    [
        ("1wd", "2026-11-20 15:40", "2026-11-23 17:00", "Friday not counted, the weekend not worked, Monday"),
        ("1wd", "2026-11-19 08:30", "2026-11-20 17:00", "the whole first day is not counted, even from its opening"),
        ("1wd", "2026-11-19 23:59", "2026-11-20 17:00", "filed at night: still the day of the act"),
        ("1wd", "2026-11-21 10:00", "2026-11-23 17:00", "filed on Saturday: Monday is the first"),
        ("5wd", "2026-11-20 15:40", "2026-11-27 17:00", "23, 24, 25, 26, 27"),
        ("5wd", "2026-09-29 15:40", "2026-10-12 17:00", "30 Sep; 1-7 Oct off; 8, 9, Saturday 10, Monday 12"),
        ("10wd", "2026-09-15 09:00", "2026-09-29 17:00", "16, 17, 18, Sunday 20, 21-24; 25-27 off; 28, 29"),
        ("1wd", "2026-09-30 23:00", "2026-10-08 17:00", "1-7 Oct off"),
        ("1wd", "2026-10-01 10:00", "2026-10-08 17:00", "filed on a holiday"),
        ("2wh", "2026-11-20 08:30", "2026-11-20 10:30", "from the opening"),
        ("2wh", "2026-11-20 10:30", "2026-11-20 14:00", "1 h to 11:30, lunch, 1 h from 13:00"),
        ("1wh", "2026-11-20 10:30", "2026-11-20 11:30", "ends with the window, not with the opening of the next"),
        ("1wh", "2026-11-20 12:10", "2026-11-20 14:00", "at lunch: counted from 13:00"),
        ("1wh", "2026-11-20 06:00", "2026-11-20 09:30", "before the opening: from 08:30"),
        ("1wh", "2026-11-20 16:20", "2026-11-23 08:50", "40 min on Friday, 20 min on Monday"),
        ("1wh", "2026-11-20 17:00", "2026-11-23 09:30", "at the close"),
        ("7wh", "2026-11-20 08:30", "2026-11-20 17:00", "exactly one day"),
        ("8wh", "2026-09-30 08:30", "2026-10-08 09:30", "7 h on 30 Sep, the holiday, 1 h on 8 Oct"),
        ("70wh", "2026-11-20 08:30", "2026-12-03 17:00", "ten days of 7 h: 20, 23-27, 30 Nov, 1-3 Dec"),
        ("1d", "2026-11-18 15:40", "2026-11-20 00:00", "19 Nov 24:00"),
        ("3d", "2026-11-18 15:40", "2026-11-24 00:00", "21 Nov is a Saturday: Monday 23 Nov 24:00"),
        ("30d", "2026-09-01 09:00", "2026-10-09 00:00", "1 Oct is a holiday: 8 Oct 24:00"),
        ("39d", "2026-09-01 09:00", "2026-10-11 00:00", "10 Oct is a Saturday, but worked: it stays"),
        ("24h", "2026-11-20 15:40", "2026-11-21 15:40", "day and night, weekend or not"),
        ("2h", "2026-09-30 23:30", "2026-10-01 01:30", "over midnight into a holiday"),
    ],
)
def test_when_a_limit_ends(limit: str, start: str, end: str, why: str) -> None:
    assert due(Duration.parse(limit), start=at(start), calendar=CALENDAR) == at(end), why


def test_seconds_count_in_working_hours() -> None:
    start = datetime(2026, 11, 20, 16, 59, 59, 500_000, tzinfo=CHINA)
    # half a second is left on Friday; 1 h - 0.5 s from Monday 08:30
    assert due(Duration(1, "wh"), start=start, calendar=CALENDAR) == datetime(2026, 11, 23, 9, 29, 59, 500_000, CHINA)


def test_a_start_in_another_zone_is_the_same_instant() -> None:
    # 20 Nov 16:30 UTC is 21 Nov 00:30 in China, a Saturday
    start = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
    end = due(Duration(1, "d"), start=start, calendar=CALENDAR)
    assert end == at("2026-11-24 00:00")  # Sunday 22 Nov moves to Monday, 24:00
    assert end.tzinfo is CHINA


def test_a_time_without_zone_is_refused() -> None:
    for unit in ("uh", "wh", "wd", "d"):
        with pytest.raises(NaiveTime, match="时区"):
            due(Duration(1, unit), start=datetime(2026, 11, 20), calendar=CALENDAR)  # noqa: DTZ001


def test_years_beyond_the_tables_are_refused() -> None:
    with pytest.raises(OutOfCalendar, match="1990年至2099年"):
        due(Duration(5, "wd"), start=datetime(2099, 12, 31, tzinfo=CHINA), calendar=CALENDAR)
    with pytest.raises(OutOfCalendar):
        due(Duration(5, "wh"), start=datetime(2099, 12, 31, 16, tzinfo=CHINA), calendar=CALENDAR)
    with pytest.raises(OutOfCalendar):
        due(Duration(1, "wd"), start=datetime(1989, 12, 31, tzinfo=CHINA), calendar=CALENDAR)


def test_a_place_with_summer_time() -> None:
    boston = WorkCalendar(ZoneInfo("America/New_York"), {}, Hours.parse("09:00-17:00"))
    start = datetime(2026, 3, 6, 12, tzinfo=boston.zone)  # Friday; clocks go forward on Sunday 8 March
    assert due(Duration(1, "wd"), start=start, calendar=boston) == datetime(2026, 3, 9, 21, tzinfo=UTC)  # 17:00 EDT
    assert due(Duration(6, "wh"), start=start, calendar=boston) == datetime(2026, 3, 9, 14, tzinfo=UTC)  # 5 h + 1 h
    assert due(Duration(48, "uh"), start=start, calendar=boston) == datetime(2026, 3, 8, 17, tzinfo=UTC)  # 13:00 EDT


def test_hours_change_on_a_day() -> None:
    # afternoons from 13:30 to 17:30 as of 1 June 2026, a Monday
    summer = Hours.parse("08:30-11:30、13:30-17:30", since=day("2026-06-01"))
    calendar = WorkCalendar(CHINA, {}, [summer, OFFICE])
    assert due(Duration(1, "wd"), start=at("2026-05-28 10:00"), calendar=calendar) == at("2026-05-29 17:00")
    assert due(Duration(1, "wd"), start=at("2026-05-29 10:00"), calendar=calendar) == at("2026-06-01 17:30")
    # 1 h on Friday to 17:00, then 3 h to 11:30 and 1 h from 13:30
    assert due(Duration(5, "wh"), start=at("2026-05-29 16:00"), calendar=calendar) == at("2026-06-01 14:30")


def day_by_day(limit: Duration, start: datetime, calendar: WorkCalendar) -> datetime:
    """The rules again, counted the slow way."""
    if limit.unit == "uh":
        return start + timedelta(hours=limit.n)
    if limit.unit == "wh":
        return _second_windows(limit.n * 3600, start, calendar)
    today, left = start.date(), limit.n
    while left or not calendar.day(today).is_workday:
        today += timedelta(days=1)
        left -= left > 0 and (limit.unit == "d" or calendar.day(today).is_workday)
    if limit.unit == "d":
        return calendar.midnight(today + timedelta(days=1))
    return calendar.midnight(today) + timedelta(minutes=calendar.hours_on(today).closes)


def _second_windows(left: int, start: datetime, calendar: WorkCalendar) -> datetime:
    today = start.date()
    while True:
        for window in calendar.hours_on(today).windows if calendar.day(today).is_workday else ():
            opens = max(start, calendar.midnight(today) + timedelta(minutes=window.opens))
            closes = calendar.midnight(today) + timedelta(minutes=window.closes)
            if opens < closes:
                seconds = int((closes - opens).total_seconds())
                if left <= seconds:
                    return opens + timedelta(seconds=left)
                left -= seconds
        today += timedelta(days=1)


@given(LIMITS, TIMES, CALENDARS)
def test_tables_and_slow_counting_agree(limit: Duration, start: datetime, calendar: WorkCalendar) -> None:
    assert due(limit, start=start, calendar=calendar) == day_by_day(limit, start, calendar)


@given(LIMITS, TIMES, TIMES, CALENDARS)
def test_a_later_start_is_never_due_earlier(limit: Duration, a: datetime, b: datetime, calendar: WorkCalendar) -> None:
    a, b = sorted((a, b))
    assert due(limit, start=a, calendar=calendar) <= due(limit, start=b, calendar=calendar)


@given(LIMITS, TIMES, CALENDARS)
def test_a_longer_limit_is_never_due_earlier(limit: Duration, start: datetime, calendar: WorkCalendar) -> None:
    longer = Duration(limit.n + 1, limit.unit)
    assert start < due(limit, start=start, calendar=calendar) <= due(longer, start=start, calendar=calendar)


# What a calendar tells


def test_what_is_known_of_a_day() -> None:
    assert CALENDAR.day(day("2026-10-01")).name == "国庆节"
    assert CALENDAR.day(day("2026-10-10")) == Day(True, "国庆节调休", True, "国务院办公厅放假通知")
    assert not CALENDAR.day(day("2027-10-01")).confirmed
    assert PLAIN.day(day("2026-11-21")) == Day(False, "周末", confirmed=False, source="推算")
    assert PLAIN.day(day("2026-11-20")) == Day(True, "", confirmed=False, source="推算")


@pytest.mark.parametrize(
    ("moment", "open_now", "opens"),
    [
        ("2026-11-20 08:29", False, "2026-11-20 08:30"),
        ("2026-11-20 08:30", True, "2026-11-20 08:30"),
        ("2026-11-20 11:30", False, "2026-11-20 13:00"),
        ("2026-11-20 16:59", True, "2026-11-20 16:59"),
        ("2026-11-20 17:00", False, "2026-11-23 08:30"),
        ("2026-10-01 10:00", False, "2026-10-08 08:30"),
        ("2026-10-10 10:00", True, "2026-10-10 10:00"),
    ],
)
def test_when_the_office_is_open(moment: str, open_now: bool, opens: str) -> None:
    assert CALENDAR.is_working_at(at(moment)) is open_now
    assert CALENDAR.opening(at(moment)) == at(opens)


@pytest.mark.parametrize(
    ("a", "b", "minutes", "days"),
    [
        ("2026-11-20 09:00", "2026-11-20 10:30", 90, 0),
        ("2026-11-20 11:00", "2026-11-20 13:30", 60, 0),  # 30 + 30
        ("2026-11-20 16:00", "2026-11-23 09:00", 90, 1),  # 60 + 30; Monday
        ("2026-09-29 15:40", "2026-10-12 17:00", 80 + 5 * 420, 5),  # 80 min, then 30 Sep, 8, 9, 10, 12 Oct
        ("2026-10-01 00:00", "2026-10-07 23:00", 0, 0),
        ("2026-11-23 09:00", "2026-11-20 16:00", -90, -1),
    ],
)
def test_working_time_between(a: str, b: str, minutes: int, days: int) -> None:
    assert CALENDAR.work_minutes_between(at(a), at(b)) == minutes
    assert CALENDAR.workdays_between(at(a), at(b)) == days


@given(TIMES, TIMES, TIMES, CALENDARS)
def test_working_time_adds_up(a: datetime, b: datetime, c: datetime, calendar: WorkCalendar) -> None:
    whole = calendar.worked_us(c) - calendar.worked_us(a)
    assert whole == calendar.worked_us(b) - calendar.worked_us(a) + calendar.worked_us(c) - calendar.worked_us(b)
    assert 0 <= calendar.work_minutes_between(min(a, b), max(a, b)) <= (max(a, b) - min(a, b)).total_seconds() / 60
    assert calendar.workdays_between(a, c) == calendar.workdays_between(a, b) + calendar.workdays_between(b, c)


@given(TIMES, CALENDARS)
def test_measures_are_turned_round(moment: datetime, calendar: WorkCalendar) -> None:
    earliest = calendar.when_worked(calendar.worked_us(moment))
    assert earliest <= moment
    assert calendar.worked_us(earliest) == calendar.worked_us(moment)
    ended = calendar.closings_by(moment)
    assert calendar.closing(ended) <= moment < calendar.closing(ended + 1)


@pytest.mark.parametrize(
    ("limit", "due_at", "warned"),
    [
        ("1wd", "2026-11-23 17:00", "2026-11-20 17:00"),  # the close of the working day before
        ("1wd", "2026-10-08 17:00", "2026-09-30 17:00"),
        ("2wd", "2026-11-27 17:00", "2026-11-25 17:00"),
        ("2wh", "2026-11-23 09:30", "2026-11-20 16:00"),  # 1 h on Monday, 1 h on Friday
        ("24h", "2026-11-21 15:40", "2026-11-20 15:40"),
        ("1d", "2026-11-24 00:00", "2026-11-23 00:00"),
    ],
)
def test_a_warning_before_the_end(limit: str, due_at: str, warned: str) -> None:
    assert before(Duration.parse(limit), due_at=at(due_at), calendar=CALENDAR) == at(warned)


@given(LIMITS, TIMES, CALENDARS)
def test_a_warning_with_the_whole_limit_left_comes_at_the_start(
    limit: Duration, start: datetime, calendar: WorkCalendar
) -> None:
    end = due(limit, start=start, calendar=calendar)
    warned = before(limit, due_at=end, calendar=calendar)
    assert warned < end
    if limit.unit in ("uh", "wh"):
        assert calendar.worked_us(warned) == calendar.worked_us(start)
    else:  # the close or 24:00 of the day of the act, later if the last day was moved
        assert warned > start - timedelta(days=12)


# Office hours


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8-12",
        "08:30",
        "12:00-08:00",
        "08:00-24:30",
        "08:00-12:00,11:00-17:00",
        "13:00-17:00,08:00-12:00",
        "08:5-09:00",
    ],
)
def test_office_hours_that_cannot_be_are_explained(text: str) -> None:
    with pytest.raises(BadHours, match="工作"):
        Hours.parse(text)


def test_office_hours_are_read() -> None:
    hours = Hours.parse("08:30-11:30，13:00-24:00")
    assert [str(window) for window in hours.windows] == ["08:30-11:30", "13:00-24:00"]
    assert (hours.minutes, hours.closes) == (180 + 660, 1440)


@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)))
def test_the_next_workday_is_worked(someday: date) -> None:
    following = CALENDAR.next_workday(someday)
    assert CALENDAR.is_workday(following) and following >= someday
    between = [someday + timedelta(days=n) for n in range((following - someday).days)]
    assert not any(CALENDAR.is_workday(skipped) for skipped in between)
