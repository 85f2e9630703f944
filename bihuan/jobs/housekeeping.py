"""What is done every night: forget what need not be kept, and check that the record is whole.

Each chore stands alone: one that fails is logged and shown to the administrator, and the others are done.
"""

import json
import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import models
from django.utils.timezone import localtime

from bihuan.book import ledger, messages, tallies
from bihuan.dossier import photos, subjects, texts, vault
from bihuan.dossier.models import Contact, Photo, Text
from bihuan.jobs.integrity import check_cases, check_offers, check_standings
from bihuan.ladder.actions import placing
from bihuan.loop.models import Case, WrongTail
from bihuan.net.regions import across_regions
from bihuan.programs import versions

log = logging.getLogger(__name__)

NIGHT = 3  # o'clock, local time
LATE = timedelta(hours=26)  # a machine that was off at night does it as soon as it is on again
SPOOL_KEPT = timedelta(days=30)
LOGINS_KEPT = 90  # days
SUNDAY = 6
BATCH = 500
GROUND = "保存期满"


def is_time(at: datetime) -> bool:
    """Whether the house should be kept now; asked once an hour."""
    last = last_time().get("at")
    if last is None:
        return True
    since = at - datetime.fromisoformat(last)
    return since > LATE or (localtime(at).hour == NIGHT and since > timedelta(hours=1))


def keep_house(at: datetime) -> dict[str, Any]:
    """Do every chore; returns and keeps {"at": ..., "done": {chore: number}, "failed": {chore: why}, "breaks": [...]}."""
    report: dict[str, Any] = {"at": at.isoformat(), "done": {}, "failed": {}, "breaks": []}
    for name, chore in _CHORES.items():
        try:
            report["done"][name] = chore(at)
        except Exception as error:  # the other chores must be done all the same
            log.exception("housekeeping: %s failed", name)
            report["failed"][name] = f"{type(error).__name__}: {error}"[:300]
    report["breaks"] = _check_record(at, report)
    _remember(report)
    return report


def _drop_old_spool(at: datetime) -> int:
    """Files of sent messages hold phones: the gateway took them long ago."""
    before = localtime(at - SPOOL_KEPT).date()
    old = [path for path in messages.spool().glob("*.jsonl") if date.fromisoformat(path.stem) < before]
    for path in old:
        path.unlink()
    return len(old)


def _drop_wrong_tails(at: datetime) -> int:
    return WrongTail.objects.filter(at__lt=at - timedelta(days=1)).delete()[0]


def _drop_sessions(at: datetime) -> int:
    call_command("clearsessions")
    call_command("axes_reset_logs", age=LOGINS_KEPT, verbosity=0)
    return 0


def erase_expired(at: datetime) -> int:
    """Erase contacts, words and photos of cases that ended longer ago than BIHUAN_KEEP_PERSONAL_DAYS; 0 keeps all."""
    if not settings.KEEP_PERSONAL_DAYS:
        return 0
    before = at - timedelta(days=settings.KEEP_PERSONAL_DAYS)
    with across_regions("the time of keeping is the same everywhere"):
        ended = models.Exists(_ended(before))
        erased = sum(_erase_all(kind, erase, ended, at) for kind, erase in _ERASERS.items())
        return erased + Photo.objects.filter(ended).delete()[0]  # their files go with the sweep of forgotten ones


def _ended(before: datetime) -> models.QuerySet[Case]:
    whose = {"region_id": models.OuterRef("region_id"), "pk": models.OuterRef("case_id")}
    return Case.objects.filter(**whose, closed_at__lt=before)


_ERASERS: dict[type[models.Model], Callable[..., None]] = {Contact: vault.erase_contact, Text: texts.erase}


def _erase_all(kind: type[models.Model], erase: Callable[..., None], ended: models.Exists, at: datetime) -> int:
    erased = 0
    while batch := list(kind.objects.filter(ended, erased_at=None)[:BATCH]):
        for row in batch:
            erase(row, by=None, at=at, ground=GROUND)
        erased += len(batch)
    return erased


_CHORES: dict[str, Callable[[datetime], int]] = {
    "erased": erase_expired,
    "photos": photos.drop_unclaimed,
    "places": lambda at: subjects.place_anew(),
    "standings": placing.follow_net,
    "hours": tallies.prune,
    "spool": _drop_old_spool,
    "tails": _drop_wrong_tails,
    "sessions": _drop_sessions,
}


def _check_record(at: datetime, report: dict[str, Any]) -> list[str]:
    """Verify what changed since two days ago, on Sundays everything; a break is an alarm."""
    since = None if localtime(at).weekday() == SUNDAY else at - timedelta(days=2)
    try:
        found = check_cases(since=since)
        others = [*check_standings(since=since).breaks, *check_offers(since=since).breaks]
        breaks = [*found.breaks, *others, *ledger.verify(since=since).breaks, *versions.broken()]
    except Exception as error:  # the administrator must see the report even so
        log.exception("housekeeping: the record could not be checked")
        report["failed"]["record"] = f"{type(error).__name__}: {error}"[:300]
        return []
    report["done"]["record"] = found.events
    if breaks:
        log.error("the record is broken in %s places, first: %s", len(breaks), breaks[0])
    return [str(one) for one in breaks[:100]]


def _notebook() -> Path:
    return Path(settings.VAR) / "run" / "housekeeping.json"


def _remember(report: dict[str, Any]) -> None:
    path = _notebook()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(report, ensure_ascii=False), encoding="utf-8")
    draft.replace(path)


def last_time() -> dict[str, Any]:
    """The report of the last night; empty when there was none."""
    try:
        return json.loads(_notebook().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
