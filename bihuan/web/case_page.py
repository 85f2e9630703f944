"""Everything about a case on one screen, as ready strings: what its template shows and nothing it must work out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bihuan.book import messages
from bihuan.dossier.models import Contact, Text
from bihuan.lib.codes import spoken
from bihuan.loop import clock, story
from bihuan.loop.categories import full_title
from bihuan.loop.lists import clock_of, listing_for
from bihuan.loop.lists import page as page_of
from bihuan.loop.models import Case, Clock, Secrecy, Source, State, Task
from bihuan.loop.moves import rules_of
from bihuan.loop.wording import language
from bihuan.net import tree
from bihuan.net.models import Posting, Role
from bihuan.net.postings import names_of
from bihuan.net.prepared import Prepared
from bihuan.net.scope import Reach
from bihuan.web import pictures
from bihuan.web.case_panels import MoveForm, Panel, Sight, offered, panel_of, sight_of, title_of
from bihuan.web.places import full_words, has_map
from bihuan.web.tracking import moment, on_page, span

SIMILAR = 5
TONES = {"ok": "ok", "soon": "warn", "late": "bad"}
# Why somebody opens a contact; any other purpose is written out.
PURPOSES = (gettext_lazy("联系反映人了解情况"), gettext_lazy("约定上门时间"), gettext_lazy("核实办理结果"))
# Whoever deals with the matter may ring its resident; leaders and supervisors read it without the number.
MAY_REVEAL = frozenset({Role.AGENT, Role.DISPATCHER, Role.CALLER, Role.HANDLER, Role.CHIEF, Role.GRID_WORKER})


def page(case: Case, by: Posting, *, at: datetime, tried: MoveForm | None = None, verb: str = "") -> dict[str, Any]:
    """The context of case/_case.html. At most a dozen queries, however long the story is.

    tried: a form that was refused, shown again for `verb` with what was typed.
    """
    tasks = TASKS(region=case.region_id, case=case.pk)
    sight = sight_of(case, by, tasks, at)
    story_of_it = story.steps(case)
    panels = [_panel(panel, sight, tried if panel.verb == verb else None, story_of_it) for panel in offered(sight)]
    _open_one(panels, verb)
    told = [_entry(case, step) for step in reversed(story_of_it)]
    return {
        "case": case,
        "number": spoken(case.no),
        **heading(case),
        **_asked(case),
        "clocks": clock_bars(case, at),
        "panels": panels,
        "elsewhere": _elsewhere(sight),
        # One is open at a time. Each answer names its group anew: beside the part it replaces it would come in closed.
        "panel_group": f"panels-{at.timestamp():.6f}",
        "kept": tried if tried is not None and verb not in {panel["verb"] for panel in panels} else None,
        "contact": masked(case, by),
        "purposes": PURPOSES,
        "tasks": _tasks(tasks, at),
        "asked_photos": told[-1].pop("photos"),  # what came with the matter stands beside its words
        "entries": told,
        "reply": reply(case, story_of_it),
        "similar": similar(case, by, at),
        "told": _told(case),
        "at_stage": State(case.state).label,
    }


TASKS: Prepared[Task] = Prepared(
    lambda region, case: Task.objects.filter(region_id=region, case_id=case).order_by("opened_at", "id")
)
ASKED: Prepared[tuple[str, str, Any]] = Prepared(
    lambda region, text: Text.objects.filter(region_id=region, pk=text).values_list("body", "place", "erased_at")
)
CONTACT: Prepared[Contact] = Prepared(lambda region, contact: Contact.objects.filter(region_id=region, pk=contact))
RUNNING: Prepared[Clock] = Prepared(
    lambda region, case: Clock.objects.filter(region_id=region, case_id=case, stage=Clock.Stage.RUNNING)
)

# Their moves belong to the centre's own queues, with the advice that they rest on.
AT_THE_CENTRE = frozenset({Role.DISPATCHER, Role.CALLER, Role.SUPERVISOR})


def _elsewhere(sight: Sight) -> str:
    """Where the centre makes the moves that have no panel here; empty when there are none."""
    unshown = {move.verb for move in sight.moves if panel_of(move.verb) is None}
    return f"/centre/cases/{sight.case.no}/" if unshown and sight.by.role in AT_THE_CENTRE else ""


def _open_one(panels: list[dict[str, Any]], verb: str) -> None:
    """The panel that was refused stands open, else the first: it is what the case waits for."""
    for panel in panels:
        panel["open"] = panel["verb"] == verb or (not verb and panel is panels[0])
    if verb and panels and not any(panel["open"] for panel in panels):
        panels[0]["open"] = True


def _panel(panel: Panel, sight: Sight, tried: MoveForm | None, steps: list[story.Step]) -> dict[str, Any]:
    remark, draft = _sent_back(steps) if panel.verb == "reply" else ("", {})
    form = tried or panel.form(sight=sight, auto_id=f"{panel.verb}_%s", initial=draft)
    return {
        "verb": panel.verb,
        "icon": panel.icon,
        "title": title_of(panel, sight),
        "hint": panel.hint,
        "remark": remark,
        "plain": not form.fields and not form.takes_photos,
        "form": form,
        "url": f"/cases/{sight.case.no}/{panel.verb}/",
        "draft": f"{sight.case.no}-{panel.verb}",
        "buttons": panel.buttons(sight),
        "held": getattr(form, "held", []),
    }


def _sent_back(steps: list[story.Step]) -> tuple[str, dict[str, Any]]:
    """What the leader wants changed in the reply, and that reply, to go on from; nothing when none was sent back last."""
    last = [step for step in steps if step.verb in ("reply", "approve")][-2:]
    if len(last) < 2 or last[-1].facts.get("outcome") != "send_back":
        return "", {}
    return last[-1].text, {"text": last[0].text, "result": last[0].facts.get("result")}


def heading(case: Case) -> dict[str, Any]:
    """Title and marks: what it is about, where it stands, what is special about it."""
    rules, lang = rules_of(case), language()
    words = [full_title(case.category_id), rules.label("type", case.type, lang)]
    title = " · ".join(word for word in words if word)
    return {
        "title": title,
        "badges": [*_state_badges(case), *_special_badges(case)],
        "ended": case.closed_at is not None,
    }


def _state_badges(case: Case) -> Iterable[dict[str, str]]:
    rules, lang = rules_of(case), language()
    label = rules.label("state", case.state, lang)
    ending = f" · {rules.label('ending', case.ending, lang)}" if case.ending else ""
    yield {"text": f"{label}{ending}", "tone": "ok" if case.state == State.CLOSED else "info"}
    if case.overdue_raw:
        yield {"text": _("超过办理时限"), "tone": "bad", "icon": "alert-circle"}


def _special_badges(case: Case) -> Iterable[dict[str, str]]:
    rules, lang = rules_of(case), language()
    if case.urgency != "normal":
        tone = "bad" if case.urgency == "danger" else "warn"
        yield {"text": rules.label("urgency", case.urgency, lang), "tone": tone, "icon": "urgent"}
    if case.redos:
        yield {"text": _("第 %(n)d 次重新办理") % {"n": case.redos}, "tone": "warn", "icon": "repeat"}
    if case.hand_backs:
        yield {"text": _("退过 %(n)d 次单") % {"n": case.hand_backs}, "tone": "hold", "icon": "arrow-back-up"}
    if case.secrecy != Secrecy.PUBLIC:
        yield {"text": str(Secrecy(case.secrecy).label), "tone": "", "icon": "lock"}


def _asked(case: Case) -> dict[str, Any]:
    """The resident's words and what is known of the matter. One query."""
    net = tree.snapshot()
    body, address, erased = ASKED.first(region=case.region_id, text=case.text_id) or ("", "", None)
    place = net.get(case.grid_id or case.l5 or case.l4)
    facts = [
        {"label": _("地点"), "value": _where(place, address)},
        {"label": _("主办单位"), "value": net.unit(case.unit_id).name},
        {"label": _("来源"), "value": str(Source(case.source).label)},
        {"label": _("反映时间"), "value": moment(case.filed_at)},
    ]
    return {
        "words": _("原文已按规定清除。") if erased else body,
        "facts": facts,
        "map_url": f"/cases/{case.no}/map.json" if place and has_map() else "",
        "place_name": place.name if place else "",
    }


