"""Where a standing belongs: somebody moves to another village, or the net itself changes."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from bihuan.book.journal import SYSTEM, Acting
from bihuan.dossier import subjects
from bihuan.ladder import duties_due, rooms
from bihuan.ladder.models import Pass, Span, Standing, StandingEvent
from bihuan.ladder.posts import ANSWERABLE, WORDS, NotYours, area
from bihuan.ladder.record import locked, note, open_pass, place
from bihuan.ladder.rules import NotNow, rules_of
from bihuan.net.models import Posting, Role, Unit
from bihuan.net.scope import require_scope
from bihuan.net.tree import snapshot
from bihuan.programs.ladder import level_of


@transaction.atomic
def transfer(standing: Standing, to: Unit, *, by: Posting, at: datetime) -> StandingEvent:
    """Somebody belongs to another village from now on; the checks under way go on there.

    By an organiser of an area that holds both places. Raises NotNow, NotYours, OutOfScope, Full (D3).
    """
    standing = locked(standing, at=at)
    if standing.ended_at is not None or to.pk == standing.unit_id:
        raise NotNow(_("已经结束，或已经在这个地方。"))
    if by.role != Role.ORGANISER:
        raise NotYours(_("转移由组织干部办理。"))
    require_scope(by, standing.unit)
    require_scope(by, to)
    subjects.change(standing.subject, unit=to.pk)
    columns = _columns(to.pk)
    if standing.stage:
        rooms.require_place_at(standing, columns)
    return _put(standing, columns, by=by, at=at)


def follow_net(at: datetime) -> int:
    """Bring standings to where their unit lies today, after units were moved, merged or closed (N4); returns how many."""
    net = snapshot()
    units = Standing.objects.filter(ended_at=None).values_list("unit_id", "l2", "l3", "l4", "l5").distinct()
    astray = [row[0] for row in units if _columns(net.today(row[0])) != _as_columns(*row)]
    moved = 0
    for standing in Standing.objects.filter(ended_at=None, unit__in=set(astray)):
        with transaction.atomic():
            _put(locked(standing, at=at), _columns(net.today(standing.unit_id)), by=SYSTEM, at=at)
        moved += 1
    return moved


def _columns(unit_id: int) -> dict[str, Any]:
    levels = snapshot().levels(unit_id)
    return _as_columns(unit_id, levels.l2, levels.l3, levels.l4, levels.l5)


def _as_columns(unit_id: int, *levels: int | None) -> dict[str, Any]:
    return {"unit_id": unit_id, **dict(zip(("l2", "l3", "l4", "l5"), levels, strict=True))}


def _put(standing: Standing, columns: dict[str, Any], *, by: Acting, at: datetime) -> StandingEvent:
    was = standing.unit_id
    passing = open_pass(standing)
    event = note(standing, "place", by=by, at=at, facts={"was": was}, **columns)
    standing.unit = Unit.objects.get(pk=columns["unit_id"])
    if Span.objects.filter(standing=standing, until=None).update(until=at):
        Span.objects.create(
            standing=standing, program=standing.program, stage=standing.stage, since=at, **place(standing)
        )  # fmt: skip
    if passing is not None:
        passing.standing = standing
        _take_along(passing)
    for duty in duties_due.still_open(standing):
        rule = rules_of(standing).duties[duty.key]
        if rule.by != ANSWERABLE:
            duty.unit_id = area(standing, level_of(rule.by) or "village")
            duty.save(update_fields=["unit_id"])
    return event


def _take_along(passing: Pass) -> None:
    """The step under way lies at the same level of the new place."""
    old = snapshot().get(passing.step_unit)
    if old is not None and old.level in WORDS:
        passing.step_unit = area(passing.standing, WORDS[old.level])
        passing.save(update_fields=["step_unit"])
