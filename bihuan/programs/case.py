"""A program of kind "case": what a case may go through, who may do it, within what time, and what is said."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from bihuan.lib.worktime import Duration
from bihuan.programs.opening import migrations, opened
from bihuan.programs.reading import Table
from bihuan.programs.wording import Message, Spoken, Titled, read_english, read_message, read_word

CONDITIONS = ("found", "asked")
WORDS = ("type", "urgency", "result", "ending", "ask")  # one table of titles each


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a step may take; refined by category, urgency and type. The most specific that speaks wins:

    category (for the urgency it names) > urgency > type > default.
    """

    key: str
    default: Duration
    type: Mapping[str, Duration] = field(default_factory=dict)
    urgency: Mapping[str, Duration] = field(default_factory=dict)
    category: Mapping[str, Mapping[str, Duration]] = field(default_factory=dict)

    def pick(self, *, type: str, urgency: str, categories: Iterable[str]) -> tuple[str, Duration]:
        """The row that holds ("category.utilities.normal", "urgency.danger", "type.inquiry", "default") and its value.

        categories: the matter's category and those above it, nearest first.
        """
        for category in categories:
            if urgency in self.category.get(category, {}):
                return f"category.{category}.{urgency}", self.category[category][urgency]
        if urgency in self.urgency:
            return f"urgency.{urgency}", self.urgency[urgency]
        if type in self.type:
            return f"type.{type}", self.type[type]
        return "default", self.default

    def rows(self) -> dict[str, Duration]:
        """Every row by its name, as `pick` gives it."""
        return {
            "default": self.default,
            **{f"type.{key}": value for key, value in self.type.items()},
            **{f"urgency.{key}": value for key, value in self.urgency.items()},
            **{f"category.{c}.{u}": value for c, row in self.category.items() for u, value in row.items()},
        }


@dataclass(frozen=True, slots=True)
class StateRule:
    """Where a case can be. `public` is what residents read; a state is final, or has an owner post and clocks.

    clocks: one of them at least runs while a case is here.
    """

    key: str
    title: str
    public: str
    owner: str | None = None
    clocks: tuple[str, ...] = ()
    final: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """One legal step. `to` None: the state stays. `from_` empty: the step that makes the case.

    outcome: tells apart several moves of one verb.   when: "found" by a grid worker, "asked" by a resident, None: both.
    starts, stops: clocks. A final state stops all.
    needs: asks that a person must answer (the clock, acting for nobody, answers none).
    results: the results that may be given here.   reasons: the list from which the reason comes.
    ending: how the case ended, when `to` is final.   after: only cases with these endings.
    within: only so long after the case came into its state.   at_most: times per case.   per_day: times a day for a resident.
    """

    key: str
    verb: str
    title: str
    from_: frozenset[str]
    to: str | None
    by: frozenset[str]
    outcome: str | None = None
    when: str | None = None
    starts: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    reasons: str | None = None
    ending: str | None = None
    after: frozenset[str] = frozenset()
    tells: tuple[str, ...] = ()
    within: Duration | None = None
    at_most: int | None = None
    per_day: int | None = None

    def fits(self, state: str | None, *, found: bool) -> bool:
        """Whether a case in this state (None: not there yet) can take it; post, ending and counts apart."""
        there = state in self.from_ if state else not self.from_
        return there and (self.when is None or (self.when == "found") == found)


@dataclass(frozen=True, slots=True)
class ClockRule:
    """A limit that runs. When it is over, the clock itself does the verb `lapse` with `outcome`.

    promise: its due time is told to the resident, and so is each change of it.
    repeat: it fires again each time this long has passed since it last did.
    """

    key: str
    title: str
    limit: str
    lapse: str
    outcome: str | None = None
    promise: bool = False
    repeat: Duration | None = None


