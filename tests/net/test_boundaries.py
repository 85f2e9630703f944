"""Boundaries an operator supplies, and N3: leaf grids do not overlap and leave no address out."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bihuan.lib.coords import from_wgs84
from bihuan.net import tree
from bihuan.net.imports.registry import File, Given, Outcome
from bihuan.net.imports.running import run_import
from bihuan.net.imports.sheets import BadSheet
from bihuan.net.models import Boundary, Kind, Place, Unit
from bihuan.net.outlines import left_out, overlaps_among
from tests.net.conftest import AT, County, found

pytestmark = pytest.mark.django_db
WEST, SOUTH = 122.70, 40.85


def square(x: float, y: float, size: float = 1.0) -> list[list[list[float]]]:
    """A square `size` hundredths of a degree wide, x and y hundredths east and north of the corner."""
    corners = [(x, y), (x + size, y), (x + size, y + size), (x, y + size), (x, y)]
    return [[[WEST + a / 100, SOUTH + b / 100] for a, b in corners]]


def feature(rings: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": rings}}


def run(*features: Any, mark: bool = False, **options: str) -> Outcome:
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    content = text.encode("utf-8-sig" if mark else "utf-8")
    return run_import("boundaries", [File("b.geojson", content)], Given(at=AT, options=options))


@pytest.fixture
def grids(county: County) -> list[Unit]:
    """Three leaf grids beside the nested one, all in 南关社区."""
    return [found(f"21038100100100{n}", f"第{n}网格", 6, county.nanguan, Kind.GRID) for n in (2, 3, 4)]


def test_outlines_are_matched_by_code_or_name_and_points_then_find_the_deepest(county: County) -> None:
    outcome = run(
        feature(square(0, 0, 5), adcode=210381, name="海城"),
        feature(square(1, 1, 2), name="南关社区"),
        feature(square(1, 1), code="210381001001001"),
        mark=True,
    )
    assert (outcome.created, outcome.problems) == (3, [])
    net = tree.snapshot()
    inside = net.locate(WEST + 0.015, SOUTH + 0.015)
    assert inside is not None and (inside.unit_id, inside.exact) == (county.first.id, True)
    beside = net.locate(WEST + 0.025, SOUTH + 0.025)
    assert beside is not None and beside.unit_id == county.nanguan.id
    assert net.locate(WEST + 1, SOUTH) is None
    county.first.refresh_from_db()
    assert county.first.lng == pytest.approx(WEST + 0.015, abs=0.001)


def test_the_same_file_again_changes_nothing(county: County) -> None:
    one = feature(square(1, 1, 2), name="南关社区")
    run(one)
    again = run(one)
    assert (again.created, again.changed, again.same) == (0, 0, 1)
    assert run(feature(square(1, 1, 3), name="南关社区")).changed == 1


def test_shifted_coordinates_are_put_back(county: County) -> None:
    ring = [[list(from_wgs84(x, y, "gcj02")) for x, y in square(1, 1)[0]]]
    run(feature(ring, name="南关社区"), crs="gcj02")
    stored = Boundary.objects.get().geometry["coordinates"][0]
    assert {(round(x, 4), round(y, 4)) for x, y in stored} == {(round(x, 4), round(y, 4)) for x, y in square(1, 1)[0]}


def test_a_ring_that_crosses_itself_is_mended(county: County) -> None:
    bow = [[[WEST, SOUTH], [WEST + 0.02, SOUTH + 0.02], [WEST + 0.02, SOUTH], [WEST, SOUTH + 0.02], [WEST, SOUTH]]]
    assert run(feature(bow, name="南关社区")).created == 1
    assert Boundary.objects.get().geometry["type"] == "MultiPolygon"


def test_what_cannot_be_an_outline_is_told(county: County) -> None:
    found("210381102001", "南关社区", 5, county.xiliu)
    outcome = run(
        feature(square(0, 0), name="没有的社区"),
        feature(square(0, 0), name="南关社区"),
        feature(square(0, 0), code="210381-ZJ"),
        feature([[[WEST, SOUTH], [WEST, SOUTH]]], name="北关社区"),
        {"type": "Feature", "properties": {"name": "北关社区"}, "geometry": None},
        feature(square(9000, 0), name="西柳镇"),
        "not a feature",
    )
    assert outcome.created == 0
    reasons = [problem.reason for problem in outcome.problems]
    assert reasons[0] == "没有代码为“”、名称为“没有的社区”的单位"
    assert reasons[1].startswith("有 2 个单位叫“南关社区”")
    assert reasons[2] == "“海城市住建局”不是区划或网格，没有边界"
    assert len(reasons) == 7
    with pytest.raises(BadSheet, match="不是 JSON 文件"):
        run_import("boundaries", [File("b.json", b"x,y\n1,2")], Given(at=AT))
    with pytest.raises(BadSheet, match="不是 GeoJSON"):
        run_import("boundaries", [File("b.json", b'{"a": 1}')], Given(at=AT))


def test_n3_overlapping_grids_are_reported_and_touching_ones_are_not(county: County, grids: list[Unit]) -> None:
    outcome = run(
        feature(square(0, 0), code=grids[0].code),
        feature(square(1, 0), code=grids[1].code),  # shares a border
        feature(square(1.5, 0), code=grids[2].code),  # covers half of the one before
    )
    assert outcome.created == 3
    assert [(note.value[-4:], note.reason[:7]) for note in outcome.notes] == [("第3网格", "与“海城市海州")]
    overlap = overlaps_among(tree.snapshot())
    assert [{pair.a, pair.b} for pair in overlap] == [{grids[1].id, grids[2].id}]


def test_n3_an_address_outside_all_grids_of_its_community_is_found(
    county: County, grids: list[Unit], django_assert_num_queries: Any
) -> None:
    Place.objects.create(name="里面的楼", unit=grids[0], lng=WEST + 0.005, lat=SOUTH + 0.005)
    Place.objects.create(name="外面的楼", unit=grids[0], lng=WEST + 0.095, lat=SOUTH + 0.005)
    run(*[feature(square(n, 0), code=unit.code) for n, unit in enumerate([*grids, county.second])])
    net = tree.snapshot()
    with django_assert_num_queries(2):  # however many communities there are
        assert [out.place for out in left_out(net)] == ["外面的楼"]


SHARED = Path(os.environ.get("BIHUAN_SHARED", "")) / "data"


@pytest.mark.skipif(not os.environ.get("BIHUAN_SHARED"), reason="BIHUAN_SHARED names no folder with real outlines")
def test_real_outlines_of_a_city_and_its_counties(db: None) -> None:
    content = (SHARED / "liaoning_divisions" / "liaoning_5level_nbs2022.csv.gz").read_bytes()
    run_import("divisions", [File("l.csv.gz", content)], Given(at=AT, options={"within": "2103"}))
    counties = (SHARED / "china_geojson" / "raw" / "210300_full.json").read_bytes()
    outcome = run_import("boundaries", [File("c.json", counties)], Given(at=AT, options={"crs": "gcj02"}))
    assert (outcome.created, outcome.problems) == (7, [])
    net = tree.snapshot()
    hit = net.locate(122.7521, 40.8523)  # the middle of 海城
    assert hit is not None and net.unit(hit.unit_id).name == "海城市"
