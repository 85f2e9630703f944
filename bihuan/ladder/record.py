"""One act, one record: a standing's columns, spans, clocks and duties change together, with the event that says so."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from bihuan.book.journal import Acting, Stale, append
from bihuan.dossier import photos, texts
from bihuan.dossier.models import Photo
from bihuan.ladder import duties_due, timers
from bihuan.ladder.models import Pass, Span, Standing, StandingEvent
from bihuan.ladder.rules import rules_of
from bihuan.programs.ladder import LadderProgram, Stage

MOST_CHARACTERS = 2_000


class NoWords(Exception):
    """An act that must say something says nothing, or too much."""


def locked(standing: Standing, *, at: datetime) -> Standing:
    """The standing as it is at `at`, locked until the transaction ends; what ran out before has acted first (K3).

    Raises Stale when the caller said which event it saw last (`seen_n`) and there has been another since.
    """
    now = Standing.objects.select_for_update(of=("self",)).select_related("subject").get(pk=standing.pk)
    fire_due(now, at=at)
    if standing.seen_n is not None and standing.seen_n != now.n:
        raise Stale
    return now


def fire_due(standing: Standing, *, at: datetime) -> int:
    """Let everything of a locked standing that is due at `at` happen, in the order of the times; returns how much.

    Timers fire, and duties that were not done become late.
    """
    # What clocks do is told in terms of the acts, which stand above.
    from bihuan.ladder.actions import duties, lapsing

    fired = 0
    while True:
        timer = timers.lapsed(at).filter(standing=standing).first()
        duty = duties_due.overdue(at).filter(standing=standing).first()
        if duty is not None and (timer is None or duty.due_at <= timer.due_at):
            duties.mark_late(standing, duty)
        elif timer is not None:
            lapsing.fire(standing, timer)
        else:
            return fired
        fired += 1


def open_pass(standing: Standing) -> Pass | None:
    """The gate it is in, if it is in one."""
    found = Pass.objects.filter(standing=standing, ended_at=None).first()
    if found is not None:
        found.standing = standing
    return found


def note(
    standing: Standing, verb: str, *, by: Acting, at: datetime, facts: Mapping[str, Any], **changes: Any
) -> StandingEvent:
    """Record an act, with the columns it changes."""
    return append(standing, StandingEvent, verb, by=by, at=at, changes=changes, facts=facts)


def place(standing: Standing) -> dict[str, int | None]:
    """Where it belongs, for rows that count it there."""
    return {level: getattr(standing, level) for level in ("l2", "l3", "l4", "l5")}


# Stages


def enter(
    standing: Standing,
    stage: str,
    *,
    at: datetime,
    starts: Iterable[str] = (),
    stops: Iterable[str] = (),
) -> dict[str, Any]:
    """Come into a stage, or into the same again: spans, clocks and duties follow. Returns the columns that change."""
    rules = rules_of(standing)
    rule = rules.stages[stage]
    changes: dict[str, Any] = {} if stage == standing.stage else _moved(standing, rule, at)
    duties_due.follow(standing, rules, stage, at=at)
    _clock(standing, rules, rule, starts=starts, stops=stops, at=at)
    return changes


def _moved(standing: Standing, rule: Stage, at: datetime) -> dict[str, Any]:
    Span.objects.filter(standing=standing, until=None).update(until=at)
    changes: dict[str, Any] = {"stage": rule.key, "rung": rule.order, "since": at}
    if standing.entered_at is None:
        changes["entered_at"] = at
    if rule.final:
        return changes | {"ended_at": at, "result": rule.result or rule.key}
    Span.objects.create(standing=standing, program=standing.program, stage=rule.key, since=at, **place(standing))
    return changes


def _clock(
    standing: Standing,
    rules: LadderProgram,
    rule: Stage,
    *,
    starts: Iterable[str],
    stops: Iterable[str],
    at: datetime,
) -> None:
    """Those of the stage run, and run on if they did; the others stop; `starts` begin anew."""
    own = set() if rule.final else {*rule.clocks}
    running = timers.of_stage(standing)
    timers.stop(standing, (running - own) | {*stops}, at=at)
    if rule.final:
        return
    for key in [key for key in rules.clocks if (key in own - running and key not in {*stops}) or key in {*starts}]:
        timers.start(standing, key, rules.clocks[key].limit, at=at)


def ended(standing: Standing, result: str, at: datetime) -> dict[str, Any]:
    """The columns of a standing that ends without a final stage: a nominee refused or withdrawn."""
    Span.objects.filter(standing=standing, until=None).update(until=at)
    timers.stop(standing, timers.of_stage(standing), at=at)
    duties_due.drop(standing, at=at)
    return {"ended_at": at, "result": result}


# Words and pictures


def words(standing: Standing, body: str, key: str = "text") -> dict[str, Any]:
    """Keep the words of an act; returns what its event must hold: the text's id and digest. Raises NoWords."""
    body = body.strip()
    if not body:
        raise NoWords(_("请填写内容。"))
    if len(body) > MOST_CHARACTERS:
        raise NoWords(_("内容太长了，请控制在%(most)d字以内。") % {"most": MOST_CHARACTERS})
    text, digest = texts.write(body, region_id=standing.region_id, case_id=standing.pk)
    return {key: text.pk, "digest" if key == "text" else f"{key}_digest": digest}


def claim(standing: Standing, keys: Sequence[str]) -> None:
    """Attach photos to the act about to be recorded. Raises BadPhoto."""
    if keys:
        photos.claim(keys, case=standing, stage=Photo.Stage.CHECK, event_n=standing.n + 1)
