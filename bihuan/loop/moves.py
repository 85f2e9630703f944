"""The one place that asks whether a move is legal: the version's moves, read under the row lock."""

from datetime import datetime

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


def require_room(case: Case, move: Move, *, at: datetime) -> None:
    """Hold the move to its time and number: not too late after the last one, not too often in all or in a day.

    Raises IllegalMove. At most one query, none for a move without such bounds.
    """
    if move.within and at > worktime.due(
        move.within, start=case.closed_at or case.filed_at, calendar=calendar_for(case.region_id)
    ):
        raise IllegalMove(f"已超过可以“{move.title}”的期限。")
    if move.at_most or move.per_day:
        moments = list(_events(case).filter(verb=move.verb).values_list("at", flat=True))
        today = [moment for moment in moments if timezone.localdate(moment) == timezone.localdate(at)]
        if (move.at_most and len(moments) >= move.at_most) or (move.per_day and len(today) >= move.per_day):
            raise IllegalMove(f"“{move.title}”的次数已用完。")


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
