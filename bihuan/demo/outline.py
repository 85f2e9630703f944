"""Made-up outlines: an invented land cut into counties, towns, villages and grids, without gap or overlap.

One Voronoi diagram of scattered sites covers the whole land, and every area is a union of its cells. Sisters therefore
share their edges vertex by vertex, and a parent is exactly the sum of its children. Places are computed on a plane in
kilometres and turned into degrees (WGS-84) at the end. Nothing here copies a real boundary.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

Points = NDArray[np.float64]  # shape (n, 2)
Index = NDArray[np.intp]

CENTRE = (122.74, 40.93)  # longitude, latitude of the plane's origin
KM_PER_DEGREE = 111.32
DIGITS = 6  # of a degree: about a tenth of a metre
GHOST_BAND = 7.0  # kilometres around the land whose sites shape its rim and are then dropped
GHOSTS_PER_KM2 = 0.7
ROUNDS = 2  # of evening out the sites


@dataclass(frozen=True, slots=True)
class Disc:
    """Where a county lies on the plane. Neighbours are parted where their power distances are equal."""

    x: float
    y: float
    radius: float
    sites: int  # cells to cut it into
    cores: int = 1  # dense places: the seat, and market towns


@dataclass(frozen=True, slots=True)
class Land:
    """Cells in degrees, the county (its place in the list of discs) and the site of each."""

    cells: NDArray[np.object_]
    owner: Index
    sites: Points


# Waves that bend the lines, as amplitude and length in kilometres. Stronger ones would fold the plane over itself.
RIM = ((7.0, 70.0), (1.7, 24.0), (0.6, 8.0))  # for counties
INNER = ((2.2, 31.0), (0.8, 12.0), (0.3, 4.6))  # for what lies within a county


class Warp:
    """Bends the plane gently, so that what is straight in the sketch is a winding line on the map."""

    def __init__(self, rng: np.random.Generator, waves: Sequence[tuple[float, float]]) -> None:
        self._waves = [
            (amplitude, 2 * math.pi / length, *rng.uniform(0, 2 * math.pi, 4))
            for amplitude, length in waves
            for _ in range(2)
        ]

    def __call__(self, points: Points) -> Points:
        bent = points.copy()
        for amplitude, speed, turn, phase_x, phase_y, twist in self._waves:
            along = points[:, 0] * math.cos(turn) + points[:, 1] * math.sin(turn)
            across = points[:, 0] * math.cos(twist) + points[:, 1] * math.sin(twist)
            bent[:, 0] += amplitude / 2 * np.sin(speed * along + phase_x)
            bent[:, 1] += amplitude / 2 * np.sin(speed * across + phase_y)
        return bent


def lay_out(discs: Sequence[Disc], rng: np.random.Generator, warp: Warp) -> Land:
    """Scatter every county's sites, even them out, and cut the land into one cell per site."""
    owned = [_scatter(nth, discs, rng, warp) for nth in range(len(discs))]
    owner = np.repeat(np.arange(len(discs)), [len(points) for points in owned])
    sites, ghosts = np.concatenate(owned), _ghosts(discs, rng, warp)
    for _ in range(ROUNDS):
        sites = shapely.get_coordinates(shapely.centroid(_voronoi(sites, ghosts)))
    return Land(_in_degrees(_voronoi(sites, ghosts)), owner, sites)


def _power(points: Points, discs: Sequence[Disc], warp: Warp) -> NDArray[np.float64]:
    """Squared distance less squared radius, per point and disc: below zero is inside, the least one owns."""
    bent = warp(points)
    return np.stack([((bent - (d.x, d.y)) ** 2).sum(axis=1) - d.radius**2 for d in discs], axis=1)


def _scatter(nth: int, discs: Sequence[Disc], rng: np.random.Generator, warp: Warp) -> Points:
    """Exactly `disc.sites` points inside the nth county, denser around its cores."""
    disc = discs[nth]
    angles, reach = rng.uniform(0, 2 * math.pi, disc.cores), disc.radius * np.sqrt(rng.uniform(0.1, 0.7, disc.cores))
    reach[0] = disc.radius * 0.12
    cores = np.stack([disc.x + reach * np.cos(angles), disc.y + reach * np.sin(angles)], axis=1)
    kept: list[Points] = []
    while sum(map(len, kept)) < disc.sites:
        draw = rng.uniform(-1, 1, (disc.sites * 6, 2)) * (disc.radius + 9) + (disc.x, disc.y)
        power = _power(draw, discs, warp)
        inside = (power.argmin(axis=1) == nth) & (power[:, nth] < 0)
        kept.append(draw[inside & (rng.random(len(draw)) < _density(draw, cores, disc.radius))])
    return np.concatenate(kept)[: disc.sites]


