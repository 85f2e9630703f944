"""The page of a case, shared by every desk: read it, act on it, ask for its contact."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from bihuan.book.looks import PurposeMissing
from bihuan.dossier import vault
from bihuan.dossier.models import Contact
from bihuan.loop.access import NotFound, case_for
from bihuan.loop.models import Case, Task
from bihuan.net import tree
from bihuan.net.models import Posting, Role
from bihuan.net.scope import UNIT_ROLES
from bihuan.web import case_page, neighbourhood, pictures
from bihuan.web.acting import attempt, seen
from bihuan.web.case_panels import MoveForm, Panel, panel_of, sight_of
from bihuan.web.desk import rail_of
from bihuan.web.phone import bottom_bar
from bihuan.web.posting import desk
from bihuan.web.shell import home_of

ENDS_A_TASK = frozenset({"verify", "assist", "hand_back"})
# Those who do their part at the centre's desk, not on this page.
CENTRE_ROLES = frozenset({Role.DISPATCHER, Role.CALLER, Role.SUPERVISOR})


@require_safe
@desk()
def show(request: HttpRequest, number: str) -> HttpResponse:
    case = case_for(request.posting, number)  # type: ignore[attr-defined]
    return shown(request, case, at=timezone.now())


def shown(request: HttpRequest, case: Case, *, at: datetime, status: int = 200, **more: Any) -> HttpResponse:
    """The page, or to htmx its part; on the phone of a grid worker in the phone's frame."""
    by: Posting = request.posting  # type: ignore[attr-defined]
    context = case_page.page(case, by, at=at, **more) | frame_of(by, case.no)
    part = "case/_case.html" if getattr(request, "htmx", False) else f"case/{context['frame']}.html"
    return render(request, part, context, status=status)


def frame_of(by: Posting, number: str) -> dict[str, Any]:
    """Grid workers hold a phone; everybody else sits at a desk, handlers with the counts of theirs beside them.

    The centre goes back to its queue with the case in hand: there it is dispatched, decided or called back.
    """
    if by.role == Role.GRID_WORKER:
        return {"frame": "phone", "back_url": "/grid/tasks/", "tab_items": bottom_bar(by)}
    rail = rail_of(by, timezone.now()) if by.role in UNIT_ROLES else []
    back = f"/centre/cases/{number}/" if by.role in CENTRE_ROLES else home_of(by)
    return {"frame": "desk", "back_url": back, "nav_items": rail}


@require_POST
@desk()
def act(request: HttpRequest, number: str, verb: str) -> HttpResponse:
    """Do what one panel says. Refused, the page as it is now says why, with what was typed (409, 422)."""
    by, at = request.posting, timezone.now()  # type: ignore[attr-defined]
    case, panel = seen(case_for(by, number), request), panel_or_404(verb)
    form = _filled(panel, request, case, by, at)
    form.is_valid()
    with attempt(form) as tried:
        form.photos = pictures.taken(request, at)
        if form.is_valid():
            panel.act(case, form, by, at)
    if not form.errors and not tried.refused:
        return _done(request, number, verb, str(panel.done))
    form.held = pictures.held(request, form.photos)  # type: ignore[attr-defined]
    status = 409 if tried.refused and tried.refused.status in (403, 409) else 422
    return shown(request, case_for(by, number), at=at, status=status, tried=form, verb=verb)


def panel_or_404(verb: str) -> Panel:
    panel = panel_of(verb)
    if panel is None:
        raise Http404
    return panel


def _filled(panel: Panel, request: HttpRequest, case: Case, by: Posting, at: datetime) -> MoveForm:
    tasks = Task.objects.filter(region_id=case.region_id, case_id=case.pk)
    return panel.form(request.POST, sight=sight_of(case, by, tasks, at), auto_id=f"{panel.verb}_%s")


def _done(request: HttpRequest, number: str, verb: str, said: str) -> HttpResponse:
    """The whole page anew, from its top and with its counts. A grid worker who is done with it goes on to the next task,
    who may not see the case any longer back to his desk."""
    messages.success(request, said)
    by: Posting = request.posting  # type: ignore[attr-defined]
    try:
        case = case_for(by, number)
    except NotFound:
        return _leave(request, home_of(by))
    ended = by.role == Role.GRID_WORKER and verb in ENDS_A_TASK
    return _leave(request, "/grid/tasks/" if ended else f"/cases/{case.no}/")


def _leave(request: HttpRequest, url: str) -> HttpResponse:
    return HttpResponseClientRedirect(url) if getattr(request, "htmx", False) else redirect(url)


@require_POST
@desk()
def reveal(request: HttpRequest, number: str) -> HttpResponse:
    """The contact in the clear, for a purpose that is written down first."""
    by, at = request.posting, timezone.now()  # type: ignore[attr-defined]
    case = case_for(by, number)
    if case.contact_id is None or not case_page.may_reveal(by):
        raise Http404
    contact = Contact.objects.get(region_id=case.region_id, pk=case.contact_id)
    purpose = request.POST.get("why", "").strip() or request.POST.get("purpose", "")
    context: dict[str, Any] = {"case": case, "contact": case_page.masked(case, by), "purposes": case_page.PURPOSES}
    template = "case/_contact.html" if getattr(request, "htmx", False) else "case/contact.html"
    try:
        context["clear"] = vault.reveal(contact, by=by, purpose=purpose, at=at)
    except (PurposeMissing, vault.Erased, vault.Unreadable) as error:
        return render(request, template, context | frame_of(by, case.no) | {"sentence": str(error)}, status=422)
    return render(request, template, context | frame_of(by, case.no))


@require_safe
@desk()
def place(request: HttpRequest, number: str) -> JsonResponse:
    """The grids around the matter, its own marked, as GeoJSON."""
    case = case_for(request.posting, number)  # type: ignore[attr-defined]
    net = tree.snapshot()
    unit = net.get(case.grid_id or case.l5 or case.l4)
    answer = JsonResponse(neighbourhood.around(unit) if unit else neighbourhood.NOTHING)
    patch_cache_control(answer, private=True, max_age=600)
    return answer
