"""Somebody on a ladder on paper: scenarios played from the document alone, without a database, and what they have shown.

The rules are those of `ladder_course`; here they get times, places and people.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bihuan.lib.worktime import Duration, WorkCalendar, due
from bihuan.programs.criteria import counted
from bihuan.programs.kinds import CLOCK
from bihuan.programs.ladder import Gate, LadderMove, LadderProgram
from bihuan.programs.ladder_course import Place, lapse_of
from bihuan.programs.ladder_scenarios import LadderGiven, LadderScenario, LadderSeen, LadderStep, play
from bihuan.programs.paper import missing, national_calendar
from bihuan.programs.scenarios import Mismatch, Refused


@dataclass
class LadderCoverage:
    """What scenarios have shown: gates passed and failed, tests met and unmet, deadlines kept and missed, bounds."""

    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    met: set[str] = field(default_factory=set)
    unmet: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    missed: set[str] = field(default_factory=set)
    moves: set[str] = field(default_factory=set)
    allowed: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def gaps(self, program: LadderProgram) -> list[str]:
        """What no scenario has shown, a sentence each."""
        gates = program.gates.values()
        bounds = _bounds(program)
        return [
            *missing("关口 gate.{} 没有通过过", program.gates, self.passed),
            *missing(
                "关口 gate.{} 没有不通过过", (gate.key for gate in gates if gate.steps or gate.tests), self.failed
            ),
            *missing("条件 test.{} 没有符合过", _judged(program), self.met),
            *missing("条件 test.{} 没有不符合过", _judged(program), self.unmet),
            *missing("期限 {} 没有按时过", _deadlines(program), self.kept),
            *missing("期限 {} 没有到期过", _deadlines(program), self.missed),
            *missing("动作 move.{} 没有发生过", program.moves, self.moves),
            *missing("{} 没有在限内过", bounds, self.allowed),
            *missing("{} 没有超限过", bounds, self.refused),
        ]


def _judged(program: LadderProgram) -> list[str]:
    """The tests that gates and moves look at, also through counts; those of policies are judged elsewhere."""
    steps = [*(gate.tests for gate in program.gates.values()), *(move.must for move in program.moves.values())]
    found = dict.fromkeys(key for tests in steps for key in tests)
    for key in list(found):
        found |= dict.fromkeys(_behind(key, program))
    return list(found)


def _behind(test: str, program: LadderProgram) -> list[str]:
    """A test, and those it counts."""
    inner = [key for count in counted(program.tests[test].criterion) for key in count.tests]
    return [test, *(key for one in inner for key in _behind(one, program))]


def _deadlines(program: LadderProgram) -> list[str]:
    steps = [step.node for gate in program.gates.values() for step in gate.all_steps]
    return [*steps, *(f"clock.{key}" for key in program.clocks), *(f"duty.{key}" for key in program.duties)]


def _bounds(program: LadderProgram) -> list[str]:
    caps = [f"stage.{stage.key}.cap" for stage in program.stages.values() if stage.cap]
    return [*caps, *(f"gate.{gate.key}.cool" for gate in program.gates.values() if gate.cool)]


class LadderPaper:
    """One subject of a ladder, played from its document. A LadderDoor."""

    def __init__(self, program: LadderProgram, coverage: LadderCoverage, calendar: WorkCalendar | None = None) -> None:
        self.program, self.coverage = program, coverage
        self.calendar = calendar or national_calendar()
        self.place = Place()
        self.waiting: tuple[Gate, Place] | None = None  # for a free place, and where it would come to
        self.told: dict[str, tuple[Any, datetime]] = {}
        self.others: dict[str, int] = {}
        self.voted: list[str] = []  # who has given a verdict in the open gate
        self.agreed = 0
        self.due: dict[str, datetime] = {}  # of clocks, and of the step under its node
        self.duties: dict[str, datetime] = {}
        self.late: set[str] = set()
        self.ends: dict[str, datetime] = {}  # until when a gate was failed or left, for `cool`
        self.quiet_since: datetime | None = None  # when the last gate was done: what waited for it fires then
        self.result, self.reached = "", False
        self.unmet: tuple[str, ...] = ()
        self.log: dict[str, list[str]] = {"fired": [], "tells": [], "entries": []}

    # The door

    def begin(self, given: LadderGiven, at: datetime) -> None:
        self.others = dict(given.others)
        self._tell(given.answers, at)

    def act(self, step: LadderStep) -> None:
        deeds: dict[str, Callable[[LadderStep], None]] = {
            "nominate": self._open,
            "open": self._open,
            "vote": self._vote,
            "object": self._complain,
            "settle": self._settle,
            "appeal": self._complain,
            "rule": self._settle,
            "rank": self._rank,
            "withdraw": self._withdraw,
            "move": self._move,
            "do": self._do,
            "tell": lambda step: self._tell(step.answers, step.at),
            "free": self._free,
        }
        if self.told.keys() - self.program.asks.keys():
            raise Refused("answer", "有的答案没有对应的问题")
        if self.others.keys() - self.program.stages.keys():
            raise Refused("state", "有的名额不属于任何阶段")
        if step.by == CLOCK:
            raise Refused("post", "时限自己会动，不能替它做")
        deeds[step.verb or ""](step)

    def advance_clock(self, at: datetime) -> None:
        while (following := self._next_due(at)) is not None:
            self._fire(*following)

    def read(self) -> LadderSeen:
        step = self.place.now(self.program) if self.place.gate and not self.waiting else None
        seen = LadderSeen(
            stage=self.place.stage or "",
            gate=self.place.gate or "",
            step="room" if self.waiting else self.place.step or "",
            level=self.place.level or "",
            result=self.result,
            reached=self.reached,
            due=self.due.get(step.node) if step else None,
            clocks={key: self.due[key] for key in self.place.running},
            duties=dict(self.duties),
            unmet=self.unmet,
            fired=tuple(self.log["fired"]),
            tells=tuple(self.log["tells"]),
            entries=tuple(self.log["entries"]),
        )
        self.log = {key: [] for key in self.log}
        return seen

    # Facts and places

    def _tell(self, answers: Mapping[str, Any], at: datetime) -> None:
        self.told |= {key: (value, at) for key, value in answers.items()}

    def _answers(self, at: datetime) -> dict[str, Any]:
        """What is known and still holds."""
        return {key: value for key, (value, told) in self.told.items() if self._is_fresh(key, told, at)}

    def _is_fresh(self, key: str, told: datetime, at: datetime) -> bool:
        age = self.program.asks[key].max_age if key in self.program.asks else None
        return age is None or self.calendar.local(told).date() + timedelta(days=age.n) >= self.calendar.local(at).date()

    def _has_place(self, stage: str) -> bool:
        """Whether there is room, and note that it was seen so."""
        cap = self.program.stages[stage].cap
        if cap is None or self.place.stage == stage:
            return True
        free = self.others.get(stage, 0) < cap.n
        (self.coverage.allowed if free else self.coverage.refused).add(f"stage.{stage}.cap")
        return free

    def _free(self, step: LadderStep) -> None:
        stage = step.what or ""
        self.others[stage] = max(0, self.others.get(stage, 0) - 1)
        if self.waiting and self._has_place(self.waiting[1].stage or ""):
            self._take_effect(*self.waiting, step.at)
        self._called_in(step.at)

    def _called_in(self, at: datetime) -> None:
        """The clock's moves into free places."""
        for move in self.program.moves_from(self.place.stage) if self.place.stage and not self.place.gate else ():
            if move.when_free and self._has_place(move.to or "") and self._is_met(move.must, at):
                self._take(move, at)
                return

    # Gates

    def _open(self, step: LadderStep) -> None:
        gate = self.program.gates.get(step.what or "")
        here = Place() if step.verb == "nominate" and self.place.is_end(self.program) else self.place  # a new round
        entering = step.verb == "nominate"
        if gate is None or here.gate or here.is_end(self.program) or entering != (here.stage is None):
            raise Refused("state")
        if gate not in self.program.gates_from(here.stage):
            raise Refused("state")
        if step.by not in gate.opens:
            raise Refused("post")
        self._require_cooled(gate, step.at)
        self._tell(step.answers, step.at)
        self._require_tests(gate, step.at)
        self.place, self.result = here, ""
        self._begin(gate, here.open(gate, self.program), step.at)

    def _require_cooled(self, gate: Gate, at: datetime) -> None:
        if not gate.cool:
            return
        ended = self.ends.get(gate.key)
        if ended and self._after(gate.cool, ended) > at:
            self.coverage.refused.add(f"gate.{gate.key}.cool")
            raise Refused("cool")
        self.coverage.allowed.add(f"gate.{gate.key}.cool")

    def _require_tests(self, gate: Gate, at: datetime) -> None:
        answers, on = self._answers(at), self.calendar.local(at).date()
        if self.program.unanswered(gate.asks, answers):
            raise Refused("answer")
        self._is_met(gate.tests, at)
        if not self.program.admits(gate, answers, on):
            self.coverage.failed.add(gate.key)
            raise Refused("test")

    def _is_met(self, tests: Iterable[str], at: datetime) -> bool:
        """Whether all hold; what was seen of each, and of those they count, is noted."""
        answers, on = self._answers(at), self.calendar.local(at).date()
        verdicts = {
            key: self.program.judge(key, answers, on).ok for test in tests for key in _behind(test, self.program)
        }
        self.coverage.met |= {key for key, ok in verdicts.items() if ok}
        self.coverage.unmet |= {key for key, ok in verdicts.items() if not ok}
        self.unmet = tuple(key for key in tests if not verdicts[key])
        return not self.unmet

    def _begin(self, gate: Gate, after: Place, at: datetime) -> None:
        self.voted, self.log["tells"] = [], [*self.log["tells"], *gate.tells.get("opened", ())]
        self._go(gate, after, at)

    def _go(self, gate: Gate, after: Place, at: datetime) -> None:
        """On to a step with its time, or to where the gate leads, if there is a place."""
        if not after.gate:
            if self._has_place(after.stage or ""):
                self._take_effect(gate, after, at)
            else:
                self.place, self.waiting = replace(self.place, gate=gate.key), (gate, after)
            return
        self.place, self.agreed = after, 0
        step = after.now(self.program)
        self.due[step.node] = self._after(step.limit, at)
        self._say(gate.tells.get(step.moment, ()))

    def _take_effect(self, gate: Gate, after: Place, at: datetime) -> None:
        self.waiting = None
        self.coverage.passed.add(gate.key)
        self.reached = self.reached or gate.reaches
        self._say(gate.tells.get("passed", ()))
        self._arrive(after, at, gate.starts)

    def _fail(self, at: datetime) -> None:
        gate = self._gate()
        self.coverage.failed.add(gate.key)
        self.ends[gate.key] = at
        goes = not gate.fails_to or self._has_place(gate.fails_to)
        after = self.place.failed(self.program) if goes else self.place.stayed(self.program)
        self._say(gate.tells.get("failed", ()))
        self._arrive(after, at)

    def _gate(self) -> Gate:
        return self.program.gates[self.place.gate or ""]

    # Steps of a gate

    def _at_step(self, *kinds: str) -> str:
        """The step now, of one of these kinds. Raises Refused."""
        if not self.place.gate or self.waiting:
            raise Refused("state")
        step = self.place.now(self.program)
        if step.kind not in kinds:
            raise Refused("state")
        return step.node

    def _by_post(self, step: LadderStep) -> None:
        """By a post of the step; nobody speaks twice in one gate."""
        if step.by not in self.place.posts(self.program):
            raise Refused("post")
        if step.who in self.voted:
            raise Refused("person")
        self.voted.append(step.who)

    def _vote(self, step: LadderStep) -> None:
        node = self._at_step("review")
        self._by_post(step)
        now = self.place.now(self.program)
        self.agreed += step.verdict == "agree"
        if step.verdict == "agree" and self.agreed < now.votes:
            return
        self.coverage.kept.add(node)
        if step.verdict == "agree":
            self._pass(step.at)
        else:
            self._fail(step.at)

    def _pass(self, at: datetime) -> None:
        gate = self._gate()
        self._go(gate, self.place.passed(self.program), at)

    def _complain(self, step: LadderStep) -> None:
        node = self._at_step("notice" if step.verb == "object" else "appeal")
        if step.by not in self.place.posts(self.program):
            raise Refused("post")
        self.coverage.kept.add(node)
        self._go(self._gate(), self.place.complained(self.program), step.at)

    def _settle(self, step: LadderStep) -> None:
        node = self._at_step("objection" if step.verb == "settle" else "ruling")
        self._by_post(step)
        self.coverage.kept.add(node)
        if step.verdict == "dismissed":
            self._pass(step.at)
        else:
            self._fail(step.at)

    def _rank(self, step: LadderStep) -> None:
        node = self._at_step("rank")
        if step.by not in self.place.posts(self.program):
            raise Refused("post")
        self.coverage.kept.add(node)
        self._pass(step.at)

    def _withdraw(self, step: LadderStep) -> None:
        """Whoever could open the gate takes it back, but not once it is decided and only the time to appeal runs."""
        if not self.place.gate or self.place.step in ("appeal", "ruling"):
            raise Refused("state")
        if step.by not in self._gate().opens:
            raise Refused("post")
        self.waiting = None
        self._arrive(self.place.stayed(self.program), step.at)
        self.result = self.result or ("withdrawn" if self.place.out else "")

    # Moves

    def _move(self, step: LadderStep) -> None:
        move = self.program.moves.get(step.what or "")
        if move is None or self.place.gate or self.place.is_end(self.program):
            raise Refused("state")
        if move not in self.program.moves_from(self.place.stage):
            raise Refused("state")
        if step.by not in move.by:
            raise Refused("post")
        self._tell(step.answers, step.at)
        if self.program.unanswered(move.asks, self._answers(step.at)):
            raise Refused("answer")
        if not self._is_met(move.must, step.at):
            raise Refused("test")
        if move.to and not self._has_place(move.to):
            raise Refused("full")
        self._take(move, step.at)

    def _take(self, move: LadderMove, at: datetime) -> None:
        self.coverage.moves.add(move.key)
        self._say(move.tells)
        self._arrive(self.place.take(move, self.program), at, move.starts)

    # Stages

    def _arrive(self, after: Place, at: datetime, starts: Iterable[str] = ()) -> None:
        """Come into a stage (or stay in it): clocks and duties follow, and what waited for the gate happens."""
        before, self.place = self.place, after
        self._keep(before, after)
        for key in after.running - before.running | ({*starts} & after.running):
            self.due[key] = self._after(self.program.clocks[key].limit, at)
            self.late.discard(key)
        if after.is_end(self.program) and after.stage:
            self.result = self.program.stages[after.stage].result or ""
            self.ends |= {gate.key: at for gate in self.program.gates_from(None)}
        elif after.out:
            self.result = "refused"
        if before.gate and not after.gate:
            self.quiet_since = at
        self._follow_duties(at)
        self._called_in(at)

    def _keep(self, before: Place, after: Place) -> None:
        """A clock that stops before it ever ran out was kept."""
        self.coverage.kept |= {f"clock.{key}" for key in before.running - after.running - self.late}

    def _follow_duties(self, at: datetime) -> None:
        owed = {key: duty for key, duty in self.program.duties.items() if self.place.stage in duty.in_}
        self.duties = {key: when for key, when in self.duties.items() if key in owed}
        for key, duty in owed.items():
            self.duties.setdefault(key, self._after(duty.every, at))

    def _do(self, step: LadderStep) -> None:
        duty = self.program.duties.get(step.what or "")
        if duty is None or duty.key not in self.duties:
            raise Refused("state")
        if step.by != duty.by:
            raise Refused("post")
        if f"duty.{duty.key}" not in self.late:
            self.coverage.kept.add(f"duty.{duty.key}")
        self.late.discard(f"duty.{duty.key}")
        self.duties[duty.key] = self._after(duty.every, step.at)
        self.log["entries"] += [duty.entry] if duty.entry else []

    # Time

    def _after(self, limit: Duration, at: datetime) -> datetime:
        return due(limit, start=at, calendar=self.calendar)

    def _next_due(self, at: datetime) -> tuple[str, str, datetime] | None:
        """What happens next by itself, and when: a step of a gate, else a clock; and duties that become late."""
        waiting = {("duty", key): when for key, when in self.duties.items() if f"duty.{key}" not in self.late}
        if not self.place.gate:
            # What ran out during a gate waited for its end.
            waiting |= {
                ("clock", key): max(self.due[key], self.quiet_since or self.due[key]) for key in self.place.running
            }
        elif not self.waiting:
            node = self.place.now(self.program).node
            waiting[("step", node)] = self.due[node]
        first = min(waiting, key=lambda one: waiting[one], default=None)
        return (*first, waiting[first]) if first and waiting[first] <= at else None

    def _fire(self, kind: str, key: str, at: datetime) -> None:
        self.coverage.missed.add(key if kind == "step" else f"{kind}.{key}")
        self.log["fired"].append(key)
        if kind == "duty":
            self.late.add(f"duty.{key}")
        elif kind == "clock":
            self._lapse(key, at)
        else:
            self._step_over(at)

    def _step_over(self, at: datetime) -> None:
        after = self.place.lapsed(self.program)
        if after.gate and after.step == self.place.step:
            agreed = self.agreed
            self._go(self._gate(), after, at)
            self.agreed = agreed
        elif self.place.now(self.program).lapse == "pass":
            self._pass(at)
        else:
            self._fail(at)

    def _lapse(self, key: str, at: datetime) -> None:
        clock = self.program.clocks[key]
        after = lapse_of(self.place, key, self.program)
        if after is None:
            raise Refused("state", f"时限 {key} 到期时没有可做的动作")
        self.late.add(key)
        self._say(clock.tells)
        self.place = self.place if clock.repeat else self.place.without(key)
        if clock.repeat:
            self.due[key] = self._after(clock.repeat, at)
        gate, move = self.program.gates.get(clock.lapse), self.program.moves.get(clock.lapse)
        if gate:
            self._begin(gate, after, at)
        elif move:
            self._try(move, key, at)

    def _try(self, move: LadderMove, clock: str, at: datetime) -> None:
        """A clock's move; where it cannot be made now, the clock runs its time again."""
        if self._is_met(move.must, at) and (not move.to or self._has_place(move.to)):
            self._take(move, at)
        elif clock not in self.place.running:
            self.place = self.place.again(clock)
            self.due[clock] = self._after(self.program.clocks[clock].limit, at)

    def _say(self, messages: Iterable[str]) -> None:
        self.log["tells"] += messages


def play_all(program: LadderProgram, scenarios: Iterable[LadderScenario]) -> tuple[list[Mismatch], LadderCoverage]:
    """Play scenarios on paper; returns what went otherwise and what they have shown together."""
    coverage = LadderCoverage()
    mismatches = [wrong for scenario in scenarios for wrong in play(scenario, LadderPaper(program, coverage))]
    return mismatches, coverage
