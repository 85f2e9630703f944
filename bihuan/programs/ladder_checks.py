"""Static checks of ladders: whether a document makes sense, and whether nobody on it can ever get stuck."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import Any

from bihuan.lib.worktime import Duration
from bihuan.programs.criteria import Leaf, counted, leaves
from bihuan.programs.findings import Finding, Names, english, find, held_for_ever, not_in_kind, some, unknown
from bihuan.programs.kinds import CLOCK, Kind, kind_of
from bihuan.programs.ladder import LEVELS, MOMENTS, Ask, Gate, LadderMove, LadderProgram, Rank, Test, level_of
from bihuan.programs.ladder_course import Place, ladder_walk, lapse_of
from bihuan.programs.liveness import Walk, Way

SHORTEST_NOTICE = 5  # working days, 《党政领导干部选拔任用工作条例》 and local rules on public notice
NUMERIC = ("number", "money")
# What an answer of a type can be asked; `has` fits all.
FITTING = {
    "text": ("eq", "in"),
    "choice": ("eq", "in"),
    "flag": ("eq",),
    "number": ("eq", "gte", "lte", "between", "in"),
    "money": ("eq", "gte", "lte", "between", "in"),
    "date": ("eq", "gte", "lte", "between", "in", "before", "within_days"),
    "paper": (),
}
SPELLED = {
    "text": "文字",
    "choice": "选项",
    "flag": "是否",
    "number": "数",
    "money": "金额",
    "date": "日期",
    "paper": "材料",
}
# The moments at which a variable has a value; those not named here always have one.
MOMENTS_OF = {
    "why": ("failed",),
    "step": ("opened", "step", "notice", "appeal"),
    "due": ("opened", "step"),
    "until": ("notice", "appeal"),
    "gate": MOMENTS,
}


def check_ladder(program: LadderProgram) -> list[Finding]:
    """Everything wrong with a document of kind "ladder". Raises UnknownKind."""
    kind = kind_of(program.kind)
    found = [*unknown(_names(program)), *not_in_kind(_kind_words(program, kind))]
    if not found:
        found = [
            *_stages(program),
            *_asks(program),
            *_tests(program),
            *_gates(program),
            *_terms(program),
            *_told(program),
        ]
    if not any(finding.severity == "error" for finding in found):  # walking needs a coherent document
        found += _walk(program, kind)
    return [*found, *english(program), *_unused(program)]


# What is named


def _names(program: LadderProgram) -> Names:
    """Each place that names something of the document: where, the names, what there is."""
    yield from _gate_names(program)
    yield from _move_names(program)
    p = program
    for s in p.stages.values():
        yield f"stage.{s.key}.clocks", s.clocks, p.clocks
        yield f"stage.{s.key}.result", some(s.result), p.results
    for test in p.tests.values():
        yield f"test.{test.key}.if", [leaf.ask for leaf in leaves(test.criterion)], p.asks
        yield f"test.{test.key}.if", [key for count in counted(test.criterion) for key in count.tests], p.tests
    for c in p.clocks.values():
        yield f"clock.{c.key}.lapse", (c.lapse,), (*p.gates, *p.moves, "up")
        yield f"clock.{c.key}.tells", c.tells, p.messages
    for d in p.duties.values():
        yield f"duty.{d.key}.in", d.in_, p.stages
        yield f"duty.{d.key}.entry", some(d.entry), p.entries
    for y in p.policies.values():
        yield f"policy.{y.key}.measure", some(y.measure), p.entries
        yield f"policy.{y.key}.must", y.must, p.tests
    for n, mapped in p.migrate.items():
        yield f"migrate.{n}.stage", mapped.values(), p.stages


def _gate_names(program: LadderProgram) -> Names:
    p = program
    for g in p.gates.values():
        at = f"gate.{g.key}"
        yield f"{at}.from", g.from_, p.stages
        yield f"{at}.to", (g.to,), p.stages
        yield f"{at}.fails_to", some(g.fails_to), p.stages
        yield f"{at}.need.of", g.need.of if g.need else (), p.tests
        yield f"{at}.notice.after", some(g.notice.after if g.notice else None), g.reviews
        for moment, keys in g.tells.items():
            yield f"{at}.tells.{moment}", keys, p.messages
        yield from _shared_names(at, g, p)


def _move_names(program: LadderProgram) -> Names:
    for m in program.moves.values():
        at = f"move.{m.key}"
        yield f"{at}.from", m.from_, program.stages
        yield f"{at}.to", some(m.to), program.stages
        yield f"{at}.tells", m.tells, program.messages
        yield from _shared_names(at, m, program)


def _shared_names(at: str, step: Gate | LadderMove, program: LadderProgram) -> Names:
    """What gates and moves name alike."""
    yield f"{at}.asks", step.asks, program.asks
    yield f"{at}.must", step.must, program.tests
    yield f"{at}.starts", step.starts, program.clocks
    yield f"{at}.stops", step.stops, program.clocks
    if step.rank:
        yield f"{at}.rank", (step.rank.by, *some(step.rank.then)), program.asks


def _kind_words(program: LadderProgram, kind: Kind) -> Names:
    """Each place that uses a word of the kind: where, the words, those the kind has."""
    for s in program.stages.values():
        yield f"stage.{s.key}.owner", some(s.owner), kind.posts
    for g in program.gates.values():
        yield f"gate.{g.key}.opens", g.opens, kind.posts
        for review in g.reviews.values():
            yield f"gate.{g.key}.review.{review.key}.by", review.by, kind.posts
    for m in program.moves.values():
        yield f"move.{m.key}.by", m.by, kind.posts
        yield f"move.{m.key}.verb", (m.verb,), kind.verbs
    for d in program.duties.values():
        yield f"duty.{d.key}.by", (d.by,), kind.posts
    for message in program.messages.values():
        yield f"message.{message.key}.audience", (message.audience,), kind.audiences
        yield f"message.{message.key}.text", message.variables, kind.variables


# Stages, asks and tests, each for itself


def _stages(program: LadderProgram) -> Iterator[Finding]:
    for stage in program.stages.values():
        where = f"stage.{stage.key}"
        if stage.final and (stage.owner or stage.clocks):
            yield find("final_with_owner", where)
        if not stage.final and not stage.owner:
            yield find("no_owner", where)
        if not stage.final and not stage.clocks:
            yield find("no_clock", where)
        if stage.final != (stage.result is not None):
            yield find("no_result", where)
        if stage.cap and stage.floor and stage.cap.per == stage.floor.per and stage.cap.n < stage.floor.n:
            yield find("cap_below_floor", where)


def _asks(program: LadderProgram) -> Iterator[Finding]:
    """A tested answer must come from somewhere: asked on the way, or known by others than the subject."""
    asked = {key for step in _asking(program) for key in step.asks}
    for ask in program.asks.values():
        if ask.max_age and ask.max_age.unit != "d":
            yield find("age_not_days", f"ask.{ask.key}.max_age")
        if ask.key in _tested(program) and ask.key not in asked and not {*ask.source} - {"self"}:
            yield find("unanswerable", f"ask.{ask.key}", ask.title)


def _asking(program: LadderProgram) -> list[Gate | LadderMove]:
    """What asks, tests and starts clocks on the way."""
    return [*program.gates.values(), *program.moves.values()]


def _tested(program: LadderProgram) -> set[str]:
    return {leaf.ask for test in program.tests.values() for leaf in leaves(test.criterion)}


def _tests(program: LadderProgram) -> Iterator[Finding]:
    for test in program.tests.values():
        where = f"test.{test.key}.if"
        for leaf in leaves(test.criterion):
            ask = program.asks[leaf.ask]
            if leaf.op != "has" and ask.personal and ask.type == "text":
                yield find("test_sealed", where, ask.title)
            if not _fits(leaf, ask):
                yield find("test_type", where, ask.title, SPELLED[ask.type], f"{leaf.op} = {leaf.value}")
        if _comes_back(test, program):
            yield find("test_circle", where)
        for count in counted(test.criterion):
            if count.at_least > len(count.tests):
                yield find("need_too_many", where, len(count.tests), count.at_least)


def _fits(leaf: Leaf, ask: Ask) -> bool:
    """Whether answers of this type can be compared so, and with such a value."""
    values = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    if leaf.op == "has" or leaf.op not in FITTING[ask.type]:
        return leaf.op == "has"
    if leaf.op in ("before", "within_days"):
        return True
    return all(_is_answer(value, ask) for value in values)


def _is_answer(value: Any, ask: Ask) -> bool:
    if ask.type == "choice":
        return value in ask.choices
    if ask.type == "flag":
        return isinstance(value, bool)
    if ask.type == "date":
        return isinstance(value, date)
    wanted: type | tuple[type, ...] = str if ask.type == "text" else (int, float)
    return isinstance(value, wanted) and not isinstance(value, bool)


def _comes_back(test: Test, program: LadderProgram) -> bool:
    waiting, seen = [test.key], set[str]()
    while waiting:
        for count in counted(program.tests[waiting.pop()].criterion):
            if test.key in count.tests:
                return True
            waiting.extend({*count.tests} - seen)
            seen.update(count.tests)
    return False


# Gates


def _gates(program: LadderProgram) -> Iterator[Finding]:
    for gate in program.gates.values():
        where = f"gate.{gate.key}"
        yield from _needs(gate, where)
        yield from _reviews(gate, where)
        if gate.notice and not _long_enough(gate.notice.limit):
            yield find("notice_short", f"{where}.notice.limit")
        if (gate.notice or gate.appeal) and not gate.reviews:
            yield find("nobody_settles", where)
        if CLOCK in gate.opens and (gate.asks or gate.tests):
            yield find("clock_asks", where)
        if gate.from_ and gate.reviews and program.stages[gate.to].final and not gate.reaches and not gate.appeal:
            yield find("no_appeal", where)


def _needs(gate: Gate, where: str) -> Iterator[Finding]:
    if not gate.need:
        return
    if gate.need.at_least > len(gate.need.of):
        yield find("need_too_many", f"{where}.need.at_least", len(gate.need.of), gate.need.at_least)
    if gate.need.at_least == len(gate.need.of):
        yield find("need_is_must", f"{where}.need")


def _reviews(gate: Gate, where: str) -> Iterator[Finding]:
    """One level a step, and levels that go up, as far as one above the subject's own."""
    levels = {key: {level_of(post) for post in review.by} for key, review in gate.reviews.items()}
    for key, found in levels.items():
        if len(found) != 1 or None in found:
            yield find("review_levels", f"{where}.review.{key}.by")
            return
    rungs = {key: LEVELS.index(level) for key, (level,) in levels.items() if level}
    for earlier, later in pairwise(rungs):
        if rungs[later] < rungs[earlier]:
            yield find("review_down", f"{where}.review.{later}.by")
    if rungs and max(rungs.values()) == 0:
        yield find("only_own_unit", where)


