"""In the unit's hands: first contact, work handed down or shared, the reply and its approval."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from bihuan.book.journal import Acting
from bihuan.dossier.models import Photo
from bihuan.loop.access import NotYours, require_owner
from bihuan.loop.actions.dispatching import BadUnit, open_tasks
from bihuan.loop.actions.verifying import open_verification
from bihuan.loop.models import Case, CaseEvent, State, Task
from bihuan.loop.moves import IllegalMove, require_asks, require_move
from bihuan.loop.record import advance, claim, locked, words
from bihuan.net import tree
from bihuan.net.models import Posting, Unit
from bihuan.net.postings import is_same_person


@transaction.atomic
def contact(case: Case, *, text: str, by: Acting, at: datetime) -> CaseEvent:
    """First contact with the resident (先行联系): how, when and what was said. By the clock: nobody called in time.

    Raises IllegalMove, NotYours, NoWords.
    """
    case = locked(case, at=at)
    move = require_move(case, "contact", by=by)
    require_owner(by, case)
    if not isinstance(by, Posting):
        return advance(case, move, by=by, at=at)
    require_asks(case, move, by=by, text=text)
    return advance(case, move, by=by, at=at, changes={"contacted_at": at}, facts=words(case, text))


@transaction.atomic
def hand_down(
    case: Case, *, to: Unit, by: Posting, at: datetime, worker: Posting | None = None, note: str = ""
) -> CaseEvent:
    """The lead unit has part of the work done by a unit below it, or by one grid worker there; it stays answerable.

    Raises IllegalMove, NotYours, or BadUnit (`to` is not below the unit, is closed, or has the work already).
    """
    case = locked(case, at=at)
    move = require_move(case, "hand_down", by=by)
    require_owner(by, case)
    require_asks(case, move, by=by, unit=to)
    if not is_below(to, by.unit) or (worker and worker.unit_id != to.pk):
        raise BadUnit(f"“{to.name}”不是本单位的下级，不能交办。")
    if tree.keep_living([to.pk]):
        raise BadUnit(f"“{to.name}”已经撤销，请另选单位。")
    if open_tasks(case).filter(unit_id=to.pk, kind=Task.Kind.HAND).exists():
        raise BadUnit(f"已经交办给“{to.name}”，还没有完成。")
    Task.objects.create(
        region_id=case.region_id,
        case_id=case.pk,
        kind=Task.Kind.HAND,
        unit_id=to.pk,
        posting=worker and worker.pk,
        opened_at=at,
        due_at=case.promise_at,
    )
    facts = {"unit": to.pk, "worker": worker and worker.pk, **(words(case, note) if note else {})}
    return advance(case, move, by=by, at=at, facts=facts)


def is_below(unit: Unit, above: Unit) -> bool:
    """Whether a unit hangs under another, or is a grid or area inside the area the other one governs."""
    if above.pk in unit.path[:-1]:
        return True
    # A town's office governs the area it is posted in: 街道办 -> 社区 -> 网格.
    return above.level >= 4 and getattr(above, f"l{min(above.level, 5)}") in tree.snapshot().unit(unit.pk).path[:-1]


@transaction.atomic
def assist(case: Case, *, text: str, by: Posting, at: datetime, pictures: Sequence[str] = ()) -> CaseEvent:
    """An assisting unit, or the one it was handed down to, reports its part as done.

    Raises IllegalMove, NotYours (no open task here for this posting), NoWords, BadPhoto.
    """
    case = locked(case, at=at)
    move = require_move(case, "assist", by=by)
    mine = Q(posting=by.pk) | Q(posting=None, unit_id=by.unit_id)
    task = open_tasks(case).filter(mine, kind__in=[Task.Kind.ASSIST, Task.Kind.HAND]).first()
    if task is None:
        raise NotYours
    require_asks(case, move, by=by, text=text, photo=pictures)
    said = words(case, text)
    task.stage, task.ended_at, task.posting, task.text_id = Task.Stage.DONE, at, by.pk, said["text"]
    task.save(update_fields=["stage", "ended_at", "posting", "text_id"])
    claim(case, pictures, Photo.Stage.AFTER)
    return advance(case, move, by=by, at=at, facts={"unit": task.unit_id, "task": task.kind, **said})


@transaction.atomic
def reply(case: Case, *, result: str, text: str, by: Posting, at: datetime, pictures: Sequence[str] = ()) -> CaseEvent:
    """The unit answers: what was done, or why not. Its leader approves before the resident reads it.

    result: one of the results the program allows here. Raises IllegalMove (also while an assisting unit still works
    within its time), NotYours, NoWords, BadPhoto.
    """
    case = locked(case, at=at)
    move = require_move(case, "reply", by=by)
    require_owner(by, case)
    require_asks(case, move, by=by, result=result if result in move.results else "", text=text, photo=pictures)
    if (late := open_tasks(case).exclude(kind=Task.Kind.LEAD).filter(due_at__gt=at).first()) is not None:
        name = tree.snapshot().unit(late.unit_id).name
        raise IllegalMove(f"“{name}”还没有办完它的部分，请等它反馈或到期后再答复。")
    claim(case, pictures, Photo.Stage.AFTER)
    changes = {"result": result, "handler": by.pk}
    return advance(case, move, by=by, at=at, changes=changes, facts={"result": result, **words(case, text)})


@transaction.atomic
def approve(case: Case, *, passed: bool, by: Acting, at: datetime, text: str = "") -> CaseEvent:
    """The unit's leader lets the reply out, or sends the draft back with a reason.

    Let out, it is the unit's answer: whether it came in time is fixed now and never changes (overdue_raw).
    Nobody approves a reply of his own, whichever posting he wrote it in. Raises IllegalMove, NotYours, NoWords.
    """
    case = locked(case, at=at)
    move = require_move(case, "approve", by=by, outcome="pass" if passed else "send_back")
    require_owner(by, case)
    require_asks(case, move, by=by, text=text)
    if isinstance(by, Posting) and is_same_person(by, case.handler):
        raise IllegalMove("不能审核自己起草的答复。")
    if not passed:
        return advance(case, move, by=by, at=at, changes={"result": ""}, facts=words(case, text))
    changes = {"replied_at": at, "calls": 0}
    if case.overdue_raw is None:
        changes["overdue_raw"] = changes["overdue_scored"] = case.promise_at is not None and at > case.promise_at
    event = advance(case, move, by=by, at=at, changes=changes, facts=words(case, text) if text else {})
    if case.state == State.VERIFYING:
        open_verification(case, at=at)
    return event
