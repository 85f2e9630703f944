"""The official division sheet, as it is found and as it should be."""

import os
import time
from pathlib import Path

import pytest

from bihuan.net import tree
from bihuan.net.imports.divisions import import_divisions
from bihuan.net.imports.registry import File, Given
from bihuan.net.imports.sheets import BadSheet
from bihuan.net.models import Edge, Unit
from tests.net.conftest import AT

pytestmark = pytest.mark.django_db

# Columns named one level off, as the sheet most people have.
SHIFTED = """province_name,city_name,city_code,town_name,town_code,villagetr_name,villagetr_code,street_name,street_code,t
辽宁省,鞍山市,210300000000,海城市,210381000000,海州街道,210381001000,南关社区,210381001001,111
辽宁省,鞍山市,210300000000,海城市,210381000000,海州街道,210381001000,三义社区,210381001002,111
辽宁省,鞍山市,210300000000,铁东区,210302000000,长甸街道,210302001000,二一九社区,210302001001,111
"""
NAMED = """省名称,市名称,市代码,县名称,县代码,街道名称,街道代码,社区名称,社区代码
辽宁省,鞍山市,2103,海城市,210381,海州街道,210381001,南关社区,210381001001
辽宁省,鞍山市,2103,海城市,210381,海州街道,210381001,三义社区,210381001002
"""


def run(text: str | bytes, **options: str) -> object:
    content = text.encode() if isinstance(text, str) else text
    return import_divisions(File("divisions.csv", content), Given(at=AT, options=options))


def names() -> dict[str, int]:
    return dict(Unit.objects.values_list("name", "level"))


def test_shifted_column_names_are_seen_through(db: None) -> None:
    outcome = run(SHIFTED)
    assert (outcome.created, outcome.problems) == (9, [])
    assert names() == {
        "辽宁省": 1, "鞍山市": 2, "海城市": 3, "铁东区": 3, "海州街道": 4, "长甸街道": 4,
        "南关社区": 5, "三义社区": 5, "二一九社区": 5,
    }  # fmt: skip
    net = tree.snapshot()
    assert net.full_name(net.by_code("210381001001").id) == "海城市海州街道南关社区"
    assert net.by_code("210381").short == "海城"


def test_correct_names_and_short_codes_give_the_same_net(db: None) -> None:
    assert run(NAMED).created == 6
    again = run(SHIFTED, within="all")
    assert (again.created, again.changed, again.same) == (3, 0, 6)


def test_the_second_run_changes_nothing(db: None) -> None:
    run(SHIFTED)
    again = run(SHIFTED)
    assert (again.created, again.changed, again.same) == (0, 0, 9)


def test_a_renamed_unit_is_changed_and_a_moved_one_keeps_its_history(db: None) -> None:
    run(NAMED)
    again = run(NAMED.replace("三义社区", "三义新社区"))
    assert (again.created, again.changed) == (0, 1)
    assert Unit.objects.get(code="210381001002").pinyin == "sanyixinshequ syxsq"


def test_into_a_county_begun_already_only_its_own_rows_are_imported(db: None) -> None:
    run(NAMED)
    again = run(SHIFTED)  # the province's sheet
    assert (again.created, again.changed, again.same) == (0, 0, 6)
    assert "另有 3 个外地区划没有导入" in again.notes[0].reason


def test_only_one_county_with_what_is_above_it(db: None) -> None:
    run(SHIFTED, within="210381")
    assert set(names()) == {"辽宁省", "鞍山市", "海城市", "海州街道", "南关社区", "三义社区"}
    with pytest.raises(BadSheet, match="没有代码为“210999”的区划"):
        run(SHIFTED, within="210999")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_every_usual_encoding_is_read(db: None, encoding: str) -> None:
    assert run(SHIFTED.encode(encoding)).created == 9


def test_bad_rows_are_told_and_the_others_imported(db: None) -> None:
    bad = (
        NAMED
        + "辽宁省,鞍山市,2103,海城市,210381,海州街道,210381001,灯塔社区,2.10381E+11\n"
        + "辽宁省,鞍山市,2103,海城市,210381,海州街道,210381001,,210381001006\n"
        + "辽宁省,鞍山市,2103,海城市,210381,海州街道,210381001,白杨社区,210302001007\n"
        + '辽宁省,鞍山市,2103,海城市,210381,海州街道,210381001,"=B2",210381001008\n'
    )
    outcome = run(bad)
    assert outcome.created == 6
    assert [(p.row, p.column, p.value, p.reason) for p in outcome.problems] == [
        (4, "社区代码", "2.10381E+11", "代码变成了科学计数法，末位已丢失，请把这一列设为文本格式"),
        (5, "社区名称", "", "不能为空"),
        (6, "社区代码", "210302001007", "代码与上级“210381001000”不相连"),
        (7, "社区名称", "=B2", "这一格是公式，没有算出的值；请把它变成数值后再导入"),
    ]
    assert outcome.wrong == 4


def test_sheets_of_one_level_each(db: None) -> None:
    assert run("code,name\n21,辽宁省\n").created == 1
    assert run("code,name,provinceCode\n2103,鞍山市,21\n").created == 1
    towns = run("code,name,areaCode,provinceCode,cityCode\n210381001,海州街道,210381,21,2103\n")
    assert [(p.value, p.reason) for p in towns.problems] == [("210381000000", "找不到上级单位“210381000000”")]
    assert run("code,name,cityCode,provinceCode\n210381,海城市,2103,21\n").created == 1
    towns = "code,name,areaCode,provinceCode,cityCode\n210381001,海州街道,210381,21,2103\n210302001,长甸街道,210302,21,2103\n"
    assert run(towns).created == 1  # the other one lies in another county


def test_another_kind_of_sheet_is_refused_with_its_titles(db: None) -> None:
    with pytest.raises(BadSheet, match="缺少列：代码、名称。表里有：日期、金额"):
        run("日期,金额\n2026-01-01,5\n")
    with pytest.raises(BadSheet, match="只有表头"):
        run("code,name\n")
    with pytest.raises(BadSheet, match="没有数据"):
        run(b"")


SHARED = Path(os.environ.get("BIHUAN_SHARED", "")) / "data" / "liaoning_divisions"


@pytest.mark.skipif(
    not os.environ.get("BIHUAN_SHARED"), reason="BIHUAN_SHARED names no folder with the official sheets"
)
def test_the_whole_province_in_seconds(db: None) -> None:
    content = (SHARED / "liaoning_5level_nbs2022.csv.gz").read_bytes()
    began = time.perf_counter()
    outcome = import_divisions(File("liaoning.csv.gz", content), Given(at=AT))
    took = time.perf_counter() - began
    assert (outcome.rows, outcome.problems) == (16513, [])
    # 1 province, 14 cities, 100 counties, 1,400 streets, 16,513 communities
    assert outcome.created == 1 + 14 + 100 + 1400 + 16513
    again = import_divisions(File("liaoning.csv.gz", content), Given(at=AT))
    assert (again.created, again.changed, again.same) == (0, 0, 18028)
    assert Edge.objects.count() == 18027
    assert took < 20  # 4 s alone
