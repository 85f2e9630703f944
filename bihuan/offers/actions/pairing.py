"""Lasting pairs (结对共建): an office's branch and a village organisation, with a plan each year and deeds that count."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.loop.moves import IllegalMove, Missing
from bihuan.net import tree
from bihuan.net.models import Level, Posting, Unit
from bihuan.offers import access, clock
from bihuan.offers.entries import Given, enter_deed
from bihuan.offers.lapsing import year_plan_late
from bihuan.offers.models import Deed, Pairing, PairYear
from bihuan.offers.record import attach, begin, note, place_columns, region_of, words
from bihuan.offers.tell import queue


class AlreadyPaired(IllegalMove):
    """The village has a partner of this kind."""

    def __init__(self) -> None:
        super().__init__(_("这个村（社区）已经有这一类的结对单位，请先结束原来的结对。"))


@transaction.atomic
def pair(
    branch: Unit,
    village: Unit,
    *,
    by: Posting,
    at: datetime,
    kind: str = Pairing.Kind.BRANCH,
    since: date | None = None,
) -> Pairing:
    """Pair an office's branch with a village organisation from a day on; one pair of a kind lasts per village.

    Raises NotYours, OutOfScope (the village is not the organiser's), Missing, AlreadyPaired.
    """
    access.require_steering(by, village)
    _check(branch, village, kind)
    since = since or timezone.localdate(at)
    due_at = clock.due(clock.YEAR_PLAN, start=at, unit_id=village.pk)
    pairing = Pairing(
        kind=kind, unit_a=branch, unit_b=village, since=since, made_at=at, plan_due_at=due_at,
        region_id=region_of(village.pk), **place_columns(village.pk),
    )  # fmt: skip
    try:
        with transaction.atomic():
            begin(pairing, by=by, at=at)
    except IntegrityError:
        raise AlreadyPaired from None
    queue(pairing, "paired", at=at, to="unit", unit=branch.pk, until=due_at, **_names(pairing))
    return pairing


def _check(branch: Unit, village: Unit, kind: str) -> None:
    if kind not in Pairing.Kind.values:
        raise Missing("kind", _("请选择结对的类别。"))
    row = tree.snapshot().unit(village.pk)
    if row.level != Level.COMMUNITY or village.died is not None:
        raise Missing("village", _("请选择一个村（社区）。"))
    if branch.died is not None or tree.snapshot().unit(branch.pk).is_place:
        raise Missing("branch", _("请选择一个单位的党支部。"))


def _names(pairing: Pairing) -> dict[str, str]:
    net = tree.snapshot()
    return {"branch": net.unit(pairing.unit_a_id).name, "village": net.unit(pairing.unit_b_id).name}


@transaction.atomic
def part(pairing: Pairing, *, on: date, text: str, by: Posting, at: datetime) -> Pairing:
    """End a pair on a day (that day it no longer lasts), saying why. Raises NotYours, OutOfScope, IllegalMove, NoWords."""
    access.require_steering(by, pairing.unit_b)
    pairing = _lasting(pairing, at)
    if not pairing.since <= on <= timezone.localdate(at):
        raise IllegalMove(_("结束日期要在结对之后，不能晚于今天。"))
    note(pairing, "part", by=by, at=at, facts=words(pairing, text), until=on, plan_due_at=None)
    for unit in (pairing.unit_a_id, pairing.unit_b_id):
        queue(pairing, "unpaired", at=at, to="unit", unit=unit, **_names(pairing))
    return pairing


@transaction.atomic
def plan(pairing: Pairing, *, year: int, text: str, by: Posting, at: datetime) -> PairYear:
    """Write a pair's plan of a year, once; the next year's is due by the end of its January.

    Raises IllegalMove (this year's is there, or another year than this one and the next), NotYours, NoWords.
    """
    pairing = _lasting(pairing, at)
    _require_partner(by, pairing)
    this = timezone.localdate(at).year
    if year not in (this, this + 1):
        raise IllegalMove(_("只能制定今年或明年的计划。"))
    if PairYear.objects.filter(pairing=pairing, year=year).exists():
        raise IllegalMove(_("%(year)d年的计划已经有了。") % {"year": year})
    said = words(pairing, text)
    made = PairYear.objects.create(pairing=pairing, year=year, text_id=said["text"], made_at=at)
    years = set(PairYear.objects.filter(pairing=pairing, year__gte=this).values_list("year", flat=True))
    due_at = clock.year_plan_due(years, at=at, now=pairing.plan_due_at)
    note(pairing, "plan", by=by, at=at, facts={"year": year, **said}, plan_due_at=due_at)
    return made


@transaction.atomic
def record(
    pairing: Pairing,
    *,
    on: date,
    kind: str,
    text: str,
    by: Posting,
    at: datetime,
    count: int = 1,
    photos: Sequence[str] = (),
    given: Given | None = None,
) -> Deed:
    """Record what a pair did on a day; `count`: how many (problems solved, households visited ...).

    Raises IllegalMove (the pair did not last that day), Missing, NotYours, NoWords, BadPhoto.
    """
    pairing = _lasting(pairing, at)
    _require_partner(by, pairing)
    if kind not in Deed.Kind.values or not 1 <= count <= 100_000:
        raise Missing("kind", _("请选择事项类别，数量应大于零。"))
    if not pairing.since <= on <= timezone.localdate(at):
        raise IllegalMove(_("日期要在结对之后，不能晚于今天。"))
    said = words(pairing, text)
    deed = Deed(pairing=pairing, year=on.year, on=on, kind=kind, text_id=said["text"], count=count, at=at)
    deed.photos = attach(deed, photos)
    deed.txn_id = enter_deed(given, pairing=pairing, deed=deed, by=by, at=at) if given else None
    deed.save(force_insert=True)
    facts = {"deed": deed.pk, "on": on, "kind": kind, "count": count, "photos": deed.photos, "txn": deed.txn_id}
    note(pairing, "record", by=by, at=at, facts={**facts, **said})
    return deed


def _lasting(pairing: Pairing, at: datetime) -> Pairing:
    """The pair, locked. Raises IllegalMove when it has ended."""
    pairing = Pairing.objects.select_for_update().get(pk=pairing.pk)
    if pairing.until is not None:
        raise IllegalMove(_("这次结对已经结束。"))
    year_plan_late(pairing, at)
    return pairing


def _require_partner(by: Posting, pairing: Pairing) -> None:
    """Raises NotYours unless `by` acts in the pair."""
    if not access.is_partner(by, pairing):
        raise access.NotYours
