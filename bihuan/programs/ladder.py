"""A program of kind "ladder": the stages people (or units) rise by, the gates between them, and what each stage owes.

Who acts is written `role@level` ("secretary@village"); beside these there are subject (the person himself), resident,
answerable (the leader answerable for the person) and clock. The order of things is the order of the document.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Literal

from bihuan.lib.worktime import Duration
from bihuan.programs.criteria import Criterion, Verdict, judge, parse
from bihuan.programs.opening import migrations, opened
from bihuan.programs.reading import Table
from bihuan.programs.wording import Message, Spoken, Titled, read_english, read_message, read_texts, read_words

LEVELS = ("village", "town", "county", "city")  # from the ground up
ROOMS = (*LEVELS, "all")
ABOUT = ("person", "unit")
ASK_TYPES = ("text", "number", "money", "date", "choice", "flag", "paper")
SOURCES = ("register", "self", "village", "town", "county", "city")
LAPSES = ("up", "pass", "fail")
SIDES = ("support", "contribution")
GIVERS = ("unit", "person")
MOMENTS = ("opened", "step", "notice", "appeal", "passed", "failed")
WORDS = ("stage", "gate", "move", "clock", "duty", "entry", "need", "policy", "ask", "test")
StepKind = Literal["review", "notice", "objection", "appeal", "ruling", "rank"]
OWN_STEPS = ("notice", "objection", "appeal", "ruling", "rank", "room")  # names no review may have


def level_of(post: str | None) -> str | None:
    """The level a post is at: "town" of "organiser@town"; None for subject, answerable and clock."""
    return post.partition("@")[2] or None if post else None


def level_above(level: str | None) -> str | None:
    """The next level up, or None at the top."""
    rest = LEVELS[LEVELS.index(level) + 1 :] if level in LEVELS else ()
    return rest[0] if rest else None


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the subject or to those who nominate.

    use: the shared question it asks, so that it is answered once for all programs.   max_age: how long an answer holds.
    source: whose word counts, each one by itself.   personal: shown only to those who need it.
    """

    key: str
    title: str
    type: str
    use: str
    unit: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    max_age: Duration | None = None
    source: tuple[str, ...] = ()
    personal: bool = False
    optional: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True)
class Test:
    """A condition, with the sentence that is said when it is not met."""

    key: str
    title: str
    criterion: Criterion
    otherwise: str


@dataclass(frozen=True, slots=True)
class Room:
    """At most (cap) or at least (floor) n in each unit of a level; per "all": in all."""

    per: str
    n: int


@dataclass(frozen=True, slots=True)
class Stage:
    """Where one can stand. A stage is final, or has an owner post and clocks. order: the rung, higher is further."""

    key: str
    title: str
    public: str
    level: str | None = None
    owner: str | None = None
    clocks: tuple[str, ...] = ()
    final: bool = False
    result: str | None = None
    cap: Room | None = None
    floor: Room | None = None
    order: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a gate, with who acts in it, how long, and what happens when they do not.

    kind: review (posts vote; `votes` agreeing ones pass it), notice (the public may object; its end passes it), objection
    (a notice stands still until it is settled), appeal (the subject may appeal; its end lets the gate take effect), ruling
    (on an appeal), rank (places are few: those who wait are compared).
    lapse: pass, fail, or up: the same posts one level up get it for the same time. Where nobody is above, silence is a no:
    a review fails, an objection is upheld (the gate fails), an appeal is upheld (the gate is undone, as if failed).
    """

    gate: str
    key: str
    kind: StepKind
    title: str
    by: tuple[str, ...]
    level: str | None
    limit: Duration
    lapse: str
    votes: int = 1

    @property
    def node(self) -> str:
        """Its name in graphs and timers: "admit.village"."""
        return f"{self.gate}.{self.key}"

    @property
    def moment(self) -> str:
        """Which of a gate's `tells` is said when it begins."""
        return self.kind if self.kind in ("notice", "appeal") else "step"


