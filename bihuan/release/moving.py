"""Moving those under way to a new version: in batches by the pump, or one by one with a reason.

Who was moved is no more under the old version, so a mover that is killed goes on where it stopped; what a version's
last moments still brought in is moved too.
"""

import logging
from collections import deque
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from bihuan.book.journal import SYSTEM
from bihuan.net.models import Posting
from bihuan.programs.changes import Klass
from bihuan.programs.models import Move, Version
from bihuan.release import tracks
from bihuan.release.publishing import Source, places_of
from bihuan.release.tracks import CannotMove, Live

log = logging.getLogger(__name__)

FETCHED = 10_000  # read at once; then taken from memory batch by batch
# Processes notice a new version within two seconds; what they file meanwhile under the old one must be moved as well.
LAST_COMERS = timedelta(seconds=10)
MOST_REASONS = 1000

_waiting: dict[int, deque[Live]] = {}  # by move, what this process has read and not yet moved


def run_due(at: datetime, limit: int = 50) -> int:
    """Move up to `limit` tracks of the first publication in force that still has some to move; returns how many it tried.

    Several may run at once: each takes another publication. Cheap when there is nothing to do.
    """
    waiting = Move.objects.filter(stage=Move.Stage.WAITING, since__lte=at).order_by("since", "id")
    for pk in list(waiting.values_list("pk", flat=True)):
        with transaction.atomic():
            rows = Move.objects.select_for_update(skip_locked=True, of=("self",)).filter(
                stage=Move.Stage.WAITING, pk=pk
            )
            move = rows.select_related("program", "from_version", "to_version").first()
            if move and (tried := _go_on(move, at, limit)):
                return tried
    return 0


def _go_on(move: Move, at: datetime, limit: int) -> int:
    batch = _batch(move, limit)
    if not batch:
        if at >= max(move.since, move.made_at) + LAST_COMERS:
            _finish(move, at)
        return 0
    kind, places, reasons = tracks.of(move.program.kind), _places(move), {}
    for track in batch:
        try:
            with transaction.atomic():
                gone = kind is not None and kind.move(track, move.to_version, places=places, by=SYSTEM, at=at)
            move.moved += gone
        except CannotMove as error:
            reasons[track.no] = str(error)
        except Exception:
            log.exception("a track could not be moved", extra={"what": track.no})
            reasons[track.no] = "移动时出错，仍按原版本办理。"
    move.reasons |= reasons
    move.left = len(move.reasons)
    move.save(update_fields=["moved", "left", "reasons"])
    return len(batch)


def _batch(move: Move, limit: int) -> list[Live]:
    queue = _waiting.setdefault(move.pk, deque())
    if not queue:
        kind = tracks.of(move.program.kind)
        live = kind.live(move.from_version_id, move.within_id, limit=FETCHED) if kind else []
        queue.extend(track for track in live if track.no not in move.reasons)
    return [queue.popleft() for _ in range(min(limit, len(queue)))]


def _finish(move: Move, at: datetime) -> None:
    _waiting.pop(move.pk, None)
    move.stage, move.ended_at = Move.Stage.DONE, at
    move.save(update_fields=["stage", "ended_at"])


def _places(move: Move) -> dict[str, str]:
    source = Source(move.from_version, move.to_version, move.within_id, Klass.WORDING, ())
    return places_of(source)


class NoReason(Exception):
    """Somebody is to be moved by a decision, and the decision does not say why."""

    def __init__(self) -> None:
        super().__init__("请写明为什么要改按新版本办理。")


@transaction.atomic
def move_one(kind: str, track: Live, to: Version, *, by: Posting, at: datetime, why: str) -> bool:
    """Move one track to a version on somebody's decision, also where the version is worse for the person: he is told.

    Returns whether it was moved (False: it is there already, or has ended). Raises NoReason, CannotMove.
    """
    if not why.strip():
        raise NoReason
    found = tracks.of(kind)
    was = found.version_of(track) if found else None
    if found is None or was is None:
        return False
    source = Source(Version.objects.select_related("program").get(pk=was), to, None, Klass.WORDING, ())
    moved = found.move(track, to, places=places_of(source), by=by, at=at, why=why)
    if moved:
        counted = Move.objects.filter(from_version=was, to_version=to, stage=Move.Stage.KEPT)
        counted.update(moved=F("moved") + 1, left=F("left") - 1)
    return moved