def _long_enough(limit: Duration) -> bool:
    """Five working days, or calendar days that hold as many."""
    return limit.n >= SHORTEST_NOTICE if limit.unit == "wd" else limit.unit == "d" and limit.n >= SHORTEST_NOTICE + 2


# Places, ranking, policies


def _terms(program: LadderProgram) -> Iterator[Finding]:
    yield from (find("two_moves", f"move.{key}", f"gate.{key}") for key in program.moves if key in program.gates)
    ranks: Mapping[str, Rank | None] = {
        **{f"gate.{gate.key}": gate.rank for gate in program.gates.values()},
        **{f"move.{move.key}": move.rank for move in program.moves.values()},
    }
    for where, rank in ranks.items():
        for key in (rank.by, *some(rank.then)) if rank else ():
            if program.asks[key].type not in NUMERIC:
                yield find("rank_type", f"{where}.rank", program.asks[key].title)
    for move in program.moves.values():
        if move.when_free and not (move.to and program.stages[move.to].cap):
            yield find("free_without_cap", f"move.{move.key}")
    for policy in program.policies.values():
        if policy.most is not None and policy.least is not None and policy.most < policy.least:
            yield find("most_below_least", f"policy.{policy.key}")


def _told(program: LadderProgram) -> Iterator[Finding]:
    """A message may only say what is known at its moment; after a move or a clock little is."""
    for gate in program.gates.values():
        for moment, keys in gate.tells.items():
            yield from _says(f"gate.{gate.key}.tells.{moment}", moment, keys, program)
    for move in program.moves.values():
        yield from _says(f"move.{move.key}.tells", "", move.tells, program)
    for clock in program.clocks.values():
        yield from _says(f"clock.{clock.key}.tells", "", clock.tells, program)