@dataclass(frozen=True, slots=True)
class NoticeRule:
    """A public notice: for `limit`, in the subject's unit of level `scope`. It follows the review `after`, else the last."""

    title: str
    limit: Duration
    scope: str
    objection: Duration
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Rank:
    """Who comes first where places are few: by an answer, then by another, then who came first."""

    by: str
    order: str
    then: str | None = None

    def row(self, answers: Mapping[str, Any]) -> tuple[tuple[bool, float], ...]:
        """A key to sort by, the first place smallest; no answer comes last. Numbers only (checked)."""
        sign = -1 if self.order == "desc" else 1
        return tuple(
            (True, 0.0) if answers.get(ask) is None else (False, sign * float(answers[ask]))
            for ask in (self.by, self.then)
            if ask
        )


@dataclass(frozen=True, slots=True)
class Need:
    """At least so many of these tests."""

    of: tuple[str, ...]
    at_least: int


@dataclass(frozen=True, slots=True)
class Gate:
    """The way into a stage through checks. `from_` empty: the way into the program.

    opens: who may open it.   must: tests each of which holds.   need: enough of a list hold.
    fails_to: where one goes who fails; None: stays (who was not in the program yet is out).   cool: how long after failing
    or leaving it is closed.   appeal: how long the subject may appeal before it takes effect.   reaches: passing it means one
    has become what the program aims at.   tells: messages by MOMENTS; "step" is each step that somebody must act in.
    """

    key: str
    title: str
    from_: tuple[str, ...]
    to: str
    opens: tuple[str, ...]
    asks: tuple[str, ...] = ()
    need: Need | None = None
    must: tuple[str, ...] = ()
    reviews: Mapping[str, Step] = field(default_factory=dict)
    notice: NoticeRule | None = None
    rank: Rank | None = None
    appeal: Duration | None = None
    cool: Duration | None = None
    fails_to: str | None = None
    starts: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    tells: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reaches: bool = False

    @property
    def tests(self) -> tuple[str, ...]:
        """Every test it looks at, in order."""
        return tuple(dict.fromkeys((*self.must, *(self.need.of if self.need else ()))))

    @property
    def steps(self) -> tuple[Step, ...]:
        """What it takes in order: reviews with the notice where it belongs, the time to appeal, the ranking."""
        return tuple(step for step in self.all_steps if step.kind not in ("objection", "ruling"))

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """`steps`, each notice followed by its objection, each appeal by its ruling."""
        return tuple(self._steps())

    def step(self, key: str) -> Step:
        """A step by its key, side steps included. Raises KeyError."""
        return {step.key: step for step in self.all_steps}[key]

    def after(self, key: str | None) -> Step | None:
        """The step that follows when one is passed (None: the first), or None when the gate then takes effect.

        A refused objection leads back into the notice, so `after("objection")` is what follows the notice.
        """
        keys = [step.key for step in self.steps]
        main = {"objection": "notice", "ruling": "appeal"}.get(key or "", key)
        rest = self.steps[keys.index(main) + 1 :] if main else self.steps
        return rest[0] if rest else None

    def _steps(self) -> Iterator[Step]:
        last = list(self.reviews)[-1:]
        if self.notice and not self.reviews:
            yield from self._notice_steps(self.notice, None)
        for review in self.reviews.values():
            yield review
            if self.notice and review.key in ([self.notice.after] if self.notice.after else last):
                yield from self._notice_steps(self.notice, review)
        if self.appeal:
            yield from self._appeal_steps(self.appeal)
        if self.rank:
            yield self._ranking()

    def _ranking(self) -> Step:
        """Where places are given by rank: the last reviewers compare those who wait, else in time the clock does."""
        last = list(self.reviews.values())[-1] if self.reviews else None
        by, level, limit = (last.by, last.level, last.limit) if last else (self.opens, None, Duration(5, "wd"))
        return Step(self.key, "rank", "rank", f"{self.title}：排名", by, level, limit, "pass")

    def _notice_steps(self, notice: NoticeRule, review: Step | None) -> Iterator[Step]:
        posts = review.by if review else self.opens
        level = review.level if review else notice.scope
        yield Step(self.key, "notice", "notice", notice.title, ("resident",), notice.scope, notice.limit, "pass")
        yield Step(
            self.key, "objection", "objection", f"{notice.title}：处理异议", posts, level, notice.objection, "up"
        )

    def _appeal_steps(self, limit: Duration) -> Iterator[Step]:
        """An appeal is ruled on one level above the last review, where there is one."""
        review = list(self.reviews.values())[-1] if self.reviews else None
        level = review.level if review else None
        above = level_above(level) or level
        posts = tuple(f"{post.partition('@')[0]}@{above}" for post in review.by) if review and above else self.opens
        yield Step(self.key, "appeal", "appeal", f"{self.title}：申诉期", ("subject",), None, limit, "pass")
        yield Step(self.key, "ruling", "ruling", f"{self.title}：申诉复核", posts, above, limit, "up")


