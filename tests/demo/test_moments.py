"""The quick reckoning of due times for bulk stories equals `lib.worktime`."""

import random
from datetime import date
from zoneinfo import ZoneInfo

from bihuan.demo.moments import Moments, clock, day_number, day_of, instant, seconds, time_of_day
from bihuan.lib import worktime
from bihuan.lib.holidays_cn import seed_days
from bihuan.lib.worktime import Day, Duration, Hours, WorkCalendar

CALENDAR = WorkCalendar(
    ZoneInfo("Asia/Shanghai"),
    {row.date: Day(row.is_workday, row.name) for row in seed_days(2019, 2021)},
    Hours.parse("08:30-12:00,13:00-17:00"),
)


def test_due_times_are_those_of_worktime() -> None:
    moments, dice = Moments(CALENDAR, date(2019, 1, 1), date(2020, 12, 31)), random.Random(4)
    first = clock(day_number(date(2019, 1, 1)))
    for limit in map(Duration.parse, ("1wh", "2wh", "1wd", "5wd", "10wd", "24h")):
        for _ in range(3_000):
            start = first + dice.randrange(700 * 86_400)
            assert instant(moments.due(limit, start)) == worktime.due(limit, start=instant(start), calendar=CALENDAR)


def test_working_days_skip_weekends_and_holidays() -> None:
    moments = Moments(CALENDAR, date(2019, 1, 1), date(2020, 12, 31))
    friday = day_number(date(2020, 9, 25))
    assert moments.workday(friday, 1) == day_number(date(2020, 9, 27))  # a make-up Sunday
    assert moments.workday(day_number(date(2020, 10, 3))) == day_number(date(2020, 10, 9))
    assert moments.workdays(friday, day_number(date(2020, 10, 9))) == 5


def test_clock_times_are_the_city_s() -> None:
    at = clock(day_number(date(2020, 10, 22)), 10)
    assert seconds(instant(at)) == at and instant(at).isoformat() == "2020-10-22T02:00:00+00:00"
    assert day_of(at) == day_number(date(2020, 10, 22)) and time_of_day(at) == 36_000
