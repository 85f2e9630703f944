"""The wall's map: the outlines of an area's parts, drawn once per change of the net, and apart from them the counts."""

import gzip
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from bihuan.gauge import wall
from bihuan.lib import shapes
from bihuan.net.models import Boundary, Level
from bihuan.net.revisions import Kept
from bihuan.net.tree import UnitRow

FINENESS = 1000  # a border may move by this fraction of the map's width: less than a dot on the screen


@dataclass(frozen=True, slots=True)
class Drawing:
    """The outlines as GeoJSON, ready to send plain or packed, and a name for exactly this content."""

    body: bytes
    packed: bytes  # gzip: a fifth of it
    version: str
    made_up: bool
    empty: bool


def can_be_finer(area: UnitRow) -> bool:
    """A county's map can show its towns or all its level-1 grids."""
    return area.level == Level.COUNTY


def drawing(area: UnitRow, *, finer: bool) -> Drawing:
    """The map of an area's parts. One query the first time after the net changed, none later."""
    kept = _drawings.get()
    if (area.id, finer) not in kept:
        kept[area.id, finer] = _draw(wall.parts(area, finer=finer))
    return kept[area.id, finer]


_drawings: Kept[dict[tuple[int, bool], Drawing]] = Kept("tree", "boundaries", read=dict)


def _draw(parts: tuple[UnitRow, ...]) -> Drawing:
    known = {unit.id: unit for unit in parts}
    rows = list(
        Boundary.objects.filter(unit__in=known).order_by("unit__code").values_list("unit", "geometry", "made_up")
    )
    areas = [shapes.area_of(geometry) for _unit, geometry, _made_up in rows]
    # All at once: a border that two neighbours share stays shared.
    light = shapes.simplify_all(areas, _width(areas) / FINENESS)
    made_up = any(made_up for _unit, _geometry, made_up in rows)
    features = [_feature(known[row[0]], area, outline) for row, area, outline in zip(rows, areas, light, strict=True)]
    words = {"type": "FeatureCollection", "made_up": made_up, "features": features}
    body = json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode()
    return Drawing(body, gzip.compress(body, mtime=0), sha256(body).hexdigest()[:12], made_up, not rows)


def _width(areas: list[Any]) -> float:
    """Metres from west to east or south to north, whichever is more."""
    if not areas:
        return 0.0
    boxes = [area.bounds for area in areas]
    west, south = min(box[0] for box in boxes), min(box[1] for box in boxes)
    east, north = max(box[2] for box in boxes), max(box[3] for box in boxes)
    return max((east - west) * 0.75, north - south) * shapes.METRES_PER_DEGREE


def _feature(unit: UnitRow, area: Any, outline: dict[str, Any]) -> dict[str, Any]:
    middle = shapes.point_on_surface(area)
    properties = {"code": unit.code, "name": unit.short or unit.name, "cp": [round(degree, 5) for degree in middle]}
    return {"type": "Feature", "properties": properties, "geometry": outline}
