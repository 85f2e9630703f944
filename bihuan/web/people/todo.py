"""What waits for somebody on the ladders: steps to decide, duties to do, stages that run out. A fixed number of queries."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from bihuan.dossier.models import Kin
from bihuan.ladder.models import Duty, Pass, Timer, Vote
from bihuan.ladder.posts import ANSWERABLE, OVERSEERS, WORDS
from bihuan.ladder.rules import rules_of
from bihuan.ladder.steps import is_home, step_of
from bihuan.lib.worktime import spell_moment
from bihuan.loop.wording import language
from bihuan.net.models import Posting
from bihuan.net.tree import UnitRow, snapshot
from bihuan.programs.ladder import LadderProgram
from bihuan.web.people.frame import area_for

MOST = 100  # of each list
SOON = timedelta(days=14)
QUIET = ("notice", "appeal", "room")  # steps in which nobody of staff has anything to do


def own_post(posting: Posting) -> str:
    """How programs name this posting: organiser@town."""
    return f"{posting.role}@{WORDS.get(snapshot().unit(posting.unit_id).level, '')}"


def deciding(posting: Posting, at: datetime) -> list[dict[str, Any]]:
    """The steps that wait for this posting, the one due first first. Three queries; the page of each says it exactly."""
    area = area_for(posting)
    here = {f"standing__{column}": value for column, value in within(area).items()}
    # Those who wait for places are compared by the post of the gate, wherever the step was handed for want of others.
    wanted = Q(step_unit=area.id) | Q(step=Pass.Step.RANK, **here)
    rows = Pass.objects.filter(wanted, ended_at=None).exclude(step__in=QUIET)
    found = list(rows.select_related("standing__subject", "standing__unit").order_by("step_due", "id")[: MOST * 3])
    mine = [one for one in found if _is_mine(one, posting)]
    away = _away(mine, posting)
    return [_step_row(one, at) for one in mine if one.pk not in away][:MOST]


def _is_mine(passing: Pass, posting: Posting) -> bool:
    step = step_of(passing)
    own = own_post(posting)
    if step is None or step.kind == "rank":
        return step is not None and own in step.by
    if is_home(passing, step):
        return own in step.by or (ANSWERABLE in step.by and passing.standing.answerable == posting.pk)
    roles = {post.partition("@")[0] for post in (*step.by, *OVERSEERS)}
    return posting.role in roles


def _away(passes: list[Pass], posting: Posting) -> set[int]:
    """Those this person must keep out of: voted in already, kin, oneself. Comparing those who wait is no verdict."""
    judged = [one for one in passes if one.step != Pass.Step.RANK]
    voted = set(Vote.objects.filter(passing__in=judged, person=posting.person_id).values_list("passing_id", flat=True))
    subjects = {one.standing.subject_id for one in passes}
    kin = set(Kin.objects.filter(subject__in=subjects, person=posting.person_id).values_list("subject_id", flat=True))
    return voted | {
        one.pk
        for one in passes
        if one.standing.subject_id in kin or one.standing.subject.person_id == posting.person_id
    }


def _step_row(passing: Pass, at: datetime) -> dict[str, Any]:
    standing, rules, step = passing.standing, rules_of(passing.standing), step_of(passing)
    title = rules.label("step", step.node, language()) if step else ""
    return {
        "kind": step.kind if step else "",
        "name": standing.subject.name,
        "url": f"/people/s/{standing.no}/#now",
        "what": title,
        "where": snapshot().full_name(standing.unit_id),
        "program": rules.label("program", "title", language()),
        **due_words(passing.step_due, at),
    }


def due_words(due: datetime | None, at: datetime) -> dict[str, str]:
    """Until when, with how pressing it is."""
    if due is None:
        return {"due": "", "tone": "", "left": ""}
    late = at >= due
    tone = "late" if late else "near" if due - at < timedelta(days=3) else ""
    return {"due": moment(due), "tone": tone, "left": _("已逾期") if late else ""}


def moment(at: datetime) -> str:
    local = localtime(at)
    return spell_moment(local, lang=language(), year=local.year, ends=True)


def owed(posting: Posting, at: datetime) -> list[dict[str, Any]]:
    """Duties that this posting owes and that are late or due soon. One query."""
    area, own = area_for(posting), own_post(posting)
    open_ = Duty.objects.filter(done_at=None, dropped_at=None, due_at__lte=at + SOON)
    rows = open_.filter(Q(posting=posting.pk) | Q(posting=None, unit_id__in=[area.id, posting.unit_id]))
    found = rows.select_related("standing__subject", "standing__unit").order_by("due_at", "id")[: MOST * 2]
    return [_duty_row(one, at) for one in found if _owes(one, posting, own)][:MOST]


def _owes(duty: Duty, posting: Posting, own: str) -> bool:
    rule = rules_of(duty.standing).duties.get(duty.key)
    return rule is not None and (duty.posting == posting.pk or rule.by in (own, ANSWERABLE))


def _duty_row(duty: Duty, at: datetime) -> dict[str, Any]:
    standing, rules = duty.standing, rules_of(duty.standing)
    return {
        "name": standing.subject.name,
        "url": f"/people/s/{standing.no}/#duties",
        "what": rules.label("duty", duty.key, language()),
        "where": snapshot().full_name(standing.unit_id),
        "program": rules.label("program", "title", language()),
        **due_words(duty.due_at, at),
    }


def running_out(posting: Posting, ladders: list[LadderProgram], at: datetime) -> list[dict[str, Any]]:
    """Those whose time on a stage of this post runs out soon and is for this post to see to. One query."""
    own = own_post(posting)
    owned = {rules.key: [stage.key for stage in rules.stages.values() if stage.owner == own] for rules in ladders}
    wanted = Q(pk=None)
    for program, stages in owned.items():
        wanted |= Q(standing__program=program, standing__stage__in=stages)
    here = {f"standing__{column}": value for column, value in within(area_for(posting)).items()}
    rows = Timer.objects.filter(
        wanted, **here, stage=Timer.Stage.RUNNING, passing=None, objection=None, standing__ended_at=None,
        due_at__lte=at + SOON,
    )  # fmt: skip
    found = rows.select_related("standing__subject", "standing__unit").order_by("due_at", "id")[:MOST]
    return [_timer_row(one, at) for one in found if one.key in rules_of(one.standing).clocks]


def _timer_row(timer: Timer, at: datetime) -> dict[str, Any]:
    standing, rules = timer.standing, rules_of(timer.standing)
    return {
        "name": standing.subject.name,
        "url": f"/people/s/{standing.no}/#now",
        "what": f"{rules.label('stage', standing.stage, language())} · {rules.label('clock', timer.key, language())}",
        "where": snapshot().full_name(standing.unit_id),
        "program": rules.label("program", "title", language()),
        **due_words(timer.due_at, at),
    }


def within(area: UnitRow) -> dict[str, int]:
    """The column of standings, and its value, that holds what lies in an area; none for everything."""
    return {f"l{area.level}": area.id} if 2 <= area.level <= 5 else {}
