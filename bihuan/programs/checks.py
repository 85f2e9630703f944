"""Static checks: whether a document makes sense, and whether no case of it can ever get stuck.

Each finding has a key, a severity, a reason and a remedy (RULES). One with an error is never published.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from bihuan.programs.course import Course, Way, courses
from bihuan.programs.document import NAMESPACES, CaseProgram, Move, variables_in
from bihuan.programs.kinds import CLOCK, Kind, kind_of

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a check says when it fails: `reason` and `remedy` are Chinese, {0} {1} stand for what was found."""

    severity: Severity
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found, with its place in the document ("move.accept.to")."""

    key: str
    severity: Severity
    where: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{'错误' if self.severity == 'error' else '提醒'} {self.where}：{self.reason}。{self.remedy}。"


RULES: dict[str, Rule] = {
    "unknown": Rule("error", "引用了不存在的“{0}”", "改成已有的键之一：{1}"),
    "not_in_kind": Rule("error", "“{0}”不在这类事项的词汇里", "只能用：{1}"),
    "two_moves": Rule("error", "与 {0} 的动词、起点、结局都相同，分不清走哪一个", "改其中一个的 outcome、when 或 from"),
    "no_way_in": Rule("error", "没有登记的动作", "加一个 from = [] 的动作"),
    "unreachable_state": Rule("error", "从登记出发到不了这个状态", "加一个到这里的动作，或删去这个状态"),
    "unreachable_move": Rule("error", "没有一件事能走到这一步", "检查 from、after，以及到期动作是否有时限会触发"),
    "no_owner": Rule("error", "没有写由哪个岗位负责", "写上 owner"),
    "no_clock": Rule("error", "没有时限，无人办理时会停在这里", "写上 clocks，并在到这里的动作里启动"),
    "final_with_owner": Rule("error", "终点不再有负责岗位和时限", "删去 owner 和 clocks，或去掉 final"),
    "no_way_out": Rule("error", "从这里走不到终点", "加一个离开的动作"),
    "held_by_one": Rule("error", "只要{0}一直不办，事情就到不了终点", "让时限自己推进，或到期转上一级"),
    "unclocked": Rule(
        "error", "经 {0} 到这里时，这个状态的时限一个也没在走", "在那个动作里写 starts，或把时限写进 clocks"
    ),
    "lapse_nowhere": Rule("error", "在“{0}”到期时，没有可做的动作", "加一个由 clock 做的动作，或在离开前 stops 它"),
    "no_ending": Rule("error", "到终点的动作没有写怎样办结", "写上 ending"),
    "ending_unused_here": Rule("error", "不到终点的动作不能写 ending", "删去 ending"),
    "reason_list": Rule("error", "needs 里的 reason 与 reasons 要么都写，要么都不写", "补上另一半，或删去这一半"),
    "result_list": Rule(
        "error", "要填办理结果却没有写可填哪些，或写了几种却不要求填", "needs 里的 result 与 results 配齐"
    ),
    "promise_untold": Rule(
        "error", "启动了答应群众的时限{0}，却没有告诉群众几时答复", "tells 一条给群众的、含 {{due}} 的消息"
    ),
    "change_untold": Rule("error", "停了答应群众的时限{0}，却没有告诉群众", "tells 一条给群众的消息"),
    "due_without_promise": Rule(
        "error", "消息 {0} 说到答复时间，可这时还没有答应过时间", "去掉 {{due}}，或改用 {{step_due}}"
    ),
    "until_without_window": Rule(
        "error", "消息 {0} 说到重新办理的期限，可到终点后没有带 within 的动作", "去掉 {{until}} 或加上它"
    ),
    "english_orphan": Rule("error", "英文表里的“{0}”没有对应的中文", "删去，或改成已有的键"),
    "english_variables": Rule("error", "英文与中文用的变量不同：{0}", "让两边的变量一致"),
    "english_missing": Rule("warning", "没有英文", "在 [en.{0}] 里补上"),
    "unused": Rule("warning", "没有用到", "删去，或在该用的地方引用它"),
    "refinement_without_effect": Rule("warning", "与它要改的值相同（{0}）", "删去这一行"),
}


def check(program: CaseProgram) -> list[Finding]:
    """Everything wrong with a document, errors first. Raises UnknownKind."""
    kind = kind_of(program.kind)
    found = [*_references(program), *_vocabulary(program, kind), *_states(program), *_moves(program), *_limits(program)]
    if not found:  # walking needs a coherent document
        found += [*_walk(program, kind), *_messages(program)]
    found += [*_english(program), *_unused(program)]
    return sorted(found, key=lambda finding: finding.severity)


def errors(program: CaseProgram) -> list[Finding]:
    return [finding for finding in check(program) if finding.severity == "error"]


def _find(key: str, where: str, *facts: object) -> Finding:
    rule = RULES[key]
    return Finding(key, rule.severity, where, rule.reason.format(*facts), rule.remedy.format(*facts))


# What is named must exist


def _references(program: CaseProgram) -> Iterator[Finding]:
    for where, names, known in _names(program):
        for name in names:
            if name not in known:
                yield _find("unknown", where, name, "、".join(known) or "（还没有）")


def _names(program: CaseProgram) -> Iterator[tuple[str, Iterable[str], Iterable[str]]]:
    """Each place that names something of the document: where, the names, what there is."""
    p = program
    for m in p.moves.values():
        at = f"move.{m.key}"
        yield from (
            (f"{at}.from", sorted(m.from_), p.states),
            (f"{at}.to", _some(m.to), p.states),
            (f"{at}.starts", m.starts, p.clocks),
            (f"{at}.stops", m.stops, p.clocks),
            (f"{at}.needs", m.needs, p.asks),
            (f"{at}.results", m.results, p.results),
            (f"{at}.reasons", _some(m.reasons), p.reasons),
            (f"{at}.ending", _some(m.ending), p.endings),
            (f"{at}.after", sorted(m.after), p.endings),
            (f"{at}.tells", m.tells, p.messages),
        )
    for s in p.states.values():
        yield f"state.{s.key}.clocks", s.clocks, p.clocks
    for c in p.clocks.values():
        yield f"clock.{c.key}.limit", (c.limit,), p.limits
    for limit in p.limits.values():
        yield f"limit.{limit.key}.type", limit.type, p.types
        yield f"limit.{limit.key}.urgency", limit.urgency, p.urgencies
        for category, row in limit.category.items():
            yield f"limit.{limit.key}.category.{category}", row, p.urgencies


def _vocabulary(program: CaseProgram, kind: Kind) -> Iterator[Finding]:
    for where, names, known in _kind_words(program, kind):
        for name in names:
            if name not in known:
                yield _find("not_in_kind", where, name, "、".join(sorted(known)) or "（不写）")


def _kind_words(program: CaseProgram, kind: Kind) -> Iterator[tuple[str, Iterable[str], Iterable[str]]]:
    """Each place that uses a word of the kind: where, the words, those the kind has."""
    yield "state", program.states, kind.states
    yield "ask", program.asks, kind.asks
    for state in program.states.values():
        yield f"state.{state.key}.owner", _some(state.owner), kind.posts
    for move in program.moves.values():
        yield f"move.{move.key}.by", sorted(move.by), kind.posts
        yield from _verb_words(f"move.{move.key}", move.verb, move.outcome, kind)
    for clock in program.clocks.values():
        yield from _verb_words(f"clock.{clock.key}", clock.lapse, clock.outcome, kind)
    for message in program.messages.values():
        yield f"message.{message.key}.audience", (message.audience,), kind.audiences
        yield f"message.{message.key}.text", message.variables, kind.variables


def _verb_words(
    where: str, verb: str, outcome: str | None, kind: Kind
) -> Iterator[tuple[str, Iterable[str], Iterable[str]]]:
    yield f"{where}.{'lapse' if where.startswith('clock') else 'verb'}", (verb,), kind.verbs
    if verb in kind.verbs:
        yield f"{where}.outcome", _some(outcome), kind.verbs[verb].outcomes


def _some(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)


# States and moves, each for itself


def _states(program: CaseProgram) -> Iterator[Finding]:
    for state in program.states.values():
        where = f"state.{state.key}"
        if state.final and (state.owner or state.clocks):
            yield _find("final_with_owner", where)
        if not state.final and not state.owner:
            yield _find("no_owner", where)
        if not state.final and not state.clocks:
            yield _find("no_clock", where)


def _moves(program: CaseProgram) -> Iterator[Finding]:
    seen: dict[tuple[str, str | None, str | None, bool], str] = {}
    for move in program.moves.values():
        yield from _move(move, program)
        for place in _places(move):
            other = seen.setdefault(place, move.key)
            if other != move.key:
                yield _find("two_moves", f"move.{move.key}", f"move.{other}")
                break


def _places(move: Move) -> Iterator[tuple[str, str | None, str | None, bool]]:
    for state in move.from_ or {None}:
        for found in (False, True):
            if move.fits(state, found=found):
                yield move.verb, state, move.outcome, found


def _move(move: Move, program: CaseProgram) -> Iterator[Finding]:
    where = f"move.{move.key}"
    final = move.to in program.states and program.states[move.to or ""].final
    if final and not move.ending:
        yield _find("no_ending", where)
    if move.ending and not final:
        yield _find("ending_unused_here", where)
    if ("reason" in move.needs) != (move.reasons is not None):
        yield _find("reason_list", where)
    if ("result" in move.needs) != (len(move.results) > 1):
        yield _find("result_list", where)


def _limits(program: CaseProgram) -> Iterator[Finding]:
    for limit in program.limits.values():
        for row, value in {**limit.type, **limit.urgency}.items():
            if value == limit.default:
                yield _find("refinement_without_effect", f"limit.{limit.key}.{row}", value)


# Walking every course a case can take


def _walk(program: CaseProgram, kind: Kind) -> Iterator[Finding]:
    if not any(not move.from_ for move in program.moves.values()):
        yield _find("no_way_in", "move")
        return
    steps = courses(program)
    yield from _reached(program, steps)
    yield from _lapses(program, steps)
    yield from _clocked(program, steps)
    yield from _ways_out(program, kind, steps)
    yield from _due_told(program, steps)


def _reached(program: CaseProgram, steps: Mapping[Course, list[Way]]) -> Iterator[Finding]:
    states = {course.state for course in steps}
    taken = {way.move.key for ways in steps.values() for way in ways}
    yield from (_find("unreachable_state", f"state.{key}") for key in program.states if key not in states)
    yield from (_find("unreachable_move", f"move.{key}") for key in program.moves if key not in taken)


def _lapses(program: CaseProgram, steps: Mapping[Course, list[Way]]) -> Iterator[Finding]:
    """A clock that runs must have something to do when it ends, in whatever state the case is then."""
    nowhere = {
        (key, course.state)
        for course in steps
        for key in course.running
        if not course.lapse_move(program.clocks[key], program)
    }
    yield from (_find("lapse_nowhere", f"clock.{key}", state) for key, state in sorted(nowhere, key=str))


def _clocked(program: CaseProgram, steps: Mapping[Course, list[Way]]) -> Iterator[Finding]:
    unclocked = {
        (after.state, move.key)
        for ways in steps.values()
        for move, after, _ in ways
        if after.state and not program.states[after.state].final
        if not after.running & {*program.states[after.state].clocks}
    }
    yield from (_find("unclocked", f"state.{state}", f"move.{key}") for state, key in sorted(unclocked, key=str))


def _ways_out(program: CaseProgram, kind: Kind, steps: Mapping[Course, list[Way]]) -> Iterator[Finding]:
    """From everywhere the end can be reached; also when all posts of any one party keep still for ever."""
    stuck = _stuck(program, steps, silent=frozenset())
    yield from (_find("no_way_out", f"state.{state}") for state in sorted(stuck))
    for party in sorted({*kind.posts.values()} - {kind.posts[CLOCK]}):
        silent = frozenset(post for post, theirs in kind.posts.items() if theirs == party)
        raised = _raised_states(program, kind)
        held = _stuck(program, steps, silent=silent, spared=raised) - stuck
        yield from (_find("held_by_one", f"state.{state}", "、".join(sorted(silent))) for state in sorted(held))


def _raised_states(program: CaseProgram, kind: Kind) -> frozenset[str]:
    """States in which a clock hands the case to the level above: the silent party's posts are then held by others."""
    raising = [m for m in program.moves.values() if m.outcome and m.outcome in kind.verbs[m.verb].raises]
    lapses = {(clock.lapse, clock.outcome) for clock in program.clocks.values()}
    return frozenset(state for m in raising if (m.verb, m.outcome) in lapses for state in m.from_)


