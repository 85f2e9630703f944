"""The measures behind the four units of time: for uh the time itself, for wh the working time, for wd the working days
that have ended, for d the midnights passed.
"""

from abc import ABC, abstractmethod
from datetime import UTC, date, datetime, timedelta

from bihuan.lib.worktime.calendar import WorkCalendar

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
HOUR_US = 3_600_000_000


class Measure(ABC):
    """How one unit of time is counted. Marks are whole numbers that never fall as time goes on."""

    unit = HOUR_US
    """Marks in one unit."""

    @abstractmethod
    def mark(self, calendar: WorkCalendar, at: datetime) -> int:
        """The mark reached by an instant."""

    def origin(self, calendar: WorkCalendar, start: datetime) -> int:
        """The mark from which a limit that starts with an act is counted."""
        return self.mark(calendar, start)

    def follow(self, calendar: WorkCalendar, end: datetime) -> int:
        """The mark from which a limit that follows another's end is counted."""
        return self.mark(calendar, end)

    def settled(self, calendar: WorkCalendar, mark: int) -> int:
        """The first mark from this one on at which a limit may end."""
        return mark

    @abstractmethod
    def end(self, calendar: WorkCalendar, mark: int) -> datetime:
        """The earliest instant that reaches a mark, settled first."""


class UrgentHours(Measure):
    def mark(self, calendar: WorkCalendar, at: datetime) -> int:
        return (calendar.local(at) - EPOCH) // MOMENT

    def end(self, calendar: WorkCalendar, mark: int) -> datetime:
        return (EPOCH + timedelta(microseconds=mark)).astimezone(calendar.zone)


class WorkingHours(Measure):
    def mark(self, calendar: WorkCalendar, at: datetime) -> int:
        return calendar.worked_us(at)

    def end(self, calendar: WorkCalendar, mark: int) -> datetime:
        return calendar.when_worked(mark)


class WorkingDays(Measure):
    unit = 1

    def mark(self, calendar: WorkCalendar, at: datetime) -> int:
        return calendar.closings_by(at)

    def origin(self, calendar: WorkCalendar, start: datetime) -> int:
        return calendar.workdays_through(calendar.local(start))

    def follow(self, calendar: WorkCalendar, end: datetime) -> int:
        return self.origin(calendar, calendar.local(end) - MOMENT)

    def end(self, calendar: WorkCalendar, mark: int) -> datetime:
        return calendar.closing(mark)


class CalendarDays(Measure):
    """Marks are day ordinals: an instant's is the number of midnights passed, the last that of its own day."""

    unit = 1

    def mark(self, calendar: WorkCalendar, at: datetime) -> int:
        return calendar.local(at).toordinal()

    def origin(self, calendar: WorkCalendar, start: datetime) -> int:
        return self.mark(calendar, start) + 1

    def follow(self, calendar: WorkCalendar, end: datetime) -> int:
        return self.origin(calendar, calendar.local(end) - MOMENT)

    def settled(self, calendar: WorkCalendar, mark: int) -> int:
        return calendar.next_workday(date.fromordinal(mark - 1)).toordinal() + 1

    def end(self, calendar: WorkCalendar, mark: int) -> datetime:
        return calendar.midnight(date.fromordinal(self.settled(calendar, mark)))


MEASURES: dict[str, Measure] = {
    "uh": UrgentHours(),
    "wh": WorkingHours(),
    "wd": WorkingDays(),
    "d": CalendarDays(),
}
