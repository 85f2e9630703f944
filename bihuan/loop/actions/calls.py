"""A call at the hotline: it becomes a case in one step, or it becomes none and is only counted."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count
from django.utils import timezone

from bihuan.loop.actions import dispatching, intake
from bihuan.loop.actions.intake import Filed
from bihuan.loop.models import Call, Case, State
from bihuan.loop.report import BadReport, Report
from bihuan.net import tree
from bihuan.net.models import Posting, Unit

UNDONE_WITHIN = timedelta(minutes=10)  # a slip of the finger is taken back at once or not at all


def take(
    report: Report,
    *,
    by: Posting,
    at: datetime,
    answer: str = "",
    to: Unit | None = None,
    assisting: Iterable[Unit] = (),
) -> Filed:
    """File a caller's matter and, when the agent knows how, answer it at once or dispatch it.

    Filing commits by itself, so the number stands whatever becomes of the second step; the same report sent again
    (same `client_id`) goes on where the first sending ended. Raises what filing, answering and dispatching raise.
    """
    filed = intake.file(report, at=at, by=by)
    case = Case.objects.get(region_id=filed.region_id, pk=filed.id)
    if case.state == State.ACCEPTED and answer:
        intake.answer(case, answer, by=by, at=at)
    elif case.state == State.ACCEPTED and to is not None:
        dispatching.dispatch(case, to=to, assisting=assisting, by=by, at=at)
    return filed


def count_call(outcome: str, *, by: Posting, at: datetime, call_ref: str = "") -> Call:
    """A call that became no case: one press of a key, one row. Raises BadReport for an outcome that is none."""
    if outcome not in Call.Outcome.values:
        raise BadReport("outcome", "没有这一种来电结果，请重新选择。")
    region = tree.snapshot().region_of(by.unit_id)
    return Call.objects.create(region_id=region, at=at, posting=by.pk, outcome=outcome, call_ref=call_ref[:60])


def take_back_call(*, by: Posting, at: datetime) -> Call | None:
    """Uncount the agent's own last call of the last minutes; None when there is none."""
    region = tree.snapshot().region_of(by.unit_id)
    mine = Call.objects.filter(region_id=region, posting=by.pk, at__gt=at - UNDONE_WITHIN)
    last = mine.order_by("-at", "-id").first()
    if last is not None:
        Call.objects.filter(region_id=region, pk=last.pk).delete()
    return last


def calls_today(*, by: Posting, at: datetime) -> dict[str, int]:
    """How many calls of the agent's centre became no case today, by outcome. One query."""
    region = tree.snapshot().region_of(by.unit_id)
    midnight = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    told = Call.objects.filter(region_id=region, at__gte=midnight, at__lte=at).values_list("outcome")
    return dict(told.annotate(amount=Count("id")))
