import json
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from bihuan.lib.coords import distance_m
from bihuan.lib.shapes import (
    BadShape,
    GridIndex,
    Hit,
    area_of,
    bounds,
    point_on_surface,
    simplify_all,
    simplify_geojson,
)


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


# Two neighbours of 0.01 degrees at Haicheng, and a small one inside the first.
WEST, EAST = box(122.70, 40.85, 122.71, 40.86), box(122.71, 40.85, 122.72, 40.86)
INNER = box(122.702, 40.852, 122.704, 40.854)
GRIDS = GridIndex([("west", WEST), ("east", EAST)])


def test_a_point_lies_in_its_grid() -> None:
    assert GRIDS.locate(122.705, 40.855) == Hit("west", True, 0.0)
    assert GRIDS.locate(122.715, 40.855) == Hit("east", True, 0.0)


def test_a_point_on_the_border_lies_in_one_of_them_and_always_the_same() -> None:
    hits = {GRIDS.locate(122.71, 40.855) for _ in range(5)}
    assert len(hits) == 1
    assert all(hit is not None and hit.exact for hit in hits)


def test_a_point_just_outside_belongs_to_the_nearest() -> None:
    # 0.001 degrees of longitude at 40.855 N: 111195 m * cos(40.855) / 1000 = 84.1 m
    hit = GRIDS.locate(122.699, 40.855)
    assert hit is not None
    assert (hit.key, hit.exact) == ("west", False)
    assert hit.metres == pytest.approx(84.1, abs=0.1)
    assert hit.metres == pytest.approx(distance_m((122.699, 40.855), (122.70, 40.855)), rel=1e-3)


def test_a_point_far_away_belongs_to_none() -> None:
    assert GRIDS.locate(122.690, 40.855) is None  # 841 m
    hit = GRIDS.locate(122.690, 40.855, max_metres=900)
    assert hit is not None and hit.key == "west"


def test_the_nearest_is_measured_in_metres_not_degrees() -> None:
    # from (0, 60): 0.0015 degrees east are 83 m, 0.001 degrees north 111 m
    index = GridIndex([("east", box(10.0015, 59.99, 10.01, 60.0)), ("north", box(9.99, 60.001, 10.0, 60.01))])
    hit = index.locate(10.0, 60.0)
    assert hit is not None and hit.key == "east"


def test_the_deepest_grid_answers() -> None:
    index = GridIndex([("west", WEST), ("inner", INNER)])
    assert index.locate(122.703, 40.853) == Hit("inner", True, 0.0)
    assert index.locate(122.708, 40.853) == Hit("west", True, 0.0)
    assert index.locate_all([(122.703, 40.853), (122.708, 40.853)]) == [Hit("inner", True, 0.0), Hit("west", True, 0.0)]


POINTS = st.tuples(st.floats(122.69, 122.73), st.floats(40.84, 40.87))


@given(st.lists(POINTS, max_size=20))
def test_many_points_at_once_are_found_like_one_by_one(points: list[tuple[float, float]]) -> None:
    assert GRIDS.locate_all(points) == [GRIDS.locate(*point) for point in points]


@given(POINTS, st.floats(0, 3000))
def test_a_hit_is_near_and_a_miss_is_far(point: tuple[float, float], most: float) -> None:
    hit = GRIDS.locate(*point, max_metres=most)
    assert hit is None or (hit.metres <= most and hit.exact == (hit.metres == 0))
    inside = 122.70 <= point[0] <= 122.72 and 40.85 <= point[1] <= 40.86
    assert not inside or hit is not None


def test_an_empty_index_finds_nothing() -> None:
    index: GridIndex[str] = GridIndex([])
    assert (len(index), index.locate(122.7, 40.8), index.locate_all([(122.7, 40.8)])) == (0, None, [None])
    assert index.overlaps() == []


def test_overlaps_are_reported_with_their_size() -> None:
    index = GridIndex([("west", WEST), ("east", EAST), ("inner", INNER), ("lone", box(122.8, 40.85, 122.81, 40.86))])
    [overlap] = index.overlaps()  # neighbours that only touch do not overlap
    assert (overlap.a, overlap.b) == ("west", "inner")
    # 0.002 degrees squared: 222.39 m north by 222.39 * cos(40.855) = 168.2 m east
    assert overlap.square_metres == pytest.approx(222.39 * 168.2, rel=1e-3)


