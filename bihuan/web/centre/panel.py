"""The case in hand, as ready strings: what is said of it, and the one thing that this posting is to do with it now."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bihuan.dossier.models import Contact, Text
from bihuan.lib.codes import spoken
from bihuan.loop import story
from bihuan.loop.actions import closing, dispatching
from bihuan.loop.categories import duties, full_title, in_use
from bihuan.loop.lists import clock_of
from bihuan.loop.models import NEVER, Case, Source, State
from bihuan.loop.moves import possible, rules_of
from bihuan.loop.wording import language
from bihuan.net import tree
from bihuan.net.models import Posting
from bihuan.web import case_page, pictures
from bihuan.web.case_panels import words_field
from bihuan.web.centre import orders
from bihuan.web.centre.queues import Worklist, category_groups
from bihuan.web.places import full_words
from bihuan.web.tracking import moment, span

MOST_DUTIES = 6
YES_NO = (("yes", gettext_lazy("是")), ("no", gettext_lazy("否")))


# The forms of the smaller acts


class SaidForm(forms.Form):
    """Words, and which button was pressed."""

    text = words_field(gettext_lazy("说明"))
    outcome = forms.CharField(required=False)

    def __init__(self, *args: Any, case: Case, by: Posting, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    @property
    def words(self) -> str:
        return str(self.cleaned_data.get("text", "")).replace("\r", "").strip()


class RuleForm(SaidForm):
    text = words_field(gettext_lazy("裁定意见"))


class CallForm(SaidForm):
    """The three questions of a call-back; none is asked of somebody who was not reached."""

    text = words_field(gettext_lazy("群众怎么说"))
    contacted = forms.ChoiceField(choices=YES_NO, required=False)
    solved = forms.ChoiceField(choices=YES_NO, required=False)
    satisfied = forms.TypedChoiceField(
        choices=[(n, n) for n in range(1, 6)], coerce=int, empty_value=None, required=False
    )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if said.get("outcome") == "reached" and not all(
            said.get(name) for name in ("contacted", "solved", "satisfied")
        ):
            raise forms.ValidationError(_("三个问题都要问到，再提交。"))
        if said.get("outcome") == "reached" and not content(said) and not self.words:
            self.add_error("text", _("请写下群众怎么说：哪里没解决，想要怎样。"))
        return said


def content(said: dict[str, Any]) -> bool:
    """Solved, and the resident has no complaint."""
    return said.get("solved") == "yes" and (said.get("satisfied") or 0) >= closing.SATISFIED


def rule(case: Case, form: RuleForm, by: Posting, at: datetime) -> None:
    dispatching.rule(case, uphold=form.cleaned_data["outcome"] == "uphold", text=form.words, by=by, at=at)


def call_back(case: Case, form: CallForm, by: Posting, at: datetime) -> None:
    said = form.cleaned_data
    if said["outcome"] != "reached":
        closing.call_back(case, reached=False, text=form.words, by=by, at=at)
        return
    answers = {"contacted": said["contacted"] == "yes", "solved": said["solved"] == "yes"}
    closing.call_back(case, reached=True, satisfied=said["satisfied"], text=form.words, by=by, at=at, **answers)


def redo(case: Case, form: SaidForm, by: Posting, at: datetime) -> None:
    closing.reopen(case, text=form.words, by=by, at=at)


def urge(case: Case, form: SaidForm, by: Posting, at: datetime) -> None:
    closing.urge(case, text=form.words, by=by, at=at)


# The panel


def panel(
    case: Case, work: Worklist, by: Posting, *, at: datetime, tried: Any = None, verb: str = "", **more: Any
) -> dict[str, Any]:
    """The context of centre/_panel.html. At most ten queries, however long the story is.

    tried: a form that was refused for `verb`: what was typed stands again, or apart when the case has moved on.
    """
    steps = story.steps(case)
    verbs = {move.verb for move in possible(case, by)}
    kind = _kind(verbs)
    fits = tried is not None and (kind == KINDS.get(verb) or verb in verbs)
    return {
        "case": case,
        "work": work,
        "number": spoken(case.no),
        "kind": kind,
        "verbs": verbs,
        "act_url": f"/centre/cases/{case.no}/act/",
        "title": full_title(case.category_id) or rules_of(case).label("type", case.type, language()),
        "badges": case_page.heading(case)["badges"],
        "clock": _clock(case, at),
        **_said(case, steps),
        "contact": _contact(case),
        "errors": _errors(tried),
        "typed": tried.data if fits else {},
        "verb": verb,
        "kept": list(_typed_words(tried)) if tried is not None and not fits else [],
        "latest": latest(steps),
        "entries": [entry(case, step) for step in reversed(steps)],
        **_MORE[kind](case, steps, by, at, tried if fits else None),
        **more,
    }


# verb -> the kind of panel that its form stands in
KINDS = {"dispatch": "board", "accept": "board", "answer": "board", "rule": "rule", "call_back": "call", "redo": "redo"}


def _kind(verbs: set[str]) -> str:
    """The one thing to do: dispatch, rule, call, do again, place; else only watch."""
    wanted = ("dispatch", "accept", "rule", "call_back", "redo")
    verb = next((verb for verb in wanted if verb in verbs), "")
    return KINDS.get(verb, "watch")


def _errors(tried: Any) -> dict[str, list[str]]:
    """Sentences by field; "all" for those of the whole form."""
    if tried is None:
        return {}
    return {"all" if name == "__all__" else name: list(said) for name, said in tried.errors.items()}


def _typed_words(tried: Any) -> Iterator[str]:
    """What was written in a form that does not fit any more."""
    for name in ("note", "answer", "text"):
        if words := str(tried.data.get(name, "")).strip():
            yield words


def _clock(case: Case, at: datetime) -> dict[str, str] | None:
    """How the present step stands: its time left, its tone and when it ends. None for an ended case."""
    if case.closed_at:
        return None
    if case.due_at >= NEVER:
        return {"left": _("没有时限"), "tone": "", "due": ""}
    clock, left = clock_of(case.due_at, at), span(abs(case.due_at - at)).strip()
    words = _("超时 %(time)s") if clock == "late" else _("还剩 %(time)s")
    return {
        "left": words % {"time": left},
        "tone": case_page.TONES[clock] if clock != "ok" else "",
        "due": _("%(moment)s 前") % {"moment": moment(case.due_at)},
    }


def _said(case: Case, steps: Sequence[story.Step]) -> dict[str, Any]:
    """The resident's words, where it is and what is known of it. One query."""
    rules, net = rules_of(case), tree.snapshot()
    address, erased = (
        Text.objects.filter(region_id=case.region_id, pk=case.text_id).values_list("place", "erased_at").get()
    )
    place = net.get(case.grid_id)
    facts = [rules.label("type", case.type, language()), str(Source(case.source).label), _filed(case)]
    return {
        "words": _("原文已按规定清除。") if erased else steps[0].text,
        "photos": pictures.strip(steps[0].photos, _("反映时的照片")),
        "address": address,
        "place": full_words(place) if place else "",
        "facts": " · ".join(facts),
        "unit": net.unit(case.unit_id).name,
    }


