"""What all pages of help share: the doors, how an act is tried and refused, forms that stand folded on a page, names."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import wraps
from typing import Any

from django.contrib import messages
from django.forms import BaseForm, Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from bihuan.book.ledger import AlreadyReversed
from bihuan.dossier.models import Subject
from bihuan.ladder import refusals as of_ladders
from bihuan.ladder.models import Standing
from bihuan.loop.moves import Missing
from bihuan.loop.refusals import Refusal
from bihuan.net import tree
from bihuan.net.models import Posting, Role
from bihuan.net.scope import covers
from bihuan.net.tree import NoSuchUnit, UnitRow
from bihuan.offers import refusals as of_offers
from bihuan.programs.ladder import LadderProgram
from bihuan.web import pictures
from bihuan.web.acting import Attempt, blame, refused_page
from bihuan.web.people import frame as people
from bihuan.web.people.frame import RAISING, ladder, ladders, own_area
from bihuan.web.posting import View, desk
from bihuan.web.setup.frame import table

HELPING = (Role.HANDLER, Role.CHIEF)
YUAN, TEN_THOUSAND, LARGE = "元", Decimal(10_000), 100_000
STATUS = {**of_offers.STATUS, **of_ladders.STATUS, AlreadyReversed: (409, "already_reversed")}
REFUSED = tuple(STATUS)

__all__ = ["HELPING", "RAISING", "own_area", "page", "table"]


def _door(*roles: str) -> Callable[[View], View]:
    """A desk's door; the moment is told once for the whole request, and what a page refuses outside a form is its page."""

    def guard(view: View) -> View:
        @desk(*roles)
        @wraps(view)
        def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            request.now = timezone.now()  # type: ignore[attr-defined]
            try:
                return view(request, *args, **kwargs)
            except REFUSED as error:
                return refused_page(request, refusal(error))

        return opened

    return guard


OF_HELPERS = ("needs", "studios", "pairings", "policies")


