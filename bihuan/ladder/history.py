"""Bringing many onto a ladder at once: set-based, and equal, row for row, to `entering.enter` with `duties.assign`.

For a register that comes from another system, and for the demo's past. What the actions would say one by one (standing,
events with their chained hashes, spans, clocks, duties, the answerable leader) is computed here and written in a few
statements.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any

from django.db import models, transaction

from bihuan.book.journal import SYSTEM, By, event_data, event_hash
from bihuan.dossier.models import Subject
from bihuan.ladder import rooms
from bihuan.ladder.actions.entering import KEPT, new_standing
from bihuan.ladder.models import Answerable, Duty, Span, Standing, StandingEvent, Timer
from bihuan.ladder.posts import ANSWERABLE, area
from bihuan.ladder.record import place
from bihuan.lib.worktime import Duration, due
from bihuan.net.calendar import calendar_for
from bihuan.net.imports.copying import copy_made
from bihuan.net.models import Posting
from bihuan.programs import versions
from bihuan.programs.ladder import LadderProgram, level_of


@dataclass(frozen=True, slots=True)
class Past:
    """Somebody's way so far: the stages with since when, in order; a final one at the end means it is over.

    leader: the posting answerable for them now.
    """

    subject: Subject
    steps: Sequence[tuple[str, datetime]]
    reached_at: datetime | None = None
    leader: Posting | None = None


@transaction.atomic
def enter_all(program: str, pasts: Sequence[Past], *, by: By = SYSTEM, at: datetime) -> list[Standing]:
    """Bring everybody in; all or none. Clocks count from `at`.

    Nobody may stand in the program already (D1, held by the database). Raises Full (D3).
    """
    writing = _Writing(program, by, at)
    for past in pasts:
        writing.add(past)
    writing.require_places()
    writing.save()
    return writing.rows[Standing]


@dataclass
class _Writing:
    program: str
    by: By
    at: datetime
    rows: dict[type[models.Model], list[Any]] = field(default_factory=dict)
    taken: Counter[tuple[str, int]] = field(default_factory=Counter)
    rules: dict[int, LadderProgram] = field(default_factory=dict)
    dues: dict[tuple[int, Duration], datetime] = field(default_factory=dict)

    def add(self, past: Past) -> None:
        standing = new_standing(self.program, past.subject, self.at)
        rules = self.rules.setdefault(standing.version, versions.rules(standing.version))
        self._event(standing, "enter", {"stage": past.steps[-1][0]}, _first(standing))
        changes = _changes(past, rules)
        told = [[key, moment] for key, moment in past.steps]
        self._event(standing, "entered", {"stages": told}, changes)
        self._spans(standing, past, ended="ended_at" in changes)
        if "ended_at" not in changes:
            self._owed(standing, past, rules)
        self._keep(standing)

    def require_places(self) -> None:
        for (stage, unit), wanted in sorted(self.taken.items()):
            rooms.require_places(self.program, next(iter(self.rules.values())), stage, unit, wanted=wanted)

    def save(self) -> None:
        for rows in self.rows.values():
            copy_made(rows)

    def _keep(self, *rows: models.Model) -> None:
        for row in rows:
            self.rows.setdefault(type(row), []).append(row)

    def _event(self, standing: Standing, verb: str, facts: Mapping[str, Any], changes: dict[str, Any]) -> None:
        """The event and what it changes, chained to the one before."""
        for column, value in changes.items():
            setattr(standing, column, value)
        standing.n += 1
        data, told = event_data(changes, facts), (self.at, self.by, verb, standing.version)
        head = event_hash(bytes(standing.head), standing.region_id, standing.pk, standing.n, *told, data)
        standing.head = head
        self._keep(
            StandingEvent(
                standing_id=standing.pk,
                region_id=standing.region_id,
                n=standing.n,
                at=self.at,
                actor=self.by.actor,
                posting=self.by.posting,
                verb=verb,
                version=standing.version,
                data=data,
                hash=head,
            )
        )

    def _spans(self, standing: Standing, past: Past, *, ended: bool) -> None:
        span = partial(Span, standing=standing, program=self.program, **place(standing))
        for (stage, since), (_next, until) in pairwise(past.steps):
            self._keep(span(stage=stage, since=since, until=until))
        if not ended:
            self._keep(span(stage=past.steps[-1][0], since=past.steps[-1][1], until=None))

    def _owed(self, standing: Standing, past: Past, rules: LadderProgram) -> None:
        """Clocks, places, the leader and what is owed from now on."""
        stage = rules.stages[standing.stage]
        if stage.cap is not None:
            self.taken[stage.key, rooms.scope(standing, rules, stage.key)] += 1
        for key in [key for key in rules.clocks if key in stage.clocks]:
            limit = rules.clocks[key].limit
            self._keep(
                Timer(
                    standing=standing, key=key, limit=str(limit), started_at=self.at, due_at=self._due(standing, limit)
                )
            )
        if past.leader is not None:
            self._event(standing, "assign", {}, {"answerable": past.leader.pk})
            self._keep(Answerable(standing=standing, posting=past.leader.pk, since=self.at))
        self._keep(*self._duties(standing, past.leader, rules))

    def _duties(self, standing: Standing, leader: Posting | None, rules: LadderProgram) -> Iterator[Duty]:
        for rule in rules.duties.values():
            if standing.stage not in rule.in_:
                continue
            personal = leader if rule.by == ANSWERABLE else None
            level = "county" if rule.by == ANSWERABLE else level_of(rule.by) or "village"
            yield Duty(
                standing=standing, key=rule.key, posting=personal.pk if personal else None,
                unit_id=personal.unit_id if personal else area(standing, level),
                opened_at=self.at, due_at=self._due(standing, rule.every),
            )  # fmt: skip

    def _due(self, standing: Standing, limit: Duration) -> datetime:
        """The same for everybody of a county: worked out once."""
        key = (standing.region_id, limit)
        if key not in self.dues:
            self.dues[key] = due(limit, start=self.at, calendar=calendar_for(standing.region_id))
        return self.dues[key]


def _first(standing: Standing) -> dict[str, Any]:
    return {key: getattr(standing, key) for key in KEPT} | {"version": standing.version}


def _changes(past: Past, rules: LadderProgram) -> dict[str, Any]:
    """The columns of the stage they stand on, as coming in writes them."""
    stage, since = past.steps[-1]
    rule = rules.stages[stage]
    changes: dict[str, Any] = {"stage": stage, "rung": rule.order, "since": since, "entered_at": past.steps[0][1]}
    if rule.final:
        changes |= {"ended_at": since, "result": rule.result or rule.key}
    return changes | ({"reached": True, "reached_at": past.reached_at} if past.reached_at else {})
