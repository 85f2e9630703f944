"""Places, ranking, duties, leaders, reserves, imports: what happens to those who stand on the ladder."""

from datetime import timedelta

import pytest

from bihuan.book.models import Message
from bihuan.ladder import floors, reading
from bihuan.ladder.actions import duties, entering, gates, moving, ranking
from bihuan.ladder.answers import Missing
from bihuan.ladder.models import Answerable, Duty, Pass, Ranked, Ranking, Span, Standing, StandingEvent
from bihuan.ladder.posts import NotYours
from bihuan.ladder.rooms import Full
from bihuan.ladder.sweep import sweep
from bihuan.net import revisions
from bihuan.net.models import Role
from bihuan.net.postings import AboutOneself
from bihuan.net.postings import end as end_posting
from tests.ladder.conftest import START, World, at_gate, now

DAY = timedelta(days=1)
LONG_AGO = START - 400 * DAY


def on_stage(world: World, name: str, stage: str = "base", unit=None, **answers) -> Standing:
    return entering.enter(world.subject(name, unit, **answers), "small", stage, LONG_AGO, by=world.county, at=START)


def to_be_ranked(world: World, *standings: Standing, at=START) -> None:
    for standing in standings:
        gates.open_gate(standing, "promote", by=world.town, at=at)
        gates.vote(standing, agree=True, by=world.county, at=at)


# Imports


def test_an_import_brings_its_history_and_its_clocks_count_from_now(world):
    subject = world.subject()
    steps = [("base", START - 700 * DAY)]
    standing = entering.enter(subject, "small", "upper", LONG_AGO, by=world.county, at=START, earlier=steps)
    spans = list(Span.objects.order_by("since").values_list("stage", "since", "until"))
    assert spans == [("base", START - 700 * DAY, LONG_AGO), ("upper", LONG_AGO, None)]
    assert (standing.since, standing.entered_at) == (LONG_AGO, START - 700 * DAY)
    assert sweep(START + DAY) == 0


def test_an_import_of_somebody_gone_is_over_from_the_start(world):
    steps = [("base", START - 700 * DAY)]
    gone = entering.enter(world.subject(), "small", "out", LONG_AGO, by=world.county, at=START, earlier=steps)
    assert (gone.ended_at, gone.result) == (LONG_AGO, "eliminated")
    assert not Duty.objects.filter(done_at=None, dropped_at=None).exists()


# Places and ranking


def test_D3_an_import_cannot_exceed_the_places(world):
    on_stage(world, "甲", "upper")
    with pytest.raises(Full, match="“高级”的名额（1个）已满"):
        on_stage(world, "乙", "upper")
    assert on_stage(world, "丙", "upper", world.cast.other_town).stage == "upper"  # a place in each town


def test_promotion_goes_by_a_stored_ranking_and_who_has_no_place_waits(world):
    rich, poor = on_stage(world, "富", output=900_000), on_stage(world, "贫", output=310_000)
    to_be_ranked(world, poor, rich)
    assert [at_gate(one).step for one in (rich, poor)] == ["rank", "rank"]
    made = ranking.rank("small", "promote", world.cast.town.pk, by=world.county, at=START + DAY)
    rows = Ranked.objects.filter(ranking=made).order_by("place").values_list("standing", "value", "chosen")
    assert list(rows) == [(rich.pk, "900000", True), (poor.pk, "310000", False)]
    assert made.places == 1 and made.rule == "按“年产值”从高到低，“年龄”从高到低；相同的，先等待的在前"
    assert (now(rich).stage, now(rich).reached) == ("upper", True)
    assert now(poor).stage == "base" and at_gate(poor).step == Pass.Step.ROOM


def test_ties_are_broken_by_the_second_answer_then_by_who_came_first(world):
    young = on_stage(world, "小", age=30)
    first, second = on_stage(world, "先", age=50), on_stage(world, "后", age=50)
    to_be_ranked(world, young, first)
    to_be_ranked(world, second, at=START + DAY)
    line = ranking.line("small", "promote", world.cast.town.pk, START + DAY)
    assert [one.standing.pk for one in line] == [first.pk, second.pk, young.pk]


def test_who_waits_comes_in_by_rank_as_soon_as_a_place_is_free(world):
    there, rich, poor = on_stage(world, "在", "upper"), on_stage(world, "富", output=900_000), on_stage(world, "贫")
    to_be_ranked(world, poor, rich)
    ranking.rank("small", "promote", world.cast.town.pk, by=world.county, at=START + DAY)
    assert {at_gate(rich).step, at_gate(poor).step} == {"room"}
    moving.advance(there, "finish", by=world.county, at=START + 2 * DAY)
    world.pump(START + 2 * DAY)
    assert now(rich).stage == "upper" and now(poor).stage == "base"
    assert Ranking.objects.count() == 2


def test_where_nobody_compares_the_clock_does(world):
    standing = on_stage(world, "甲")
    to_be_ranked(world, standing)
    world.pump(at_gate(standing).step_due)
    assert now(standing).stage == "upper" and Ranking.objects.get().by is None


def test_only_the_last_reviewers_compare(world):
    standing = on_stage(world, "甲")
    to_be_ranked(world, standing)
    with pytest.raises(NotYours):
        ranking.rank("small", "promote", world.cast.town.pk, by=world.town, at=START)


# Reserves


def test_the_villages_short_of_people_are_a_list(world):
    on_stage(world, "甲")
    gaps = floors.gaps("small", world.cast.county.pk, START)
    assert [(gap.unit.name, gap.has, gap.missing) for gap in gaps] == [("北关社区", 0, 1)]


