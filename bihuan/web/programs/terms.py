"""A unit's own terms: a form of what the version above opens, each with the only direction it may go."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bihuan.net.models import Unit
from bihuan.net.scope import covers
from bihuan.net.tree import snapshot
from bihuan.programs import overlays, versions
from bihuan.programs.models import Program, Version
from bihuan.programs.opening import NUMBERS
from bihuan.programs.overlays import ALLOWED, BadTerms
from bihuan.programs.reading import BadDocument
from bihuan.programs.telling import Names, spell
from bihuan.programs.versions import NotPublishable
from bihuan.programs.writing import toml
from bihuan.release.publishing import release_terms, require_author
from bihuan.web.posting import desk
from bihuan.web.programs.affecting import affected
from bihuan.web.programs.frame import AUTHORS, MomentForm, at_words, crumbs, page, program_here, version_words

LONGEST = 500


class TermsForm(MomentForm):
    """A field for each opened path, empty where the unit follows the version above."""

    def __init__(self, above: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        data = overlays.data_of(above)
        self.opened: dict[str, str] = dict(data.get("open", {}))
        names = Names(data, data)
        for path, direction in self.opened.items():
            self.fields[path] = _field(names, path, direction, overlays.value_at(data, path))
        self.order_fields([*self.opened, "since"])

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or {}
        if not any(asked.get(path) not in ("", None) for path in self.opened) and not self.errors:
            raise forms.ValidationError(_("至少填一项。不想再有本级条款，就在下面撤下。"))
        return asked

    def terms(self, key: str) -> str:
        """What was filled in, as terms."""
        wanted = {path: self.cleaned_data[path] for path in self.opened if self.cleaned_data[path] not in ("", None)}
        return toml({"program": key, "set": wanted})


def _field(names: Names, path: str, direction: str, above: Any) -> forms.Field:
    said = _("上级定的是%(value)s，%(allowed)s。") % {"value": spell(above), "allowed": ALLOWED[direction]}
    label = names.of(tuple(path.split(".")))
    if direction in NUMBERS:
        return forms.IntegerField(label=label, help_text=said, required=False, min_value=1, max_value=1_000_000)
    if direction == "wording":
        return forms.CharField(label=label, help_text=said, required=False, max_length=LONGEST)
    how = _("写成 %(example)s 的样子（wd 是工作日，d 是自然日，h 是小时）。") % {"example": above}
    return forms.CharField(label=label, help_text=f"{said}{how}", required=False, max_length=20)


@desk(*AUTHORS)
@require_safe
def choose(request: HttpRequest, key: str) -> HttpResponse:
    """From the list of places to the page of one."""
    return redirect("program_terms", program_here(key).key, _unit(request, request.GET.get("unit", "")).code)


@desk(*AUTHORS)
@require_http_methods(["GET", "HEAD", "POST"])
def terms(request: HttpRequest, key: str, code: str) -> HttpResponse:
    """The form; POST shows what it would do (do=try) or publishes it (do=publish)."""
    program, unit, at = program_here(key), _unit(request, code), now()
    above, own = _above(program, unit, at), _own(program, unit)
    if request.method != "POST":
        set_now = overlays.read_terms(own.terms, program=key) if own else {}
        form = TermsForm(above.doc, initial=set_now)
        return _page(request, program, unit, above, own, form)
    form = TermsForm(above.doc, request.POST)
    if not form.is_valid():
        return _page(request, program, unit, above, own, form, status=422)
    if request.POST.get("do") != "publish":
        return _try(request, program, unit, above, own, form, at)
    return _publish(request, program, unit, above, own, form, at)


def _try(
    request: HttpRequest, program: Program, unit: Unit, above: Version, own: Version | None, form: TermsForm, at: datetime
) -> HttpResponse:  # fmt: skip
    plan = affected(form.terms(program.key), at=at, since=form.cleaned_data["since"] or at, unit=unit)
    status = 422 if plan.refusals else 200
    return _page(request, program, unit, above, own, form, plan=plan, status=status)


def _publish(
    request: HttpRequest, program: Program, unit: Unit, above: Version, own: Version | None, form: TermsForm, at: datetime
) -> HttpResponse:  # fmt: skip
    since = form.cleaned_data["since"] or at
    if request.POST.get("own", "") != _mark(above, own):
        told = _("您看过以后，这里或上级的条款变了。下面是现在的，请再试算一遍。")
        return _page(request, program, unit, above, own, form, told=told, status=409)
    try:
        version = release_terms(form.terms(program.key), unit=unit, by=request.posting, at=at, since=since)  # type: ignore[attr-defined]
    except (BadTerms, BadDocument, NotPublishable) as error:
        return _page(request, program, unit, above, own, form, refusals=str(error).splitlines(), status=422)
    words = {"version": version_words(version), "at": at_words(version.since)}
    messages.success(request, _("%(version)s已发布，%(at)s起生效。") % words)
    return redirect("program", program.key)


@desk(*AUTHORS)
@require_POST
def end(request: HttpRequest, key: str, code: str) -> HttpResponse:
    """End a unit's own terms: from then on the version above holds there."""
    program, unit, at = program_here(key), _unit(request, code), now()
    require_author(request.posting, unit)  # type: ignore[attr-defined]
    form = MomentForm(request.POST)
    above, own = _above(program, unit, at), _own(program, unit)
    if own is None:
        raise Http404
    refused: list[str] = []
    if form.is_valid():
        try:
            versions.end_overlay(key, unit=unit, at=at, since=form.cleaned_data["since"] or at)
        except NotPublishable as error:
            refused = str(error).splitlines()
        else:
            messages.success(
                request, _("%(unit)s不再有自己的条款，改按上级的版本。正在办的不变。") % {"unit": unit.name}
            )
            return redirect("program", key)
    shown = TermsForm(above.doc, initial=overlays.read_terms(own.terms, program=key))
    return _page(request, program, unit, above, own, shown, refusals=refused or form.errors["since"], status=422)