@dataclass(frozen=True, slots=True)
class LadderMove:
    """A step without checks by others. `to` None: the stage stays.

    when_free: the clock makes it by itself for the first in line when the capped stage `to` has a free place.
    """

    key: str
    verb: str
    title: str
    from_: tuple[str, ...]
    to: str | None
    by: tuple[str, ...]
    asks: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    rank: Rank | None = None
    starts: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()
    when_free: bool = False


@dataclass(frozen=True, slots=True)
class LadderClock:
    """A limit that runs in a stage. When it is over, the clock makes the move or opens the gate `lapse`; "up": the owner's
    level above is told. While somebody is in a gate, what ran out waits until the gate is done."""

    key: str
    title: str
    limit: Duration
    lapse: str
    repeat: Duration | None = None
    tells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Duty:
    """What a post owes to each who stands in one of `in_`, again and again. entry: what doing it enters in the ledger."""

    key: str
    title: str
    by: str
    in_: tuple[str, ...]
    every: Duration
    asks: tuple[str, ...] = ()
    entry: str | None = None


@dataclass(frozen=True, slots=True)
class EntryKind:
    """What is counted in the ledger: support given to the subject, or what he contributes."""

    key: str
    title: str
    side: str
    unit: str
    decimal: bool = False
    evidence: bool = False
    giver: str = "unit"


@dataclass(frozen=True, slots=True)
class Policy:
    """What one may be granted. measure: the entry that a grant makes, between `least` and `most`, for so many months."""

    key: str
    title: str
    text: str
    giver: str
    measure: str | None = None
    most: int | float | None = None
    least: int | float | None = None
    must: tuple[str, ...] = ()
    months: int | None = None


@dataclass(frozen=True, slots=True)
class TestLine:
    """One test of a gate as it stands for somebody."""

    test: Test
    verdict: Verdict
    must: bool


