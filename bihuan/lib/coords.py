"""Coordinate systems of Chinese maps. Stored points are WGS-84; what comes in from AMap, Tencent and WeChat is GCJ-02,
from Baidu BD-09. Tianditu's CGCS2000 differs from WGS-84 by centimetres and is taken as the same.

Points are (longitude, latitude) in degrees. Outside the box around China the systems agree and nothing is changed.
"""

from collections.abc import Callable
from math import asin, atan2, cos, hypot, isfinite, pi, radians, sin, sqrt

Point = tuple[float, float]

# Krasovsky 1940, the ellipsoid GCJ-02 is shifted on: semi-major axis in metres, squared eccentricity.
_AXIS, _ECCENTRICITY = 6378245.0, 0.00669342162296594323
_EARTH_RADIUS = 6371008.8  # mean radius, metres
_BAIDU_TURN = pi * 3000 / 180
_WEST, _EAST, _SOUTH, _NORTH = 72.004, 137.8347, 0.8293, 55.8271
_CLOSE_ENOUGH = 1e-11  # degrees, about a micrometre


class BadPoint(ValueError):
    """Not a point on earth, or a coordinate system that is not known; the message says which."""


def to_wgs84(lng: float, lat: float, crs: str) -> Point:
    """A point given in "wgs84", "cgcs2000", "gcj02" or "bd09", in WGS-84."""
    require_point(lng, lat)
    return _known(_TO_WGS84, crs)(lng, lat)


def from_wgs84(lng: float, lat: float, crs: str) -> Point:
    """A WGS-84 point in another system, to be drawn on its maps."""
    require_point(lng, lat)
    return _known(_FROM_WGS84, crs)(lng, lat)


def distance_m(a: Point, b: Point) -> float:
    """Great-circle metres between two points of the same system."""
    lat_a, lat_b = radians(a[1]), radians(b[1])
    half_lat, half_lng = (lat_b - lat_a) / 2, radians(b[0] - a[0]) / 2
    haversine = sin(half_lat) ** 2 + cos(lat_a) * cos(lat_b) * sin(half_lng) ** 2
    return 2 * _EARTH_RADIUS * asin(min(1.0, sqrt(haversine)))


def require_point(lng: float, lat: float) -> None:
    """Raise BadPoint for what is not on earth; points with the two swapped are told so."""
    if isfinite(lng) and isfinite(lat) and -180 <= lng <= 180 and -90 <= lat <= 90:
        return
    if 90 < abs(lat) <= 180 and abs(lng) <= 90:
        raise BadPoint("经度和纬度可能写反了")
    raise BadPoint(f"坐标（{lng}，{lat}）不在地球上")


def in_china(lng: float, lat: float) -> bool:
    """Whether a point lies in the box where the Chinese systems are shifted."""
    return _WEST <= lng <= _EAST and _SOUTH <= lat <= _NORTH


def wgs84_to_gcj02(lng: float, lat: float) -> Point:
    if not in_china(lng, lat):
        return lng, lat
    x, y = lng - 105.0, lat - 35.0
    curve = 1 - _ECCENTRICITY * sin(radians(lat)) ** 2
    metres_per_degree_lng = _AXIS / sqrt(curve) * cos(radians(lat)) * pi / 180
    metres_per_degree_lat = _AXIS * (1 - _ECCENTRICITY) / curve**1.5 * pi / 180
    return lng + _east_shift(x, y) / metres_per_degree_lng, lat + _north_shift(x, y) / metres_per_degree_lat


def gcj02_to_wgs84(lng: float, lat: float) -> Point:
    return _undone(wgs84_to_gcj02, lng, lat) if in_china(lng, lat) else (lng, lat)


def gcj02_to_bd09(lng: float, lat: float) -> Point:
    if not in_china(lng, lat):
        return lng, lat
    radius = hypot(lng, lat) + 0.00002 * sin(lat * _BAIDU_TURN)
    angle = atan2(lat, lng) + 0.000003 * cos(lng * _BAIDU_TURN)
    return radius * cos(angle) + 0.0065, radius * sin(angle) + 0.006


def bd09_to_gcj02(lng: float, lat: float) -> Point:
    return _undone(gcj02_to_bd09, lng, lat) if in_china(lng, lat) else (lng, lat)


def _east_shift(x: float, y: float) -> float:
    """Metres, as a function of degrees from 105 E, 35 N."""
    bend = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    return bend + _ripples(x) + _waves(x, 150.0, 300.0)


def _north_shift(x: float, y: float) -> float:
    bend = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    return bend + _ripples(x) + _waves(y, 160.0, 320.0)


def _ripples(x: float) -> float:
    return (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2 / 3


def _waves(t: float, middle: float, long: float) -> float:
    short = 20.0 * sin(t * pi) + 40.0 * sin(t / 3.0 * pi)
    return (short + middle * sin(t / 12.0 * pi) + long * sin(t / 30.0 * pi)) * 2 / 3


def _undone(shift: Callable[[float, float], Point], lng: float, lat: float) -> Point:
    """The point that `shift` takes to (lng, lat), found by correcting a guess; each step is some 1000 times closer."""
    guess_lng, guess_lat = lng, lat
    for _ in range(12):
        shifted_lng, shifted_lat = shift(guess_lng, guess_lat)
        off_lng, off_lat = shifted_lng - lng, shifted_lat - lat
        guess_lng, guess_lat = guess_lng - off_lng, guess_lat - off_lat
        if abs(off_lng) < _CLOSE_ENOUGH and abs(off_lat) < _CLOSE_ENOUGH:
            break
    return guess_lng, guess_lat


def _as_is(lng: float, lat: float) -> Point:
    return lng, lat


_Conversions = dict[str, Callable[[float, float], Point]]

_TO_WGS84: _Conversions = {
    "wgs84": _as_is,
    "cgcs2000": _as_is,
    "gcj02": gcj02_to_wgs84,
    "bd09": lambda lng, lat: gcj02_to_wgs84(*bd09_to_gcj02(lng, lat)),
}
_FROM_WGS84: _Conversions = {
    "wgs84": _as_is,
    "cgcs2000": _as_is,
    "gcj02": wgs84_to_gcj02,
    "bd09": lambda lng, lat: gcj02_to_bd09(*wgs84_to_gcj02(lng, lat)),
}
SYSTEMS = tuple(_TO_WGS84)


def _known(conversions: _Conversions, crs: str) -> Callable[[float, float], Point]:
    try:
        return conversions[crs]
    except KeyError:
        raise BadPoint(f"坐标系“{crs}”不认识，只能是 {'、'.join(SYSTEMS)}") from None
