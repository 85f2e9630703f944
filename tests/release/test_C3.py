"""C3: a moved case looks, to anyone, the same as a fresh one with the same facts."""

import re
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from bihuan.book.journal import RESIDENT
from bihuan.jobs.integrity import check_cases
from bihuan.loop import moves, story
from bihuan.loop.actions import intake
from bihuan.loop.models import Case, CaseEvent, Clock, Task
from bihuan.loop.record import locked
from bihuan.loop.refusals import REFUSED
from bihuan.loop.report import Report
from bihuan.net.revisions import forget
from bihuan.programs import document, versions
from bihuan.programs.checks import errors
from bihuan.release import moving
from bihuan.release.cases import Cases
from bihuan.release.publishing import plan, release
from bihuan.release.tracks import Live
from tests.loop.test_any_order import COURSE, DEEDS, POSTS, Undo

TEXT = document.read(document.PACKS / "standard" / "request.toml")
LIMITS = ("accept", "dispatch", "sign", "rule", "contact", "handle", "redo", "approve", "verify", "call_back")
MORE = (  # other changes that a publication may bring
    ('title = "办理中"', 'title = "正在办"'),
    ('needs = ["place"]', 'needs = ["place", "text"]'),
    ('stops = ["approve"]\ntells = ["rewrite"]', 'stops = ["approve", "redo"]\nstarts = ["redo"]\ntells = ["rewrite", "redone"]'),
    # The promise counts from the first contact.
    ('["contact"]\n\n[move.hand_down]', '["contact"]\nstarts = ["handle"]\ntells = ["redone"]\n\n[move.hand_down]'),
    ("at_most = 2", "at_most = 1"),
    ('"chief", "grid_worker", "clock"]\nstops = ["sign"]', '"chief", "clock"]\nstops = ["sign"]'),
    ('results = ["resolved", "explained", "planned", "unfounded"]', 'results = ["resolved", "explained", "unfounded"]'),
)  # fmt: skip


@st.composite
def documents(draw) -> str:
    """The request program with other limits, and perhaps other rules."""
    doc = TEXT
    for key in draw(st.lists(st.sampled_from(LIMITS), unique=True, max_size=5)):
        limit = draw(st.sampled_from(["1h", "3h", "2wh", "6wh", "1wd", "2wd", "4wd", "8wd", "20d", "15wd"]))
        doc = re.sub(rf'(\[limit\.{key}\]\ndefault = )"\w+"', rf'\1"{limit}"', doc)
    for old, new in draw(st.lists(st.sampled_from(MORE), unique=True, max_size=3)):
        assert old in doc
        doc = doc.replace(old, new, 1)
    return doc


steps = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from(COURSE),
            st.sampled_from(COURSE),
            st.tuples(st.sampled_from(sorted(set(DEEDS) - {"sweep"})), st.sampled_from(POSTS)),
        ),
        st.sampled_from((0, 0, 0.2, 1, 2, 26)),
    ),
    max_size=10,
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.reuse, Phase.generate])
@given(doc=documents(), found=st.booleans(), steps=steps, after=st.sampled_from((0, 1, 5)))
def test_C3_a_moved_case_looks_like_a_fresh_one_with_the_same_facts(cast, at, doc, found, steps, after) -> None:
    assume(doc != TEXT and not errors(document.load(doc)))
    moved = in_a_world(lambda: move_after(cast, at, doc, found, steps, after))
    under = in_a_world(lambda: live_under(cast, at, doc, found, steps, after))
    assume(moved and under and moved.pop("acts") == under.pop("acts"))  # else the new rules made another story of it
    assert moved == under


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.reuse, Phase.generate])
@given(doc=documents(), steps=steps)
def test_C2_K2_S1_whatever_is_published_leaves_every_case_known_alive_and_promised(cast, at, doc, steps) -> None:
    assume(doc != TEXT and not errors(document.load(doc)))
    in_a_world(lambda: publish_over(cast, at, doc, steps))


