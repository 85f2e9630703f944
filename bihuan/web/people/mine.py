"""Somebody's own page, without an account: where I stand, why (not), and what I may do. Opened by the address that was
sent to the phone, or by number and the last four digits of the phone."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bihuan.book.journal import RESIDENT
from bihuan.dossier import facts
from bihuan.dossier.models import Source, Subject
from bihuan.dossier.subjects import tail_fits
from bihuan.ladder import reading
from bihuan.ladder.actions import appealing, gates, moving
from bihuan.ladder.links import NoSuchPage, own_path, subject_of
from bihuan.ladder.models import Standing
from bihuan.ladder.record import open_pass
from bihuan.ladder.rules import rules_of, stage_of
from bihuan.ladder.steps import gate_of, step_of
from bihuan.lib.codes import BadNumber, parse_short_code
from bihuan.loop.access import TRIES
from bihuan.loop.models import WrongTail
from bihuan.net.postings import names_of
from bihuan.net.tree import snapshot
from bihuan.programs.ladder import Gate, LadderProgram
from bihuan.web.forms_report import TrackForm
from bihuan.web.people import story
from bihuan.web.people.acting import Tried, trying
from bihuan.web.people.asking import AskForm
from bihuan.web.people.board import ending
from bihuan.web.people.nominating import take_papers
from bihuan.web.people.person import stepper, why
from bihuan.web.people.todo import due_words

SHOWN = 10  # standings of one person
View = Callable[..., HttpResponse]


class OpenForm(TrackForm):
    number = forms.CharField(
        label=gettext_lazy("编号"),
        max_length=20,
        error_messages={"required": gettext_lazy("请填写编号，在给您的短信里。")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tail"].help_text = _("登记的那个手机号。")


@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest, no: str = "") -> HttpResponse:
    """Number and last four digits lead to the signed page; wrong ones get a sentence (404), too many a rest (429)."""
    if no and _number(no) is None:
        raise Http404
    if request.method != "POST":
        return render(request, "people/my.html", {"form": OpenForm(initial={"number": no})})
    form, status = OpenForm(request.POST), 422
    if form.is_valid():
        subject, status = _opened(form.cleaned_data["number"], form.cleaned_data["tail"])
        if subject is not None:
            return redirect(own_path(subject))
        form.add_error(None, _sorry(status))
    return render(request, "people/my.html", {"form": form}, status=status)


def _opened(number: str, tail: str) -> tuple[Subject | None, int]:
    """Whose number and phone fit, or the status that says why nobody's: 404, or 429 after five wrong ones in an hour."""
    at, no = now(), _number(number)
    if no is None:
        return None, 404
    if WrongTail.objects.filter(no=no, at__gt=at - timedelta(hours=1)).count() >= TRIES:
        return None, 429
    found = Subject.objects.filter(no=no, erased_at=None).first()
    if found is None or not tail_fits(found, tail):
        WrongTail.objects.create(no=no, at=at)
        return None, 404
    return found, 200


def _number(text: str) -> str | None:
    """A subject's number as typed, in its one form; None for what is none."""
    try:
        return parse_short_code(text)
    except BadNumber:
        return None


def _sorry(status: int) -> str:
    if status == 429:
        return _("试的次数太多了，请一小时后再试，或点短信里的网址。")
    return _("没有查到。请核对编号和手机号后四位。")


def by_link(view: View) -> View:
    """The subject of a signed link; a broken one leads to the question for number and phone."""

    @wraps(view)
    def found(request: HttpRequest, signed: str, **kwargs: Any) -> HttpResponse:
        try:
            subject = subject_of(signed)
        except NoSuchPage as error:
            context = {"form": OpenForm(), "sentence": str(error)}
            return render(request, "people/my.html", context, status=404)
        response = view(request, signed, subject, **kwargs)
        add_never_cache_headers(response)
        response["X-Robots-Tag"] = "noindex"
        return response

    return found


@require_safe
@by_link
def mine(request: HttpRequest, signed: str, subject: Subject) -> HttpResponse:
    return _page(request, signed, subject)


def _page(
    request: HttpRequest, signed: str, subject: Subject, tried: Tried | None = None, **refused: Any
) -> HttpResponse:
    at = now()
    rows = Standing.objects.filter(subject=subject).select_related("subject", "unit").order_by("-pk")[:SHOWN]
    link = f"/people/mine/{signed}/"
    standings = sorted(rows, key=lambda one: (one.ended_at is not None, -one.pk))
    context = {
        "name": subject.name,
        "no": subject.no,
        "standings": [_standing(one, link, at, refused) for one in standings],
        "sorry": tried.sentence if tried else "",
        "typed": request.POST.get("text", ""),
    }
    return render(request, "people/mine.html", context, status=tried.status if tried else 200)


def _standing(standing: Standing, link: str, at: datetime, refused: dict[str, Any]) -> dict[str, Any]:
    """One ladder as the person himself reads it."""
    rules, passing = rules_of(standing), open_pass(standing)
    offers = reading.possible(standing, RESIDENT, at)
    step = step_of(passing) if passing else None
    told = {
        "program": story.title_of(rules, "program", "title"),
        "stage": _public(rules, standing),
        "since": story.day(standing.ended_at or standing.since),
        "where": snapshot().full_name(standing.unit_id),
        "ended": standing.ended_at is not None,
        "leader": _leader(standing),
        "link": f"{link}{standing.no}/",
        "id": standing.no,
        "entries": story.entries(standing, own=True),
        "appeal": offers.appeal,
        "withdraw": offers.withdraw,
        "acts": _acts(standing, offers, refused),
        "onward": [] if passing else _onward(standing, rules, at),
    }
    if passing is None:
        return told
    return told | {
        "steps": stepper(rules, gate_of(passing), passing),
        "gate": story.title_of(rules, "gate", passing.gate),
        "step": story.title_of(rules, "step", step.node) if step else _("等待名额"),
        "unit": snapshot().full_name(passing.step_unit) if passing.step_unit else "",
        "lines": why(standing, gate_of(passing), at),
        **due_words(passing.step_due, at),
    }


