"""Deadlines: a limit from a start over a calendar, with the ledger of pauses and extensions.

A limit ends at the earliest instant when its measure (see measures.py) has grown by the limit, not counting what it
grew while the clock was stopped. So the due time is always computed anew from the start and the ledger, never by adding
to an earlier due time.

What that means for pauses, unit by unit:
- wd: a working day is not counted when the clock stands still at its close (the end of its last window). A pause within
  office hours of day A, ended within those of day B, therefore takes out the working days of [A, B): A, on which the
  clock was stopped, but not B, on which it ran again. Stopped and resumed before one and the same close: nothing lost.
- d: likewise with 24:00 for the close. If the last day is no working day, the end moves to the next working day at
  whose 24:00 the clock runs.
- wh: the minutes inside windows during the pause.      - uh: the pause itself.
Pauses that overlap count once. A pause that begins when the limit has already ended changes nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bihuan.lib.worktime.calendar import WorkCalendar
from bihuan.lib.worktime.durations import Duration
from bihuan.lib.worktime.measures import MEASURES, MOMENT, Measure


@dataclass(frozen=True, slots=True)
class Pause:
    """The clock stands still from `start` to before `end`; an open pause (end None) has not ended and no end is set."""

    start: datetime
    end: datetime | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Extension:
    """`limit` more, counted from the end so far; `at` is when it was granted and gives the order."""

    limit: Duration
    at: datetime
    why: str = ""


Segment = Pause | Extension


@dataclass(frozen=True, slots=True)
class Stage:
    """One limit on the way to the due time: the first, or an extension (then `why` is its reason).

    counts_from: the start, or the end of the stage before. plain_due_at: its end if there were no pauses.
    due_at: its end, None while an open pause keeps it from ending.
    """

    limit: Duration
    counts_from: datetime
    plain_due_at: datetime
    due_at: datetime | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a limit ends, and how it came to that. due_at is None while the clock is stopped with no end set."""

    due_at: datetime | None
    stages: tuple[Stage, ...]
    pauses: tuple[Pause, ...]

    @property
    def first_promise(self) -> datetime:
        """The due time as first told, before any pause or extension."""
        return self.stages[0].plain_due_at


def due(limit: Duration, *, start: datetime, calendar: WorkCalendar) -> datetime:
    """When a limit from `start` ends, in the calendar's zone.

    wd ends at the close of the nth working day after the day of the act (Civil Code art. 201: that day is not counted).
    wh counts minutes inside windows. d ends at 24:00, given as the next day's 0:00, moved to the next working day's if
    the last day is not one. uh runs day and night.
    Raises NaiveTime for a start without zone, OutOfCalendar beyond the calendar's years.
    """
    measure = MEASURES[limit.unit]
    return measure.end(calendar, measure.origin(calendar, start) + limit.n * measure.unit)


def deadline(limit: Duration, *, start: datetime, calendar: WorkCalendar, segments: Iterable[Segment] = ()) -> Deadline:
    """The due time of a limit with its ledger of pauses and extensions, computed anew; segments in any order."""
    ledger = list(segments)
    pauses = merged([s for s in ledger if isinstance(s, Pause)])
    extensions = sorted((s for s in ledger if isinstance(s, Extension)), key=lambda e: e.at)
    stages = [_stage(limit, calendar.local(start), calendar, pauses)]
    for extension in extensions:
        end = stages[-1].due_at
        if end is None:  # the clock is stopped before this extension could begin; it counts once the pause has an end
            break
        stages.append(_stage(extension.limit, end, calendar, pauses, why=extension.why, follows=True))
    return Deadline(stages[-1].due_at, tuple(stages), tuple(pauses))


def _stage(
    limit: Duration,
    start: datetime,
    calendar: WorkCalendar,
    pauses: Sequence[Pause],
    why: str = "",
    follows: bool = False,
) -> Stage:
    measure = MEASURES[limit.unit]
    # A limit that follows another counts from its last instant: 24:00 of a day belongs to that day, not to the next.
    origin = measure.follow(calendar, start) if follows else measure.origin(calendar, start)
    target = origin + limit.n * measure.unit
    plain = measure.end(calendar, target)
    if not pauses:
        return Stage(limit, start, plain, plain, why)
    shifted = _pushed_out(measure, calendar, origin, target, pauses)
    return Stage(limit, start, plain, None if shifted is None else measure.end(calendar, shifted), why)


