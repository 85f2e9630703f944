"""Telling people what happens to needs, plans, pairs and studios: what an act queued becomes words for one of them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _noop

from bihuan.book import messages, outbox
from bihuan.book.models import Message, Outbox
from bihuan.lib.worktime import spell_moment
from bihuan.net import tree
from bihuan.net.models import Posting, Role
from bihuan.net.postings import is_standing, standing_on
from bihuan.net.tree import UnitRow
from bihuan.offers.models import Track

TOPIC = "offers"
AREA = (Role.ORGANISER, Role.SECRETARY, Role.LEADER)  # who is told for an area, the first that is held
UNIT = (Role.HANDLER, Role.CHIEF, *AREA)
ABOVE = (Role.ORGANISER, Role.CHIEF, Role.LEADER, Role.SECRETARY)

SAYINGS = {
    "offered": _noop("新需求%(no)s（%(topic)s）待认领，请在%(until)s前组织认领。"),
    "risen": _noop("需求%(no)s（%(topic)s）在“%(from)s”无人认领，已上升到“%(where)s”，请在%(until)s前组织认领。"),
    "unclaimed": _noop("需求%(no)s（%(topic)s）仍无人认领，请协调解决，下次提醒%(until)s。"),
    "claimed": _noop("需求%(no)s已由“%(who)s”认领。"),
    "released": _noop("“%(who)s”退回了需求%(no)s，已重新开放认领，%(until)s前有效。"),
    "taken_back": _noop("需求%(no)s已从贵单位收回，由其他单位认领。"),
    "plan_due": _noop("您单位认领的需求%(no)s，请在%(until)s前制定帮扶计划书。"),
    "plan_late": _noop("“%(who)s”认领需求%(no)s后未按时制定帮扶计划书，请督促。"),
    "end_late": _noop("“%(who)s”对需求%(no)s的帮扶计划已到期，需求还没有解决，请过问。"),
    "item_open": _noop("帮扶计划（需求%(no)s）有一项本月要办，请在%(until)s前完成。"),
    "item_late": _noop("“%(who)s”对需求%(no)s的帮扶计划有一项逾期未办（责任人%(helper)s），请督促。"),
    "item_owed": _noop("帮扶计划（需求%(no)s）有一项已经逾期，请尽快办理。"),
    "met": _noop("需求%(no)s已由“%(who)s”帮助解决。"),
    "ended": _noop("需求%(no)s不再需要帮扶（%(state)s）。"),
    "paired": _noop("“%(branch)s”与“%(village)s”结成对子（%(no)s），请在%(until)s前制定年度计划。"),
    "year_late": _noop("“%(branch)s”与“%(village)s”的结对（%(no)s）未按时制定年度计划，请督促。"),
    "unpaired": _noop("“%(branch)s”与“%(village)s”的结对（%(no)s）已结束。"),
    "suggested": _noop("收到一条新建议，编号%(no)s，请研究办理。"),
}


def queue(
    track: Track, say: str, *, at: datetime, to: str, unit: int, posting: int | None = None, **values: Any
) -> None:
    """Queue a message about a track; the pump sends it after the commit. One statement.

    to: "unit" (its people), "area" (who answers for it), "above" (the nearest above it who answers), "posting" (this one,
    or whoever followed in its unit).
    """
    told = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in values.items()}
    payload = {"say": say, "to": to, "unit": unit, "posting": posting, "values": {"no": track.no, **told}}
    Outbox.objects.create(region_id=track.region_id, topic=TOPIC, payload=payload, run_at=at)


@outbox.handles(TOPIC)
def tell(rows: Sequence[Outbox], at: datetime) -> None:
    """Say what the rows ask for. A message keeps its outbox row's id, so a second try says nothing twice (S3)."""
    said = [_message(row, timezone.localdate(at)) for row in rows]
    messages.send([message for message in said if message is not None], at)


def _message(row: Outbox, on: date) -> Message | None:
    """The message a row stands for; None when nobody holds a post it could be meant for."""
    told = row.payload
    posting = receiver(told["to"], told["unit"], told["posting"], on)
    if posting is None:
        return None
    return Message(
        id=row.pk, region_id=row.region_id, posting=posting, template=told["say"], body=_body(told), made_at=row.run_at
    )  # fmt: skip


def _body(told: dict[str, Any]) -> str:
    values = told["values"]
    if "until" in values:
        values = values | {"until": _spell(values["until"])}
    return _(SAYINGS[told["say"]]) % values


def _spell(moment: str) -> str:
    return spell_moment(timezone.localtime(datetime.fromisoformat(moment)), ends=True)


def receiver(to: str, unit_id: int, posting_id: int | None, on: date) -> int | None:
    """The posting to be told; who left his posting is followed by whoever holds one in the unit now."""
    if to == "posting" and posting_id is not None:
        posting = Posting.objects.filter(pk=posting_id).first()
        if posting is not None and is_standing(posting, on):
            return posting.pk
    net = tree.snapshot()
    own, *above = reversed(net.unit(net.today(unit_id)).path)
    upward = [_around(net.unit(id), ABOVE) for id in above]
    if to == "above":
        return _first(upward, on)
    here = _around(net.unit(own), AREA) if to == "area" else [(own, role) for role in UNIT]
    return _first([here, *upward], on)


def _around(unit: UnitRow, roles: Sequence[str]) -> list[tuple[int, str]]:
    """Posts that answer for a unit, in the order of their roles; organisers of an area often sit in an office of it."""
    offices = [child.id for child in tree.snapshot().children(unit.id) if not child.is_place] if unit.is_place else []
    return [(id, role) for role in roles for id in [unit.id, *(offices if role == Role.ORGANISER else [])]]


def _first(circles: Sequence[Sequence[tuple[int, str]]], on: date) -> int | None:
    """Who holds the first of these posts that anybody holds. One query."""
    wanted = [post for circle in circles for post in circle]
    units, roles = {unit for unit, _role in wanted}, {role for _unit, role in wanted}
    held = Posting.objects.filter(standing_on(on), unit__in=units, role__in=roles).order_by("-pk")
    found = {(unit, role): pk for unit, role, pk in held.values_list("unit_id", "role", "pk")}
    return next((found[post] for post in wanted if post in found), None)