def _says(where: str, moment: str, keys: Iterable[str], program: LadderProgram) -> Iterator[Finding]:
    for key in keys:
        for variable in program.messages[key].variables:
            if moment not in MOMENTS_OF.get(variable, (moment,)):
                yield find("not_here", where, key, variable)


# Walking every course somebody can take


def _walk(program: LadderProgram, kind: Kind) -> Iterator[Finding]:
    if not program.gates_from(None) and not program.moves_from(None):
        yield find("no_way_in", "gate")
        return
    walk = ladder_walk(program)
    yield from _reached(program, walk)
    yield from _clocks(program, walk)
    yield from held_for_ever(walk, kind, "stage")


def _reached(program: LadderProgram, walk: Walk[Place]) -> Iterator[Finding]:
    stages = {place.stage for place in walk.ways}
    taken = {_taken(way, program) for ways in walk.ways.values() for way in ways}
    yield from (find("unreachable_state", f"stage.{key}") for key in program.stages if key not in stages)
    yield from (find("unreachable_move", f"gate.{key}") for key in program.gates if key not in taken)
    yield from (find("unreachable_move", f"move.{key}") for key in program.moves if key not in taken)


def _taken(way: Way[Place], program: LadderProgram) -> str:
    """The gate or move that a way is by; a clock's is what it does when it runs out."""
    return program.clocks[way.key].lapse if way.kind == "lapse" and way.key in program.clocks else way.key