def _unit(request: HttpRequest, code: str) -> Unit:
    """A place in the acting posting's area; a stranger's is not found."""
    unit = Unit.objects.filter(code=code, died=None).first()
    if unit is None or not covers(request.posting, unit) or not snapshot().unit(unit.pk).is_place:  # type: ignore[attr-defined]
        raise Http404
    return unit


def _above(program: Program, unit: Unit, at: datetime) -> Version:
    """The version that the unit's terms stand on, with its text."""
    try:
        found = versions.in_force(program.key, at, snapshot().unit(unit.pk).parent)
    except versions.NoVersion as error:
        raise Http404 from error
    return Version.objects.select_related("program").get(pk=found.pk)


def _own(program: Program, unit: Unit) -> Version | None:
    """The unit's terms, in force or to come."""
    line = program.versions.filter(unit=unit, until=None).exclude(state=Version.State.DRAFT)
    return line.select_related("program").order_by("-n").first()


def _mark(above: Version, own: Version | None) -> str:
    """What the author has before his eyes."""
    return f"{above.pk}-{own.pk if own else ''}"


def _page(
    request: HttpRequest, program: Program, unit: Unit, above: Version, own: Version | None, form: TermsForm, *,
    plan: Any = None, refusals: Any = None, told: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    context = {
        "crumbs": crumbs(program, _("本级条款")),
        "program": program,
        "unit": unit,
        "above": version_words(above),
        "own": _("%(version)s，%(at)s起") % {"version": version_words(own), "at": at_words(own.since)} if own else "",
        "mark": _mark(above, own),
        "form": form,
        "affected": plan,
        "can": bool(plan and not plan.refusals),
        "refusals": refusals,
        "told": told,
        "end_form": MomentForm(auto_id="end_%s") if own else None,
        "end_url": reverse("program_terms_end", args=[program.key, unit.code]),
    }
    return page(request, "terms.html", context, key=program.key, status=status)
