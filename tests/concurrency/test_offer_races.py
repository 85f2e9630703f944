"""Two claims at once: first the race as it would be without the lock, then that a seat is never given twice (M1)."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError

from bihuan.dossier import subjects
from bihuan.loop.moves import IllegalMove
from bihuan.net.models import Edge, Kind, Person, Posting, Role, Unit
from bihuan.net.tree import forget, rebuild_paths
from bihuan.offers.actions import circles, needs, rounds
from bihuan.offers.lapsing import sweep
from bihuan.offers.models import Attendance, Claim, Offer, OfferEvent, Session
from tests.concurrency.test_loop_races import at_once
from tests.offers.people import LADDER, make_folk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folk(transactional_db):
    return make_folk()


def offered(folk, at, **changed):
    asked = {"program": LADDER, "topic": "funds", "text": "缺资金", "by": folk.village_secretary, "unit": folk.county}
    return needs.collect(folk.trainee, at=at, **{**asked, **changed})


def helpers(folk, count):
    """Handlers of as many bureaus of the county."""
    found = []
    for n in range(count):
        unit = Unit.objects.filter(code=f"219981H{n:02}").first() or _bureau(folk, n)
        person = Person.objects.create(name=f"干部{n}")
        found.append(Posting.objects.create(person=person, unit=unit, role=Role.HANDLER, since=folk.farming.born))
    return found


def _bureau(folk, n):

    unit = Unit.objects.create(code=f"219981H{n:02}", kind=Kind.ORGAN, name=f"第{n}局", level=3, born=folk.farming.born)
    Edge.objects.create(child=unit, parent=folk.county, tree="admin", since=folk.farming.born)
    rebuild_paths()
    forget()
    return unit


def test_without_a_lock_two_would_take_the_one_seat(folk, at):
    """The race as it would be: both look before either writes, and the seat is given twice."""
    offer, both_looked = offered(folk, at), threading.Barrier(2)

    def careless(by):
        def act():
            free = Claim.objects.filter(offer=offer, state="taken").count() < offer.capacity
            both_looked.wait(10)
            if free:
                Claim.objects.create(offer=offer, unit_id=by.unit_id, posting=by.pk, at=at)

        return act

    at_once(*map(careless, helpers(folk, 2)))
    assert Claim.objects.filter(offer=offer, state="taken").count() == 2 > offer.capacity


def test_M1_of_many_claims_at_once_as_many_win_as_there_are_seats(folk, at):
    offer = offered(folk, at, capacity=2)
    found = at_once(*((lambda by=by: needs.claim(offer, by=by, at=at)) for by in helpers(folk, 6)))
    assert Counter(type(one) for one in found) == {Claim: 2, IllegalMove: 4}
    offer.refresh_from_db()
    assert (offer.taken, offer.state) == (2, "taken")
    assert list(OfferEvent.objects.filter(track_id=offer.pk).order_by("n").values_list("n", "verb")) == [
        (1, "begin"), (2, "claim"), (3, "claim"),
    ]  # fmt: skip


def test_M1_a_release_and_claims_at_once_never_exceed_the_seats(folk, at):
    offer = offered(folk, at)
    first, *others = helpers(folk, 4)
    claim = needs.claim(offer, by=first, at=at)
    deeds = [lambda by=by: needs.claim(offer, by=by, at=at) for by in others]
    at_once(lambda: needs.release(claim, text="退回", by=first, at=at), *deeds)
    offer.refresh_from_db()
    held = Claim.objects.filter(offer=offer, state="taken").count()
    assert held == offer.taken <= 1


def test_M1_seats_of_a_session_are_not_given_twice_at_once(folk, at):
    session = circles.call(
        "培训", kind="training", begins_at=at, ends_at=at + timedelta(hours=2), venue="党校", unit=folk.county,
        program=LADDER, by=folk.organiser, at=at, seats=3,
    )  # fmt: skip
    people = [subjects.register(f"学员{n}", unit=folk.south.pk, at=at) for n in range(6)]
    found = at_once(*((lambda one=one: circles.sign_up(session, one, by=folk.organiser, at=at)) for one in people))
    assert Counter(type(one) for one in found) == {Attendance: 3, IllegalMove: 3}
    assert Session.objects.get().signed == 3 == Attendance.objects.count()


def test_M2_two_sweepers_lift_a_need_once(folk, at):
    offer = offered(folk, at, unit=folk.town)
    due = Offer.objects.get(pk=offer.pk).window_until
    at_once(lambda: sweep(due), lambda: sweep(due))
    sweep(due)
    assert OfferEvent.objects.filter(track_id=offer.pk, verb="rise").count() == 1
    assert Offer.objects.get().unit == folk.county


def test_one_round_is_opened_of_two_at_once(folk, at):
    def opening():
        return rounds.open(LADDER, title="征集", unit=folk.county, by=folk.organiser, at=at)

    found = at_once(opening, opening)
    assert sorted(type(one).__name__ for one in found) == ["AlreadyOpen", "Round"]
    assert not any(isinstance(one, IntegrityError) for one in found)
