"""Boundaries on the map: which grid a point lies in, which grids overlap, and outlines light enough to draw.

Geometries are GeoJSON (a geometry, a Feature, or either as text) or shapely ones, in WGS-84 degrees. Inside an index
they are kept in metres east and north of the equator, scaled at the middle latitude: near enough over one province
that the nearest grid is the nearest, and true to a few per cent in metres.
"""

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import cos, radians
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
import shapely
from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

Key = TypeVar("Key", bound=Hashable)
Shape: TypeAlias = BaseGeometry | Mapping[str, Any] | str

METRES_PER_DEGREE = 111_195.08
NEAR_ENOUGH = 200.0  # metres within which a point outside all grids still belongs to the nearest
SLIVER = 1.0  # square metres of overlap that drawing by hand explains
DECIMALS = 6  # of degrees, about 0.1 m


class BadShape(ValueError):
    """Not an area on the map; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Hit(Generic[Key]):
    """The grid of a point. exact: it lies inside or on the border; otherwise `metres` away, and this is the nearest."""

    key: Key
    exact: bool
    metres: float


@dataclass(frozen=True, slots=True)
class Overlap(Generic[Key]):
    """Two areas that share ground."""

    a: Key
    b: Key
    square_metres: float


class GridIndex(Generic[Key]):
    """Areas by key, to find the one a point lies in. Make it once per version of the boundaries.

    Where areas overlap, or lie within one another, a point belongs to the smallest, so the deepest grid answers.
    Raises BadShape, with the key, for what is not an area.
    """

    def __init__(self, items: Iterable[tuple[Key, Shape]]) -> None:
        pairs = [(key, _named(key, geometry)) for key, geometry in items]
        self.keys: list[Key] = [key for key, _ in pairs]
        degrees = np.array([geometry for _, geometry in pairs], dtype=object)
        self._scale = _scale_at_middle(degrees)
        self._areas = _scaled(degrees, self._scale)
        self._sizes = shapely.area(self._areas)
        shapely.prepare(self._areas)
        self._tree = shapely.STRtree(self._areas)

    def __len__(self) -> int:
        return len(self.keys)

    def locate(self, lng: float, lat: float, *, max_metres: float = NEAR_ENOUGH) -> Hit[Key] | None:
        """The area with this point, else the nearest within `max_metres`, else None."""
        x, y = lng * self._scale[0], lat * self._scale[1]
        point = shapely.points(x, y)
        inside = [i for i in self._tree.query(point) if shapely.intersects_xy(self._areas[i], x, y)]
        if inside:
            return Hit(self.keys[min(inside, key=self._by_size)], True, 0.0)
        return self._nearest(point, max_metres)

    def locate_all(
        self, points: Sequence[tuple[float, float]], *, max_metres: float = NEAR_ENOUGH
    ) -> list[Hit[Key] | None]:
        """`locate` for many (lng, lat) at once, several times as fast."""
        hits: list[Hit[Key] | None] = [None] * len(points)
        if not points:
            return hits
        places = np.asarray(points, dtype=float) * self._scale
        for nth, area in self._inside(places):
            hits[nth] = Hit(self.keys[area], True, 0.0)
        missed = [nth for nth, hit in enumerate(hits) if hit is None]
        for at, area, metres in self._all_nearest(places[missed], max_metres):
            hits[missed[at]] = Hit(self.keys[area], False, metres)
        return hits

    def overlaps(self, *, above: float = SLIVER) -> list[Overlap[Key]]:
        """Pairs of areas that share more than `above` square metres, largest first (N3: leaf grids share none)."""
        a, b = self._tree.query(self._areas, predicate="intersects")
        once = a < b
        a, b = a[once], b[once]
        shared = shapely.area(shapely.intersection(self._areas[a], self._areas[b]))
        found = [(float(shared[i]), int(a[i]), int(b[i])) for i in np.flatnonzero(shared > above)]
        found.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
        return [Overlap(self.keys[i], self.keys[j], size) for size, i, j in found]

    def _inside(self, places: np.ndarray[Any, Any]) -> list[tuple[int, int]]:
        """(point, area) for each point that lies in one; of several the smallest comes last, so that it stays."""
        nth, area = self._tree.query(shapely.points(places))
        inside = shapely.intersects_xy(self._areas[area], places[nth, 0], places[nth, 1])
        pairs = zip(nth[inside].tolist(), area[inside].tolist(), strict=True)
        return sorted(pairs, key=lambda pair: self._by_size(pair[1]), reverse=True)

    def _nearest(self, point: BaseGeometry, max_metres: float) -> Hit[Key] | None:
        if max_metres <= 0:
            return None
        near, metres = self._tree.query_nearest(point, max_distance=max_metres, return_distance=True)
        if not len(near):
            return None
        return Hit(self.keys[min(near, key=self._by_size)], False, float(metres[0]))

    def _all_nearest(self, places: np.ndarray[Any, Any], max_metres: float) -> list[tuple[int, int, float]]:
        """(point, area, metres) for each point with areas near; of several as near the smallest comes last."""
        if max_metres <= 0:
            return []
        points = shapely.points(places)
        (nth, area), metres = self._tree.query_nearest(points, max_distance=max_metres, return_distance=True)
        found = zip(nth.tolist(), area.tolist(), metres.tolist(), strict=True)
        return sorted(found, key=lambda near: self._by_size(near[1]), reverse=True)

    def _by_size(self, area: int) -> tuple[float, int]:
        return float(self._sizes[area]), int(area)


# Reading and lightening shapes


def area_of(geometry: Shape) -> BaseGeometry:
    """The polygon or multipolygon of a shape; one that crosses itself or winds wrongly is made valid.

    Raises BadShape for what cannot be read, lies outside the degrees of the earth, or has no area.
    """
    found = _polygons(_valid(_read(geometry)))
    if found.is_empty or found.area == 0:
        raise BadShape("边界没有面积")
    west, south, east, north = found.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise BadShape("边界坐标应为经纬度，现在超出了范围")
    return found


def bounds(geometry: Shape) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees."""
    west, south, east, north = area_of(geometry).bounds
    return west, south, east, north


