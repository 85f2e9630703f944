"""Through a gate: in order, by different people, in public, with objection and appeal (D1-D4, N2)."""

from datetime import timedelta

import pytest

from bihuan.book.journal import RESIDENT
from bihuan.book.models import Message
from bihuan.ladder.actions import appealing, entering, gates, moving, noticing
from bihuan.ladder.models import Appeal, Notice, Objection, Pass, Standing, StandingEvent, Timer, Vote
from bihuan.ladder.posts import NotYours
from bihuan.ladder.rules import NotNow
from bihuan.loop.models import Case
from bihuan.net.models import Posting, Role
from bihuan.net.postings import AboutOneself
from tests.ladder.conftest import START, World, at_gate, now

DAY = timedelta(days=1)


def nominated(world: World, at=START, **answers) -> Standing:
    return entering.nominate("small", world.subject(**answers), gate="admit", by=world.village, at=at)


def agreed(world: World, standing: Standing, *who: Posting, at=START) -> Standing:
    for by in who:
        gates.vote(standing, agree=True, by=by, at=at)
    return now(standing)


def admitted(world: World, at=START, **answers) -> Standing:
    """Through all checks and the notice."""
    standing = nominated(world, at, **answers)
    agreed(world, standing, world.village, world.town, world.county, at=at)
    world.pump(at_gate(standing).step_due)
    return now(standing)


def test_D2_all_checks_in_order_and_the_notice_lead_into_the_first_stage(world):
    standing = nominated(world)
    assert (standing.stage, at_gate(standing).step) == ("", "village")
    agreed(world, standing, world.village)
    assert at_gate(standing).step == "town" and at_gate(standing).step_unit == world.cast.town.pk
    agreed(world, standing, world.town, world.county)
    passing, notice = at_gate(standing), Notice.objects.get()
    assert passing.step == "notice" and "王小满" in notice.text
    # Monday 16 November: the five full working days are Tuesday to Monday, to the close of the 23rd.
    assert f"{notice.until:%Y-%m-%d}" == "2026-11-23"
    world.pump(notice.until - timedelta(seconds=1))
    assert now(standing).stage == ""
    world.pump(notice.until)
    standing = now(standing)
    assert (standing.stage, standing.since, standing.ended_at) == ("base", notice.until, None)
    assert Pass.objects.get().result == "passed" and Pass.objects.get().facts


def test_D1_nobody_stands_twice_in_one_program(world):
    subject = world.subject()
    entering.nominate("small", subject, gate="admit", by=world.village, at=START)
    with pytest.raises(entering.AlreadyThere):
        entering.apply("small", subject, gate="admit", at=START)


def test_D2_only_the_post_whose_turn_it_is_may_vote(world):
    standing = nominated(world)
    for wrong in (world.town, world.county, world.village_other):
        with pytest.raises(NotYours):
            gates.vote(standing, agree=True, by=wrong, at=START)


def test_a_refusal_needs_its_reason_and_ends_the_gate(world):
    standing = nominated(world)
    with pytest.raises(Exception, match="请填写内容"):
        gates.vote(standing, agree=False, by=world.village, at=START)
    gates.vote(standing, agree=False, text="群众基础不够", by=world.village, at=START)
    standing = now(standing)
    assert (standing.result, standing.ended_at, Pass.objects.get().result) == ("refused", START, "failed")
    world.pump(START)
    told = Message.objects.filter(region_id=standing.region_id, template="refused").get()
    assert told.body == "王小满，“选拔”没有通过：群众基础不够。"


def test_who_was_refused_comes_back_only_after_the_cooling_time(world):
    subject = world.subject()
    standing = entering.nominate("small", subject, gate="admit", by=world.village, at=START)
    gates.vote(standing, agree=False, text="缓一缓", by=world.village, at=START)
    with pytest.raises(gates.Cooling, match="2027年11月"):
        entering.nominate("small", subject, gate="admit", by=world.village, at=START + 364 * DAY)
    assert Standing.objects.count() == 1
    again = entering.nominate("small", subject, gate="admit", by=world.village, at=START + 367 * DAY)
    assert again.pk != standing.pk


def test_who_does_not_meet_the_tests_is_told_why(world):
    with pytest.raises(gates.NotEligible, match="有违纪违法记录"):
        nominated(world, law=False)
    with pytest.raises(gates.NotEligible, match="未满18岁；年产值不足30万元"):
        entering.nominate("small", world.subject("李", age=17, output=1), gate="admit", by=world.village, at=START)
    assert not Standing.objects.exists()


def test_N2_the_subject_and_kin_do_not_decide_and_the_level_above_does(world):
    from bihuan.dossier import subjects

    subject = world.subject()
    subjects.relate(subject, world.village.person, "叔叔")
    standing = entering.nominate("small", subject, gate="admit", by=world.village, at=START)
    # The village's only secretary is kin: the step lies with the town from the start.
    assert at_gate(standing).step == "village" and at_gate(standing).step_unit == world.cast.town.pk
    with pytest.raises(NotYours):
        gates.vote(standing, agree=True, by=world.village, at=START)


