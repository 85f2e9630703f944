"""Signing in and out, choosing a posting, changing the password."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.conf import settings
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from bihuan.net import postings
from bihuan.net.models import Person, Posting
from bihuan.net.people import AccountFault, change_password
from bihuan.web.posting import choose, person_of
from bihuan.web.shell import home_of

# Filled by the demo: functions that return [{"username", "password", "label"}] to be shown beside the login form.
demo_accounts: list[Callable[[], list[dict[str, str]]]] = []


class LoginForm(forms.Form):
    username = forms.CharField(
        label=gettext_lazy("登录名"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True, "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label=gettext_lazy("密码"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class PasswordForm(forms.Form):
    old = forms.CharField(
        label=gettext_lazy("现在的密码"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    new = forms.CharField(
        label=gettext_lazy("新密码"),
        strip=False,
        max_length=200,
        help_text=gettext_lazy("至少 10 个字符，不能全是数字，也不要用姓名或常见的密码。"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=gettext_lazy("再写一遍新密码"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_again(self) -> str:
        if self.cleaned_data.get("new") != self.cleaned_data["again"]:
            raise forms.ValidationError(_("两次写的新密码不一样。"))
        return self.cleaned_data["again"]


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """A wrong password says how many tries are left; the last one locks this name from this address for a while."""
    if request.method != "POST":
        if request.user.is_authenticated:
            return redirect(_goal(request))
        return _login_page(request, LoginForm())
    form = LoginForm(request.POST)
    if form.is_valid():
        user = authenticate(request, **form.cleaned_data)
        if user is not None:
            login(request, user)
            return _signed_in(request)
        form.add_error(None, _refusal(request, form.cleaned_data["username"]))
    return _login_page(request, form, status=422)


def _login_page(request: HttpRequest, form: LoginForm, status: int = 200) -> HttpResponse:
    accounts = [account for listing in demo_accounts for account in listing()]
    context = {"form": form, "next": _next(request), "demo_accounts": accounts}
    return render(request, "web/login.html", context, status=status)


def _signed_in(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    held = postings.current(person, localdate()) if person is not None else []
    if len(held) == 1:
        choose(request, held[0])
    if person is not None and person.must_change_password:
        return redirect("password")
    return redirect(_goal(request)) if len(held) == 1 else redirect("posting")


def _refusal(request: HttpRequest, username: str) -> str:
    failures = AxesProxyHandler.get_failures(request, {"username": username})
    left = settings.AXES_FAILURE_LIMIT - failures
    if left <= 0:
        return _("登录名或密码不对。")
    return ngettext(
        "登录名或密码不对，还可以再试 %(left)d 次。", "登录名或密码不对，还可以再试 %(left)d 次。", left
    ) % {"left": left}  # fmt: skip


def locked(request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """What axes shows while a name is locked (429). The right password does not help until the time is over."""
    hours = settings.AXES_COOLOFF_TIME
    length = int((hours if isinstance(hours, timedelta) else timedelta(hours=hours)).total_seconds() // 60)
    form = LoginForm(request.POST or None)
    form.is_valid()
    form.add_error(
        None,
        _("连续输错太多次，这个登录名已锁住，请 %(minutes)d 分钟后再试，或请管理员重设密码。") % {"minutes": length},
    )
    return _login_page(request, form, status=429)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("login")


@never_cache
def choose_posting(request: HttpRequest) -> HttpResponse:
    """Which of several postings to act as; with one there is nothing to ask, with none the page says whom to ask."""
    if not request.user.is_authenticated:
        return redirect(f"{reverse('login')}?next={reverse('posting')}")
    person = person_of(request)
    held = postings.current(person, localdate()) if person is not None else []
    wanted = request.POST.get("posting") if request.method == "POST" else None
    chosen = next((one for one in held if str(one.pk) == wanted or len(held) == 1), None)
    if chosen is not None:
        choose(request, chosen)
        return redirect("password") if _must_change(person) else redirect(_goal(request))
    rows = [_choice(one) for one in held]
    return render(request, "web/choose_posting.html", {"postings": rows, "next": _next(request)})


def _choice(one: Posting) -> dict[str, Any]:
    holding = "" if one.holding == Posting.Holding.MAIN else one.get_holding_display()
    return {"id": one.pk, "unit": one.unit.name, "role": one.get_role_display(), "holding": holding}


@never_cache
@sensitive_post_parameters("old", "new", "again")
def password(request: HttpRequest) -> HttpResponse:
    """A one-time password must be changed before anything else; later one may."""
    person = person_of(request)
    if person is None:
        return redirect(f"{reverse('login')}?next={reverse('password')}")
    data = request.POST if request.method == "POST" else None
    form = PasswordForm(data)
    if data is not None and form.is_valid():
        try:
            change_password(person, old=form.cleaned_data["old"], new=form.cleaned_data["new"])
        except AccountFault as error:
            form.add_error(None, str(error))
        else:
            update_session_auth_hash(request, person.user)
            return redirect("posting") if request.posting is None else redirect(home_of(request.posting))  # type: ignore[attr-defined]
    context = {"form": form, "first": person.must_change_password}
    return render(request, "web/change_password.html", context, status=422 if form.errors else 200)


def work(request: HttpRequest) -> HttpResponse:
    """The acting posting's first desk: where "back to work" leads."""
    return redirect(_goal(request) if request.user.is_authenticated else "login")


def _must_change(person: Person | None) -> bool:
    return person is not None and person.must_change_password


def _goal(request: HttpRequest) -> str:
    """Where the person wanted to go, if it is here; else the desk of the posting; without one the choice."""
    posting = getattr(request, "posting", None)
    if posting is None:
        return reverse("posting")
    return _next(request) or home_of(posting)


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours else ""