@dataclass(frozen=True)
class LadderProgram(Spoken):
    """A program of kind "ladder". Treat its mappings as frozen: one object serves a whole process.

    text: a sentence on what it is for.   subject: what one who is in it is called (培养对象).
    """

    key: str
    kind: str
    about: str
    title: str
    text: str
    subject: str
    asks: Mapping[str, Ask]
    tests: Mapping[str, Test]
    stages: Mapping[str, Stage]
    gates: Mapping[str, Gate]
    moves: Mapping[str, LadderMove]
    clocks: Mapping[str, LadderClock]
    duties: Mapping[str, Duty]
    entries: Mapping[str, EntryKind]
    needs: Mapping[str, Titled]
    policies: Mapping[str, Policy]
    results: Mapping[str, Titled]
    messages: Mapping[str, Message]
    english: Mapping[str, Mapping[str, str]]
    opened: Mapping[str, str] = field(default_factory=dict)
    migrate: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    file: str = ""

    def gates_from(self, stage: str | None, *, by: str | None = None) -> tuple[Gate, ...]:
        """The gates that can be opened from a stage (None: not in the program), with `by` those of one post."""
        gates = (gate for gate in self.gates.values() if _leaves(gate.from_, stage))
        return tuple(gate for gate in gates if by is None or by in gate.opens)

    def moves_from(self, stage: str | None, *, by: str | None = None) -> tuple[LadderMove, ...]:
        """The moves out of a stage (None: into the program), with `by` those of one post: the buttons of a page."""
        moves = (move for move in self.moves.values() if _leaves(move.from_, stage))
        return tuple(move for move in moves if by is None or by in move.by)

    def judge(self, test: str, answers: Mapping[str, Any], on: date) -> Verdict:
        """Whether answers (plain values by ask, stale ones left out) meet a test, and if not why."""
        return judge(test, self, answers, on)

    def lines(self, gate: Gate, answers: Mapping[str, Any], on: date) -> tuple[TestLine, ...]:
        """Every test of a gate, in order."""
        return tuple(TestLine(self.tests[key], self.judge(key, answers, on), key in gate.must) for key in gate.tests)

    def admits(self, gate: Gate, answers: Mapping[str, Any], on: date) -> bool:
        """Whether every `must` holds, and enough of `need`."""
        met = {line.test.key for line in self.lines(gate, answers, on) if line.verdict.ok}
        enough = not gate.need or len(met & {*gate.need.of}) >= gate.need.at_least
        return enough and met >= {*gate.must}

    def unanswered(self, asks: tuple[str, ...], answers: Mapping[str, Any]) -> tuple[str, ...]:
        """Of these asks, those that must have an answer and have none."""
        return tuple(key for key in asks if not self.asks[key].optional and answers.get(key) in (None, "", []))

    def sizes(self) -> str:
        """How much there is of it, in a few words."""
        return f"{len(self.stages)} 个阶段，{len(self.gates)} 道关口，{len(self.tests)} 项条件"

    @cached_property
    def chinese(self) -> Mapping[str, Mapping[str, str]]:
        """Every text of the document, by part and key; `label` and the checks of English read it."""
        steps = [step for gate in self.gates.values() for step in gate.all_steps]
        choices = ((ask.key, key, title) for ask in self.asks.values() for key, title in ask.choices.items())
        return {
            "program": {"title": self.title, "subject": self.subject, **({"text": self.text} if self.text else {})},
            **{part: {key: word.title for key, word in words.items()} for part, words in self._titled().items()},
            "public": {key: stage.public for key, stage in self.stages.items()},
            "otherwise": {key: test.otherwise for key, test in self.tests.items()},
            "policy_text": {key: policy.text for key, policy in self.policies.items()},
            "message": {key: message.text for key, message in self.messages.items()},
            "step": {step.node: step.title for step in steps},
            "choice": {f"{ask}.{key}": title for ask, key, title in choices},
        }

    def _titled(self) -> dict[str, Mapping[str, Any]]:
        """The tables of things with titles, by their part."""
        return {
            "stage": self.stages,
            "gate": self.gates,
            "move": self.moves,
            "clock": self.clocks,
            "duty": self.duties,
            "entry": self.entries,
            "need": self.needs,
            "policy": self.policies,
            "result": self.results,
            "ask": self.asks,
            "test": self.tests,
        }


PARTS = ("program", *WORDS, "result", "public", "otherwise", "policy_text", "message")


def _leaves(places: tuple[str, ...], stage: str | None) -> bool:
    return stage in places if stage else not places


# Reading


