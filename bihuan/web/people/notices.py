"""Public notices: what is on notice now, and objecting to it; the objector gets a number to follow."""

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from bihuan.api.door import admit
from bihuan.api.errors import Refused
from bihuan.ladder.actions import noticing
from bihuan.ladder.models import Notice
from bihuan.ladder.rules import rules_of
from bihuan.lib.codes import spoken
from bihuan.loop.links import case_of, track_path
from bihuan.loop.report import MOST_CHARACTERS
from bihuan.loop.wording import language
from bihuan.net.tree import EmptyNet, UnitRow, snapshot
from bihuan.web.forms_report import private_line
from bihuan.web.people import story
from bihuan.web.people.acting import trying
from bihuan.web.people.frame import place_of
from bihuan.web.people.todo import moment

MOST = 100


class ObjectionForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("您的异议"),
        max_length=MOST_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 5, "data-voice": "", "data-count": MOST_CHARACTERS}),
        error_messages={"required": gettext_lazy("请写下您的异议。")},
    )
    phone = private_line(gettext_lazy("手机号"), type="tel", inputmode="tel", autocomplete="tel")
    name = private_line(gettext_lazy("怎么称呼您"), autocomplete="name")


@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """The notices running in an area (`area`, a code), the latest first. One query."""
    area = _area(request)
    found = noticing.current(area.id, now()) if area is not None else []
    rows = [_notice(one) for one in found[:MOST]]
    context = {"area": area.name if area else "", "rows": rows, "more": len(found) > MOST}
    return render(request, "people/notices.html", context)


def _area(request: HttpRequest) -> UnitRow | None:
    """The area asked for, the home area when none is; Http404 for a code nobody has. None: nothing is set up yet."""
    try:
        net = snapshot()
        code = request.GET.get("area", "")
        area = place_of(code) if code else net.unit(net.home)
    except EmptyNet:
        return None
    if area is None:
        raise Http404
    return area


def _notice(one: Notice) -> dict[str, Any]:
    rules = rules_of(one.passing.standing)
    return {
        "title": story.title_of(rules, "step", f"{one.passing.gate}.notice"),
        "program": rules.label("program", "title", language()),
        "text": one.text,
        "since": story.day(one.since),
        "until": moment(one.until),
        "where": snapshot().full_name(one.unit_id),
        "url": f"/notices/{one.passing.standing.no}/",
    }


def _running(no: str) -> Notice:
    """The notice that runs for a standing; Http404 when none does."""
    at = now()
    rows = Notice.objects.filter(passing__standing__no=no, since__lte=at, until__gt=at, withdrawn_at=None)
    notice = rows.select_related("passing__standing__subject").order_by("-since").first()
    if notice is None:
        raise Http404
    return notice


@require_http_methods(["GET", "HEAD", "POST"])
def notice(request: HttpRequest, no: str) -> HttpResponse:
    """One notice; POST objects to it."""
    one = _running(no)
    form = ObjectionForm(request.POST if request.method == "POST" else None)
    sorry, status = "", 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            sorry, status, signed = _object(request, one, form.cleaned_data)
            if signed:
                return redirect("notice_objected", signed=signed)
    context = {"notice": _notice(one), "form": form, "sorry": sorry}
    return render(request, "people/notice.html", context, status=status)


def _object(request: HttpRequest, one: Notice, said: dict[str, str]) -> tuple[str, int, str]:
    """(why not, status, the signed link of the case)."""
    try:
        admit(request)
    except Refused as error:
        return error.message, error.status, ""
    with trying() as tried:
        made = noticing.object_to(one, said["text"], at=now(), name=said["name"], phone=said["phone"])
        return "", 200, track_path(made.case_no).removeprefix("/t/").removesuffix("/")
    return tried.sentence, tried.status, ""


@require_safe
def objected(request: HttpRequest, signed: str) -> HttpResponse:
    """The number of the objection, and where to follow it."""
    case = case_of(signed)
    context = {"number": spoken(case.no), "link": f"/t/{signed}/", "what": _("您的异议")}
    return render(request, "people/objected.html", context)
