"""Places of capped stages (D3): taken and left under a lock; who waits comes in, in order, as soon as one is free."""

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from bihuan.book import outbox
from bihuan.book.models import Outbox
from bihuan.ladder.models import Room, Standing
from bihuan.ladder.posts import LEVELS, area
from bihuan.ladder.rules import rules_of
from bihuan.programs.ladder import LadderProgram

EVERYWHERE = 0  # the area of a cap that counts the whole program
TOPIC = "ladder_room"


class Full(Exception):
    """The stage has no place left in this area."""

    def __init__(self, title: str, most: int) -> None:
        super().__init__(_("“%(stage)s”的名额（%(most)d个）已满。") % {"stage": title, "most": most})


def scope(standing: Standing, rules: LadderProgram, stage: str) -> int:
    """The area whose places a standing takes in a capped stage."""
    cap = rules.stages[stage].cap
    return EVERYWHERE if cap is None or cap.per == "all" else area(standing, cap.per)


def free(program: str, rules: LadderProgram, stage: str, unit_id: int) -> int | None:
    """How many places are free now; None where there is no cap. Not locked: ask `has_place` before taking one."""
    cap = rules.stages[stage].cap
    return None if cap is None else max(0, cap.n - taken(program, rules, stage, unit_id))


def taken(program: str, rules: LadderProgram, stage: str, unit_id: int) -> int:
    """How many stand on a stage in the area."""
    cap = rules.stages[stage].cap
    here = {} if cap is None or unit_id == EVERYWHERE else _within(unit_id, cap.per)
    return Standing.objects.filter(program=program, stage=stage, ended_at=None, **here).count()


def _within(unit_id: int, per: str) -> dict[str, Any]:
    """Those whose place at the level is this unit; where they have none there, `posts.area` took the nearest above."""
    from bihuan.net.tree import snapshot

    level = snapshot().unit(unit_id).level
    below = {f"l{rank}": None for rank in range(level + 1, LEVELS[per] + 1)}
    return {f"l{level}": unit_id, **below}


def has_place(standing: Standing, stage: str) -> bool:
    """Whether the standing may come into a stage; holds the stage's lock until the transaction ends (D3).

    To be asked under the standing's own lock, in this order everywhere.
    """
    rules = rules_of(standing)
    cap = rules.stages[stage].cap
    if cap is None or standing.stage == stage:
        return True
    unit = scope(standing, rules, stage)
    _lock(standing.program, stage, unit)
    return taken(standing.program, rules, stage, unit) < cap.n


def require_place(standing: Standing, stage: str) -> None:
    """Raises Full."""
    if not has_place(standing, stage):
        rule = rules_of(standing).stages[stage]
        raise Full(rule.title, rule.cap.n if rule.cap else 0)


def require_places(program: str, rules: LadderProgram, stage: str, unit_id: int, *, wanted: int) -> None:
    """The same for many at once who come into a capped stage in one area. Raises Full."""
    _lock(program, stage, unit_id)
    cap = rules.stages[stage].cap
    if cap is not None and taken(program, rules, stage, unit_id) + wanted > cap.n:
        raise Full(rules.stages[stage].title, cap.n)


def require_place_at(standing: Standing, columns: Mapping[str, Any]) -> None:
    """Whether its stage has a place where these columns put it. Raises Full."""
    rules = rules_of(standing)
    rule = rules.stages[standing.stage]
    there = copy(standing)
    for column, value in columns.items():
        setattr(there, column, value)
    unit = scope(there, rules, standing.stage)
    if rule.cap is None or unit == scope(standing, rules, standing.stage):
        return
    _lock(standing.program, standing.stage, unit)
    if taken(standing.program, rules, standing.stage, unit) >= rule.cap.n:
        raise Full(rule.title, rule.cap.n)


def _lock(program: str, stage: str, unit_id: int) -> None:
    """Lock the row that stands for these places; made by whoever first asks."""
    key = {"program": program, "stage": stage, "unit_id": unit_id}
    if Room.objects.select_for_update().filter(**key).exists():
        return
    Room.objects.bulk_create([Room(**key)], ignore_conflicts=True)
    Room.objects.select_for_update().get(**key)


def call_next(standing: Standing, stage: str, *, at: datetime) -> None:
    """Have the pump look, after the commit, whether somebody who waits can come into a stage now."""
    rules = rules_of(standing)
    if stage in rules.stages and rules.stages[stage].cap is not None:
        payload = {"program": standing.program, "stage": stage, "unit": scope(standing, rules, stage)}
        payload["version"] = standing.version
        Outbox.objects.create(region_id=standing.region_id, topic=TOPIC, payload=payload, run_at=at)


@outbox.handles(TOPIC)
def fill(rows: Sequence[Outbox], at: datetime) -> None:
    """Let those who wait come in, as long as there are places."""
    from bihuan.ladder.actions import ranking  # told in terms of the acts, which stand above

    for row in rows:
        told = row.payload
        ranking.fill(told["program"], told["stage"], told["unit"], version=told["version"], at=at)
