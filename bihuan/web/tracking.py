"""A resident's own matter as their page shows it: who has it, until when and why then, what happened, what they may do."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bihuan.book.journal import RESIDENT
from bihuan.dossier import photos
from bihuan.dossier.models import Photo, Text
from bihuan.lib import worktime
from bihuan.lib.codes import spoken
from bihuan.lib.worktime import Duration, telling
from bihuan.loop import clock, story, wording
from bihuan.loop.models import Case, CaseEvent, State
from bihuan.loop.moves import IllegalMove, possible, require_room
from bihuan.net.models import Unit
from bihuan.web import pictures

SOON = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Offers:
    """What the resident may do now. `urged`: it was urged today already, so it is not offered again."""

    confirm: bool
    urge: bool
    urged: bool
    withdraw: bool
    redo: bool


def page(case: Case, signed: str, *, at: datetime) -> dict[str, Any]:
    """Everything of resident/follow.html. Twelve queries at most, however long the story is."""
    told, link = story.told(case, at=at), f"/t/{signed}/"
    unit = told["unit"] if case.state not in STAGES[0] else ""  # who gave it back has it no longer
    pictured = photos.of_case(case)
    return {
        "link": link,
        "number": spoken(case.no),
        "ended": case.closed_at is not None,
        "status": told["status"],
        "unit": unit,
        "unit_phone": _phone(case) if unit else "",
        "clock": clock_bar(case, told, at) if told["due"] and not case.replied_at and not case.closed_at else None,
        "steps": steps(case),
        "entries": entries(case, told["timeline"]),
        "mine": _mine(case, pictured, link),
        "reply": told["reply"],
        "result": told["result"],
        **_done(case, pictured, link),
        "offers": offers(case, at=at),
    }


def _phone(case: Case) -> str:
    return Unit.objects.filter(pk=case.unit_id).values_list("phone", flat=True).first() or ""


def offers(case: Case, *, at: datetime) -> Offers:
    """The program's moves for residents, held to their room; asked again under the lock when one is made."""
    moves = {move.verb: move for move in possible(case, RESIDENT)}
    room = {verb for verb, move in moves.items() if _has_room(case, move, at)}
    return Offers(
        confirm="confirm" in room,
        urge="urge" in room,
        urged="urge" in moves and "urge" not in room,
        withdraw="withdraw" in room,
        redo="redo" in room,
    )


def _has_room(case: Case, move: Any, at: datetime) -> bool:
    try:
        require_room(case, move, by=RESIDENT, at=at)
    except IllegalMove:
        return False
    return True


def clock_bar(case: Case, told: dict[str, Any], at: datetime) -> dict[str, Any] | None:
    """The promise as a bar, with the arithmetic of its end."""
    running = clock.promised(case)
    if running is None:
        return None
    due, limit = told["due"], Duration.parse(running.limit)
    used = worktime.used_fraction(at, running.started_at, due, clock.calendar(case), limit, clock.segments(running))
    late = at >= due
    return {
        "label": _("答复时间"),
        "tone": "bad" if late else "warn" if due - at < SOON else "ok",
        "percent": min(100, int(used * 100)),
        "left": _("已经晚了%(time)s") % {"time": span(at - due)}
        if late
        else _("还有%(time)s") % {"time": span(due - at)},
        "used": "",
        "due": _("%(moment)s 前答复您") % {"moment": moment(due)},
        "why": "\n".join(told["due_explained"]),
    }


