"""Static checks of cases: whether a document makes sense, and whether no case of it can ever get stuck."""

from collections import Counter
from collections.abc import Iterator, Mapping

from bihuan.programs.case import CaseProgram, Move
from bihuan.programs.course import Course, Way, case_walk, courses
from bihuan.programs.findings import Finding, Names, english, find, held_for_ever, not_in_kind, some, unknown
from bihuan.programs.kinds import Kind, kind_of


def check_case(program: CaseProgram) -> list[Finding]:
    """Everything wrong with a document of kind "case". Raises UnknownKind."""
    kind = kind_of(program.kind)
    found = [
        *unknown(_names(program)),
        *not_in_kind(_kind_words(program, kind)),
        *_states(program),
        *_moves(program),
        *_limits(program),
    ]
    if not found:  # walking needs a coherent document
        found += [*_walk(program, kind), *_messages(program)]
    return [*found, *english(program), *_unused(program)]


def _names(program: CaseProgram) -> Names:
    """Each place that names something of the document: where, the names, what there is."""
    p = program
    for m in p.moves.values():
        at = f"move.{m.key}"
        yield from (
            (f"{at}.from", sorted(m.from_), p.states),
            (f"{at}.to", some(m.to), p.states),
            (f"{at}.starts", m.starts, p.clocks),
            (f"{at}.stops", m.stops, p.clocks),
            (f"{at}.needs", m.needs, p.asks),
            (f"{at}.results", m.results, p.results),
            (f"{at}.reasons", some(m.reasons), p.reasons),
            (f"{at}.ending", some(m.ending), p.endings),
            (f"{at}.after", sorted(m.after), p.endings),
            (f"{at}.tells", m.tells, p.messages),
        )
    for s in p.states.values():
        yield f"state.{s.key}.clocks", s.clocks, p.clocks
    for c in p.clocks.values():
        yield f"clock.{c.key}.limit", (c.limit,), p.limits
    for n, mapped in p.migrate.items():
        yield f"migrate.{n}.state", mapped.values(), p.states
    for limit in p.limits.values():
        yield f"limit.{limit.key}.type", limit.type, p.types
        yield f"limit.{limit.key}.urgency", limit.urgency, p.urgencies
        for category, row in limit.category.items():
            yield f"limit.{limit.key}.category.{category}", row, p.urgencies


def _kind_words(program: CaseProgram, kind: Kind) -> Names:
    """Each place that uses a word of the kind: where, the words, those the kind has."""
    yield "state", program.states, kind.states
    yield "ask", program.asks, kind.asks
    for state in program.states.values():
        yield f"state.{state.key}.owner", some(state.owner), kind.posts
    for move in program.moves.values():
        yield f"move.{move.key}.by", sorted(move.by), kind.posts
        yield from _verb_words(f"move.{move.key}", move.verb, move.outcome, kind)
    for clock in program.clocks.values():
        yield from _verb_words(f"clock.{clock.key}", clock.lapse, clock.outcome, kind)
    for message in program.messages.values():
        yield f"message.{message.key}.audience", (message.audience,), kind.audiences
        yield f"message.{message.key}.text", message.variables, kind.variables


def _verb_words(where: str, verb: str, outcome: str | None, kind: Kind) -> Names:
    yield f"{where}.{'lapse' if where.startswith('clock') else 'verb'}", (verb,), kind.verbs
    if verb in kind.verbs:
        yield f"{where}.outcome", some(outcome), kind.verbs[verb].outcomes


# States and moves, each for itself


def _states(program: CaseProgram) -> Iterator[Finding]:
    for state in program.states.values():
        where = f"state.{state.key}"
        if state.final and (state.owner or state.clocks):
            yield find("final_with_owner", where)
        if not state.final and not state.owner:
            yield find("no_owner", where)
        if not state.final and not state.clocks:
            yield find("no_clock", where)


