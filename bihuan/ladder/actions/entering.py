"""Coming onto a ladder: nominated by a post, by oneself from the public page, or brought in with a history."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bihuan.book.journal import RESIDENT, SYSTEM, Acting
from bihuan.dossier.models import Subject
from bihuan.ladder import course, rooms
from bihuan.ladder.actions import gates, moving
from bihuan.ladder.models import Span, Standing, StandingEvent
from bihuan.ladder.record import enter as enter_stage
from bihuan.ladder.record import note, place
from bihuan.ladder.rules import NotNow
from bihuan.lib.codes import new_short_code
from bihuan.net.tree import snapshot
from bihuan.programs import versions
from bihuan.programs.kinds import CLOCK
from bihuan.programs.ladder import LadderProgram


class AlreadyThere(Exception):
    """D1: the subject stands in this program already."""

    def __init__(self) -> None:
        super().__init__(_("此人已经在这个项目里，不能重复进入。"))


@transaction.atomic
def nominate(
    program: str,
    subject: Subject,
    *,
    gate: str,
    by: Acting,
    at: datetime,
    answers: Mapping[str, Any] | None = None,
    text: str = "",
) -> Standing:
    """Propose a subject at an entering gate; the checks of the gate begin. `by` RESIDENT: the subject's own application.

    answers: by ask, what is said with it and kept in the dossier.   text: why, in words.
    Raises AlreadyThere (D1), NotNow, NotYours, AboutOneself, Missing, NotEligible with the reasons, Cooling.
    """
    standing = _new(program, subject, at)
    gates.require_entrance(standing, gate)
    _make(standing, "nominate", {"gate": gate}, by=by, at=at)
    gates.open_for(standing, gate, by=by, at=at, answers=answers or {}, text=text)
    return standing


def apply(
    program: str, subject: Subject, *, gate: str, at: datetime, answers: Mapping[str, Any] | None = None, text: str = ""
) -> Standing:
    """The subject's own application, from the public page."""
    return nominate(program, subject, gate=gate, by=RESIDENT, at=at, answers=answers, text=text)


@transaction.atomic
def start(
    program: str,
    subject: Subject,
    *,
    move: str,
    by: Acting,
    at: datetime,
    answers: Mapping[str, Any] | None = None,
) -> Standing:
    """Come in by a move without checks, where the program has one.

    Raises AlreadyThere, NotNow, NotYours, Missing, NotEligible, Full.
    """
    standing = _new(program, subject, at)
    _make(standing, "nominate", {"move": move}, by=by, at=at)
    moving.make(standing, move, by=by, at=at, answers=answers or {})
    return standing


@transaction.atomic
def enter(
    subject: Subject,
    program: str,
    stage: str,
    since: datetime,
    *,
    by: Acting = SYSTEM,
    at: datetime,
    earlier: Sequence[tuple[str, datetime]] = (),
    reached_at: datetime | None = None,
) -> Standing:
    """Bring in somebody who stands on a stage since long ago (an import).

    earlier: the stages before and since when, in order.   A final `stage` ended at `since`. Clocks count from `at`: what
    was due before anybody kept it here is not held against anyone. Raises AlreadyThere, Full (D3), NotNow.
    """
    standing = _new(program, subject, at)
    rules: LadderProgram = versions.rules(standing.version)
    steps = [*earlier, (stage, since)]
    for key, moment in steps:
        if key not in rules.stages or moment > at:
            raise NotNow(_("阶段或时间不对：“%(stage)s”。") % {"stage": key})
    _make(standing, "enter", {"stage": stage}, by=by, at=at)
    rooms.require_place(standing, stage)
    changes = enter_stage(standing, stage, at=at) | {"since": since, "entered_at": steps[0][1]}
    if "ended_at" in changes:
        changes["ended_at"] = since
    if reached_at is not None:
        changes |= {"reached": True, "reached_at": reached_at}
    _write_spans(standing, steps, ended="ended_at" in changes)
    told = [[key, moment] for key, moment in steps]
    note(standing, "entered", by=by, at=at, facts={"stages": told}, **changes)
    course.call_next(standing, "", at=at)
    return standing


def _write_spans(standing: Standing, steps: Sequence[tuple[str, datetime]], *, ended: bool) -> None:
    Span.objects.filter(standing=standing).delete()
    until = [moment for _key, moment in steps[1:]] + [None]
    rows = [(key, since, end) for (key, since), end in zip(steps, until, strict=True)]
    Span.objects.bulk_create(
        Span(standing=standing, program=standing.program, stage=key, since=since, until=end, **place(standing))
        for key, since, end in (rows[:-1] if ended else rows)
    )


def _new(program: str, subject: Subject, at: datetime) -> Standing:
    """An unsaved standing. Raises AlreadyThere (D1)."""
    if Standing.objects.filter(program=program, subject=subject, ended_at=None).exists():
        raise AlreadyThere
    return new_standing(program, subject, at)


def new_standing(program: str, subject: Subject, at: datetime) -> Standing:
    """An unsaved standing of the version in force where the subject belongs."""
    version = versions.in_force(program, at, subject.unit_id)
    net = snapshot()
    levels = net.levels(subject.unit_id)
    return Standing(
        no=new_short_code(),
        program=program,
        version=version.pk,
        subject=subject,
        unit_id=subject.unit_id,
        region_id=net.region_of(subject.unit_id),
        l2=levels.l2,
        l3=levels.l3,
        l4=levels.l4,
        l5=levels.l5,
        since=at,
    )


KEPT = ("no", "program", "subject_id", "unit_id", "l2", "l3", "l4", "l5", "since")


def _make(standing: Standing, verb: str, facts: Mapping[str, Any], *, by: Acting, at: datetime) -> StandingEvent:
    """Write the row and its first event, which says every column it began with."""
    try:
        with transaction.atomic():
            standing.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadyThere from error
    columns = {key: getattr(standing, key) for key in KEPT} | {"version": standing.version}
    return note(standing, verb, by=by, at=at, facts=facts, **columns)


def entrances(rules: LadderProgram) -> list[str]:
    """The gates by which people may come in; those of the clock alone are not offered."""
    return [gate.key for gate in rules.gates_from(None) if {*gate.opens} - {CLOCK}]