def in_a_world(tell):
    """What a story comes to; then it never happened."""
    told = []
    try:
        with transaction.atomic():
            forget()
            told.append(tell())
            raise Undo
    except Undo:
        forget()
    return told[0]


def act(cast, case, steps, at):
    for (deed, post), hours in steps:
        at += timedelta(hours=hours)
        try:
            with transaction.atomic():
                DEEDS[deed](case, RESIDENT if post == "resident" else getattr(cast, post), at, cast)
        except REFUSED:
            pass
    return at


def file(cast, at, found) -> Case:
    report = Report(type="help", text="漏水", grid="219981001001001", source="grid" if found else "web")
    return Case.objects.get(no=intake.file(report, at=at, **({"by": cast.worker} if found else {})).number)


def fresh(case: Case) -> Case:
    return Case.objects.get(region_id=case.region_id, pk=case.pk)


def move_after(cast, at, doc, found, steps, after):
    case = file(cast, at, found)
    until = act(cast, case, steps, at) + timedelta(hours=after)
    version = versions.publish(doc, by=None, at=until, since=until)
    forget()
    case = fresh(case)
    track = Live(case.pk, case.region_id, case.no, case.state, case.unit_id)
    ended = case.closed_at is not None
    went = Cases().move(track, version, places={}, by=cast.dispatcher, at=until, why="试行新规定")
    assert check_cases().breaks == []
    return look(fresh(case), cast) if went and not ended else None


def live_under(cast, at, doc, found, steps, after):
    versions.publish(doc, by=None, at=at, since=at)
    forget()
    case = file(cast, at, found)
    until = act(cast, case, steps, at) + timedelta(hours=after)
    with transaction.atomic():
        locked(fresh(case), at=until)  # what ran out by then has acted
    return look(fresh(case), cast)


def look(case: Case, cast) -> dict:
    """What anybody sees of a case: its state, its times, what each may do, what its resident reads."""
    clocks = Clock.objects.filter(region_id=case.region_id, case_id=case.pk, stage="running")
    events = CaseEvent.objects.filter(region_id=case.region_id, case_id=case.pk).exclude(verb="rebase").order_by("n")
    tasks = Task.objects.filter(region_id=case.region_id, case_id=case.pk, stage="open")
    rules = moves.rules_of(case)
    return {
        "acts": [(event.verb, event.at, event.actor, event.posting) for event in events],
        "state": (case.state, case.result, case.ending, case.unit_id, case.overdue_raw),
        # A promise that was kept is a fact: it stays what was told.
        "due": (case.due_at, case.promise_at if any(rules.clocks[one.key].promise for one in clocks) else None),
        "clocks": sorted((one.key, one.limit, one.started_at, one.due_at) for one in clocks),
        "tasks": sorted((one.kind, one.unit_id, one.due_at) for one in tasks),
        "may": {post: [m.key for m in moves.possible(case, who(cast, post))] for post in POSTS},
        "read": (rules.label("public", case.state), rules.label("state", case.state, "en")),
        "told": [str(step.title) for step in story.steps(case) if step.verb != "rebase"],
    }


def who(cast, post):
    return RESIDENT if post == "resident" else getattr(cast, post)


def publish_over(cast, at, doc, steps):
    cases = [file(cast, at, found) for found in (False, True, False)]
    until = act(cast, cases[0], steps, at)
    until = max(until, act(cast, cases[1], steps[: len(steps) // 2], at))
    before = {case.pk: fresh(case) for case in cases}
    expected = plan(doc, at=until)
    assert not expected.refusals
    release(doc, by=None, at=until, since=until)
    while moving.run_due(until, 2):
        pass
    assert check_cases().breaks == []
    for case in map(fresh, cases):
        was = before[case.pk]
        assert case.state in moves.rules_of(case).states
        assert was.promise_at is None or case.promise_at <= was.promise_at or case.n > was.n + 1
        if case.closed_at is None:
            own = {*moves.rules_of(case).states[case.state].clocks}
            running = Clock.objects.filter(region_id=case.region_id, case_id=case.pk, stage="running")
            assert own & set(running.values_list("key", flat=True))