def _moves(program: CaseProgram) -> Iterator[Finding]:
    seen: dict[tuple[str, str | None, str | None, bool], str] = {}
    for move in program.moves.values():
        yield from _move(move, program)
        for place in _places(move):
            other = seen.setdefault(place, move.key)
            if other != move.key:
                yield find("two_moves", f"move.{move.key}", f"move.{other}")
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
        yield find("no_ending", where)
    if move.ending and not final:
        yield find("ending_unused_here", where)
    if ("reason" in move.needs) != (move.reasons is not None):
        yield find("reason_list", where)
    if ("result" in move.needs) != (len(move.results) > 1):
        yield find("result_list", where)


def _limits(program: CaseProgram) -> Iterator[Finding]:
    for limit in program.limits.values():
        for row, value in {**limit.type, **limit.urgency}.items():
            if value == limit.default:
                yield find("refinement_without_effect", f"limit.{limit.key}.{row}", value)


# Walking every course a case can take


def _walk(program: CaseProgram, kind: Kind) -> Iterator[Finding]:
    if not any(not move.from_ for move in program.moves.values()):
        yield find("no_way_in", "move")
        return
    steps = courses(program)
    yield from _reached(program, steps)
    yield from _lapses(program, steps)
    yield from _clocked(program, steps)
    yield from held_for_ever(case_walk(program, kind), kind, "state")
    yield from _due_told(program, steps)


def _reached(program: CaseProgram, steps: Mapping[Course, list[Way]]) -> Iterator[Finding]:
    states = {course.state for course in steps}
    taken = {way.move.key for ways in steps.values() for way in ways}
    yield from (find("unreachable_state", f"state.{key}") for key in program.states if key not in states)
    yield from (find("unreachable_move", f"move.{key}") for key in program.moves if key not in taken)


def _lapses(program: CaseProgram, steps: Mapping[Course, list[Way]]) -> Iterator[Finding]:
    """A clock that runs must have something to do when it ends, in whatever state the case is then."""
    nowhere = {
        (key, course.state)
        for course in steps
        for key in course.running
        if not course.lapse_move(program.clocks[key], program)
    }
    yield from (find("lapse_nowhere", f"clock.{key}", state) for key, state in sorted(nowhere, key=str))


def _clocked(program: CaseProgram, steps: Mapping[Course, list[Way]]) -> Iterator[Finding]:
    unclocked = {
        (after.state, move.key)
        for ways in steps.values()
        for move, after, _ in ways
        if after.state and not program.states[after.state].final
        if not after.running & {*program.states[after.state].clocks}
    }
    yield from (find("unclocked", f"state.{state}", f"move.{key}") for state, key in sorted(unclocked, key=str))


# Promises and words


def _messages(program: CaseProgram) -> Iterator[Finding]:
    for move in program.moves.values():
        told = [program.messages[key] for key in move.tells if program.messages[key].audience == "resident"]
        yield from _promises(move, program, told=bool(told), due=any("due" in message.variables for message in told))
        for key in move.tells:
            if "until" in program.messages[key].variables and not program.window(move.to or ""):
                yield find("until_without_window", f"move.{move.key}", key)


def _promises(move: Move, program: CaseProgram, *, told: bool, due: bool) -> Iterator[Finding]:
    started = [key for key in move.starts if program.clocks[key].promise]
    stopped = [key for key in move.stops if program.clocks[key].promise]
    if started and not due:
        yield find("promise_untold", f"move.{move.key}", "、".join(started))
    # A reply keeps the promise; what a grid worker found was promised to nobody.
    if stopped and not started and not move.results and not told and move.when != "found":
        yield find("change_untold", f"move.{move.key}", "、".join(stopped))


def _due_told(program: CaseProgram, steps: Mapping[Course, list[Way]]) -> Iterator[Finding]:
    early = {
        (move.key, key)
        for ways in steps.values()
        for move, after, _ in ways
        for key in move.tells
        if "due" in program.messages[key].variables and not after.promised
    }
    yield from (find("due_without_promise", f"move.{move}", key) for move, key in sorted(early))


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
    known = {**program.chinese, "reason": program.reasons, "limit": program.limits}
    for part, counted in used.items():
        yield from (find("unused", f"{part}.{key}") for key in known[part] if key not in counted)
