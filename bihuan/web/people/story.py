"""What happened to somebody on a ladder, from its events: in staff's words, and in plain words for the person himself."""

import json
from datetime import datetime
from typing import Any

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from bihuan.book.models import Actor
from bihuan.dossier.models import Photo, Text
from bihuan.ladder.models import Standing, StandingEvent
from bihuan.loop.wording import language
from bihuan.net.postings import names_of
from bihuan.net.tree import snapshot
from bihuan.programs import versions
from bihuan.programs.ladder import LadderProgram
from bihuan.web import pictures

MOST = 200
BAD, GOOD = "bad", "ok"
# What the person himself is told; the rest is the desk's own work.
FOR_SUBJECT = {"nominate", "enter", "entered", "open", "step", "pass", "fail", "withdraw", "advance", "appeal", "rule",
               "wait", "assign", "settle"}  # fmt: skip


def entries(standing: Standing, *, own: bool = False) -> list[dict[str, Any]]:
    """Ready for parts/timeline.html, the newest first. Four queries. own: as the person himself may read it, unnamed."""
    events = list(StandingEvent.objects.filter(standing_id=standing.pk).order_by("-n")[:MOST])
    told = [event for event in events if not own or event.verb in FOR_SUBJECT]
    facts = {event.n: json.loads(event.data) for event in told}
    texts = {} if own else _texts(standing, facts)
    names = {} if own else _names({event.posting for event in told if event.posting})
    shots = {} if own else _photos(standing)
    return [_entry(event, facts[event.n], texts, names, shots) for event in told]


def _texts(standing: Standing, facts: dict[int, dict[str, Any]]) -> dict[int, str]:
    wanted = [one["text"] for one in facts.values() if isinstance(one.get("text"), int)]
    if not wanted:
        return {}
    rows = Text.objects.filter(region_id=standing.region_id, case_id=standing.pk, pk__in=wanted)
    return dict(rows.values_list("pk", "body"))


def _names(postings: set[int]) -> dict[int, str]:
    net = snapshot()
    return {id: f"{net.unit(unit).short or net.unit(unit).name} {name}" for id, unit, name in names_of(postings)}


def _photos(standing: Standing) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    rows = Photo.objects.filter(region_id=standing.region_id, case_id=standing.pk).order_by("event_n", "pk")
    for n, key in rows.values_list("event_n", "key"):
        found.setdefault(n, []).append(key)
    return found


def _entry(
    event: StandingEvent, facts: dict[str, Any], texts: dict[int, str], names: dict[int, str], shots: dict[int, Any]
) -> dict[str, Any]:
    rules: LadderProgram = versions.rules(event.version)
    title, tone = _said(event.verb, facts, rules)
    return {
        "title": title,
        "tone": tone,
        "who": names.get(event.posting or 0) or _unnamed(event.actor),
        "at": f"{localtime(event.at):%Y-%m-%d %H:%M}",
        "iso": event.at.isoformat(),
        "text": texts.get(facts.get("text", 0), "") or facts.get("why", ""),
        "photos": pictures.strip(shots.get(event.n, ()), title),
    }


def _unnamed(actor: str) -> str:
    return {Actor.RESIDENT: _("本人"), Actor.CLOCK: _("到期自动"), Actor.SYSTEM: _("系统")}.get(actor, "")


def _said(verb: str, facts: dict[str, Any], rules: LadderProgram) -> tuple[str, str]:
    """The title and tone of an event."""
    gate, step = facts.get("gate", ""), facts.get("step", "")
    of_gate = title_of(rules, "gate", gate)
    node = title_of(rules, "step", f"{gate}.{step}")
    match verb:
        case "nominate":
            return _("推荐：%(what)s") % {"what": of_gate or title_of(rules, "move", facts.get("move", ""))}, "info"
        case "enter":
            return _("建立档案"), ""
        case "entered":
            return _("由登记信息转入"), ""
        case "open":
            return _("发起：%(what)s") % {"what": of_gate}, "info"
        case "step":
            return _("进入：%(what)s") % {"what": node or of_gate}, ""
        case "vote":
            says = _("%(what)s：同意") if facts.get("agree") else _("%(what)s：不同意")
            return says % {"what": node}, GOOD if facts.get("agree") else BAD
        case "pass":
            return _("通过：%(what)s") % {"what": of_gate}, GOOD
        case "fail":
            return _("没有通过：%(what)s") % {"what": of_gate}, BAD
        case "advance":
            return title_of(rules, "move", facts.get("move", "")), GOOD
        case "do":
            return _("已办：%(what)s") % {"what": title_of(rules, "duty", facts.get("key", ""))}, GOOD
        case "late":
            return _("到期未办：%(what)s") % {"what": title_of(rules, "duty", facts.get("key", ""))}, BAD
        case "lapse" if "clock" in facts:
            return _("期限到了：%(what)s") % {"what": title_of(rules, "clock", facts["clock"])}, "warn"
        case "lapse":
            return _("到期没有办理：%(what)s") % {"what": node}, "warn"
        case "settle" | "rule":
            return _ruled(verb, bool(facts.get("upheld"))), "info"
        case "rank":
            return _("排名：第%(place)s名") % {"place": facts.get("place", "")}, "info"
    return _OTHERS.get(verb, lambda: verb)(), "warn" if verb in ("up", "object", "appeal") else ""


def _ruled(verb: str, upheld: bool) -> str:
    if verb == "settle":
        return _("异议成立") if upheld else _("异议不成立，继续公示")
    return _("申诉成立，原决定撤销") if upheld else _("维持原决定")


_OTHERS = {
    "withdraw": lambda: _("撤回"),
    "wait": lambda: _("等待名额"),
    "object": lambda: _("收到异议，公示暂停"),
    "appeal": lambda: _("本人提出申诉"),
    "assign": lambda: _("确定包保领导"),
    "place": lambda: _("转到现在的地方"),
    "rebase": lambda: _("改按新版本办理"),
    "up": lambda: _("已转到上级办理"),
    "idle": lambda: _("条件还不够，没有自动进行"),
}


def title_of(rules: LadderProgram, part: str, key: str) -> str:
    """A title of the document, "" for what it does not know."""
    try:
        return rules.label(part, key, language())
    except KeyError:
        return ""


def day(at: datetime) -> str:
    return f"{localtime(at):%Y-%m-%d}"
