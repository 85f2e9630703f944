"""Putting a standing under another version of its program: afterwards it looks as if it had been under it all along (C3)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from bihuan.book.journal import Acting
from bihuan.ladder import duties_due, rooms, timers
from bihuan.ladder.models import Notice, Pass, Span, Standing, StandingEvent, Timer
from bihuan.ladder.record import fire_due, note, open_pass, place, words
from bihuan.ladder.rules import NotNow, rules_of
from bihuan.lib.worktime import Duration
from bihuan.programs import versions
from bihuan.programs.ladder import LadderProgram
from bihuan.programs.models import Version


def rebase(
    standing: Standing, to: Version, *, places: Mapping[str, str], by: Acting, at: datetime, why: str = ""
) -> StandingEvent | None:
    """Put a locked standing under a version; None when it is there already or has ended.

    places: where one goes whose stage the version no longer has. Limits count from when they began, by the new version; what
    would be over already goes on as it was: nobody is late by a rule that came afterwards.
    Raises NotNow (its stage has no place in the version, or the gate it is in is gone), NoWords.
    """
    fire_due(standing, at=at)
    if standing.version == to.pk or standing.ended_at is not None:
        return None
    rules: LadderProgram = versions.rules(to.pk)
    was, before = standing.version, rules_of(standing)
    stage = _stage(standing, before, rules, places)
    passing = open_pass(standing)
    if passing is not None:
        _require_gate(passing, rules)
    said = words(standing, why) if why else {}
    standing.version = to.pk  # the event itself is one under the new version
    changes: dict[str, Any] = {"version": to.pk, **_stood(standing, stage, rules, at)}
    _clocks(standing, stage, before, rules, at)
    if passing is not None:
        _step(passing, rules, at)
    _duties(standing, stage, rules, at)
    event = note(standing, "rebase", by=by, at=at, facts={"was": was, **said}, **changes)
    _look_for_room(standing, rules, at)
    return event


def _stage(standing: Standing, before: LadderProgram, rules: LadderProgram, places: Mapping[str, str]) -> str:
    if not standing.stage or standing.stage in rules.stages:
        return standing.stage
    stage = places.get(standing.stage, "")
    if stage not in rules.stages or rules.stages[stage].final:
        title = before.label("stage", standing.stage)
        raise NotNow(_("新版本没有阶段“%(stage)s”，也没有写明去处。") % {"stage": title})
    return stage


def _require_gate(passing: Pass, rules: LadderProgram) -> None:
    gate = rules.gates.get(passing.gate)
    keys = {step.key for step in gate.all_steps} | {Pass.Step.ROOM} if gate else set()
    if passing.step not in keys:
        raise NotNow(_("正在进行的关口或步骤在新版本里没有，请等它结束。"))


def _stood(standing: Standing, stage: str, rules: LadderProgram, at: datetime) -> dict[str, Any]:
    """The columns that follow from the stage. Another stage is another span; since when one stands there stays as it was."""
    if not stage:
        return {}
    rung = rules.stages[stage].order
    changes: dict[str, Any] = {"rung": rung} if rung != standing.rung else {}
    if stage == standing.stage:
        return changes
    Span.objects.filter(standing=standing, until=None).update(until=at)
    Span.objects.create(standing=standing, program=standing.program, stage=stage, since=at, **place(standing))
    return changes | {"stage": stage}


def _clocks(standing: Standing, stage: str, before: LadderProgram, rules: LadderProgram, at: datetime) -> None:
    own = {*rules.stages[stage].clocks} if stage else set()
    running = {one.key: one for one in timers.running(standing).filter(passing=None)}
    gone = {
        key for key in running if key not in rules.clocks or (key not in own and _is_of_stage(key, standing, before))
    }
    timers.stop(standing, gone, at=at)
    for key, timer in running.items():
        if key not in gone:
            _set(standing, timer, _limit(timer, key, before, rules), at)
    for key in [key for key in rules.clocks if key in own - running.keys()]:
        since = standing.since
        limit = rules.clocks[key].limit
        timers.start(standing, key, limit, at=since if timers.due(standing, limit, start=since) > at else at)


def _is_of_stage(key: str, standing: Standing, before: LadderProgram) -> bool:
    """Whether it ran because of the stage, not because a gate or move started it."""
    return standing.stage in before.stages and key in before.stages[standing.stage].clocks


def _limit(timer: Timer, key: str, before: LadderProgram, rules: LadderProgram) -> Duration:
    """The limit by the new version; of a clock that repeats already, its time of repeating."""
    old, new = before.clocks.get(key), rules.clocks[key]
    repeats = old is not None and old.repeat is not None and timer.limit == str(old.repeat) != str(old.limit)
    return new.repeat if repeats and new.repeat is not None else new.limit


def _set(standing: Standing, timer: Timer, limit: Duration, at: datetime) -> None:
    due = timers.due(standing, limit, start=timer.started_at)
    if str(limit) == timer.limit or due <= at:
        return
    timer.limit, timer.due_at = str(limit), due
    timer.save(update_fields=["limit", "due_at"])


def _step(passing: Pass, rules: LadderProgram, at: datetime) -> None:
    """The time of the step under way; a notice keeps at least what was announced."""
    if passing.step == Pass.Step.ROOM:
        return
    step = rules.gates[passing.gate].step(passing.step)
    timer = timers.running(passing.standing).filter(passing=passing).first()
    if timer is None:
        return
    due = timers.due(passing.standing, step.limit, start=timer.started_at)
    if step.kind in ("notice", "appeal") and due < timer.due_at:
        return
    _set(passing.standing, timer, step.limit, at)
    passing.step_due = timer.due_at
    passing.save(update_fields=["step_due"])
    Notice.objects.filter(passing=passing, withdrawn_at=None, until__gt=at).update(until=timer.due_at)


def _duties(standing: Standing, stage: str, rules: LadderProgram, at: datetime) -> None:
    if stage:
        duties_due.follow(standing, rules, stage, at=at)
    for duty in duties_due.still_open(standing).filter(late=False):
        due = timers.due(standing, rules.duties[duty.key].every, start=duty.opened_at)
        if due > at and due != duty.due_at:
            duty.due_at = due
            duty.save(update_fields=["due_at"])


def _look_for_room(standing: Standing, rules: LadderProgram, at: datetime) -> None:
    """More places than before: whoever waits for one may come in now."""
    passing = Pass.objects.filter(standing=standing, ended_at=None, step=Pass.Step.ROOM).first()
    if passing is not None:
        rooms.call_next(standing, rules.gates[passing.gate].to, at=at)
    for move in rules.moves_from(standing.stage or None):
        if move.when_free and move.to:
            rooms.call_next(standing, move.to, at=at)
