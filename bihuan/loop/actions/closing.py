"""Whether it was done, asked of the resident: closed, done again, taken back or urged."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from bihuan.book.journal import RESIDENT, Acting
from bihuan.dossier.models import Photo
from bihuan.loop.actions.verifying import check, redone, require_other_hands, settled
from bihuan.loop.models import Case, CaseEvent, Check
from bihuan.loop.moves import Missing, require_asks, require_move, require_room
from bihuan.loop.record import advance, claim, locked, words
from bihuan.net.models import Posting

SATISFIED = 3  # 基本满意: from here up a rating is no complaint


@transaction.atomic
def call_back(
    case: Case,
    *,
    reached: bool,
    by: Posting,
    at: datetime,
    contacted: bool | None = None,
    solved: bool | None = None,
    satisfied: int | None = None,
    text: str = "",
) -> CaseEvent:
    """The centre asks the resident: did the unit contact you, is it solved, how content are you (1 to 5)?

    Solved and content closes it; not solved or not content sends it back to be done again. Not reached: the attempt is
    counted, and when the time for calling back is over the clock closes the case as unreached (未接通).
    Raises IllegalMove, OwnWork, Missing (not solved needs what the resident said).
    """
    case = locked(case, at=at)
    require_other_hands(case, by)
    if not reached:
        return _not_reached(case, by, at, text)
    if solved is None or satisfied not in range(1, 6):
        raise Missing("satisfied" if solved is not None else "solved", "请逐项填写回访结果。")
    content = solved and satisfied >= SATISFIED
    move = require_move(case, "call_back", by=by, outcome="solved" if content else "unsolved")
    require_asks(case, move, by=by, contacted=contacted, satisfied=satisfied, text=text)
    said = words(case, text) if text.strip() or not content else {}
    asked = {"contacted": contacted, "solved": solved, "satisfied": satisfied}
    check(case, Check.Kind.CALL_BACK, by, at, **asked, text_id=said.get("text"))
    changes = settled(case) | {"rating": satisfied} if content else redone(case)
    return advance(case, move, by=by, at=at, changes=changes, facts={**asked, **said})


def _not_reached(case: Case, by: Posting, at: datetime, text: str) -> CaseEvent:
    move = require_move(case, "call_back", by=by, outcome="unreached")
    said = words(case, text) if text.strip() else {}
    check(case, Check.Kind.CALL_BACK, by, at, reached=False, text_id=said.get("text"))
    return advance(case, move, by=by, at=at, changes={"calls": case.calls + 1}, facts=said)


@transaction.atomic
def confirm(
    case: Case,
    *,
    solved: bool,
    at: datetime,
    satisfied: int | None = None,
    contacted: bool | None = None,
    text: str = "",
    pictures: Sequence[str] = (),
) -> CaseEvent:
    """The resident says on the page: solved (确认解决) or not (没解决). That is the call-back; nobody needs to phone.

    Raises IllegalMove, Missing, BadPhoto.
    """
    case = locked(case, at=at)
    move = require_move(case, "confirm", by=RESIDENT, outcome="solved" if solved else "unsolved")
    if satisfied is not None and satisfied not in range(1, 6):
        raise Missing("satisfied", "请选择满意程度。")
    claim(case, pictures, Photo.Stage.CHECK)
    said = words(case, text) if text.strip() else {}
    rating = satisfied if satisfied is not None else (5 if solved else 2)
    asked = {"contacted": contacted, "solved": solved, "satisfied": rating}
    check(case, Check.Kind.CALL_BACK, RESIDENT, at, **asked, text_id=said.get("text"))
    changes = settled(case) | {"rating": rating} if solved else redone(case)
    return advance(case, move, by=RESIDENT, at=at, changes=changes, facts={**asked, **said})


@transaction.atomic
def reopen(case: Case, *, text: str, at: datetime, by: Acting = RESIDENT, pictures: Sequence[str] = ()) -> CaseEvent:
    """Within 30 days of a closing nobody could confirm, the resident says that it is not solved: it is done again.

    Raises IllegalMove, NoWords, BadPhoto.
    """
    case = locked(case, at=at)
    move = require_move(case, "redo", by=by)
    require_room(case, move, by=by, at=at)
    claim(case, pictures, Photo.Stage.CHECK)
    changes = redone(case) | {"closed_at": None, "ending": "", "settled_level": None}
    return advance(case, move, by=by, at=at, changes=changes, facts=words(case, text))


@transaction.atomic
def withdraw(case: Case, *, at: datetime, by: Acting = RESIDENT, text: str = "") -> CaseEvent:
    """The resident takes the matter back, on the page or by telling the agent. Raises IllegalMove."""
    case = locked(case, at=at)
    move = require_move(case, "withdraw", by=by)
    return advance(case, move, by=by, at=at, facts=words(case, text) if text.strip() else {})


@transaction.atomic
def urge(case: Case, *, by: Acting, at: datetime, text: str = "") -> CaseEvent:
    """Ask the unit to hurry (催办): the resident once a day, the centre as it sees fit."""
    case = locked(case, at=at)
    move = require_move(case, "urge", by=by)
    require_room(case, move, by=by, at=at)
    return advance(case, move, by=by, at=at, facts=words(case, text) if text.strip() else {})