def test_N2_nobody_votes_twice_in_one_pass(world):
    same = world.post("both", world.cast.town, Role.ORGANISER, person=world.village.person)
    standing = agreed(world, nominated(world), world.village)
    with pytest.raises(AboutOneself, match="已经表过态"):
        gates.vote(standing, agree=True, by=same, at=START)


def test_an_acting_holder_votes_only_where_no_main_holder_can(world):
    acting = world.post("acting", world.cast.south, Role.SECRETARY, holding=Posting.Holding.ACTING)
    standing = nominated(world)
    with pytest.raises(NotYours, match="正式任职"):
        gates.vote(standing, agree=True, by=acting, at=START)
    Posting.objects.filter(pk=world.village.pk).update(until=START.date())
    assert gates.vote(standing, agree=True, by=acting, at=START).standing_in == "acting"


def test_a_seconded_holder_has_no_say_in_what_comes_up_from_below(world):
    seconded = world.post("seconded", world.cast.town, Role.SECRETARY, holding=Posting.Holding.SECONDED)
    standing = nominated(world)
    due = at_gate(standing).step_due
    world.pump(due)
    assert at_gate(standing).step_unit == world.cast.town.pk
    with pytest.raises(NotYours, match="挂职"):
        gates.vote(standing, agree=True, by=seconded, at=due)
    assert gates.vote(standing, agree=True, by=world.town, at=due).standing_in == "up"


def test_a_seconded_holder_votes_in_the_unit_he_is_seconded_to(world):
    seconded = world.post("seconded", world.cast.town, Role.ORGANISER, holding=Posting.Holding.SECONDED)
    standing = agreed(world, nominated(world), world.village)
    assert gates.vote(standing, agree=True, by=seconded, at=START).standing_in == "seconded"


def test_the_vote_is_the_posts_whoever_holds_it_on_the_day(world):
    standing = nominated(world)
    Posting.objects.filter(pk=world.village.pk).update(until=(START + DAY).date())
    following = world.post("following", world.cast.south, Role.SECRETARY)
    with pytest.raises(NotYours):
        gates.vote(standing, agree=True, by=world.village, at=START + DAY)
    assert gates.vote(standing, agree=True, by=following, at=START + DAY).verdict == "agree"


def test_K3_a_step_nobody_takes_goes_up_once_stamped_with_the_time_it_was_due(world):
    world.post("town_secretary", world.cast.town, Role.SECRETARY)
    standing = nominated(world)
    due = at_gate(standing).step_due
    world.pump(due + 3 * timedelta(hours=1))
    world.pump(due + 4 * timedelta(hours=1))
    passing = at_gate(standing)
    assert (passing.step, passing.step_unit, passing.step_since) == ("village", world.cast.town.pk, due)
    assert StandingEvent.objects.filter(standing_id=standing.pk, verb="up").count() == 1
    assert Timer.objects.filter(standing=standing, stage="fired").get().ended_at == due
    assert gates.vote(standing, agree=True, by=world.town_secretary, at=due + DAY).standing_in == "up"
    assert at_gate(standing).step == "town"


def test_D2_an_objection_becomes_a_secret_case_and_blocks_until_it_is_settled(world):
    standing = nominated(world)
    agreed(world, standing, world.village, world.town, world.county)
    notice = Notice.objects.get()
    objection = noticing.object_to(notice, "他有一笔欠款没有还", at=START + DAY, phone="13900001111")
    case = Case.objects.get(region_id=objection.case_region, pk=objection.case_id)
    assert case.secrecy == "secret" and at_gate(standing).step == "objection"
    world.pump(notice.until)
    assert now(standing).stage == ""
    with pytest.raises(AboutOneself):
        noticing.settle(objection, upheld=False, text="已核实", by=world.county, at=START + 2 * DAY)
    noticing.settle(objection, upheld=False, text="已核实，欠款已还清", by=world.county_second, at=START + 2 * DAY)
    again = at_gate(standing)
    assert again.step == "notice" and f"{again.step_due:%Y-%m-%d}" == "2026-11-25"  # Wednesday + 5 full working days
    world.pump(again.step_due)
    assert now(standing).stage == "base"


def test_an_upheld_objection_ends_the_gate(world):
    standing = nominated(world)
    agreed(world, standing, world.village, world.town, world.county)
    objection = noticing.object_to(Notice.objects.get(), "材料不实", at=START + DAY)
    noticing.settle(objection, upheld=True, text="产值造假", by=world.county_second, at=START + 2 * DAY)
    assert now(standing).result == "refused"


def test_an_objection_that_nobody_settles_goes_up_and_at_last_counts_as_right(world):
    standing = nominated(world)
    agreed(world, standing, world.village, world.town, world.county)
    objection = noticing.object_to(Notice.objects.get(), "材料不实", at=START + DAY)
    world.pump(at_gate(standing).step_due)
    assert Objection.objects.get().unit_id == world.cast.city.pk
    world.pump(at_gate(standing).step_due)
    objection.refresh_from_db()
    assert objection.upheld and now(standing).result == "refused"