def _clocks(program: LadderProgram, walk: Walk[Place]) -> Iterator[Finding]:
    """In every stage one of its clocks runs, and each that runs can do something when it ends."""
    here = [place for place in walk.ways if place.stage and not place.gate and not place.is_end(program)]
    bare = {place.stage or "" for place in here if not place.running & {*program.stages[place.stage or ""].clocks}}
    yield from (find("unclocked", f"stage.{stage}", "、".join(_ways_to(walk, stage))) for stage in sorted(bare))
    nowhere = {
        (key, place.stage or "") for place in here for key in place.running if lapse_of(place, key, program) is None
    }
    yield from (find("lapse_nowhere", f"clock.{key}", stage) for key, stage in sorted(nowhere))


def _ways_to(walk: Walk[Place], stage: str) -> list[str]:
    return sorted({way.title for ways in walk.ways.values() for way in ways if walk.node(way.after) == stage})


# What is of no use


def _unused(program: LadderProgram) -> Iterator[Finding]:
    gates, moves, stages = program.gates.values(), program.moves.values(), program.stages.values()
    policies, tests = program.policies.values(), program.tests.values()
    steps = _asking(program)
    told = {key for gate in gates for keys in gate.tells.values() for key in keys}
    used: dict[str, set[str]] = {
        "ask": {key for step in steps for key in step.asks} | _tested(program),
        "test": {key for step in steps for key in step.must}
        | {key for gate in gates for key in gate.tests}
        | {key for policy in policies for key in policy.must}
        | {key for test in tests for count in counted(test.criterion) for key in count.tests},
        "clock": {key for stage in stages for key in stage.clocks} | {key for step in steps for key in step.starts},
        "result": {stage.result for stage in stages if stage.result},
        "message": told
        | {key for move in moves for key in move.tells}
        | {k for c in program.clocks.values() for k in c.tells},
    }
    for part, keys in used.items():
        yield from (find("unused", f"{part}.{key}") for key in program.chinese[part] if key not in keys)
