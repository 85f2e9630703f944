"""Telling people: turns what an act queued into words of its program, for the one it is meant for."""

from collections.abc import Sequence
from datetime import date, datetime

from django.utils import timezone

from bihuan.book import messages, outbox
from bihuan.book.models import Message, Outbox
from bihuan.lib.codes import spoken
from bihuan.lib.worktime import spell_moment
from bihuan.loop.links import track_url
from bihuan.loop.models import Case
from bihuan.net import tree
from bihuan.net.models import Posting, Role
from bihuan.net.postings import holders, is_standing
from bihuan.programs import versions

ASKED = ("region_id", "no", "type", "contact_id", "finder", "handler")  # of a case; it has fifty columns
UNIT_PEOPLE = (Role.HANDLER, Role.CHIEF, Role.GRID_WORKER)


@outbox.handles("tell")
def tell(rows: Sequence[Outbox], at: datetime) -> None:
    """Say what the rows ask for. A message keeps its outbox row's id, so a second try says nothing twice (S3)."""
    cases = _cases(rows)
    said = [_message(row, cases[row.case_id], at) for row in rows]
    messages.send([message for message in said if message is not None], at)


def _cases(rows: Sequence[Outbox]) -> dict[int, Case]:
    wanted: dict[int, list[int]] = {}
    for row in rows:
        wanted.setdefault(row.region_id, []).append(row.case_id)
    return {
        case.pk: case
        for region, ids in wanted.items()
        for case in Case.objects.filter(region_id=region, pk__in=ids).only(*ASKED)
    }


def _message(row: Outbox, case: Case, at: datetime) -> Message | None:
    """The message a row stands for; None when nobody holds the post it is meant for."""
    rules = versions.rules(row.payload["version"])
    rule = rules.messages[row.payload["message"]]
    message = Message(
        id=row.pk,
        region_id=row.region_id,
        case_id=case.pk,
        template=rule.key,
        body=rule_text(row, case),
        made_at=row.run_at,
    )
    if rule.audience == "resident":
        message.contact_id = case.contact_id
        return message
    message.posting = _receiver(rule.audience, row.payload["unit"], case, timezone.localdate(at))
    return message if message.posting else None


def rule_text(row: Outbox, case: Case) -> str:
    """The words, filled in with what was true when the act happened."""
    told = row.payload
    rules = versions.rules(told["version"])
    values = {
        "number": spoken(case.no),
        "type": rules.types[case.type].title,
        "unit": tree.snapshot().unit(told["unit"]).name,
        **{moment: _spell(told[moment]) for moment in ("due", "step_due", "until")},
        "result": rules.results[told["result"]].title if told["result"] else "",
        "link": track_url(case.no),
    }
    return rules.say(told["message"], values)


def _spell(moment: str | None) -> str:
    return spell_moment(timezone.localtime(datetime.fromisoformat(moment)), ends=True) if moment else ""


def _receiver(audience: str, unit_id: int, case: Case, on: date) -> int | None:
    """The posting a message is for; who left his posting is followed by whoever holds one in its unit now."""
    if audience == "finder":
        finder = Posting.objects.get(pk=case.finder)
        return finder.pk if is_standing(finder, on) else _first(finder.unit_id, (Role.GRID_WORKER,), on)
    if audience == "unit":
        handler = Posting.objects.filter(pk=case.handler, unit_id=unit_id).first()
        return handler.pk if handler and is_standing(handler, on) else _first(unit_id, UNIT_PEOPLE, on)
    path = tree.snapshot().unit(unit_id).path
    above = (_first(unit, (Role.CHIEF, Role.SUPERVISOR, Role.LEADER), on) for unit in reversed(path[:-1]))
    return next((posting for posting in above if posting), None)


def _first(unit_id: int, roles: Sequence[str], on: date) -> int | None:
    for role in roles:
        posting: Posting | None = holders(unit_id, role, on).first()
        if posting:
            return posting.pk
    return None
