"""Random people try random moves at random times, sweeps come or stay away: the named rules hold after every step."""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bihuan.book.journal import GENESIS, RESIDENT, By, event_hash, fold
from bihuan.lib.canonical import canonical_json
from bihuan.loop.actions import closing, dispatching, handling, intake, verifying
from bihuan.loop.models import Case, CaseEvent, Clock, Task
from bihuan.loop.refusals import REFUSED
from bihuan.loop.report import Report
from bihuan.loop.sweep import sweep

POSTS = (
    "resident", "agent", "dispatcher", "caller", "handler", "chief", "roads_handler", "roads_chief", "town_handler",
    "town_chief", "worker", "other_worker", "secretary", "team_handler", "supervisor", "leader",
)  # fmt: skip

DEEDS = {
    "accept": lambda case, by, at, cast: intake.accept(case, by=by, at=at),
    "answer": lambda case, by, at, cast: intake.answer(case, "可以这样办", by=by, at=at),
    "place": lambda case, by, at, cast: intake.place(case, cast.grid2.pk, by=by, at=at),
    "dispatch": lambda case, by, at, cast: dispatching.dispatch(case, to=cast.water, by=by, at=at),
    "dispatch_two": lambda case, by, at, cast: dispatching.dispatch(
        case, to=cast.roads, by=by, at=at, assisting=[cast.town], urgency="urgent"
    ),
    "sign": lambda case, by, at, cast: dispatching.sign(case, by=by, at=at),
    "hand_back": lambda case, by, at, cast: dispatching.hand_back(case, reason="not_ours", text="条例", by=by, at=at),
    "uphold": lambda case, by, at, cast: dispatching.rule(case, uphold=True, text="", by=by, at=at),
    "refuse": lambda case, by, at, cast: dispatching.rule(case, uphold=False, text="首接负责", by=by, at=at),
    "contact": lambda case, by, at, cast: handling.contact(case, text="已联系", by=by, at=at),
    "hand_down": lambda case, by, at, cast: handling.hand_down(case, to=cast.water_team, by=by, at=at),
    "assist": lambda case, by, at, cast: handling.assist(case, text="做完了", by=by, at=at),
    "reply": lambda case, by, at, cast: handling.reply(case, result="resolved", text="修好了", by=by, at=at),
    "pass": lambda case, by, at, cast: handling.approve(case, passed=True, by=by, at=at),
    "send_back": lambda case, by, at, cast: handling.approve(case, passed=False, text="改", by=by, at=at),
    "verify": lambda case, by, at, cast: verifying.verify(case, passed=True, text="看过", by=by, at=at),
    "solved": lambda case, by, at, cast: closing.call_back(
        case, reached=True, contacted=True, solved=True, satisfied=4, by=by, at=at
    ),
    "unsolved": lambda case, by, at, cast: closing.call_back(
        case, reached=True, contacted=False, solved=False, satisfied=1, text="没人来", by=by, at=at
    ),
    "unreached": lambda case, by, at, cast: closing.call_back(case, reached=False, by=by, at=at),
    "confirm": lambda case, by, at, cast: closing.confirm(case, solved=True, satisfied=5, at=at),
    "deny": lambda case, by, at, cast: closing.confirm(case, solved=False, text="没解决", at=at),
    "reopen": lambda case, by, at, cast: closing.reopen(case, text="没解决", by=by, at=at),
    "withdraw": lambda case, by, at, cast: closing.withdraw(case, by=by, at=at),
    "urge": lambda case, by, at, cast: closing.urge(case, by=by, at=at),
    "sweep": lambda case, by, at, cast: sweep(at),
}
# A likely way through, so that random steps do not die at the door: each may be followed or left.
COURSE = (
    ("accept", "dispatcher"), ("dispatch", "dispatcher"), ("sign", "handler"), ("contact", "handler"),
    ("reply", "handler"), ("pass", "chief"), ("solved", "caller"),
)  # fmt: skip

steps = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(COURSE), st.tuples(st.sampled_from(sorted(DEEDS)), st.sampled_from(POSTS))),
        st.sampled_from((0, 0, 0.2, 1, 3, 9, 26, 80)),
    ),
    min_size=3,
    max_size=22,
)


class Undo(Exception):
    """Ends an example's transaction."""


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.reuse, Phase.generate])
@given(found=st.booleans(), steps=steps)
def test_S1_S2_L1_L3_K2_K3_hold_whatever_happens(cast, at, found, steps):
    try:
        with transaction.atomic():
            live(cast, at, found, steps)
            raise Undo
    except Undo:
        pass


def live(cast, at, found, steps):
    by = {"by": cast.worker} if found else {}
    report = Report(type="help", text="漏水", grid="219981001001001", source="grid" if found else "web")
    case = Case.objects.get(no=intake.file(report, at=at, **by).number)
    check(case, at)
    for (deed, post), hours in steps:
        at += timedelta(hours=hours)
        try:
            with transaction.atomic():
                DEEDS[deed](case, RESIDENT if post == "resident" else getattr(cast, post), at, cast)
        except REFUSED:
            pass
        check(case, at)
    sweep(at + timedelta(days=90))
    check(case, at + timedelta(days=90))


def check(case, at):
    case = Case.objects.get(region_id=case.region_id, pk=case.pk)
    events = list(CaseEvent.objects.filter(region_id=case.region_id, case_id=case.pk).order_by("n"))
    state_is_the_fold(case, events)
    chain_is_whole(case, events)
    nobody_verified_his_own_work(events)
    promises_are_told(case, events)
    assert [event.at for event in events] == sorted(event.at for event in events), "time runs backwards"
    if case.closed_at is None:  # L1
        running = Clock.objects.filter(case_id=case.pk, stage="running")
        assert running.exists() or Task.objects.filter(case_id=case.pk, stage="open").exists()
    else:
        assert not Clock.objects.filter(case_id=case.pk, stage="running").exists()
        assert not Task.objects.filter(case_id=case.pk, stage="open").exists()


def state_is_the_fold(case, events):
    assert [event.n for event in events] == list(range(1, case.n + 1))
    for column, value in fold(events).items():
        assert json.loads(canonical_json({"v": getattr(case, column)}))["v"] == value, (column, value)


def chain_is_whole(case, events):
    head = GENESIS
    for e in events:
        head = event_hash(head, e.region_id, e.case_id, e.n, e.at, By(e.actor, e.posting), e.verb, e.version, e.data)
        assert bytes(e.hash) == head
    assert bytes(case.head) == head


def nobody_verified_his_own_work(events):
    handled = {e.posting for e in events if e.verb in ("sign", "contact", "assist", "reply", "approve") and e.posting}
    checked = {e.posting for e in events if e.verb in ("verify", "call_back") and e.posting}
    assert not handled & checked


def promises_are_told(case, events):
    told = [json.loads(e.data)["set"]["promise_at"] for e in events if "promise_at" in json.loads(e.data)["set"]]
    assert (told[-1] if told else None) == json.loads(canonical_json({"v": case.promise_at}))["v"]
