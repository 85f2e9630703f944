"""Looked at on site: by the finder, another grid worker or the level above - never by who handled it (L3)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from bihuan.book.journal import Acting, who
from bihuan.book.models import Outbox
from bihuan.dossier.models import Photo
from bihuan.loop.models import Case, CaseEvent, Check, Task
from bihuan.loop.moves import require_asks, require_move
from bihuan.loop.record import advance, claim, locked, words
from bihuan.loop.touching import hints
from bihuan.net import tree
from bihuan.net.models import Posting
from bihuan.net.postings import is_standing


class OwnWork(Exception):
    """Nobody verifies what he handled himself (L3)."""

    def __init__(self) -> None:
        super().__init__("不能核查自己办理的工单，请由其他人核查。")


@transaction.atomic
def verify(
    case: Case, *, passed: bool, text: str, by: Posting, at: datetime, pictures: Sequence[str] = ()
) -> CaseEvent:
    """The finder, or another grid worker, looks on site whether it was done: passed closes it, failed sends it back.

    Raises IllegalMove, OwnWork, Missing (the program asks for a photo, and for the reason of a failure), BadPhoto.
    """
    case = locked(case, at=at)
    move = require_move(case, "verify", by=by, outcome="pass" if passed else "fail")
    require_other_hands(case, by)
    require_asks(case, move, by=by, photo=pictures, text=text)
    claim(case, pictures, Photo.Stage.CHECK)
    said = words(case, text) if text or not passed else {}
    check(case, Check.Kind.VERIFY, by, at, passed=passed, solved=passed, text_id=said.get("text"))
    changes = settled(case) if passed else redone(case)
    return advance(case, move, by=by, at=at, changes=changes, facts=said)


def require_other_hands(case: Case, by: Acting) -> None:
    """Hold a check to somebody who had no hand in the work (L3). Raises OwnWork."""
    if isinstance(by, Posting) and by.person_id in handled_by(case):
        raise OwnWork


def handled_by(case: Case) -> set[int]:
    """The persons who had a hand in doing it: who signed, contacted, reported, replied, approved."""
    deeds = CaseEvent.objects.filter(region_id=case.region_id, case_id=case.pk, posting__isnull=False)
    postings = deeds.filter(verb__in=["sign", "contact", "assist", "reply", "approve"]).values("posting")
    return set(Posting.objects.filter(pk__in=postings).values_list("person_id", flat=True))


def open_verification(case: Case, *, at: datetime, above: bool = False) -> None:
    """Ask for a check on site: the finder if he had no hand in it, else the unit over his grid (its queue). When the
    finder has left his posting, whoever holds it now finds the check in the queue of his grid.

    above: nobody came in time, so the check goes one level up.
    """
    tasks = Task.objects.filter(region_id=case.region_id, case_id=case.pk, kind=Task.Kind.VERIFY, stage=Task.Stage.OPEN)
    last = tasks.first()
    tasks.update(stage=Task.Stage.DROPPED, ended_at=at)
    finder = Posting.objects.select_related("unit").get(pk=case.finder)
    own = not above and finder.person_id not in handled_by(case)
    unit = finder.unit_id if own else _over(last.unit_id if last else finder.unit_id)
    Task.objects.create(
        region_id=case.region_id,
        case_id=case.pk,
        kind=Task.Kind.VERIFY,
        unit_id=unit,
        posting=finder.pk if own and is_standing(finder, timezone.localdate(at)) else None,
        opened_at=at,
        due_at=case.due_at,
    )
    Outbox.objects.bulk_create(hints(case, [unit], at=at))


def _over(unit_id: int) -> int:
    path = tree.snapshot().unit(unit_id).path
    return path[-2] if len(path) > 1 else unit_id


def settled(case: Case) -> dict[str, Any]:
    """The columns of a case that was settled: by which level (M02)."""
    return {"settled_level": _settled_level(case)}


def _settled_level(case: Case) -> int:
    """The level of the lowest unit that did the work: the one answerable, or one it was handed down to."""
    done = Task.objects.filter(
        region_id=case.region_id, case_id=case.pk, kind=Task.Kind.HAND, stage=Task.Stage.DONE
    ).values_list("unit_id", flat=True)
    net = tree.snapshot()
    return max(net.unit(unit).level for unit in (case.unit_id, *done))


def redone(case: Case) -> dict[str, Any]:
    """The columns of a case sent back to be done again (二次办理); the first reply's time stays a fact of the journal."""
    return {"redos": case.redos + 1, "result": "", "replied_at": None, "calls": 0}


def check(case: Case, kind: Check.Kind, by: Acting, at: datetime, **found: Any) -> None:
    Check.objects.create(
        region_id=case.region_id,
        case_id=case.pk,
        kind=kind,
        at=at,
        posting=who(by).posting,
        round=case.redos,
        unit_id=case.unit_id,
        **found,
    )
