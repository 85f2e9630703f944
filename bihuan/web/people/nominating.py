"""Proposing somebody for a ladder: found by identity number, phone or name, or registered on the way."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from bihuan.book.journal import Acting
from bihuan.dossier import facts, papers, photos, subjects
from bihuan.dossier.models import Source, Subject
from bihuan.ladder.actions import entering
from bihuan.ladder.answers import by_posting, source_of
from bihuan.ladder.models import Standing
from bihuan.lib.codes import plain_digits
from bihuan.net.models import Kind, Level
from bihuan.net.scope import covers
from bihuan.net.tree import UnitRow, snapshot
from bihuan.programs.ladder import LadderProgram
from bihuan.web.people.acting import Tried, trying
from bihuan.web.people.asking import AskForm
from bihuan.web.people.board import heading, ladder_here
from bihuan.web.people.entrances import Way, ways_in
from bihuan.web.people.frame import RAISING, own_area, page
from bihuan.web.posting import desk

SELF_TYPED = 2  # the grade of what somebody's own typed identity number says
PURPOSE = "推荐时查找是否已登记"


class PersonForm(forms.Form):
    """Somebody who is not registered yet."""

    name = forms.CharField(label=gettext_lazy("姓名"), max_length=80)
    unit = forms.ChoiceField(label=gettext_lazy("所在村（社区）"))
    phone = forms.CharField(label=gettext_lazy("手机号"), max_length=20, widget=forms.TextInput(attrs={"type": "tel"}))
    identity = forms.CharField(
        label=gettext_lazy("身份证号"),
        max_length=20,
        required=False,
        help_text=gettext_lazy("填了就不用再填出生日期；加密保存，只显示头尾几位。"),
    )

    def __init__(self, *args: Any, area: UnitRow, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = villages(area)
        self.fields["unit"].choices = choices if len(choices) == 1 else [("", _("请选择")), *choices]
        for field in self.fields.values():
            field.error_messages["required"] = _("请填写“%(title)s”。") % {"title": field.label}


def villages(area: UnitRow) -> list[tuple[Any, Any]]:
    """The villages of an area to choose from, by town where there are several towns: (code, name) or (town, [...])."""
    net = snapshot()
    found = [net.unit(pk) for pk in net.below(area.id)]
    found = [unit for unit in found if unit.kind == Kind.AREA and unit.level == Level.COMMUNITY and unit.died is None]
    towns: dict[str, list[tuple[str, str]]] = {}
    for unit in sorted(found, key=lambda unit: unit.code):
        town = net.get(unit.l4)
        towns.setdefault(town.name if town else "", []).append((unit.code, unit.name))
    if len(towns) <= 1:
        return next(iter(towns.values()), [])
    return list(towns.items())


@desk(*RAISING)
@require_http_methods(["GET", "HEAD", "POST"])
def nominate(request: HttpRequest, program: str) -> HttpResponse:
    """Look for somebody; or fill in who he is together with what the gate asks."""
    rules, way = _asked(request, program)
    data = request.POST if request.method == "POST" else None
    person = PersonForm(data, area=own_area(request))
    form = _ask_form(request, rules, way, None)
    if data is not None:
        form.take_from_identity(request.POST.get("identity", ""))
        if person.is_valid() & form.is_valid():
            unit = snapshot().by_code(person.cleaned_data["unit"])
            with trying() as tried:
                standing = _register_and_enter(request, rules, way, person.cleaned_data, unit, form)
            if not tried.sentence:
                return _done(request, standing, rules)
            _blame(tried, person, form)
            return _page(request, rules, way, status=tried.status, person=person, form=form, tried=tried)
    return _page(request, rules, way, status=422 if data is not None else 200, person=person, form=form)


@desk(*RAISING)
@require_POST
def find(request: HttpRequest, program: str) -> HttpResponse:
    """Who is registered under a number or a name. Searching by number is a look, and recorded."""
    rules, way = _asked(request, program)
    words = request.POST.get("q", "").strip()[:40]
    found: list[Subject] = []
    with trying() as tried:
        found = _found(request, words)
    known = [_candidate(request, rules, way, one) for one in found]
    empty = {"person": PersonForm(area=own_area(request)), "form": _ask_form(request, rules, way, None, fresh=True)}
    context = {"q": words, "found": known, "searched": not tried.sentence and bool(words), "wrong_q": tried.sentence}
    return _page(request, rules, way, status=tried.status, **empty, **context)


def _found(request: HttpRequest, words: str) -> list[Subject]:
    digits = plain_digits(words)
    if len(digits) == 18:
        return subjects.find(identity=digits, by=request.posting, purpose=PURPOSE, at=now())  # type: ignore[attr-defined]
    if digits[:1].isdigit() and len(digits) >= 7:
        return subjects.find(phone=digits, by=request.posting, purpose=PURPOSE, at=now())  # type: ignore[attr-defined]
    return subjects.named(words, own_area(request).id)


def _candidate(request: HttpRequest, rules: LadderProgram, way: Way, subject: Subject) -> dict[str, Any]:
    """One found person, with the way on: nominate, look at the page, or who else must do it."""
    there = Standing.objects.filter(subject=subject, program=rules.key, ended_at=None).first()
    mine = covers(request.posting, subject.unit)  # type: ignore[attr-defined]
    url = f"/people/{rules.key}/nominate/{subject.no}/?way={way.key}"
    return {
        "name": subject.name,
        "about": " · ".join(part for part in (subject.phone_mask, subject.identity_mask) if part),
        "where": snapshot().full_name(subject.unit_id),
        "url": "" if there is not None or not mine else url,
        "page": f"/people/s/{there.no}/" if there is not None and mine else "",
        "elsewhere": not mine,
    }


@desk(*RAISING)
@require_http_methods(["GET", "HEAD", "POST"])
def nominate_known(request: HttpRequest, program: str, no: str) -> HttpResponse:
    """The same for somebody who is registered: only what is not known yet is asked."""
    rules, way = _asked(request, program)
    subject = get_object_or_404(Subject.objects.select_related("unit"), no=no)
    if not covers(request.posting, subject.unit):  # type: ignore[attr-defined]
        raise Http404
    form = _ask_form(request, rules, way, subject)
    if request.method == "POST" and form.is_valid():
        with trying() as tried:
            standing = come_in(rules, way, subject, form, by=request.posting, text=_text(request))  # type: ignore[attr-defined]
        if not tried.sentence:
            return _done(request, standing, rules)
        return _page(request, rules, way, status=tried.status, subject=subject, form=form, tried=tried)
    return _page(request, rules, way, status=422 if form.is_bound else 200, subject=subject, form=form)


def _asked(request: HttpRequest, program: str) -> tuple[LadderProgram, Way]:
    """The ladder and the way in that was chosen, the first when none was; Http404 for a post that opens none."""
    rules = ladder_here(request, program)
    ways = ways_in(rules, request.posting)  # type: ignore[attr-defined]
    key = request.POST.get("way") or request.GET.get("way") or ""
    way = next((way for way in ways if way.key == key), ways[0] if ways else None)
    if way is None:
        raise Http404
    return rules, way


def _ask_form(
    request: HttpRequest, rules: LadderProgram, way: Way, subject: Subject | None, *, fresh: bool = False
) -> AskForm:
    known = facts.answers(subject, rules, localdate()) if subject is not None else {}
    bound = request.method == "POST" and not fresh
    data, files = (request.POST, request.FILES) if bound else (None, None)
    source = source_of(request.posting)  # type: ignore[attr-defined]
    return AskForm(data, files, rules=rules, asks=way.asks, source=source, known=known)


@transaction.atomic
def _register_and_enter(
    request: HttpRequest, rules: LadderProgram, way: Way, said: dict[str, Any], unit: UnitRow, form: AskForm
) -> Standing:
    """All or nothing: who is refused at the gate is not registered either."""
    subject = subjects.register(
        said["name"], unit=unit.id, at=now(), phone=said["phone"], identity=said["identity"]
    )  # fmt: skip
    return come_in(rules, way, subject, form, by=request.posting, text=_text(request))  # type: ignore[attr-defined]


@transaction.atomic
def come_in(rules: LadderProgram, way: Way, subject: Subject, form: AskForm, *, by: Acting, text: str = "") -> Standing:
    """Through the gate, or by the move, with the answers of a valid form and its papers.

    What the identity number says is told as the register's word; of less weight when nobody of staff has seen the card.
    """
    at = now()
    if form.by_number:
        seen = by_posting(by)
        facts.tell_all(
            subject, form.by_number, source=Source.REGISTER, by=seen, at=at, grade=None if seen else SELF_TYPED
        )  # fmt: skip
    take_papers(form, subject, by=by)
    if way.is_gate:
        return entering.nominate(rules.key, subject, gate=way.key, by=by, at=at, answers=form.given, text=text)
    return entering.start(rules.key, subject, move=way.key, by=by, at=at, answers=form.given)


def take_papers(form: AskForm, subject: Subject, *, by: Acting) -> None:
    """Pages that came with a form, as papers of the subject. Raises BadPhoto, BadPaper."""
    at = now()
    for key, files in form.photos.items():
        pages = [photos.take(file, region_id=snapshot().region_of(None), at=at).key for file in files]
        use = form.rules.asks[key].use
        papers.take_in(subject, use, pages, source=source_of(by), by=by_posting(by), at=at)


def _text(request: HttpRequest) -> str:
    return request.POST.get("text", "").strip()


def _blame(tried: Tried, person: PersonForm, form: AskForm) -> None:
    if tried.field in person.fields:
        person.add_error(tried.field, tried.sentence)
    elif f"a_{tried.field}" in form.fields:
        form.add_error(f"a_{tried.field}", tried.sentence)


def _done(request: HttpRequest, standing: Standing, rules: LadderProgram) -> HttpResponse:
    standing.refresh_from_db()
    said = _("已办好。") if standing.stage else _("已提交，下一步由把关的同事办理。")
    messages.success(request, said)
    return redirect(f"/people/s/{standing.no}/")


def _page(
    request: HttpRequest, rules: LadderProgram, way: Way, *, status: int, tried: Tried | None = None, **more: Any
) -> HttpResponse:
    base = f"/people/{rules.key}/nominate/"
    subject = more.pop("subject", None)
    ways = ways_in(rules, request.posting)  # type: ignore[attr-defined]
    here = f"{base}{subject.no}/" if subject is not None else base
    context = {
        **heading(request, rules, own_area(request), ""),
        "way": way.key,
        "ways": [{"label": one.title, "url": f"{here}?way={one.key}", "current": one.key == way.key} for one in ways],
        "way_title": way.title,
        "action": here,
        "find_action": f"{base}find/",
        "sorry": tried.sentence if tried is not None else "",
        "text_typed": request.POST.get("text", ""),
        "who": _who(subject) if subject is not None else None,
        **more,
    }  # fmt: skip
    return page(request, rules.key, "people/nominate.html", context, status=status)


def _who(subject: Subject) -> dict[str, str]:
    about = " · ".join(part for part in (subject.phone_mask, subject.identity_mask) if part)
    return {"name": subject.name, "about": about, "where": snapshot().full_name(subject.unit_id)}
