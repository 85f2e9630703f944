"""One act, one record: state, clocks, tasks, counts and messages of a move change together, with the event that says so."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bihuan.book.journal import Acting, Stale, append
from bihuan.book.models import Outbox, TallyDelta
from bihuan.dossier import photos, texts
from bihuan.dossier.models import Photo
from bihuan.lib import worktime
from bihuan.loop import clock
from bihuan.loop.counts import counted, deltas
from bihuan.loop.models import Case, CaseEvent, Task
from bihuan.loop.moves import rules_of
from bihuan.loop.report import MOST_CHARACTERS
from bihuan.loop.touching import hints
from bihuan.programs.document import Move


def locked(case: Case, *, at: datetime) -> Case:
    """The case as it stands at `at`, locked until the transaction ends.

    Clocks that ran out before `at` act first, whether or not a sweep has come: no act can overtake the time (K3).
    Raises Stale when the caller said which event it saw last (`case.seen_n`) and there has been another since.
    """
    now = Case.objects.select_for_update().get(region_id=case.region_id, pk=case.pk)
    fire_due(now, at=at)
    if case.seen_n is not None and case.seen_n != now.n:
        raise Stale
    return now


def fire_due(case: Case, *, at: datetime) -> int:
    """Fire every clock of a locked case that is due at `at`, in the order of their times; returns how many."""
    from bihuan.loop.actions.lapsing import fire  # what clocks do is told in terms of the acts, which stand above

    fired = 0
    while due := next((one for one in clock.ticking(case) if one.due_at <= at), None):
        fire(case, due)
        case.refresh_from_db(from_queryset=Case.objects.filter(region_id=case.region_id))
        case.ticking = None
        fired += 1
    return fired


def advance(
    case: Case,
    move: Move,
    *,
    by: Acting,
    at: datetime,
    changes: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> CaseEvent:
    """Make a legal move of a locked case: everything the program declares for it, and the caller's own `changes`.

    changes: columns this act sets. facts: what else the event should tell (ids of texts, names of units).
    Stops and starts the move's clocks, sets state and due_at, ends open tasks when the case ends, writes the event,
    the counts, what must be told and hints for the units it touches. Costs five to eight statements.
    """
    before, had = counted(case), case.unit_id
    changes = {**_declared(move, at), **(changes or {})}
    for column, value in changes.items():
        setattr(case, column, value)
    changes |= _run_clocks(case, move, at)
    if rules_of(case).states[case.state].final:
        _close_tasks(case, at)
    outcome = {"outcome": move.outcome} if move.outcome else {}
    event = append(case, CaseEvent, move.verb, by=by, at=at, changes=changes, facts={**outcome, **(facts or {})})
    TallyDelta.objects.bulk_create(deltas(case.region_id, before, counted(case)))
    touched = _touched(case, had, facts or {})
    Outbox.objects.bulk_create([*_tellings(case, move, event, at), *hints(case, touched, at=at)])
    return event


def _touched(case: Case, had: int, facts: Mapping[str, Any]) -> set[int]:
    """The units whose screens show something else now: who had the case, who has it, who was given a part of it."""
    return {had, case.unit_id, facts.get("unit", had), *facts.get("assisting", ())}


def _declared(move: Move, at: datetime) -> dict[str, Any]:
    """The columns that the program itself sets by a move."""
    where = {"state": move.to} if move.to else {}
    return where | ({"closed_at": at, "ending": move.ending} if move.ending else {})


def note(case: Case, verb: str, *, by: Acting, at: datetime, facts: Mapping[str, Any], **changes: Any) -> CaseEvent:
    """Record an act that leaves the state alone: an opinion, an urging, an overdue mark."""
    before = counted(case)
    event = append(case, CaseEvent, verb, by=by, at=at, changes=changes, facts=facts)
    TallyDelta.objects.bulk_create(deltas(case.region_id, before, counted(case)))
    Outbox.objects.bulk_create(hints(case, [case.unit_id], at=at))
    return event


class NoWords(Exception):
    """An act that must say something says nothing, or too much."""


def words(case: Case, body: str, key: str = "text") -> dict[str, Any]:
    """Keep the words of an act; returns what its event must hold: the text's id and digest under `key`.

    Raises NoWords with a sentence for the user.
    """
    body = body.strip()
    if not body:
        raise NoWords("请填写内容。")
    if len(body) > MOST_CHARACTERS:
        raise NoWords(f"内容太长了（{len(body)}字），请控制在{MOST_CHARACTERS}字以内。")
    text, digest = texts.write(body, region_id=case.region_id, case_id=case.pk)
    return {key: text.pk, "digest" if key == "text" else f"{key}_digest": digest}


def claim(case: Case, keys: Sequence[str], stage: Photo.Stage) -> None:
    """Attach photos to the act about to be recorded. Raises BadPhoto when one is gone or taken, or there are too many."""
    if keys:
        photos.claim(keys, case=case, stage=stage, event_n=case.n + 1)


def _run_clocks(case: Case, move: Move, at: datetime) -> dict[str, Any]:
    """Stop and start the clocks of the move; returns the due times that follow."""
    rules, changes = rules_of(case), {}
    clock.stop(case, move.stops, at=at)
    for key in move.starts:
        started = clock.start(case, key, at=at)
        if rules.clocks[key].promise:
            changes["promise_at"] = started.due_at
    steps = rules.states[case.state].clocks
    if step := next((one for one in clock.ticking(case) if one.key in steps), None):
        # A promise stays the due time also when its clock has run out and goes on counting by repeating.
        promise = changes.get("promise_at", case.promise_at)
        changes["due_at"] = promise if rules.clocks[step.key].promise and promise else step.due_at
    return changes


def _close_tasks(case: Case, at: datetime) -> None:
    rows = Task.objects.filter(region_id=case.region_id, case_id=case.pk, stage=Task.Stage.OPEN)
    rows.filter(kind=Task.Kind.LEAD).update(stage=Task.Stage.DONE, ended_at=at)
    rows.update(stage=Task.Stage.DROPPED, ended_at=at)
    clock.stop(case, {one.key for one in clock.ticking(case)}, at=at)


def _tellings(case: Case, move: Move, event: CaseEvent, at: datetime) -> list[Outbox]:
    """The move's messages as they are queued; the pump sends them after the commit."""
    belongs = {"region_id": case.region_id, "case_id": case.pk}
    return [Outbox(**belongs, topic="tell", payload=tell_payload(case, key, event.n), run_at=at) for key in move.tells]


def tell_payload(case: Case, message: str, n: int) -> dict[str, Any]:
    """What a message needs that may have changed by the time it is sent."""
    return {
        "message": message,
        "n": n,
        "unit": case.unit_id,
        "version": case.version,
        "result": case.result,
        "due": case.promise_at and case.promise_at.isoformat(),
        "step_due": case.due_at.isoformat(),
        "until": _reopens_until(case),
    }


def _reopens_until(case: Case) -> str | None:
    """Until when a closed case may be opened again, if its program lets it."""
    window = rules_of(case).window(case.state) if case.closed_at else None
    if window is None:
        return None
    return worktime.due(window, start=case.closed_at, calendar=clock.calendar(case)).isoformat()