def _where(place: Any, address: str) -> str:
    names = full_words(place) if place else _("还没有定位到网格")
    return f"{names}\n{address}" if address else names


# Clocks


def clock_bars(case: Case, at: datetime) -> list[dict[str, Any]]:
    """The running clocks for parts/clock_bar.html: first the step in hand, then the promise. One query."""
    rules = rules_of(case)
    running = RUNNING(region=case.region_id, case=case.pk)
    running.sort(key=lambda one: (rules.clocks[one.key].promise, one.due_at))
    return [_bar(case, one, at) for one in running]


def _bar(case: Case, one: Clock, at: datetime) -> dict[str, Any]:
    rule, lang = rules_of(case).clocks[one.key], language()
    # A promise that was broken goes on ringing; what was promised stays what it was.
    due = case.promise_at if rule.promise and case.promise_at else one.due_at
    left = span(abs(due - at)).strip()
    return {
        "label": rules_of(case).label("clock", one.key, lang),
        "tone": TONES[clock_of(due, at)],
        "percent": min(100, int(clock.used(case, one, due=due, at=at) * 100)),
        "left": (_("已超 %(time)s") if at > due else _("还剩 %(time)s")) % {"time": left},
        "used": _("从 %(moment)s 起算") % {"moment": moment(one.started_at)},
        "due": _("%(moment)s 前") % {"moment": moment(due)},
        "why": "\n".join(line.text for line in clock.told(case, one, lang=lang)),
    }


