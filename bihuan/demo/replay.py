"""Plays a told life against the request program: is every step a legal move, and which clocks and tasks does it leave?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Model

from bihuan.lib import worktime
from bihuan.lib.worktime import WorkCalendar
from bihuan.loop.history import Step
from bihuan.loop.models import Clock, State, Task
from bihuan.programs.document import CaseProgram, Move

ENDED = (State.CLOSED, State.WITHDRAWN)


class IllegalStory(AssertionError):
    """A told life does what the program does not allow: a fault of the demo."""


@dataclass
class Rest:
    """What a life has come to: its columns, and the rows beside the case."""

    columns: dict[str, Any] = field(default_factory=dict)
    clocks: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)

    @property
    def running(self) -> list[dict[str, Any]]:
        return [clock for clock in self.clocks if clock["stage"] == Clock.Stage.RUNNING]


class Replay:
    """Follows one life. `categories` gives the key of a category by its id."""

    def __init__(self, rules: CaseProgram, calendar: WorkCalendar, categories: dict[int, str]) -> None:
        self.rules, self.calendar, self.categories = rules, calendar, categories

    def play(self, steps: Sequence[Step]) -> Rest:
        """Raises IllegalStory with the first step that is no legal move, or comes when a clock had already spoken."""
        rest = Rest()
        for step in steps:
            self._step(rest, step)
        return rest

    def _step(self, rest: Rest, step: Step) -> None:
        outcome = (step.facts or {}).get("outcome")
        found = (step.changes | rest.columns).get("finder") is not None
        move = self._move(step.verb, rest.columns.get("state"), outcome, found)
        rest.moves.append(move)
        self._require_in_time(rest, move, step)
        rest.columns |= step.changes
        rest.columns.setdefault("state", move.to)
        if rest.columns["state"] != (move.to or rest.columns["state"]):
            raise IllegalStory(f"{step.verb} leads to {move.to}, not to {rest.columns['state']}")
        self._run_clocks(rest, move, step.at)
        self._require_due(rest, step)
        self._hand_out(rest, step)
        if rest.columns["state"] in ENDED:
            _end(rest, step.at)

    def _move(self, verb: str, state: str | None, outcome: str | None, found: bool) -> Move:
        move = self.rules.move(verb, state, outcome, found=found)
        if move is None:
            raise IllegalStory(f"no move {verb} ({outcome}) from {state}")
        return move

    def _require_in_time(self, rest: Rest, move: Move, step: Step) -> None:
        """A clock that runs out acts before anybody else; only its own act may come at its due time."""
        for clock in rest.running:
            rule = self.rules.clocks[clock["key"]]
            fires = (rule.lapse, rule.outcome) == (move.verb, move.outcome) and clock["due_at"] == step.at
            if fires:
                clock["stage"], clock["ended_at"] = Clock.Stage.FIRED, step.at
                self._repeat(rest, clock)
            elif clock["due_at"] <= step.at:
                raise IllegalStory(f"{step.verb} at {step.at}: the clock {clock['key']} was due at {clock['due_at']}")

    def _repeat(self, rest: Rest, clock: dict[str, Any]) -> None:
        if repeat := self.rules.clocks[clock["key"]].repeat:
            due = worktime.due(repeat, start=clock["due_at"], calendar=self.calendar)
            rest.clocks.append({**clock, "due_at": due, "stage": Clock.Stage.RUNNING, "ended_at": None})

    def _run_clocks(self, rest: Rest, move: Move, at: datetime) -> None:
        for clock in rest.running:
            if clock["key"] in (*move.stops, *move.starts):
                clock["stage"], clock["ended_at"] = Clock.Stage.STOPPED, at
        rest.clocks += [self._clock(rest, key, at) for key in move.starts]

    def _require_due(self, rest: Rest, step: Step) -> None:
        """The due time and the promise that the act wrote are those of its clocks."""
        clocks = self.rules.clocks
        keys = self.rules.states[rest.columns["state"]].clocks
        for clock in rest.running:
            promise = clocks[clock["key"]].promise
            if promise and clock["started_at"] == step.at and step.changes["promise_at"] != clock["due_at"]:
                raise IllegalStory(f"{step.verb} promises {step.changes['promise_at']}, not {clock['due_at']}")
            due = rest.columns["promise_at"] if promise else clock["due_at"]
            if clock["key"] in keys and "due_at" in step.changes and step.changes["due_at"] != due:
                raise IllegalStory(f"{step.verb} is due at {step.changes['due_at']}, not {due}")

    def _clock(self, rest: Rest, key: str, at: datetime) -> dict[str, Any]:
        columns = rest.columns
        category = self.categories.get(columns.get("category_id"), "")
        lineage = [category, category.partition(".")[0]] if category else []
        urgency = columns.get("urgency", "normal")
        limit = self.rules.clock_limit(key, type=columns["type"], urgency=urgency, category=lineage)
        due = worktime.due(limit, start=at, calendar=self.calendar)
        return {
            "key": key,
            "limit": str(limit),
            "started_at": at,
            "due_at": due,
            "stage": Clock.Stage.RUNNING,
            "ended_at": None,
        }

    def _hand_out(self, rest: Rest, step: Step) -> None:
        columns = rest.columns
        task = {"opened_at": step.at, "stage": Task.Stage.OPEN, "ended_at": None}
        if step.verb == "dispatch":
            _drop(rest, step.at)
            task |= {"kind": Task.Kind.LEAD, "unit_id": columns["unit_id"], "due_at": columns["promise_at"]}
            rest.tasks.append(task)
        elif columns["state"] == State.VERIFYING and step.verb == "approve":
            _drop(rest, step.at, Task.Kind.VERIFY)
            task |= {"kind": Task.Kind.VERIFY, "unit_id": columns["grid_id"], "due_at": columns["due_at"]}
            rest.tasks.append(task | {"posting": columns["finder"]})


def _drop(rest: Rest, at: datetime, kind: str | None = None) -> None:
    for task in rest.tasks:
        if task["stage"] == Task.Stage.OPEN and kind in (None, task["kind"]):
            task["stage"], task["ended_at"] = Task.Stage.DROPPED, at


def _end(rest: Rest, at: datetime) -> None:
    for clock in rest.running:
        clock["stage"], clock["ended_at"] = Clock.Stage.STOPPED, at
    for task in rest.tasks:
        if task["stage"] == Task.Stage.OPEN:
            done = task["kind"] == Task.Kind.LEAD
            task["stage"], task["ended_at"] = Task.Stage.DONE if done else Task.Stage.DROPPED, at


def leave(rest: Rest) -> list[tuple[type[Model], dict[str, Any]]]:
    """The clocks and tasks of a life, as companions of its history."""
    return [(Clock, clock) for clock in rest.clocks] + [(Task, task) for task in rest.tasks]
