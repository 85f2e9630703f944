"""A case on paper: scenarios played from the document alone, without a database, and what they have shown of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache

from bihuan.lib.holidays_cn import seed_days
from bihuan.lib.worktime import Day, Hours, WorkCalendar, due
from bihuan.programs.case import CaseProgram, Move
from bihuan.programs.course import Course
from bihuan.programs.kinds import CLOCK
from bihuan.programs.scenarios import ZONE, Given, Mismatch, Refused, Scenario, Seen, play

YEARS = (2019, 2026)
HOURS = "08:30-12:00,13:00-17:00"


@cache
def national_calendar() -> WorkCalendar:
    """Office hours of scenarios, on the nation's working days with their make-up days."""
    rows = seed_days(*YEARS)
    days = {row.date: Day(row.is_workday, row.name, confirmed=row.confirmed, source=row.source) for row in rows}
    return WorkCalendar(ZONE, days, Hours.parse(HOURS))


@dataclass
class Coverage:
    """What scenarios have shown: moves made, limits used, clocks kept and missed, bounds held to and broken."""

    moves: set[str] = field(default_factory=set)
    limits: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    missed: set[str] = field(default_factory=set)
    allowed: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def gaps(self, program: CaseProgram) -> list[str]:
        """What no scenario has shown, a sentence each. Empty: every move, limit, deadline and bound was seen."""
        limits = [f"{key}.{row}" for key, limit in program.limits.items() for row in limit.rows()]
        bounds = [f"{move.key}.{name}" for move in program.moves.values() for name in _bounds(move)]
        return [
            *missing("动作 move.{} 没有发生过", program.moves, self.moves),
            *missing("时限 limit.{} 没有用到过", limits, self.limits),
            *missing("clock.{} 没有按时过", program.clocks, self.kept),
            *missing("clock.{} 没有到期过", program.clocks, self.missed),
            *missing("move.{} 没有在限内发生过", bounds, self.allowed),
            *missing("move.{} 没有超限被拒绝过", bounds, self.refused),
        ]


def missing(sentence: str, wanted: Iterable[str], seen: set[str]) -> list[str]:
    """A sentence for each that was wanted and not seen."""
    return [sentence.format(key) for key in wanted if key not in seen]


def _bounds(move: Move) -> dict[str, str]:
    """The bounds a move has, each with the reason of refusal beyond it."""
    bounds = {"within": "late", "at_most": "often", "per_day": "often", "after": "ending"}
    return {name: reason for name, reason in bounds.items() if getattr(move, name)}


