"""What happened to a need, a pair, a studio, a session: every event with who did it and the words said with it."""

import json
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bihuan.book.models import Actor
from bihuan.dossier.models import Text
from bihuan.loop.story import Step
from bihuan.net import tree
from bihuan.net.postings import names_of
from bihuan.offers.models import Circle, Offer, Pairing, Round, Session, Suggestion, Track
from bihuan.offers.record import EVENTS

TITLES: dict[tuple[type[Track], str], Any] = {
    (Round, "begin"): _("开始征集"),
    (Round, "close"): _("结束征集"),
    (Offer, "begin"): _("收集需求"),
    (Offer, "claim"): _("认领"),
    (Offer, "plan"): _("制定帮扶计划书"),
    (Offer, "replan"): _("调整帮扶计划书"),
    (Offer, "do"): _("完成一项帮扶"),
    (Offer, "release"): _("退回认领"),
    (Offer, "meet"): _("解决需求"),
    (Offer, "withdraw"): _("撤回需求"),
    (Offer, "close"): _("未能解决，结束"),
    (Offer, "rise"): _("无人认领，上升一级"),
    (Offer, "remind"): _("仍无人认领，再次提醒"),
    (Offer, "plan_late"): _("逾期未制定帮扶计划书"),
    (Offer, "end_late"): _("计划到期，需求未解决"),
    (Offer, "item_open"): _("一项帮扶到了月份"),
    (Offer, "item_late"): _("一项帮扶逾期"),
    (Pairing, "begin"): _("结成对子"),
    (Pairing, "plan"): _("制定年度计划"),
    (Pairing, "record"): _("登记结对事项"),
    (Pairing, "year_late"): _("逾期未制定年度计划"),
    (Pairing, "part"): _("结束结对"),
    (Circle, "begin"): _("成立工作室"),
    (Circle, "join"): _("加入工作室"),
    (Circle, "leave"): _("离开工作室"),
    (Circle, "close"): _("结束工作室"),
    (Session, "begin"): _("安排活动"),
    (Session, "sign_up"): _("报名"),
    (Session, "hold"): _("举办活动"),
    (Session, "attend"): _("补登出席"),
    (Session, "cancel"): _("取消活动"),
    (Suggestion, "begin"): _("提出建议"),
    (Suggestion, "make_case"): _("转为工单"),
}
UNNAMED = {Actor.RESIDENT: _("本人"), Actor.CLOCK: _("到期自动")}


def steps(track: Track) -> list[Step]:
    """The whole history of a track, oldest first. Three queries."""
    events = list(EVENTS[type(track)]._default_manager.filter(track_id=track.pk).order_by("n"))
    texts = dict(Text.objects.filter(region_id=track.region_id, case_id=track.pk).values_list("pk", "body"))
    net = tree.snapshot()
    held = names_of({event.posting for event in events if event.posting})
    names = {posting: f"{net.unit(unit).name} {name}" for posting, unit, name in held}
    return [_step(track, event, texts, names) for event in events]


def _step(track: Track, event: Any, texts: dict[int, str], names: dict[int, str]) -> Step:
    facts = json.loads(event.data)
    return Step(
        n=event.n, at=event.at, when=f"{timezone.localtime(event.at):%Y-%m-%d %H:%M}", verb=event.verb,
        title=str(TITLES[type(track), event.verb]), facts=facts, text=texts.get(facts.get("text", 0), ""),
        who=names.get(event.posting or 0, "") or str(UNNAMED.get(event.actor, _("系统"))),
    )  # fmt: skip
