"""The help plan of a claim (帮扶计划书): drawn up month by month, its lines done one by one, each with its words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.lib.ids import new_id
from bihuan.loop.moves import IllegalMove, Missing
from bihuan.net.models import Posting
from bihuan.net.postings import is_standing, require_other_person
from bihuan.offers import access, clock
from bihuan.offers.entries import Given, enter
from bihuan.offers.lapsing import fire_due, locked
from bihuan.offers.models import Claim, Offer, PlanItem
from bihuan.offers.record import attach, note, words

MOST_ITEMS = 36
LONGEST = timedelta(days=3 * 366)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plan as it is written: in `month` (any day of it) `helper` does `measure`, by `due_on` at the latest.

    posting: the helper's own, when he has one; the task is then his.
    """

    month: date
    measure: str
    due_on: date
    helper: str = ""
    posting: Posting | None = None


@transaction.atomic
def draw_up(claim: Claim, lines: Sequence[Line], *, by: Posting, at: datetime, reason: str = "") -> list[PlanItem]:
    """Give a claim its plan; its lines become tasks that open with their month. A second plan replaces what of the first
    is not done and says why (`reason`); what was late stays so.

    Raises IllegalMove (the claim has ended), NotYours, Missing (a line without helper, measure or date, or out of
    order), NoWords.
    """
    offer, claim = _held(claim, at=at)
    access.require_helper(by, claim)
    lines = _checked(lines, timezone.localdate(at))
    replaced = claim.planned_at is not None
    said = words(offer, reason) if replaced else {}
    old = PlanItem.objects.filter(claim=claim)
    dropped = old.filter(stage__in=["waiting", "open"]).update(stage=PlanItem.Stage.DROPPED)
    items, plan = _written(offer, claim, lines, first=old.count() + 1, at=at)
    end = clock.due(clock.END, start=clock.ends(max(line.due_on for line in lines)), unit_id=claim.unit_id)
    Claim.objects.filter(pk=claim.pk).update(planned_at=claim.planned_at or at, due_at=end)
    facts = {"claim": claim.pk, "dropped": dropped, **plan, **said}
    note(offer, "replan" if replaced else "plan", by=by, at=at, facts=facts)
    fire_due(offer, at=at)  # what is for this month opens at once
    return list(PlanItem.objects.filter(claim=claim, n__gte=items[0].n).order_by("n"))


def _held(claim: Claim, *, at: datetime) -> tuple[Offer, Claim]:
    offer = locked(claim.offer, at=at)
    claim = Claim.objects.get(pk=claim.pk)
    if claim.state != Claim.State.TAKEN:
        raise IllegalMove(_("这次认领已经结束。"))
    return offer, claim


def _checked(lines: Sequence[Line], today: date) -> list[Line]:
    """The lines in the order of their dates, each whole. Raises Missing with the line's number."""
    if not lines:
        raise Missing("lines", _("帮扶计划书至少要有一项。"))
    if len(lines) > MOST_ITEMS:
        raise Missing("lines", _("帮扶计划书最多%(most)d项。") % {"most": MOST_ITEMS})
    checked = [_check(n, line, today) for n, line in enumerate(lines, start=1)]
    return sorted(checked, key=lambda line: (line.month, line.due_on))


def _check(n: int, line: Line, today: date) -> Line:
    month = line.month.replace(day=1)
    helper = line.posting.person.name if line.posting else line.helper.strip()[:40]
    faults = {
        "helper": (not helper, _("第%(n)d项没有填写帮扶人。")),
        "measure": (not line.measure.strip(), _("第%(n)d项没有填写帮扶措施。")),
        "month": (month < today.replace(day=1), _("第%(n)d项的月份已经过去。")),
        "due_on": (line.due_on < max(today, month), _("第%(n)d项的完成日期早于它的月份，或已经过去。")),
        "far": (line.due_on > today + LONGEST, _("第%(n)d项的完成日期太远，请控制在三年以内。")),
        "posting": (line.posting is not None and not is_standing(line.posting, today), _("第%(n)d项的帮扶人已离任。")),
    }
    for field, (wrong, says) in faults.items():
        if wrong:
            raise Missing(f"lines.{n}.{field}", says % {"n": n})
    return replace(line, month=month, helper=helper)


def _written(
    offer: Offer, claim: Claim, lines: Sequence[Line], *, first: int, at: datetime
) -> tuple[list[PlanItem], dict[str, Any]]:
    """The lines as tasks, and what the event tells of them: who helps until when, and the digests of their words."""
    said = {n: words(offer, line.measure, key=f"item{n}") for n, line in enumerate(lines, start=first)}
    items = [
        PlanItem(
            id=new_id(), claim=claim, n=n, month=line.month, text_id=said[n][f"item{n}"], helper=line.helper,
            helper_posting=line.posting and line.posting.pk, due_on=line.due_on,
            opens_at=max(at, clock.starts(line.month)), due_at=clock.ends(line.due_on),
        )
        for n, line in enumerate(lines, start=first)
    ]  # fmt: skip
    told = [{"n": item.n, "helper": item.helper, "due_on": item.due_on} for item in items]
    facts = {key: value for one in said.values() for key, value in one.items()}
    return PlanItem.objects.bulk_create(items), {"items": told, **facts}


@transaction.atomic
def do_item(
    item: PlanItem,
    *,
    text: str,
    by: Posting,
    at: datetime,
    photos: Sequence[str] = (),
    given: Given | None = None,
) -> PlanItem:
    """A line of a plan is done: what was done, pictures of it, and what was given, which goes into the ledger.

    A line may be done before its month and after its date; then it stays late. Raises IllegalMove (done or dropped
    already), NotYours, AboutOneself, NoWords, BadPhoto, or what the ledger refuses.
    """
    offer, claim = _held(item.claim, at=at)
    item = PlanItem.objects.get(pk=item.pk)
    access.require_helper(by, claim, item.helper_posting)
    require_other_person(by, access.person_of(offer.subject_id))
    if item.stage not in (PlanItem.Stage.WAITING, PlanItem.Stage.OPEN):
        raise IllegalMove(_("这一项已经完成或取消。"))
    said = words(offer, text)
    item.photos = attach(item, photos)
    item.stage, item.done_at, item.done_by, item.done_text_id = PlanItem.Stage.DONE, at, by.pk, said["text"]
    item.txn_id = enter(given, offer=offer, claim=claim, item=item, by=by, at=at) if given else None
    item.started_at = item.started_at or at
    item.save(update_fields=["stage", "done_at", "done_by", "done_text_id", "photos", "txn_id", "started_at"])
    facts = {"item": item.pk, "n": item.n, "photos": item.photos, "txn": item.txn_id, "late": item.late, **said}
    note(offer, "do", by=by, at=at, facts=facts)
    return item
