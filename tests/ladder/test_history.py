"""Many at once: the rows of `history.enter_all` are those that the actions write one by one."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from bihuan.book.journal import SYSTEM, fold
from bihuan.dossier.models import Subject
from bihuan.ladder import history, rooms
from bihuan.ladder.actions import duties, entering
from bihuan.ladder.history import Past
from bihuan.ladder.models import Answerable, Duty, Span, Standing, StandingEvent, Timer
from tests.ladder.conftest import START, World

PROGRAM = "small"
OWN = {"id", "no", "head", "standing", "standing_id", "hash", "data", "answerable_id"}  # made anew, or made of what is


def _rows(standing: Standing) -> dict[str, Any]:
    """Everything that hangs on a standing, without what is new each time."""
    parts: dict[str, Any] = {"standing": [standing], "spans": standing.spans.order_by("since")}
    for model in (Timer, Duty, Answerable):
        parts[model.__name__] = model.objects.filter(standing=standing).order_by("pk")
    parts["events"] = StandingEvent.objects.filter(standing_id=standing.pk).order_by("n")
    return {key: [_plain(row) for row in rows] for key, rows in parts.items()}


def _plain(row: Any) -> dict[str, Any]:
    return {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields if f.attname not in OWN}


WAYS = {
    "one stage": [("base", 400)],
    "risen": [("base", 700), ("upper", 90)],
    "ended": [("base", 900), ("out", 30)],
}


@pytest.mark.parametrize("way", WAYS)
def test_many_at_once_write_what_the_actions_write(world: World, way: str) -> None:
    subject = world.subject()
    steps = [(stage, START - timedelta(days=days)) for stage, days in WAYS[way]]
    leader = None if way == "ended" else world.leader
    past = Past(subject, steps, reached_at=START - timedelta(days=5), leader=leader)
    with transaction.atomic():
        one = entering.enter(
            subject, PROGRAM, *steps[-1], at=START, earlier=steps[:-1], reached_at=past.reached_at
        )  # fmt: skip
        if leader:
            duties.assign(one, leader, by=SYSTEM, at=START)
        expected = _rows(Standing.objects.get(pk=one.pk))
        transaction.set_rollback(True)
    (many,) = history.enter_all(PROGRAM, [past], at=START)
    found = Standing.objects.get(pk=many.pk)
    assert _rows(found) == expected


def test_S1_columns_are_the_fold_of_their_events(world: World) -> None:
    subject = world.subject()
    (one,) = history.enter_all(PROGRAM, [Past(subject, [("base", START)], leader=world.leader)], at=START)
    standing = Standing.objects.get(pk=one.pk)
    columns = fold(StandingEvent.objects.filter(standing_id=one.pk).order_by("n"))
    assert columns["stage"] == standing.stage == "base" and columns["answerable"] == standing.answerable
    assert columns["subject_id"] == standing.subject_id


def test_D3_many_at_once_find_no_more_room_than_there_is(world: World) -> None:
    people: list[Subject] = [world.subject(f"王小{nth}") for nth in "一二"]
    with pytest.raises(rooms.Full):
        history.enter_all(PROGRAM, [Past(one, [("upper", START)]) for one in people], at=START)
    assert not Standing.objects.exists() and not Span.objects.exists()
