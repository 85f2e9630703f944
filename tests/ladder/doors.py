"""A scenario's way into real standings: posts become people of the cast, and what a deed needs besides is made up."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bihuan.book.journal import RESIDENT, SYSTEM
from bihuan.book.models import Outbox, Txn
from bihuan.dossier import facts, questions, subjects
from bihuan.ladder import rooms
from bihuan.ladder.actions import appealing, duties, entering, gates, moving, noticing, ranking
from bihuan.ladder.answers import Missing
from bihuan.ladder.course import call_next
from bihuan.ladder.models import Appeal, Duty, Notice, Objection, Pass, Standing, Timer
from bihuan.ladder.posts import LEVELS, WORDS, NotYours
from bihuan.ladder.record import ended, note
from bihuan.ladder.rooms import Full
from bihuan.ladder.rules import NotNow
from bihuan.ladder.sweep import sweep
from bihuan.ladder.tell import LATE, UP
from bihuan.net.models import Person, Posting
from bihuan.net.postings import AboutOneself
from bihuan.net.tree import snapshot
from bihuan.programs.ladder import LadderProgram
from bihuan.programs.ladder_scenarios import LadderScenario, LadderSeen, LadderStep
from bihuan.programs.scenarios import Refused
from tests.world import BORN

ROLES = ("secretary", "organiser", "leader", "chief", "handler")
WHY = {
    NotNow: "state", NotYours: "post", AboutOneself: "person", Missing: "answer", gates.NotEligible: "test",
    gates.Cooling: "cool", Full: "full",
}  # fmt: skip


class RealDoor:
    """One subject of one program, through the real actions."""

    def __init__(self, cast: Any, program: LadderProgram, scenario: LadderScenario) -> None:
        self.program, self.standing = program, None
        self.units = {"village": cast.south, "town": cast.town, "county": cast.county, "city": cast.city}
        self.people: dict[str, Person] = {}
        self.posts: dict[tuple[str, str], Posting] = {}
        self.others: dict[str, list[Standing]] = {}
        self.unmet: tuple[str, ...] = ()
        self.seen: set[object] = set()
        questions.ensure(program)
        self._people(scenario)

    def _people(self, scenario: LadderScenario) -> None:
        """Two holders of every post, so that one may step back, and those whom the scenario tells apart."""
        posts = [f"{role}@{level}" for role in ROLES for level in LEVELS]
        told = [(step.by, step.who) for step in scenario.steps if "@" in step.by]
        for post, who in [*((post, post) for post in posts), *((post, f"{post} B") for post in posts), *told]:
            self._post(post, who)

    def _post(self, post: str, who: str) -> Posting:
        role, _, level = post.partition("@")
        if (post, who) not in self.posts:
            person = self.people.get(who) or Person.objects.create(name=who[:40])
            self.people[who] = person
            self.posts[post, who] = Posting.objects.create(person=person, unit=self.units[level], role=role, since=BORN)
        return self.posts[post, who]

    # The door

    def begin(self, given, at: datetime) -> None:
        unit = self.units["village"]
        kind = {"person": {}, "unit": {"kind": "unit"}}[self.program.about]
        self.subject = subjects.register("张三", unit=unit.pk, at=at, **kind)
        self._tell(given.answers, at)
        for stage, n in given.others.items():
            people = [subjects.register(f"别人{stage}{i}", unit=unit.pk, at=at) for i in range(n)]
            self.others[stage] = [entering.enter(one, self.program.key, stage, at, by=SYSTEM, at=at) for one in people]

    def act(self, step: LadderStep) -> None:
        by = RESIDENT if "@" not in step.by else self._post(step.by, step.who)
        if step.by == "answerable":
            by = self._post("leader@county", "leader@county")
        deeds: dict[str, Callable[[], Any]] = {
            "nominate": lambda: self._nominate(step, by),
            "open": lambda: gates.open_gate(self._now(), step.what, by=by, at=step.at),
            "vote": lambda: gates.vote(self._now(), agree=step.verdict == "agree", text="看过了", by=by, at=step.at),
            "object": lambda: noticing.object_to(self._notice(), "情况不实", at=step.at),
            "settle": lambda: noticing.settle(
                self._last(Objection), upheld=step.verdict == "upheld", text="查过了", by=by, at=step.at
            ),
            "appeal": lambda: appealing.appeal(self._now(), "我不服", at=step.at),
            "rule": lambda: appealing.rule(
                self._last(Appeal), upheld=step.verdict == "upheld", text="查过了", by=by, at=step.at
            ),
            "rank": lambda: self._rank(step, by),
            "withdraw": lambda: gates.withdraw(self._now(), by=by, at=step.at),
            "move": lambda: self._move(step, by),
            "do": lambda: self._do(step, by),
            "tell": lambda: None,
            "free": lambda: self._free(step),
        }
        self._tell(step.answers, step.at)
        try:
            deeds[step.verb or ""]()
        except tuple(WHY) as error:
            if isinstance(error, gates.NotEligible):
                self.unmet = tuple(line.test.key for line in error.lines if not line.verdict.ok)
            raise Refused(WHY[type(error)], str(error)) from error
        if step.verb in ("nominate", "open"):
            last = Pass.objects.filter(standing=self.standing).latest("pk")
            self.unmet = tuple(key for key, ok, _why in last.tests if not ok)
        self._fill()

    def advance_clock(self, at: datetime) -> None:
        """As the pump would, had it come at each moment something was due."""
        while (moment := self._next(at)) is not None:
            assert sweep(moment) > 0, f"something due at {moment} does not happen"
            self._fill()

    def read(self) -> LadderSeen:
        one = self._now() if self.standing else None
        passing = Pass.objects.filter(standing=one, ended_at=None).first() if one else None
        clocks = Timer.objects.filter(standing=one, stage="running") if one else Timer.objects.none()
        owed = Duty.objects.filter(standing=one, done_at=None, dropped_at=None) if one else Duty.objects.none()
        return LadderSeen(
            stage=one.stage if one else "",
            gate=passing.gate if passing else "",
            step=passing.step if passing else "",
            level=self._level(passing),
            result=one.result if one else "",
            reached=bool(one and one.reached),
            due=passing.step_due if passing else None,
            clocks={clock.key: clock.due_at for clock in clocks.filter(passing=None)},
            duties={duty.key: duty.due_at for duty in owed},
            unmet=self.unmet,
            fired=self._fired(),
            tells=self._tells(),
            entries=self._entries(),
        )

    # Deeds

    def _now(self) -> Standing:
        if self.standing is None:
            raise NotNow("还没有进入。")
        return Standing.objects.get(pk=self.standing.pk)

    def _nominate(self, step: LadderStep, by: Any) -> None:
        if self.standing is not None and not self._now().ended_at:
            raise NotNow("已经在里面。")
        self.standing = entering.nominate(self.program.key, self.subject, gate=step.what, by=by, at=step.at)
        self._lead(step.at)

    def _lead(self, at: datetime) -> None:
        duties.assign(self.standing, self._post("leader@county", "leader@county"), by=SYSTEM, at=at)

    def _move(self, step: LadderStep, by: Any) -> None:
        if self.standing is None or (self._now().ended_at and not self.program.moves[step.what].from_):
            self.standing = entering.start(self.program.key, self.subject, move=step.what, by=by, at=step.at)
            if self.standing.ended_at is None:
                self._lead(step.at)
        else:
            moving.advance(self._now(), step.what, by=by, at=step.at)

    def _do(self, step: LadderStep, by: Any) -> None:
        duty = Duty.objects.filter(standing=self.standing, key=step.what, done_at=None, dropped_at=None).first()
        if duty is None:
            raise NotNow("没有这件事。")
        rule = self.program.duties[step.what]
        duties.do(duty, by=by, at=step.at, text="去过了", pictures=self._photo(step.at) if "photo" in rule.asks else [])

    def _photo(self, at: datetime) -> list[str]:
        import io

        from PIL import Image

        from bihuan.dossier import photos

        out = io.BytesIO()
        Image.new("RGB", (8, 8), "teal").save(out, "JPEG")
        out.seek(0)
        return [photos.take(out, region_id=self._now().region_id, at=at).key]

    def _rank(self, step: LadderStep, by: Any) -> None:
        one = self._now()
        passing = Pass.objects.filter(standing=one, ended_at=None).first()
        if passing is None or passing.step != Pass.Step.RANK:
            raise NotNow("还没到排名。")
        to = self.program.gates[passing.gate].to
        ranking.rank(self.program.key, passing.gate, rooms.scope(one, self.program, to), by=by, at=step.at)

    def _free(self, step: LadderStep) -> None:
        """Somebody else leaves the stage, by whatever way."""
        one = Standing.objects.get(pk=self.others[step.what].pop().pk)
        left = one.stage
        note(one, "withdraw", by=SYSTEM, at=step.at, facts={}, stage="", **ended(one, "withdrawn", step.at))
        call_next(one, left, at=step.at)

    def _tell(self, answers: Any, at: datetime) -> None:
        for key, value in answers.items():
            ask = self.program.asks[key]
            source = ask.source[0] if ask.source else "county"
            facts.tell(self.subject, ask.use, value, source=source, by=None, at=at)

    def _notice(self) -> Notice:
        found = Notice.objects.filter(passing__standing=self.standing).order_by("since").last()
        if found is None:
            raise NotNow("没有公示。")
        return found

    def _last(self, model: Any) -> Any:
        path = "notice__passing__standing" if model is Objection else "passing__standing"
        found = model.objects.filter(**{path: self.standing}).order_by("pk").last()
        if found is None:
            raise NotNow("没有可处理的。")
        return found

    # Time

    def _next(self, at: datetime) -> datetime | None:
        """The next moment at which something happens by itself."""
        open_pass = Pass.objects.filter(standing=self.standing, ended_at=None).exists()
        timers = Timer.objects.filter(standing=self.standing, stage="running", due_at__lte=at)
        timers = timers.filter(passing__isnull=False) if open_pass else timers
        late = Duty.objects.filter(standing=self.standing, done_at=None, dropped_at=None, late=False, due_at__lte=at)
        return min([*timers.values_list("due_at", flat=True), *late.values_list("due_at", flat=True)], default=None)

    def _fill(self) -> None:
        """What the pump does for those who wait for a place; the others' clocks stand still."""
        while row := Outbox.objects.filter(topic=rooms.TOPIC).order_by("pk").first():
            row.delete()
            rooms.fill([row], row.run_at)

    # Seeing

    def _level(self, passing: Pass | None) -> str:
        if passing is None or passing.step_unit is None or passing.step == Pass.Step.ROOM:
            return ""
        return WORDS[snapshot().unit(passing.step_unit).level]

    def _new(self, found: list[tuple[Any, str]]) -> tuple[str, ...]:
        """What has not been seen before, in order."""
        fresh = [(mark, name) for mark, name in found if mark not in self.seen]
        self.seen |= {mark for mark, _name in fresh}
        return tuple(name for _mark, name in fresh)

    def _fired(self) -> tuple[str, ...]:
        timers = Timer.objects.filter(standing=self.standing, stage="fired") if self.standing else ()
        late = Duty.objects.filter(standing=self.standing, late=True) if self.standing else ()
        found = [(timer.ended_at, timer.pk, timer.key) for timer in timers]
        found += [
            (duty.due_at, duty.pk, duty.key) for duty in late if duty.done_at is None or duty.done_at > duty.due_at
        ]
        return self._new([(("fired", pk), key) for _at, pk, key in sorted(found)])

    def _tells(self) -> tuple[str, ...]:
        rows = Outbox.objects.filter(topic="ladder").order_by("pk")
        mine = [row for row in rows if self.standing and row.case_id == self.standing.pk]
        shown = [row for row in mine if row.payload["message"] not in (LATE, UP)]
        told = [(row.payload["message"], row.run_at, row.payload["step"]) for row in shown]
        return self._new([(("tell", *one), one[0]) for one in dict.fromkeys(told)])

    def _entries(self) -> tuple[str, ...]:
        if self.standing is None:
            return ()
        rows = Txn.objects.filter(
            cause_kind="duty", cause_id__in=Duty.objects.filter(standing=self.standing).values("pk")
        )
        return self._new([(("entry", row.pk), row.measure) for row in rows.order_by("pk")])
