"""Telling people: an act queues what its program says, the pump puts it into words for those it is meant for (S3)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from bihuan.book import messages, outbox
from bihuan.book.models import Message, Outbox
from bihuan.ladder import posts, steps
from bihuan.ladder.links import own_url
from bihuan.ladder.models import Duty, Pass, Standing
from bihuan.ladder.rules import rules_of
from bihuan.lib.worktime import spell_moment
from bihuan.net.models import Posting
from bihuan.net.postings import is_standing
from bihuan.net.tree import snapshot
from bihuan.programs import versions
from bihuan.programs.ladder import LadderClock, LadderMove, LadderProgram

TOPIC = "ladder"
LATE = "duty_late"  # said of a duty whose time is over; a document may say it in its own words under this key
LATE_TEXT = "“{program}”：{name}的“{step}”到期未办，责任单位{unit}，请督促。"
UP_TEXT = "“{program}”：{name}的“{step}”下级逾期未办，已转到{unit}，请于{due}前办理。"
UP = "step_up"


# Queueing


def of_gate(passing: Pass, moment: str, *, at: datetime, why: str = "") -> None:
    """What a gate says when it is opened, at each step, when it is passed or not."""
    standing, gate = passing.standing, rules_of(passing.standing).gates[passing.gate]
    _queue(standing, gate.tells.get(moment, ()), at, passing=passing, why=why)


def of_move(standing: Standing, move: LadderMove, *, at: datetime) -> None:
    _queue(standing, move.tells, at)


def of_clock(standing: Standing, clock: LadderClock, *, at: datetime) -> None:
    _queue(standing, clock.tells, at)


def above(passing: Pass, *, at: datetime) -> None:
    """Those who have a step now because those below let it lie."""
    step = steps.step_of(passing)
    on = timezone.localdate(at)
    if step is not None and passing.step_unit is not None:
        there = posts.able(passing.standing, step.by, passing.step_unit, on, passing=passing, home=False)
        _write(passing.standing, UP, at, [one.pk for one in there], _told(passing.standing, passing, ""))


def late(standing: Standing, duty: Duty) -> None:
    """The unit above the one that owes it, told once."""
    at, rule = duty.due_at, rules_of(standing).duties[duty.key]
    told = _told(standing, None, "") | {"step": rule.title, "unit": duty.unit_id, "due": at.isoformat()}
    _write(standing, LATE, at, [one.pk for one in over(standing, duty.unit_id, at)], told)


def over(standing: Standing, unit_id: int, at: datetime) -> list[Posting]:
    """Organisers and leaders of the nearest level above a unit that has any; at the top, its own."""
    on, net = timezone.localdate(at), snapshot()
    own = [unit for unit in posts.areas(standing) if unit in net.unit(unit_id).path]
    here = posts.area_above(standing, own[0]) if own else None
    while here is not None:
        if there := posts.holders(posts.OVERSEERS, here, on):
            return there
        here = posts.area_above(standing, here)
    return posts.holders(posts.OVERSEERS, posts.areas(standing)[-1], on)


def _queue(standing: Standing, keys: Iterable[str], at: datetime, passing: Pass | None = None, why: str = "") -> None:
    rules = rules_of(standing)
    for key in keys:
        told = _told(standing, passing, why)
        receivers = _receivers(standing, rules.messages[key].audience, passing, at)
        _write(standing, key, at, receivers, told)


def _told(standing: Standing, passing: Pass | None, why: str) -> dict[str, Any]:
    """What a message needs that may have changed by the time it is sent."""
    gate = passing.gate if passing else ""
    return {
        "standing": standing.pk,
        "version": standing.version,
        "stage": standing.stage,
        "gate": gate,
        "step": f"{gate}.{passing.step}" if passing and passing.step else "",
        "unit": passing.step_unit if passing and passing.step_unit else standing.unit_id,
        "due": passing.step_due.isoformat() if passing and passing.step_due else None,
        "why": why,
    }


def _write(standing: Standing, key: str, at: datetime, receivers: Sequence[int | None], told: dict[str, Any]) -> None:
    """One row for each receiver; None: the subject."""
    Outbox.objects.bulk_create(
        Outbox(
            region_id=standing.region_id,
            topic=TOPIC,
            case_id=standing.pk,
            payload=told | {"message": key, "to": receiver},
            run_at=at,
        )
        for receiver in receivers
    )


def _receivers(standing: Standing, audience: str, passing: Pass | None, at: datetime) -> list[int | None]:
    if audience == "subject":
        return [None]
    on = timezone.localdate(at)
    if audience == "answerable":
        return [one.pk for one in posts.owner(standing, posts.ANSWERABLE, on)]
    step = steps.step_of(passing) if passing and passing.step else None
    if audience == "reviewers":
        if passing is None or step is None or passing.step_unit is None:
            return []
        home = steps.is_home(passing, step)
        there = posts.able(standing, step.by, passing.step_unit, on, passing=passing, home=home)
        return [one.pk for one in there]
    stage = rules_of(standing).stages.get(standing.stage)
    owners = posts.owner(standing, stage.owner if stage else None, on)
    if audience == "post":
        return [one.pk for one in owners]
    unit = passing.step_unit if passing and passing.step_unit else standing.unit_id
    return [one.pk for one in over(standing, unit, at)]


# Saying


@outbox.handles(TOPIC)
def say(rows: Sequence[Outbox], at: datetime) -> None:
    """Say what the rows ask for. A message keeps its outbox row's id, so a second try says nothing twice (S3)."""
    standings = Standing.objects.filter(pk__in={row.payload["standing"] for row in rows}).select_related("subject")
    by_id = {standing.pk: standing for standing in standings}
    held = _held(rows, at)
    said = [_message(row, by_id[row.payload["standing"]]) for row in rows if row.payload["to"] in held]
    messages.send(said, at)