def point_on_surface(geometry: Shape) -> tuple[float, float]:
    """A point (lng, lat) surely inside, where a label can stand; a centroid may lie outside a bent area."""
    point = area_of(geometry).point_on_surface()
    return float(point.x), float(point.y)


def simplify_geojson(geometry: Shape, metres: float) -> dict[str, Any]:
    """A GeoJSON geometry with no vertex that moves the border less than `metres`, coordinates to about 0.1 m."""
    return simplify_all([geometry], metres)[0]


def simplify_all(geometries: Iterable[Shape], metres: float) -> list[dict[str, Any]]:
    """`simplify_geojson` for neighbours: a border that two areas share is simplified alike for both, without gaps."""
    degrees = np.array([area_of(geometry) for geometry in geometries], dtype=object)
    if not len(degrees):
        return []
    scale = _scale_at_middle(degrees)
    lighter = shapely.coverage_simplify(_scaled(degrees, scale), metres) if metres > 0 else _scaled(degrees, scale)
    back = _scaled(lighter, (1 / scale[0], 1 / scale[1]))
    return [_as_geojson(after if not after.is_empty else before) for before, after in zip(degrees, back, strict=True)]


def _named(key: Hashable, geometry: Shape) -> BaseGeometry:
    try:
        return area_of(geometry)
    except BadShape as error:
        raise BadShape(f"{key}：{error}") from None


def _read(geometry: Shape) -> BaseGeometry:
    if isinstance(geometry, BaseGeometry):
        return geometry
    try:
        found = json.loads(geometry) if isinstance(geometry, str) else geometry
        if found.get("type") == "Feature":
            found = found["geometry"]
        with np.errstate(invalid="ignore"):  # NaN is told by _valid, in words
            return shape(found)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, ShapelyError):
        raise BadShape("边界不是能读懂的 GeoJSON 图形") from None


def _valid(geometry: BaseGeometry) -> BaseGeometry:
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        raise BadShape("边界中有不是数的坐标")
    return geometry if geometry.is_valid else shapely.make_valid(geometry)


def _polygons(geometry: BaseGeometry) -> BaseGeometry:
    """What is area in a geometry; mending may leave lines and points beside it."""
    if geometry.geom_type in ("Polygon", "MultiPolygon"):
        return shapely.force_2d(geometry)
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.force_2d(shapely.union_all(parts))


def _scale_at_middle(degrees: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Metres in a degree of longitude and of latitude."""
    if not len(degrees):
        return METRES_PER_DEGREE, METRES_PER_DEGREE
    _, south, _, north = shapely.total_bounds(degrees)
    return METRES_PER_DEGREE * max(cos(radians((south + north) / 2)), 0.01), METRES_PER_DEGREE


def _scaled(geometries: np.ndarray[Any, Any], scale: tuple[float, float]) -> np.ndarray[Any, Any]:
    scaled: np.ndarray[Any, Any] = shapely.transform(geometries, lambda xy: xy * scale)
    return scaled


def _as_geojson(geometry: BaseGeometry) -> dict[str, Any]:
    # Rounding, unlike snapping to a grid, moves equal corners of neighbours equally.
    return {**mapping(shapely.transform(geometry, lambda xy: np.round(xy, DECIMALS)))}
