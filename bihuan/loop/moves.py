"""The one place that asks whether a move is legal: the version's moves, read under the row lock."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from bihuan.book.journal import Acting, who
from bihuan.book.models import Actor
from bihuan.lib import worktime
from bihuan.loop.models import Case, CaseEvent, State
from bihuan.net.calendar import calendar_for
from bihuan.net.models import Posting
from bihuan.programs import versions
from bihuan.programs.document import CaseProgram, Move


class IllegalMove(Exception):
    """The case is not where this can be done, or not by this post. The message is fit for the user."""


class Missing(Exception):
    """An act lacks something its program asks for. `field` names the ask; the message is fit for the user."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def rules_of(case: Case) -> CaseProgram:
    """The program the case was filed under: a published version never changes."""
    return versions.rules(case.version)


def require_move(case: Case, verb: str, *, by: Acting, outcome: str | None = None) -> Move:
    """The move `verb` (with this outcome) from the case's present state, if the program lets `by` make it.

    Raises IllegalMove with a sentence that names the state.
    """
    move = rules_of(case).move(verb, case.state, outcome, found=is_found(case))
    if move is None:
        raise IllegalMove(f"工单当前为“{State(case.state).label}”，不能进行这一步操作。请刷新后再看。")
    if post_of(by) not in move.by:
        raise IllegalMove(f"您的岗位不能对工单进行“{move.title}”。")
    if move.after and case.ending not in move.after:
        raise IllegalMove(f"这件工单的办结方式不适用“{move.title}”。")
    return move


def is_found(case: Case) -> bool:
    """Whether a grid worker found the matter: then the finder checks it, not a call to a resident."""
    return case.finder is not None


def require_asks(case: Case, move: Move, *, by: Acting, **answers: Any) -> None:
    """Hold a person to what the program asks of the move: `require_asks(case, move, by=by, text=text, photo=pictures)`.

    Blank words, None and empty lists answer nothing; the clock, acting for nobody, is asked nothing.
    Raises Missing for the first ask without an answer.
    """
    if post_of(by) == "clock":
        return
    given = {ask for ask, answer in answers.items() if _says_something(answer)}
    for ask in move.needs:
        if ask not in given:
            title = rules_of(case).asks[ask].title
            raise Missing(ask, f"请附上“{title}”再提交。" if ask == "photo" else f"请填写“{title}”。")


def _says_something(answer: Any) -> bool:
    return bool(answer.strip()) if isinstance(answer, str) else answer is False or bool(answer)


def require_room(case: Case, move: Move, *, by: Acting, at: datetime) -> None:
    """Hold the move to its time and number: not too late after the last one, not too often in all or in a day.

    `per_day` bounds residents, and counts only what they did themselves. Raises IllegalMove. At most one query, none
    for a move without such bounds.
    """
    if move.within and at > worktime.due(
        move.within, start=case.closed_at or case.filed_at, calendar=calendar_for(case.region_id)
    ):
        raise IllegalMove(f"已超过可以“{move.title}”的期限。")
    per_day = move.per_day if post_of(by) == Actor.RESIDENT else None
    if not (move.at_most or per_day):
        return
    acts = list(_events(case).filter(verb=move.verb).values_list("actor", "at"))
    if move.at_most and len(acts) >= move.at_most:
        raise IllegalMove(f"“{move.title}”最多{move.at_most}次，已经用完了。")
    day = timezone.localdate(at)
    own = [moment for actor, moment in acts if actor == Actor.RESIDENT and timezone.localdate(moment) == day]
    if per_day and len(own) >= per_day:
        raise IllegalMove(f"“{move.title}”每天最多{per_day}次，请明天再来。")


def _events(case: Case) -> QuerySet[CaseEvent]:
    return CaseEvent.objects.filter(region_id=case.region_id, case_id=case.pk)


def post_of(by: Acting) -> str:
    """The post a program names in `by`: a role, "resident" or "clock"."""
    if isinstance(by, Posting):
        return by.role
    return "clock" if by.actor in (Actor.CLOCK, Actor.SYSTEM) else who(by).actor


def possible(case: Case, by: Acting) -> tuple[Move, ...]:
    """The moves this post may make now, in the program's order: what a page offers."""
    moves = rules_of(case).moves_from(case.state, by=post_of(by), found=is_found(case))
    return tuple(move for move in moves if not move.after or case.ending in move.after)
