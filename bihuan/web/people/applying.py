"""Somebody applies for himself: which ladder, which village, then the questions of the gate that is open to him."""

from typing import Any

from django import forms
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from bihuan.api.door import admit
from bihuan.api.errors import Refused
from bihuan.book.journal import RESIDENT
from bihuan.dossier import subjects, vault
from bihuan.dossier.models import Source, Subject
from bihuan.dossier.subjects import BadSubject
from bihuan.ladder.links import own_path
from bihuan.lib.codes import normal_phone, parse_resident_id
from bihuan.loop.wording import language
from bihuan.net.models import Level
from bihuan.net.tree import EmptyNet, UnitRow, snapshot
from bihuan.programs.ladder import LadderProgram
from bihuan.web.people.acting import trying
from bihuan.web.people.asking import AskForm
from bihuan.web.people.entrances import SUBJECT, Way, ways_by
from bihuan.web.people.frame import ladder, ladders, place_of
from bihuan.web.people.nominating import come_in


class OneselfForm(forms.Form):
    """Who applies."""

    name = forms.CharField(
        label=gettext_lazy("您的姓名"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    phone = forms.CharField(
        label=gettext_lazy("您的手机号"),
        max_length=20,
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel", "data-private": ""}),
        help_text=gettext_lazy("结果发到这个号码，以后凭后四位查看。"),
    )
    identity = forms.CharField(
        label=gettext_lazy("身份证号"),
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "data-private": ""}),
        help_text=gettext_lazy("填了就不用再填出生日期；加密保存，只显示头尾几位。"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.error_messages["required"] = _("请填写“%(title)s”。") % {"title": field.label}


@require_safe
def programs(request: HttpRequest) -> HttpResponse:
    """The ladders that one may apply for oneself."""
    try:
        here = ladders(now(), snapshot().home)
    except EmptyNet:
        here = []
    rows = [_program(rules) for rules in here if ways_by(rules, SUBJECT)]
    return render(request, "people/apply.html", {"rows": rows})


def _program(rules: LadderProgram) -> dict[str, str]:
    return {
        "title": rules.label("program", "title", language()),
        "text": rules.label("program", "text", language()) if rules.text else "",
        "url": f"/apply/{rules.key}/",
    }


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def apply(request: HttpRequest, program: str) -> HttpResponse:
    """First the village (`area`), level after level as plain links; then the form."""
    area = _area(request.GET.get("area", "") or request.POST.get("area", ""))
    rules = ladder(program, now(), area.id)
    ways = ways_by(rules, SUBJECT) if rules is not None else []
    if rules is None or not ways:
        raise Http404
    if area.level < Level.COMMUNITY and snapshot().places_below(area.id):
        return render(request, "people/apply_where.html", _places(rules, area))
    way = next((one for one in ways if one.key == request.POST.get("way")), ways[0])
    if request.method == "POST":
        return _send(request, rules, way, area)
    return _page(request, rules, way, area, OneselfForm(), _form(rules, way, None))


def _area(code: str) -> UnitRow:
    """The place chosen, the home area when none is; Http404 outside of it."""
    net = snapshot()
    found = place_of(code) if code else net.unit(net.home)
    if found is None or net.home not in found.path:
        raise Http404
    return found


def _places(rules: LadderProgram, area: UnitRow) -> dict[str, Any]:
    net = snapshot()
    base = f"/apply/{rules.key}/"
    below = [unit for unit in net.places_below(area.id) if unit.level <= Level.COMMUNITY]
    above = [net.unit(id) for id in area.path if net.home in net.unit(id).path]
    return {
        **_program(rules),
        "chosen": [{"name": unit.name, "url": f"{base}?area={unit.code}"} for unit in above],
        "places": [{"name": unit.name, "url": f"{base}?area={unit.code}"} for unit in below],
    }


def _form(rules: LadderProgram, way: Way, data: Any, files: Any = None) -> AskForm:
    return AskForm(data, files, rules=rules, asks=way.asks, source=Source.SELF)


def _send(request: HttpRequest, rules: LadderProgram, way: Way, area: UnitRow) -> HttpResponse:
    person, form = OneselfForm(request.POST), _form(rules, way, request.POST, request.FILES)
    form.take_from_identity(request.POST.get("identity", ""))
    if not (person.is_valid() & form.is_valid()):
        return _page(request, rules, way, area, person, form, status=422)
    try:
        admit(request)
    except Refused as error:
        return _page(request, rules, way, area, person, form, sorry=error.message, status=error.status)
    known = None
    with trying() as tried:
        known = _recognised(area, person.cleaned_data)
        subject = _enter(rules, way, area, person.cleaned_data, form, known)
        return redirect(own_path(subject)) if known is None else redirect("applied")
    if known is not None and not tried.field:
        tried.sentence = _("您已经登记过，这次没有提交成功。请在“我的进展”里查看原因，或到村里问一问。")
    if tried.field in person.fields:
        person.add_error(tried.field, tried.sentence)
    elif f"a_{tried.field}" in form.fields:
        form.add_error(f"a_{tried.field}", tried.sentence)
    return _page(request, rules, way, area, person, form, sorry=tried.sentence, status=tried.status)


@require_safe
def applied(request: HttpRequest) -> HttpResponse:
    """For whoever was registered before: that it was received. How he stands is told to his phone only."""
    return render(request, "people/applied.html")


@transaction.atomic
def _enter(
    rules: LadderProgram, way: Way, area: UnitRow, said: dict[str, Any], form: AskForm, known: Subject | None
) -> Subject:
    """Registered, unless recognised; then through the gate. All or nothing."""
    subject = known or subjects.register(
        said["name"], unit=area.id, at=now(), phone=said["phone"], identity=said["identity"]
    )  # fmt: skip
    come_in(rules, way, subject, form, by=RESIDENT)
    return subject


def _recognised(area: UnitRow, said: dict[str, Any]) -> Subject | None:
    """Who is registered under this name and phone, both; knowing them opens nothing of what is known of him.

    Raises BadPhone, BadResidentId, and BadSubject for an identity number that stands under another name or phone.
    """
    name, phone = said["name"].strip(), normal_phone(said["phone"])
    same = Subject.objects.filter(phone_index=vault.phone_index(phone), name=name, erased_at=None)
    found = same.filter(unit=area.id).first()
    if found is not None or not said["identity"]:
        return found
    number = parse_resident_id(said["identity"])
    holder = subjects.by_identity([number]).get(number)
    if holder is not None and holder.pk not in same.values_list("pk", flat=True):
        raise BadSubject(_("姓名、手机号与身份证号登记的不一致，请核对，或到村里办理。"), "identity")
    return holder


def _page(
    request: HttpRequest,
    rules: LadderProgram,
    way: Way,
    area: UnitRow,
    person: OneselfForm,
    form: AskForm,
    *,
    sorry: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        **_program(rules),
        "person": person,
        "form": form,
        "way": way.key,
        "way_title": way.title,
        "area": {"code": area.code, "name": snapshot().full_name(area.id)},
        "today": localdate().isoformat(),
        "sorry": sorry,
    }
    return render(request, "people/apply_form.html", context, status=status)
