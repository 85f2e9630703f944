"""Help plans: month by month with helper, measure and date; lines run as tasks, late ones are marked once and told up."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from bihuan.book import ledger, outbox
from bihuan.book.models import Message, Txn
from bihuan.dossier.models import Text
from bihuan.loop.moves import IllegalMove, Missing
from bihuan.loop.record import NoWords
from bihuan.offers import access, lists
from bihuan.offers.actions import needs, plans
from bihuan.offers.actions.plans import Line
from bihuan.offers.entries import Given
from bihuan.offers.lapsing import sweep
from bihuan.offers.models import Claim, OfferEvent, PlanItem
from tests.dossier.people import page
from tests.offers.test_needs import collect
from tests.world import ZONE

DAY = timedelta(days=1)


def midnight(year, month, day):
    return datetime(year, month, day, tzinfo=ZONE)


def claimed(folk, at, **changed):
    return needs.claim(collect(folk, at, unit=folk.county, **changed), by=folk.farmer_helper, at=at)


def three_months(folk):
    """November, December and January; the second line is the chief's own."""
    return [
        Line(date(2026, 11, 1), "上门看棚，定方案", date(2026, 11, 20), helper="农技员张某"),
        Line(date(2026, 12, 1), "对接银行，办理贷款", date(2026, 12, 15), posting=folk.farming_chief),
        Line(date(2027, 1, 1), "培训大棚管理", date(2027, 1, 29), helper="农技员张某"),
    ]


@pytest.fixture
def plan(folk, at):
    claim = claimed(folk, at)
    return plans.draw_up(claim, three_months(folk), by=folk.farmer_helper, at=at)


def test_a_plan_names_helper_measure_and_date_month_by_month(folk, at, plan):
    assert [(item.n, item.month, item.helper, item.due_on) for item in plan] == [
        (1, date(2026, 11, 1), "农技员张某", date(2026, 11, 20)),
        (2, date(2026, 12, 1), "农业局长", date(2026, 12, 15)),
        (3, date(2027, 1, 1), "农技员张某", date(2027, 1, 29)),
    ]
    assert Text.objects.get(region_id=folk.county.pk, pk=plan[1].text_id).body == "对接银行，办理贷款"
    assert [item.stage for item in plan] == ["open", "waiting", "waiting"]  # this month's opens at once
    claim = Claim.objects.get()
    assert claim.planned_at == at and claim.due_at > midnight(2027, 1, 30)  # then: the word that the need is met


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"helper": "  "}, "lines.1.helper"),
        ({"measure": ""}, "lines.1.measure"),
        ({"month": date(2026, 10, 1)}, "lines.1.month"),
        ({"due_on": date(2026, 11, 15)}, "lines.1.due_on"),  # yesterday
        ({"month": date(2026, 12, 1)}, "lines.1.due_on"),  # before its month
        ({"due_on": date(2030, 1, 1)}, "lines.1.far"),
    ],
)
def test_a_line_says_what_it_lacks(folk, at, changed, field):
    line = replace(three_months(folk)[0], **changed)
    with pytest.raises(Missing) as refused:
        plans.draw_up(claimed(folk, at), [line], by=folk.farmer_helper, at=at)
    assert refused.value.field == field


def test_a_plan_has_lines_and_is_drawn_up_by_who_claimed(folk, at):
    claim = claimed(folk, at)
    with pytest.raises(Missing):
        plans.draw_up(claim, [], by=folk.farmer_helper, at=at)
    with pytest.raises(access.NotYours):
        plans.draw_up(claim, three_months(folk), by=folk.handler, at=at)


def test_K3_lines_open_with_their_month_and_are_late_once(folk, at, plan):
    offer = plan[0].claim.offer
    sweep(midnight(2026, 12, 16))
    first, second, third = PlanItem.objects.order_by("n")
    assert (first.stage, first.late) == ("open", True)
    assert (second.stage, second.late, second.started_at) == ("open", True, midnight(2026, 12, 1))
    assert third.stage == "waiting"
    events = OfferEvent.objects.filter(track_id=offer.pk, actor="clock").order_by("n").values_list("verb", "at")
    assert list(events) == [
        ("item_open", at),
        ("item_late", midnight(2026, 11, 21)),  # the end of the 20th
        ("item_open", midnight(2026, 12, 1)),
        ("item_late", midnight(2026, 12, 16)),
    ]
    assert sweep(midnight(2026, 12, 16)) == []
    outbox.drain(midnight(2026, 12, 16), 100)
    above = Message.objects.filter(template="item_late").values_list("posting", flat=True)
    assert set(above) == {folk.organiser.pk} and len(above) == 2
    owed = Message.objects.filter(template="item_owed").order_by("made_at").values_list("posting", flat=True)
    assert list(owed)[1] == folk.farming_chief.pk  # his own line


def test_a_line_is_done_with_words_and_photos(folk, at, plan):
    picture = page(folk.county.pk, at)
    with pytest.raises(NoWords):
        plans.do_item(plan[0], text="", by=folk.farmer_helper, at=at + DAY)
    item = plans.do_item(plan[0], text="到棚里看过，定了方案", by=folk.farmer_helper, at=at + DAY, photos=[picture])
    assert (item.stage, item.done_at, item.photos, item.late) == ("done", at + DAY, [picture], False)
    with pytest.raises(IllegalMove):
        plans.do_item(item, text="再做一次", by=folk.farmer_helper, at=at + DAY)
    sweep(midnight(2026, 11, 25))
    item.refresh_from_db()
    assert not item.late