def _stuck(
    program: CaseProgram,
    steps: Mapping[Course, list[Way]],
    *,
    silent: frozenset[str],
    spared: frozenset[str] = frozenset(),
) -> set[str]:
    """States of courses from which no end can be reached while `silent` posts never act (but in `spared` states)."""
    before: dict[Course, list[Course]] = {}
    for course, ways in steps.items():
        for way in ways:
            if course.state in spared or way.by_clock or not way.move.by - {CLOCK} <= silent:
                before.setdefault(way.after, []).append(course)
    ending = [course for course in steps if course.state and program.states[course.state].final]
    reaching: set[Course] = set()
    while ending:
        course = ending.pop()
        if course not in reaching:
            reaching.add(course)
            ending.extend(before.get(course, ()))
    return {course.state for course in steps if course not in reaching and course.state}


# Promises and words


def _messages(program: CaseProgram) -> Iterator[Finding]:
    for move in program.moves.values():
        told = [program.messages[key] for key in move.tells if program.messages[key].audience == "resident"]
        yield from _promises(move, program, told=bool(told), due=any("due" in message.variables for message in told))
        for key in move.tells:
            if "until" in program.messages[key].variables and not program.window(move.to or ""):
                yield _find("until_without_window", f"move.{move.key}", key)


def _promises(move: Move, program: CaseProgram, *, told: bool, due: bool) -> Iterator[Finding]:
    started = [key for key in move.starts if program.clocks[key].promise]
    stopped = [key for key in move.stops if program.clocks[key].promise]
    if started and not due:
        yield _find("promise_untold", f"move.{move.key}", "、".join(started))
    # A reply keeps the promise; what a grid worker found was promised to nobody.
    if stopped and not started and not move.results and not told and move.when != "found":
        yield _find("change_untold", f"move.{move.key}", "、".join(stopped))


