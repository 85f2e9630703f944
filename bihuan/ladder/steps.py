"""Where a pass is: its gate and step in the document, and whether the step lies where it belongs."""

from bihuan.ladder.models import Pass
from bihuan.ladder.posts import area
from bihuan.ladder.rules import rules_of
from bihuan.programs.ladder import Gate, Step


def gate_of(passing: Pass) -> Gate:
    return rules_of(passing.standing).gates[passing.gate]


def step_of(passing: Pass) -> Step | None:
    """The step of the document it is at; None while it waits for a place."""
    return None if passing.step == Pass.Step.ROOM else gate_of(passing).step(passing.step)


def is_home(passing: Pass, step: Step) -> bool:
    """Whether a step lies with the unit it belongs to, and has not come up."""
    return step.level is None or passing.step_unit == area(passing.standing, step.level)
