"""From the centre to the unit that owes the duty: dispatched, signed, or handed back and decided."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from bihuan.book.journal import Acting
from bihuan.loop.access import require_owner
from bihuan.loop.categories import owed
from bihuan.loop.models import Case, CaseEvent, Category, Task
from bihuan.loop.moves import Missing, require_asks, require_move, require_room, rules_of
from bihuan.loop.record import advance, locked, words
from bihuan.net import tree
from bihuan.net.models import Kind, Posting, Unit
from bihuan.net.scope import require_scope


class BadUnit(Exception):
    """The case cannot go to this unit. The message is fit for the user."""


@transaction.atomic
def dispatch(
    case: Case,
    *,
    to: Unit,
    by: Acting,
    at: datetime,
    assisting: Iterable[Unit] = (),
    category: Category | None = None,
    urgency: str = "",
    note: str = "",
) -> CaseEvent:
    """Send a case to the unit that must handle it (主办), with others that assist (协办); its handling clock starts.

    category, urgency: set or corrected in the same act, because limits depend on them. The resident is told who has it
    and until when. Raises IllegalMove, Missing, OutOfScope (`to` lies outside the dispatcher's territory) or BadUnit.
    """
    case = locked(case, at=at)
    move = require_move(case, "dispatch", by=by)
    require_asks(case, move, by=by, unit=to)
    if urgency and urgency not in rules_of(case).urgencies:
        raise Missing("urgency", "请重新选择紧急程度。")
    assisting = _check_units(to, list(assisting), by)
    changes: dict[str, Any] = {"unit_id": to.pk, "dispatched_at": at, "handler": None}
    if category:
        changes["category_id"] = category.pk
    if urgency:
        changes["urgency"] = urgency
    basis = owed(case, category_id=changes.get("category_id", case.category_id), on=timezone.localdate(at))
    clause = basis.clause if basis and basis.unit_id == to.pk else ""
    facts = {"unit": to.pk, "assisting": [unit.pk for unit in assisting], "clause": clause}
    event = advance(case, move, by=by, at=at, changes=changes, facts=facts | (words(case, note) if note else {}))
    _hand_out(case, to, assisting, at)
    return event


def _check_units(to: Unit, assisting: list[Unit], by: Acting) -> list[Unit]:
    """The assisting units without repeats; raises when one of all cannot take a case or is out of the dispatcher's reach."""
    others = list({unit.pk: unit for unit in assisting if unit.pk != to.pk}.values())
    closed = tree.keep_living(unit.pk for unit in (to, *others))
    for unit in (to, *others):
        if unit.pk in closed or unit.kind == Kind.PARTY:
            raise BadUnit(f"“{unit.name}”不能承办工单，请另选单位。")
        if isinstance(by, Posting):
            require_scope(by, unit)
    return others


def _hand_out(case: Case, to: Unit, assisting: list[Unit], at: datetime) -> None:
    """Drop what was open before and open one task for each unit, due with the promise."""
    open_tasks(case).update(stage=Task.Stage.DROPPED, ended_at=at)
    given = {"region_id": case.region_id, "case_id": case.pk, "opened_at": at, "due_at": case.promise_at}
    Task.objects.bulk_create(
        Task(**given, kind=Task.Kind.LEAD if unit is to else Task.Kind.ASSIST, unit_id=unit.pk)
        for unit in (to, *assisting)
    )


def open_tasks(case: Case):  # type: ignore[no-untyped-def]
    """The case's tasks that somebody still owes."""
    return Task.objects.filter(region_id=case.region_id, case_id=case.pk, stage=Task.Stage.OPEN)


@transaction.atomic
def sign(case: Case, *, by: Acting, at: datetime) -> CaseEvent:
    """The unit takes the case in hand (签收). Raises IllegalMove, or NotYours when another unit has it."""
    case = locked(case, at=at)
    move = require_move(case, "sign", by=by)
    require_owner(by, case)
    changes = {"handler": by.pk} if isinstance(by, Posting) else {}
    if changes:
        open_tasks(case).filter(kind=Task.Kind.LEAD).update(posting=by.pk)
    return advance(case, move, by=by, at=at, changes=changes)


@transaction.atomic
def hand_back(case: Case, *, reason: str, text: str, by: Posting, at: datetime) -> CaseEvent:
    """The unit says it does not owe this duty (退单): a reason from the list, and the duty clause in words.

    No forward step happens until the centre decides. Raises IllegalMove (also when it was handed back as often as the
    program lets it be), NotYours, Missing, NoWords.
    """
    case = locked(case, at=at)
    move = require_move(case, "hand_back", by=by)
    require_owner(by, case)
    require_room(case, move, by=by, at=at)
    known = reason in rules_of(case).reasons[move.reasons or ""]
    require_asks(case, move, by=by, reason=reason if known else "", text=text)
    facts = {"reason": reason, **words(case, text)}
    return advance(case, move, by=by, at=at, changes={"hand_backs": case.hand_backs + 1}, facts=facts)


@transaction.atomic
def rule(case: Case, *, uphold: bool, text: str, by: Acting, at: datetime) -> CaseEvent:
    """The centre decides a hand-back: upheld, the case waits for another unit; refused, the unit keeps it (首接负责)."""
    case = locked(case, at=at)
    move = require_move(case, "rule", by=by, outcome="uphold" if uphold else "refuse")
    require_asks(case, move, by=by, text=text)
    return advance(case, move, by=by, at=at, facts=words(case, text) if text else {})
