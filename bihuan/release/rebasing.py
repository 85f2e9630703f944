"""Putting one case under another version of its program: afterwards it looks as if it had been under it all along (C3).

Which clocks run since when is read from what happened to the case, told again by the new version. Where that goes
another way than the case went, the clocks it has go on as far as the new version knows what to do with them.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from bihuan.book.journal import Acting
from bihuan.book.models import Actor, Outbox
from bihuan.lib import worktime
from bihuan.lib.worktime import Duration
from bihuan.loop import clock as clocks
from bihuan.loop.categories import lineage
from bihuan.loop.models import Case, CaseEvent, Clock, Task
from bihuan.loop.moves import is_found, rules_of
from bihuan.loop.record import fire_due, note, words
from bihuan.programs import versions
from bihuan.programs.document import CaseProgram, Move
from bihuan.programs.kinds import CLOCK
from bihuan.programs.models import Version
from bihuan.release.tracks import CannotMove


@dataclass(frozen=True, slots=True)
class Wanted:
    """A clock that runs by the new version: since when, how long."""

    since: datetime
    limit: Duration


def rebase(
    case: Case, to: Version, *, places: Mapping[str, str], by: Acting, at: datetime, why: str = ""
) -> CaseEvent | None:
    """Put a locked, open case under a version; None when it is there already or has ended meanwhile.

    places: where a case goes whose state the version no longer has. With `why` (moved by itself, on somebody's
    decision) the promised time becomes what the version says and the resident is told when it is later; without, it
    never becomes later (K2). A clock that would have run out already goes on as it was: nobody is late by a rule that
    came afterwards. Raises CannotMove, NoWords.
    """
    fire_due(case, at=at)
    if case.version == to.pk or case.closed_at is not None:
        return None
    rules, was = versions.rules(to.pk), case.version
    state = case.state if case.state in rules.states else places.get(case.state, "")
    if state not in rules.states or rules.states[state].final:
        raise CannotMove(f"新版本没有状态“{rules_of(case).label('state', case.state)}”，也没有写明去处。")
    promised = case.promise_at
    changes: dict[str, Any] = {"version": to.pk, **({"state": state} if state != case.state else {})}
    changes |= _reset_clocks(case, rules, state, at=at, may_be_later=bool(why))
    later = bool(promised and changes.get("promise_at", promised) > promised)
    facts = {"was": was, **({"outcome": "later"} if later else {}), **(words(case, why) if why else {})}
    case.version = to.pk  # the event itself is already one under the new version
    event = note(case, "rebase", by=by, at=at, facts=facts, **changes)
    if later:
        _tell_later(case, promised, at)
    return event


def _reset_clocks(case: Case, rules: CaseProgram, state: str, *, at: datetime, may_be_later: bool) -> dict[str, Any]:
    """Make the clocks of the case those of the version; returns the due times that follow, where they differ."""
    running = {one.key: one for one in clocks.ticking(case)}
    telling = _told_again(case, rules, state)
    wanted = telling.running if telling else _taken_over(case, rules, state, running.values(), at)
    clocks.stop(case, running.keys() - wanted.keys(), at=at)
    promise = case.promise_at
    for key, want in wanted.items():
        due = _set(
            case, key, want, running.get(key), at=at, keeps_promise=rules.clocks[key].promise and not may_be_later
        )
        if rules.clocks[key].promise and due is not None:
            promise = due
    case.ticking = None
    if telling:
        _reset_tasks(case, telling, at=at, may_be_later=may_be_later)
    elif promise != case.promise_at:
        _tasks(case).filter(due_at=case.promise_at).update(due_at=promise)
    times = {"promise_at": promise, "due_at": _step_due(case, rules, state, promise)}
    return {column: moment for column, moment in times.items() if moment != getattr(case, column)}


def _set(
    case: Case, key: str, want: Wanted, clock: Clock | None, *, at: datetime, keeps_promise: bool
) -> datetime | None:
    """Start a clock or give it its new time; returns its due time when that changed."""
    calendar = clocks.calendar(case)
    if clock is None:
        due = worktime.due(want.limit, start=want.since, calendar=calendar)
        since = want.since if due > at else at
        due = worktime.due(want.limit, start=since, calendar=calendar)
        where = {"region_id": case.region_id, "case_id": case.pk}
        Clock.objects.create(**where, key=key, limit=str(want.limit), started_at=since, due_at=due)
        return due
    line = worktime.deadline(want.limit, start=want.since, calendar=calendar, segments=clocks.segments(clock))
    due = line.due_at or clock.due_at
    if due == clock.due_at or due <= at or _has_fired(case, clock) or (keeps_promise and due > clock.due_at):
        return None
    clock.limit, clock.started_at, clock.due_at = str(want.limit), want.since, due
    clock.save(update_fields=["limit", "started_at", "due_at"])
    return due


def _has_fired(case: Case, clock: Clock) -> bool:
    """Whether it ran out before and now only repeats: the promise behind it is past and stays what it was."""
    fired = Clock.objects.filter(region_id=case.region_id, case_id=case.pk, key=clock.key, stage=Clock.Stage.FIRED)
    return fired.filter(started_at=clock.started_at).exists()


def _step_due(case: Case, rules: CaseProgram, state: str, promise: datetime | None) -> datetime:
    """When the present step is due, by the same rule as after a move (record.advance)."""
    steps = rules.states[state].clocks
    step = next((one for one in clocks.ticking(case) if one.key in steps), None)
    if step is None:
        return case.due_at
    return promise if rules.clocks[step.key].promise and promise else step.due_at


def _reset_tasks(case: Case, telling: "_Telling", *, at: datetime, may_be_later: bool) -> None:
    """What is owed is due when it was at its opening, by the new version: a check with its step, all else with the promise."""
    calendar = clocks.calendar(case)
    for task in _tasks(case).exclude(due_at=None):
        begun = telling.begun_by(task.opened_at, promise=task.kind != Task.Kind.VERIFY)
        due = worktime.due(begun.limit, start=begun.since, calendar=calendar) if begun else task.due_at
        if due != task.due_at and due > at and (may_be_later or due < task.due_at):
            task.due_at = due
            task.save(update_fields=["due_at"])


def _tasks(case: Case) -> QuerySet[Task]:
    return Task.objects.filter(region_id=case.region_id, case_id=case.pk, stage=Task.Stage.OPEN)


# Which clocks run by the new version


@dataclass
class _Telling:
    """A case told again by other rules: where it is, which clocks run, by what facts their limits are chosen."""

    rules: CaseProgram
    found: bool
    state: str | None = None
    running: dict[str, Wanted] = field(default_factory=dict)
    begun: list[tuple[str, Wanted]] = field(default_factory=list)  # every clock that was started, in order
    facts: dict[str, Any] = field(default_factory=dict)

    def hear(self, event: CaseEvent) -> bool:
        """Go on by one event; False when it is no move of these rules, or leads elsewhere."""
        data = json.loads(event.data)
        done = data["set"]
        self.facts |= {name: done[name] for name in ("type", "urgency", "category_id") if name in done}
        move = self.rules.move(event.verb, self.state, data.get("outcome"), found=self.found)
        if move is None:
            return "state" not in done
        if (move.to or self.state) != done.get("state", self.state):
            return False
        self._run(move, event)
        return True

    def _run(self, move: Move, event: CaseEvent) -> None:
        if event.actor == Actor.CLOCK:
            self._ran_out(move)
        for key in move.stops:
            self.running.pop(key, None)
        for key in move.starts:
            self.running[key] = Wanted(event.at, limit_by(self.rules, key, self.facts))
            self.begun.append((key, self.running[key]))
        self.state = move.to or self.state
        if self.state and self.rules.states[self.state].final:
            self.running = {}

    def begun_by(self, moment: datetime, *, promise: bool) -> Wanted | None:
        """The clock started last by a moment, of those that are promises or of the others."""
        clocks = self.rules.clocks
        own = [one for key, one in self.begun if one.since <= moment and clocks[key].promise == promise]
        return own[-1] if own else None

    def _ran_out(self, move: Move) -> None:
        for key in list(self.running):
            rule = self.rules.clocks[key]
            if (rule.lapse, rule.outcome) == (move.verb, move.outcome) and not rule.repeat:
                del self.running[key]


def limit_by(rules: CaseProgram, key: str, facts: Mapping[str, Any]) -> Duration:
    """The limit of a clock for a matter of this type, urgency and category."""
    categories = [category.key for category in lineage(facts.get("category_id"))]
    return rules.clock_limit(key, type=facts["type"], urgency=facts["urgency"], category=categories)


def _told_again(case: Case, rules: CaseProgram, state: str) -> _Telling | None:
    """The case as it would be had it been under these rules; None when it would have gone another way."""
    telling = _Telling(rules, is_found(case))
    events = CaseEvent.objects.filter(region_id=case.region_id, case_id=case.pk).order_by("n")
    if state != case.state or not all(telling.hear(event) for event in events) or telling.state != state:
        return None
    return telling if _is_alive(rules, state, telling.running) else None


def _taken_over(
    case: Case, rules: CaseProgram, state: str, running: Iterable[Clock], at: datetime
) -> dict[str, Wanted]:
    """The clocks it has that can do their work in its state; the state's first one from now on when none of its own runs."""
    facts = {"type": case.type, "urgency": case.urgency, "category_id": case.category_id}
    found = is_found(case)
    wanted = {
        one.key: Wanted(one.started_at, limit_by(rules, one.key, facts))
        for one in running
        if one.key in rules.clocks and _can_lapse(rules, one.key, state, found=found)
    }
    if not _is_alive(rules, state, wanted):
        key = next(key for key in rules.states[state].clocks if _can_lapse(rules, key, state, found=found))
        wanted[key] = Wanted(at, limit_by(rules, key, facts))
    return wanted


def _can_lapse(rules: CaseProgram, key: str, state: str, *, found: bool) -> bool:
    rule = rules.clocks[key]
    move = rules.move(rule.lapse, state, rule.outcome, found=found)
    return move is not None and CLOCK in move.by


def _is_alive(rules: CaseProgram, state: str, wanted: Mapping[str, Wanted]) -> bool:
    """Whether one of the state's own clocks runs (L1)."""
    return bool(wanted.keys() & {*rules.states[state].clocks})


def _tell_later(case: Case, promised: datetime | None, at: datetime) -> None:
    """The reason stays in the record: what somebody wrote freely is no part of a message (F4)."""
    told = {"was": promised and promised.isoformat(), "due": case.promise_at and case.promise_at.isoformat()}
    Outbox.objects.create(region_id=case.region_id, topic="rebased", case_id=case.pk, payload=told, run_at=at)