def _public(rules: LadderProgram, standing: Standing) -> str:
    """The stage in the words that the document has for the public."""
    if standing.ended_at is not None and standing.stage not in rules.stages:
        return ending(rules, standing.result)
    return story.title_of(rules, "public", standing.stage) or _("已提交，正在办理")


def _leader(standing: Standing) -> str:
    held = names_of([standing.answerable]) if standing.answerable and standing.ended_at is None else []
    return next((f"{snapshot().unit(unit).name} {name}" for _posting, unit, name in held), "")


def _onward(standing: Standing, rules: LadderProgram, at: datetime) -> list[dict[str, Any]]:
    """What it takes to come further: the gates that lead up, with every test. Those that lead out are not shown as a goal."""
    if standing.ended_at is not None:
        return []
    return [
        {"title": story.title_of(rules, "gate", gate.key), "lines": why(standing, gate, at)}
        for gate in rules.gates_from(stage_of(standing))
        if _leads_up(rules, standing, gate) and gate.tests
    ]


def _leads_up(rules: LadderProgram, standing: Standing, gate: Gate) -> bool:
    to = rules.stages[gate.to]
    return (not to.final and (gate.reaches or to.order >= standing.rung) and gate.to != standing.stage) or gate.reaches


def _acts(standing: Standing, offers: reading.Possible, refused: dict[str, Any]) -> list[dict[str, Any]]:
    """The moves and gates that are his own to make."""
    rules = rules_of(standing)
    known = facts.answers(standing.subject, rules, localdate()) if offers.moves or offers.gates else {}
    acts = [("move", one.key, one.asks, bool(one.to and rules.stages[one.to].final)) for one in offers.moves]
    acts += [("gate", one.key, one.asks, False) for one in offers.gates]
    found = []
    for part, key, asks, final in acts:
        id = f"{standing.no}-{key}"
        form = refused.get("form") if refused.get("id") == id else None
        found.append({
            "title": story.title_of(rules, part, key), "url": f"{part}s/{key}/", "final": final,
            "form": form or AskForm(rules=rules, asks=asks, source=Source.SELF, known=known, auto_id=f"{id}_%s"),
            "open": form is not None,
        })  # fmt: skip
    return found


# What he may do


def _own(subject: Subject, no: str) -> Standing:
    standing = Standing.objects.filter(subject=subject, no=no).select_related("subject").first()
    if standing is None:
        raise Http404
    return standing


def _act(
    request: HttpRequest, signed: str, subject: Subject, deed: Callable[[datetime], Any], said: str, **refused: Any
) -> HttpResponse:
    at = now()
    with trying() as tried, transaction.atomic():
        deed(at)
    if tried.sentence:
        form = refused.get("form")
        if form is not None and f"a_{tried.field}" in form.fields:
            form.add_error(f"a_{tried.field}", tried.sentence)
        return _page(request, signed, subject, tried, **refused)
    messages.success(request, said)
    return redirect(f"/people/mine/{signed}/")


def _text(request: HttpRequest) -> str:
    return request.POST.get("text", "").replace("\r", "").strip()


@require_POST
@by_link
def appeal(request: HttpRequest, signed: str, subject: Subject, no: str) -> HttpResponse:
    standing = _own(subject, no)

    def deed(at: datetime) -> None:
        appealing.appeal(standing, _text(request), at=at)

    return _act(request, signed, subject, deed, _("申诉收到了，由上级复核，复核前决定不生效。"))


@require_POST
@by_link
def withdraw(request: HttpRequest, signed: str, subject: Subject, no: str) -> HttpResponse:
    standing = _own(subject, no)

    def deed(at: datetime) -> None:
        gates.withdraw(standing, text=_text(request), by=RESIDENT, at=at)

    return _act(request, signed, subject, deed, _("已按您的意思撤回。"))


@require_POST
@by_link
def act(request: HttpRequest, signed: str, subject: Subject, no: str, part: str, key: str) -> HttpResponse:
    """A move or a gate that the document leaves to the person himself."""
    standing = _own(subject, no)
    rules = rules_of(standing)
    rule = (rules.moves if part == "moves" else rules.gates).get(key)
    if rule is None:
        raise Http404
    id, known = f"{no}-{key}", facts.answers(subject, rules, localdate())
    form = AskForm(
        request.POST, request.FILES, rules=rules, asks=rule.asks, source=Source.SELF, known=known, auto_id=f"{id}_%s"
    )
    if not form.is_valid():
        return _page(request, signed, subject, Tried(_("还有没填好的，请看下面。"), 422), id=id, form=form)

    def deed(at: datetime) -> None:
        take_papers(form, subject, by=RESIDENT)
        do = moving.advance if part == "moves" else gates.open_gate
        do(standing, key, by=RESIDENT, at=at, answers=form.given, text=_text(request))

    return _act(request, signed, subject, deed, _("已办好。"), id=id, form=form)
