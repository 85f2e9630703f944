"""When somebody leaves a posting, what he owed goes to the queue of his unit: nothing open hangs on a person who left."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from bihuan.lib.codes import spoken
from bihuan.loop.models import Case, Task
from bihuan.net.models import Posting
from bihuan.net.postings import Consequence
from bihuan.net.regions import across_regions


def hand_over(posting: Posting, *, by: Posting | None, at: datetime, act: bool) -> list[Consequence]:
    """Every open task the posting owes, and (act) its return to the unit's queue. Two to three queries."""
    with across_regions("a posting's work lies wherever its cases were filed"):
        tasks = Task.objects.filter(posting=posting.pk, stage=Task.Stage.OPEN).order_by("due_at", "id")
        owed = list(tasks.values_list("case_id", "kind"))
        numbers = dict(Case.objects.filter(pk__in={case for case, _kind in owed}).values_list("pk", "no"))
        if act and owed:
            tasks.update(posting=None)
    return [_consequence(numbers[case], kind, posting) for case, kind in owed]


def _consequence(number: str, kind: str, posting: Posting) -> Consequence:
    words: dict[str, Any] = {"kind": Task.Kind(kind).label, "number": spoken(number), "unit": posting.unit.name}
    return Consequence(_("%(kind)s %(number)s 转到%(unit)s待办") % words, number)
