"""Two at once on a ladder, with real threads: first the race as it would be, then that it cannot happen."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError

from bihuan.book.journal import Stale
from bihuan.ladder import rooms
from bihuan.ladder.actions import duties, entering, gates, moving, ranking
from bihuan.ladder.models import Duty, Pass, Standing, StandingEvent, Vote
from bihuan.ladder.rooms import Full
from bihuan.ladder.rules import NotNow
from bihuan.ladder.sweep import sweep
from tests.concurrency.test_loop_races import at_once, kinds
from tests.ladder.conftest import START, at_gate, make_world, now

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO, DAY = START - timedelta(days=400), timedelta(days=1)


@pytest.fixture
def world(transactional_db):
    return make_world()


def before_the_county(world) -> Standing:
    standing = entering.nominate("small", world.subject(), gate="admit", by=world.village, at=START)
    gates.vote(standing, agree=True, by=world.village, at=START)
    gates.vote(standing, agree=True, by=world.town, at=START)
    return standing


def both_vote(world, standing):
    return at_once(
        lambda: gates.vote(standing, agree=True, by=world.county, at=START),
        lambda: gates.vote(standing, agree=False, text="不行", by=world.county_second, at=START),
    )


def test_without_the_lock_two_verdicts_are_given_on_one_step(world, monkeypatch):
    """Both see the step waiting; only the guard of the journal keeps the second from being written."""
    standing, meeting = before_the_county(world), threading.Barrier(2)

    def unlocked(standing, *, at):
        found = Standing.objects.select_related("subject").get(pk=standing.pk)
        meeting.wait(10)
        return found

    monkeypatch.setattr(gates, "locked", unlocked)
    found = both_vote(world, standing)
    assert kinds(found)["Vote"] == 1 and sum(isinstance(one, Stale | IntegrityError) for one in found) == 1


def test_D2_one_verdict_counts_and_the_other_comes_too_late(world):
    standing = before_the_county(world)
    found = both_vote(world, standing)
    assert kinds(found) == {"Vote": 1, "NotNow": 1}
    assert Vote.objects.filter(step="county").count() == 1


def come_in(world, subject):
    return lambda: entering.enter(subject, "small", "upper", LONG_AGO, by=world.county, at=START)


def test_without_the_lock_a_stage_takes_one_too_many(world, monkeypatch):
    meeting = threading.Barrier(2)
    counted = rooms.taken

    def counted_together(*args):
        found = counted(*args)
        meeting.wait(10)
        return found

    monkeypatch.setattr(rooms, "_lock", lambda *_key: None)
    monkeypatch.setattr(rooms, "taken", counted_together)
    at_once(*(come_in(world, world.subject(name)) for name in "甲乙"))
    assert Standing.objects.filter(stage="upper", ended_at=None).count() == 2  # of one place


def test_D3_of_many_who_want_the_last_place_one_gets_it(world):
    found = at_once(*(come_in(world, world.subject(name)) for name in "甲乙丙丁"))
    assert kinds(found) == {"Standing": 1, "Full": 3}
    assert Standing.objects.filter(stage="upper", ended_at=None).count() == 1
    assert all(isinstance(one, Full | Standing) for one in found)


def test_D3_a_place_left_goes_to_one_however_many_pumps_look(world):
    there = entering.enter(world.subject("在"), "small", "upper", LONG_AGO, by=world.county, at=START)
    waiting = [
        entering.enter(world.subject(name), "small", "base", LONG_AGO, by=world.county, at=START) for name in "甲乙丙"
    ]
    for one in waiting:
        gates.open_gate(one, "promote", by=world.town, at=START)
        gates.vote(one, agree=True, by=world.county, at=START)
    ranking.rank("small", "promote", world.cast.town.pk, by=world.county, at=START)
    moving.advance(there, "finish", by=world.county, at=START)
    version, town = there.version, world.cast.town.pk
    fill = lambda: ranking.fill("small", "upper", town, version=version, at=START)  # noqa: E731
    at_once(fill, fill, fill)
    assert Standing.objects.filter(stage="upper", ended_at=None).count() == 1
    assert Pass.objects.filter(step="room", ended_at=None).count() == 2


def test_D1_nominated_twice_at_once_somebody_stands_once(world):
    subject = world.subject()
    nominate = lambda: entering.nominate("small", subject, gate="admit", by=world.village, at=START)  # noqa: E731
    assert kinds(at_once(nominate, nominate)) == {"Standing": 1, "AlreadyThere": 1}


def test_two_moves_at_once_are_one(world):
    standing = entering.enter(world.subject(), "small", "upper", LONG_AGO, by=world.county, at=START)
    finish = lambda: moving.advance(standing, "finish", by=world.county, at=START)  # noqa: E731
    assert kinds(at_once(finish, finish)) == {"StandingEvent": 1, "NotNow": 1}
    assert NotNow and now(standing).result == "finished"


def test_K3_two_sweepers_fire_a_timer_and_mark_a_duty_once(world):
    nominee = entering.nominate("small", world.subject(), gate="admit", by=world.village, at=START)
    standing = entering.enter(world.subject("乙"), "small", "base", LONG_AGO, by=world.county, at=START)
    due = max(at_gate(nominee).step_due, Duty.objects.get().due_at)
    at_once(*[lambda: sweep(due)] * 3)
    assert StandingEvent.objects.filter(standing_id=standing.pk, verb="late").count() == 1
    for key in ("admit.village", "admit.town"):
        fired = nominee.timers.filter(key=key, stage="fired").values_list("due_at", flat=True)
        assert len(set(fired)) == len(fired)


def test_a_duty_done_twice_at_once_is_done_once(world):
    standing = entering.enter(world.subject(), "small", "base", LONG_AGO, by=world.county, at=START)
    duties.assign(standing, world.leader, by=world.county, at=START)
    duty = Duty.objects.get()
    do = lambda: duties.do(duty, by=world.leader, at=START + DAY, text="看望")  # noqa: E731
    assert kinds(at_once(do, do)) == {"Duty": 1, "NotNow": 1}
