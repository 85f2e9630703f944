"""Organisation, grids, postings, places, calendar: what is right is imported, the rest explained, and nothing twice."""

import gzip
import io
from datetime import date

import pytest
import xlsxwriter

from bihuan.net import tree
from bihuan.net.calendar import calendar_for, seed_calendar
from bihuan.net.imports.registry import File, Given, NoSuchImport, Outcome, importer_for
from bihuan.net.imports.running import Table, problem_table, run_import, template_table
from bihuan.net.imports.sheets import BadSheet
from bihuan.net.models import Edge, Person, Place, Posting, Role, Unit
from tests.net.conftest import AT, County

pytestmark = pytest.mark.django_db


def run(kind: str, content: str | bytes, by: Posting | None = None, name: str = "sheet.csv", **options: str) -> Outcome:
    content = content.encode() if isinstance(content, str) else content
    return run_import(kind, [File(name, content)], Given(at=AT, by=by, options=options))


def counts(outcome: Outcome) -> tuple[int, int, int, int]:
    return outcome.created, outcome.changed, outcome.same, outcome.wrong


def told(outcome: Outcome) -> list[tuple[int, str, str]]:
    return [(problem.row, problem.column, problem.reason) for problem in outcome.problems]


# Organisation

UNITS = """代码,名称,类别,区划代码,上级代码,简称,职责,电话
210381-GA,海城市公安局,部门单位,210381,,公安局,治安,0412-3222222
210381-GA-HZ,海州派出所,,,210381-GA,,治安,
210381-DW,海城市委,党组织,210381,,,,
"""


def test_units_hang_under_their_parent_or_their_area_and_take_its_level(county: County) -> None:
    assert counts(run("units", UNITS)) == (3, 0, 0, 0)
    net = tree.snapshot()
    station = net.by_code("210381-GA-HZ")
    assert (station.level, station.l3, net.unit(station.parent).short) == (3, county.county.id, "公安局")
    assert counts(run("units", UNITS)) == (0, 0, 3, 0)
    assert counts(run("units", UNITS.replace("治安,0412", "治安和交通,0412"))) == (0, 1, 2, 0)


def test_a_unit_with_another_parent_is_moved_with_its_history(county: County) -> None:
    run("units", UNITS)
    assert counts(run("units", UNITS.replace(",,,210381-GA,,", ",,,210381-ZJ,,"))) == (0, 1, 2, 0)
    edges = tree.history(Unit.objects.get(code="210381-GA-HZ"))
    assert [(edge.parent.code, edge.until) for edge in edges] == [("210381-GA", AT.date()), ("210381-ZJ", None)]


def test_units_that_cannot_be_are_told_row_by_row(county: County) -> None:
    outcome = run(
        "units",
        "单位代码,单位名称,类别,区划代码,上级代码,电话\n"
        "A1,没有上级,,,,\n"
        "A2,上级不存在,,,ZZ-9,\n"
        "A3,在它下面的,,,A2,\n"
        "A4,自己套自己,,,A5,\n"
        "A5,自己套自己,,,A4,\n"
        "A6,类别不对,外星人,210381,,\n"
        "A7,电话不对,,210381,,138000\n"
        "A8,好的,,210381,,12345\n"
        "A8,重复的,,210381,,\n",
    )
    assert counts(outcome) == (1, 0, 0, 8)
    reasons = {row: reason for row, _column, reason in told(outcome)}
    assert reasons[2] == "上级代码和区划代码至少要填一个"
    assert reasons[3] == "找不到上级单位“ZZ-9”"
    assert reasons[4] == "找不到上级单位“A2”"
    assert reasons[5] == reasons[6] == "上级单位在它自己下面，成了圈"
    assert reasons[7].startswith("应为：部门单位、诉求中心")
    assert reasons[10] == "代码与第 9 行重复"
    assert list(tree.faults()) == []


def test_a_wrong_sheet_says_which_columns_are_missing_and_which_are_there(county: County) -> None:
    with pytest.raises(BadSheet, match="缺少列：代码。表里有：部门、名称、金额。"):
        run("units", "部门,名称,金额\n甲,乙,5\n")
    with pytest.raises(BadSheet, match="工作簿读不出来"):
        run("units", b"PK\x03\x04 not a workbook", name="units.xlsx")
    with pytest.raises(BadSheet, match="不是表格文件"):
        run("units", b"\x89PNG\x00\x00\x00\r\n\x1a\n", name="units.csv")