def page(
    request: HttpRequest, current: str, template: str, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """A page of this desk; a helping unit's navigation has only what is open to it."""
    if request.posting.role not in HELPING:  # type: ignore[attr-defined]
        return people.page(request, current, template, context, status)
    items = [
        {"label": label, "url": url, "icon": icon, "current": key == current}
        for key, label, icon, url in people.PAGES
        if key in OF_HELPERS
    ]
    return render(request, template, {**(context or {}), "nav_items": items}, status=status)


helper = _door(*RAISING, *HELPING)
raiser = _door(*RAISING)


# Acts


def refusal(error: Exception) -> Refusal:
    """How one of REFUSED is answered."""
    status, code = next(answer for kind, answer in STATUS.items() if isinstance(error, kind))
    return Refusal(status, code, str(error), getattr(error, "field", ""))


@contextmanager
def attempt(form: Form | None = None) -> Iterator[Attempt]:
    """Run an act; a refusal ends the block and stands in the form, at the field that it names."""
    tried = Attempt()
    try:
        yield tried
    except REFUSED as error:
        tried.refused = refusal(error)
        if form is not None:
            blame(form, tried.refused, missing=isinstance(error, Missing))


def submit(
    request: HttpRequest,
    form: Form,
    act: Callable[[dict[str, Any]], Any],
    *,
    done: str,
    to: str | Callable[[Any], str],
    again: Callable[[int], HttpResponse],
) -> HttpResponse:
    """Do what a posted form asks and go on to `to`; else the page again by `again(status)`, with what was typed."""
    with attempt(form) as tried:
        if form.is_valid():
            result = act(form.cleaned_data)
            messages.success(request, done)
            return redirect(to(result) if callable(to) else to)
    return again(tried.refused.status if tried.refused else 422)


@dataclass
class Panel:
    """A form that stands folded on a page until somebody means to do it; open when it was refused."""

    key: str
    title: str
    icon: str
    url: str
    form: BaseForm
    button: str
    photos: bool = False
    needed: bool = False  # whether photos must be there
    text: str = ""
    confirm: str = ""
    open: bool = False
    held: list[dict[str, str]] = field(default_factory=list)


def panels(request: HttpRequest, offered: Iterable[Panel], refused: Mapping[str, BaseForm]) -> list[Panel]:
    """The panels of a page, those that were refused open with what was typed into them; one that is offered no more, for
    somebody was faster, stands first with its refusal."""
    found = list(offered)
    gone = [key for key in refused if key not in {panel.key for panel in found}]
    found[:0] = [Panel(key, _("刚才没有办成"), "alert-circle", "", refused[key], "") for key in gone]
    for panel in found:
        if panel.key in refused:
            panel.form, panel.open, panel.held = refused[panel.key], True, pictures.held(request)
    return found


# Programs


def program_here(request: HttpRequest, key: str) -> LadderProgram:
    """A ladder in force in the own area. Raises Http404."""
    rules = ladder(key, request.now, own_area(request).id)  # type: ignore[attr-defined]
    if rules is None:
        raise Http404
    return rules


def programs_with(request: HttpRequest, has: Callable[[LadderProgram], Any]) -> list[LadderProgram]:
    """The ladders in force here of which something holds, in order."""
    return [rules for rules in ladders(request.now, own_area(request).id) if has(rules)]  # type: ignore[attr-defined]


def first_of(request: HttpRequest, has: Callable[[LadderProgram], Any], url: str) -> HttpResponse:
    """To the page of the first such program; `url` holds {}."""
    found = programs_with(request, has)
    if not found:
        raise Http404
    return redirect(url.format(found[0].key))


def program_tabs(request: HttpRequest, has: Callable[[LadderProgram], Any], url: str, current: str) -> list[dict]:
    """Tabs between the programs; none where there is only one."""
    found = programs_with(request, has)
    tabs = [
        {"label": title_of(rules), "url": url.format(rules.key), "current": rules.key == current} for rules in found
    ]
    return tabs if len(tabs) > 1 else []


def title_of(rules: LadderProgram) -> str:
    return rules.label("program", "title", get_language())


# Places and people


def area_asked(request: HttpRequest) -> UnitRow:
    """The area that `?area=` names, within what the posting answers for; else its own. Raises Http404."""
    code = request.GET.get("area", "").strip()
    if not code:
        return own_area(request)
    unit = unit_of(code)
    if not unit.is_place or not covers(request.posting, unit):  # type: ignore[attr-defined]
        raise Http404
    return unit


def unit_of(code: str) -> UnitRow:
    """A unit by its code. Raises Http404."""
    try:
        return tree.snapshot().by_code(code)
    except NoSuchUnit:
        raise Http404 from None


def way_to(area: UnitRow, top: UnitRow, url: Callable[[UnitRow], str]) -> list[dict[str, str]]:
    """Crumbs from the own area down to the one shown."""
    net = tree.snapshot()
    way = [net.unit(one) for one in area.path if top.id in net.unit(one).path]
    return [{"label": one.name, "url": url(one) if one.id != area.id else ""} for one in way]


def names_of_subjects(ids: Iterable[int]) -> dict[int, str]:
    return dict(Subject.objects.filter(pk__in=set(ids)).values_list("pk", "name"))


def pages_of_subjects(ids: Iterable[int], program: str = "") -> dict[int, str]:
    """The page of each subject's standing, the latest one. One query."""
    rows = Standing.objects.filter(subject_id__in=set(ids)).order_by("pk")
    rows = rows.filter(program=program) if program else rows
    return {subject: person_url(no) for subject, no in rows.values_list("subject_id", "no")}


def person_url(no: str) -> str:
    return f"/people/s/{no}/"


def may_raise(posting: Posting) -> bool:
    return posting.role in RAISING


def in_large(amount: Decimal | None, unit: str, spelled: str) -> tuple[str, str]:
    """An amount of yuan as people say it: from a hundred thousand on in ten thousands. Everything else as it is."""
    if unit != YUAN or amount is None or abs(amount) < LARGE:
        return spelled, unit
    tens = amount / TEN_THOUSAND
    return f"{tens:,.2f}".rstrip("0").rstrip("."), f"万{YUAN}"
