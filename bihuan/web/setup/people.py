"""People and postings: find somebody, appoint, end with what follows from it, and mend an account."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from bihuan.net import postings
from bihuan.net.models import Person, Posting, Role
from bihuan.net.people import OneTime, open_account, reset_password
from bihuan.net.scope import covers
from bihuan.web.posting import desk
from bihuan.web.setup.frame import own_area, page, refusals_in, table
from bihuan.web.setup.units import DayField, UnitField

FOUND = 100


class AppointForm(forms.Form):
    name = forms.CharField(max_length=40, label=gettext_lazy("姓名"))
    phone = forms.CharField(max_length=20, required=False, label=gettext_lazy("电话"))
    role = forms.ChoiceField(label=gettext_lazy("岗位"), choices=Role.choices)
    title = forms.CharField(
        max_length=40,
        required=False,
        label=gettext_lazy("公示职务"),
        help_text=gettext_lazy("居民看到的称呼，如 网格长。"),
    )
    holding = forms.ChoiceField(label=gettext_lazy("任职方式"), choices=Posting.Holding.choices)
    since = DayField(label=gettext_lazy("从哪天起"))
    login = forms.CharField(
        max_length=60,
        required=False,
        label=gettext_lazy("登录名"),
        help_text=gettext_lazy("填了就开通账号，给出一次性密码。"),
    )

    def __init__(self, *args: Any, request: HttpRequest, person: Person | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["unit"] = UnitField(request=request, label=_("单位代码"))
        if person is not None:
            for name in ("name", "phone"):
                del self.fields[name]
            if person.user_id is not None:
                del self.fields["login"]


class EndForm(forms.Form):
    on = DayField(label=gettext_lazy("从哪天起不再担任"))


@desk(Role.ADMIN)
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Who holds what in the own area, by name, phone, login or unit."""
    words = request.GET.get("q", "").strip()[:60]
    held = list(_held(request, words)[: FOUND + 1])
    heads = [_("姓名"), _("单位"), _("岗位"), _("职务"), _("登录名")]
    rows = table(_("人员和岗位"), heads, [_line(one) for one in held[:FOUND]], _("没有找到"))
    context = {"q": words, "people": rows, "more": len(held) > FOUND}
    return page(request, "setup_people", "people.html", context)


def _held(request: HttpRequest, words: str) -> QuerySet[Posting]:
    here = Posting.objects.filter(postings.standing_on(localdate()), unit__path__contains=[own_area(request)])
    if words:
        here = here.filter(
            Q(person__name__icontains=words)
            | Q(person__phone__startswith=words)
            | Q(person__user__username=words)
            | Q(unit__name__icontains=words)
        )
    return here.select_related("person__user", "unit").order_by("person__name", "id")


def _line(one: Posting) -> list[Any]:
    login = one.person.user.username if one.person.user else ""
    name = {"text": one.person.name, "url": f"/setup/people/{one.person_id}/", "sub": one.person.phone}
    unit = {"text": one.unit.name, "url": f"/setup/units/{one.unit.code}/"}
    return [name, unit, one.get_role_display(), one.title, login]


def _person(request: HttpRequest, number: int) -> Person:
    """Somebody with a posting, now or once, in the own area; a stranger's people are not found."""
    person = get_object_or_404(Person.objects.select_related("user"), pk=number)
    units = [one.unit for one in Posting.objects.filter(person=person).select_related("unit")]
    if not any(covers(request.posting, unit) for unit in units):  # type: ignore[attr-defined]
        raise Http404
    return person


@desk(Role.ADMIN)
@require_safe
def show(request: HttpRequest, number: int) -> HttpResponse:
    person = _person(request, number)
    return page(request, "setup_people", "person.html", _person_page(request, person))


def _person_page(request: HttpRequest, person: Person, **more: Any) -> dict[str, Any]:
    today = localdate()
    held = list(Posting.objects.filter(person=person).select_related("unit").order_by("-since", "-id"))
    return {
        "person": {"id": person.pk, "name": person.name, "phone": person.phone, "own": _is_own(request, person)},
        "login": person.user.username if person.user else "",
        "must_change": person.must_change_password,
        "standing": [_posting(one) for one in held if one.until is None or one.until > today],
        "past": _past([one for one in held if one.until is not None and one.until <= today]),
        "form": AppointForm(request=request, person=person, initial={"since": today}),
        "end_words": _("结束"),
        **more,
    }


