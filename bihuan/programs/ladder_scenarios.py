"""Scenarios of ladders: what is known of somebody, what posts do at which times, and what must then be so.

They enter by a LadderDoor: `ladder_paper.LadderPaper` plays them from the document alone; `tests/ladder` may play the same
acts against real standings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from bihuan.programs.reading import Table
from bihuan.programs.scenarios import ZONE, Mismatch, Pairs, in_order, keys_again, moment, read_all, read_steps, run

# What can be done, and what `what` names then.
DEEDS = {
    "nominate": "gate",  # a gate with from = []
    "open": "gate",
    "vote": "",  # verdict: agree, refuse
    "object": "",
    "settle": "",  # verdict: upheld, dismissed
    "appeal": "",
    "rule": "",  # verdict: upheld, dismissed
    "rank": "",
    "withdraw": "",
    "move": "move",
    "do": "duty",
    "tell": "",  # facts that have changed
    "free": "stage",  # somebody else leaves it, so that a place is free
}
VERDICTS = ("agree", "refuse", "upheld", "dismissed")
REFUSALS = ("state", "post", "person", "answer", "test", "cool", "full")


@dataclass(frozen=True, slots=True)
class LadderGiven:
    """What is known of the subject before the first step, and how many others hold places of capped stages."""

    answers: Mapping[str, Any]
    others: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LadderExpected:
    """What must be so after a step; None is not looked at.

    stage, step: "" for none. A step is that of the open gate, or "room" for somebody who waits for a place.
    due: when the step's time is over.   clocks, duties: due times, those named only.   unmet: tests not met when a gate was
    last opened.   fired (clocks, steps as "gate.step", duties that became late), tells, entries: since the step before.
    """

    stage: str | None = None
    gate: str | None = None
    step: str | None = None
    level: str | None = None
    result: str | None = None
    reached: bool | None = None
    due: datetime | None = None
    clocks: Mapping[str, datetime] = field(default_factory=dict)
    duties: Mapping[str, datetime] = field(default_factory=dict)
    unmet: tuple[str, ...] | None = None
    fired: tuple[str, ...] | None = None
    tells: tuple[str, ...] | None = None
    entries: tuple[str, ...] | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class LadderStep:
    """Time runs on until `at`; then `by` does `verb`. Without a verb, only time passes.

    what: the gate, move, duty or stage it is about.   who: tells apart several people of one post; one person votes once in
    a gate.   answers: facts told with it.
    """

    key: str
    at: datetime
    verb: str | None
    what: str | None
    by: str
    who: str
    verdict: str | None
    answers: Mapping[str, Any]
    then: LadderExpected

    @property
    def refused(self) -> str | None:
        return self.then.refused


@dataclass(frozen=True, slots=True)
class LadderScenario:
    """One story of one subject."""

    key: str
    title: str
    given: LadderGiven
    steps: tuple[LadderStep, ...]


@dataclass(frozen=True, slots=True)
class LadderSeen:
    """What a door shows of the standing, in the words of LadderExpected. `clocks`, `duties`: all that run."""

    stage: str
    gate: str
    step: str
    level: str
    result: str
    reached: bool
    due: datetime | None
    clocks: Mapping[str, datetime]
    duties: Mapping[str, datetime]
    unmet: tuple[str, ...]
    fired: tuple[str, ...]
    tells: tuple[str, ...]
    entries: tuple[str, ...]


class LadderDoor(Protocol):
    """The way a scenario enters: one subject of one program, from before his nomination."""

    def begin(self, given: LadderGiven, at: datetime) -> None:
        """Have the subject with what is known of him, told at `at`, and others in the places they hold."""

    def act(self, step: LadderStep) -> None:
        """Do one of DEEDS; words, pictures and the like are made up. Raises `scenarios.Refused`."""

    def advance_clock(self, at: datetime) -> None:
        """Let everything that is due by `at` happen, in order, each stamped with its own due time."""

    def read(self) -> LadderSeen: ...


def play(scenario: LadderScenario, door: LadderDoor) -> list[Mismatch]:
    """Go through a scenario by a door; returns what went otherwise. A surprising refusal ends it."""
    door.begin(scenario.given, scenario.steps[0].at)
    return run(scenario.key, scenario.steps, door.advance_clock, door.act, lambda step: _pairs(step.then, door.read()))


def _pairs(then: LadderExpected, seen: LadderSeen) -> Pairs:
    return [
        ("阶段", then.stage, seen.stage),
        ("关口", then.gate, seen.gate),
        ("步骤", then.step, seen.step),
        ("办理的级别", then.level, seen.level),
        ("结果", then.result, seen.result),
        ("达到目标", then.reached, seen.reached),
        ("这一步的期限", then.due, seen.due),
        ("不符合的条件", in_order(then.unmet), in_order(seen.unmet)),
        ("到期的期限", then.fired, seen.fired),
        ("告知", in_order(then.tells), in_order(seen.tells)),
        ("台账", in_order(then.entries), in_order(seen.entries)),
        *((f"时限 {key}", due, seen.clocks.get(key)) for key, due in then.clocks.items()),
        *((f"职责 {key}", due, seen.duties.get(key)) for key, due in then.duties.items()),
    ]


# Reading


def load(text: str, file: str = "") -> list[LadderScenario]:
    """Read a file of scenarios of a ladder. Raises BadDocument with every problem."""
    return read_all(text, file, _scenario)


def _scenario(key: str, table: Table) -> LadderScenario:
    title = table.text("title", required=True)
    given = _given(table.table("given"))
    steps = read_steps(table, _step)
    table.close()
    return LadderScenario(key, title, given, steps)


def _given(table: Table) -> LadderGiven:
    others = table.table("others")
    given = LadderGiven(_answers(table.table("answers")), {key: others.count(key) or 0 for key in others.data})
    table.close()
    return given


def _answers(table: Table) -> dict[str, Any]:
    """Facts as the dossier keeps them: dates as text."""
    said = {key: table.take(key, "文字、数、日期、true 或 false", _is_answer, None) for key in table.data}
    return {key: value.isoformat() if type(value) is date else value for key, value in said.items()}


def _is_answer(value: object) -> bool:
    return type(value) is date or isinstance(value, str | int | float | bool)


def _step(key: str, table: Table) -> LadderStep:
    verb = table.one_of("do", tuple(DEEDS))
    by = table.post("by", required=verb not in (None, "tell", "free")) or ""
    step = LadderStep(
        key,
        at=moment(table, "at", required=True) or datetime.min.replace(tzinfo=ZONE),
        verb=verb,
        what=table.word("what", required=bool(DEEDS.get(verb or ""))),
        by=by,
        who=table.text("who") or by,
        verdict=table.one_of("verdict", VERDICTS, required=verb in ("vote", "settle", "rule")),
        answers=_answers(table.table("with")),
        then=_expected(table.table("then")),
    )
    table.close()
    return step


def _expected(table: Table) -> LadderExpected:
    expected = LadderExpected(
        stage=_name(table, "stage"),
        gate=_name(table, "gate"),
        step=_name(table, "step"),
        level=_name(table, "level"),
        result=_name(table, "result"),
        reached=table.flag("reached") if "reached" in table.data else None,
        due=moment(table, "due"),
        clocks=_moments(table.table("clock")),
        duties=_moments(table.table("duty")),
        unmet=keys_again(table, "unmet"),
        fired=keys_again(table, "fired"),
        tells=keys_again(table, "tells"),
        entries=keys_again(table, "entries"),
        refused=table.one_of("refused", REFUSALS),
    )
    table.close()
    return expected


def _name(table: Table, key: str) -> str | None:
    """A key, or "" for none."""
    return table.take(key, "一个键，或空文字", lambda v: isinstance(v, str), None)


def _moments(table: Table) -> dict[str, datetime]:
    found = {key: moment(table, key) for key in table.data}
    return {key: when for key, when in found.items() if when}
