"""The course of somebody on a ladder by the document alone: which stage, which step of which gate, which clocks.

The checks walk it, scenarios time it. While somebody is in a gate nothing else is opened or moved; a clock that runs out
meanwhile waits until the gate is done. Coming into a stage starts its clocks, those that run already run on; so does
staying there after a failed gate. Clocks of the stage that was left stop, and at an end all do.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bihuan.programs.kinds import CLOCK
from bihuan.programs.ladder import Gate, LadderMove, LadderProgram, Step, level_above
from bihuan.programs.liveness import Walk, Way, walked

SAID = {
    "review": ("同意", "不同意"),
    "objection": ("不成立", "成立"),
    "ruling": ("不成立", "成立"),
    "rank": ("入选", ""),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody stands. `stage` None: not in the program yet. `level`: who has the step of the gate now.

    out: failed at the way in, so that nothing follows.
    """

    stage: str | None = None
    running: frozenset[str] = frozenset()
    gate: str | None = None
    step: str | None = None
    level: str | None = None
    out: bool = False

    def now(self, program: LadderProgram) -> Step:
        """The step of the gate. Raises KeyError outside a gate."""
        return program.gates[self.gate or ""].step(self.step or "")

    def posts(self, program: LadderProgram) -> tuple[str, ...]:
        """Who acts in the step now: the posts of its level, or of the level it went up to."""
        return raised_posts(self.now(program), self.level)

    def is_end(self, program: LadderProgram) -> bool:
        return self.out or (self.stage is not None and self.gate is None and program.stages[self.stage].final)

    # What can happen

    def open(self, gate: Gate, program: LadderProgram) -> "Place":
        return self._go(gate, gate.after(None), program)

    def passed(self, program: LadderProgram) -> "Place":
        """After the step has gone well; a complaint that is dismissed goes well too, in a notice it leads back."""
        gate = program.gates[self.gate or ""]
        return self._go(gate, gate.step("notice") if self.step == "objection" else gate.after(self.step), program)

    def failed(self, program: LadderProgram) -> "Place":
        """After a review has said no, or somebody who complained was right."""
        gate = program.gates[self.gate or ""]
        if gate.fails_to:
            return self._leave().enter(gate.fails_to, program)
        return self.stayed(program)

    def stayed(self, program: LadderProgram) -> "Place":
        """Out of the gate without going anywhere: the stage's clocks run again; a nominee is out."""
        if self.stage is None:
            return replace(self._leave(), out=True)
        return replace(self._leave(), running=self.running | {*program.stages[self.stage].clocks})

    def complained(self, program: LadderProgram) -> "Place":
        """After an objection to the notice, or an appeal."""
        step = program.gates[self.gate or ""].step("objection" if self.step == "notice" else "ruling")
        return replace(self, step=step.key, level=step.level)

    def raised(self) -> "Place | None":
        """The same step one level up; None where there is nobody above."""
        above = level_above(self.level)
        return replace(self, level=above) if above else None

    def lapsed(self, program: LadderProgram) -> "Place":
        """After the step's time has run out. Where nobody is above, silence is a no: a review, or a decision complained of."""
        lapse = self.now(program).lapse
        if lapse == "up":
            return self.raised() or self.failed(program)
        return self.passed(program) if lapse == "pass" else self.failed(program)

    def take(self, move: LadderMove, program: LadderProgram) -> "Place":
        after = self.enter(move.to, program) if move.to else self
        return after._clocked(move.starts, move.stops, program)

    def enter(self, stage: str, program: LadderProgram) -> "Place":
        rule = program.stages[stage]
        return replace(self, stage=stage, running=frozenset() if rule.final else frozenset(rule.clocks))

    def without(self, clock: str) -> "Place":
        return replace(self, running=self.running - {clock})

    def again(self, clock: str) -> "Place":
        return replace(self, running=self.running | {clock})

    # How

    def _go(self, gate: Gate, step: Step | None, program: LadderProgram) -> "Place":
        if step:
            return replace(self, gate=gate.key, step=step.key, level=step.level)
        return self._leave().enter(gate.to, program)._clocked(gate.starts, gate.stops, program)

    def _leave(self) -> "Place":
        return replace(self, gate=None, step=None, level=None)

    def _clocked(self, starts: tuple[str, ...], stops: tuple[str, ...], program: LadderProgram) -> "Place":
        if self.is_end(program):
            return self
        return replace(self, running=self.running - {*stops} | {*starts})