def test_what_is_done_after_its_date_stays_late(folk, at, plan):
    item = plans.do_item(plan[0], text="补办", by=folk.farmer_helper, at=midnight(2026, 11, 25))
    assert (item.stage, item.late) == ("done", True)


def test_the_helper_named_in_a_line_does_it(folk, at):
    claim = claimed(folk, at)
    line = Line(date(2026, 11, 1), "请水务局接管道", date(2026, 11, 20), posting=folk.handler)
    items = plans.draw_up(claim, [line, three_months(folk)[0]], by=folk.farmer_helper, at=at)
    with pytest.raises(access.NotYours):
        plans.do_item(items[1], text="接好了", by=folk.handler, at=at)
    assert plans.do_item(items[0], text="接好了", by=folk.handler, at=at).done_by == folk.handler.pk


def test_G2_a_line_enters_what_was_given_into_the_ledger_once(folk, at, plan):
    given = Given("loan", Decimal("150000.00"), source="农商银行")
    item = plans.do_item(plan[0], text="贷款到账", by=folk.farmer_helper, at=at + DAY, given=given)
    txn = Txn.objects.get(pk=item.txn_id)
    assert (txn.measure, txn.amount, txn.side, txn.giver_name) == ("loan", Decimal("150000.00"), "support", "农商银行")
    assert (txn.receiver_kind, txn.receiver_id, txn.unit_id) == ("subject", folk.trainee.pk, folk.south.pk)
    total = ledger.sum_("loan", "support", "growing", within=folk.county.pk)
    assert (total.amount, total.count) == (150_000, 1)
    other = plans.do_item(
        plan[1], text="上门", by=folk.farmer_helper, at=at + DAY, given=Given("technique", Decimal(1))
    )
    assert Txn.objects.get(pk=other.txn_id).giver_id == folk.farming.pk


@pytest.mark.parametrize("given", [Given("gold", Decimal(1)), Given("technique", Decimal("1.5"))])
def test_what_the_ledger_does_not_count_is_refused_and_nothing_is_done(folk, at, plan, given):
    with pytest.raises(Missing):
        plans.do_item(plan[0], text="办了", by=folk.farmer_helper, at=at, given=given)
    assert PlanItem.objects.get(pk=plan[0].pk).stage == "open"


def test_evidence_of_a_line_is_evidence_that_the_need_is_met(folk, at, plan):
    plans.do_item(plan[0], text="到账", by=folk.farmer_helper, at=at, given=Given("loan", Decimal(1000)))
    offer = needs.meet(plan[0].claim, text="已解决", by=folk.farmer_helper, at=at + DAY)
    assert offer.state == "met"
    assert list(PlanItem.objects.order_by("n").values_list("stage", flat=True)) == ["done", "dropped", "dropped"]
    assert sweep(at + 200 * DAY) == []


def test_a_new_plan_replaces_what_is_not_done_and_keeps_what_was_late(folk, at, plan):
    sweep(midnight(2026, 11, 22))
    with pytest.raises(NoWords):
        plans.draw_up(plan[0].claim, three_months(folk)[1:], by=folk.farmer_helper, at=midnight(2026, 11, 23))
    lines = three_months(folk)[1:]
    new = plans.draw_up(plan[0].claim, lines, by=folk.farmer_helper, at=midnight(2026, 11, 23), reason="银行换了")
    assert [item.n for item in new] == [4, 5]
    old = PlanItem.objects.filter(n__lte=3).order_by("n")
    assert list(old.values_list("stage", "late")) == [("dropped", True), ("dropped", False), ("dropped", False)]


def test_K3_a_claim_without_plan_is_marked_late_once_and_told_above(folk, at):
    claim = claimed(folk, at)
    due = claim.due_at
    sweep(due + 9 * DAY)
    claim.refresh_from_db()
    assert (claim.late, claim.due_at) == (1, None)
    assert sweep(due + 30 * DAY) == []
    outbox.drain(due + 9 * DAY, 100)
    assert Message.objects.get(template="plan_late").posting == folk.organiser.pk
    plans.draw_up(claim, [Line(date(2026, 12, 1), "办贷款", date(2026, 12, 25), helper="张某")], by=folk.farmer_helper,
                  at=due + 9 * DAY)  # fmt: skip
    claim.refresh_from_db()
    assert claim.due_at is not None and claim.late == 1


def test_K3_a_plan_run_out_without_the_need_met_is_told_above(folk, at, plan):
    claim = plan[0].claim
    for item in plan:
        plans.do_item(item, text="办了", by=folk.farmer_helper, at=at + DAY)
    sweep(midnight(2027, 3, 1))
    claim.refresh_from_db()
    assert (claim.late, claim.state) == (1, "taken")
    assert OfferEvent.objects.filter(track_id=claim.offer_id, verb="end_late").count() == 1


def test_the_plan_of_a_claim_is_shown_by_month_with_progress(folk, at, plan, django_assert_num_queries):
    plans.do_item(plan[0], text="看过", by=folk.farmer_helper, at=at)
    claim = Claim.objects.select_related("offer").get()
    with django_assert_num_queries(1):
        months = lists.plan_of(claim)
    assert [(month.title, month.done, month.all) for month in months] == [
        ("2026年11月", 1, 1), ("2026年12月", 0, 1), ("2027年1月", 0, 1),
    ]  # fmt: skip
    line = months[0].lines[0]
    assert (line.measure, line.report, line.state, line.photos) == ("上门看棚，定方案", "看过", "已完成", ())
