"""A need's life: collected from a trainee, claimed by a unit, given back, met with evidence, or ended without."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from bihuan.book.journal import Acting
from bihuan.book.models import Event
from bihuan.dossier.models import Subject
from bihuan.loop.moves import IllegalMove, Missing
from bihuan.net import tree
from bihuan.net.models import Kind, Level, Posting, Unit
from bihuan.net.postings import require_other_person
from bihuan.net.scope import require_scope
from bihuan.offers import access, clock
from bihuan.offers.lapsing import area_above, locked
from bihuan.offers.models import Claim, Offer, PlanItem, Round
from bihuan.offers.record import attach, begin, note, place_columns, region_of, words
from bihuan.offers.tell import queue
from bihuan.offers.topics import program_in_force, topic_title

MOST_SEATS = 50


@transaction.atomic
def collect(
    subject: Subject,
    *,
    topic: str,
    text: str,
    by: Acting,
    at: datetime,
    program: str = "",
    round: Round | None = None,
    amount: Decimal | None = None,
    capacity: int = 1,
    unit: Unit | None = None,
    standing_id: int | None = None,
) -> Offer:
    """Write down what a trainee needs; it is open for claims from now on, and a clock runs until it goes up (M2).

    topic: a kind of need of the program. capacity: how many units may take it on together. unit: the area it is offered
    in first; the round's, or the trainee's town. by: who answers for the trainee, or the trainee himself (RESIDENT).
    Raises NotYours, OutOfScope, Missing, NoWords, NoVersion, IllegalMove (the round is closed or another area's).
    """
    if isinstance(by, Posting):
        access.require_role(by, access.ANSWERABLE)
        require_scope(by, subject.unit)
    if round is not None:
        round = _running(round, subject)
        program = round.program
    version, rules = program_in_force(program, at, subject.unit_id)
    _check(rules.needs, topic, amount, capacity)
    area = unit or (round.unit if round else _first_area(subject.unit))
    _require_on_the_way(area, subject.unit)
    window = round.window if round else clock.WINDOW
    offer = Offer(
        program=program, round=round, subject_id=subject.pk, standing_id=standing_id, place_id=subject.unit_id,
        unit=area, topic=topic, amount=amount, capacity=capacity, window=window, opened_at=at, version=version,
        window_until=clock.due(window, start=at, unit_id=area.pk), region_id=region_of(subject.unit_id),
        **place_columns(subject.unit_id),
    )  # fmt: skip
    said = words(offer, text)
    offer.text_id = said["text"]
    begin(offer, by=by, at=at, facts=said)
    queue(offer, "offered", at=at, to="area", unit=area.pk, topic=topic_title(offer), until=offer.window_until)
    return offer


def _running(round: Round, subject: Subject) -> Round:
    """The round, kept from being closed while a need is added to it."""
    round = Round.objects.select_for_update(no_key=True).select_related("unit").get(pk=round.pk)
    if round.closed_at is not None:
        raise IllegalMove(_("这次征集已经结束。"))
    if round.unit_id not in tree.snapshot().unit(subject.unit_id).path:
        raise IllegalMove(_("这位同志不在这次征集的地区。"))
    return round


def _check(topics: object, topic: str, amount: Decimal | None, capacity: int) -> None:
    if topic not in topics:  # type: ignore[operator]
        raise Missing("topic", _("请选择需求类别。"))
    if amount is not None and amount <= 0:
        raise Missing("amount", _("数额应大于零。"))
    if not 1 <= capacity <= MOST_SEATS:
        raise Missing("capacity", _("认领单位数应在1到%(most)d之间。") % {"most": MOST_SEATS})


def _first_area(place: Unit) -> Unit:
    """Outside a round a need is offered in the town first, the nearest place with offices that can help."""
    net = tree.snapshot()
    above = area_above(place.pk) if net.unit(place.pk).level > Level.TOWN else place.pk
    return Unit.objects.get(pk=above or place.pk)


def _require_on_the_way(area: Unit, place: Unit) -> None:
    if area.kind != Kind.AREA or area.pk not in tree.snapshot().unit(place.pk).path:
        raise Missing("unit", _("请选择培养对象所在的地区。"))


# --- Claiming -------------------------------------------------------------------------------------------------------


@transaction.atomic
def claim(offer: Offer, *, by: Posting, at: datetime, personal: bool = False) -> Claim:
    """A unit takes a need on (认领), or a leader for himself (`personal`); a help plan is due from now on.

    M1: seats are counted under the need's lock. Raises IllegalMove (not open, or taken by this unit already), NotYours,
    OutOfScope, AboutOneself.
    """
    offer = locked(offer, at=at)
    access.require_claimant(by, offer, personal=personal, at=at)
    if offer.state != Offer.State.OPEN:
        raise not_now(offer)
    if Claim.objects.filter(offer=offer, unit_id=by.unit_id, state=Claim.State.TAKEN).exists():
        raise IllegalMove(_("您的单位已经认领了这条需求。"))
    due_at = clock.due(clock.PLAN, start=at, unit_id=by.unit_id)
    claim = Claim.objects.create(
        offer=offer, unit_id=by.unit_id, posting=by.pk, personal=personal, at=at, due_at=due_at
    )
    taken = offer.taken + 1
    changes = {"taken": taken}
    if taken == offer.capacity:
        changes |= {"state": Offer.State.TAKEN.value, "window_until": None}
    note(offer, "claim", by=by, at=at, facts={"claim": claim.pk, "unit": by.unit_id, "personal": personal}, **changes)
    queue(offer, "claimed", at=at, to="area", unit=offer.unit_id, who=by.unit.name)
    queue(offer, "plan_due", at=at, to="posting", unit=by.unit_id, posting=by.pk, until=due_at)
    return claim


@transaction.atomic
def release(claim: Claim, *, text: str, by: Posting, at: datetime) -> Offer:
    """Give a claim back, or (an organiser or leader of the place) take it from a unit that does nothing: the seat is free
    again and a new window runs. Lines of its plan that are not done are dropped; lateness stays on record.

    Raises IllegalMove, NotYours, OutOfScope, NoWords.
    """
    offer, claim = _held(claim, at=at)
    own = by.unit_id == claim.unit_id or by.pk == claim.posting
    if not own:
        access.require_answerable(by, offer, access.STEERING)
    said = words(offer, text)
    _end(claim, Claim.State.RELEASED, at)
    until = clock.due(offer.window, start=at, unit_id=offer.unit_id)
    changes = {"taken": offer.taken - 1, "state": Offer.State.OPEN.value, "window_until": until}
    note(offer, "release", by=by, at=at, facts={"claim": claim.pk, "unit": claim.unit_id, **said}, **changes)
    name = claim.unit.name
    queue(offer, "released", at=at, to="area", unit=offer.unit_id, who=name, until=until)
    if not own:
        queue(offer, "taken_back", at=at, to="posting", unit=claim.unit_id, posting=claim.posting)
    return offer


def _held(claim: Claim, *, at: datetime) -> tuple[Offer, Claim]:
    """The need, locked, and its claim as it stands. Raises IllegalMove unless the claim is still held."""
    offer = locked(claim.offer, at=at)
    claim = Claim.objects.select_related("unit").get(pk=claim.pk)
    if claim.state != Claim.State.TAKEN:
        raise IllegalMove(_("这次认领已经结束。"))
    return offer, claim


def _end(claim: Claim, state: str, at: datetime) -> None:
    Claim.objects.filter(pk=claim.pk).update(state=state, ended_at=at, due_at=None)
    PlanItem.objects.filter(claim=claim, stage__in=["waiting", "open"]).update(stage=PlanItem.Stage.DROPPED)


# --- Ending ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def meet(claim: Claim, *, text: str, by: Posting, at: datetime, photos: Sequence[str] = ()) -> Offer:
    """A unit says, with evidence, that its part of the need is met: photos now, or with a line of the plan done before.
    When no other unit still works on it, the need is met.

    Raises IllegalMove, NotYours, AboutOneself, NoWords, Missing (no evidence), BadPhoto.
    """
    offer, claim = _held(claim, at=at)
    access.require_helper(by, claim)
    require_other_person(by, access.person_of(offer.subject_id))
    said = words(offer, text)
    if not photos and not _has_evidence(claim):
        raise Missing("photos", _("请附上照片等佐证，或先完成帮扶计划中的一项并附上佐证。"))
    kept = attach(claim, photos)
    _end(claim, Claim.State.DONE, at)
    others = Claim.objects.filter(offer=offer, state=Claim.State.TAKEN).exists()
    changes = {} if others else _ended(Offer.State.MET, at) | {"met_at": at}
    facts = {"claim": claim.pk, "unit": claim.unit_id, "photos": kept, **said}
    note(offer, "meet", by=by, at=at, facts=facts, **changes)
    queue(offer, "met", at=at, to="area", unit=offer.place_id, who=claim.unit.name)
    return offer


def _has_evidence(claim: Claim) -> bool:
    done = PlanItem.objects.filter(claim=claim, stage=PlanItem.Stage.DONE)
    return any(photos or txn for photos, txn in done.values_list("photos", "txn_id"))


def _ended(state: Offer.State, at: datetime) -> dict[str, object]:
    return {"state": state.value, "ended_at": at, "window_until": None}


@transaction.atomic
def withdraw(offer: Offer, *, text: str, by: Acting, at: datetime) -> Event:
    """The need has gone, or its trainee has: claims end with it. By who answers for the trainee, or the trainee himself.

    Raises IllegalMove, NotYours, OutOfScope, NoWords.
    """
    return _end_without(offer, "withdraw", Offer.State.WITHDRAWN, access.ANSWERABLE, text=text, by=by, at=at)


@transaction.atomic
def close(offer: Offer, *, text: str, by: Posting, at: datetime) -> Event:
    """The need cannot be met: an organiser or leader of the place says why. Raises as `withdraw`."""
    return _end_without(offer, "close", Offer.State.CLOSED, access.STEERING, text=text, by=by, at=at)


def _end_without(
    offer: Offer, verb: str, state: Offer.State, roles: frozenset[str], *, text: str, by: Acting, at: datetime
) -> Event:
    offer = locked(offer, at=at)
    access.require_answerable(by, offer, roles)
    if offer.ended_at is not None:
        raise not_now(offer)
    said = words(offer, text)
    held = list(Claim.objects.filter(offer=offer, state=Claim.State.TAKEN))
    for claim in held:
        _end(claim, Claim.State.RELEASED, at)
        queue(offer, "ended", at=at, to="posting", unit=claim.unit_id, posting=claim.posting, state=str(state.label))
    changes = _ended(state, at) | {"taken": offer.taken - len(held)}
    return note(offer, verb, by=by, at=at, facts={"claims": [claim.pk for claim in held], **said}, **changes)


def not_now(offer: Offer) -> IllegalMove:
    """The refusal that names where the need is."""
    label = Offer.State(offer.state).label
    return IllegalMove(_("这条需求当前为“%(state)s”，不能进行这一步操作。请刷新后再看。") % {"state": label})