# Grids

GRIDS = """网格编码,网格名称,上级代码,户数,网格员,电话
21038100100200101,第一楼组,210381001002001,25,赵大姐,
210381001002001,第一网格,210381001002,320,王秀英,13800001234
"""


@pytest.fixture
def sanyi(county: County) -> Unit:
    from tests.net.conftest import found

    return found("210381001002", "三义社区", 5, county.haizhou)


def test_grids_nest_to_any_depth_in_any_order_with_their_workers(sanyi: Unit) -> None:
    assert counts(run("grids", GRIDS)) == (2, 0, 0, 0)
    net = tree.snapshot()
    group = net.by_code("21038100100200101")
    assert (group.level, group.l5, net.unit(group.parent).name, group.households) == (7, sanyi.id, "第一网格", 25)
    assert Posting.objects.get(person__name="王秀英").role == Role.GRID_WORKER
    assert counts(run("grids", GRIDS)) == (0, 0, 2, 0)
    assert counts(run("grids", GRIDS.replace("王秀英", "李秀英"))) == (0, 1, 1, 0)  # a further worker


# Postings

STAFF = """单位代码,姓名,电话,岗位,职务,任职方式,登录名,任职日期
210381-ZJ,李建国,13800001234,承办人,科员,,lijianguo,2026年3月1日
210381-ZJ,李建国,13800001234,单位负责人,,代理,,46082
210381-ZX,周航,,派单员,,,zhouhang,20260201
"""


def test_postings_bring_people_accounts_and_passwords_once(county: County) -> None:
    outcome = run("postings", STAFF)
    assert counts(outcome) == (3, 0, 0, 0)
    assert [(name, unit, login) for name, unit, login, _password in outcome.secrets] == [
        ("李建国", "海城市住建局", "lijianguo"), ("周航", "海城市诉求中心", "zhouhang")
    ]  # fmt: skip
    person = Person.objects.get(name="李建国")
    assert person.user.check_password(outcome.secrets[0][3]) and person.must_change_password
    held = dict(Posting.objects.filter(person=person).values_list("role", "since"))
    assert held == {Role.HANDLER: date(2026, 3, 1), Role.CHIEF: date(2026, 3, 1)}  # 46082 is Excel's day number of it
    again = run("postings", STAFF)
    assert (counts(again), again.secrets) == ((0, 0, 3, 0), [])


def test_postings_that_cannot_be_are_told(county: County) -> None:
    run("postings", STAFF)
    outcome = run(
        "postings",
        "单位代码,姓名,电话,岗位,登录名\n"
        "999,甲,,承办人,\n"
        "210381-ZJ,,,承办人,\n"
        "210381-ZJ,乙,,厨师,\n"
        "210381-ZJ,丙,,承办人,lijianguo\n"
        "210381-ZJ,丁,,承办人,ding\n"
        "210381-ZJ,丁,,承办人,ding\n",
    )
    assert (outcome.created, outcome.wrong) == (1, 5)
    assert [(row, column) for row, column, _reason in told(outcome)] == [
        (2, "单位代码"), (3, "姓名"), (4, "岗位"), (5, "登录名"), (7, "姓名")
    ]  # fmt: skip
    assert told(outcome)[3][2] == "登录名已经是李建国的"


def test_n2_an_administrator_imports_no_posting_for_themselves_or_outside_the_area(county: County) -> None:
    admin = county.post("管理员", county.haizhou)
    outcome = run("postings", "单位代码,姓名,岗位\n210381001,管理员,领导\n210381-ZJ,甲,承办人\n", by=admin)
    assert (outcome.created, [reason for _row, _column, reason in told(outcome)]) == (
        0, ["不能给自己安排岗位，请由另一位管理员办理", "这个单位不在您的职责范围内"]
    )  # fmt: skip


# Places and calendar


def test_places_are_put_into_wgs84_and_help_to_find_the_grid(county: County) -> None:
    sheet = "名称,网格代码,类别,经度,纬度\n新华小区,210381001001001,小区,122.7521,40.8523\n无主楼,777,,,\n"
    outcome = run("places", sheet, crs="gcj02")
    assert counts(outcome) == (1, 0, 0, 1)
    place = Place.objects.get()
    assert place.lng == pytest.approx(122.7521 - 0.0058, abs=0.001)  # some 500 m west
    assert counts(run("places", sheet, crs="gcj02")) == (0, 0, 1, 1)
    assert tree.snapshot().resolve_address("新华小区5号") == county.first.id