# Who is behind it


@dataclass(frozen=True, slots=True)
class Masked:
    """A contact as everybody sees it, and whether this posting may ask for more."""

    name: str
    phone: str
    reveal_url: str
    gone: bool


def masked(case: Case, by: Posting) -> Masked | None:
    """The contact of a case, if one was left. One query."""
    if case.contact_id is None:
        return None
    (contact,) = CONTACT(region=case.region_id, contact=case.contact_id)
    gone = contact.erased_at is not None
    url = f"/cases/{case.no}/reveal/" if may_reveal(by) and not gone else ""
    return Masked(contact.name_mask or _("没留姓名"), contact.phone_mask or _("没留电话"), url, gone)


def may_reveal(by: Posting) -> bool:
    """Whether a posting that may see a case may also ask for its contact in the clear."""
    return by.role in MAY_REVEAL


# Work, story, neighbours


def _tasks(tasks: list[Task], at: datetime) -> list[dict[str, Any]]:
    """Who owes what: open work first, then what was done; what was called off is left out."""
    net, held = tree.snapshot(), {task.posting for task in tasks if task.posting}
    names = {id: name for id, _unit, name in names_of(held)}
    shown = sorted((task for task in tasks if task.stage != Task.Stage.DROPPED), key=lambda task: task.stage != "open")
    return [
        {
            "kind": str(Task.Kind(task.kind).label),
            "unit": net.unit(task.unit_id).name,
            "who": names.get(task.posting or 0, ""),
            "badge": {"text": str(Task.Stage(task.stage).label), "tone": _task_tone(task, at)},
            "when": _task_moment(task),
        }
        for task in shown
    ]


def _task_tone(task: Task, at: datetime) -> str:
    if task.stage == Task.Stage.DONE:
        return "ok"
    return {"late": "bad", "soon": "warn"}.get(clock_of(task.due_at, at), "info") if task.due_at else "info"


def _task_moment(task: Task) -> str:
    if task.ended_at:
        return _("%(moment)s 完成") % {"moment": moment(task.ended_at)}
    return _("%(moment)s 前") % {"moment": moment(task.due_at)} if task.due_at else ""


# verb -> (icon, tone) of a step in the timeline
MARKS = {
    "file": ("message-plus", "ok"),
    "accept": ("circle-check", ""),
    "answer": ("message-2", "ok"),
    "place": ("map-pin", ""),
    "dispatch": ("send", ""),
    "sign": ("inbox", ""),
    "hand_back": ("arrow-back-up", "warn"),
    "rule": ("git-merge", ""),
    "contact": ("phone-outgoing", ""),
    "hand_down": ("sitemap", ""),
    "assist": ("check", ""),
    "reply": ("writing", "info"),
    "approve": ("rubber-stamp", "info"),
    "verify": ("shield-check", "ok"),
    "call_back": ("phone-call", "ok"),
    "confirm": ("thumb-up", "ok"),
    "close": ("archive", "ok"),
    "redo": ("repeat", "warn"),
    "withdraw": ("circle-x", ""),
    "urge": ("speakerphone", "warn"),
    "lapse": ("alarm", "bad"),
}
UNHAPPY = {"unsolved", "fail", "send_back", "refuse", "unreached"}