def _density(points: Points, cores: Points, radius: float) -> NDArray[np.float64]:
    """Chance of a site between a country's 0.12 and 1 in the middle of the seat; the other cores are smaller."""
    chance = np.full(len(points), 0.12)
    for nth, core in enumerate(cores):
        width, height = (radius * 0.13, 0.88) if nth == 0 else (radius * 0.05, 0.45)
        chance += height * np.exp(-((points - core) ** 2).sum(axis=1) / (2 * width**2))
    return np.minimum(chance, 1.0)


def _ghosts(discs: Sequence[Disc], rng: np.random.Generator, warp: Warp) -> Points:
    """Sites just outside the land. Without them the outermost cells would have no end."""
    low = np.array([min(d.x - d.radius for d in discs), min(d.y - d.radius for d in discs)]) - 2 * GHOST_BAND
    high = np.array([max(d.x + d.radius for d in discs), max(d.y + d.radius for d in discs)]) + 2 * GHOST_BAND
    draw = rng.uniform(low, high, (int(np.prod(high - low) * GHOSTS_PER_KM2), 2))
    bent = warp(draw)
    beyond = np.stack([np.hypot(*(bent - (d.x, d.y)).T) - d.radius for d in discs], axis=1).min(axis=1)
    return draw[(beyond > 1) & (beyond < GHOST_BAND)]


def _voronoi(sites: Points, ghosts: Points) -> NDArray[np.object_]:
    everyone = shapely.MultiPoint(np.concatenate([sites, ghosts]))
    return shapely.get_parts(shapely.voronoi_polygons(everyone, ordered=True))[: len(sites)]


def _in_degrees(cells: NDArray[np.object_]) -> NDArray[np.object_]:
    """From the plane to rounded degrees. The same corner rounds the same way in every cell that has it."""
    return shapely.transform(cells, to_degrees)


def to_degrees(points: Points) -> Points:
    """Kilometres on the plane as (longitude, latitude)."""
    lng = CENTRE[0] + points[:, 0] / (KM_PER_DEGREE * math.cos(math.radians(CENTRE[1])))
    lat = CENTRE[1] + points[:, 1] / KM_PER_DEGREE
    return np.round(np.stack([lng, lat], axis=1), DIGITS)


def carve(points: Points, shares: Sequence[int], rng: np.random.Generator) -> list[Index]:
    """Part points into groups of exactly these sizes, each in one piece: halve across the longer side, again and again.

    Returns positions in `points`, group by group, in the order of `shares`.
    """
    groups: list[Index] = []
    _halve(points, np.arange(len(points)), list(shares), rng, groups)
    return groups


def _halve(points: Points, members: Index, shares: list[int], rng: np.random.Generator, groups: list[Index]) -> None:
    if len(shares) == 1:
        groups.append(members)
        return
    middle = len(shares) // 2
    first = sum(shares[:middle])
    order = members[np.argsort(_along(points[members], rng), kind="stable")]
    _halve(points, order[:first], shares[:middle], rng, groups)
    _halve(points, order[first:], shares[middle:], rng, groups)


def _along(points: Points, rng: np.random.Generator) -> NDArray[np.float64]:
    """How far each point lies along the group's longer axis, turned a little so that no two cuts are parallel."""
    shifted = points - points.mean(axis=0)
    xx, yy = (shifted**2).mean(axis=0)
    xy = (shifted[:, 0] * shifted[:, 1]).mean()
    angle = 0.5 * math.atan2(2 * xy, xx - yy) + rng.normal(0, 0.18)
    return shifted[:, 0] * math.cos(angle) + shifted[:, 1] * math.sin(angle)


def join(parts: Sequence[shapely.Geometry]) -> shapely.Geometry:
    """The union of areas that share their edges exactly."""
    return shapely.coverage_union_all(parts)
