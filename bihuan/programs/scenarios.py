"""Scenarios: the tests that the author of a program writes. Acts at times by posts, and what must then be so.

`<key>.scenarios.toml` stands beside the program. A scenario enters by a Door: `paper.Paper` plays it from the document
alone; another door can play the same acts against real cases.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from bihuan.programs.document import table_of
from bihuan.programs.reading import BadDocument, Table

ZONE = ZoneInfo("Asia/Shanghai")
REFUSALS = ("state", "post", "ending", "late", "often", "answer")


@dataclass(frozen=True, slots=True)
class Given:
    """The matter: what its limits depend on, and whether a grid worker found it."""

    type: str
    urgency: str
    category: str | None
    found: bool


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be so after a step; None is not looked at.

    clocks: running clocks and their due times, those named only.   fired, tells: since the step before.
    refused: the act must be refused, for this reason.
    """

    state: str | None = None
    result: str | None = None
    ending: str | None = None
    promise: datetime | None = None
    clocks: Mapping[str, datetime] = field(default_factory=dict)
    fired: tuple[str, ...] | None = None
    tells: tuple[str, ...] | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Time runs on until `at`; then `by` does `verb`. Without a verb, only time passes.

    answers: result and reason, where the act chooses one; a door fills in all else that the act needs.
    """

    key: str
    at: datetime
    verb: str | None
    outcome: str | None
    by: str | None
    answers: Mapping[str, str]
    then: Expected

    @property
    def refused(self) -> str | None:
        return self.then.refused


@dataclass(frozen=True, slots=True)
class Scenario:
    """One story of one case. Its first step with a verb files it."""

    key: str
    title: str
    given: Given
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a door shows of the case. `clocks`: those that run. `fired`, `tells`: since it was read before."""

    state: str | None
    result: str
    ending: str
    promise: datetime | None
    clocks: Mapping[str, datetime]
    fired: tuple[str, ...]
    tells: tuple[str, ...]


class Refused(Exception):
    """The act was not allowed. reason: one of REFUSALS, or None when the door cannot tell."""

    def __init__(self, reason: str | None, message: str = "") -> None:
        self.reason = reason
        super().__init__(message or "这一步不允许")


class Door(Protocol):
    """The way a scenario enters: one case, from its filing."""

    def file(self, given: Given, *, outcome: str | None, by: str, at: datetime) -> None:
        """File the matter. Raises Refused."""

    def act(self, verb: str, *, outcome: str | None, by: str, at: datetime, answers: Mapping[str, str]) -> None:
        """Do a verb; what it needs beside `answers` is made up. Raises Refused."""

    def advance_clock(self, at: datetime) -> None:
        """Let every clock that is due by `at` fire, in order, each stamped with its own due time."""

    def read(self) -> Seen: ...


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A step that went otherwise than expected."""

    scenario: str
    step: str
    what: str
    expected: str
    seen: str

    def __str__(self) -> str:
        return f"场景 {self.scenario} 的 {self.step}：{self.what}应为{self.expected}，实际为{self.seen}"


# Playing


def play(scenario: Scenario, door: Door) -> list[Mismatch]:
    """Go through a scenario by a door; returns what went otherwise. A surprising refusal ends it."""
    filed: list[bool] = []

    def act(step: Step) -> None:
        if filed:
            door.act(step.verb or "", outcome=step.outcome, by=step.by or "", at=step.at, answers=step.answers)
            return
        filed.append(True)  # also when it is refused: nothing is filed twice
        door.file(scenario.given, outcome=step.outcome, by=step.by or "", at=step.at)

    return run(scenario.key, scenario.steps, door.advance_clock, act, lambda step: _pairs(step.then, door.read()))


Pairs = list[tuple[str, object, object]]  # what, expected (None: not looked at), seen
T = TypeVar("T")
S = TypeVar("S", bound="Told")


class Told(Protocol):
    """A step of any kind of scenario, as far as running it needs it."""

    @property
    def key(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def verb(self) -> str | None: ...
    @property
    def refused(self) -> str | None: ...


def run(
    scenario: str,
    steps: Iterable[S],
    advance_clock: Callable[[datetime], None],
    act: Callable[[S], None],
    look: Callable[[S], Pairs],
) -> list[Mismatch]:
    """Let time run on to each step, do its act and compare what is seen. A surprising refusal ends it."""
    mismatches: list[Mismatch] = []
    for step in steps:
        advance_clock(step.at)
        refusal = _refusal(step, act) if step.verb else ""
        pairs = look(step)
        if refusal != "unknown" or not step.refused:
            pairs.insert(0, ("拒绝", step.refused or "", refusal))
        compared = ((what, _spell(e), _spell(f)) for what, e, f in pairs if e is not None and e != f)
        mismatches += [Mismatch(scenario, step.key, *different) for different in compared]
        if refusal and not step.refused:
            break
    return mismatches


def _refusal(step: S, act: Callable[[S], None]) -> str:
    """Do a step's act; returns why it was refused ("unknown" if the door cannot tell), or nothing."""
    try:
        act(step)
    except Refused as refused:
        return refused.reason or "unknown"
    return ""


