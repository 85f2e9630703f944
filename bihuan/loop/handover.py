"""When somebody leaves a posting, what he owed goes to the queue of his unit: nothing open hangs on a person who left.

And a unit ends only when nothing open hangs on it (L1); a case goes to another unit by a recorded act, never by the way.
"""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _noop

from bihuan.lib.codes import spoken
from bihuan.loop.models import Case, Task
from bihuan.net.models import Posting, Unit
from bihuan.net.postings import Consequence
from bihuan.net.regions import across_regions
from bihuan.net.tree import TreeFault


def hand_over(posting: Posting, *, by: Posting | None, at: datetime, act: bool) -> list[Consequence]:
    """Every open task the posting owes, and (act) its return to the unit's queue. Two to three queries."""
    with across_regions("a posting's work lies wherever its cases were filed"):
        tasks = Task.objects.filter(posting=posting.pk, stage=Task.Stage.OPEN).order_by("due_at", "id")
        owed = list(tasks.values_list("case_id", "kind"))
        numbers = dict(Case.objects.filter(pk__in={case for case, _kind in owed}).values_list("pk", "no"))
        if act and owed:
            tasks.update(posting=None)
    return [_consequence(numbers[case], kind, posting) for case, kind in owed]


def require_nothing_open(unit: Unit, into: Unit | None, at: datetime) -> None:
    """Raises TreeFault while open cases or tasks are the unit's: they must be closed or dispatched anew first."""
    with across_regions("a unit's work lies wherever its cases were filed"):
        cases = Case.objects.filter(unit_id=unit.pk, closed_at=None).count()
        tasks = Task.objects.filter(unit_id=unit.pk, stage=Task.Stage.OPEN).count()
    if cases or tasks:
        raise TreeFault(_(_STILL_OPEN) % {"name": unit.name, "cases": cases, "tasks": tasks})


_STILL_OPEN = _noop(
    "“%(name)s”名下还有没办完的工单 %(cases)d 件、待办 %(tasks)d 项，还不能撤销或并入别处。"
    "请先由它办结，或由它退单、由诉求中心改派给接手的单位；协办、交办和核查由它反馈后即完成。"
)


def _consequence(number: str, kind: str, posting: Posting) -> Consequence:
    words: dict[str, Any] = {"kind": Task.Kind(kind).label, "number": spoken(number), "unit": posting.unit.name}
    return Consequence(_("%(kind)s %(number)s 转到%(unit)s待办") % words, number)
