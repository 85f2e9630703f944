"""A case as it is told: to its resident in plain words, to staff with names; never a state's inner key."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bihuan.book import messages
from bihuan.book.models import Actor
from bihuan.dossier.models import Photo, Text
from bihuan.loop import clock
from bihuan.loop.kind import VERBS
from bihuan.loop.models import Case, CaseEvent
from bihuan.loop.moves import rules_of
from bihuan.loop.wording import language
from bihuan.net import tree
from bihuan.net.postings import names_of
from bihuan.net.prepared import Prepared

# What a resident is told of an event, in plain words: what touches the promise, not the unit's inner steps.
FOR_RESIDENTS = {
    ("file", None): _("我们收到了您反映的事"),
    ("file", "accepted"): _("我们收到了您反映的事，正在安排由谁来办"),
    ("accept", None): _("已受理，正在安排由谁来办"),
    ("answer", None): _("已经答复您"),
    ("dispatch", None): _("已交承办单位办理"),
    ("rule", "uphold"): _("换一个更合适的单位来办"),
    ("contact", None): _("承办单位联系了您"),
    ("approve", "pass"): _("有结果了，请您来看、您来说"),
    ("verify", "pass"): _("到现场看过，办好了"),
    ("verify", "fail"): _("到现场看过，还没办好，再办一次"),
    ("call_back", "solved"): _("给您打过电话，您说解决了"),
    ("call_back", "unsolved"): _("给您打过电话，您说没解决，再办一次"),
    ("call_back", "unreached"): _("给您打过电话，没有接通"),
    ("confirm", "solved"): _("您说解决了"),
    ("confirm", "unsolved"): _("您说没解决，再办一次"),
    ("redo", None): _("您说没解决，接着办"),
    ("close", None): _("已办结"),
    ("close", "unreached"): _("几次没能联系上您，先办结了"),
    ("close", "unverified"): _("先办结了"),
    ("withdraw", None): _("已按您的意思撤回"),
    ("urge", None): _("已经催办"),
    ("lapse", "overdue"): _("没能在说好的时间办完，已请上级督促"),
    ("rebase", "later"): _("办理的规定有变，改了答复您的时间"),
}
TOLD_VERBS = {verb for verb, _outcome in FOR_RESIDENTS}
# What no program lists as a move: a case put under another version of its program (release/rebasing.py).
BESIDE_MOVES = {"rebase": _("改按新版本办理")}
# Who did it when nobody in a posting did.
UNNAMED = {Actor.RESIDENT: _("群众"), Actor.CLOCK: _("到期自动")}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, ready to be shown. `who` is empty in what residents read."""

    n: int
    at: datetime
    when: str
    verb: str
    title: str
    who: str
    text: str
    facts: dict[str, Any]
    photos: tuple[str, ...] = ()


def steps(case: Case) -> list[Step]:
    """The whole history of a case for staff, oldest first. Four queries."""
    of_it = {"region": case.region_id, "case": case.pk}
    events, texts, pictures = EVENTS(**of_it), dict(WORDS(**of_it)), _pictures(of_it)
    names = _names({event.posting for event in events if event.posting})
    return [_step(case, event, texts, names, pictures) for event in events]


def _step(case: Case, event: CaseEvent, texts: dict[int, str], names: dict[int, str], pictures: dict) -> Step:
    facts = json.loads(event.data)
    local = timezone.localtime(event.at)
    who = names.get(event.posting or 0, "") or str(UNNAMED.get(event.actor, _("系统")))
    return Step(
        n=event.n,
        at=event.at,
        when=f"{local:%Y-%m-%d %H:%M}",
        verb=event.verb,
        title=_title(case, event.verb, facts.get("outcome")),
        who=who,
        text=texts.get(facts.get("text", 0), ""),
        facts=facts,
        photos=tuple(pictures.get(event.n, ())),
    )


def _title(case: Case, verb: str, outcome: str | None) -> str:
    """The title of the move in the reader's language."""
    if verb in BESIDE_MOVES:
        return str(BESIDE_MOVES[verb])
    rules = rules_of(case)
    key = next(
        (move.key for move in rules.moves.values() if move.verb == verb and move.outcome == outcome),
        None,
    )
    return rules.label("move", key, language()) if key else VERBS[verb].title  # imported acts are no moves of ours


EVENTS: Prepared[CaseEvent] = Prepared(
    lambda region, case: CaseEvent.objects.filter(region_id=region, case_id=case).order_by("n")
)
WORDS: Prepared[tuple[int, str]] = Prepared(
    lambda region, case: Text.objects.filter(region_id=region, case_id=case).values_list("pk", "body")
)
PHOTOS: Prepared[tuple[int, str]] = Prepared(
    lambda region, case: Photo.objects.filter(region_id=region, case_id=case).values_list("event_n", "key")
)


def _names(postings: set[int]) -> dict[int, str]:
    net = tree.snapshot()
    held = {id: (net.unit(unit), name) for id, unit, name in names_of(postings)}
    return {id: f"{unit.short or unit.name} {name}" for id, (unit, name) in held.items()}


def _pictures(of_it: dict[str, int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for n, key in PHOTOS(**of_it):
        found.setdefault(n, []).append(key)
    return found


def reply_of(case: Case) -> str:
    """The unit's answer as the resident may read it: only once it was approved."""
    if case.replied_at is None:
        return ""
    # Of an imported case the closing holds the answer; a closing of ours may hold a caller's own note.
    answering = Q(verb__in=("answer", "reply")) | Q(verb="close", actor=Actor.SYSTEM)
    events = CaseEvent.objects.filter(answering, region_id=case.region_id, case_id=case.pk)
    said = (json.loads(event.data).get("text") for event in events.order_by("-n"))
    text = next((text for text in said if text), None)
    body = Text.objects.filter(region_id=case.region_id, pk=text).values_list("body", flat=True).first() if text else ""
    return body or ""


def told(case: Case, *, at: datetime) -> dict[str, Any]:
    """What a resident is told of a case: status, who has it, until when and why, the reply, what happened."""
    rules, lang = rules_of(case), language()
    dispatched = case.dispatched_at is not None
    return {
        "number": case.no,
        "status": rules.label("public", case.state, lang),
        "unit": tree.snapshot().unit(case.unit_id).name if dispatched else "",
        "due": case.promise_at if dispatched else None,
        "due_explained": [line.text for line in clock.explain(case, lang=lang)] if dispatched else [],
        "result": rules.label("result", case.result, lang) if case.result and case.replied_at else "",
        "reply": reply_of(case),
        "timeline": timeline(case),
    }


def timeline(case: Case) -> list[dict[str, Any]]:
    """What the resident was told, oldest first: moments and messages. Nothing of the unit's inner steps."""
    said = messages.for_resident(case.region_id, case.pk)
    if said:
        return [{"at": message.made_at, "text": message.body, "detail": ""} for message in said]
    events = CaseEvent.objects.filter(region_id=case.region_id, case_id=case.pk, verb__in=TOLD_VERBS).order_by("n")
    told = [(event.at, _in_plain_words(event)) for event in events]
    return [{"at": at, "text": text, "detail": ""} for at, text in told if text]


def _in_plain_words(event: CaseEvent) -> str:
    """Empty for what is no resident's business, and for a contact that only the clock noted: nobody called."""
    if event.verb == "contact" and event.actor == Actor.CLOCK:
        return ""
    return str(FOR_RESIDENTS.get((event.verb, json.loads(event.data).get("outcome")), ""))
