"""What keeps offers whole: the pump sweeps them, the record is verified with its words, a unit that owes does not end."""

from datetime import date, timedelta

import pytest

from bihuan.dossier.models import Text
from bihuan.jobs.integrity import check_offers
from bihuan.jobs.pump import Pump
from bihuan.net import postings, tree
from bihuan.offers import access, lists
from bihuan.offers.actions import needs, pairing, plans
from bihuan.offers.actions.plans import Line
from bihuan.offers.models import Offer, PlanItem
from tests.offers.test_needs import collect

DAY = timedelta(days=1)


def planned(folk, at):
    claim = needs.claim(collect(folk, at, unit=folk.county), by=folk.farmer_helper, at=at)
    plans.draw_up(
        claim, [Line(date(2026, 11, 1), "上门", date(2026, 11, 20), helper="张某")], by=folk.farmer_helper, at=at
    )
    return claim


def test_the_pump_sweeps_needs_and_tells(folk, at):
    from bihuan.book.models import Message

    offer = collect(folk, at)
    Pump().run_dry(offer.window_until)
    assert Offer.objects.get().rises == 1
    assert Message.objects.filter(template="risen").count() == 1


def test_S2_words_that_were_changed_are_found(folk, at):
    claim = planned(folk, at)
    assert check_offers().breaks == []
    Text.objects.filter(region_id=folk.county.pk, pk=PlanItem.objects.get().text_id).update(body="别的话")
    (found,) = check_offers(region=folk.county.pk).breaks
    assert (found.number, found.n) == (claim.offer.no, 3)


@pytest.mark.parametrize("owes", ["claim", "pair"])
def test_a_unit_that_owes_help_does_not_end(folk, at, owes):
    if owes == "claim":
        claim = planned(folk, at)
    else:
        pair = pairing.pair(folk.farming, folk.south, by=folk.organiser, at=at)
    with pytest.raises(tree.TreeFault, match="未了结"):
        tree.close_unit(folk.farming, on=at.date(), at=at)
    if owes == "claim":
        needs.release(claim, text="机构改革", by=folk.farmer_helper, at=at)
    else:
        pairing.part(pair, on=at.date(), text="机构改革", by=folk.organiser, at=at)
    with pytest.raises(tree.TreeFault, match="任职"):  # now it is only its people who are in the way
        tree.close_unit(folk.farming, on=at.date(), at=at)


def test_who_leaves_hands_his_lines_to_the_unit_that_claimed(folk, at):
    claim = needs.claim(collect(folk, at, unit=folk.county), by=folk.farmer_helper, at=at)
    line = Line(date(2026, 11, 1), "接管道", date(2026, 11, 20), posting=folk.handler)
    plans.draw_up(claim, [line], by=folk.farmer_helper, at=at)
    assert [row.measure for row in lists.my_items(folk.handler, at=at).rows] == ["接管道"]
    (said,) = postings.consequences(folk.handler, by=folk.admin, at=at)
    assert said.says == f"需求{claim.offer.no}的一项帮扶转到海澄市农业农村局"
    postings.end(folk.handler, on=at.date(), by=folk.admin, at=at)
    item = PlanItem.objects.get()
    assert (item.helper, item.helper_posting, item.stage) == ("周水务", None, "open")
    assert plans.do_item(item, text="接好了", by=folk.farming_chief, at=at).stage == "done"


def test_pictures_of_help_are_seen_by_those_who_may_know_of_the_need(folk, at):
    claim = needs.claim(collect(folk, at, unit=folk.county), by=folk.farmer_helper, at=at)
    line = Line(date(2026, 11, 1), "接管道", date(2026, 11, 20), posting=folk.handler)
    (item,) = plans.draw_up(claim, [line], by=folk.farmer_helper, at=at)
    pair = pairing.pair(folk.farming, folk.south, by=folk.organiser, at=at)
    deed = pairing.record(pair, on=at.date(), kind="visit", text="走访", by=folk.farmer_helper, at=at)
    for kind, pk in (("planitem", item.pk), ("claim", claim.pk), ("deed", deed.pk)):
        for who in ("village_secretary", "organiser", "farmer_helper"):
            assert access.may_see_part(getattr(folk, who), kind, pk)
        for who in ("north_secretary", "stranger", "agent", "worker"):
            assert not access.may_see_part(getattr(folk, who), kind, pk)
    assert access.may_see_part(folk.handler, "planitem", item.pk)  # a line names him
    assert not access.may_see_part(folk.handler, "deed", deed.pk)
