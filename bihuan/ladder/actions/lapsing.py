"""What clocks do when they run out. Each fires once, stamped with the time it was due (K3)."""

from datetime import datetime

from bihuan.book.journal import CLOCK
from bihuan.ladder import course, rooms, tell, timers
from bihuan.ladder.actions import appealing, gates, moving, noticing, ranking
from bihuan.ladder.actions.gates import NotEligible
from bihuan.ladder.models import Appeal, Pass, Standing, Timer
from bihuan.ladder.record import note, open_pass
from bihuan.ladder.rules import rules_of, stage_of
from bihuan.programs.kinds import CLOCK as CLOCK_POST
from bihuan.programs.ladder import LadderClock, Step


def fire(standing: Standing, timer: Timer) -> None:
    """Let a timer of a locked standing run out. A clock that waited for the end of a gate fires at that end."""
    moment = _moment(standing, timer)
    Timer.objects.filter(pk=timer.pk).update(stage=Timer.Stage.FIRED, ended_at=moment)
    if timer.passing_id is None:
        _stage_clock(standing, timer, moment)
        return
    passing = open_pass(standing)
    step = course.step_of(passing) if passing else None
    if passing is not None and step is not None:
        _step_over(passing, step, moment)


def _moment(standing: Standing, timer: Timer) -> datetime:
    if timer.passing_id is not None:
        return timer.due_at
    last = Pass.objects.filter(standing=standing, ended_at__gt=timer.due_at).order_by("-ended_at").first()
    return last.ended_at if last and last.ended_at else timer.due_at


# Steps of a gate


def _step_over(passing: Pass, step: Step, at: datetime) -> None:
    note(passing.standing, "lapse", by=CLOCK, at=at, facts={"pass": passing.pk, "gate": passing.gate, "step": step.key})
    if step.kind == "rank":
        ranking.compare(passing, by=CLOCK, at=at)
    elif step.lapse == "pass":
        course.carry_on(passing, by=CLOCK, at=at)
    elif step.lapse == "fail":
        course.fail(passing, by=CLOCK, at=at, why=rules_of(passing.standing).label("step", step.node))
    else:
        _up(passing, step, at)


def _up(passing: Pass, step: Step, at: datetime) -> None:
    """The level above gets it; where nobody is above, silence is a no: whoever complained is right, a review fails."""
    if course.raise_up(passing, at=at):
        _move_complaints(passing)
        note(passing.standing, "up", by=CLOCK, at=at, facts={"pass": passing.pk, "unit": passing.step_unit})
        tell.of_gate(passing, "step", at=at)
        tell.above(passing, at=at)
    elif step.kind == "objection":
        noticing.close_others(passing, at=at)
        course.fail(passing, by=CLOCK, at=at)
    elif step.kind == "ruling":
        for made in Appeal.objects.filter(passing=passing, decided_at=None):
            appealing.decided(made, True, at=at)
        course.fail(passing, by=CLOCK, at=at)
    else:
        course.fail(passing, by=CLOCK, at=at, why=rules_of(passing.standing).label("step", step.node))


def _move_complaints(passing: Pass) -> None:
    noticing.open_objections(passing).update(unit_id=passing.step_unit)
    Appeal.objects.filter(passing=passing, decided_at=None).update(unit_id=passing.step_unit)


# Clocks of a stage


def _stage_clock(standing: Standing, timer: Timer, at: datetime) -> None:
    """Make the clock's move, open its gate, or tell the level above; then begin anew if it repeats."""
    rule = rules_of(standing).clocks.get(timer.key)
    if rule is None:  # a clock of a version the standing is no longer under
        return
    note(standing, "lapse", by=CLOCK, at=at, facts={"clock": rule.key})
    # It runs on before what it does, so that a new stage keeps or stops it like any other.
    if rule.repeat is not None:
        timers.start(standing, rule.key, rule.repeat, at=at)
    tell.of_clock(standing, rule, at=at)
    _do(standing, rule, at)


def _do(standing: Standing, rule: LadderClock, at: datetime) -> None:
    rules, stage = rules_of(standing), stage_of(standing)
    gate, move = rules.gates.get(rule.lapse), rules.moves.get(rule.lapse)
    if gate is not None and gate in rules.gates_from(stage, by=CLOCK_POST):
        gates.open_for(standing, gate.key, by=CLOCK, at=at, answers={})
    elif move is not None and move in rules.moves_from(stage, by=CLOCK_POST):
        _take(standing, move.key, rule, at)


def _take(standing: Standing, move: str, rule: LadderClock, at: datetime) -> None:
    """Make the move, or say why it cannot be made now and try again after the clock's time."""
    try:
        moving.make(standing, move, by=CLOCK, at=at, answers={})
    except (NotEligible, rooms.Full) as refused:
        note(standing, "idle", by=CLOCK, at=at, facts={"move": move, "why": str(refused)})
        if rule.repeat is None:
            timers.start(standing, rule.key, rule.limit, at=at)
