"""Random people try random deeds at random times, the pump comes or stays away: the named rules hold after every step."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bihuan.book.journal import RESIDENT, fold
from bihuan.book.verify import first_break
from bihuan.ladder import timers
from bihuan.ladder.actions import appealing, duties, entering, gates, moving, noticing, ranking
from bihuan.ladder.course import gate_of
from bihuan.ladder.models import Appeal, Duty, Notice, Objection, Pass, Span, Standing, StandingEvent, Timer
from bihuan.ladder.refusals import REFUSED
from bihuan.ladder.rules import rules_of
from bihuan.net.models import Role
from tests.ladder.conftest import START

POSTS = (
    "subject", "village", "village_other", "town", "town_second", "county", "county_second", "city", "leader",
)  # fmt: skip
NAMES = ("甲", "乙", "丙")


def last(model, path, standing):
    found = model.objects.filter(**{path: standing}).order_by("pk").last()
    if found is None:
        raise gates.NotNow("没有。")
    return found


DEEDS = {
    "admit": lambda world, who, by, at: entering.nominate("small", world.known[who], gate="admit", by=by, at=at),
    "promote": lambda world, who, by, at: gates.open_gate(one(world, who), "promote", by=by, at=at),
    "drop": lambda world, who, by, at: gates.open_gate(one(world, who), "drop", by=by, at=at),
    "agree": lambda world, who, by, at: gates.vote(one(world, who), agree=True, by=by, at=at),
    "refuse": lambda world, who, by, at: gates.vote(one(world, who), agree=False, text="不同意", by=by, at=at),
    "object": lambda world, who, by, at: noticing.object_to(
        last(Notice, "passing__standing", one(world, who)), "不实", at=at
    ),
    "uphold": lambda world, who, by, at: noticing.settle(
        last(Objection, "notice__passing__standing", one(world, who)), upheld=True, text="属实", by=by, at=at
    ),
    "dismiss": lambda world, who, by, at: noticing.settle(
        last(Objection, "notice__passing__standing", one(world, who)), upheld=False, text="不属实", by=by, at=at
    ),
    "appeal": lambda world, who, by, at: appealing.appeal(one(world, who), "不服", by=by, at=at),
    "right": lambda world, who, by, at: appealing.rule(
        last(Appeal, "passing__standing", one(world, who)), upheld=True, text="成立", by=by, at=at
    ),
    "wrong": lambda world, who, by, at: appealing.rule(
        last(Appeal, "passing__standing", one(world, who)), upheld=False, text="不成立", by=by, at=at
    ),
    "rank": lambda world, who, by, at: ranking.rank("small", "promote", world.cast.town.pk, by=by, at=at),
    "finish": lambda world, who, by, at: moving.advance(one(world, who), "finish", by=by, at=at),
    "withdraw": lambda world, who, by, at: gates.withdraw(one(world, who), by=by, at=at),
    "assign": lambda world, who, by, at: duties.assign(one(world, who), world.leader, by=by, at=at),
    "visit": lambda world, who, by, at: duties.do(last(Duty, "standing", one(world, who)), by=by, at=at, text="看望"),
    "pump": lambda world, who, by, at: world.pump(at),
}
# Likely ways through, so that random steps do not die at the door: each may be followed or left.
COURSE = (
    ("admit", "village"), ("agree", "village"), ("agree", "town"), ("agree", "county"), ("pump", "city"),
    ("promote", "town"), ("agree", "county_second"), ("rank", "county"), ("drop", "town"), ("agree", "town_second"),
    ("object", "subject"), ("dismiss", "county_second"), ("appeal", "subject"), ("wrong", "city"), ("right", "city"),
)  # fmt: skip

steps = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(COURSE), st.tuples(st.sampled_from(sorted(DEEDS)), st.sampled_from(POSTS))),
        st.sampled_from(NAMES),
        st.sampled_from((0, 0, 0.3, 1, 5, 12, 40, 200)),
    ),
    min_size=5,
    max_size=30,
)


class Undo(Exception):
    """Ends an example's transaction."""


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.reuse, Phase.generate])
@given(start=st.sampled_from(("", "base", "upper")), steps=steps)
def test_D1_D2_D3_D4_S1_S2_hold_and_nobody_is_stuck_whatever_happens(world, start, steps):
    try:
        with transaction.atomic():
            live(world, start, steps)
            raise Undo
    except Undo:
        pass


