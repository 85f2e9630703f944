"""Ranking: those who wait for the places of a stage are compared by the program's rule, and the comparison is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.book.journal import CLOCK, Acting
from bihuan.dossier import facts
from bihuan.ladder import course, rooms
from bihuan.ladder.actions import moving
from bihuan.ladder.actions.gates import NotEligible
from bihuan.ladder.models import Pass, Ranked, Ranking, Standing
from bihuan.ladder.posts import WORDS, NotYours, require_posting
from bihuan.ladder.record import fire_due, note, open_pass
from bihuan.ladder.rules import NotNow, rules_of
from bihuan.net.models import Posting
from bihuan.net.scope import require_scope
from bihuan.net.tree import snapshot
from bihuan.programs import versions
from bihuan.programs.ladder import Gate, LadderMove, LadderProgram, Rank


@dataclass(frozen=True, slots=True)
class Waiting:
    """One who waits for a place. `key` sorts the line; `value` and `tie` are the answers compared, as text."""

    standing: Standing
    since: datetime
    key: tuple[Any, ...]
    value: str = ""
    tie: str = ""


# The line


def line(program: str, key: str, unit_id: int, at: datetime) -> list[Waiting]:
    """Who waits at a gate (or for a move that the clock makes) for the places of an area, the first first.

    unit_id: the area the cap counts in; rooms.EVERYWHERE for one that counts all. Two to three queries.
    """
    rules = _rules(program, unit_id, at)
    rule = rules.gates.get(key) or rules.moves[key]
    return _in_line(program, rules, rule, unit_id, at)


def _rules(program: str, unit_id: int, at: datetime) -> LadderProgram:
    return versions.rules(versions.in_force(program, at, unit_id or None).pk)


def _in_line(
    program: str,
    rules: LadderProgram,
    rule: Gate | LadderMove,
    unit_id: int,
    at: datetime,
    steps: Sequence[str] = (Pass.Step.RANK, Pass.Step.ROOM),
) -> list[Waiting]:
    there = _at_gate(program, rule, steps) if isinstance(rule, Gate) else _at_move(program, rule)
    to = rule.to or ""
    here = [(one, since) for one, since in there if rooms.scope(one, rules, to) == unit_id]
    answers = facts.answers_of({one.subject_id for one, _since in here}, rules, timezone.localdate(at))
    waiting = [_waiting(one, since, rule.rank, facts.plain(answers[one.subject_id])) for one, since in here]
    return sorted(waiting, key=lambda one: one.key)


def _at_gate(program: str, gate: Gate, steps: Sequence[str]) -> list[tuple[Standing, datetime]]:
    passes = Pass.objects.filter(standing__program=program, gate=gate.key, step__in=steps, ended_at=None)
    return [(one.standing, one.step_since) for one in passes.select_related("standing__subject")]


def _at_move(program: str, move: LadderMove) -> list[tuple[Standing, datetime]]:
    busy = Pass.objects.filter(ended_at=None).values("standing")
    there = Standing.objects.filter(program=program, stage__in=move.from_, ended_at=None).exclude(pk__in=busy)
    return [(one, one.since) for one in there.select_related("subject")]


def _waiting(standing: Standing, since: datetime, rank: Rank | None, answers: dict[str, Any]) -> Waiting:
    """Ties are broken by who waits longer, then by who came first on the ladder."""
    if rank is None:
        return Waiting(standing, since, (since, standing.pk))
    shown = [str(answers.get(ask, "")) if ask else "" for ask in (rank.by, rank.then)]
    return Waiting(standing, since, (rank.row(answers), since, standing.pk), *shown)


# Choosing


@transaction.atomic
def rank(program: str, gate: str, unit_id: int, *, by: Posting, at: datetime) -> Ranking:
    """Compare those who wait at a gate and give them the free places in order; the comparison is stored, and who has no
    place yet goes on waiting for one.

    unit_id: the area the places are counted in. By the posts of the gate's ranking, in an area they cover.
    Raises NotYours, OutOfScope, NotNow (nobody waits).
    """
    require_posting(by)
    rules = _rules(program, unit_id, at)
    rule = rules.gates[gate]
    level = WORDS.get(snapshot().unit(by.unit_id).level)
    if rule.rank is None or f"{by.role}@{level}" not in rule.step("rank").by:
        raise NotYours(_("您的岗位不能进行排名。"))
    if unit_id != rooms.EVERYWHERE:
        require_scope(by, snapshot().unit(unit_id))
    waiting = _in_line(program, rules, rule, unit_id, at)
    if not waiting:
        raise NotNow(_("没有等待名额的人。"))
    return _choose(program, rules, rule, unit_id, waiting, by=by, at=at)


def compare(passing: Pass, *, by: Acting, at: datetime) -> Ranking:
    """The same for everybody who waits with this one, of whom the time to compare is over."""
    standing, gate = passing.standing, course.gate_of(passing)
    rules = rules_of(standing)
    unit = rooms.scope(standing, rules, gate.to)
    waiting = _in_line(standing.program, rules, gate, unit, at)
    return _choose(standing.program, rules, gate, unit, waiting, by=by, at=at, held=standing)


@transaction.atomic
def fill(program: str, stage: str, unit_id: int, *, version: int, at: datetime) -> int:
    """Let those who wait into a stage while it has places: from its gates by rank, then by the moves of the clock.

    version: of the standing that left or came. Returns how many came in.
    """
    rules: LadderProgram = versions.rules(version)
    before = rooms.taken(program, rules, stage, unit_id)
    for gate in (gate for gate in rules.gates.values() if gate.to == stage):
        waiting = _in_line(program, rules, gate, unit_id, at, [Pass.Step.ROOM])
        if waiting and rooms.free(program, rules, stage, unit_id):
            _choose(program, rules, gate, unit_id, waiting, by=CLOCK, at=at)
    for move in (move for move in rules.moves.values() if move.when_free and move.to == stage):
        _call_in(_in_line(program, rules, move, unit_id, at), move, at)
    return rooms.taken(program, rules, stage, unit_id) - before


def _choose(
    program: str,
    rules: LadderProgram,
    gate: Gate,
    unit_id: int,
    waiting: Sequence[Waiting],
    *,
    by: Acting,
    at: datetime,
    held: Standing | None = None,
) -> Ranking:
    """Store the order, and let them in one after the other; whom the places do not reach waits on. held: locked already."""
    places = rooms.free(program, rules, gate.to, unit_id)
    ranking = Ranking.objects.create(
        program=program,
        gate=gate.key,
        unit_id=unit_id,
        at=at,
        by=by.pk if isinstance(by, Posting) else None,
        places=places,
        rule=_in_words(rules, gate.rank),
    )
    chosen = {one.standing.pk for n, one in enumerate(waiting, 1) if _let_in(one, n, ranking, held, by=by, at=at)}
    Ranked.objects.bulk_create(
        Ranked(
            ranking=ranking,
            standing=one.standing,
            place=n,
            value=one.value[:40],
            tie=one.tie[:40],
            waiting_since=one.since,
            chosen=one.standing.pk in chosen,
        )
        for n, one in enumerate(waiting, start=1)
    )
    return ranking


def _let_in(one: Waiting, n: int, ranking: Ranking, held: Standing | None, *, by: Acting, at: datetime) -> bool:
    """Whether it came in."""
    here = held if held is not None and held.pk == one.standing.pk else _locked_if_free(one.standing, at)
    passing = open_pass(here) if here is not None else None
    if here is None or passing is None or passing.step not in (Pass.Step.RANK, Pass.Step.ROOM):
        return False
    note(here, "rank", by=by, at=at, facts={"ranking": ranking.pk, "place": n}, rank_value=one.value[:40])
    course.take_effect(passing, by=by, at=at)
    return passing.result == Pass.Result.PASSED


def _locked_if_free(standing: Standing, at: datetime) -> Standing | None:
    """The standing under its lock, or None while somebody else holds it: whoever holds the places must not wait for it, as
    it may be waiting for the places. It is looked at again in a moment."""
    free = Standing.objects.select_for_update(skip_locked=True, of=("self",)).select_related("subject")
    now = free.filter(pk=standing.pk).first()
    if now is None:
        for wanted in _wanted(standing):
            rooms.call_next(standing, wanted.to or "", at=at + AGAIN)
        return None
    fire_due(now, at=at)
    return now


AGAIN = timedelta(seconds=2)


def _wanted(standing: Standing) -> list[Gate | LadderMove]:
    """What it may be waiting for."""
    rules = rules_of(standing)
    waiting = Pass.objects.filter(standing=standing, ended_at=None, step=Pass.Step.ROOM).first()
    if waiting is not None:
        return [rules.gates[waiting.gate]]
    return [move for move in rules.moves_from(standing.stage or None) if move.when_free and move.to]


def _in_words(rules: LadderProgram, rank: Rank | None) -> str:
    """How the order came about, kept with it; in Chinese whoever asks."""
    if rank is None:
        return "先等待的在前"
    order = {"desc": "从高到低", "asc": "从低到高"}[rank.order]
    asks = "，".join(f"“{rules.asks[ask].title}”{order}" for ask in (rank.by, rank.then) if ask)
    return f"按{asks}；相同的，先等待的在前"[:200]


def _call_in(waiting: Sequence[Waiting], move: LadderMove, at: datetime) -> None:
    """The clock makes the move for the first in line, and the next, until the places are taken.

    Who does not meet what the move asks of him is passed over.
    """
    for one in waiting:
        standing = _locked_if_free(one.standing, at)
        if standing is None or standing.stage not in move.from_ or open_pass(standing) is not None:
            continue
        try:
            with transaction.atomic():
                moving.make(standing, move.key, by=CLOCK, at=at, answers={})
        except rooms.Full:
            return
        except NotEligible:
            continue
