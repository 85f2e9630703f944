"""Limits of stages, steps and objections: counted by the calendar of the subject's county, fired once each (K3)."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from bihuan.ladder.models import Objection, Pass, Standing, Timer
from bihuan.lib import worktime
from bihuan.lib.worktime import Duration
from bihuan.net.calendar import calendar_for


def due(standing: Standing, limit: Duration, *, start: datetime) -> datetime:
    """When a limit from `start` ends for this standing."""
    return worktime.due(limit, start=start, calendar=calendar_for(standing.region_id))


def start(
    standing: Standing,
    key: str,
    limit: Duration,
    *,
    at: datetime,
    passing: Pass | None = None,
    objection: Objection | None = None,
) -> Timer:
    """Start a timer; one of that key still running is stopped first."""
    stop(standing, [key], at=at)
    return Timer.objects.create(
        standing=standing,
        passing=passing,
        objection=objection,
        key=key,
        limit=str(limit),
        started_at=at,
        due_at=due(standing, limit, start=at),
    )


def stop(standing: Standing, keys: Iterable[str], *, at: datetime) -> None:
    running(standing).filter(key__in=list(keys)).update(stage=Timer.Stage.STOPPED, ended_at=at)


def stop_pass(passing: Pass, *, at: datetime) -> None:
    """Stop whatever runs for a pass."""
    running(passing.standing).filter(passing=passing).update(stage=Timer.Stage.STOPPED, ended_at=at)


def running(standing: Standing) -> QuerySet[Timer]:
    return Timer.objects.filter(standing=standing, stage=Timer.Stage.RUNNING)


def of_stage(standing: Standing) -> set[str]:
    """The keys of the clocks that run in the stage."""
    return set(running(standing).filter(passing=None).values_list("key", flat=True))


def lapsed(at: datetime) -> QuerySet[Timer]:
    """Running timers that are due, the longest due first. A stage's clock waits while its standing is in a gate."""
    waiting = Pass.objects.filter(standing=OuterRef("standing"), ended_at=None)
    due_now = Timer.objects.filter(stage=Timer.Stage.RUNNING, due_at__lte=at).order_by("due_at", "id")
    return due_now.filter(Q(passing__isnull=False) | ~Exists(waiting))
