"""The demo's past: exact by plan, legal step by step, and shown again by live queries."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction

from bihuan.demo import figures
from bihuan.demo.city import CITY_CODE, SEED
from bihuan.demo.figures import CHINA, FULL, REQUESTS_MORNING, ROUNDS_MORNING, SMALL, plan
from bihuan.demo.moments import seconds
from bihuan.demo.replay import Replay
from bihuan.demo.seeding import LITTLE, _chapters, deal, past_of, seed
from bihuan.gauge.wall import numbers
from bihuan.loop.models import OPEN, Case, CaseEvent, Check, Clock, Source, State, Task
from bihuan.net import tree
from bihuan.net.models import Posting
from bihuan.net.regions import across_regions
from bihuan.programs import versions

AT = datetime(2026, 3, 12, 3, 20, tzinfo=UTC)  # a Thursday, 11:20 in the city


def test_the_full_plan_adds_up_to_the_published_figures() -> None:
    shares = plan(FULL, SEED)
    assert sum(share.requests for share in shares) == 795_192
    assert sum(share.today for share in shares) == 527
    assert sum(share.answered + share.closing for share in shares) == 307
    assert sum(sum(share.rounds) for share in shares) == 44_892
    assert sum(sum(share.rounds) - share.above for share in shares) == 44_767
    assert sum(share.lately for share in shares) == 3_000
    assert all(share.answered <= share.today for share in shares)
    assert [share.rounds != () for share in shares] == [False] * 6 + [True]


def test_the_plan_covers_every_day_and_is_the_same_each_time() -> None:
    days = (REQUESTS_MORNING.date() - date(2019, 1, 1)).days
    shares = plan(FULL, SEED)
    assert all(len(share.days) == days for share in shares)
    assert min(sum(share.days[nth] for share in shares) for nth in range(days)) > 400
    assert plan(FULL, SEED) == shares != plan(FULL, SEED + 1)


def test_work_is_dealt_out_evenly() -> None:
    chapters = list(_chapters(plan(FULL, SEED)))
    parts = deal(chapters, 2)
    assert sorted(map(chapters.index, parts[0] + parts[1])) == list(range(len(chapters)))
    weights = [sum(chapter.weight for chapter in part) for part in parts]
    assert max(weights) < 1.05 * min(weights)


@pytest.fixture(scope="module")
def seeded(django_db_setup, django_db_blocker) -> Iterator[None]:
    """The little demo, written once and rolled back after this module."""
    with django_db_blocker.unblock(), transaction.atomic():
        seed(LITTLE, at=AT, say=lambda line: None)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def told(seeded: None, django_db_blocker) -> Iterator[None]:
    """Queries over the seeded demo, across its counties."""
    with django_db_blocker.unblock(), across_regions("the figures are the whole city's"):
        yield


def test_live_queries_give_the_figures_of_the_requests_morning(told: None) -> None:
    midnight = REQUESTS_MORNING.replace(hour=0)
    valid = Case.objects.filter(accepted_at__lte=REQUESTS_MORNING)
    assert valid.count() == SMALL.requests
    assert valid.filter(accepted_at__gte=midnight).count() == SMALL.today
    settled = Case.objects.filter(state=State.CLOSED, closed_at__gte=midnight)
    assert settled.filter(closed_at__lt=REQUESTS_MORNING).count() == SMALL.settled_today
    # Nothing else happens to these counts on that day, so its tallies show the morning's.
    assert settled.filter(closed_at__lt=midnight + timedelta(days=1)).count() == SMALL.settled_today
    assert Case.objects.filter(accepted_at__gt=REQUESTS_MORNING, accepted_at__year=2020).count() == 0


def test_live_queries_give_the_figures_of_the_rounds_morning(told: None) -> None:
    found = Case.objects.filter(source=Source.GRID, accepted_at__lte=ROUNDS_MORNING)
    assert found.count() == SMALL.rounds
    assert found.filter(closed_at__lte=ROUNDS_MORNING, settled_level__gte=5).count() == SMALL.grassroots
    assert found.filter(closed_at__lte=ROUNDS_MORNING, settled_level__lt=5).count() == SMALL.rounds - SMALL.grassroots
    assert set(found.values_list("ending", flat=True)) == {"verified"}


def test_the_wall_shows_the_published_figures_as_of_their_mornings(told: None) -> None:
    """The same numbers as the wall has them: whole days from the tallies, the begun day from its cases."""
    net = tree.snapshot()
    city, county = net.by_code(CITY_CODE), net.by_code(f"{figures.GRIDDED}000000")
    requests = numbers(city, at=REQUESTS_MORNING, live=False)
    assert (requests.accepted, requests.accepted_today) == (SMALL.requests, SMALL.today)
    assert requests.settled_today == SMALL.settled_today
    for area in (city, county):
        rounds = numbers(area, at=ROUNDS_MORNING, live=False)
        assert (rounds.grid_accepted, rounds.grid_grassroots) == (SMALL.rounds, SMALL.grassroots)


def test_lately_there_are_cases_in_every_state_with_what_they_need(told: None) -> None:
    lately = Case.objects.filter(filed_at__gt=ROUNDS_MORNING)
    states = Counter(lately.values_list("state", flat=True))
    assert {"filed", "accepted", "dispatched", "signed", "handling", "calling_back", "closed"} <= set(states)
    assert lately.filter(OPEN, overdue_raw=True).exists() and lately.filter(redos__gt=0).exists()
    assert set(lately.exclude(rating=None).values_list("rating", flat=True)) >= {3, 4, 5}
    for case in lately.filter(OPEN):
        clocks = Clock.objects.filter(region_id=case.region_id, case_id=case.pk, stage=Clock.Stage.RUNNING)
        assert clocks.exists() and all(clock.due_at > AT for clock in clocks)
        tasks = Task.objects.filter(region_id=case.region_id, case_id=case.pk, stage=Task.Stage.OPEN)
        assert tasks.exists() == (case.state not in (State.FILED, State.ACCEPTED))
    assert CaseEvent.objects.filter(at__gt=AT, case_id__in=lately.values("pk")).count() == 0
    assert Check.objects.filter(at__gt=AT).count() == 0


def test_every_told_life_is_legal(told: None) -> None:
    """Each step is a move of the program, made by a post that may, before its clock ran out, with the due times it has."""
    version = versions.in_force("request", AT)
    roles = dict(Posting.objects.values_list("pk", "role"))
    for share in plan(SMALL, SEED):
        for period in ("requests", "rounds", "lately"):
            past, _region = past_of(share, at=AT, period=period)
            keys = {number: key for key, number in past.roster.categories.items()}
            replay = Replay(versions.rules(version.pk), past.moments.calendar, keys)
            stream = past.lately(seconds(AT)) if period == "lately" else getattr(past, period)()
            for history in stream:
                rest = replay.play(history.steps)
                _require_posts(history, rest, roles)
                assert [step.at for step in history.steps] == sorted(step.at for step in history.steps)


def _require_posts(history, rest, roles) -> None:
    for step, move in zip(history.steps, rest.moves, strict=True):
        post = roles[step.by.posting] if step.by.posting else str(step.by.actor)
        assert post in move.by, (step.verb, post)
    handled = {s.by.posting for s in history.steps if s.verb in ("sign", "contact", "reply", "approve")}
    assert not handled & {s.by.posting for s in history.steps if s.verb in ("verify", "call_back")}


def test_promises_are_those_of_the_calendar(told: None) -> None:
    """An inquiry of Friday afternoon is due on the next Friday at closing time, a matter of heat within 24 hours."""
    due = Case.objects.filter(type="complaint", urgency="normal").exclude(promise_at=None)
    by_limit = {(case.promise_at - case.dispatched_at).days for case in due.filter(redos=0)[:300]}
    assert min(by_limit) >= 1 and max(by_limit) >= 14


def test_seeding_again_changes_nothing(told: None) -> None:
    before = Case.objects.count(), CaseEvent.objects.count()
    seed(LITTLE, at=AT + timedelta(hours=1), say=lambda line: None)
    assert (Case.objects.count(), CaseEvent.objects.count()) == before


def test_the_morning_is_ten_o_clock_in_the_city() -> None:
    assert REQUESTS_MORNING.tzinfo is CHINA and REQUESTS_MORNING.hour == 10
    assert ROUNDS_MORNING.date() - timedelta(days=4) > figures.ROUNDS_LAST_DAY
