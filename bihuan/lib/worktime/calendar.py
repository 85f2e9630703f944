"""A working calendar: which days are worked, in which windows, and how much working time lies between two instants.

Everything is looked up in tables made once for the days from FIRST to LAST (about 40,000), so a deadline costs about a
microsecond. Make a calendar once per version of its data and keep it.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Self

FIRST, LAST = date(1990, 1, 1), date(2099, 12, 31)
BASE = FIRST.toordinal()
SIZE = LAST.toordinal() - BASE + 1
MINUTE_US = 60_000_000
DAY_US = 24 * 60 * MINUTE_US


class NaiveTime(ValueError):
    """A time without a zone was given; nobody can say which instant it means."""

    def __init__(self) -> None:
        super().__init__("时间缺少时区，无法计算时限")


class OutOfCalendar(ValueError):
    """The day lies outside the years the calendar's tables cover."""

    def __init__(self) -> None:
        super().__init__(f"日期超出工作日历的范围（{FIRST.year}年至{LAST.year}年）")


class BadHours(ValueError):
    """Office hours that cannot be: the message says which."""


@dataclass(frozen=True, slots=True)
class Day:
    """What the calendar says of one date.

    name: the holiday ("国庆节"), of a make-up day that pays for it with 调休 behind ("国庆节调休"), or empty.
    confirmed: published by the State Council; otherwise computed, and shown as 推算.
    """

    is_workday: bool
    name: str = ""
    confirmed: bool = True
    source: str = ""


WEEKDAY = Day(True, "", confirmed=False, source="推算")
WEEKEND = Day(False, "周末", confirmed=False, source="推算")


