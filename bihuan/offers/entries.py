"""What a helper gave, entered into the ledger of support with the plan's line or the pair's deed as its cause (G2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.book import ledger
from bihuan.book.ledger import Cause, Party
from bihuan.dossier import subjects
from bihuan.loop.moves import Missing
from bihuan.net.models import Posting
from bihuan.offers.models import Claim, Deed, Offer, Pairing, PlanItem
from bihuan.offers.topics import program_in_force
from bihuan.programs.ladder import EntryKind


@dataclass(frozen=True, slots=True)
class Given:
    """So much of a measure that the program's ledger counts: a key of its entries on the side of support (loan, land ...).

    on: the day, today when not said. source: who gave it when it was not the helping unit itself (a bank, a firm).
    program: only for a pair's deed, which belongs to no program of its own.
    """

    measure: str
    amount: Decimal
    on: date | None = None
    source: str = ""
    program: str = ""


def enter(given: Given, *, offer: Offer, claim: Claim, item: PlanItem, by: Posting, at: datetime) -> int:
    """The transaction of a line of a plan, once. Raises Missing, and what the ledger refuses (BadAmount, AlreadyPosted)."""
    kind = _kind(given, offer.program, offer.place_id, at=at, photos=item.photos)
    if offer.subject_id is None:
        raise Missing("given", _("这条需求没有对应的培养对象，不能记账。"))
    giver = ledger.outside(item.helper) if kind.giver == "person" else ledger.unit(claim.unit_id)
    return ledger.post(
        f"need.{offer.topic}", program=offer.program, cause=Cause("planitem", item.pk), side=kind.side,
        measure=kind.key, amount=given.amount, giver=_giver(given, giver), receiver=ledger.subject(offer.subject_id),
        place_unit=offer.place_id, on=_day(given, at), at=at, by=by, note=kind.title, text_id=item.done_text_id,
        evidence=item.photos,
    ).pk  # fmt: skip


def enter_deed(given: Given, *, pairing: Pairing, deed: Deed, by: Posting, at: datetime) -> int:
    """The transaction of a pair's deed: from the branch to the village, once. Raises as `enter`."""
    kind = _kind(given, given.program, pairing.unit_b_id, at=at, photos=deed.photos)
    village = subjects.of_unit(pairing.unit_b_id, at=at)
    return ledger.post(
        f"pairing.{pairing.kind}", program=given.program, cause=Cause("deed", deed.pk), side=kind.side,
        measure=kind.key, amount=given.amount, giver=_giver(given, ledger.unit(pairing.unit_a_id)),
        receiver=ledger.subject(village.pk), place_unit=pairing.unit_b_id, on=given.on or deed.on, at=at, by=by,
        note=kind.title, text_id=deed.text_id, evidence=deed.photos,
    ).pk  # fmt: skip


def _kind(given: Given, program: str, place: int, *, at: datetime, photos: Sequence[str]) -> EntryKind:
    """What the program says of the measure. Raises Missing: no support it knows, a broken number, or without evidence."""
    _version, rules = program_in_force(program, at, place)
    kind = rules.entries.get(given.measure)
    if kind is None or kind.side != "support":
        raise Missing("given", _("请选择台账的项目。"))
    if not kind.decimal and given.amount % 1:
        raise Missing("given", _("“%(title)s”的数量应是整数。") % {"title": kind.title})
    if kind.evidence and not photos:
        raise Missing("photos", _("“%(title)s”记账要附上照片等佐证。") % {"title": kind.title})
    return kind


def _giver(given: Given, usual: Party) -> Party:
    return ledger.outside(given.source) if given.source.strip() else usual


def _day(given: Given, at: datetime) -> date:
    today = timezone.localdate(at)
    if given.on is not None and given.on > today:
        raise Missing("given", _("记账的日期不能晚于今天。"))
    return given.on or today