def _filed(case: Case) -> str:
    return f"{timezone.localtime(case.filed_at):%m-%d %H:%M}"


def _contact(case: Case) -> dict[str, Any] | None:
    """Who said it, masked. One query."""
    known = Contact.objects.filter(region_id=case.region_id, pk=case.contact_id).first() if case.contact_id else None
    if known is None:
        return None
    return {
        "name": known.name_mask,
        "phone": known.phone_mask,
        "gone": known.erased_at is not None,
        "url": f"/centre/cases/{case.no}/contact/",
    }


def latest(steps: Sequence[story.Step]) -> str:
    """What happened last, in one line: for whoever finds that somebody was faster."""
    last = steps[-1]
    return f"{last.when[5:]} {last.who} {last.title}"


def entry(case: Case, step: story.Step) -> dict[str, Any]:
    """A step for parts/timeline.html."""
    icon, tone = case_page.MARKS.get(step.verb, ("point-filled", ""))
    lines = [*case_page.details(case, step), step.text if step.verb != "file" else ""]
    return {
        "title": step.title,
        "who": step.who,
        "at": step.when[5:],
        "iso": step.at.isoformat(),
        "icon": icon,
        "tone": "warn" if step.facts.get("outcome") in case_page.UNHAPPY else tone,
        "text": "\n".join(line for line in lines if line),
        "photos": pictures.strip(step.photos, step.title) if step.verb != "file" else [],
    }


# What each kind adds