@dataclass(frozen=True, slots=True)
class Window:
    """Working minutes of a day, from `opens` to before `closes`, as minutes after midnight; 24:00 is 1440."""

    opens: int
    closes: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "08:30-11:30"."""
        try:
            opens, closes = (_minutes(part) for part in text.split("-"))
        except ValueError:
            raise BadHours(f"工作时段“{text}”看不懂，应写成 08:30-11:30 的样子") from None
        if not 0 <= opens < closes <= 1440:
            raise BadHours(f"工作时段“{text}”不对，结束应晚于开始，且不过 24:00")
        return cls(opens, closes)

    def __str__(self) -> str:
        return f"{self.opens // 60:02}:{self.opens % 60:02}-{self.closes // 60:02}:{self.closes % 60:02}"


def _minutes(clock: str) -> int:
    hour, minute = clock.strip().split(":")
    if len(minute) != 2 or not 0 <= int(minute) < 60:
        raise ValueError(clock)
    return int(hour) * 60 + int(minute)


@dataclass(frozen=True, slots=True)
class Hours:
    """Office hours in force from the day `since` until the next Hours begin."""

    windows: tuple[Window, ...]
    since: date = FIRST

    def __post_init__(self) -> None:
        if not self.windows:
            raise BadHours("工作日至少要有一个工作时段")
        for earlier, later in zip(self.windows, self.windows[1:], strict=False):
            if later.opens < earlier.closes:
                raise BadHours(f"工作时段 {earlier} 与 {later} 重叠或次序颠倒")

    @classmethod
    def parse(cls, text: str, since: date = FIRST) -> Self:
        """Read "08:30-11:30,13:00-17:00" (commas, spaces and the Chinese 、， all separate)."""
        parts = text.replace("，", ",").replace("、", ",").replace(",", " ").split()
        return cls(tuple(Window.parse(part) for part in parts), since)

    @property
    def minutes(self) -> int:
        return sum(window.closes - window.opens for window in self.windows)

    @property
    def closes(self) -> int:
        return self.windows[-1].closes


class WorkCalendar:
    """Days and office hours of one place.

    zone: the place's time zone; windows are clock times there.
    days: what is published, date by date. A date that is not in it is worked from Monday to Friday, and is unconfirmed.
    windows: one Hours, or several with different `since`; before the first of them, the first holds.
    """

    def __init__(self, zone: tzinfo, days: Mapping[date, Day], windows: Hours | Sequence[Hours]) -> None:
        self.zone = zone
        self.days = dict(days)
        self.hours = sorted([windows] if isinstance(windows, Hours) else windows, key=lambda h: h.since)
        if not self.hours:
            raise BadHours("工作日历缺少工作时段")
        self._since = [h.since.toordinal() for h in self.hours]
        self._fill_days()
        self._fill_minutes()

    def _fill_days(self) -> None:
        """_worked[i]: the position of the i-th working day; _before[p]: working days before position p."""
        # FIRST is a Monday, so p % 7 is the weekday; published days then overrule.
        flags = bytearray(b"\1\1\1\1\1\0\0" * (SIZE // 7 + 1))[:SIZE]
        for day, said in self.days.items():
            position = day.toordinal() - BASE
            if 0 <= position < SIZE:
                flags[position] = said.is_workday
        self._flags = bytes(flags)
        self._worked = array("i", (p for p, worked in enumerate(flags) if worked))
        self._before = array("i", _running_sum(flags))

    def _fill_minutes(self) -> None:
        """_minutes[p]: working minutes before position p."""
        per_day = array("i", bytes(4 * SIZE))
        for nth, hours in enumerate(self.hours):
            begin = 0 if nth == 0 else self._since[nth] - BASE
            end = self._since[nth + 1] - BASE if nth + 1 < len(self.hours) else SIZE
            minutes = hours.minutes
            for position in range(max(begin, 0), min(end, SIZE)):
                per_day[position] = minutes * self._flags[position]
        self._minutes = array("q", _running_sum(per_day))

    # What is said of a day

    def day(self, day: date) -> Day:
        """What is known of a date: as published, or computed from the weekday and unconfirmed."""
        return self.days.get(day) or (WEEKDAY if day.weekday() < 5 else WEEKEND)

    def hours_on(self, day: date) -> Hours:
        """The office hours in force on a date, worked or not."""
        return self.hours[max(0, bisect_right(self._since, day.toordinal()) - 1)]

    def is_workday(self, day: date) -> bool:
        return bool(self._flags[position_of(day)])

    def is_working_at(self, at: datetime) -> bool:
        """Whether the office is open at this instant."""
        local = self.local(at)
        if not self.is_workday(local.date()):
            return False
        minute = local.hour * 60 + local.minute
        return any(window.opens <= minute < window.closes for window in self.hours_on(local.date()).windows)

    def next_workday(self, day: date) -> date:
        """The day itself if it is worked, otherwise the first one after it that is."""
        return date.fromordinal(self._worked_day(self._before[position_of(day)]) + BASE)

    def opening(self, at: datetime) -> datetime:
        """The instant itself while the office is open, otherwise when it opens next."""
        worked = self.worked_us(at)
        # One microsecond more of work ends just after the office has opened.
        return max(self.local(at), self.when_worked(worked + 1) - timedelta(microseconds=1))

    # Amounts between two instants

    def work_minutes_between(self, a: datetime, b: datetime) -> float:
        """Working minutes from a to b, negative when b is earlier; parts of a minute count."""
        return (self.worked_us(b) - self.worked_us(a)) / MINUTE_US

    def workdays_between(self, a: datetime, b: datetime) -> int:
        """Working days after the day of `a` up to and with the day of `b`, as a limit in working days counts them."""
        return self.workdays_through(self.local(b).date()) - self.workdays_through(self.local(a).date())

    # Measures for deadlines: each grows with time, and can be turned back into the earliest instant that reaches it.

    def local(self, at: datetime) -> datetime:
        """The instant on this place's clock."""
        if at.tzinfo is self.zone:
            return at
        if at.tzinfo is None:
            raise NaiveTime
        return at.astimezone(self.zone)

    def midnight(self, day: date) -> datetime:
        """0:00 of a date; the 24:00 of the day before."""
        return datetime(day.year, day.month, day.day, tzinfo=self.zone)

    def workdays_through(self, day: date) -> int:
        """Working days since FIRST, with this one."""
        return self._before[position_of(day) + 1]

    def closings_by(self, at: datetime) -> int:
        """How many working days have ended, that is, reached the end of their last window, by this instant."""
        local = self.local(at)
        position = position_of(local)
        ended = self._flags[position] and local.hour * 60 + local.minute >= self.hours_on(local.date()).closes
        return self._before[position] + int(ended)

    def closing(self, count: int) -> datetime:
        """The instant when the count-th working day since FIRST ends: closings_by turned round."""
        day = date.fromordinal(self._worked_day(count - 1) + BASE)
        return self.on_clock(day, self.hours_on(day).closes * MINUTE_US)

    def worked_us(self, at: datetime) -> int:
        """Working microseconds since FIRST."""
        local = self.local(at)
        position = position_of(local)
        before = self._minutes[position] * MINUTE_US
        if not self._flags[position]:
            return before
        now = ((local.hour * 60 + local.minute) * 60 + local.second) * 1_000_000 + local.microsecond
        for window in self.hours_on(local.date()).windows:
            before += min(max(now - window.opens * MINUTE_US, 0), (window.closes - window.opens) * MINUTE_US)
        return before

    def when_worked(self, us: int) -> datetime:
        """The earliest instant by which so many working microseconds have passed: worked_us turned round."""
        # The last day that starts with less than `us` behind it; whole minutes suffice because days start on one.
        position = bisect_left(self._minutes, -(-us // MINUTE_US)) - 1
        if position >= SIZE or position < 0:
            raise OutOfCalendar
        day = date.fromordinal(position + BASE)
        left = us - self._minutes[position] * MINUTE_US
        for window in self.hours_on(day).windows:
            length = (window.closes - window.opens) * MINUTE_US
            if left <= length:
                return self.on_clock(day, window.opens * MINUTE_US + left)
            left -= length
        raise AssertionError("the windows of a day add up to its minutes")

    def on_clock(self, day: date, us: int) -> datetime:
        """A date and the microseconds after midnight on the clock; 24:00 is the next day's 0:00."""
        if us == DAY_US:
            return self.midnight(day + timedelta(days=1))
        seconds, us = divmod(us, 1_000_000)
        hour, seconds = divmod(seconds, 3600)
        return datetime.combine(day, time(hour, seconds // 60, seconds % 60, us, self.zone))

    def _worked_day(self, nth: int) -> int:
        """Position of the nth working day, from 0."""
        if not 0 <= nth < len(self._worked):
            raise OutOfCalendar
        return self._worked[nth]


def position_of(day: date) -> int:
    """Index of a date in the tables."""
    position = day.toordinal() - BASE
    if not 0 <= position < SIZE:
        raise OutOfCalendar
    return position


def _running_sum(amounts: Iterable[int]) -> Iterable[int]:
    """0, then the sum of the first, of the first two ..."""
    total = 0
    yield total
    for amount in amounts:
        total += amount
        yield total
