"""Going through a gate: opened, voted on in order by different people, withdrawn (D2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.book.journal import Acting, who
from bihuan.book.models import Actor
from bihuan.ladder import course, posts, tell, timers
from bihuan.ladder.answers import Missing, asks_behind, known, require_answers
from bihuan.ladder.answers import tell as write_down
from bihuan.ladder.models import Pass, Standing, Vote
from bihuan.ladder.posts import NotYours
from bihuan.ladder.record import locked, note, open_pass, words
from bihuan.ladder.rules import NotNow, rules_of, stage_of
from bihuan.net.models import Posting
from bihuan.net.postings import AboutOneself
from bihuan.programs.ladder import Gate, TestLine

__all__ = ["Cooling", "Missing", "NotEligible", "open_for", "open_gate", "vote", "withdraw"]


class NotEligible(Exception):
    """The tests of a gate are not met; `lines` holds every test with its verdict, `str` the reasons."""

    def __init__(self, lines: tuple[TestLine, ...], needed: int | None) -> None:
        self.lines = lines
        why = "；".join(line.verdict.why for line in lines if not line.verdict.ok)
        says = _("条件还不够：%(why)s。") if needed is None else _("条件还不够（至少要符合%(needed)d条）：%(why)s。")
        super().__init__(says % {"why": why, "needed": needed})


class Cooling(Exception):
    """Too early after the last time."""

    def __init__(self, until: datetime) -> None:
        day = timezone.localtime(until)
        super().__init__(_("上一次之后还没有过规定的时间，%(day)s以后才能再来。") % {"day": f"{day:%Y年%m月%d日}"})
        self.until = until


@transaction.atomic
def open_gate(
    standing: Standing,
    gate: str,
    *,
    by: Acting,
    at: datetime,
    answers: Mapping[str, Any] | None = None,
    text: str = "",
) -> Pass | None:
    """Open a gate for somebody on the ladder; its checks begin. Returns the pass.

    Raises NotNow (another gate is open, or this one does not lead on from here), NotYours, AboutOneself, Missing,
    NotEligible, Cooling.
    """
    standing = locked(standing, at=at)
    return open_for(standing, gate, by=by, at=at, answers=answers or {}, text=text)


def open_for(
    standing: Standing, gate: str, *, by: Acting, at: datetime, answers: Mapping[str, Any], text: str = ""
) -> Pass:
    """The same for a standing that is locked or new."""
    rule = _require_open(standing, gate, by=by, at=at)
    rules = rules_of(standing)
    write_down(standing.subject, rules, answers, by=by, at=at)
    found = known(standing.subject, rules, at)
    lines = rules.lines(rule, found.values, timezone.localdate(at))
    admitted = rules.admits(rule, found.values, timezone.localdate(at))
    if who(by).actor != Actor.CLOCK:  # a clock asks nobody; what the tests say, the reviewers read in the pass
        require_answers(rules, rule.asks, found.values)
        if not admitted:
            raise NotEligible(lines, rule.need.at_least if rule.need else None)
    facts = found.used(asks_behind(rules, rule))
    passing = _begin_pass(standing, rule, lines, facts, by=by, at=at, text=text)
    course.begin(passing, rule.after(None), by=by, at=at)
    return passing


def _begin_pass(
    standing: Standing,
    rule: Gate,
    lines: tuple[TestLine, ...],
    facts: list[int],
    *,
    by: Acting,
    at: datetime,
    text: str,
) -> Pass:
    actor = who(by)
    passing = Pass.objects.create(
        standing=standing,
        gate=rule.key,
        round=Pass.objects.filter(standing=standing, gate=rule.key).count() + 1,
        opened_at=at,
        opened_by=actor.posting,
        opener=actor.actor,
        step_since=at,
        facts=facts,
        tests=[[line.test.key, line.verdict.ok, line.verdict.why] for line in lines],
    )
    said = words(standing, text) if text.strip() else {}
    note(standing, "open", by=by, at=at, facts={"pass": passing.pk, "gate": rule.key, "facts": facts} | said)
    tell.of_gate(passing, "opened", at=at)
    return passing


def require_entrance(standing: Standing, gate: str) -> Gate:
    """Raises NotNow when the gate is no way into the program."""
    rule = rules_of(standing).gates.get(gate)
    if rule is None or rule not in rules_of(standing).gates_from(None):
        raise NotNow(_("这个项目没有这样的入口。"))
    return rule


def _require_open(standing: Standing, gate: str, *, by: Acting, at: datetime) -> Gate:
    rules = rules_of(standing)
    rule = rules.gates.get(gate)
    if standing.ended_at is not None or rule is None or rule not in rules.gates_from(stage_of(standing)):
        raise NotNow(_("现在的阶段不能进行这一项。请刷新后再看。"))
    if open_pass(standing) is not None:
        raise NotNow(_("已经有一项正在进行，等它结束后再来。"))
    if not posts.posts_of(by, standing) & {*rule.opens}:
        raise NotYours(_("您的岗位不能发起“%(gate)s”。") % {"gate": rule.title})
    if isinstance(by, Posting) and by.person_id == standing.subject.person_id:
        raise AboutOneself
    until = cooled(standing, rule, at) if who(by).actor != Actor.CLOCK else None
    if until is not None:
        raise Cooling(until)
    return rule


def cooled(standing: Standing, gate: Gate, at: datetime) -> datetime | None:
    """Until when a gate is closed to the subject after failing at it or leaving the ladder; None when it is open."""
    if gate.cool is None:
        return None
    same = Q(standing__program=standing.program, standing__subject=standing.subject_id, gate=gate.key)
    ends = [*Pass.objects.filter(same, result=Pass.Result.FAILED).values_list("ended_at", flat=True)]
    if not gate.from_:
        left = Standing.objects.filter(program=standing.program, subject=standing.subject_id, ended_at__isnull=False)
        ends += [*left.exclude(stage="").values_list("ended_at", flat=True)]
    until = timers.due(standing, gate.cool, start=max(ends)) if ends else None
    return until if until is not None and until > at else None


@transaction.atomic
def vote(standing: Standing, *, agree: bool, text: str = "", by: Posting, at: datetime) -> Vote:
    """Give the verdict of one's unit and post on the step a pass is at. A refusal needs its reason.

    Enough agreeing votes pass the step; one refusal ends the gate. Raises NotNow (no review is under way), NotYours,
    AboutOneself (N2), NoWords.
    """
    standing = locked(standing, at=at)
    passing = open_pass(standing)
    step = course.step_of(passing) if passing else None
    if passing is None or step is None or step.kind != "review" or passing.step_unit is None:
        raise NotNow(_("现在没有需要把关的步骤。请刷新后再看。"))
    home = course.is_home(passing, step)
    seat = posts.require_able(
        standing, step.by, passing.step_unit, by, timezone.localdate(at), passing=passing, home=home
    )
    said = words(standing, text) if text.strip() or not agree else {}
    given = _give(passing, agree, said, seat, by=by, at=at)
    if not agree:
        course.fail(passing, by=by, at=at, why=text.strip())
    elif passing.votes.filter(step=step.key, verdict=Vote.Verdict.AGREE).count() >= step.votes:
        course.carry_on(passing, by=by, at=at)
    return given


def _give(passing: Pass, agree: bool, said: Mapping[str, Any], seat: str, *, by: Posting, at: datetime) -> Vote:
    given = Vote.objects.create(
        passing=passing,
        step=passing.step,
        unit_id=passing.step_unit,
        posting=by.pk,
        person=by.person_id,
        verdict=Vote.Verdict.AGREE if agree else Vote.Verdict.REFUSE,
        text_id=said.get("text"),
        standing_in=seat,
        at=at,
    )
    facts = {"pass": passing.pk, "gate": passing.gate, "step": passing.step, "agree": agree, "as": seat} | dict(said)
    note(passing.standing, "vote", by=by, at=at, facts=facts)
    return given


@transaction.atomic
def withdraw(standing: Standing, *, text: str = "", by: Acting, at: datetime) -> Pass:
    """Whoever opened a gate takes it back; the subject may always take back his own coming in.

    Not once it is decided and only the time to appeal runs. Raises NotNow, NotYours, NoWords.
    """
    standing = locked(standing, at=at)
    passing = open_pass(standing)
    if passing is None or passing.step in (Pass.Step.APPEAL, Pass.Step.RULING):
        raise NotNow(_("现在没有可以撤回的申报。"))
    if not may_withdraw(passing, by):
        raise NotYours(_("只有发起的人能撤回。"))
    said = words(standing, text) if text.strip() else {}
    course.draw_back(passing, by=by, at=at, facts=said)
    return passing


def may_withdraw(passing: Pass, by: Acting) -> bool:
    """The subject: what he opened himself, or his own nomination. A post: what somebody of its unit and role opened."""
    if not isinstance(by, Posting):
        return by.actor == Actor.RESIDENT and (passing.opener == Actor.RESIDENT or not passing.standing.stage)
    opener = Posting.objects.filter(pk=passing.opened_by).first()
    return opener is not None and (opener.unit_id, opener.role) == (by.unit_id, by.role)
