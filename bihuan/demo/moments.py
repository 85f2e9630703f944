"""Working time for bulk stories: moments are whole seconds since 1970, and due times come from small tables.

The limits and their arithmetic are those of `lib.worktime`; what it computes for a working day is kept and used again.
"""

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta

from bihuan.demo.figures import CHINA
from bihuan.lib import worktime
from bihuan.lib.worktime import Duration, WorkCalendar

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY, HOUR, MINUTE = 86_400, 3_600, 60
_AHEAD = int(CHINA.utcoffset(None).total_seconds())
_ORIGIN = date(1970, 1, 1).toordinal()


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def instant(moment: int) -> datetime:
    return EPOCH + timedelta(seconds=moment)


def day_number(day: date) -> int:
    """Days since 1970, as `day_of` counts them."""
    return day.toordinal() - _ORIGIN


def day_of(moment: int) -> int:
    """The local day of a moment."""
    return (moment + _AHEAD) // DAY


def clock(day: int, hour: int = 0, minute: int = 0) -> int:
    """A local clock time on a day."""
    return day * DAY - _AHEAD + hour * HOUR + minute * MINUTE


def time_of_day(moment: int) -> int:
    """Seconds since local midnight."""
    return (moment + _AHEAD) % DAY


class Moments:
    """One calendar, asked many times."""

    def __init__(self, calendar: WorkCalendar, first: date, last: date) -> None:
        self.calendar = calendar
        days = range(first.toordinal() - 10, last.toordinal() + 60)
        self._worked = [day - _ORIGIN for day in days if calendar.is_workday(date.fromordinal(day))]
        self._ends: dict[tuple[int, str, int], int] = {}
        self._hours: dict[int, list[tuple[int, int]]] = {}

    def workday(self, day: int, after: int = 0) -> int:
        """The `after`-th working day after `day`; 0: the day itself, or the next one that is worked."""
        position = bisect_left(self._worked, day)
        if after and self._worked[position] == day:
            return self._worked[position + after]
        return self._worked[position + max(after - 1, 0)]

    def workdays(self, first: int, last: int) -> int:
        """Working days after `first` up to and with `last`."""
        return max(0, bisect_right(self._worked, last) - bisect_right(self._worked, first))

    def due(self, limit: Duration, start: int) -> int:
        """When a limit from `start` ends."""
        if limit.unit == "uh":
            return start + limit.n * HOUR
        if limit.unit == "wh":
            return self._due_in_hours(limit, start)
        return self._kept(limit, day_of(start), start)  # where in the day it starts makes no difference

    def _due_in_hours(self, limit: Duration, start: int) -> int:
        """Inside one window it is plain addition; out of hours all starts until the next opening end alike."""
        day, time = day_of(start), time_of_day(start)
        windows = self._windows(day)
        for opens, closes in windows:
            if opens <= time and time + limit.n * HOUR <= closes:
                return start + limit.n * HOUR
        if not windows or time >= windows[-1][1]:
            return self._kept(limit, 2 * day + 1, start)
        if time <= windows[0][0]:
            return self._kept(limit, 2 * day, start)
        return self._reckon(limit, start)

    def _windows(self, day: int) -> list[tuple[int, int]]:
        """The office hours of a day in seconds after midnight; none when it is not worked."""
        windows = self._hours.get(day)
        if windows is None:
            date_ = date.fromordinal(day + _ORIGIN)
            worked = self.calendar.hours_on(date_).windows if self.calendar.is_workday(date_) else ()
            windows = self._hours[day] = [(w.opens * MINUTE, w.closes * MINUTE) for w in worked]
        return windows

    def _kept(self, limit: Duration, kind: int, start: int) -> int:
        """The end of all limits of this kind of start, reckoned once."""
        key = (limit.n, limit.unit, kind)
        end = self._ends.get(key)
        if end is None:
            end = self._ends[key] = self._reckon(limit, start)
        return end

    def _reckon(self, limit: Duration, start: int) -> int:
        return seconds(worktime.due(limit, start=instant(start), calendar=self.calendar))
