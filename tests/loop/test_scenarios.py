"""The program's own stories, played through the real actions: what its author wrote is what the loop does."""

from collections.abc import Mapping
from datetime import datetime

import pytest

from bihuan.book.journal import RESIDENT
from bihuan.book.models import Outbox
from bihuan.loop.actions import closing, dispatching, handling, intake, verifying
from bihuan.loop.models import Case, Clock, Task
from bihuan.loop.refusals import REFUSED
from bihuan.loop.report import Report
from bihuan.loop.sweep import sweep
from bihuan.net.calendar import seed_calendar
from bihuan.programs import document, scenarios
from bihuan.programs.scenarios import Refused, Seen

PACK = document.PACKS / "standard" / "request.toml"
STORIES = scenarios.load(document.read(scenarios.beside(PACK)), "request.scenarios.toml")


class LoopDoor:
    """A scenario's way into the loop: posts become the cast, made-up answers fill in what an act needs besides."""

    def __init__(self, cast) -> None:
        self.cast, self.case, self._told, self._fired = cast, None, 0, 0

    def file(self, given, *, outcome, by, at):
        report = Report(
            type=given.type,
            text="门前水管漏水",
            urgency=given.urgency,
            grid="219981001001001",
            phone="" if given.found else "13812345678",
            source="grid" if given.found else "web",
            category_id=self._category(given.category),
        )
        filed = self._try(lambda: intake.file(report, at=at, by=self._who(by)))
        self.case = Case.objects.get(no=filed.number)

    def act(self, verb, *, outcome, by, at, answers: Mapping[str, str]):
        who, case = self._who(by), self.case
        deeds = {
            "accept": lambda: intake.accept(case, by=who, at=at),
            "answer": lambda: intake.answer(case, "可以这样办", by=who, at=at),
            "place": lambda: intake.place(case, self.cast.grid2.pk, by=who, at=at),
            "dispatch": lambda: dispatching.dispatch(case, to=self.cast.water, by=who, at=at),
            "sign": lambda: dispatching.sign(case, by=who, at=at),
            "hand_back": lambda: dispatching.hand_back(
                case, reason=answers.get("reason", ""), text="条例第三条", by=who, at=at
            ),
            "rule": lambda: dispatching.rule(case, uphold=outcome == "uphold", text="按条例", by=who, at=at),
            "contact": lambda: handling.contact(case, text="已联系", by=who, at=at),
            "hand_down": lambda: handling.hand_down(case, to=self.cast.water_team, by=who, at=at),
            "assist": lambda: self._assist(who, at),
            "reply": lambda: handling.reply(case, result=answers.get("result", ""), text="修好了", by=who, at=at),
            "approve": lambda: handling.approve(case, passed=outcome == "pass", by=who, at=at, text="改一改"),
            "verify": lambda: verifying.verify(
                case, passed=outcome == "pass", text="看过了", by=who, at=at, pictures=self._photo(at)
            ),
            "call_back": lambda: closing.call_back(
                case,
                reached=outcome != "unreached",
                contacted=True,
                solved=outcome == "solved",
                satisfied=4 if outcome == "solved" else 2,
                text="问过了",
                by=who,
                at=at,
            ),
            "confirm": lambda: closing.confirm(case, solved=outcome == "solved", text="我来说", at=at),
            "redo": lambda: closing.reopen(case, text="没解决", by=who, at=at),
            "withdraw": lambda: closing.withdraw(case, by=who, at=at),
            "urge": lambda: closing.urge(case, by=who, at=at),
        }
        self._try(deeds[verb])

    def _assist(self, who, at):
        """The team it was handed down to does its part; where nobody was asked, nobody can."""
        team = self.cast.team_handler if Task.objects.filter(case_id=self.case.pk, stage="open", kind="hand") else who
        handling.assist(self.case, text="做完了", by=team, at=at)

    def _photo(self, at):
        import io

        from PIL import Image

        from bihuan.dossier import photos

        out = io.BytesIO()
        Image.new("RGB", (8, 8), "teal").save(out, "JPEG")
        out.seek(0)
        return [photos.take(out, region_id=self.case.region_id, at=at).key]

    def advance_clock(self, at: datetime):
        sweep(at)

    def read(self) -> Seen:
        if self.case is None:
            return Seen(None, "", "", None, {}, (), ())
        self.case = Case.objects.get(pk=self.case.pk)
        clocks = Clock.objects.filter(case_id=self.case.pk)
        running = {clock.key: clock.due_at for clock in clocks.filter(stage="running")}
        fired = list(clocks.filter(stage="fired").order_by("ended_at", "pk").values_list("key", flat=True))
        queued = Outbox.objects.filter(case_id=self.case.pk, topic="tell").order_by("pk")
        told = [row.payload["message"] for row in queued]
        seen = Seen(
            self.case.state,
            self.case.result,
            self.case.ending,
            self.case.promise_at,
            running,
            tuple(fired[self._fired :]),
            tuple(told[self._told :]),
        )
        self._fired, self._told = len(fired), len(told)
        return seen

    def _who(self, by: str):
        if by == "resident":
            return RESIDENT
        if by in ("handler", "chief") and self.case and Case.objects.get(pk=self.case.pk).unit_id == self.cast.town.pk:
            by = f"town_{by}"  # the clock dispatched it to the place's own government
        return {"grid_worker": self.cast.worker}.get(by) or getattr(self.cast, by)

    def _category(self, key):
        from bihuan.loop.models import Category

        return Category.objects.get(key=key).pk if key else None

    def _try(self, deed):
        try:
            return deed()
        except REFUSED as error:
            raise Refused(None, str(error)) from error


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.key)
def test_the_loop_does_what_the_program_tells(cast, story, at):
    seed_calendar(at=at, first=2024, last=2025)
    mismatches = scenarios.play(story, LoopDoor(cast))
    assert not mismatches, "\n".join(map(str, mismatches))


def test_every_lapse_of_the_program_is_one_the_loop_can_act_out():
    from bihuan.loop.actions.lapsing import LAPSES

    program = document.load_file(PACK)
    assert {(rule.lapse, rule.outcome) for rule in program.clocks.values()} <= LAPSES