def raised_posts(step: Step, level: str | None) -> tuple[str, ...]:
    """The posts of a step as they are called at the level that has it now."""
    if level is None or level == step.level:
        return step.by
    return tuple(f"{post.partition('@')[0]}@{level}" for post in step.by)


# Walking


def ladder_walk(program: LadderProgram) -> Walk[Place]:
    """Every place somebody can come to, each with what can happen next. The document must be coherent."""
    return walked(
        [Place()],
        lambda place: (
            () if place.is_end(program) else _in_gate(place, program) if place.gate else _in_stage(place, program)
        ),
        ended=lambda place: place.is_end(program),
        name=lambda place: _name(place, program),
        node=node_of,
    )


def node_of(place: Place) -> str:
    """The name of a place in graphs: a stage, "gate.step", "" before entering and "out" after failing to."""
    if place.gate:
        return f"{place.gate}.{place.step}"
    return "out" if place.out else place.stage or ""


def _name(place: Place, program: LadderProgram) -> str:
    if place.gate:
        return place.now(program).title
    return "没有进入" if place.out else program.stages[place.stage].title if place.stage else "开始"


def _in_stage(place: Place, program: LadderProgram) -> Iterator[Way[Place]]:
    for gate in program.gates_from(place.stage):
        if people := _people(gate.opens):
            yield Way(gate.key, "open", gate.title, place.open(gate, program), people)
    for move in program.moves_from(place.stage):
        if people := _people(move.by):
            yield Way(move.key, "move", move.title, place.take(move, program), people)
        if move.when_free:
            yield Way(move.key, "move", move.title, place.take(move, program), by_clock=True)
    for key in sorted(place.running):
        yield from _lapse(place, key, program)


def _people(posts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(posts) - {CLOCK}


def _lapse(place: Place, key: str, program: LadderProgram) -> Iterator[Way[Place]]:
    """What a clock does when it runs out; being told ("up") changes nothing."""
    clock = program.clocks[key]
    after = lapse_of(place, key, program)
    if after:
        yield Way(key, "lapse", f"“{clock.title}”到期", after, by_clock=True)


def lapse_of(place: Place, key: str, program: LadderProgram) -> Place | None:
    """The place after a clock has run out in a stage, or None where it can do nothing there."""
    clock = program.clocks[key]
    here = place if clock.repeat else place.without(key)
    gate, move = program.gates.get(clock.lapse), program.moves.get(clock.lapse)
    if gate in program.gates_from(place.stage, by=CLOCK):
        return here.open(gate, program) if gate else None
    if move in program.moves_from(place.stage, by=CLOCK):
        return here.take(move, program) if move else None
    return here if clock.lapse == "up" else None


def _in_gate(place: Place, program: LadderProgram) -> Iterator[Way[Place]]:
    step = place.now(program)
    people = _people(place.posts(program))
    if step.kind in ("notice", "appeal"):
        said = "提出异议" if step.kind == "notice" else "提出申诉"
        yield Way(step.node, "complain", said, place.complained(program), people)
    else:
        good, bad = SAID[step.kind]
        yield Way(step.node, "pass", f"{step.title}：{good}", place.passed(program), people)
        if bad:
            yield Way(step.node, "fail", f"{step.title}：{bad}", place.failed(program), people)
    after = place.lapsed(program)
    raised = node_of(after) == node_of(place)
    said = "期满" if step.kind in ("notice", "appeal") else "到期，转上一级" if raised else "到期"
    yield Way(step.node, "raise" if raised else "lapse", f"{step.title}{said}", after, by_clock=True)
