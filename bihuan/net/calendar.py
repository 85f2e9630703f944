"""Working calendars of units: the national days, a unit's own exceptions over them, and office hours.

The arithmetic is `bihuan.lib.worktime`; here the tables are read, and a calendar is made once per set of exceptions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from bihuan.lib.holidays_cn import DayRow, seed_days
from bihuan.lib.worktime import Day, Hours, Window, WorkCalendar
from bihuan.lib.worktime.calendar import FIRST
from bihuan.net.models import CalendarDay, Unit, WorkWindow
from bihuan.net.revisions import Kept, touch
from bihuan.net.tree import snapshot

NATIONAL = None
FIRST_YEAR = 2019
# Office hours until an administrator enters the place's own.
USUAL_HOURS = ((time(8, 30), time(12, 0)), (time(13, 0), time(17, 0)))


@dataclass
class _Tables:
    """Days and windows by unit (None: the nation's), and the calendars made from them so far."""

    days: dict[int | None, dict[date, Day]] = field(default_factory=dict)
    windows: dict[int | None, list[tuple[date, date | None, Window]]] = field(default_factory=dict)
    made: dict[tuple[int, ...], WorkCalendar] = field(default_factory=dict)

    def owners(self, path: Iterable[int]) -> tuple[int, ...]:
        """The units on a path that have something of their own, from the top down."""
        return tuple(unit for unit in path if unit in self.days or unit in self.windows)

    def calendar(self, owners: tuple[int, ...]) -> WorkCalendar:
        found = self.made.get(owners)
        if found is None:
            found = self.made[owners] = WorkCalendar(
                ZoneInfo(settings.TIME_ZONE), self._days(owners), self._hours(owners)
            )
        return found

    def _days(self, owners: tuple[int, ...]) -> dict[date, Day]:
        days = dict(self.days.get(NATIONAL, {}))
        for owner in owners:  # the nearest comes last and wins
            days.update(self.days.get(owner, {}))
        return days

    def _hours(self, owners: tuple[int, ...]) -> list[Hours]:
        chain: list[int | None] = [*reversed(owners), NATIONAL]
        turns = {FIRST}
        for owner in chain:
            for since, until, _window in self.windows.get(owner, ()):
                turns.update(day for day in (since, until) if day is not None)
        return [Hours(self._windows_on(day, chain), day) for day in sorted(turns)]

    def _windows_on(self, day: date, chain: Sequence[int | None]) -> tuple[Window, ...]:
        for owner in chain:
            rows = self.windows.get(owner, ())
            windows = [window for since, until, window in rows if since <= day and (until is None or day < until)]
            if windows:
                return tuple(sorted(windows, key=lambda window: window.opens))
        return tuple(_window(opens, closes) for opens, closes in USUAL_HOURS)


def calendar_for(unit_id: int | None) -> WorkCalendar:
    """The calendar of a unit: exceptions and hours of the nearest unit above it win. None: the nation's."""
    tables = _tables.get()
    unit = snapshot().get(unit_id) if unit_id is not None else None
    return tables.calendar(tables.owners(unit.path) if unit is not None else ())


def _read() -> _Tables:
    tables = _Tables()
    days = CalendarDay.objects.values_list("unit_id", "date", "is_workday", "name", "confirmed", "source")
    for unit, day, is_workday, name, confirmed, source in days:
        tables.days.setdefault(unit, {})[day] = Day(is_workday, name, confirmed, source)
    for row in WorkWindow.objects.all():
        windows = tables.windows.setdefault(row.unit_id, [])
        windows.append((row.since, row.until, _window(row.opens, row.closes)))
    return tables


def _window(opens: time, closes: time) -> Window:
    # A window cannot be stored to 24:00; 23:59 is read as the end of the day.
    ends = 1440 if (closes.hour, closes.minute) == (23, 59) else closes.hour * 60 + closes.minute
    return Window(opens.hour * 60 + opens.minute, ends)


def clock_times(window: Window) -> tuple[time, time]:
    """A window as the table holds it; _window turned round."""
    ends = time(23, 59) if window.closes == 1440 else time(window.closes // 60, window.closes % 60)
    return time(window.opens // 60, window.opens % 60), ends


_tables = Kept("calendar", read=_read)


# Changing it


@transaction.atomic
def seed_calendar(*, at: datetime, first: int = FIRST_YEAR, last: int | None = None) -> int:
    """National days from `first` to two years after `at`, and the usual office hours when there are none. How many days
    are new or became certain.

    May be run again: days an administrator entered stay, computed ones (推算) give way to published ones.
    """
    rows = list(seed_days(first, last or at.year + 2))
    known = {day.date: day for day in CalendarDay.objects.filter(unit=None)}
    new = [_day(row) for row in rows if row.date not in known]
    better = [_settled(known[row.date], row) for row in rows if row.confirmed and _is_computed(known.get(row.date))]
    CalendarDay.objects.bulk_create(new, batch_size=2000)
    CalendarDay.objects.bulk_update(better, ["is_workday", "name", "source", "confirmed"], batch_size=500)
    if not WorkWindow.objects.filter(unit=None).exists():
        set_hours(None, USUAL_HOURS, since=date(first, 1, 1), at=at)
    touch("calendar", at)
    return len(new) + len(better)


def _day(row: DayRow) -> CalendarDay:
    return CalendarDay(
        date=row.date, is_workday=row.is_workday, name=row.name, source=row.source, confirmed=row.confirmed
    )


def _is_computed(day: CalendarDay | None) -> bool:
    return day is not None and not day.confirmed


def _settled(day: CalendarDay, row: DayRow) -> CalendarDay:
    day.is_workday, day.name, day.source, day.confirmed = row.is_workday, row.name, row.source, True
    return day


@transaction.atomic
def set_day(unit: Unit | None, day: date, *, is_workday: bool, name: str, source: str, at: datetime) -> bool:
    """Enter one day's rule, for a unit and everything below it or (None) for all. Whether that changed something."""
    facts = {"is_workday": is_workday, "name": name, "source": source, "confirmed": True}
    found = CalendarDay.objects.filter(unit=unit, date=day).first()
    if found is not None and all(getattr(found, key) == value for key, value in facts.items()):
        return False
    CalendarDay.objects.update_or_create(unit=unit, date=day, defaults=facts)
    touch("calendar", at)
    return True


@transaction.atomic
def drop_day(unit: Unit, day: date, *, at: datetime) -> None:
    """Take a unit's own exception back; what holds above it holds again."""
    CalendarDay.objects.filter(unit=unit, date=day).delete()
    touch("calendar", at)


@transaction.atomic
def set_hours(unit: Unit | None, windows: Iterable[tuple[time, time]], *, since: date, at: datetime) -> None:
    """Office hours of a unit (None: all) from a day on. Raises worktime.BadHours when windows overlap."""
    chosen = sorted(windows)
    Hours(tuple(Window.parse(f"{opens:%H:%M}-{closes:%H:%M}") for opens, closes in chosen))
    rows = WorkWindow.objects.filter(unit=unit)
    rows.filter(since__gte=since).delete()
    rows.filter(Q(until=None) | Q(until__gt=since)).update(until=since)
    WorkWindow.objects.bulk_create(
        WorkWindow(unit=unit, opens=opens, closes=closes, since=since) for opens, closes in chosen
    )
    touch("calendar", at)


def computed_years() -> list[int]:
    """Years of which some national day is only computed (推算)."""
    years = CalendarDay.objects.filter(unit=None, confirmed=False).values_list(F("date__year"), flat=True)
    return sorted(set(years))
