"""The course of a pass through a gate: step after step, to its effect or its end (D2).

It follows what `programs.ladder_course` says on paper, with real people: a step lies with the unit whose post has it, or
with the nearest above where nobody is able to act.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from bihuan.book.journal import Acting
from bihuan.ladder import rooms, tell, timers
from bihuan.ladder.models import Notice, Pass, Standing
from bihuan.ladder.posts import area, area_above, first_able
from bihuan.ladder.record import ended, enter, note
from bihuan.ladder.rules import rules_of
from bihuan.ladder.steps import gate_of, is_home, step_of
from bihuan.net.tree import snapshot
from bihuan.programs.ladder import Gate, Step, level_of

__all__ = ["begin", "carry_on", "fail", "gate_of", "is_home", "step_of", "take_effect"]

REFUSED = "refused"


def carry_on(passing: Pass, *, by: Acting, at: datetime) -> None:
    """A step has gone well: the next one begins, or the gate takes effect."""
    begin(passing, gate_of(passing).after(passing.step), by=by, at=at)


def begin(passing: Pass, step: Step | None, *, by: Acting, at: datetime) -> None:
    """Begin a step; None: nothing is left to do, and the gate takes effect."""
    timers.stop_pass(passing, at=at)
    if step is None:
        take_effect(passing, by=by, at=at)
        return
    standing = passing.standing
    timer = timers.start(standing, step.node, step.limit, at=at, passing=passing)
    _put(passing, step.key, _unit(passing, step, at), at, timer.due_at)
    if step.kind == "notice":
        _publish(passing, step, at, timer.due_at)
    facts = {"pass": passing.pk, "gate": passing.gate, "step": step.key, "unit": passing.step_unit}
    note(standing, "step", by=by, at=at, facts=facts | {"due": timer.due_at})
    tell.of_gate(passing, step.moment, at=at)


def _put(passing: Pass, step: str, unit: int | None, at: datetime, due: datetime | None) -> None:
    passing.step, passing.step_unit, passing.step_since, passing.step_due = step, unit, at, due
    passing.save(update_fields=["step", "step_unit", "step_since", "step_due"])


def _unit(passing: Pass, step: Step, at: datetime) -> int | None:
    """Where a step lies: its own unit, or the nearest above where somebody is able to act."""
    level = step.level or next((level_of(post) for post in step.by if level_of(post)), None)
    if level is None:
        return None
    own = area(passing.standing, level)
    if step.kind in ("notice", "appeal"):
        return own
    on = timezone.localdate(at)
    return first_able(passing.standing, step.by, own, on, passing=passing, home=True) or own


def _publish(passing: Pass, step: Step, at: datetime, until: datetime) -> None:
    """The notice in words. A name, a village and the decision: nothing else of a person is public."""
    standing = passing.standing
    rules, gate = rules_of(standing), gate_of(passing)
    # In Chinese whoever asks: what is posted in public is one text.
    where, stage = snapshot().full_name(standing.unit_id), rules.stages[gate.to].public
    text = f"{standing.subject.name}（{where}）：拟{gate.title}，进入“{stage}”。公示期间如有异议，可以在本页提出。"
    Notice.objects.create(passing=passing, unit_id=passing.step_unit, text=text[:600], since=at, until=until)


def raise_up(passing: Pass, *, at: datetime) -> bool:
    """Hand the step one level up for the same time; False at the top."""
    above = area_above(passing.standing, passing.step_unit)
    step = step_of(passing)
    if above is None or step is None:
        return False
    on = timezone.localdate(at)
    unit = first_able(passing.standing, step.by, above, on, passing=passing, home=False) or above
    timer = timers.start(passing.standing, step.node, step.limit, at=at, passing=passing)
    _put(passing, step.key, unit, at, timer.due_at)
    return True


# Ends


def take_effect(passing: Pass, *, by: Acting, at: datetime) -> None:
    """The gate takes effect: the standing comes into the stage, unless its places are all taken and it has to wait."""
    standing, gate = passing.standing, gate_of(passing)
    if not rooms.has_place(standing, gate.to):
        _wait_for_room(passing, gate, by=by, at=at)
        return
    left = standing.stage
    _end(passing, Pass.Result.PASSED, at, effective_at=at)
    changes = enter(standing, gate.to, at=at, starts=gate.starts, stops=gate.stops)
    if gate.reaches and not standing.reached:
        changes |= {"reached": True, "reached_at": at}
    note(standing, "pass", by=by, at=at, facts=_told(passing), **changes)
    tell.of_gate(passing, "passed", at=at)
    call_next(standing, left, at=at)


def _wait_for_room(passing: Pass, gate: Gate, *, by: Acting, at: datetime) -> None:
    if passing.step == Pass.Step.ROOM:
        return
    standing = passing.standing
    timers.stop_pass(passing, at=at)
    _put(passing, Pass.Step.ROOM, rooms.scope(standing, rules_of(standing), gate.to) or None, at, None)
    note(standing, "wait", by=by, at=at, facts=_told(passing) | {"step": Pass.Step.ROOM})


def fail(passing: Pass, *, by: Acting, at: datetime, why: str = "") -> None:
    """The gate is not passed: the standing goes where the program says, stays, or, as a nominee, is out."""
    standing, gate = passing.standing, gate_of(passing)
    left = standing.stage
    _end(passing, Pass.Result.FAILED, at)
    # Where one would go who fails, but all places are taken, one stays: a clock must never find no way.
    goes = gate.fails_to and rooms.has_place(standing, gate.fails_to)
    changes = enter(standing, gate.fails_to, at=at) if gate.fails_to and goes else _stay(standing, REFUSED, at)
    note(standing, "fail", by=by, at=at, facts=_told(passing) | ({"why": why} if why else {}), **changes)
    tell.of_gate(passing, "failed", at=at, why=why)
    call_next(standing, left, at=at)


def draw_back(passing: Pass, *, by: Acting, at: datetime, facts: Mapping[str, Any]) -> None:
    """The pass ends without a verdict: who was on a stage stays there, a nominee is out."""
    standing = passing.standing
    _end(passing, Pass.Result.WITHDRAWN, at)
    note(standing, "withdraw", by=by, at=at, facts=_told(passing) | dict(facts), **_stay(standing, "withdrawn", at))


def _stay(standing: Standing, result: str, at: datetime) -> dict[str, Any]:
    """Staying in a stage starts those of its clocks that do not run."""
    return enter(standing, standing.stage, at=at) if standing.stage else ended(standing, result, at)


def _end(passing: Pass, result: str, at: datetime, effective_at: datetime | None = None) -> None:
    timers.stop_pass(passing, at=at)
    Notice.objects.filter(passing=passing, withdrawn_at=None, until__gt=at).update(withdrawn_at=at)
    passing.step, passing.step_unit, passing.step_due = "", None, None
    passing.result, passing.ended_at, passing.effective_at = result, at, effective_at
    passing.save(update_fields=["step", "step_unit", "step_due", "result", "ended_at", "effective_at"])


def _told(passing: Pass) -> dict[str, Any]:
    return {"pass": passing.pk, "gate": passing.gate}


def call_next(standing: Standing, left: str, *, at: datetime) -> None:
    """After a change of stage: whoever waits for the place left, or for places this one waits for now, may come in."""
    if standing.stage == left:
        return
    if left:
        rooms.call_next(standing, left, at=at)
    if not standing.ended_at:
        for move in rules_of(standing).moves_from(standing.stage):
            if move.when_free and move.to:
                rooms.call_next(standing, move.to, at=at)
