"""The sweep: fires timers whose time has come, and marks duties late. Two sweepers may run; each acts once (K3)."""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from bihuan.ladder import timers
from bihuan.ladder.actions.duties import mark_late
from bihuan.ladder.models import Duty, Standing
from bihuan.ladder.record import fire_due

log = logging.getLogger(__name__)

REST = timedelta(minutes=5)
_failed: dict[int, datetime] = {}  # standings whose clock could not fire, by this process


def sweep(at: datetime, limit: int = 200) -> int:
    """Fire what is due at `at`, the longest due first; returns how many standings were touched.

    A standing that somebody else holds locked is left to the next sweep. One that fails is logged, rests for five minutes
    and delays no other.
    """
    for pk in [pk for pk, failed in _failed.items() if failed + REST <= at]:
        del _failed[pk]
    due = list(timers.lapsed(at).values_list("standing_id", flat=True)[: limit + len(_failed)])
    touched = [pk for pk in dict.fromkeys(due) if pk not in _failed and _sweep_standing(pk, at)]
    return len(touched) + sum(_mark(duty, at) for duty in _late(at, limit))


def _sweep_standing(pk: int, at: datetime) -> bool:
    try:
        with transaction.atomic():
            standing = Standing.objects.select_for_update(skip_locked=True, of=("self",)).select_related("subject")
            found = standing.filter(pk=pk).first()
            return found is not None and fire_due(found, at=at) > 0
    except Exception:
        log.exception("a timer could not fire", extra={"standing": pk})
        _failed[pk] = at
        return False


def _late(at: datetime, limit: int) -> list[Duty]:
    open_late = Duty.objects.filter(due_at__lte=at, late=False, done_at=None, dropped_at=None)
    rows = open_late.exclude(standing__in=list(_failed)).order_by("due_at", "id")
    return list(rows.select_related("standing")[:limit])


def _mark(duty: Duty, at: datetime) -> bool:
    try:
        return mark_late(duty, at=at)
    except Exception:
        log.exception("a duty could not be marked late", extra={"standing": duty.standing_id})
        _failed[duty.standing_id] = at
        return False