def _is_own(request: HttpRequest, person: Person) -> bool:
    return person.pk == request.posting.person_id  # type: ignore[attr-defined]


def _posting(one: Posting) -> dict[str, Any]:
    detail = " · ".join(part for part in (one.title, one.get_holding_display()) if part)
    return {
        "id": one.pk, "unit": one.unit.name, "code": one.unit.code, "role": one.get_role_display(), "detail": detail,
        "since": one.since.isoformat(),
    }  # fmt: skip


def _past(ended: list[Posting]) -> dict[str, Any] | None:
    rows = [[one.unit.name, one.get_role_display(), one.title, f"{one.since} — {one.until}"] for one in ended]
    return table(_("以前的岗位"), [_("单位"), _("岗位"), _("职务"), _("任期")], rows) if rows else None


@desk(Role.ADMIN)
def appoint(request: HttpRequest, number: int | None = None) -> HttpResponse:
    """A role for somebody new, or (with a number) a further one for somebody known."""
    person = _person(request, number) if number is not None else None
    initial = {"since": localdate(), "unit": request.GET.get("unit", "")}
    data = request.POST if request.method == "POST" else None
    form = AppointForm(data, request=request, person=person, initial=initial)
    if data is not None and form.is_valid():
        given: OneTime | None = None
        with refusals_in(form):
            person, given = _appointed(request, person, form.cleaned_data)
        if not form.errors and person is not None:
            return _after(request, person, given)
    if person is not None and person.pk is not None:
        return page(request, "setup_people", "person.html", _person_page(request, person, form=form), _status(form))
    return page(request, "setup_people", "appoint.html", {"form": form}, _status(form))


@transaction.atomic
def _appointed(request: HttpRequest, person: Person | None, asked: dict[str, Any]) -> tuple[Person, OneTime | None]:
    person = person or Person.objects.create(name=asked["name"], phone=asked["phone"])
    postings.appoint(
        person, asked["unit"], asked["role"], since=asked["since"], by=request.posting,  # type: ignore[attr-defined]
        holding=asked["holding"], title=asked["title"],
    )  # fmt: skip
    return person, open_account(person, asked["login"]) if asked.get("login") else None


def _after(request: HttpRequest, person: Person, given: OneTime | None) -> HttpResponse:
    """Straight to the person; a one-time password is shown in this answer and never again."""
    if given is None:
        messages.success(request, _("已登记。"))
        return redirect("setup_person", person.pk)
    context = _person_page(request, person, given={"login": given.login, "password": given.password})
    return page(request, "setup_people", "person.html", context)


def _status(form: forms.Form) -> int:
    return 422 if form.errors else 200


@desk(Role.ADMIN)
def end(request: HttpRequest, number: int) -> HttpResponse:
    """GET lists what would move to the unit's queue; POST ends the posting and says what moved."""
    posting = get_object_or_404(Posting.objects.select_related("person", "unit"), pk=number)
    if not covers(request.posting, posting.unit):  # type: ignore[attr-defined]
        raise Http404
    data = request.POST if request.method == "POST" else None
    form = EndForm(data, initial={"on": localdate()})
    at = now()
    if data is not None and form.is_valid():
        with refusals_in(form):
            moved = postings.end(posting, on=form.cleaned_data["on"], by=request.posting, at=at)  # type: ignore[attr-defined]
            context = {"posting": _words(posting), "moved": _moved(moved)}
            return page(request, "setup_people", "ended.html", context)
    listed = postings.consequences(posting, by=request.posting, at=at)  # type: ignore[attr-defined]
    context = {"posting": _words(posting), "form": form, "moved": _moved(listed)}
    return page(request, "setup_people", "end.html", context, _status(form))


def _words(posting: Posting) -> dict[str, Any]:
    return {
        "id": posting.pk, "person": posting.person.name, "person_id": posting.person_id,
        "unit": posting.unit.name, "role": posting.get_role_display(),
    }  # fmt: skip


def _moved(what: list[postings.Consequence]) -> dict[str, Any]:
    return table(_("转到单位待办的工作"), [_("工作")], [[one.says] for one in what], _("没有未办完的工作"))


@desk(Role.ADMIN)
@require_POST
def new_password(request: HttpRequest, number: int) -> HttpResponse:
    """A new one-time password, shown in this answer only. One's own is changed, not reset."""
    person = _person(request, number)
    if _is_own(request, person):
        return redirect("password")
    if person.user is None:
        raise Http404
    return _after(request, person, reset_password(person))
