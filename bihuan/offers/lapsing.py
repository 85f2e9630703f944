"""What time does by itself: an unclaimed need goes up (M2), lines of plans open and are marked late once (K3), yearly plans
are asked for. Each stamped with the time it was due, however late anybody came to look."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from bihuan.book.journal import CLOCK
from bihuan.net import tree
from bihuan.net.models import Kind
from bihuan.offers import clock
from bihuan.offers.clock import Due
from bihuan.offers.models import Claim, Offer, Pairing, PlanItem
from bihuan.offers.record import note
from bihuan.offers.tell import queue
from bihuan.offers.topics import topic_title

log = logging.getLogger(__name__)
REST = timedelta(minutes=5)
_failed: dict[tuple[str, int], datetime] = {}  # what could not be done, by this process


def locked(offer: Offer, *, at: datetime) -> Offer:
    """The need as it stands at `at`, locked until the transaction ends: no act can overtake the time (K3)."""
    now = Offer.objects.select_for_update().get(pk=offer.pk)
    fire_due(now, at=at)
    return now


def fire_due(offer: Offer, *, at: datetime) -> int:
    """Do everything of a locked need that is due at `at`, in the order of the times; returns how many."""
    fired = 0
    while due := clock.next_due(offer, at):
        _DEEDS[due.kind](offer, due)
        fired += 1
    return fired


# --- The deeds ------------------------------------------------------------------------------------------------------


def _rise(offer: Offer, due: Due) -> None:
    """Nobody took it: it is offered one level up (M2); at the top, those who answer hear of it again."""
    until = clock.due(offer.window, start=due.at, unit_id=offer.unit_id)
    above = area_above(offer.unit_id)
    if above is None:
        note(offer, "remind", by=CLOCK, at=due.at, window_until=until)
        queue(offer, "unclaimed", at=due.at, to="area", unit=offer.unit_id, topic=topic_title(offer), until=until)
        return
    net, before = tree.snapshot(), offer.unit_id
    facts = {"from": before, "to": above}
    note(offer, "rise", by=CLOCK, at=due.at, facts=facts, unit_id=above, window_until=until, rises=offer.rises + 1)
    names = {"from": net.unit(before).name, "where": net.unit(above).name, "topic": topic_title(offer), "until": until}
    queue(offer, "risen", at=due.at, to="area", unit=above, **names)


def area_above(unit_id: int) -> int | None:
    """The next area up; None at the top of the net."""
    net = tree.snapshot()
    return next((id for id in reversed(net.unit(unit_id).path[:-1]) if net.unit(id).kind == Kind.AREA), None)


def _claim_late(offer: Offer, due: Due) -> None:
    """A claim owes its plan, or the word that its plan met the need: marked, and the level above is told."""
    claim = Claim.objects.get(pk=due.id)
    say = "plan_late" if claim.planned_at is None else "end_late"
    Claim.objects.filter(pk=claim.pk).update(due_at=None, late=claim.late + 1)
    note(offer, say, by=CLOCK, at=due.at, facts={"claim": claim.pk})
    _tell_above(offer, say, claim.unit_id, due.at)


def _open_item(offer: Offer, due: Due) -> None:
    """A line's month has come: it is a task from now on, and its helper is told."""
    PlanItem.objects.filter(pk=due.id).update(stage=PlanItem.Stage.OPEN, started_at=due.at)
    item = PlanItem.objects.select_related("claim").get(pk=due.id)
    note(offer, "item_open", by=CLOCK, at=due.at, facts={"item": item.pk, "n": item.n})
    unit, helper = item.claim.unit_id, item.helper_posting
    queue(offer, "item_open", at=due.at, to="posting", unit=unit, posting=helper, until=item.due_at)


def _item_late(offer: Offer, due: Due) -> None:
    """A line was not done by its date: marked late once, its helper and the level above are told."""
    PlanItem.objects.filter(pk=due.id).update(late=True)
    item = PlanItem.objects.select_related("claim").get(pk=due.id)
    note(offer, "item_late", by=CLOCK, at=due.at, facts={"item": item.pk, "n": item.n})
    queue(offer, "item_owed", at=due.at, to="posting", unit=item.claim.unit_id, posting=item.helper_posting)
    _tell_above(offer, "item_late", item.claim.unit_id, due.at, helper=item.helper)