# Leaders and duties


def test_exactly_one_leader_is_answerable_and_the_one_before_stays_on_record(world):
    standing = on_stage(world, "甲")
    other = world.post("other_leader", world.cast.county, Role.LEADER)
    duties.assign(standing, world.leader, by=world.county, at=START)
    duties.assign(standing, other, by=world.county, at=START + DAY)
    rows = list(Answerable.objects.order_by("since").values_list("posting", "until"))
    assert rows == [(world.leader.pk, START + DAY), (other.pk, None)]
    assert now(standing).answerable == other.pk and Duty.objects.get().posting == other.pk


def test_a_leader_is_of_a_town_or_above_and_covers_the_village(world):
    standing = on_stage(world, "甲")
    far = world.post("far", world.cast.other_county, Role.LEADER)
    low = world.post("low", world.cast.south, Role.LEADER)
    for wrong in (far, low):
        with pytest.raises(duties.NoLeader):
            duties.assign(standing, wrong, by=world.county, at=START)


def test_a_visit_is_done_with_words_and_the_next_is_owed_from_then(world):
    standing = on_stage(world, "甲")
    duties.assign(standing, world.leader, by=world.county, at=START)
    duty = Duty.objects.get()
    with pytest.raises(Missing, match="走访情况"):
        duties.do(duty, by=world.leader, at=START + 10 * DAY)
    with pytest.raises(NotYours):
        duties.do(duty, by=world.county, at=START + 10 * DAY, text="看望")
    done = duties.do(duty, by=world.leader, at=START + 10 * DAY, text="到家里看望，解决了灌溉用水")
    assert not done.late and Duty.objects.get(done_at=None).opened_at == START + 10 * DAY


def test_K3_a_late_visit_is_marked_once_and_told_above(world):
    standing = on_stage(world, "甲")
    duties.assign(standing, world.leader, by=world.county, at=START)
    due = Duty.objects.get().due_at
    world.pump(due + DAY)
    world.pump(due + 2 * DAY)
    late = StandingEvent.objects.get(standing_id=standing.pk, verb="late")
    assert late.at == due and Duty.objects.get().late
    (told,) = Message.objects.filter(region_id=standing.region_id, template="duty_late")
    assert told.posting == world.city.pk and "走访" in told.body


def test_N2_kin_are_not_answerable(world):
    from bihuan.dossier import subjects

    standing = on_stage(world, "甲")
    subjects.relate(standing.subject, world.leader.person, "兄弟")
    with pytest.raises(AboutOneself):
        duties.assign(standing, world.leader, by=world.county, at=START)


def test_when_a_leader_leaves_the_next_holder_is_answerable(world):
    standing = on_stage(world, "甲")
    duties.assign(standing, world.leader, by=world.county, at=START)
    following = world.post("following", world.cast.county, Role.LEADER)
    said = end_posting(world.leader, on=START.date(), by=None, at=START + DAY)
    assert now(standing).answerable in (following.pk, world.cast.leader.pk)
    assert any("转给接任" in one.says for one in said)


# Reading


def test_why_and_why_not_is_a_sentence_for_each_test(world):
    subject = world.subject(output=100_000)
    lines = reading.explain(subject, "admit", START, program="small")
    assert [(line.test, line.ok, line.sentence, line.must) for line in lines] == [
        ("law", True, "", True), ("adult", True, "", False), ("output", False, "年产值不足30万元", False),
    ]  # fmt: skip
    assert reading.admits(subject, "admit", START, program="small")


def test_the_buttons_are_those_that_can_be_pressed(world):
    standing = on_stage(world, "甲")
    assert [gate.key for gate in reading.possible(standing, world.town, START).gates] == ["promote", "drop"]
    assert reading.possible(standing, world.county, START).gates == ()
    gates.open_gate(standing, "drop", by=world.town, at=START)
    assert reading.possible(standing, world.town, START).vote
    assert not reading.possible(standing, world.county, START).vote
    assert [one.standing_id for one in reading.waiting_for(world.town, START)] == [standing.pk]
    assert reading.waiting_for(world.county, START) == []


def test_a_desk_of_many_checks_takes_three_queries(world, django_assert_num_queries):
    for name in "甲乙丙丁":
        gates.open_gate(on_stage(world, name), "drop", by=world.town, at=START)
    revisions.forget()  # as in a process that changes neither net nor programs
    reading.waiting_for(world.town, START)
    with django_assert_num_queries(3):
        assert len(reading.waiting_for(world.town, START)) == 4


def test_N2_a_desk_does_not_offer_what_concerns_its_holder_too_closely(world):
    from bihuan.dossier import subjects

    standing = on_stage(world, "甲")
    subjects.relate(standing.subject, world.town.person, "姐夫")
    other = world.post("other_town_organiser", world.cast.town, Role.ORGANISER)
    gates.open_gate(standing, "drop", by=other, at=START)
    assert reading.waiting_for(world.town, START) == [] and len(reading.waiting_for(other, START)) == 1


def test_F1_a_decision_keeps_the_facts_it_used(world):
    from bihuan.dossier import facts
    from bihuan.dossier.models import Fact

    subject = world.subject()
    standing = entering.nominate("small", subject, gate="admit", by=world.village, at=START)
    used = set(Fact.objects.filter(subject=subject).values_list("pk", flat=True))
    facts.tell(subject, "small.output", 1, source="county", by=None, at=START + DAY)
    assert set(at_gate(standing).facts) == used and at_gate(standing).tests[0] == ["law", True, ""]