def read_ladder(top: Table, key: str) -> LadderProgram:
    """Read a whole document of kind "ladder"; what is wrong goes into the table's problems."""
    program = LadderProgram(
        key=key,
        kind="ladder",
        about=top.one_of("about", ABOUT, required=True) or "",
        title=top.text("title", required=True),
        text=top.text("text"),
        subject=top.text("subject", required=True),
        asks={name: _ask(name, table, key) for name, table in top.tables("ask")},
        tests={name: _test(name, table) for name, table in top.tables("test")},
        stages={name: _stage(name, table) for name, table in top.tables("stage", width=16, required=True)},
        gates={name: _gate(name, table) for name, table in top.tables("gate", width=16)},
        moves={name: _move(name, table) for name, table in top.tables("move", width=16)},
        clocks={name: _clock(name, table) for name, table in top.tables("clock", width=16)},
        duties={name: _duty(name, table) for name, table in top.tables("duty", width=16)},
        entries={name: _entry(name, table) for name, table in top.tables("entry", width=16)},
        needs=read_words(top, "need"),
        policies={name: _policy(name, table) for name, table in top.tables("policy")},
        results=read_words(top, "result"),
        messages={name: read_message(name, table) for name, table in top.tables("message")},
        english=read_english(top, PARTS, nested=("step", "choice")),
        opened=opened(top),
        migrate=migrations(top, "stage"),
        file=top.file,
    )
    top.close()
    return program


def _ask(key: str, table: Table, program: str) -> Ask:
    ask = Ask(
        key,
        title=table.text("title", required=True),
        type=table.one_of("type", ASK_TYPES, required=True) or "text",
        use=_question(table) or f"{program}.{key}",
        unit=table.text("unit"),
        choices=read_texts(table.table("choice")),
        max_age=table.duration("max_age"),
        source=table.some_of("source", SOURCES),
        personal=table.flag("personal"),
        optional=table.flag("optional"),
        about=table.text("about"),
    )
    if (ask.type == "choice") != bool(ask.choices):
        table.wrong("choice", ask.choices or None, '选项表，而且只有 type = "choice" 才有')
    table.close()
    return ask


def _question(table: Table) -> str:
    return table.take("use", "通用问题的键，如 household.annual_output", lambda v: isinstance(v, str) and "." in v, "")


def _test(key: str, table: Table) -> Test:
    test = Test(key, table.text("title", required=True), parse(table.table("if")), table.text("else", required=True))
    table.close()
    return test


def _stage(key: str, table: Table) -> Stage:
    title = table.text("title", required=True)
    stage = Stage(
        key,
        title=title,
        public=table.text("public") or title,
        level=table.one_of("level", LEVELS),
        owner=table.post("owner"),
        clocks=table.words("clocks"),
        final=table.flag("final"),
        result=table.word("result"),
        cap=_room(table, "cap"),
        floor=_room(table, "floor"),
        order=table.count("order") or 0,
    )
    table.close()
    return stage


def _room(table: Table, key: str) -> Room | None:
    if key not in table.data:
        return None
    inner = table.table(key)
    room = Room(inner.one_of("per", ROOMS, required=True) or "all", inner.count("n", required=True) or 1)
    inner.close()
    return room


def _gate(key: str, table: Table) -> Gate:
    gate = Gate(
        key,
        title=table.text("title", required=True),
        from_=table.words("from", required=True),
        to=table.word("to", required=True) or "",
        opens=table.posts("opens", required=True),
        asks=table.words("asks"),
        need=_need(table),
        must=table.words("must"),
        reviews={name: _review(key, name, inner) for name, inner in table.tables("review", width=16)},
        notice=_notice(table),
        rank=_rank(table),
        appeal=table.duration("appeal"),
        cool=table.duration("cool"),
        fails_to=table.word("fails_to"),
        starts=table.words("starts"),
        stops=table.words("stops"),
        tells=_tells(table.table("tells")),
        reaches=table.flag("reaches"),
    )
    table.close()
    return gate


