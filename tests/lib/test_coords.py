import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.lib.coords import (
    SYSTEMS,
    BadPoint,
    bd09_to_gcj02,
    distance_m,
    from_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    in_china,
    to_wgs84,
    wgs84_to_gcj02,
)

# A degree inside the box, so that no shift leaves it.
CHINA = st.tuples(st.floats(73.1, 136.7), st.floats(2.0, 54.7))
EARTH = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def test_known_points_in_beijing() -> None:
    # values that the published formulas give, agreed by several implementations
    assert wgs84_to_gcj02(116.404, 39.915) == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-12)
    assert gcj02_to_bd09(116.404, 39.915) == pytest.approx((116.41036949371029, 39.92133699351021), abs=1e-12)
    # one step back, which others stop at, is right to a metre or two: 1e-5 degrees
    assert gcj02_to_wgs84(116.404, 39.915) == pytest.approx((116.39775550083061, 39.91359571849836), abs=2e-5)
    assert bd09_to_gcj02(116.404, 39.915) == pytest.approx((116.39762729119315, 39.90865673957631), abs=2e-6)


@given(CHINA, st.sampled_from(SYSTEMS))
def test_there_and_back_is_the_same_point(point: tuple[float, float], crs: str) -> None:
    assert to_wgs84(*from_wgs84(*point, crs), crs) == pytest.approx(point, abs=1e-9)
    assert from_wgs84(*to_wgs84(*point, crs), crs) == pytest.approx(point, abs=1e-9)


@given(CHINA)
def test_the_shift_is_some_hundred_metres(point: tuple[float, float]) -> None:
    assert distance_m(point, wgs84_to_gcj02(*point)) < 1500


@given(EARTH.filter(lambda point: not in_china(*point)), st.sampled_from(SYSTEMS))
def test_outside_china_nothing_is_shifted(point: tuple[float, float], crs: str) -> None:
    assert to_wgs84(*point, crs) == from_wgs84(*point, crs) == point


@pytest.mark.parametrize(
    ("a", "b", "metres"),
    [
        ((122.0, 40.0), (122.0, 41.0), 111_195),  # 6371008.8 * pi / 180
        ((122.0, 0.0), (123.0, 0.0), 111_195),
        ((122.0, 60.0), (123.0, 60.0), 55_596),  # about half at 60 degrees; the great circle is a little shorter
        ((0.0, 0.0), (180.0, 0.0), 20_015_115),  # 6371008.8 * pi
        ((122.7, 40.85), (122.7, 40.85), 0),
    ],
)
def test_distances(a: tuple[float, float], b: tuple[float, float], metres: float) -> None:
    assert distance_m(a, b) == pytest.approx(metres, rel=1e-4)
    assert distance_m(b, a) == pytest.approx(distance_m(a, b))


@given(EARTH, EARTH, EARTH)
def test_a_detour_is_never_shorter(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> None:
    assert distance_m(a, c) <= distance_m(a, b) + distance_m(b, c) + 1e-3


@pytest.mark.parametrize(
    ("lng", "lat", "crs", "why"),
    [
        (40.85, 122.7, "wgs84", "写反"),
        (math.nan, 40.0, "wgs84", "不在地球上"),
        (200.0, 40.0, "gcj02", "不在地球上"),
        (math.inf, 40.0, "bd09", "不在地球上"),
        (122.7, 40.85, "utm", "坐标系“utm”不认识"),
    ],
)
def test_what_is_no_point_is_explained(lng: float, lat: float, crs: str, why: str) -> None:
    with pytest.raises(BadPoint, match=why):
        to_wgs84(lng, lat, crs)