def _board(case: Case, steps: Sequence[story.Step], by: Posting, at: datetime, tried: Any) -> dict[str, Any]:
    """The dispatcher's form: begun with what is known and suggested, or as it was typed."""
    rules, net, lang = rules_of(case), tree.snapshot(), language()
    place = net.get(case.grid_id)
    given = tried.data if tried is not None else {}
    guesses = orders.guesses(steps[0].text)
    category = _category(given.get("category"), case, guesses)
    chosen_type, chosen_urgency = given.get("type") or case.type, given.get("urgency") or case.urgency
    return {
        "filed": case.state == State.FILED,
        "address_box": given.get("address", full_words(place) if place else _first_guess(case, by)),
        "grid": given.get("grid", place.code if place else ""),
        "guesses": guesses,
        "category_groups": list(category_groups(category)),
        "category_chosen": category,
        "types": [(key, rules.label("type", key, lang), key == chosen_type) for key in rules.types],
        "urgencies": [(key, rules.label("urgency", key, lang), key == chosen_urgency) for key in rules.urgencies],
        "advised": orders.advice(
            case, category=category, place_id=case.grid_id, by=by, on=localdate(at), chosen=given.get("unit", "")
        ),
        "chips": orders.chips(given.getlist("assist") if tried is not None else ()),
    }


def _category(chosen: str | None, case: Case, guesses: Sequence[orders.Guess]) -> int | None:
    if chosen is not None:
        known = in_use(chosen)
        return known.pk if known else None
    return case.category_id or (guesses[0].id if guesses else None)


def _first_guess(case: Case, by: Posting) -> str:
    """The place that the resident's own words may mean, offered for a case without one. One query."""
    said = Text.objects.filter(region_id=case.region_id, pk=case.text_id).values_list("place", "body").get()
    for words in said:
        found = orders.place_called(words, "", by) if words else None
        if found is not None:
            return full_words(found)
    return ""


def _rule(case: Case, steps: Sequence[story.Step], by: Posting, at: datetime, tried: Any) -> dict[str, Any]:
    """Both sides' words, the duty list and what was handed back before."""
    backs = [step for step in steps if step.verb in ("hand_back", "rule")]
    asked = next(step for step in reversed(steps) if step.verb == "hand_back")
    sent = next((step for step in reversed(steps) if step.verb == "dispatch"), None)
    return {
        "back": side(case, asked),
        "sent": side(case, sent) if sent else None,
        "duty_rows": list(_duty_rows(case, at)),
        "before": [entry(case, step) for step in backs if step.n < asked.n],
    }


def side(case: Case, step: story.Step) -> dict[str, Any]:
    """What one side said: who, when, the details and the words."""
    return {"who": step.who, "when": step.when[5:], "details": list(case_page.details(case, step)), "text": step.text}


def _duty_rows(case: Case, at: datetime) -> Iterator[dict[str, Any]]:
    """The rows of the duty list that bear on the case, the one that decides first."""
    net = tree.snapshot()
    for n, duty in enumerate(duties(case, category_id=case.category_id, on=localdate(at))):
        if n == MOST_DUTIES:
            return
        yield {
            "unit": net.unit(duty.unit_id).name,
            "area": net.unit(duty.area_id).name,
            "category": full_title(duty.category_id) or _("属地兜底"),
            "clause": duty.clause,
            "decides": n == 0,
            "mine": duty.unit_id == case.unit_id,
        }


def _call(case: Case, steps: Sequence[story.Step], by: Posting, at: datetime, tried: Any) -> dict[str, Any]:
    """The unit's answer, the calls made so far, and the three questions."""
    reply = next((step for step in reversed(steps) if step.verb == "reply"), None)
    since = max((step.n for step in steps if step.verb == "approve"), default=0)
    calls = [step for step in steps if step.verb == "call_back" and step.n > since]
    given = tried.data if tried is not None else {}
    return {
        "reply": side(case, reply) if reply else None,
        "result": rules_of(case).label("result", case.result, language()) if case.result else "",
        "reply_photos": pictures.strip(reply.photos, _("办理后的照片")) if reply else [],
        "calls": [{"when": step.when[5:], "who": step.who, "text": step.text} for step in calls],
        "next_call": case.calls + 1,
        "given": {name: given.get(name, "") for name in ("contacted", "solved", "satisfied")},
    }


def _plain(case: Case, steps: Sequence[story.Step], by: Posting, at: datetime, tried: Any) -> dict[str, Any]:
    given = tried.data if tried is not None else {}
    place = tree.snapshot().get(case.grid_id)
    return {
        "address_box": given.get("address", full_words(place) if place else ""),
        "grid": given.get("grid", place.code if place else ""),
    }


_MORE = {"board": _board, "rule": _rule, "call": _call, "redo": _plain, "watch": _plain}