def _tell_above(offer: Offer, say: str, unit_id: int, at: datetime, **values: str) -> None:
    name = tree.snapshot().unit(unit_id).name
    queue(offer, say, at=at, to="above", unit=unit_id, who=name, **values)


_DEEDS: dict[str, Callable[[Offer, Due], None]] = {
    "window": _rise,
    "claim": _claim_late,
    "opens": _open_item,
    "late": _item_late,
}


# --- The sweep ------------------------------------------------------------------------------------------------------


def sweep(at: datetime, limit: int = 200) -> list[int]:
    """Do what is due at `at`, the longest due first; returns the regions touched.

    Two sweepers may run at once: what somebody else holds locked is left to the next sweep. One failing need is logged,
    rests for a while and delays no other.
    """
    for what in [what for what, failed in _failed.items() if failed + REST <= at]:
        del _failed[what]
    touched = [_sweep_one("offer", pk, at) for pk in due_offers(at, limit)]
    touched += [_sweep_one("pairing", pk, at) for pk in _due_pairings(at, limit)]
    return [region for region in touched if region]


def due_offers(at: datetime, limit: int) -> list[int]:
    """The needs of which something is due, without taking a lock. One statement."""
    taken = Claim.State.TAKEN
    windows = Offer.objects.filter(state=Offer.State.OPEN, window_until__lte=at).values_list("window_until", "pk")
    claims = Claim.objects.filter(state=taken, due_at__lte=at).values_list("due_at", "offer_id")
    items = PlanItem.objects.values_list("due_at", "claim__offer_id")
    late = items.filter(stage=PlanItem.Stage.OPEN, late=False, due_at__lte=at)
    opening = PlanItem.objects.filter(stage=PlanItem.Stage.WAITING, opens_at__lte=at)
    parts = [windows, claims, late, opening.values_list("opens_at", "claim__offer_id")]
    few = [part.order_by()[: limit + len(_failed)] for part in parts]
    found = dict.fromkeys(pk for _at, pk in sorted(few[0].union(*few[1:])))
    return [pk for pk in found if ("offer", pk) not in _failed][:limit]


def _due_pairings(at: datetime, limit: int) -> list[int]:
    due = Pairing.objects.filter(plan_due_at__lte=at, until=None).order_by("plan_due_at")
    found = due.values_list("pk", flat=True)[: limit + len(_failed)]
    return [pk for pk in found if ("pairing", pk) not in _failed][:limit]


def _sweep_one(kind: str, pk: int, at: datetime) -> int | None:
    """The region of what was touched; None when nothing was."""
    fire = {"offer": _fire_offer, "pairing": _fire_pairing}[kind]
    try:
        with transaction.atomic():
            return fire(pk, at)
    except Exception:
        log.exception("a clock could not fire", extra={"what": kind, "id": pk})
        _failed[kind, pk] = at
        return None


def _fire_offer(pk: int, at: datetime) -> int | None:
    offer = Offer.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    return offer.region_id if offer and fire_due(offer, at=at) else None


def _fire_pairing(pk: int, at: datetime) -> int | None:
    pairing = Pairing.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    return pairing.region_id if pairing and year_plan_late(pairing, at) else None


def year_plan_late(pairing: Pairing, at: datetime) -> bool:
    """Mark a locked pair whose yearly plan is not there in time, once, and tell the level above; whether it was so."""
    due = pairing.plan_due_at
    if due is None or due > at or pairing.until is not None:
        return False
    note(pairing, "year_late", by=CLOCK, at=due, plan_due_at=None, plans_late=pairing.plans_late + 1)
    net = tree.snapshot()
    names = {"branch": net.unit(pairing.unit_a_id).name, "village": net.unit(pairing.unit_b_id).name}
    queue(pairing, "year_late", at=due, to="above", unit=pairing.unit_a_id, **names)
    return True
