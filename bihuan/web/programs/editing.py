"""Writing a program: its text with live checks beside it. A draft is kept and comes back; nothing typed is lost."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from bihuan.programs import changes, document, drafts
from bihuan.programs.drafts import Stale
from bihuan.programs.models import Draft, Program, Version
from bihuan.programs.reading import BadDocument
from bihuan.web.posting import desk
from bihuan.web.programs.affecting import Affected, affected
from bihuan.web.programs.frame import AUTHORS, crumbs, page, program_here, require_whole, version_words
from bihuan.web.programs.judging import LARGEST, Judged, judge, shipped_scenarios


@desk(*AUTHORS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """The editor; POST saves (do=save), checks (check), goes on to publishing (publish), or gives the draft up (drop)."""
    require_whole(request)
    program = program_here(key)
    if request.method == "POST":
        return _take(request, program)
    draft, before = drafts.draft_of(program), before_of(program)
    doc = draft.doc if draft else before.doc if before else ""
    return _editor(request, program, doc, shipped_scenarios(key), was=draft.sha256 if draft else "")


def _take(request: HttpRequest, program: Program) -> HttpResponse:
    doc, told, was, do = (
        typed(request, "doc"),
        typed(request, "scenarios"),
        request.POST.get("was", ""),
        request.POST.get("do"),
    )
    if do == "drop":
        return _drop(request, program, doc, told, was)
    if len(doc.encode()) > LARGEST or do == "check":
        status = 422 if len(doc.encode()) > LARGEST else 200
        return _editor(request, program, doc, told, was=was, affects=status == 200, status=status)
    try:
        draft = drafts.keep(program, doc, was=was, by=request.posting, at=now())  # type: ignore[attr-defined]
    except Stale as error:
        return _editor(request, program, doc, told, was=_sha(error.there), stale=_stale(error, doc), status=409)
    if do == "publish":
        return _go_on(request, program, draft, told)
    messages.success(request, _("草稿已保存，下次打开接着写。还没有生效。"))
    return redirect("program_edit", program.key)


def _drop(request: HttpRequest, program: Program, doc: str, told: str, was: str) -> HttpResponse:
    try:
        drafts.drop(program, was=was)
    except Stale as error:
        return _editor(request, program, doc, told, was=_sha(error.there), stale=_stale(error, doc), status=409)
    messages.success(request, _("草稿已放弃。"))
    return redirect("program", program.key)


def _go_on(request: HttpRequest, program: Program, draft: Draft, told: str) -> HttpResponse:
    """To the page that publishes, if the text can be published at all."""
    judged = judge(draft.doc, told, program, before_of(program))
    if judged.is_sound and not judged.same:
        return redirect("program_publish", program.key)
    return _editor(request, program, draft.doc, told, was=draft.sha256, refused=True, status=422)


@desk(*AUTHORS)
@require_POST
def check(request: HttpRequest, key: str) -> HttpResponse:
    """The checks of what is being typed, as a part of the page."""
    require_whole(request)
    program = program_here(key)
    judged = judge(typed(request, "doc"), typed(request, "scenarios"), program, before_of(program))
    return render(request, "programs/_checks.html", _checked(program, judged, affects=False))


@desk(*AUTHORS)
@require_POST
def affects(request: HttpRequest, key: str) -> HttpResponse:
    """Who would be affected by what is typed, as a part of the page: the program is tried and taken back."""
    require_whole(request)
    program = program_here(key)
    doc = typed(request, "doc")
    judged = judge(doc, "", program, before_of(program))
    found = affected(doc, at=now()) if judged.is_sound and not judged.same else None
    return render(request, "programs/_affected.html", {"affected": found})


def typed(request: HttpRequest, name: str) -> str:
    """What was typed, with the line ends that documents have; a browser sends others."""
    return request.POST.get(name, "").replace("\r\n", "\n").replace("\r", "\n")


def before_of(program: Program) -> Version | None:
    """What a new version follows: the last of the general ones, in force or to come."""
    line = program.versions.filter(unit=None).exclude(state=Version.State.DRAFT)
    return line.select_related("program").order_by("-n").first()


def _editor(
    request: HttpRequest, program: Program, doc: str, told: str, *, was: str, status: int = 200,
    affects: bool = False, refused: bool = False, stale: dict[str, Any] | None = None,
) -> HttpResponse:  # fmt: skip
    before = before_of(program)
    judged = judge(doc, told, program, before)
    context = {
        **_checked(program, judged, affects=affects),
        "crumbs": crumbs(program),
        "program": program,
        "doc": doc,
        "scenarios": told,
        "was": was,
        "has_draft": bool(was),
        "stale": stale,
        "refused": refused,
        "before": version_words(before) if before else "",
        "check_url": reverse("program_check", args=[program.key]),
    }
    return page(request, "edit.html", context, key=program.key, status=status)


def _checked(program: Program, judged: Judged, *, affects: bool) -> dict[str, Any]:
    """affects: with those affected at once; else the page asks for them by itself, when the text can be published."""
    asks = judged.is_sound and not judged.same
    found: Affected | None = affected(judged.text, at=now()) if affects and asks else None
    return {
        "judged": judged,
        "affected": found,
        "affects_url": reverse("program_affects", args=[program.key]) if asks and not found else "",
    }


def _sha(there: Draft | None) -> str:
    return there.sha256 if there else ""


def _stale(error: Stale, doc: str) -> dict[str, Any]:
    """What the second author is told, with what his text changes in what the first one saved."""
    lines: list[str] = []
    if error.there:
        try:
            document.load(error.there.doc)
            lines = [change.sentence for change in changes.diff(error.there.doc, doc)]
        except BadDocument:
            lines = []
    return {"text": str(error), "lines": lines, "theirs": error.there.doc if error.there else ""}
