"""What all pages of this desk share: whose they are, the navigation, and the ladders that run here."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from bihuan.loop.wording import language
from bihuan.net.models import Posting, Role
from bihuan.net.revisions import Kept
from bihuan.net.scope import area_of
from bihuan.net.tree import NoSuchUnit, UnitRow, snapshot
from bihuan.programs import versions
from bihuan.programs.ladder import LadderProgram
from bihuan.programs.models import Program
from bihuan.web.shell import exists

RAISING = (Role.ORGANISER, Role.SECRETARY, Role.LEADER)

HOME = ("people", _("待办"), "inbox", "/people/")
PAGES = (
    ("needs", _("需求和帮扶"), "heart-handshake", "/people/needs/"),
    ("units", _("成员单位"), "building", "/people/units/"),
    ("studios", _("工作室"), "users", "/people/studios/"),
    ("pairings", _("结对"), "link", "/people/pairings/"),
    ("policies", _("扶持政策"), "books", "/people/policies/"),
    ("ledger", _("台账"), "list-details", "/people/ledger/"),
    ("figures", _("统计"), "chart-line", "/people/figures/"),
)


def page(
    request: HttpRequest, current: str, template: str, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """A page of this desk. current: the key of its entry in the navigation, a program's key for its board."""
    items = [_item(*one, current=current) for one in (HOME, *_boards(request), *PAGES) if exists(one[3])]
    return render(request, template, {**(context or {}), "nav_items": items}, status=status)


def _item(key: str, label: Any, icon: str, url: str, *, current: str) -> dict[str, Any]:
    return {"label": label, "url": url, "icon": icon, "current": key == current}


def _boards(request: HttpRequest) -> list[tuple[str, Any, str, str]]:
    here, lang = ladders(now(), own_area(request).id), language()
    return [(rules.key, rules.label("program", "title", lang), "stairs-up", f"/people/{rules.key}/") for rules in here]


def own_area(request: HttpRequest) -> UnitRow:
    """The area that the acting posting looks after."""
    return area_for(request.posting)  # type: ignore[attr-defined]


def area_for(posting: Posting) -> UnitRow:
    net = snapshot()
    return area_of(net.unit(posting.unit_id), net)


def place_of(code: str) -> UnitRow | None:
    """The place with this code; None when there is none."""
    try:
        found = snapshot().by_code(code)
    except NoSuchUnit:
        return None
    return found if found.is_place else None


def ladders(at: datetime, unit_id: int | None) -> list[LadderProgram]:
    """The ladders in force in an area, those with most to them first. Usually no query."""
    found = (ladder(key, at, unit_id) for key in _keys.get())
    return sorted((rules for rules in found if rules is not None), key=lambda rules: (-len(rules.gates), rules.key))


def ladder(key: str, at: datetime, unit_id: int | None) -> LadderProgram | None:
    """A ladder in force in an area; None when there is none of this key."""
    if key not in _keys.get():
        return None
    try:
        return versions.rules(versions.in_force(key, at, unit_id).pk)
    except versions.NoVersion:
        return None


def _read_keys() -> list[str]:
    return list(Program.objects.filter(kind="ladder").order_by("pk").values_list("key", flat=True))


_keys = Kept(versions.PART, read=_read_keys)
