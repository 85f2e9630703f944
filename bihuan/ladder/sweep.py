"""The sweep: fires timers whose time has come, and marks duties late. Two sweepers may run; each acts once (K3)."""

import logging
from datetime import datetime, timedelta
from operator import itemgetter

from django.db import transaction

from bihuan.ladder import duties_due, timers
from bihuan.ladder.models import Standing
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
    most = limit + len(_failed)
    due = [*timers.lapsed(at).values_list("standing_id", "due_at")[:most]]
    due += duties_due.overdue(at).values_list("standing_id", "due_at")[:most]
    first = [pk for pk, _due in sorted(due, key=itemgetter(1)) if pk not in _failed]
    return sum(_sweep_standing(pk, at) for pk in list(dict.fromkeys(first))[:limit])


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
