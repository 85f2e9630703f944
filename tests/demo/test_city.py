"""The generated city: its exact numbers, its codes, and outlines that fit together (N3)."""

import random

import numpy as np
import pytest
import shapely

from bihuan.demo.city import CITY_NAME, INVENTED, SMALL, City, Sketch, plan
from bihuan.lib.codes import level_of, parent_code, parse_code
from bihuan.net.models import Kind, Tree

HAICHENG = "219981000000"


def test_the_gridded_county_has_the_published_numbers(whole: City) -> None:
    county = whole.coded(HAICHENG)
    counts = [sum(1 for _ in county.areas(level)) for level in (4, 5, 6, 7)]
    assert counts == [26, 429, 1_622, 13_035]
    assert all(20 <= leaf.households <= 30 for leaf in county.areas(7))
    assert 320_000 < county.households < 331_000


def test_the_whole_city_has_seven_counties_with_real_depth(whole: City) -> None:
    assert [sum(1 for _ in whole.city.areas(level)) for level in (3, 4, 5)] == [7, 97, 1_191]
    offices = [unit for unit in whole.units() if unit.kind == Kind.ORGAN]
    assert len(offices) == 8 * 21 + 15  # the city's member units of three-way cultivation
    assert all(office.duties for office in offices)
    assert sum(unit.kind == Kind.PARTY for unit in whole.units()) == 582
    assert sum(unit.kind == Kind.CENTRE for unit in whole.units()) == 1 + 7 + 97


def test_it_says_that_it_is_invented(whole: City) -> None:
    assert whole.city.name == CITY_NAME and whole.city.duties == INVENTED
    assert all(unit.code.startswith("2199") for unit in whole.city.walk())


def test_codes_follow_the_standard_and_names_are_unique(whole: City) -> None:
    placed = [unit for unit in whole.city.walk() if unit.kind in (Kind.AREA, Kind.GRID)]
    for unit in random.Random(1).sample(placed, 2_000):
        assert parse_code(unit.code) == unit.code and level_of(unit.code) == unit.level
        assert parent_code(unit.code) == unit.parent.code
    assert len({unit.code for unit in whole.units()}) == len(whole.units())
    assert len({unit.name for unit in placed}) == len(placed)


def test_sister_outlines_neither_overlap_nor_leave_gaps(whole: City) -> None:
    leaves = np.array([unit.shape for unit in whole.coded(HAICHENG).areas(7)])
    assert shapely.is_valid(leaves).all()
    assert shapely.coverage_is_valid(leaves)
    for level in (3, 4, 5):
        assert shapely.coverage_is_valid(np.array([unit.shape for unit in whole.city.areas(level)]))


def test_every_outline_is_the_sum_of_its_parts(whole: City) -> None:
    parents = [unit for unit in whole.city.walk() if unit.shape is not None and any(c.shape for c in unit.children)]
    for parent in [*random.Random(2).sample(parents, 200), whole.city]:
        parts = shapely.union_all([child.shape for child in parent.children if child.shape is not None])
        assert parts.symmetric_difference(parent.shape).area == pytest.approx(0, abs=1e-12)
    assert whole.city.shape.geom_type == "Polygon" and not whole.city.shape.interiors


def test_towns_are_larger_in_the_country(whole: City) -> None:
    towns = list(whole.coded(HAICHENG).areas(4))
    streets = [town.shape.area for town in towns if town.is_urban]
    assert max(streets) < 3 * np.median([town.shape.area for town in towns if not town.is_urban])
    assert np.mean(streets) < 0.5 * np.mean([town.shape.area for town in towns if not town.is_urban])


def test_points_of_places_lie_inside_them(whole: City) -> None:
    for unit in random.Random(3).sample(list(whole.coded(HAICHENG).areas(7)), 200):
        assert unit.shape.covers(shapely.Point(unit.lng, unit.lat))


def test_grids_hang_in_the_grid_tree_only(whole: City) -> None:
    trees: dict[Tree, set[Kind]] = {}
    for child, _parent, tree in whole.edges():
        trees.setdefault(tree, set()).add(child.kind)
    assert trees == {
        Tree.ADMIN: {Kind.AREA, Kind.ORGAN, Kind.CENTRE, Kind.PARTY},
        Tree.GRID: {Kind.AREA, Kind.GRID},
    }


def test_the_same_seed_draws_the_same_city() -> None:
    first, second, other = plan(5, SMALL), plan(5, SMALL), plan(6, SMALL)
    assert _told(first) == _told(second)
    assert _told(first) != _told(other)


def _told(city: City) -> list[tuple]:
    def tell(unit: Sketch) -> tuple:
        return (unit.code, unit.name, unit.households, unit.lng, unit.lat, unit.shape and unit.shape.wkt)

    return [tell(unit) for unit in city.units()] + [(spot.name, spot.unit.code) for spot in city.spots]