def _pairs(then: Expected, seen: Seen) -> Pairs:
    return [
        ("状态", then.state, seen.state),
        ("结果", then.result, seen.result),
        ("办结方式", then.ending, seen.ending),
        ("答应的时间", then.promise, seen.promise),
        ("到期的时限", then.fired, seen.fired),
        ("告知", in_order(then.tells), in_order(seen.tells)),
        *((f"时限 {key}", due, seen.clocks.get(key)) for key, due in then.clocks.items()),
    ]


def in_order(keys: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Messages of one moment have no order of their own."""
    return None if keys is None else tuple(sorted(keys))


def _spell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(ZONE):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, tuple | list):
        return "、".join(value) or "（无）"
    return str(value) if value else "（无）"


# Reading


def beside(path: Path) -> Path:
    """Where the scenarios of a program's file are kept."""
    return path.with_name(path.name.removesuffix(".toml") + ".scenarios.toml")


def load(text: str, file: str = "") -> list[Scenario]:
    """Read a file of scenarios of cases. Raises BadDocument with every problem."""
    return read_all(text, file, _scenario)


def read_all(text: str, file: str, read_one: Callable[[str, Table], T]) -> list[T]:
    """Read a file of scenarios of a kind. Raises BadDocument with every problem."""
    top = table_of(text, file)
    top.word("program", required=True)
    scenarios = [read_one(key, table) for key, table in top.tables("scenario", required=True)]
    top.close()
    if top.problems:
        raise BadDocument(top.problems)
    return scenarios


def _scenario(key: str, table: Table) -> Scenario:
    title = table.text("title", required=True)
    given = _given(table.table("given"))
    steps = read_steps(table, _step)
    table.close()
    return Scenario(key, title, given, steps)


def read_steps(table: Table, read_one: Callable[[str, Table], S]) -> tuple[S, ...]:
    """The steps of a scenario, in order; time does not run back."""
    steps = tuple(read_one(name, inner) for name, inner in table.tables("step", required=True))
    for earlier, later in pairwise(steps):
        if later.at < earlier.at:
            table.wrong(f"step.{later.key}.at", _spell(later.at), f"不早于上一步（{_spell(earlier.at)}）的时间")
    return steps


def _given(table: Table) -> Given:
    given = Given(
        table.word("type", required=True) or "",
        table.word("urgency") or "normal",
        table.word("category"),
        table.flag("found"),
    )
    table.close()
    return given


def _step(key: str, table: Table) -> Step:
    verb = table.word("do")
    step = Step(
        key,
        at=moment(table, "at", required=True) or datetime.min.replace(tzinfo=ZONE),
        verb=verb,
        outcome=table.word("outcome"),
        by=table.word("by", required=verb is not None),
        answers=_answers(table.table("with")),
        then=_expected(table.table("then")),
    )
    table.close()
    return step


def _answers(table: Table) -> dict[str, str]:
    given = {"result": table.word("result"), "reason": table.word("reason")}
    table.close()
    return {key: value for key, value in given.items() if value}


def _expected(table: Table) -> Expected:
    clocks = table.table("clock")
    due = {key: moment(clocks, key) for key in clocks.data}
    expected = Expected(
        state=table.word("state"),
        result=table.word("result"),
        ending=table.word("ending"),
        promise=moment(table, "promise"),
        clocks={key: when for key, when in due.items() if when},
        fired=table.words("fired") if "fired" in table.data else None,
        tells=keys_again(table, "tells"),
        refused=table.one_of("refused", REFUSALS),
    )
    table.close()
    return expected


def keys_again(table: Table, key: str) -> tuple[str, ...] | None:
    """Keys that may come more than once."""
    wanted = "键的列表"
    found: Any = table.take(key, wanted, lambda v: isinstance(v, list) and all(isinstance(x, str) for x in v), None)
    return None if found is None else tuple(found)


def moment(table: Table, key: str, *, required: bool = False) -> datetime | None:
    """A date and time; without an offset it is Beijing time."""
    found = table.take(key, "时间，如 2025-03-03 09:00:00", lambda v: isinstance(v, datetime), None, required)
    if found is None:
        return None
    return found if found.tzinfo else found.replace(tzinfo=ZONE)
