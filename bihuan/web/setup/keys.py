"""Keys for other systems: each acts as one posting, is shown once, and can be revoked at any time."""

import hashlib
import secrets
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.timezone import localdate, localtime, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from bihuan.net.models import Posting, Role, Token
from bihuan.net.postings import standing_on
from bihuan.net.scope import covers
from bihuan.web.posting import desk
from bihuan.web.setup.frame import own_area, page


class KeyForm(forms.Form):
    name = forms.CharField(
        max_length=60, label=gettext_lazy("给哪个系统用"), help_text=gettext_lazy("例如 12345 热线平台。")
    )
    posting = forms.ModelChoiceField(
        Posting.objects.none(),
        empty_label=gettext_lazy("请选择"),
        label=gettext_lazy("以哪个岗位办理"),
        help_text=gettext_lazy("它能看到、能做的，就是这个岗位能看到、能做的。"),
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = Posting.objects.filter(standing_on(localdate()), unit__path__contains=[own_area(request)])
        # An administrator's key would let a program appoint people; nobody acts for a grid worker by program either.
        held = held.exclude(role__in=[Role.ADMIN, Role.GRID_WORKER]).select_related("person", "unit")
        self.fields["posting"].queryset = held.order_by("unit__code", "role", "id")


@desk(Role.ADMIN)
@require_safe
def show(request: HttpRequest) -> HttpResponse:
    return page(request, "setup_keys", "keys.html", _context(request))


def _context(request: HttpRequest, **more: Any) -> dict[str, Any]:
    here = Token.objects.filter(posting__unit__path__contains=[own_area(request)])
    tokens = here.select_related("posting__person", "posting__unit").order_by("revoked_at", "-made_at")[:200]
    return {"keys": [_line(token) for token in tokens], "form": KeyForm(request=request), **more}


def _line(token: Token) -> dict[str, Any]:
    return {
        "id": token.pk, "name": token.name, "posting": str(token.posting),
        "made": f"{localtime(token.made_at):%Y-%m-%d %H:%M}",
        "revoked": f"{localtime(token.revoked_at):%Y-%m-%d %H:%M}" if token.revoked_at else "",
    }  # fmt: skip


@desk(Role.ADMIN)
@require_POST
def make(request: HttpRequest) -> HttpResponse:
    """The key itself stands in this answer and nowhere else: only its SHA-256 is kept."""
    form = KeyForm(request.POST, request=request)
    if not form.is_valid():
        return page(request, "setup_keys", "keys.html", _context(request, form=form), 422)
    key = f"bh_{secrets.token_urlsafe(32)}"
    Token.objects.create(
        posting=form.cleaned_data["posting"], name=form.cleaned_data["name"],
        digest=hashlib.sha256(key.encode()).hexdigest(), made_at=now(),
    )  # fmt: skip
    return page(request, "setup_keys", "keys.html", _context(request, key=key, key_name=form.cleaned_data["name"]))


@desk(Role.ADMIN)
@require_POST
def revoke(request: HttpRequest, number: int) -> HttpResponse:
    token = get_object_or_404(Token.objects.select_related("posting__unit"), pk=number)
    if not covers(request.posting, token.posting.unit):  # type: ignore[attr-defined]
        raise Http404
    Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now())
    messages.success(request, _("“%(name)s”的密钥已作废。") % {"name": token.name})
    return redirect("setup_keys")
