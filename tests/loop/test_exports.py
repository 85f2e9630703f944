"""Cases go out masked and row by row, and what went out comes in again the same."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from python_calamine import CalamineWorkbook

from bihuan.loop import exports, maps
from bihuan.loop.actions import dispatching, intake
from bihuan.loop.exports import HEADER, BadWish, Wanted, export_cases, masked
from bihuan.loop.imports import import_cases
from bihuan.loop.models import Case
from bihuan.loop.report import Report
from bihuan.net.regions import across_regions
from bihuan.net.tree import NoSuchUnit
from tests.loop.test_imports import CLOSED, LATE, OPEN, take

HOUR = timedelta(hours=1)


def filed(cast, at, text="门前水管漏水，请打13812345678", **facts) -> Case:
    report = Report(type="help", text=text, name="张三", phone="13812345678", grid=cast.leaf.code, **facts)
    return Case.objects.get(region_id=cast.county.pk, no=intake.file(report, at=at).number)


def rows(at, **wanted) -> list[dict[str, str]]:
    out = io.StringIO()
    count = export_cases(out, Wanted(**wanted), at=at)
    found = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert len(found) == count
    return found


def test_a_case_goes_out_in_plain_words_and_masked(cast, at):
    case = filed(cast, at)
    intake.accept(case, by=cast.dispatcher, at=at + HOUR, category=cast.tap)
    dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at + HOUR)
    (row,) = rows(at)
    assert (row["工单编号"], row["受理时间"], row["应办结时间"]) == (
        case.no,
        "2026-11-16 09:00:00",
        "2026-11-17 10:00:00",  # water: 24 hours
    )
    assert (row["状态"], row["诉求类型"], row["一级类别"], row["二级类别"]) == ("待签收", "求助", "公用事业", "自来水")
    assert (row["承办单位"], row["网格编码"], row["来源"]) == ("海澄市水务局", cast.leaf.code, "网页")
    assert (row["姓名"], row["电话"], row["内容"]) == ("张**", "138****5678", "门前水管漏水，请打138****5678")


def test_a_phone_written_into_the_address_is_masked_too(cast, at):
    filed(cast, at, address="南关一网格3号楼，到了打13912345678")
    (row,) = rows(at)
    assert row["地址"] == "南关一网格3号楼，到了打139****5678"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("电话13812345678。", "电话138****5678。"),
        ("身份证21038119900101123X", "身份证210381********123X"),
        ("编号2199812611160000018", "编号2199812611160000018"),  # a case number is no phone
        ("0412-3222222", "0412-3222222"),  # an office's
        ("没有号码", "没有号码"),
    ],
)
def test_numbers_of_people_are_starred_in_words(words, shown):
    assert masked(words) == shown


def test_cases_are_chosen_by_place_day_and_state(cast, at):
    filed(cast, at)
    later = filed(cast, at + timedelta(days=1), text="路灯不亮")
    intake.accept(later, by=cast.dispatcher, at=at + timedelta(days=1))
    assert len(rows(at)) == 2
    assert len(rows(at, region=cast.leaf.code)) == len(rows(at, region=cast.town.code)) == 2
    assert len(rows(at, region=cast.grid1.code)) == 2  # the grid that its leaf lies in
    assert rows(at, region=cast.grid2.code) == rows(at, region=cast.other_county.code) == []
    assert [row["内容"] for row in rows(at, since=at + HOUR)] == ["路灯不亮"]
    assert len(rows(at, until=at + HOUR)) == 1
    assert [row["状态"] for row in rows(at, state="accepted")] == ["待派单"]
    assert (len(rows(at, state="open")), len(rows(at, state="closed"))) == (2, 0)
    with pytest.raises(BadWish, match="dispatched"):
        rows(at, state="lost")
    with pytest.raises(NoSuchUnit):
        rows(at, region="990000000000")


def test_secret_and_test_cases_stay_at_home(cast, at):
    filed(cast, at, secrecy="secret")
    filed(cast, at, text="线路测试", test=True)
    assert rows(at) == []
    assert len(rows(at, secret=True)) == 1


def test_words_like_formulas_are_harmless_and_come_back_as_they_were(cast, at):
    words = '=HYPERLINK("http://x")'
    take(at, [*CLOSED[:8], "+1 " + words, words, *CLOSED[10:]])
    (row,) = rows(at)
    assert (row["内容"], row["办理答复"]) == ("'+1 " + words, "'" + words)
    (again,) = round_trip(cast, at)
    assert (again["内容"], again["办理答复"]) == ("'+1 " + words, "'" + words)


def round_trip(cast, at) -> list[dict[str, str]]:
    """Out of one county and into another; what the other one would write."""
    out = io.StringIO()
    export_cases(out, Wanted(region=cast.county.code), at=at)
    given = maps.load(maps.find("bihuan"))
    source = io.BytesIO(out.getvalue().encode())
    report = import_cases(source, given, at=at, name="a.csv", region=cast.other_county.code)
    assert (report.problems, report.known) == ([], 0)
    return rows(at, region=cast.other_county.code)


def test_what_went_out_comes_in_the_same(cast, at):
    take(at, CLOSED, LATE, OPEN, [*CLOSED[:2], "", *CLOSED[3:]])
    take(at, ["Z1", *CLOSED[1:7], "海澄市水务局", '多行\n内容，"引号"\t和😀', *CLOSED[9:]])
    before = rows(at, region=cast.county.code)
    after = round_trip(cast, at)
    # Its own numbers; grids of the other county are not ours; a masked phone is none.
    changed = {"工单编号", "原编号", "地区代码", "网格编码", "单位代码", "电话"}
    assert len(before) == 4
    for old, new in zip(before, after, strict=True):
        assert new["原编号"] == old["工单编号"]
        assert {key: old[key] for key in HEADER if key not in changed} == {
            key: new[key] for key in HEADER if key not in changed
        }


def test_microseconds_that_decide_survive(cast, at):
    case = filed(cast, at)
    with across_regions("a test"):
        Case.objects.filter(pk=case.pk).update(
            promise_at=at + HOUR, closed_at=at + HOUR + timedelta(microseconds=1), state="closed", overdue_raw=True
        )
    (again,) = round_trip(cast, at + 2 * HOUR)
    assert again["是否超时"] == "是"


def test_xlsx_holds_the_same(cast, at, tmp_path):
    take(at, CLOSED, LATE, OPEN)
    assert export_cases(tmp_path / "a.xlsx", Wanted(), at=at, kind="xlsx") == 3
    lines = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx")).get_sheet_by_index(0).to_python()
    assert tuple(lines[0]) == HEADER and len(lines) == 4
    told = import_cases(tmp_path / "a.xlsx", maps.load(maps.find("bihuan")), at=at, region=cast.other_county.code)
    assert (told.cases, told.problems) == (3, [])


def test_a_full_sheet_goes_on_in_the_next(cast, at, tmp_path, monkeypatch):
    monkeypatch.setattr(exports, "ROWS_OF_A_SHEET", 2)
    take(at, CLOSED, LATE, OPEN)
    export_cases(tmp_path / "a.xlsx", Wanted(), at=at, kind="xlsx")
    book = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx"))
    assert [len(book.get_sheet_by_index(i).to_python()) for i in range(2)] == [3, 2]


def test_a_file_half_written_is_removed(cast, at, tmp_path, monkeypatch):
    take(at, CLOSED)
    monkeypatch.setattr(exports._Telling, "row", lambda self, found: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export_cases(tmp_path / "a.csv", Wanted(), at=at)
    assert not (tmp_path / "a.csv").exists()


def test_the_command_writes_a_sheet(cast, at, tmp_path):
    take(at, CLOSED, LATE, OPEN)
    said = io.StringIO()
    options = {"region": "219981", "since": "2026-03-03", "until": "2026-03-03"}
    call_command("export", "cases", str(tmp_path / "a.csv"), stderr=said, **options)
    assert "导出 1 件" in said.getvalue()
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    for wrong in ({"since": "昨天"}, {"region": "99"}, {"state": "lost"}):
        with pytest.raises(CommandError):
            call_command("export", "cases", str(tmp_path / "b.csv"), **wrong)
