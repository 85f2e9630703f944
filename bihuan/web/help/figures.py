"""Figures of a program, as of any day and in any area of one's own: all of them calmly on a page, and each with its parts in
the areas below and the rows that it counts."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bihuan.book.models import Owner, Txn
from bihuan.dossier.models import Subject
from bihuan.gauge import declared, people
from bihuan.gauge.declared import Figure
from bihuan.gauge.people import When
from bihuan.ladder.models import Answerable, Span, Standing
from bihuan.net import tree
from bihuan.net.models import Level, Unit
from bihuan.net.tree import UnitRow
from bihuan.offers.models import Attendance, Circle, Member, Offer, Pairing, Session, Suggestion
from bihuan.offers.topics import topic_title
from bihuan.programs.ladder import LadderProgram
from bihuan.web.help.frame import (
    area_asked,
    first_of,
    in_large,
    names_of_subjects,
    own_area,
    page,
    pages_of_subjects,
    program_here,
    program_tabs,
    raiser,
    table,
    way_to,
)
from bihuan.web.help.ledger import amount_words
from bihuan.web.help.needs import need_url
from bihuan.web.help.pairings import pair_url
from bihuan.web.help.studios import session_url, studio_url
from bihuan.web.help.units import unit_url

URL = "/people/figures/{}/"
ROWS = 50
EARLIEST = date(2000, 1, 1)


def has_figures(rules: LadderProgram) -> bool:
    return bool(declared.figures(rules.key))


@require_safe
@raiser
def first(request: HttpRequest) -> HttpResponse:
    return first_of(request, has_figures, URL)


@require_safe
@raiser
def show(request: HttpRequest, program: str) -> HttpResponse:
    """Every figure of a program in its groups. One statement counts them all."""
    rules = _declared(request, program)
    area, when = area_asked(request), _when(request)
    values = people.read_all(rules.key, area, when)
    context = {
        **_frame(request, rules, area, when, URL.format(rules.key)),
        "tabs": program_tabs(request, has_figures, URL, rules.key),
        "groups": _groups(declared.figures(rules.key), values, _kept(request, area, when)),
        "below": [{"label": one.name, "url": "?" + _query(one, when, request)} for one in _below(area)],
    }
    return page(request, "figures", "help/figures.html", context)


def _declared(request: HttpRequest, program: str) -> LadderProgram:
    rules = program_here(request, program)
    if not has_figures(rules):
        raise Http404
    return rules


def _when(request: HttpRequest) -> When:
    """The end of the day asked for; today when it makes no sense or has not come."""
    today = timezone.localdate(request.now)  # type: ignore[attr-defined]
    try:
        asked = date.fromisoformat(request.GET.get("at", "")[:10])
    except ValueError:
        asked = today
    return When.end_of(asked if EARLIEST <= asked <= today else today)


def _query(area: UnitRow, when: When, request: HttpRequest) -> str:
    """What the address must hold so that area and day stay."""
    today = when.on == timezone.localdate(request.now)  # type: ignore[attr-defined]
    said = [
        f"area={area.code}" if area.id != own_area(request).id else "",
        "" if today else f"at={when.on.isoformat()}",
    ]
    return "&".join(filter(None, said))


def _kept(request: HttpRequest, area: UnitRow, when: When) -> str:
    said = _query(area, when, request)
    return f"?{said}" if said else ""


def _frame(request: HttpRequest, rules: LadderProgram, area: UnitRow, when: When, url: str) -> dict[str, Any]:
    """What both pages show: where, when, and the way up."""
    top = own_area(request)
    return {
        "area": area.name, "code": area.code if area.id != top.id else "", "on": when.on.isoformat(),
        "today": timezone.localdate(request.now).isoformat(),  # type: ignore[attr-defined]
        "way": way_to(area, top, lambda one: f"{url}?{_query(one, when, request)}"), "program": rules.key,
    }  # fmt: skip


def _groups(found: dict[str, Figure], values: dict[str, Decimal | None], kept: str) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for key, figure in found.items():
        url = reverse("help_figure", args=[figure.program, key]) + kept
        value, unit = _worded(figure, values[key])
        stat = {"label": figure.title, "value": value, "unit": unit, "url": url}
        groups.setdefault(figure.group, []).append(stat)
    return [{"title": title, "stats": stats} for title, stats in groups.items()]


def _worded(figure: Figure, value: Decimal | None) -> tuple[str, str]:
    return in_large(value, figure.unit, people.spell(value))


def _below(area: UnitRow) -> list[UnitRow]:
    return [one for one in tree.snapshot().places_below(area.id) if one.level <= Level.COMMUNITY]


# One figure


@require_safe
@raiser
def show_one(request: HttpRequest, program: str, key: str) -> HttpResponse:
    """A figure with its parts in the areas below, largest first, and the rows that it counts, newest first."""
    rules = _declared(request, program)
    figure = declared.figures(rules.key).get(key)
    if figure is None:
        raise Http404
    area, when, after = area_asked(request), _when(request), request.GET.get("after", "")
    url = reverse("help_figure", args=[rules.key, key])
    found = people.rows(figure, area, when, after=int(after) if _is_id(after) else None, most=ROWS + 1)
    value, unit = _worded(figure, people.read(figure, area, when))
    context = {
        **_frame(request, rules, area, when, url),
        "figure": {"title": figure.title, "value": value, "unit": unit,
                   "about": figure.about, "group": figure.group},
        "crumbs": [{"label": _("统计"), "url": URL.format(rules.key) + _kept(request, area, when)}, {"label": figure.title}],
        "parts": _parts(request, figure, area, when, url),
        "said": _said(figure, when),
        "rows": rows_table(found[:ROWS], rules) if found else None,
        "next_url": _next(request, area, when, found),
    }  # fmt: skip
    return page(request, "figures", "help/figure.html", context)


def _is_id(said: str) -> bool:
    return said.isascii() and said.isdecimal() and len(said) < 19


def _next(request: HttpRequest, area: UnitRow, when: When, found: list[Any]) -> str:
    if len(found) <= ROWS:
        return ""
    return "?" + "&".join(filter(None, [_query(area, when, request), f"after={found[ROWS - 1].pk}"]))


def _parts(request: HttpRequest, figure: Figure, area: UnitRow, when: When, url: str) -> list[dict[str, Any]]:
    found = sorted(people.parts(figure, area, when), key=lambda part: -part.value)
    most = max((part.value for part in found), default=Decimal(0))
    return [
        {"label": part.unit.name, "url": f"{url}?{_query(part.unit, when, request)}" if part.unit.id != area.id else "",
         "value": people.spell(part.value), "share": f"{max(part.value * 100 / most, Decimal(0)):.0f}" if most else "0"}
        for part in found
    ]  # fmt: skip


def _said(figure: Figure, when: When) -> list[str]:
    if figure.source != "document" or figure.count != "rows":
        return []
    return [str(word) for word in people.said(figure, when)]


# Rows, by what they are

Cells = Callable[[Any, dict[int, str], dict[int, str]], list[Any]]


def rows_table(found: list[Any], rules: LadderProgram) -> dict[str, Any]:
    """The rows as a table; names and addresses of people in two queries, however many."""
    heads, cells = SHOWN[type(found[0])]
    ids = {pk for row in found for pk in _subjects_of(row)}
    names, pages = names_of_subjects(ids), pages_of_subjects(ids, rules.key)
    return table(_("统计的是这些"), [str(head) for head in heads()], [cells(row, names, pages) for row in found])


def _subjects_of(row: Any) -> Iterable[int]:
    if isinstance(row, Subject):
        return [row.pk]
    if isinstance(row, Txn):
        pairs = ((row.giver_kind, row.giver_id), (row.receiver_kind, row.receiver_id))
        return [pk for kind, pk in pairs if kind == Owner.SUBJECT]
    if isinstance(row, Span | Answerable):
        return [row.standing.subject_id]
    return [pk for pk in [getattr(row, "subject_id", None) or getattr(row, "host_subject", None)] if pk]


def _place(unit_id: int | None) -> str:
    return tree.snapshot().full_name(unit_id, Level.COUNTY) if unit_id else ""


def _deepest(row: Any) -> int | None:
    return row.l5 or row.l4 or row.l3 or row.l2


def _day(moment: Any) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d}" if moment else ""


def _person(pk: int, names: dict[int, str], pages: dict[int, str]) -> dict[str, str]:
    return {"text": names.get(pk, ""), "url": pages.get(pk, "")}


def _txn(row: Txn, names: dict[int, str], pages: dict[int, str]) -> list[Any]:
    url = f"/people/ledger/{row.program}/?side={row.side}&measure={row.measure}&year={row.on.year}"
    who = [names[pk] for pk in _subjects_of(row) if pk in names]
    place = _place(row.unit_id) if tree.snapshot().get(row.unit_id) else ""
    return [{"text": "、".join(who) or row.giver_name or place, "url": url}, {"text": amount_words(row.amount), "num": True},
            place, row.on.isoformat()]  # fmt: skip


SHOWN: dict[type, tuple[Callable[[], list[Any]], Cells]] = {
    Span: (lambda: [_("姓名"), _("地方"), _("从")], lambda row, names, pages: [
        _person(row.standing.subject_id, names, pages), _place(_deepest(row)), _day(row.since)]),
    Standing: (lambda: [_("姓名"), _("地方"), _("时间")], lambda row, names, pages: [
        _person(row.subject_id, names, pages), _place(row.unit_id), _day(row.reached_at or row.ended_at)]),
    Subject: (lambda: [_("姓名"), _("地方")], lambda row, names, pages: [
        _person(row.pk, names, pages), _place(row.unit_id)]),
    Answerable: (lambda: [_("姓名"), _("地方"), _("从")], lambda row, names, pages: [
        _person(row.standing.subject_id, names, pages), _place(row.standing.unit_id), _day(row.since)]),
    Txn: (lambda: [_("对象"), _("数量"), _("地方"), _("日期")], _txn),
    Offer: (lambda: [_("培养对象"), _("需求类别"), _("地方"), _("状态")], lambda row, names, pages: [
        {"text": names.get(row.subject_id, "") or row.no, "url": need_url(row.no)}, topic_title(row), _place(row.place_id),
        row.get_state_display()]),
    Session: (lambda: [_("活动"), _("类别"), _("地方"), _("时间")], lambda row, names, pages: [
        {"text": row.title, "url": session_url(row.no)}, row.get_kind_display(), _place(row.unit_id), _day(row.begins_at)]),
    Attendance: (lambda: [_("姓名"), _("活动"), _("时间")], lambda row, names, pages: [
        _person(row.subject_id, names, pages), {"text": row.session.title, "url": session_url(row.session.no)},
        _day(row.session.begins_at)]),
    Circle: (lambda: [_("工作室"), _("主持人"), _("地方")], lambda row, names, pages: [
        {"text": row.title, "url": studio_url(row.no)}, names.get(row.host_subject or 0, ""), _place(row.unit_id)]),
    Suggestion: (lambda: [_("建议"), _("地方"), _("时间"), _("工单")], lambda row, names, pages: [
        {"text": names.get(row.subject_id or 0, "") or row.no, "url": reverse("help_suggestions")}, _place(row.unit_id),
        _day(row.at), _("已转") if row.case_id else ""]),
    Pairing: (lambda: [_("机关党支部"), _("村（社区）"), _("从")], lambda row, names, pages: [
        {"text": tree.snapshot().unit(row.unit_a_id).name, "url": pair_url(row.no)}, _place(row.unit_b_id),
        row.since.isoformat()]),
    Member: (lambda: [_("单位"), _("从")], lambda row, names, pages: [
        {"text": row.unit.name, "url": unit_url(row.unit.code)}, row.since.isoformat()]),
    Unit: (lambda: [_("单位"), _("地方")], lambda row, names, pages: [row.name, _place(row.pk)]),
}  # fmt: skip
