"""The course of a case by its document alone: which state, which clocks. The checks walk it, scenarios time it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from bihuan.programs import liveness
from bihuan.programs.case import CaseProgram, ClockRule, Move
from bihuan.programs.kinds import CLOCK, Kind
from bihuan.programs.liveness import Walk


@dataclass(frozen=True, slots=True)
class Course:
    """Where a case stands, and which clocks run. `promised`: the resident has been told a time."""

    state: str | None = None
    running: frozenset[str] = frozenset()
    ending: str | None = None
    found: bool = False
    promised: bool = False

    def take(self, move: Move, program: CaseProgram) -> "Course":
        """The course after a move. Whether the move is legal here is the caller's question."""
        state = move.to or self.state
        running = self.running - {*move.stops} | {*move.starts}
        if state and program.states[state].final:
            running = frozenset()
        promised = self.promised or any(program.clocks[c].promise for c in move.starts)
        return replace(self, state=state, running=running, ending=move.ending or None, promised=promised)

    def lapse(self, clock: ClockRule, move: Move, program: CaseProgram) -> "Course":
        """The course after a clock has fired and done its move. It runs on if it repeats, else it is over."""
        running = self.running if clock.repeat else self.running - {clock.key}
        return replace(self, running=running).take(move, program)

    def lapse_move(self, clock: ClockRule, program: CaseProgram) -> Move | None:
        """What a clock would do here, if that is legal."""
        move = program.move(clock.lapse, self.state, clock.outcome, found=self.found)
        return move if move and CLOCK in move.by else None

    def open_moves(self, program: CaseProgram) -> Iterator[Move]:
        """What people may do here."""
        for move in program.moves_from(self.state, found=self.found):
            if move.by != {CLOCK} and (not move.after or self.ending in move.after):
                yield move

    def next(self, program: CaseProgram) -> Iterator["Way"]:
        """Every step that can follow: by people, or by a clock that runs."""
        for move in self.open_moves(program):
            yield Way(move, self.take(move, program), by_clock=False)
        for key in self.running:
            clock = program.clocks[key]
            if lapse := self.lapse_move(clock, program):
                yield Way(lapse, self.lapse(clock, lapse, program), by_clock=True)


class Way(NamedTuple):
    """A step from one course to the next, by people or by a clock that ran out."""

    move: Move
    after: Course
    by_clock: bool


def courses(program: CaseProgram) -> dict[Course, list[Way]]:
    """Every course a case can be on, each with its next steps; found by walking from filing."""
    steps: dict[Course, list[Way]] = {}
    waiting = [Course(found=found) for found in (False, True)]
    while waiting:
        here = waiting.pop()
        if here in steps:
            continue
        steps[here] = list(here.next(program))
        waiting.extend(way.after for way in steps[here])
    return steps


def case_walk(program: CaseProgram, kind: Kind) -> Walk[Course]:
    """Every course a case can be on, as liveness and drawings see it. The document must be coherent."""
    raised = _raised_states(program, kind)
    return Walk(
        starts=[Course(found=found) for found in (False, True)],
        ways={course: [_way(way) for way in ways] for course, ways in courses(program).items()},
        ended=lambda course: course.state is not None and program.states[course.state].final,
        name=lambda course: program.states[course.state].title if course.state else "开始",
        node=lambda course: course.state or "",
        spared=lambda course: course.state in raised,
    )


def _way(way: Way) -> liveness.Way[Course]:
    move, posts = way.move, frozenset() if way.by_clock else way.move.by - {CLOCK}
    title = f"到期：{move.title}" if way.by_clock else move.title
    return liveness.Way(move.key, "lapse" if way.by_clock else "move", title, way.after, posts, way.by_clock)


def _raised_states(program: CaseProgram, kind: Kind) -> frozenset[str]:
    """States in which a clock hands the case to the level above: the silent party's posts are then held by others."""
    raising = [m for m in program.moves.values() if m.outcome and m.outcome in kind.verbs[m.verb].raises]
    lapses = {(clock.lapse, clock.outcome) for clock in program.clocks.values()}
    return frozenset(state for m in raising if (m.verb, m.outcome) in lapses for state in m.from_)
