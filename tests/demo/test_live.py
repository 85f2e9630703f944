"""The simulated city: everybody acts through the real actions, and what they leave behind is whole."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from bihuan.demo.acting import STATES
from bihuan.demo.cast import CAST
from bihuan.demo.live import Door, Simulator
from bihuan.demo.seeding import LITTLE, seed
from bihuan.loop.models import OPEN, Case, CaseEvent, Source
from bihuan.loop.sweep import sweep
from bihuan.net import tree
from bihuan.net.regions import across_regions

AT = datetime(2026, 3, 12, 3, 20, tzinfo=UTC)
ALWAYS = {"群众上报", "来电登记", "巡查上报", "受理", "派单", "签收", "先行联系", "答复", "审核通过"}


class DeafDoor(Door):
    """Pages that do not answer: residents then come in by the action itself."""

    def __init__(self) -> None:
        self.knocks: list[dict] = []

    def file(self, body: dict) -> str:
        self.knocks.append(body)
        return ""


@pytest.fixture(scope="module")
def two_hours(django_db_setup, django_db_blocker) -> Iterator[Simulator]:
    """The little demo, two hours of acts later; rolled back after this module."""
    with django_db_blocker.unblock(), transaction.atomic():
        seed(LITTLE, at=AT, say=lambda line: None)
        simulator = Simulator(random.Random(3), DeafDoor())
        for nth in range(700):
            simulator.act(AT + timedelta(seconds=10 * nth))
        yield simulator
        transaction.set_rollback(True)


@pytest.fixture
def lived(two_hours: Simulator, django_db_blocker) -> Iterator[Simulator]:
    with django_db_blocker.unblock():
        yield two_hours


def test_the_city_lives(lived: Simulator) -> None:
    assert set(lived.done) >= ALWAYS and len(lived.done) >= 14
    assert sum(lived.done.values()) > 600  # hardly anybody is refused
    with across_regions("the simulated people live in every county"):
        later = CaseEvent.objects.filter(at__gt=AT, posting__isnull=False)
        assert later.count() > 450
        fresh = Case.objects.filter(filed_at__gt=AT)
        assert {Source.WEB, Source.PHONE, Source.GRID} <= set(fresh.values_list("source", flat=True))
        assert fresh.exclude(category_id=None).count() > fresh.count() // 2
        assert Case.objects.filter(OPEN, due_at__gt=AT).exists()


def test_residents_come_in_by_the_public_door(lived: Simulator) -> None:
    body = lived.door.knocks[0]
    assert set(body) == {"type", "text", "place", "contact", "secrecy", "client_id"}
    assert len({knock["text"] for knock in lived.door.knocks}) > 0.9 * len(lived.door.knocks)


def test_the_cast_keeps_something_to_do(lived: Simulator) -> None:
    net = tree.snapshot()
    desks = {net.by_code(actor.unit).id for actor in CAST if net.has_code(actor.unit)}
    with across_regions("desks of every county"):
        states = Counter(Case.objects.filter(OPEN, unit_id__in=desks).values_list("state", flat=True))
    assert sum(states.values()) > 5


def test_what_a_grid_worker_found_comes_back_to_him(lived: Simulator) -> None:
    """Act after act, whatever the dice say, the case reaches its end by the finder's own check."""
    with across_regions("any county"):
        case = Case.objects.filter(OPEN, source=Source.GRID, filed_at__gt=AT).order_by("filed_at").first()
        at = AT + timedelta(hours=2)
        for nth in range(60):
            if case.closed_at:
                break
            STATES[case.state][0](case, at + timedelta(minutes=nth), lived.dice)
            case = Case.objects.get(region_id=case.region_id, pk=case.pk)
        last = CaseEvent.objects.get(region_id=case.region_id, case_id=case.pk, n=case.n)
    assert case.ending == "verified" and last.verb == "verify" and last.posting == case.finder


def test_clocks_go_on_meanwhile(lived: Simulator) -> None:
    """The sweep finds nothing it cannot do to the cases that the simulated people left."""
    assert sweep(AT + timedelta(days=3)) is not None