def span(left: timedelta) -> str:
    """A stretch of time as people say it: days from two days on, else hours, else minutes."""
    minutes = int(left.total_seconds() // 60)
    if minutes >= 48 * 60:
        return ngettext(" %(n)d 天", " %(n)d 天", minutes // 1440) % {"n": minutes // 1440}
    if minutes >= 60:
        return ngettext(" %(n)d 小时", " %(n)d 小时", minutes // 60) % {"n": minutes // 60}
    return ngettext(" %(n)d 分钟", " %(n)d 分钟", max(1, minutes)) % {"n": max(1, minutes)}


def moment(at: datetime) -> str:
    """11月27日（周五）17:00"""
    local = timezone.localtime(at)
    return telling.spell_moment(local, lang=wording.language(), year=local.year, ends=True)


STAGES = (
    (State.FILED, State.ACCEPTED),
    (State.DISPATCHED, State.RETURNED, State.SIGNED, State.HANDLING),
    (State.REPLIED, State.VERIFYING, State.CALLING_BACK),
    (State.CLOSED,),
)


def steps(case: Case) -> list[dict[str, str]]:
    """Received, being handled, has a result, closed. Nothing of it for a matter taken back."""
    if case.state == State.WITHDRAWN:
        return []
    at = next(n for n, states in enumerate(STAGES) if case.state in states)
    labels = (_("已收到"), _("办理中"), _("有结果"), _("办结"))
    done = case.state == State.CLOSED
    return [
        {"label": label, "state": "done" if n < at or done else "now" if n == at else ""}
        for n, label in enumerate(labels)
    ]


def entries(case: Case, timeline: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What happened, newest first, for parts/timeline.html: when, and what was said then."""
    told = [
        {
            "title": _day_and_time(entry["at"]),
            "text": on_page(entry["text"], case.no),
            "icon": "point-filled",
        }
        for entry in reversed(timeline)
    ]
    if told:
        told[0]["tone"] = "info"
    return told


def _day_and_time(at: datetime) -> str:
    local = timezone.localtime(at)
    return _("%(month)d月%(day)d日 %(time)s") % {"month": local.month, "day": local.day, "time": f"{local:%H:%M}"}


_NUMBERED = r"\s?[（(](?:{number})[）)]|[，,]\s?(?:编号|number )\s?(?:{number})"


def on_page(message: str, number: str) -> str:
    """A message without what its reader has before them already: the number, and the sentence with the page's address."""
    either = f"{re.escape(number)}|{re.escape(spoken(number))}"
    text = re.sub(_NUMBERED.format(number=either), "", message)
    before, address, _after = text.partition(f"{settings.PUBLIC_URL}/t/")
    if not address:
        return text
    kept = re.match(r"(?s)(.*[。！？.])", before) or re.match(r"(?s)(.*)[，,]", before)
    return kept[1] if kept else before


def _mine(case: Case, pictured: list[Photo], link: str) -> dict[str, Any]:
    """What the resident said and sent."""
    words = Text.objects.filter(region_id=case.region_id, pk=case.text_id).values_list("body", "place").first()
    body, place = words or ("", "")
    return {
        "text": body,
        "place": place,
        "at": moment(case.filed_at),
        "type": wording.in_force(case.filed_at).label("type", case.type, wording.language()),
        "photos": pictures.strip(_keys(pictured, Photo.Stage.REPORT), _("您拍的照片"), link=link),
    }


def _done(case: Case, pictured: list[Photo], link: str) -> dict[str, Any]:
    """Pictures of the work, once the resident may read the reply: before and after for the slider, and the rest."""
    if not case.replied_at:
        return {}
    since = _redone(case)
    after = _keys([photo for photo in pictured if (photo.event_n or 0) > since], Photo.Stage.AFTER)
    before = _keys(pictured, Photo.Stage.BEFORE) or _keys(pictured, Photo.Stage.REPORT)
    if not before or not after:
        return {"after_photos": pictures.strip(after, _("办理后"), link=link)}
    return {
        "before": {"url": pictures.address(before[0], link=link), "alt": _("办理前的样子")},
        "after": {"url": pictures.address(after[0], link=link), "alt": _("办理后的样子")},
        "after_photos": pictures.strip(after[1:], _("办理后"), link=link),
    }


def _redone(case: Case) -> int:
    """The event that had it done again: pictures of work before it show what was not solved. No query for most cases."""
    if not case.redos:
        return 0
    again = CaseEvent.objects.filter(region_id=case.region_id, case_id=case.pk, data__contains='"redos":')
    return again.order_by("-n").values_list("n", flat=True).first() or 0


def _keys(pictured: list[Photo], stage: str) -> list[str]:
    return [photo.key for photo in pictured if photo.stage == stage]