def test_a_shape_may_be_a_feature_or_text() -> None:
    feature = {"type": "Feature", "properties": {}, "geometry": WEST}
    assert area_of(feature).equals(area_of(WEST))
    assert area_of(json.dumps(feature)).equals(area_of(WEST))


def test_a_ring_that_crosses_itself_is_mended() -> None:
    # a bow tie: two triangles, each a quarter of the square
    tie = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    assert area_of(tie).area == pytest.approx(0.5)
    # a spike that leaves a line behind when mended
    spike = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [1, 2], [1, 1], [0, 1], [0, 0]]]}
    assert area_of(spike).area == pytest.approx(1)
    assert area_of(spike).geom_type == "Polygon"


@pytest.mark.parametrize(
    ("geometry", "why"),
    [
        ({"type": "Point", "coordinates": [1, 2]}, "没有面积"),
        ({"type": "Polygon", "coordinates": []}, "没有面积"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}, "GeoJSON|没有面积"),
        ({"type": "Nonsense"}, "GeoJSON"),
        ({"type": "Feature"}, "GeoJSON"),
        ({"type": "Polygon", "coordinates": "abc"}, "GeoJSON"),
        ("not json", "GeoJSON"),
        ("[1, 2]", "GeoJSON"),
        (box(500_000, 4_500_000, 500_100, 4_500_100), "经纬度"),  # metres of a projection
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [float("nan"), 1], [0, 0]]]}, "不是数"),
    ],
)
def test_what_is_no_area_is_explained(geometry: Any, why: str) -> None:
    with pytest.raises(BadShape, match=why):
        area_of(geometry)
    with pytest.raises(BadShape, match=r"^网格7："):
        GridIndex([("网格7", geometry)])


def test_bounds_and_a_point_for_the_label() -> None:
    assert bounds(WEST) == (122.70, 40.85, 122.71, 40.86)
    # a U: its centroid lies in the gap
    u = {"type": "Polygon", "coordinates": [[[0, 0], [3, 0], [3, 3], [2, 3], [2, 1], [1, 1], [1, 3], [0, 3], [0, 0]]]}
    lng, lat = point_on_surface(u)
    assert area_of(u).contains(shapely.Point(lng, lat))


def circle(lng: float, lat: float, degrees: float) -> Any:
    return shapely.Point(lng, lat).buffer(degrees, quad_segs=64)


def test_simplifying_drops_points_and_keeps_the_shape() -> None:
    before = circle(122.7, 40.85, 0.01)
    after = simplify_geojson(before, 20)
    assert len(after["coordinates"][0]) < 60 < 257 == len(before.exterior.coords)
    assert area_of(after).symmetric_difference(before).area < 0.03 * before.area
    assert all(round(x, 6) == x for ring in after["coordinates"] for point in ring for x in point)


def test_neighbours_stay_neighbours_when_simplified() -> None:
    # a wavy border from south to north, shared by a left and a right area
    wave = [(122.71 + 0.0005 * np.sin(i), 40.85 + i * 0.0001) for i in range(101)]
    left = shapely.Polygon([(122.70, 40.85), *wave, (122.70, 40.86)])
    right = shapely.Polygon([*wave, (122.72, 40.86), (122.72, 40.85)])
    a, b = (area_of(lighter) for lighter in simplify_all([left, right], 30))
    assert len(a.exterior.coords) < len(left.exterior.coords)
    # nothing between them is lost or taken twice; each rounded corner moves by at most 1e-6 degrees
    assert a.intersection(b).area == pytest.approx(0, abs=1e-12)
    assert a.union(b).area == pytest.approx(left.union(right).area, rel=1e-3)


def test_simplifying_by_nothing_keeps_every_point() -> None:
    assert simplify_geojson(WEST, 0)["coordinates"] == area_of(WEST).__geo_interface__["coordinates"]
