"""Publishing what was written: the plan once more, now or at a time, and whoever was faster is told of."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from bihuan.programs import drafts
from bihuan.programs.drafts import Stale
from bihuan.programs.models import Draft, Program, Version
from bihuan.programs.reading import BadDocument
from bihuan.programs.versions import NotPublishable
from bihuan.release.publishing import release
from bihuan.web.posting import desk
from bihuan.web.programs.affecting import affected
from bihuan.web.programs.editing import before_of
from bihuan.web.programs.frame import (
    AUTHORS,
    MomentForm,
    at_words,
    crumbs,
    page,
    program_here,
    require_whole,
    version_words,
)


@desk(*AUTHORS)
@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: HttpRequest, key: str) -> HttpResponse:
    require_whole(request)
    program = program_here(key)
    draft = drafts.draft_of(program)
    if draft is None:
        messages.info(request, _("没有要发布的草稿。"))
        return redirect("program", key)
    if request.method == "POST":
        return _publish(request, program, draft)
    return _confirm(request, program, draft, MomentForm())


def _publish(request: HttpRequest, program: Program, draft: Draft) -> HttpResponse:
    form, at = MomentForm(request.POST), now()
    if told := _overtaken(request, program, draft):
        return _confirm(request, program, draft, form, told=told, status=409)
    if not form.is_valid():
        return _confirm(request, program, draft, form, status=422)
    try:
        version = _release(request, program, draft, at, form.cleaned_data["since"] or at)
    except Stale as error:
        return _confirm(request, program, draft, form, told=str(error), status=409)
    except (NotPublishable, BadDocument) as error:
        return _confirm(request, program, draft, form, refusals=str(error).splitlines(), status=422)
    words = {"version": version_words(version), "at": at_words(version.since)}
    messages.success(request, _("%(version)s已发布，%(at)s起生效。") % words)
    return redirect("program", program.key)


@transaction.atomic
def _release(request: HttpRequest, program: Program, draft: Draft, at: datetime, since: datetime) -> Version:
    """The draft is no more when it has become a version."""
    drafts.drop(program, was=draft.sha256)
    return release(draft.doc, by=request.posting, at=at, since=since)  # type: ignore[attr-defined]


def _overtaken(request: HttpRequest, program: Program, draft: Draft) -> str:
    """What changed since the author saw the plan: he has not agreed to that."""
    before = before_of(program)
    if request.POST.get("before", "") != (str(before.pk) if before else ""):
        return _("您看过以后，别人发布了新版本。下面是按新情况重新算的，请再看一遍。")
    if request.POST.get("draft", "") != draft.sha256:
        return _("您看过以后，草稿又被改过。下面是按现在的草稿重新算的，请再看一遍。")
    return ""


def _confirm(
    request: HttpRequest, program: Program, draft: Draft, form: MomentForm, *,
    told: str = "", refusals: list[str] | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    before = before_of(program)
    plan = affected(draft.doc, at=now())
    context: dict[str, Any] = {
        "crumbs": crumbs(program, _("发布")),
        "program": program,
        "affected": plan,
        "form": form,
        "draft": draft,
        "author": draft.by.person.name,
        "before": before,
        "version": version_words(before) if before else "",
        "told": told,
        "refusals": refusals,
        "can": not plan.refusals,
    }
    return page(request, "publish.html", context, key=program.key, status=status)
