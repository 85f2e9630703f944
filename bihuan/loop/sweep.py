"""The sweep: fires clocks whose time has come. Two sweepers may run at once; each clock fires once (K3)."""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from bihuan.loop.models import Case, Clock
from bihuan.loop.record import fire_due
from bihuan.net.regions import across_regions

log = logging.getLogger(__name__)


def sweep(at: datetime, limit: int = 200) -> list[int]:
    """Fire what is due at `at`, the longest due first; returns the regions touched.

    A case that somebody else holds locked is left to the next sweep. One failing case is logged, rests for a while and
    delays no other.
    """
    for case in [case for case, failed in _failed.items() if failed + REST <= at]:
        del _failed[case]
    return [region for region, case in _due(at, limit) if _sweep_case(region, case, at)]


REST = timedelta(minutes=5)
_failed: dict[tuple[int, int], datetime] = {}  # cases whose clock could not fire, by this process


def _due(at: datetime, limit: int) -> list[tuple[int, int]]:
    """The cases with a running clock that is due, without taking a lock; those that rest do not stand in the way."""
    with across_regions("clocks are swept wherever they run"):
        due = Clock.objects.filter(stage=Clock.Stage.RUNNING, due_at__lte=at).order_by("due_at", "id")
        rows = list(due.values_list("region_id", "case_id")[: limit + len(_failed)])
    return [case for case in dict.fromkeys(rows) if case not in _failed][:limit]


def _sweep_case(region_id: int, case_id: int, at: datetime) -> bool:
    try:
        with transaction.atomic():
            cases = Case.objects.select_for_update(skip_locked=True)
            case = cases.filter(region_id=region_id, pk=case_id).first()
            return case is not None and fire_due(case, at=at) > 0
    except Exception:
        log.exception("a clock could not fire", extra={"case": case_id, "region": region_id})
        _failed[region_id, case_id] = at
        return False