def _pushed_out(
    measure: Measure, calendar: WorkCalendar, origin: int, target: int, pauses: Sequence[Pause]
) -> int | None:
    """The target moved on by what the measure grows during pauses; None when an open pause comes before it."""
    for pause in pauses:
        begin, end = max(measure.mark(calendar, pause.start), origin), measure.settled(calendar, target)
        if begin >= end:
            break
        if pause.end is None:
            return None
        resumed = measure.mark(calendar, pause.end)
        if begin < target:
            target += max(resumed - begin, 0)
        elif end <= resumed:  # the days were all counted, but the end was moved into the pause
            target = resumed + 1
    return target


def merged(pauses: Iterable[Pause]) -> list[Pause]:
    """The same stopped time as pauses in order that do not overlap; reasons of joined ones are listed."""
    joined: list[Pause] = []
    for pause in sorted(pauses, key=lambda p: p.start):
        if pause.end is not None and pause.end <= pause.start:
            continue
        last = joined[-1] if joined else None
        if last is not None and (last.end is None or pause.start <= last.end):
            joined[-1] = _union(last, pause)
        else:
            joined.append(pause)
    return joined


def _union(a: Pause, b: Pause) -> Pause:
    end = None if a.end is None or b.end is None else max(a.end, b.end)
    return Pause(a.start, end, "；".join(dict.fromkeys(why for why in (a.why, b.why) if why)))


# Gauges and warnings on the way to a due time


def before(limit: Duration, *, due_at: datetime, calendar: WorkCalendar) -> datetime:
    """The instant with exactly this limit left: the close one working day before, the same clock time 24h before ...

    For wd and d the close (24:00) of the day that many counted days before the due day.
    """
    due_at = calendar.local(due_at)
    if limit.unit == "d":
        return calendar.midnight(date.fromordinal((due_at - MOMENT).toordinal() + 1 - limit.n))
    measure = MEASURES[limit.unit]
    reached = measure.follow(calendar, due_at)
    return measure.end(calendar, reached - limit.n * measure.unit)


def used_fraction(
    at: datetime,
    start: datetime,
    due_at: datetime,
    calendar: WorkCalendar,
    limit: Duration,
    segments: Iterable[Segment] = (),
) -> float:
    """The part of the time that is used at an instant: 0 at the start, 1 when due, above 1 when late.

    Working limits (wd, wh) are measured in working minutes, the others in time; pauses are left out of both.
    """
    spent = _spending(calendar, limit, segments)
    whole = spent(due_at) - spent(start)
    if whole <= 0:
        return 1.0 if at >= due_at else 0.0
    return max(0.0, (spent(at) - spent(start)) / whole)


def moment_of_fraction(
    fraction: float,
    start: datetime,
    due_at: datetime,
    calendar: WorkCalendar,
    limit: Duration,
    segments: Iterable[Segment] = (),
) -> datetime:
    """The earliest instant at which this part of the time (from 0 to 1) is used: when a 75 % reminder is sent."""
    working = limit.unit in ("wh", "wd")
    measure = MEASURES["wh" if working else "uh"]
    pauses = merged(s for s in segments if isinstance(s, Pause))
    spent = _spending(calendar, limit, segments)
    origin = measure.mark(calendar, start)
    target = origin + round(fraction * (spent(due_at) - spent(start)))
    shifted = _pushed_out(measure, calendar, origin, target, pauses)
    return due_at if shifted is None else min(due_at, max(start, measure.end(calendar, shifted)))


def _spending(calendar: WorkCalendar, limit: Duration, segments: Iterable[Segment]) -> Callable[[datetime], int]:
    """Microseconds that count, up to an instant, with pauses taken out."""
    mark = MEASURES["wh" if limit.unit in ("wh", "wd") else "uh"].mark
    pauses = merged(s for s in segments if isinstance(s, Pause))

    def spent(at: datetime) -> int:
        stopped = 0
        for pause in pauses:
            if pause.start < at:
                end = at if pause.end is None else min(pause.end, at)
                stopped += mark(calendar, end) - mark(calendar, pause.start)
        return mark(calendar, at) - stopped

    return spent