def test_after_the_notice_nobody_can_object(world):
    admitted(world)
    notice = Notice.objects.get()
    with pytest.raises(NotNow, match="公示已经结束"):
        noticing.object_to(notice, "晚了", at=notice.until + DAY)


def dropping(world: World, at) -> Standing:
    standing = admitted(world)
    gates.open_gate(standing, "drop", by=world.town, at=at)
    agreed(world, standing, world.town, world.county, at=at)
    return now(standing)


LATER = START + 30 * DAY


def test_D4_elimination_takes_effect_after_the_time_to_appeal(world):
    standing = dropping(world, LATER)
    passing = at_gate(standing)
    assert passing.step == "appeal" and standing.stage == "base"
    with pytest.raises(NotNow):
        gates.withdraw(standing, by=world.town, at=LATER)
    world.pump(passing.step_due - timedelta(seconds=1))
    assert now(standing).ended_at is None
    world.pump(passing.step_due + DAY)
    gone = now(standing)
    assert (gone.stage, gone.result, gone.ended_at) == ("out", "eliminated", passing.step_due)


def test_D4_an_appeal_blocks_until_the_level_above_rules(world):
    standing = dropping(world, LATER)
    due = at_gate(standing).step_due
    made = appealing.appeal(standing, "我不同意，去年受了灾", at=LATER + DAY)
    assert made.unit_id == world.cast.city.pk
    world.pump(due)
    assert now(standing).stage == "base"
    with pytest.raises(NotYours):
        appealing.rule(made, upheld=True, text="成立", by=world.county_second, at=LATER + 2 * DAY)
    appealing.rule(made, upheld=True, text="受灾属实", by=world.city, at=LATER + 2 * DAY)
    stays = now(standing)
    assert (stays.stage, stays.ended_at) == ("base", None)
    assert Pass.objects.filter(gate="drop").get().result == "failed"


def test_D4_an_appeal_nobody_rules_on_is_right(world):
    standing = dropping(world, LATER)
    appealing.appeal(standing, "我不同意", at=LATER + DAY)
    world.pump(at_gate(standing).step_due)
    assert Appeal.objects.get().upheld and now(standing).stage == "base"


def test_a_yearly_clock_waits_for_the_gate_that_is_open(world):
    standing = admitted(world)
    yearly = Timer.objects.get(standing=standing, key="yearly", stage="running")
    gates.open_gate(standing, "drop", by=world.town, at=yearly.due_at - DAY)
    world.pump(yearly.due_at)
    assert Timer.objects.get(pk=yearly.pk).stage == "running"
    gates.vote(standing, agree=False, text="表现好", by=world.town, at=yearly.due_at + DAY)
    world.pump(yearly.due_at + DAY)
    fired = Timer.objects.get(pk=yearly.pk)
    assert (fired.stage, fired.ended_at) == ("fired", yearly.due_at + DAY)
    assert at_gate(standing).opener == "clock"


def test_a_subject_applies_by_himself_and_may_take_it_back(world):
    standing = entering.apply("small", world.subject(), gate="admit", at=START)
    with pytest.raises(NotYours):
        gates.withdraw(standing, by=world.town, at=START)
    gates.withdraw(standing, by=RESIDENT, at=START + DAY)
    assert now(standing).result == "withdrawn"


def test_moves_are_for_their_posts_and_stages(world):
    standing = admitted(world)
    with pytest.raises(NotNow):
        moving.advance(standing, "finish", by=world.county, at=LATER)


def test_messages_reach_the_subject_and_the_reviewers(world):
    standing = nominated(world)
    world.pump(START)
    told = {m.template: m for m in Message.objects.filter(region_id=standing.region_id)}
    assert told["opened"].posting is None and told["to_reviewers"].posting == world.village.pk
    assert "村级初选" in told["to_reviewers"].body


def test_the_subject_is_told_by_phone_where_one_is_known(world, settings):
    from bihuan.book import messages
    from bihuan.dossier import subjects

    settings.CHANNEL = "heard"
    heard = []
    messages.channel("heard")(lambda parcels, at: heard.extend(parcels))
    subject = world.subject()
    subjects.change(subject, phone="13812345678")
    entering.apply("small", subject, gate="admit", at=START)
    world.pump(START)
    assert "13812345678" in [parcel.to for parcel in heard if "已受理" in parcel.text]


def test_votes_cannot_be_changed_by_the_application(world):
    from django.db import ProgrammingError, transaction

    agreed(world, nominated(world), world.village)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        Vote.objects.update(verdict="refuse")
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        StandingEvent.objects.filter(n=1).update(verb="x")


def test_S1_S2_the_record_of_standings_is_whole_and_a_change_is_found(world):
    from bihuan.jobs.integrity import check_standings

    standing = dropping(world, LATER)
    world.pump(at_gate(standing).step_due)
    found = check_standings()
    assert (found.tracks, found.breaks) == (1, []) and found.events > 10
    Standing.objects.filter(pk=standing.pk).update(stage="upper")
    assert "stage" in check_standings().breaks[0].what