def _held(rows: Sequence[Outbox], at: datetime) -> set[int | None]:
    """The receivers who still hold their posting; the subject always."""
    wanted = {row.payload["to"] for row in rows} - {None}
    on = timezone.localdate(at)
    return {None} | {one.pk for one in Posting.objects.filter(pk__in=wanted) if is_standing(one, on)}


def _message(row: Outbox, standing: Standing) -> Message:
    key = row.payload["message"]
    return Message(
        id=row.pk,
        region_id=row.region_id,
        case_id=standing.pk,
        posting=row.payload["to"],
        contact_id=standing.subject_id if row.payload["to"] is None else None,
        template=key,
        body=text_of(row, standing),
        made_at=row.run_at,
    )


def text_of(row: Outbox, standing: Standing) -> str:
    """The words, filled in with what was true when the act happened."""
    told = row.payload
    rules: LadderProgram = versions.rules(told["version"])
    due = _spell(told["due"])
    values = {
        "name": standing.subject.name,
        "program": rules.title,
        "stage": rules.stages[told["stage"]].title if told["stage"] in rules.stages else "",
        "gate": rules.gates[told["gate"]].title if told["gate"] else "",
        "step": _step(rules, told["step"]),
        "unit": snapshot().full_name(told["unit"]),
        "due": due,
        "until": due,
        "why": told["why"],
        "link": own_url(standing.subject),
    }
    key = told["message"]
    if key in rules.messages:
        return rules.say(key, values)
    return {LATE: LATE_TEXT, UP: UP_TEXT}[key].format_map(values)


def _step(rules: LadderProgram, node: str) -> str:
    """The title of a step of a gate; a duty's title comes as it is."""
    known = {step.node: step.title for gate in rules.gates.values() for step in gate.all_steps}
    return known.get(node, "" if "." in node else node)


def _spell(moment: str | None) -> str:
    return spell_moment(timezone.localtime(datetime.fromisoformat(moment)), ends=True) if moment else ""