def reply(case: Case, steps: list[story.Step]) -> dict[str, Any] | None:
    """The answer that stands: what the leader approves, the checker holds against the place, the caller asks about."""
    last = next((step for step in reversed(steps) if step.verb in ("reply", "answer")), None)
    if last is None or not case.result:
        return None
    result = rules_of(case).label("result", case.result, language())
    about = f"{last.who} · {timezone.localtime(last.at):%m-%d %H:%M}"
    return {"result": result, "about": about, "text": last.text, "photos": pictures.strip(last.photos, _("办理后"))}


def _entry(case: Case, step: story.Step) -> dict[str, Any]:
    """One act for parts/timeline.html."""
    icon, tone = MARKS.get(step.verb, ("point-filled", ""))
    lines = [*details(case, step), step.text if step.verb != "file" else ""]
    return {
        "title": step.title,
        "who": step.who,
        "at": f"{timezone.localtime(step.at):%m-%d %H:%M}",
        "iso": step.at.isoformat(),
        "icon": icon,
        "tone": "warn" if step.facts.get("outcome") in UNHAPPY else tone,
        "text": "\n".join(line for line in lines if line),
        "photos": pictures.strip(step.photos, step.title),
    }


def details(case: Case, step: story.Step) -> Iterable[str]:
    """What an act said besides its words, with names."""
    facts, rules, lang = step.facts, rules_of(case), language()
    if facts.get("unit") and step.verb in ("dispatch", "hand_down", "assist"):
        yield _work_words(step.verb, facts)
    if facts.get("clause"):
        yield _("依据：%(clause)s") % {"clause": facts["clause"]}
    if facts.get("reason"):
        move = next(move for move in rules.moves.values() if move.verb == step.verb)
        yield _("理由：%(reason)s") % {"reason": rules.label("reason", f"{move.reasons}.{facts['reason']}", lang)}
    if facts.get("result"):
        yield _("结果：%(result)s") % {"result": rules.label("result", facts["result"], lang)}
    if "satisfied" in facts:
        yield _asked_words(facts)


def _work_words(verb: str, facts: dict[str, Any]) -> str:
    net = tree.snapshot()
    name = net.unit(facts["unit"]).name
    if verb == "dispatch":
        others = _("、").join(net.unit(unit).name for unit in facts.get("assisting", ()))
        helping = _("，协办 %(units)s") % {"units": others} if others else ""
        return _("主办 %(unit)s") % {"unit": name} + helping
    return (_("交给 %(unit)s") if verb == "hand_down" else _("%(unit)s 反馈")) % {"unit": name}


def _asked_words(facts: dict[str, Any]) -> str:
    faces = ["", _("很不满意"), _("不满意"), _("一般"), _("满意"), _("非常满意")]
    said = [faces[facts["satisfied"] or 0]]
    if facts.get("contacted") is not None:
        said.append(_("承办单位联系过") if facts["contacted"] else _("承办单位没有联系"))
    return _("，").join(word for word in said if word)


def similar(case: Case, by: Posting, at: datetime) -> list[dict[str, str]]:
    """Open cases of the same category in the same community that this posting may list. One indexed query."""
    if case.category_id is None or case.l5 is None:
        return []
    near = listing_for(by, category_id=case.category_id, areas=(Reach("l5", (case.l5,)),))
    rows = page_of(near, at=at, limit=SIMILAR + 1).rows
    return [
        {
            "url": f"/cases/{row.number}/",
            "title": row.words,
            "meta": [row.place, row.filed],
            "badge_text": row.state,
            "badge_tone": "info",
        }
        for row in rows
        if row.case_id != case.pk
    ][:SIMILAR]


def _told(case: Case) -> list[dict[str, str]]:
    """What the resident was told, newest first - without the resident's own link: whoever has it acts as the resident."""
    said = messages.for_resident(case.region_id, case.pk)
    return [
        {"at": moment(message.made_at), "text": on_page(message.body, spoken(case.no))} for message in reversed(said)
    ]
