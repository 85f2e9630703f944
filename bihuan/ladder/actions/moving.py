"""Moves: steps that need nobody's check, made by a post, by the subject, or by a clock."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.book.journal import Acting, who
from bihuan.book.models import Actor
from bihuan.ladder import course, posts, rooms, tell
from bihuan.ladder.actions.gates import NotEligible
from bihuan.ladder.answers import known, require_answers
from bihuan.ladder.answers import tell as write_down
from bihuan.ladder.models import Standing, StandingEvent
from bihuan.ladder.posts import NotYours
from bihuan.ladder.record import enter, locked, note, open_pass, words
from bihuan.ladder.rules import NotNow, rules_of, stage_of
from bihuan.net.models import Posting
from bihuan.net.postings import AboutOneself
from bihuan.programs.ladder import LadderMove, LadderProgram, TestLine


@transaction.atomic
def advance(
    standing: Standing,
    move: str,
    *,
    by: Acting,
    at: datetime,
    answers: Mapping[str, Any] | None = None,
    text: str = "",
) -> StandingEvent:
    """Make a move of the program. A verb without a meaning of its own: only what the document declares happens.

    Raises NotNow, NotYours, AboutOneself, Missing, NotEligible, Full (D3), NoWords.
    """
    standing = locked(standing, at=at)
    return make(standing, move, by=by, at=at, answers=answers or {}, text=text)


def make(
    standing: Standing, move: str, *, by: Acting, at: datetime, answers: Mapping[str, Any], text: str = ""
) -> StandingEvent:
    """The same for a standing that is locked or new."""
    rule, rules = _require_move(standing, move, by), rules_of(standing)
    write_down(standing.subject, rules, answers, by=by, at=at)
    facts = _judged(standing, rule, rules, by, at)
    if rule.to:
        rooms.require_place(standing, rule.to)
    left, to = standing.stage, rule.to or standing.stage
    changes = enter(standing, to, at=at, starts=rule.starts, stops=rule.stops)
    said = words(standing, text) if text.strip() else {}
    event = note(standing, "advance", by=by, at=at, facts={"move": rule.key, **facts, **said}, **changes)
    tell.of_move(standing, rule, at=at)
    course.call_next(standing, left, at=at)
    return event


def _require_move(standing: Standing, move: str, by: Acting) -> LadderMove:
    rules = rules_of(standing)
    rule = rules.moves.get(move)
    if standing.ended_at is not None or rule is None or rule not in rules.moves_from(stage_of(standing)):
        raise NotNow(_("现在的阶段不能进行这一项。请刷新后再看。"))
    if open_pass(standing) is not None:
        raise NotNow(_("已经有一项正在进行，等它结束后再来。"))
    clock = who(by).actor in (Actor.CLOCK, Actor.SYSTEM) and rule.when_free
    if not clock and not posts.posts_of(by, standing) & {*rule.by}:
        raise NotYours(_("您的岗位不能进行“%(move)s”。") % {"move": rule.title})
    if isinstance(by, Posting) and by.person_id in posts.recused(standing):
        raise AboutOneself
    return rule


def _judged(standing: Standing, rule: LadderMove, rules: LadderProgram, by: Acting, at: datetime) -> dict[str, Any]:
    """The facts a move rests on. Raises Missing, NotEligible; a clock is asked nothing."""
    if not rule.asks and not rule.must:
        return {}
    found = known(standing.subject, rules, at)
    if who(by).actor != Actor.CLOCK:
        require_answers(rules, rule.asks, found.values)
    on = timezone.localdate(at)
    lines = tuple(TestLine(rules.tests[key], rules.judge(key, found.values, on), True) for key in rule.must)
    if not all(line.verdict.ok for line in lines):
        raise NotEligible(lines, None)
    return {"facts": found.used({*rule.asks})}
