"""谁为我服务: whoever lives here sees who answers for the grid, the community and the street, with their office numbers.

Shown is what hangs on the notice board: name and public title of postings that have one, and units' own phones. Nobody's
own number, no login, no role within this system.
"""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bihuan.net import tree
from bihuan.net.models import Level, Posting, Role, Unit
from bihuan.net.postings import standing_on
from bihuan.net.tree import UnitRow
from bihuan.web.places import has_map, place_context

# Who works for the inhabitants of a place; the hotline's and the system's own staff are reached by the hotline.
# In the order in which they stand on the notice board.
SERVING = (Role.LEADER, Role.CHIEF, Role.HANDLER, Role.GRID_WORKER)
FIRST = 6  # people shown at once; a community may have a hundred helpers


@require_safe
def who(request: HttpRequest) -> HttpResponse:
    """By choosing level after level, by an address, or by a point on the map. Three queries once the place is known."""
    context = place_context(request.GET)
    unit = context["where"].unit
    found = {
        "serving": serving(unit, localdate()) if unit else [],
        "desk": _desk(unit) if unit else None,
        "nobody_words": _("这里还没有公示。"),
        "lost_words": _("没认出是哪里。请换个写法，或者一级一级地选。"),
        "chosen": True,  # here choosing is the first way, so its boxes stand open
    }
    if getattr(request, "htmx", False):
        return render(request, "who/_found.html", context | found)
    asked = {
        "address": request.GET.get("address", "")[:200],
        "lng": request.GET.get("lng"),
        "lat": request.GET.get("lat"),
    }
    return render(request, "who/who.html", context | found | asked | {"has_map": has_map()})


def serving(unit: UnitRow, on: date) -> list[dict[str, Any]]:
    """From the grid up to the street: [{name, kind, duties, phone, people: [{name, title}]}]; the nearest first."""
    net = tree.snapshot()
    lowest = unit.path[::-1]
    near = [id for id in lowest if net.unit(id).is_place and net.unit(id).level >= Level.TOWN]
    units = Unit.objects.in_bulk(near)
    held = Posting.objects.filter(standing_on(on), unit__in=near, role__in=SERVING).exclude(title="")
    people: dict[int, list[dict[str, str]]] = {}
    for one in sorted(
        held.select_related("person").order_by("since", "id"), key=lambda one: SERVING.index(Role(one.role))
    ):
        people.setdefault(one.unit_id, []).append({"name": one.person.name, "title": _title(one)})
    return [_place(units[id], people.get(id, [])) for id in near]


def _title(one: Posting) -> str:
    if one.holding == Posting.Holding.MAIN:
        return one.title
    return _("%(title)s（%(holding)s）") % {"title": one.title, "holding": one.get_holding_display()}


def _place(unit: Unit, people: list[dict[str, str]]) -> dict[str, Any]:
    level = str(Level(min(unit.level, Level.GRID)).label)
    return {"name": unit.name, "kind": level, "duties": unit.duties, "phone": unit.phone} | _folded(people)


def _folded(people: list[dict[str, str]]) -> dict[str, Any]:
    rest = people[FIRST:]
    return {"people": people[:FIRST], "rest": rest, "more": _("还有 %(n)d 人") % {"n": len(rest)} if rest else ""}


def _desk(unit: UnitRow) -> dict[str, str]:
    """Where to turn when nobody here is the right one."""
    centre = Unit.objects.only("name", "phone").get(pk=tree.snapshot().centre_of(unit.id))
    return {"name": centre.name, "phone": centre.phone or _("12345")}