def live(world, start, steps):
    at = START
    world.post("town_second", world.cast.town, Role.ORGANISER)
    world.known = {name: world.subject(name, output=400_000 + 1000 * ord(name)) for name in NAMES}
    if start:
        entering.enter(world.known["甲"], "small", start, START - timedelta(days=90), by=world.county, at=at)
    check(world)
    for (deed, post), name, days in steps:
        at += timedelta(days=days)
        try:
            with transaction.atomic():
                DEEDS[deed](world, name, RESIDENT if post == "subject" else getattr(world, post), at)
        except REFUSED:
            pass
        check(world)
    for _year in range(
        4
    ):  # whoever keeps still now: the clocks alone bring everybody to an end, or to where they may stay
        at += timedelta(days=366)
        world.pump(at)
        check(world)


def one(world, name) -> Standing:
    found = Standing.objects.filter(subject=world.known[name]).order_by("pk").last()
    if found is None:
        raise gates.NotNow("没有。")
    return found


# What must hold


def check(world):
    for name in NAMES:
        assert Standing.objects.filter(subject=world.known[name], ended_at=None).count() <= 1  # D1
    assert Standing.objects.filter(stage="upper", ended_at=None, l4=world.cast.town.pk).count() <= 1  # D3
    for standing in Standing.objects.all():
        record_is_whole(standing)
        stages_change_only_by_acts(standing)
        is_not_stuck(standing)
        spans_fit(standing)
    for passing in Pass.objects.filter(result="passed").select_related("standing__subject"):
        steps_were_kept(passing)
        notice_ran_its_time(passing)
        waited_for_the_appeal(passing)


def record_is_whole(standing):
    """S1, S2, and time does not run backwards."""
    events = list(StandingEvent.objects.filter(standing_id=standing.pk).order_by("n"))
    assert first_break(standing, events) is None
    assert [event.at for event in events] == sorted(event.at for event in events)


def stages_change_only_by_acts(standing):
    """D2: by a gate that was passed or failed, by a move, or by coming in."""
    events = StandingEvent.objects.filter(standing_id=standing.pk).order_by("n")
    changed = [event.verb for event in events if "stage" in fold([event])]
    assert set(changed) <= {"pass", "fail", "advance", "entered"}


def is_not_stuck(standing):
    """Somebody or some clock can always go on."""
    passing = Pass.objects.filter(standing=standing, ended_at=None).first()
    running = Timer.objects.filter(standing=standing, stage="running")
    if standing.ended_at:
        assert passing is None and not running.exists()
        assert not Duty.objects.filter(standing=standing, done_at=None, dropped_at=None).exists()
        return
    if passing is not None and passing.step != Pass.Step.ROOM:
        timer = running.get(passing=passing)
        assert (timer.key, timer.due_at) == (f"{passing.gate}.{passing.step}", passing.step_due)
    elif passing is None:
        assert standing.stage, "a nominee at no gate"
        assert running.filter(key="yearly", passing=None).count() == 1
    blocked = Objection.objects.filter(notice__passing=passing, settled_at=None).exists() if passing else False
    assert not blocked or passing.step == "objection"


def spans_fit(standing):
    """As-of counts: one span is open while it stands on a stage, and it is that stage's."""
    still = list(Span.objects.filter(standing=standing, until=None).values_list("stage", flat=True))
    assert still == ([standing.stage] if standing.stage and not standing.ended_at else [])


def steps_were_kept(passing):
    """D2: every review in order by different people, or by its time running out where the program lets that pass."""
    gate, votes = gate_of(passing), list(passing.votes.order_by("at", "pk"))
    assert len({vote.person for vote in votes}) == len(votes)
    order = list(gate.reviews)
    assert [order.index(vote.step) for vote in votes] == sorted(order.index(vote.step) for vote in votes)
    for key, step in gate.reviews.items():
        agreed = [vote for vote in votes if vote.step == key and vote.verdict == "agree"]
        assert len(agreed) >= step.votes or step.lapse == "pass"
    assert all(vote.verdict == "agree" for vote in votes)


def notice_ran_its_time(passing):
    """D2: the full working days, and no objection open or upheld."""
    rule = gate_of(passing).notice
    if rule is None:
        return
    notice = passing.notices.latest("since")
    assert notice.withdrawn_at is None
    assert timers.due(passing.standing, rule.limit, start=notice.since) == notice.until <= passing.effective_at
    assert not Objection.objects.filter(notice__passing=passing).exclude(upheld=False).exists()


def waited_for_the_appeal(passing):
    """D4: it took effect when the time to appeal was over, or when an appeal had been dismissed."""
    gate = gate_of(passing)
    if gate.appeal is None:
        return
    timer = Timer.objects.get(passing=passing, key=f"{gate.key}.appeal")
    appeal = Appeal.objects.filter(passing=passing).first()
    assert rules_of(passing.standing).stages[gate.to].final
    if appeal is None:
        assert passing.effective_at >= timer.due_at
    else:
        assert appeal.upheld is False and passing.effective_at >= appeal.decided_at