class Paper:
    """One case played from its document. A Door."""

    def __init__(self, program: CaseProgram, coverage: Coverage, calendar: WorkCalendar | None = None) -> None:
        self.program, self.coverage = program, coverage
        self.calendar = calendar or national_calendar()
        self.course = Course()
        self.due: dict[str, datetime] = {}
        self.done: list[tuple[Move, str, datetime]] = []
        self.entered: datetime | None = None
        self.result = ""
        self.promise: datetime | None = None
        self.late: set[str] = set()  # clocks that have fired since they were started
        self.fired: list[str] = []
        self.told: list[str] = []

    # The door

    def file(self, given: Given, *, outcome: str | None, by: str, at: datetime) -> None:
        if given.type not in self.program.types or given.urgency not in self.program.urgencies:
            raise Refused("answer")
        self.given, self.course = given, replace(self.course, found=given.found)
        self.act("file", outcome=outcome, by=by, at=at, answers={})

    def act(self, verb: str, *, outcome: str | None, by: str, at: datetime, answers: Mapping[str, str]) -> None:
        move = self.program.move(verb, self.course.state, outcome, found=self.course.found)
        if move is None:
            raise Refused("state")
        if by not in move.by:
            raise Refused("post")
        self._hold_to_bounds(move, by, at)
        self._answer(move, answers)
        self._take(move, self.course.take(move, self.program), by, at)

    def advance_clock(self, at: datetime) -> None:
        while (key := self._next_due(at)) is not None:
            self._fire(key)

    def read(self) -> Seen:
        seen = Seen(
            state=self.course.state,
            result=self.result,
            ending=self.course.ending or "",
            promise=self.promise,
            clocks={key: self.due[key] for key in self.course.running},
            fired=tuple(self.fired),
            tells=tuple(self.told),
        )
        self.fired, self.told = [], []
        return seen

    # What an act must hold to

    def _hold_to_bounds(self, move: Move, by: str, at: datetime) -> None:
        for name, reason in _bounds(move).items():
            if name == "per_day" and by != "resident":
                continue
            bound = f"{move.key}.{name}"
            if self._is_beyond(name, move, at):
                self.coverage.refused.add(bound)
                raise Refused(reason)
            self.coverage.allowed.add(bound)

    def _is_beyond(self, bound: str, move: Move, at: datetime) -> bool:
        if bound == "after":
            return self.course.ending not in move.after
        if bound == "within" and move.within and self.entered:
            return at > due(move.within, start=self.entered, calendar=self.calendar)
        made = [(by, when) for done, by, when in self.done if done.verb == move.verb]
        if bound == "at_most":
            return len(made) >= (move.at_most or 0)
        today = self.calendar.local(at).date()
        mine = [when for by, when in made if by == "resident" and self.calendar.local(when).date() == today]
        return len(mine) >= (move.per_day or 0)

    def _answer(self, move: Move, answers: Mapping[str, str]) -> None:
        if move.reasons and answers.get("reason") not in self.program.reasons[move.reasons]:
            raise Refused("answer")
        if len(move.results) > 1 and answers.get("result") not in move.results:
            raise Refused("answer")
        self.result = answers.get("result") or (move.results[0] if move.results else self.result)

    # What happens

    def _take(self, move: Move, after: Course, by: str, at: datetime) -> None:
        self.coverage.moves.add(move.key)
        self.coverage.kept |= self.course.running - after.running - self.late
        if move.to:
            self.entered = at
        self.course = after
        self.done.append((move, by, at))
        self.told.extend(move.tells)
        for key in move.starts:
            self._start(key, at)

    def _start(self, key: str, at: datetime) -> None:
        clock, given = self.program.clocks[key], self.given
        row, limit = self.program.limit_row(
            clock.limit, type=given.type, urgency=given.urgency, category=given.category
        )
        self.coverage.limits.add(f"{clock.limit}.{row}")
        self.due[key] = due(limit, start=at, calendar=self.calendar)
        self.late.discard(key)
        if clock.promise:
            self.promise = self.due[key]

    def _next_due(self, at: datetime) -> str | None:
        running = [key for key in self.program.clocks if key in self.course.running and self.due[key] <= at]
        return min(running, key=lambda key: self.due[key], default=None)

    def _fire(self, key: str) -> None:
        """A clock runs out: its move happens at its due time, whenever somebody looks."""
        clock, at = self.program.clocks[key], self.due[key]
        move = self.course.lapse_move(clock, self.program)
        if move is None:
            raise Refused("state", f"时限 {key} 到期时没有可做的动作")
        self.coverage.missed.add(key)
        self.late.add(key)
        self.fired.append(key)
        self._take(move, self.course.lapse(clock, move, self.program), CLOCK, at)
        if clock.repeat and key in self.course.running:
            self.due[key] = due(clock.repeat, start=at, calendar=self.calendar)


def play_all(program: CaseProgram, scenarios: Iterable[Scenario]) -> tuple[list[Mismatch], Coverage]:
    """Play scenarios on paper; returns what went otherwise and what they have shown together."""
    coverage = Coverage()
    mismatches = [wrong for scenario in scenarios for wrong in play(scenario, Paper(program, coverage))]
    return mismatches, coverage