def test_a_holiday_notice_confirms_days(county: County) -> None:
    seed_calendar(at=AT)
    assert not calendar_for(None).day(date(2027, 2, 9)).confirmed
    sheet = "日期,结束日期,安排,名称\n2027.2.5,2027.2.11,放假,春节\n2027-02-14,,调休上班,春节\n2027-02-30,,放假,\n"
    outcome = run("calendar", sheet)
    assert (outcome.changed, outcome.wrong) == (8, 1)
    assert told(outcome) == [(4, "日期", "没有这一天")]
    assert calendar_for(None).day(date(2027, 2, 9)).confirmed
    assert calendar_for(None).is_workday(date(2027, 2, 14))  # a Sunday
    assert run("calendar", sheet).changed == 0


# Workbooks


def workbook(with_values: bool = True) -> bytes:
    """A title over the header, a merged parent, numbers for codes, and a formula for a name."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.merge_range(0, 0, 0, 3, "海城市部门一览表")
    sheet.write_row(1, 0, ["代码", "名称", "区划代码", "电话"])
    sheet.write_row(2, 0, ["B1", "水务局"])
    sheet.write_row(3, 0, ["B2", "城管局"])
    sheet.merge_range(2, 2, 3, 2, 210381)
    sheet.write(4, 0, 1001)
    sheet.write_formula(4, 1, '="教育"&"局"', None, "教育局" if with_values else "")
    sheet.write(4, 2, 210381.0)
    book.close()
    return out.getvalue()


def test_a_workbook_with_a_title_merged_cells_numbers_and_computed_formulas(county: County) -> None:
    outcome = run("units", workbook(), name="units.xlsx")
    assert (counts(outcome), told(outcome)) == ((3, 0, 0, 0), [])
    assert set(Unit.objects.filter(code__in=["B1", "B2", "1001"]).values_list("name", "l3")) == {
        ("水务局", county.county.id), ("城管局", county.county.id), ("教育局", county.county.id)
    }  # fmt: skip


def test_a_formula_that_was_never_computed_is_explained(county: County) -> None:
    outcome = run("units", workbook(with_values=False), name="units.xlsx")
    assert counts(outcome) == (2, 0, 0, 1)
    assert told(outcome) == [(5, "名称", "这一格是公式，没有算出的值；请把它变成数值后再导入")]


def test_a_bomb_is_not_unpacked(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bihuan.net.imports.sheets.LARGEST", 1000)
    with pytest.raises(BadSheet, match="请分成几份"):
        run("units", workbook(), name="units.xlsx")
    with pytest.raises(BadSheet, match="请分成几份"):
        run("units", gzip.compress(b"a" * 2000), name="units.csv.gz")


# Running


def test_a_preview_tells_the_same_and_leaves_nothing(county: County) -> None:
    before = Unit.objects.count(), Edge.objects.count(), Person.objects.count()
    file = File("staff.csv", STAFF.encode())
    outcome = run_import("postings", [file], Given(at=AT), preview=True)
    assert (counts(outcome), outcome.secrets) == ((3, 0, 0, 0), [])
    assert (Unit.objects.count(), Edge.objects.count(), Person.objects.count()) == before


def test_an_error_sheet_cannot_carry_a_formula_to_its_reader(county: County) -> None:
    outcome = run("units", '代码,名称,类别,区划代码\nA1,甲,"=HYPERLINK(""x"")",210381\nA2,乙,@SUM,210381\n')
    lines = problem_table(outcome.problems).csv().decode("utf-8-sig").splitlines()
    assert lines[0] == "行,列,值,原因"
    assert lines[1].startswith("2,类别,\"'=HYPERLINK")
    assert lines[2].startswith("3,类别,'@SUM")
    assert Table(("a",), [("=1+1",)]).xlsx()[:2] == b"PK"


def test_each_template_is_a_sheet_its_own_importer_reads(county: County) -> None:
    for kind in ("divisions", "units", "grids", "postings", "places", "calendar"):
        table = template_table(importer_for(kind))
        outcome = run_import(kind, [File("t.xlsx", table.xlsx())], Given(at=AT), preview=True)
        assert (outcome.rows, outcome.problems) == (1, [])
    with pytest.raises(NoSuchImport, match="没有“bogus”这种导入"):
        importer_for("bogus")