@dataclass(frozen=True)
class CaseProgram(Spoken):
    """A program of kind "case". Treat its mappings as frozen: one object serves a whole process."""

    key: str
    kind: str
    title: str
    about: str
    types: Mapping[str, Titled]
    urgencies: Mapping[str, Titled]
    results: Mapping[str, Titled]
    endings: Mapping[str, Titled]
    asks: Mapping[str, Titled]
    reasons: Mapping[str, Mapping[str, Titled]]
    limits: Mapping[str, Limit]
    states: Mapping[str, StateRule]
    moves: Mapping[str, Move]
    clocks: Mapping[str, ClockRule]
    messages: Mapping[str, Message]
    english: Mapping[str, Mapping[str, str]]
    opened: Mapping[str, str] = field(default_factory=dict)
    migrate: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    file: str = ""
    _index: dict[tuple[str, str | None, str | None, bool], Move] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        for move in self.moves.values():
            for state in move.from_ or {None}:
                for found in (True, False):
                    if move.fits(state, found=found):
                        self._index.setdefault((move.verb, state, move.outcome, found), move)

    def move(self, verb: str, state: str | None, outcome: str | None = None, *, found: bool = False) -> Move | None:
        """The move of a verb from a state (None: filing), or None when there is none.

        found: whether a grid worker found the matter; some moves then lead elsewhere.
        """
        return self._index.get((verb, state, outcome, found))

    def moves_from(self, state: str | None, *, by: str | None = None, found: bool = False) -> tuple[Move, ...]:
        """Every move out of a state, in the document's order; with `by`, those of one post: the buttons of a page."""
        return tuple(m for m in self.moves.values() if m.fits(state, found=found) and (by is None or by in m.by))

    def limit(self, key: str, *, type: str, urgency: str, category: str | Sequence[str] | None = None) -> Duration:
        """How long the step `key` may take for such a matter. The order of refinements: see Limit.

        category: its key, or its key and those above it, nearest first.
        """
        return self.limit_row(key, type=type, urgency=urgency, category=category)[1]

    def limit_row(
        self, key: str, *, type: str, urgency: str, category: str | Sequence[str] | None = None
    ) -> tuple[str, Duration]:
        """As `limit`, with the name of the row that gave it, for explanations."""
        categories = (category,) if isinstance(category, str) else category or ()
        return self.limits[key].pick(type=type, urgency=urgency, categories=categories)

    def clock_limit(
        self, clock: str, *, type: str, urgency: str, category: str | Sequence[str] | None = None
    ) -> Duration:
        """The limit of a clock for such a matter."""
        return self.limit(self.clocks[clock].limit, type=type, urgency=urgency, category=category)

    def window(self, state: str) -> Duration | None:
        """How long a case that came into a state can still be moved, where moves out of it have an end (redo)."""
        windows = [move.within for move in self.moves.values() if state in move.from_ and move.within]
        return windows[0] if windows else None

    def sizes(self) -> str:
        """How much there is of it, in a few words."""
        return f"{len(self.states)} 个状态，{len(self.moves)} 个动作，{len(self.clocks)} 个时限"

    @cached_property
    def chinese(self) -> Mapping[str, Mapping[str, str]]:
        """Every text of the document, by part and key; `label` and the checks of English read it."""
        parts: dict[str, Mapping[str, Titled | StateRule | Move | ClockRule]] = {
            "type": self.types,
            "urgency": self.urgencies,
            "result": self.results,
            "ending": self.endings,
            "ask": self.asks,
            "state": self.states,
            "move": self.moves,
            "clock": self.clocks,
        }
        reasons = ((group, reason) for group, listed in self.reasons.items() for reason in listed.values())
        return {
            "program": {"title": self.title},
            **{part: {key: word.title for key, word in words.items()} for part, words in parts.items()},
            "public": {key: state.public for key, state in self.states.items()},
            "reason": {f"{group}.{reason.key}": reason.title for group, reason in reasons},
            "message": {key: message.text for key, message in self.messages.items()},
        }


# Reading


def read_case(top: Table, key: str) -> CaseProgram:
    """Read a whole document of kind "case"; what is wrong goes into the table's problems."""
    program = CaseProgram(
        key=key,
        kind="case",
        title=top.text("title", required=True),
        about=top.text("about"),
        types=_titled(top, "type", 12),
        urgencies=_titled(top, "urgency", 7),
        results=_titled(top, "result", 12),
        endings=_titled(top, "ending", 12),
        asks=_titled(top, "ask"),
        reasons=_reasons(top),
        limits={key: _limit(key, table) for key, table in top.tables("limit", required=True)},
        states={key: _state(key, table) for key, table in top.tables("state", width=12, required=True)},
        moves={key: _move(key, table) for key, table in top.tables("move", required=True)},
        clocks={key: _clock(key, table) for key, table in top.tables("clock", width=16, required=True)},
        messages={key: read_message(key, table) for key, table in top.tables("message")},
        english=read_english(
            top, ("program", *WORDS, "state", "public", "move", "clock", "message"), nested=("reason",)
        ),
        opened=opened(top),
        migrate=migrations(top, "state"),
        file=top.file,
    )
    top.close()
    return program


def _titled(top: Table, key: str, width: int = 40) -> dict[str, Titled]:
    return {name: read_word(name, table) for name, table in top.tables(key, width=width, required=True)}


def _reasons(top: Table) -> dict[str, dict[str, Titled]]:
    """[reason.list.key]: lists by name, then reasons by name."""
    group = top.table("reason")
    return {name: {key: read_word(key, table) for key, table in group.tables(name)} for name in group.data}


def _limit(key: str, table: Table) -> Limit:
    limit = Limit(
        key,
        table.duration("default", required=True) or Duration(1, "wd"),
        _durations(table.table("type")),
        _durations(table.table("urgency")),
        {name: _durations(row) for name, row in table.tables("category")},
    )
    table.close()
    return limit


def _durations(table: Table) -> dict[str, Duration]:
    found = {key: table.duration(key) for key in table.data}
    return {key: duration for key, duration in found.items() if duration is not None}


def _state(key: str, table: Table) -> StateRule:
    state = StateRule(
        key,
        title=table.text("title", required=True),
        public=table.text("public", required=True),
        owner=table.word("owner"),
        clocks=table.words("clocks"),
        final=table.flag("final"),
    )
    table.close()
    return state


def _move(key: str, table: Table) -> Move:
    move = Move(
        key,
        verb=table.word("verb", required=True) or "",
        title=table.text("title", required=True),
        from_=frozenset(table.words("from", required=True)),
        to=table.word("to"),
        by=frozenset(table.words("by", required=True)),
        outcome=table.word("outcome"),
        when=table.one_of("when", CONDITIONS),
        starts=table.words("starts"),
        stops=table.words("stops"),
        needs=table.words("needs"),
        results=table.words("results"),
        reasons=table.word("reasons"),
        ending=table.word("ending"),
        after=frozenset(table.words("after")),
        tells=table.words("tells"),
        within=table.duration("within"),
        at_most=table.count("at_most"),
        per_day=table.count("per_day"),
    )
    table.close()
    return move


def _clock(key: str, table: Table) -> ClockRule:
    clock = ClockRule(
        key,
        title=table.text("title", required=True),
        limit=table.word("limit", required=True) or "",
        lapse=table.word("lapse", required=True) or "",
        outcome=table.word("outcome"),
        promise=table.flag("promise"),
        repeat=table.duration("repeat"),
    )
    table.close()
    return clock
