"""Needs: collected, claimed by units in scope, given back, met with evidence; what nobody claims goes up (M2)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from bihuan.book import outbox
from bihuan.book.models import Message
from bihuan.book.verify import verify
from bihuan.dossier.models import Text
from bihuan.loop.moves import IllegalMove, Missing
from bihuan.loop.record import NoWords
from bihuan.net.models import Posting
from bihuan.net.postings import AboutOneself
from bihuan.net.scope import OutOfScope
from bihuan.offers import access, story
from bihuan.offers.actions import needs, rounds
from bihuan.offers.lapsing import sweep
from bihuan.offers.models import Claim, Offer, OfferEvent, Round, RoundEvent
from tests.dossier.people import page
from tests.offers.people import LADDER

DAY = timedelta(days=1)
SAID = "扩建两栋大棚，还差十五万元"


def collect(folk, at, **changed):
    asked = {"program": LADDER, "topic": "funds", "text": SAID, "by": folk.village_secretary, "at": at}
    return needs.collect(**{"subject": folk.trainee, **asked, **changed})


def opened(folk, at, **changed):
    asked = {"title": "2026年下半年征集", "unit": folk.county, "by": folk.organiser, "at": at}
    return rounds.open(LADDER, **{**asked, **changed})


# Rounds


def test_a_round_collects_needs_of_its_area_until_it_is_closed(folk, at):
    round = opened(folk, at, window="5wd")
    offer = collect(folk, at, round=round)
    assert (offer.unit, offer.round, offer.program) == (folk.county, round, LADDER)
    assert offer.window_until.isoformat() == "2026-11-23T17:00:00+08:00"  # five working days after Monday the 16th
    rounds.close(round, by=folk.organiser, at=at + DAY)
    with pytest.raises(IllegalMove, match="已经结束"):
        collect(folk, at + DAY, round=round, subject=folk.other_trainee)


def test_one_round_of_a_program_is_open_in_an_area(folk, at):
    round = opened(folk, at)
    with pytest.raises(rounds.AlreadyOpen):
        opened(folk, at)
    rounds.close(round, by=folk.organiser, at=at)
    with pytest.raises(IllegalMove):
        rounds.close(round, by=folk.organiser, at=at)
    assert opened(folk, at).closed_at is None


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"title": " "}, Missing),
        ({"window": "0wd"}, Missing),
        ({"window": "3h"}, Missing),
        ({"window": "90wd"}, Missing),
    ],
)
def test_a_round_says_what_it_lacks(folk, at, changed, refusal):
    with pytest.raises(refusal):
        opened(folk, at, **changed)


def test_a_round_is_opened_by_who_answers_for_the_area(folk, at):
    with pytest.raises(access.NotYours):
        opened(folk, at, by=folk.farmer_helper)
    with pytest.raises(OutOfScope):
        opened(folk, at, unit=folk.other_county)


# Collecting


def test_a_need_is_written_down_with_its_words_and_waits_in_the_town_first(folk, at):
    offer = collect(folk, at, amount=150_000)
    assert (offer.state, offer.unit, offer.place, offer.taken) == ("open", folk.town, folk.south, 0)
    assert (offer.l2, offer.l3, offer.l4, offer.l5) == (folk.city.pk, folk.county.pk, folk.town.pk, folk.south.pk)
    assert Text.objects.get(region_id=offer.region_id, pk=offer.text_id).body == SAID


def test_a_trainee_may_say_so_himself(folk, at):
    from bihuan.book.journal import RESIDENT

    assert collect(folk, at, by=RESIDENT).state == "open"


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"topic": "gold"}, Missing),
        ({"text": "  "}, NoWords),
        ({"text": "长" * 2001}, NoWords),
        ({"amount": -1}, Missing),
        ({"capacity": 0}, Missing),
        ({"capacity": 51}, Missing),
    ],
)
def test_a_need_says_what_it_lacks(folk, at, changed, refusal):
    with pytest.raises(refusal):
        collect(folk, at, **changed)
    assert not Offer.objects.exists()


def test_only_who_answers_for_the_trainee_collects_his_needs(folk, at):
    with pytest.raises(access.NotYours):
        collect(folk, at, by=folk.farmer_helper)
    with pytest.raises(OutOfScope):
        collect(folk, at, by=folk.north_secretary)


# Claiming


def test_a_unit_claims_a_need_and_owes_a_plan(folk, at):
    offer = collect(folk, at, unit=folk.county)
    claim = needs.claim(offer, by=folk.farmer_helper, at=at)
    offer.refresh_from_db()
    assert (offer.state, offer.taken, offer.window_until) == ("taken", 1, None)
    assert (claim.unit, claim.personal) == (folk.farming, False)
    assert claim.due_at.isoformat() == "2026-11-30T17:00:00+08:00"  # ten working days
    with pytest.raises(IllegalMove, match="帮扶中"):
        needs.claim(offer, by=folk.handler, at=at)


def test_M1_several_units_share_a_need_up_to_its_capacity(folk, at):
    offer = collect(folk, at, unit=folk.county, capacity=2)
    needs.claim(offer, by=folk.farmer_helper, at=at)
    with pytest.raises(IllegalMove, match="已经认领"):
        needs.claim(offer, by=folk.farming_chief, at=at)
    needs.claim(offer, by=folk.handler, at=at)
    with pytest.raises(IllegalMove):
        needs.claim(offer, by=folk.roads_handler, at=at)
    offer.refresh_from_db()
    assert (offer.taken, offer.state) == (2, "taken")


def test_M1_the_table_itself_refuses_a_claim_too_many(folk, at):
    offer = collect(folk, at)
    with pytest.raises(IntegrityError, match="m1_taken_in_capacity"), transaction.atomic():
        Offer.objects.filter(pk=offer.pk).update(taken=2)


@pytest.mark.parametrize(
    ("who", "level", "may"),
    [
        ("town_handler", "town", True),
        ("farmer_helper", "town", False),  # it has not come to the county yet
        ("farmer_helper", "county", True),
        ("town_handler", "county", True),  # nearer to the trainee than the level it has come to
        ("banker", "county", False),
        ("banker", "city", True),
        ("stranger", "city", False),  # stands in another county
        ("worker", "county", False),  # no helping post
        ("admin", "city", False),
    ],
)
def test_only_units_in_scope_may_claim(folk, at, who, level, may):
    offer = collect(folk, at, unit=getattr(folk, level), by=folk.village_secretary)
    posting = getattr(folk, who)
    if may:
        assert needs.claim(offer, by=posting, at=at).unit_id == posting.unit_id
    else:
        with pytest.raises((OutOfScope, access.NotYours)):
            needs.claim(offer, by=posting, at=at)
        with pytest.raises(access.NotFound):
            access.offer_for(posting, offer.no)


def test_where_members_are_named_only_they_and_governments_claim(folk, at):
    offer = collect(folk, at, unit=folk.county, capacity=3)
    member = rounds.enrol(LADDER, folk.water, since=at.date(), by=folk.organiser)
    with pytest.raises(access.NotYours, match="成员单位"):
        needs.claim(offer, by=folk.farmer_helper, at=at)
    needs.claim(offer, by=folk.team_handler, at=at)  # of a team below a member
    needs.claim(offer, by=folk.town_handler, at=at)
    rounds.leave(member, on=at.date(), by=folk.organiser)
    assert needs.claim(offer, by=folk.farmer_helper, at=at + DAY)


def test_a_leader_claims_for_himself_wherever_in_his_area(folk, at):
    offer = collect(folk, at)
    with pytest.raises(access.NotYours):
        needs.claim(offer, by=folk.town_handler, at=at, personal=True)
    claim = needs.claim(offer, by=folk.leader, at=at, personal=True)
    assert (claim.personal, claim.posting) == (True, folk.leader.pk)


def test_nobody_claims_his_own_need(folk, at):
    from bihuan.dossier import subjects

    himself = subjects.register("褚街道", unit=folk.south.pk, at=at, person=folk.town_handler.person)
    offer = collect(folk, at, subject=himself)
    with pytest.raises(AboutOneself):
        needs.claim(offer, by=folk.town_handler, at=at)


# Given back


def test_a_released_need_is_open_again_with_a_new_window(folk, at):
    offer = collect(folk, at, unit=folk.county)
    claim = needs.claim(offer, by=folk.farmer_helper, at=at)
    with pytest.raises(NoWords):
        needs.release(claim, text="", by=folk.farmer_helper, at=at)
    with pytest.raises(access.NotYours):
        needs.release(claim, text="不归我们", by=folk.handler, at=at)
    later = at + 3 * DAY
    offer = needs.release(claim, text="没有这方面的资金", by=folk.farmer_helper, at=later)
    assert (offer.state, offer.taken) == ("open", 0)
    assert offer.window_until > later + 10 * DAY
    with pytest.raises(IllegalMove):
        needs.release(claim, text="再退", by=folk.farmer_helper, at=later)
    assert needs.claim(offer, by=folk.farmer_helper, at=later)


def test_an_organiser_takes_a_claim_back_from_a_unit_that_does_nothing(folk, at):
    claim = needs.claim(collect(folk, at, unit=folk.county), by=folk.farmer_helper, at=at)
    assert needs.release(claim, text="两个月没有动静", by=folk.organiser, at=at).state == "open"
    outbox.drain(at, 100)
    told = Message.objects.get(template="taken_back")
    assert told.posting == folk.farmer_helper.pk


# Met


def test_a_need_is_met_with_evidence(folk, at):
    claim = needs.claim(collect(folk, at, unit=folk.county), by=folk.farmer_helper, at=at)
    with pytest.raises(Missing, match="佐证"):
        needs.meet(claim, text="贷款已到账", by=folk.farmer_helper, at=at)
    picture = page(folk.county.pk, at)
    offer = needs.meet(claim, text="贷款已到账", by=folk.farmer_helper, at=at, photos=[picture])
    assert (offer.state, offer.met_at, offer.ended_at) == ("met", at, at)
    assert Claim.objects.get(pk=claim.pk).state == "done"


def test_a_need_of_two_is_met_when_the_second_is_done(folk, at):
    offer = collect(folk, at, unit=folk.county, capacity=2)
    one, two = (needs.claim(offer, by=by, at=at) for by in (folk.farmer_helper, folk.handler))
    needs.meet(one, text="办了一半", by=folk.farmer_helper, at=at, photos=[page(folk.county.pk, at)])
    offer.refresh_from_db()
    assert offer.state == "taken"
    needs.meet(two, text="办完了", by=folk.handler, at=at, photos=[page(folk.county.pk, at)])
    offer.refresh_from_db()
    assert (offer.state, offer.taken) == ("met", 2)


def test_a_need_is_withdrawn_or_closed_and_its_claims_end(folk, at):
    offer = collect(folk, at, unit=folk.county)
    claim = needs.claim(offer, by=folk.farmer_helper, at=at)
    needs.withdraw(offer, text="本人外出务工", by=folk.village_secretary, at=at)
    offer.refresh_from_db()
    claim.refresh_from_db()
    assert (offer.state, offer.taken, claim.state, claim.due_at) == ("withdrawn", 0, "released", None)
    with pytest.raises(IllegalMove, match="已撤回"):
        needs.withdraw(offer, text="再撤", by=folk.village_secretary, at=at)
    other = collect(folk, at)
    with pytest.raises(access.NotYours):
        needs.close(other, text="办不了", by=folk.village_secretary, at=at)
    assert needs.close(other, text="政策不允许", by=folk.organiser, at=at).verb == "close"


# M2


def test_M2_what_nobody_claims_in_its_window_goes_up_and_is_told(folk, at):
    offer = collect(folk, at)
    first = offer.window_until
    assert sweep(first - timedelta(minutes=1)) == []
    assert sweep(first + 2 * DAY) == [offer.region_id]
    offer.refresh_from_db()
    assert (offer.unit, offer.rises) == (folk.county, 1)
    event = OfferEvent.objects.get(track_id=offer.pk, verb="rise")
    assert (event.at, event.actor) == (first, "clock")  # stamped with the time it was due
    assert sweep(first + 2 * DAY) == []  # once
    outbox.drain(first + 2 * DAY, 100)
    said = Message.objects.get(template="risen")
    assert said.posting == folk.organiser.pk  # of the county's organisation department
    assert "无人认领" in said.body and "海澄市" in said.body


def test_M2_after_downtime_each_level_had_its_window_and_the_top_hears_again(folk, at):
    offer = collect(folk, at)
    sweep(at + 90 * DAY)
    offer.refresh_from_db()
    verbs = list(OfferEvent.objects.filter(track_id=offer.pk).order_by("n").values_list("verb", flat=True))
    assert verbs[:3] == ["begin", "rise", "rise"] and set(verbs[3:]) == {"remind"}
    assert (offer.unit, offer.rises) == (folk.city, 2)
    assert offer.window_until > at + 90 * DAY  # it never stops asking


def test_M2_no_act_overtakes_the_window(folk, at):
    offer = collect(folk, at)
    with pytest.raises(OutOfScope):
        needs.claim(offer, by=folk.farmer_helper, at=offer.window_until - DAY)
    claim = needs.claim(
        offer, by=folk.farmer_helper, at=offer.window_until + DAY
    )  # no sweep came, it has risen all the same
    assert claim.offer.unit == folk.county


def test_M2_free_seats_of_a_shared_need_go_up_too(folk, at):
    offer = collect(folk, at, capacity=2)
    needs.claim(offer, by=folk.town_handler, at=at)
    sweep(offer.window_until)
    offer.refresh_from_db()
    assert (offer.unit, offer.state, offer.taken) == (folk.county, "open", 1)


# Who may know, and the record


def test_strangers_are_told_there_is_no_such_need(folk, at):
    offer = collect(folk, at, unit=folk.county)
    for who in ("village_secretary", "organiser", "leader", "farmer_helper", "town_handler", "city_organiser"):
        assert access.offer_for(getattr(folk, who), offer.no.lower()) == offer
    for who in ("north_secretary", "stranger", "banker", "agent", "worker", "admin", "other_dispatcher"):
        with pytest.raises(access.NotFound):
            access.offer_for(getattr(folk, who), offer.no)
    with pytest.raises(access.NotFound):
        access.offer_for(folk.organiser, "没有这个号")


def test_what_one_unit_took_is_not_the_others_business(folk, at):
    offer = collect(folk, at, unit=folk.county)
    needs.claim(offer, by=folk.farmer_helper, at=at)
    assert access.offer_for(folk.farming_chief, offer.no)
    with pytest.raises(access.NotFound):
        access.offer_for(folk.handler, offer.no)


def test_S1_S2_the_record_of_needs_and_rounds_is_whole(folk, at):
    round = opened(folk, at)
    offer = collect(folk, at, round=round, amount=150_000)
    claim = needs.claim(offer, by=folk.farmer_helper, at=at)
    needs.release(claim, text="换人", by=folk.farmer_helper, at=at)
    sweep(at + 40 * DAY)
    needs.withdraw(offer, text="不需要了", by=folk.organiser, at=at + 40 * DAY)
    rounds.close(round, by=folk.organiser, at=at + 40 * DAY)
    for events, tracks in ((OfferEvent, Offer), (RoundEvent, Round)):
        found = verify(events, tracks)
        assert (found.tracks, [str(broken) for broken in found.breaks]) == (1, [])


def test_the_application_cannot_rewrite_what_happened(folk, at):
    from django.db import ProgrammingError

    collect(folk, at)
    for statement in (lambda: OfferEvent.objects.update(verb="x"), lambda: OfferEvent.objects.all().delete()):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            statement()


def test_the_story_tells_who_did_what_with_which_words(folk, at, django_assert_num_queries):
    offer = collect(folk, at, unit=folk.county)
    claim = needs.claim(offer, by=folk.farmer_helper, at=at)
    offer = needs.release(claim, text="没有这方面的资金", by=folk.farmer_helper, at=at)
    with django_assert_num_queries(3):
        told = story.steps(offer)
    assert [(step.title, step.who) for step in told] == [
        ("收集需求", "南关社区 村书记"),
        ("认领", "海澄市农业农村局 农技员"),
        ("退回认领", "海澄市农业农村局 农技员"),
    ]
    assert [step.text for step in told] == [SAID, "", "没有这方面的资金"]


def test_claiming_takes_few_queries(folk, at, django_assert_max_num_queries):
    offer = collect(folk, at, unit=folk.county)
    with django_assert_max_num_queries(16):
        needs.claim(offer, by=folk.farmer_helper, at=at)


def test_who_left_his_post_is_followed_in_messages(folk, at):
    claim = needs.claim(collect(folk, at, unit=folk.county), by=folk.farmer_helper, at=at)
    Posting.objects.filter(pk=folk.farmer_helper.pk).update(until=at.date())
    needs.release(claim, text="收回", by=folk.organiser, at=at)
    outbox.drain(at, 100)
    assert Message.objects.get(template="taken_back").posting == folk.farming_chief.pk
