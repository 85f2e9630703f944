from collections import Counter
from datetime import date

import chinese_calendar
import pytest

from bihuan.lib.holidays_cn import COMPUTED, PUBLISHED, is_published, seed_days

ROWS = {row.date: row for row in seed_days(2004, 2030)}


def test_every_date_has_one_row() -> None:
    # 27 years, leap years 2004, 08, 12, 16, 20, 24, 28: 27 * 365 + 7
    assert len(ROWS) == 27 * 365 + 7
    assert Counter(row.confirmed for row in ROWS.values())[False] == 4 * 365 + 1  # 2027 to 2030


@pytest.mark.parametrize(
    ("day", "works", "name"),
    [
        (date(2026, 9, 30), True, ""),
        (date(2026, 10, 1), False, "国庆节"),
        (date(2026, 10, 4), False, "国庆节"),  # a Sunday within the holiday keeps the holiday's name
        (date(2026, 10, 7), False, "国庆节"),
        (date(2026, 10, 10), True, "国庆节调休"),  # a Saturday worked
        (date(2026, 9, 20), True, "国庆节调休"),  # a Sunday worked, before the holiday
        (date(2026, 10, 17), False, "周末"),
        (date(2025, 1, 26), True, "春节调休"),
        (date(2015, 9, 3), False, "抗战胜利70周年纪念日"),
    ],
)
def test_published_years(day: date, works: bool, name: str) -> None:
    row = ROWS[day]
    assert (row.is_workday, row.name, row.source, row.confirmed) == (works, name, PUBLISHED, True)


@pytest.mark.parametrize(
    ("day", "works", "name"),
    [
        (date(2027, 1, 1), False, "元旦"),
        (date(2027, 2, 5), False, "除夕"),  # a Friday
        (date(2027, 2, 9), False, "春节补假"),  # 6 and 7 February are a weekend: two days in lieu
        (date(2027, 5, 8), False, "周末"),  # perhaps a make-up day, but nobody knows yet
        (date(2027, 6, 9), False, "端午节"),
        (date(2027, 9, 15), False, "中秋节"),
        (date(2027, 3, 3), True, ""),
    ],
)
def test_computed_years_are_unconfirmed(day: date, works: bool, name: str) -> None:
    row = ROWS[day]
    assert (row.is_workday, row.name, row.source, row.confirmed) == (works, name, COMPUTED, False)


def test_published_rows_agree_with_the_package() -> None:
    confirmed = [row for row in ROWS.values() if row.confirmed]
    assert {row.date.year for row in confirmed} == set(range(2004, 2027))
    assert all(row.is_workday == chinese_calendar.is_workday(row.date) for row in confirmed)


def test_what_is_published() -> None:
    assert [is_published(year) for year in (2003, 2004, 2026, 2027)] == [False, True, True, False]


def test_a_year_has_about_250_working_days() -> None:
    # 2026: 365 days - 104 weekend days + 6 made up - 19 holidays on weekdays = 248
    assert sum(row.is_workday for day, row in ROWS.items() if day.year == 2026) == 248
