"""The pump keeps ladders going."""

from datetime import timedelta

from bihuan.jobs.pump import Pump
from bihuan.ladder.actions import entering, gates, moving
from tests.ladder.conftest import START, at_gate, now

LONG_AGO = START - timedelta(days=400)


def test_the_pump_fires_what_is_due_and_fills_a_free_place(world):
    there = entering.enter(world.subject("在"), "small", "upper", LONG_AGO, by=world.county, at=START)
    waiting = entering.enter(world.subject("等"), "small", "base", LONG_AGO, by=world.county, at=START)
    gates.open_gate(waiting, "promote", by=world.town, at=START)
    gates.vote(waiting, agree=True, by=world.county, at=START)
    Pump().run_dry(at_gate(waiting).step_due)
    assert at_gate(waiting).step == "room"
    later = START + timedelta(days=60)
    moving.advance(there, "finish", by=world.county, at=later)
    Pump().run_dry(later)
    assert now(waiting).stage == "upper"