def _due_told(program: CaseProgram, steps: Mapping[Course, list[Way]]) -> Iterator[Finding]:
    early = {
        (move.key, key)
        for ways in steps.values()
        for move, after, _ in ways
        for key in move.tells
        if "due" in program.messages[key].variables and not after.promised
    }
    yield from (_find("due_without_promise", f"move.{move}", key) for move, key in sorted(early))


def _english(program: CaseProgram) -> Iterator[Finding]:
    for part in NAMESPACES:
        chinese, english = _keys(program, part), program.english.get(part, {})
        yield from (_find("english_orphan", f"en.{part}", key) for key in english if key not in chinese)
        yield from (_find("english_missing", f"{part}.{key}", part) for key in chinese if key not in english)
    for key, message in program.messages.items():
        try:
            spoken = {*variables_in(program.english.get("message", {}).get(key, message.text))}
        except ValueError:
            spoken = {"花括号不成对"}
        if spoken != {*message.variables}:
            yield _find("english_variables", f"en.message.{key}", "、".join(sorted(spoken ^ {*message.variables})))


def _keys(program: CaseProgram, part: str) -> Iterable[str]:
    if part == "program":
        return ("title",)
    if part == "reason":
        return [f"{group}.{key}" for group, reasons in program.reasons.items() for key in reasons]
    parts: dict[str, Iterable[str]] = {
        "type": program.types,
        "urgency": program.urgencies,
        "result": program.results,
        "ending": program.endings,
        "ask": program.asks,
        "state": program.states,
        "public": program.states,
        "move": program.moves,
        "clock": program.clocks,
        "message": program.messages,
    }
    return parts[part]


def _unused(program: CaseProgram) -> Iterator[Finding]:
    moves = program.moves.values()
    used: dict[str, Counter[str]] = {
        "ask": Counter(key for move in moves for key in move.needs),
        "reason": Counter(move.reasons for move in moves if move.reasons),
        "result": Counter(key for move in moves for key in move.results),
        "ending": Counter(move.ending for move in moves if move.ending),
        "message": Counter(key for move in moves for key in move.tells),
        "clock": Counter(key for move in moves for key in move.starts),
        "limit": Counter(clock.limit for clock in program.clocks.values()),
    }
    for part, counted in used.items():
        keys = {"reason": program.reasons, "limit": program.limits}.get(part) or _keys(program, part)
        yield from (_find("unused", f"{part}.{key}") for key in keys if key not in counted)