def _need(table: Table) -> Need | None:
    if "need" not in table.data:
        return None
    inner = table.table("need")
    need = Need(inner.words("of", required=True), inner.count("at_least", required=True) or 1)
    inner.close()
    return need


def _review(gate: str, key: str, table: Table) -> Step:
    """A review is by posts of one level; the level may be left to them."""
    by = table.posts("by", required=True)
    review = Step(
        gate,
        key,
        "review",
        title=table.text("title", required=True),
        by=by,
        level=level_of(by[0]) if by else None,
        limit=table.duration("limit", required=True) or Duration(1, "wd"),
        lapse=table.one_of("lapse", LAPSES, required=True) or "",
        votes=table.count("votes") or 1,
    )
    if key in OWN_STEPS:
        table.wrong("", key, f"别的名字：{'、'.join(OWN_STEPS)} 另有所指")
    table.close()
    return review


def _notice(table: Table) -> NoticeRule | None:
    if "notice" not in table.data:
        return None
    inner = table.table("notice")
    notice = NoticeRule(
        inner.text("title") or "公示",
        inner.duration("limit", required=True) or Duration(5, "wd"),
        inner.one_of("scope", LEVELS, required=True) or "village",
        inner.duration("objection", required=True) or Duration(10, "wd"),
        inner.word("after"),
    )
    inner.close()
    return notice


def _rank(table: Table) -> Rank | None:
    if "rank" not in table.data:
        return None
    inner = table.table("rank")
    rank = Rank(
        inner.word("by", required=True) or "", inner.one_of("order", ("asc", "desc")) or "asc", inner.word("then")
    )
    inner.close()
    return rank


def _tells(table: Table) -> dict[str, tuple[str, ...]]:
    told = {moment: table.words(moment) for moment in MOMENTS}
    table.close()
    return {moment: keys for moment, keys in told.items() if keys}


def _move(key: str, table: Table) -> LadderMove:
    move = LadderMove(
        key,
        verb=table.word("verb") or "advance",
        title=table.text("title", required=True),
        from_=table.words("from", required=True),
        to=table.word("to"),
        by=table.posts("by", required=True),
        asks=table.words("asks"),
        must=table.words("must"),
        rank=_rank(table),
        starts=table.words("starts"),
        stops=table.words("stops"),
        tells=table.words("tells"),
        when_free=table.flag("when_free"),
    )
    table.close()
    return move


def _clock(key: str, table: Table) -> LadderClock:
    clock = LadderClock(
        key,
        title=table.text("title", required=True),
        limit=table.duration("limit", required=True) or Duration(1, "wd"),
        lapse=table.word("lapse", required=True) or "",
        repeat=table.duration("repeat"),
        tells=table.words("tells"),
    )
    table.close()
    return clock


def _duty(key: str, table: Table) -> Duty:
    duty = Duty(
        key,
        title=table.text("title", required=True),
        by=table.post("by", required=True) or "",
        in_=table.words("in", required=True),
        every=table.duration("every", required=True) or Duration(1, "wd"),
        asks=table.some_of("asks", ("text", "photo")),
        entry=table.word("entry"),
    )
    table.close()
    return duty


def _entry(key: str, table: Table) -> EntryKind:
    entry = EntryKind(
        key,
        title=table.text("title", required=True),
        side=table.one_of("side", SIDES, required=True) or "",
        unit=table.text("unit", required=True),
        decimal=table.flag("decimal"),
        evidence=table.flag("evidence"),
        giver=table.one_of("giver", GIVERS) or "unit",
    )
    table.close()
    return entry


def _policy(key: str, table: Table) -> Policy:
    policy = Policy(
        key,
        title=table.text("title", required=True),
        text=table.text("text", required=True),
        giver=table.text("giver", required=True),
        measure=table.word("measure"),
        most=table.number("most"),
        least=table.number("least"),
        must=table.words("must"),
        months=table.count("months"),
    )
    table.close()
    return policy
