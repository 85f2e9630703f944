"""Where a matter is, as a form asks it: by address, by choosing level after level, by a tap on the map, or all together.

The parts of the answer may disagree; what was understood is shown in words while the form is filled, and is what is sent.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from bihuan.loop.placing import BadPlace, place
from bihuan.net import tree
from bihuan.net.models import Boundary, Level
from bihuan.net.revisions import Kept
from bihuan.net.tree import Net, UnitRow

MOST_OUTLINES = 700  # what a phone draws without stumbling


@dataclass(frozen=True, slots=True)
class Where:
    """A place as understood. `grid` is the code to file with (empty: the address decides, or nobody knows yet)."""

    unit: UnitRow | None = None
    grid: str = ""
    lng: float | None = None
    lat: float | None = None

    @property
    def words(self) -> str:
        """海州街道 · 南关社区 · 南关一网格"""
        return full_words(self.unit) if self.unit else ""


def full_words(unit: UnitRow) -> str:
    """A place's names from below the home area down."""
    net = tree.snapshot()
    names = [net.unit(id).name for id in unit.path if net.unit(id).level > min(Level.COUNTY, unit.level - 1)]
    return " · ".join(names)


def understand(
    *, areas: Sequence[str] = (), lng: float | None = None, lat: float | None = None, address: str = ""
) -> Where:
    """What the parts of a place say together.

    areas: codes chosen level after level. A point or an address inside the chosen area makes it more exact; outside it
    the choice stands. Raises BadPlace for a point outside the city.
    """
    net = tree.snapshot()
    chosen = _chosen(net, areas)
    pointed = None
    if lng is not None and lat is not None:
        pointed = net.get(place(lng=lng, lat=lat).grid_id)
    if pointed and (chosen is None or chosen.id in pointed.path):
        return Where(pointed, pointed.code, lng, lat)
    named = net.get(net.resolve_address(address, chosen.id if chosen else None)) if address else None
    if chosen:
        return Where(named or chosen, (named or chosen).code)
    return Where(named)


def _chosen(net: Net, areas: Sequence[str]) -> UnitRow | None:
    """The deepest choice on one line from the home area down; what was chosen under another parent is left over."""
    chosen, here = None, net.home
    while found := next((unit for unit in net.places_below(here) if unit.code in areas), None):
        chosen, here = found, found.id
    return chosen


def levels(areas: Sequence[str]) -> list[dict[str, Any]]:
    """One box for each level chosen so far and one for the next: [{id, label, options: [{code, name, chosen}]}]."""
    net, boxes = tree.snapshot(), list[dict[str, Any]]()
    here: UnitRow | None = net.unit(net.home)
    while here is not None:
        below = net.places_below(here.id)
        if not below:
            break
        here = next((unit for unit in below if unit.code in areas), None)
        options = [{"code": unit.code, "name": unit.name, "chosen": unit is here} for unit in below]
        boxes.append({"id": f"area-{len(boxes) + 1}", "label": _label(below[0]), "options": options})
    return boxes


def _label(unit: UnitRow) -> str:
    return str(Level(min(unit.level, Level.GRID)).label)


@require_safe
def found(request: HttpRequest) -> HttpResponse:
    """The part under a form's place: what was understood so far, and the next level to choose."""
    return render(request, "resident/_place.html", place_context(request.GET))


def place_context(data: Any) -> dict[str, Any]:
    """For resident/_place.html, from what a form holds (GET or POST)."""
    areas = data.getlist("area")
    address = data.get("address", "").strip()
    point = number(data.get("lng")), number(data.get("lat"))
    try:
        where, wrong = understand(areas=areas, lng=point[0], lat=point[1], address=address), ""
    except BadPlace as error:
        where, wrong = Where(), str(error)
    given = bool(address or any(areas) or point[0] is not None)
    return {"where": where, "wrong": wrong, "given": given, "levels": levels(areas), "chosen": any(areas)}


def number(text: str | None) -> float | None:
    """A number that a script put into a form, or None for anything else."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


@require_safe
@gzip_page
@cache_control(public=True, max_age=600)
def outlines(request: HttpRequest) -> JsonResponse:
    """Outlines of the home area for maps, as GeoJSON: the finest level that a phone still draws."""
    return JsonResponse(_outlines.get())


def has_map() -> bool:
    """Whether there are outlines to tap on; without them forms ask in words alone."""
    return bool(_outlines.get()["features"])


def _read_outlines() -> dict[str, Any]:
    net = tree.snapshot()
    shown = _finest(net)
    shapes = Boundary.objects.filter(unit__in=[unit.id for unit in shown]).values_list("unit_id", "geometry")
    return {"type": "FeatureCollection", "features": [_feature(net.unit(unit), shape) for unit, shape in shapes]}


def _finest(net: Net) -> list[UnitRow]:
    layer: list[UnitRow] = [net.unit(net.home)]
    while below := [unit for one in layer for unit in net.places_below(one.id)]:
        if len(below) > MOST_OUTLINES or below[0].level > Level.COMMUNITY:
            break
        layer = below
    return layer


def _feature(unit: UnitRow, shape: dict[str, Any]) -> dict[str, Any]:
    geometry = {"type": shape["type"], "coordinates": _rounded(shape["coordinates"])}
    return {"type": "Feature", "properties": {"name": unit.name}, "geometry": geometry}


def _rounded(coordinates: Iterable[Any]) -> list[Any]:
    """About a metre is enough for a finger."""
    return [round(part, 5) if isinstance(part, float | int) else _rounded(part) for part in coordinates]


_outlines = Kept("boundaries", "tree", read=_read_outlines)
