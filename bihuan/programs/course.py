"""The course of a case by its document alone: which state, which clocks. The checks walk it, scenarios time it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bihuan.programs.document import CaseProgram, ClockRule, Move


@dataclass(frozen=True, slots=True)
class Course:
    """Where a case stands. `stopped`: clocks that could be resumed.   promised: the resident has been told a time."""

    state: str | None = None
    running: frozenset[str] = frozenset()
    stopped: frozenset[str] = frozenset()
    ending: str | None = None
    found: bool = False
    promised: bool = False

    def take(self, move: Move, program: CaseProgram) -> "Course":
        """The course after a move. Whether the move is legal here is the caller's question."""
        state = move.to or self.state
        running = (self.running - {*move.stops} | {*move.starts}) | (self.stopped & {*move.resumes})
        stopped = (self.stopped | (self.running & {*move.stops})) - running
        if state and program.states[state].final:
            running, stopped = frozenset(), frozenset()
        promised = self.promised or any(program.clocks[c].promise for c in move.starts)
        return replace(
            self, state=state, running=running, stopped=stopped, ending=move.ending or None, promised=promised
        )

    def lapse(self, clock: ClockRule, move: Move, program: CaseProgram) -> "Course":
        """The course after a clock has fired and done its move. It runs on if it repeats, else it is over."""
        running = self.running if clock.repeat else self.running - {clock.key}
        return replace(self, running=running).take(move, program)

    def lapse_move(self, clock: ClockRule, program: CaseProgram) -> Move | None:
        """What a clock would do here, if that is legal."""
        move = program.move(clock.lapse, self.state, clock.outcome, found=self.found)
        return move if move and "clock" in move.by else None

    def open_moves(self, program: CaseProgram) -> Iterator[Move]:
        """What people may do here."""
        for move in program.moves_from(self.state, found=self.found):
            if move.by != {"clock"} and (not move.after or self.ending in move.after):
                yield move

    def next(self, program: CaseProgram) -> Iterator[tuple[Move, "Course"]]:
        """Every step that can follow: by people, or by a clock that runs."""
        for move in self.open_moves(program):
            yield move, self.take(move, program)
        for key in self.running:
            clock = program.clocks[key]
            if lapse := self.lapse_move(clock, program):
                yield lapse, self.lapse(clock, lapse, program)


def courses(program: CaseProgram) -> dict[Course, list[tuple[Move, Course]]]:
    """Every course a case can be on, each with its next steps; found by walking from filing."""
    steps: dict[Course, list[tuple[Move, Course]]] = {}
    waiting = [Course(found=found) for found in (False, True)]
    while waiting:
        here = waiting.pop()
        if here in steps:
            continue
        steps[here] = list(here.next(program))
        waiting.extend(after for _, after in steps[here])
    return steps
