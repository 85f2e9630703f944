"""The outlines around one place, for small maps: itself, its neighbours, and what lies inside it."""

from typing import Any

from bihuan.net import tree
from bihuan.net.models import Boundary
from bihuan.net.tree import UnitRow

NOTHING: dict[str, Any] = {"type": "FeatureCollection", "features": []}
MOST = 400  # outlines that a phone draws without stumbling


def around(unit: UnitRow) -> dict[str, Any]:
    """The places beside `unit` (children of the same parent) with `unit` marked "now", as GeoJSON. One query."""
    net = tree.snapshot()
    beside = list(net.places_below(unit.parent)) if unit.parent is not None else [unit]
    ids = [one.id for one in beside[:MOST]]
    shapes = Boundary.objects.filter(unit__in={*ids, unit.id}).values_list("unit_id", "geometry")
    return {"type": "FeatureCollection", "features": [_feature(id, shape, now=id == unit.id) for id, shape in shapes]}


def _feature(unit: int, shape: dict[str, Any], *, now: bool) -> dict[str, Any]:
    properties = {"name": tree.snapshot().unit(unit).name, "tone": "now" if now else ""}
    return {"type": "Feature", "properties": properties, "geometry": shape}
