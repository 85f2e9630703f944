"""China's working days: published ones for the years whose notices are known, computed ones for the rest.

Each autumn the State Council's office publishes the next year's holidays and make-up days (调休). A year without its
notice can only be computed: weekends and statutory days off with their substitutes, no make-up days. Such rows are
unconfirmed (推算) and are replaced by the operator when the notice comes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import chinese_calendar
import holidays

PUBLISHED = "国务院办公厅放假通知"
COMPUTED = "推算（周末、法定节假日及补假）"

# Names as the notices write them.
_NAMES = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "National Day": "国庆节",
    "Mid-autumn Festival": "中秋节",
    "Anti-Fascist 70th Day": "抗战胜利70周年纪念日",
}


@dataclass(frozen=True, slots=True)
class DayRow:
    """One row of the calendar table. name: the holiday, "国庆节调休" on its make-up day, 周末, or empty."""

    date: date
    is_workday: bool
    name: str
    source: str
    confirmed: bool


def seed_days(first_year: int, last_year: int) -> Iterator[DayRow]:
    """Every date from 1 January of the first year to 31 December of the last."""
    for year in range(first_year, last_year + 1):
        yield from _published(year) if is_published(year) else _computed(year)


def is_published(year: int) -> bool:
    """Whether the notice for this year is known here (2004 to 2026 as of chinesecalendar 1.11)."""
    return date(year, 1, 1) in chinese_calendar.holidays


def _published(year: int) -> Iterator[DayRow]:
    for day in _dates_of(year):
        weekend = day.weekday() >= 5
        if paid_for := chinese_calendar.workdays.get(day):
            yield DayRow(day, True, f"{_NAMES[paid_for]}调休" if weekend else "", PUBLISHED, True)
        elif holiday := chinese_calendar.holidays.get(day):
            yield DayRow(day, False, _NAMES[holiday], PUBLISHED, True)
        else:
            yield DayRow(day, not weekend, "周末" if weekend else "", PUBLISHED, True)


def _computed(year: int) -> Iterator[DayRow]:
    # With the substitutes that the law promises for a holiday on a weekend; which day they fall on is only likely.
    statutory = holidays.country_holidays("CN", years=year, language="zh_CN")
    for day in _dates_of(year):
        name = _short(statutory.get(day, "")) or ("周末" if day.weekday() >= 5 else "")
        yield DayRow(day, not name, name, COMPUTED, False)


def _short(name: str) -> str:
    """The package's name in the words of the notices: 农历除夕 is 除夕, two on a day are joined by 、."""
    return name.replace("农历", "").replace("（补假）", "补假").replace("; ", "、")


def _dates_of(year: int) -> Iterator[date]:
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        day += timedelta(days=1)
