"""Lasting pairs (M32): one of a kind per village, a plan each year, deeds that count."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from bihuan.book import outbox
from bihuan.book.models import Message, Txn
from bihuan.book.verify import verify
from bihuan.loop.moves import IllegalMove, Missing
from bihuan.net import tree
from bihuan.net.models import Edge, Kind, Unit
from bihuan.net.scope import OutOfScope
from bihuan.offers import access, lists
from bihuan.offers.actions import pairing
from bihuan.offers.entries import Given
from bihuan.offers.lapsing import sweep
from bihuan.offers.models import Deed, Pairing, PairingEvent
from tests.dossier.people import page
from tests.offers.people import LADDER
from tests.world import BORN, ZONE

DAY = timedelta(days=1)


@pytest.fixture
def pair(folk, at):
    return pairing.pair(folk.farming, folk.south, by=folk.organiser, at=at, since=date(2026, 11, 1))


def test_a_branch_and_a_village_are_paired_until_one_ends_it(folk, at, pair):
    assert (pair.unit_a, pair.unit_b, pair.until, pair.l5) == (folk.farming, folk.south, None, folk.south.pk)
    with pytest.raises(pairing.AlreadyPaired):
        pairing.pair(folk.water, folk.south, by=folk.organiser, at=at)
    assert pairing.pair(folk.water, folk.south, by=folk.organiser, at=at, kind="firm")
    assert pairing.pair(folk.farming, folk.north, by=folk.organiser, at=at)  # a branch may have several villages
    pairing.part(pair, on=at.date(), text="轮换", by=folk.organiser, at=at)
    with pytest.raises(IllegalMove):
        pairing.part(pair, on=at.date(), text="再次", by=folk.organiser, at=at)
    assert pairing.pair(folk.water, folk.south, by=folk.organiser, at=at).until is None


def test_the_table_itself_refuses_a_second_pair_of_a_kind(folk, at, pair):
    with pytest.raises(IntegrityError, match="pairing_once_per_kind"), transaction.atomic():
        Pairing.objects.create(
            no="X", region_id=pair.region_id, unit_a=folk.water, unit_b=folk.south, since=at.date(), made_at=at
        )


@pytest.mark.parametrize(
    ("branch", "village", "kind", "by", "refusal"),
    [
        ("farming", "town", "branch", "organiser", Missing),  # no village
        ("town", "south", "branch", "organiser", Missing),  # no office
        ("farming", "south", "family", "organiser", Missing),
        ("farming", "south", "branch", "farmer_helper", access.NotYours),
        ("farming", "other_county", "branch", "organiser", OutOfScope),
    ],
)
def test_what_cannot_be_paired(folk, at, branch, village, kind, by, refusal):
    with pytest.raises(refusal):
        pairing.pair(getattr(folk, branch), getattr(folk, village), by=getattr(folk, by), at=at, kind=kind)


def test_each_year_has_its_plan(folk, at, pair):
    made = pairing.plan(pair, year=2026, text="帮村里通上自来水", by=folk.farmer_helper, at=at)
    pair.refresh_from_db()
    assert made.year == 2026 and pair.plan_due_at == datetime(2027, 2, 1, tzinfo=ZONE)  # the end of January
    with pytest.raises(IllegalMove, match="已经有了"):
        pairing.plan(pair, year=2026, text="再来一份", by=folk.village_secretary, at=at)
    with pytest.raises(IllegalMove, match="今年或明年"):
        pairing.plan(pair, year=2029, text="太早", by=folk.village_secretary, at=at)
    with pytest.raises(access.NotYours):
        pairing.plan(pair, year=2027, text="不相干", by=folk.handler, at=at)
    pairing.plan(pair, year=2027, text="修路", by=folk.village_secretary, at=at)
    pair.refresh_from_db()
    assert pair.plan_due_at == datetime(2028, 2, 1, tzinfo=ZONE)


def test_K3_a_year_without_plan_is_marked_once_and_told_above(folk, at, pair):
    due = pair.plan_due_at
    assert sweep(due + DAY) == [pair.region_id]
    assert sweep(due + DAY) == []
    pair.refresh_from_db()
    assert (pair.plans_late, pair.plan_due_at) == (1, None)
    event = PairingEvent.objects.get(track_id=pair.pk, verb="year_late")
    assert (event.at, event.actor) == (due, "clock")
    outbox.drain(due + DAY, 100)
    assert Message.objects.get(template="year_late").posting == folk.organiser.pk
    pairing.plan(pair, year=2026, text="迟来的计划", by=folk.farmer_helper, at=due + DAY)
    pair.refresh_from_db()
    assert pair.plan_due_at == datetime(2027, 2, 1, tzinfo=ZONE)


def test_deeds_count_in_their_year(folk, at, pair, django_assert_num_queries):
    pairing.record(pair, on=at.date(), kind="problem", count=3, text="帮助协调灌溉", by=folk.farmer_helper, at=at)
    pairing.record(pair, on=date(2026, 11, 2), kind="visit", text="走访党员", by=folk.village_secretary, at=at)
    with pytest.raises(IllegalMove):
        pairing.record(pair, on=date(2026, 10, 31), kind="visit", text="还没结对", by=folk.farmer_helper, at=at)
    with pytest.raises(IllegalMove):
        pairing.record(pair, on=at.date() + DAY, kind="visit", text="明天的事", by=folk.farmer_helper, at=at)
    area = tree.snapshot().unit(folk.county.pk)
    with django_assert_num_queries(1):
        rows = lists.pairings(area=area, year=2026).rows
    assert [(row.branch, row.village, row.deeds, row.counted, row.planned, row.last) for row in rows] == [
        ("海澄市农业农村局", "南关社区", 2, 4, False, "2026-11-16")
    ]
    assert lists.pairings(branch_id=folk.farming.pk, year=2025).rows[0].deeds == 0


def test_what_a_pair_gave_enters_the_ledger(folk, at, pair):
    given = Given("loan", Decimal(20_000), program=LADDER)
    deed = pairing.record(
        pair, on=at.date(), kind="aid", text="送去两万元", by=folk.farmer_helper, at=at, given=given,
        photos=[page(folk.county.pk, at)],
    )  # fmt: skip
    txn = Txn.objects.get(pk=deed.txn_id)
    assert (txn.giver_id, txn.unit_id, txn.amount) == (folk.farming.pk, folk.south.pk, 20_000)
    assert len(Deed.objects.get().photos) == 1


def test_who_may_know_of_a_pair(folk, at, pair):
    for who in ("organiser", "leader", "farmer_helper", "village_secretary", "town_organiser"):
        assert access.pairing_for(getattr(folk, who), pair.no) == pair
    for who in ("handler", "north_secretary", "agent", "worker"):
        with pytest.raises(access.NotFound):
            access.pairing_for(getattr(folk, who), pair.no)


def test_party_units_are_paired_and_their_offices_people_act(folk, at):
    units = {}
    for key, parent, level in (("branch", folk.farming, 3), ("village", folk.south, 5)):
        unit = Unit.objects.create(
            code=f"P-{key}", kind=Kind.PARTY, name=f"{parent.name}党支部", level=level, born=BORN
        )
        Edge.objects.create(child=unit, parent=parent, tree="admin", since=BORN)
        units[key] = unit
    tree.rebuild_paths()
    tree.forget()
    pair = pairing.pair(units["branch"], units["village"], by=folk.organiser, at=at)
    assert pair.l5 == folk.south.pk
    pairing.plan(pair, year=2026, text="计划", by=folk.farmer_helper, at=at)  # of the office above the branch
    pairing.record(pair, on=at.date(), kind="visit", text="走访", by=folk.village_secretary, at=at)
    for who in ("handler", "north_secretary"):
        with pytest.raises(access.NotYours):
            pairing.plan(pair, year=2027, text="计划", by=getattr(folk, who), at=at)


def test_S1_the_record_of_pairs_is_whole(folk, at, pair):
    pairing.plan(pair, year=2026, text="计划", by=folk.farmer_helper, at=at)
    pairing.record(pair, on=at.date(), kind="visit", text="走访", by=folk.farmer_helper, at=at)
    sweep(at + 400 * DAY)
    pairing.part(pair, on=at.date(), text="结束", by=folk.organiser, at=at + 401 * DAY)
    found = verify(PairingEvent, Pairing)
    assert (found.tracks, found.breaks) == (1, [])
