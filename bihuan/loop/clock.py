"""Clocks of a case: limits from its program, counted by the calendar of the region where it was filed (K1).

A clock's `due_at` is always computed from its start, its limit and its ledger of pauses and extensions, never added to.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from bihuan.lib import worktime
from bihuan.lib.worktime import Duration, WorkCalendar
from bihuan.loop.categories import lineage
from bihuan.loop.models import Case, Clock
from bihuan.loop.moves import rules_of
from bihuan.net.calendar import calendar_for


def calendar(case: Case) -> WorkCalendar:
    """The calendar of the case's region in force now."""
    return calendar_for(case.region_id)


def limit_for(case: Case, key: str) -> Duration:
    """The limit of the clock `key` for this case's type, urgency and category."""
    keys = [category.key for category in lineage(case.category_id)]
    return rules_of(case).clock_limit(key, type=case.type, urgency=case.urgency, category=keys)


def start(case: Case, key: str, *, at: datetime) -> Clock:
    """Start the clock `key` at `at`; a clock of that key still running is stopped first. Returns the running clock."""
    stop(case, [key], at=at)
    limit = limit_for(case, key)
    due = worktime.due(limit, start=at, calendar=calendar(case))
    clock = Clock.objects.create(
        region_id=case.region_id, case_id=case.pk, key=key, limit=str(limit), started_at=at, due_at=due
    )
    case.ticking = sorted([*ticking(case), clock], key=_order)
    return clock


def stop(case: Case, keys: Iterable[str], *, at: datetime) -> None:
    """Stop the running clocks with these keys. A statement only if there are any."""
    ended = [clock.pk for clock in ticking(case) if clock.key in keys]
    if ended:
        _of(case).filter(pk__in=ended).update(stage=Clock.Stage.STOPPED, ended_at=at)
        case.ticking = [clock for clock in ticking(case) if clock.pk not in ended]


def ticking(case: Case) -> list[Clock]:
    """The running clocks of a locked case, the first due first: read once for an act, kept up by `start` and `stop`."""
    if case.ticking is None:
        case.ticking = sorted(running(case), key=_order)
    return case.ticking


def _order(clock: Clock) -> tuple[datetime, int]:
    return clock.due_at, clock.pk


def running(case: Case) -> QuerySet[Clock]:
    """The running clocks of a case."""
    return _of(case).filter(stage=Clock.Stage.RUNNING)


def _of(case: Case) -> QuerySet[Clock]:
    return Clock.objects.filter(region_id=case.region_id, case_id=case.pk)


def promised(case: Case) -> Clock | None:
    """The clock behind the promise made to the resident: the last one the program calls a promise."""
    keys = [key for key, rule in rules_of(case).clocks.items() if rule.promise]
    return _of(case).filter(key__in=keys).order_by("-started_at", "-id").first()


def explain(case: Case, *, lang: str = "zh") -> list[worktime.Line]:
    """Why the promise ends then: the arithmetic of its clock, line by line. Empty before a promise. One query."""
    clock = promised(case)
    return [] if clock is None else told(case, clock, lang=lang)


def told(case: Case, clock: Clock, *, lang: str = "zh") -> list[worktime.Line]:
    """The arithmetic of one clock, line by line. No query."""
    limit = Duration.parse(clock.limit)
    return worktime.explain(limit, start=clock.started_at, calendar=calendar(case), segments=segments(clock), lang=lang)


def used(case: Case, clock: Clock, *, due: datetime, at: datetime) -> float:
    """The part of a clock's time that is used at an instant: 1 when due, more when late. No query."""
    limit = Duration.parse(clock.limit)
    return worktime.used_fraction(at, clock.started_at, due, calendar(case), limit, segments(clock))


def segments(clock: Clock) -> list[worktime.Pause | worktime.Extension]:
    """The clock's ledger as segments of working time."""
    return [_segment(entry) for entry in clock.ledger]


def _segment(entry: dict) -> worktime.Pause | worktime.Extension:
    if entry["kind"] == "extend":
        at = datetime.fromisoformat(entry["at"])
        return worktime.Extension(Duration.parse(entry["limit"]), at=at, why=entry["why"])
    end = entry.get("end") and datetime.fromisoformat(entry["end"])
    return worktime.Pause(datetime.fromisoformat(entry["start"]), end or None, why=entry["why"])
