"""Times, words and numbers as sheets write them, each beside what it means."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bihuan.loop import maps
from bihuan.loop.moments import BadMoment, Moments
from bihuan.loop.rows import Rows, Told
from bihuan.net.imports.sheets import BadSheet, Formula
from bihuan.programs.document import PACKS, load_file
from bihuan.programs.reading import BadDocument

SHANGHAI, BOSTON = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 16, 9, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("2019-02-28 11:25:05", "2019-02-28 03:25:05"),  # 11:25 in Shanghai is 03:25 in UTC
        ("2019/2/28 11:25:05", "2019-02-28 03:25:05"),
        ("2019/2/28  9:05", "2019-02-28 01:05:00"),
        ("2019年2月28日 11:25", "2019-02-28 03:25:00"),
        ("2019-02-28T11:25:05+00:00", "2019-02-28 11:25:05"),
        ("2019-02-28 11:25:05.250", "2019-02-28 03:25:05.250000"),
        ("20190228", "2019-02-27 16:00:00"),
        ("2019.2.28", "2019-02-27 16:00:00"),
        (datetime(2019, 2, 28, 11, 25), "2019-02-28 03:25:00"),  # noqa: DTZ001 - as workbooks give them
        (date(2019, 2, 28), "2019-02-27 16:00:00"),
        (43524, "2019-02-27 16:00:00"),  # Excel's day 43524 is 28 February 2019
        (43524.5, "2019-02-28 04:00:00"),
    ],
)
def test_times_are_read_in_every_usual_form(cell, read):
    assert str(Moments(SHANGHAI).read(cell)) == f"{read}+00:00"


def test_a_day_without_a_time_lasts_until_midnight_when_it_is_an_end():
    assert Moments(SHANGHAI).read("2019-02-28", end=True) == datetime(2019, 2, 28, 16, tzinfo=UTC)
    assert Moments(SHANGHAI).read("2019-02-28 12:00", end=True) == datetime(2019, 2, 28, 4, tzinfo=UTC)


@pytest.mark.parametrize("cell", ["昨天", "2019-02-30 10:00:00", "28/02/2019", "2019/13/01", True, 7, 1e9])
def test_what_is_no_time_is_told_with_an_example(cell):
    with pytest.raises(BadMoment):
        Moments(SHANGHAI).read(cell)


def test_a_map_names_forms_of_its_own():
    moments = Moments(BOSTON, ["%m/%d/%Y %I:%M:%S %p"])
    assert moments.read("07/01/2011 01:32:33 PM") == datetime(2011, 7, 1, 17, 32, 33, tzinfo=UTC)
    with pytest.raises(BadMoment, match="03/01/2026"):
        moments.read("1 July 2011")


def test_empty_cells_are_no_times():
    assert [Moments(SHANGHAI).read(cell) for cell in (None, "", "  ")] == [None, None, None]


# Rows

PLAIN = {
    "zone": "Asia/Shanghai",
    "region": {"code": "219981000000"},
    "column": {"no": "编号", "filed_at": "时间", "closed_at": "办结", "status": "状态", "text": "内容", "type": "类型"},
    "word": {"status": {"完成": "closed", "在办": "open", "作废": "skip"}, "type": {"投诉举报": "complaint"}},
    "due": {"from": "none"},
}
HEADER = ["编号", "时间", "办结", "状态", "内容", "类型"]


@pytest.fixture(scope="module")
def rules():
    return load_file(PACKS / "standard" / "request.toml")


def read(rules, *cells, header=HEADER, **more):
    reader, told = Rows(maps.read(PLAIN | more, "试验.toml"), header, rules, at=NOW), Told()
    return reader.read(7, list(cells), told), told


GOOD = ["A1", "2019/2/28 11:00", "2019/3/1", "完成", "路灯不亮", "投诉举报"]


def test_a_good_row_is_understood(rules):
    entry, told = read(rules, *GOOD)
    assert (entry.row, entry.no, entry.status, entry.type, entry.text) == (7, "A1", "closed", "complaint", "路灯不亮")
    assert entry.filed_at == datetime(2019, 2, 28, 3, tzinfo=UTC) and not told.problems and not told.notes


@pytest.mark.parametrize(
    ("place", "cell", "column", "reason"),
    [
        (0, "", "编号", "没有编号"),
        (0, "x" * 61, "编号", "太长"),
        (0, 1.5, "编号", "小数"),
        (1, "", "时间", "没有受理时间"),
        (1, "昨天", "时间", "看不懂"),
        (1, "1999-01-01", "时间", "2000 年以后"),
        (1, "2027-01-01", "时间", "将来"),
        (2, "2019/2/27", "办结", "早于受理"),
        (2, "", "办结", "没有办结时间"),
        (3, "在办", "状态", "却有办结时间"),
        (3, "不知道", "状态", "对照表没有说明"),
        (4, " ", "内容", "没有内容"),
        (4, "x" * 100_001, "内容", "太长"),
        (5, "别的", "类型", "对照表没有说明"),
        (1, Formula("=NOW()"), "时间", "时间"),
        (4, Formula("=A1"), "内容", "公式"),
        (0, "=A1", "编号", "公式"),
        (0, "#REF!", "编号", "公式出错"),
    ],
)
def test_a_bad_cell_leaves_the_row_out_and_says_why(rules, place, cell, column, reason):
    entry, told = read(rules, *GOOD[:place], cell, *GOOD[place + 1 :])
    assert entry is None
    assert [(problem.row, problem.column) for problem in told.problems] == [(7, column)]
    assert reason in told.problems[0].reason


def test_every_bad_cell_of_a_row_is_told(rules):
    _, told = read(rules, "A1", "昨天", "明天", "完成", "内容", "投诉举报")
    assert [problem.column for problem in told.problems] == ["时间", "办结"]


def test_a_row_the_map_skips_is_no_problem(rules):
    entry, told = read(rules, "A1", "2019/2/28", "", "作废", "路灯不亮", "投诉举报")
    assert entry is None and not told.problems


def test_short_rows_and_numbers_as_numbers_are_fine(rules):
    entry, told = read(rules, 101000295613.0, "2019/2/28", None, "在办", '="不亮"', "投诉举报")
    assert (entry.no, entry.text, told.problems) == ("101000295613", '="不亮"', [])
    assert read(rules, "A1", "2019/2/28")[0] is None


def test_a_doubtful_cell_of_less_weight_is_left_out_alone(rules):
    more = {"column": PLAIN["column"] | {"lng": "经", "lat": "纬", "phone": "电话", "source": "来源"}}
    entry, told = read(rules, *GOOD, "东经", "400", "12", "外星", header=[*HEADER, "经", "纬", "电话", "来源"], **more)
    assert (entry.lng, entry.lat, entry.phone, entry.source) == (None, None, "", "import")
    assert [problem.column for problem in told.notes] == ["来源", "经", "纬", "电话"]


def test_titles_are_found_whatever_their_dress(rules):
    entry, _ = read(rules, *GOOD, header=["编　号", "时间（北京）", "办结:", " 状态", "内容*", "类型"])
    assert entry.no == "A1"


def test_a_sheet_without_the_columns_is_refused_with_those_it_has(rules):
    with pytest.raises(BadSheet, match=r"缺少列：时间、内容、办结.*表里有：编号、甲"):
        Rows(maps.read(PLAIN, "试验.toml"), ["编号", "甲", "状态", "类型"], rules, at=NOW)


def test_a_word_the_program_does_not_know_is_refused_before_any_row(rules):
    with pytest.raises(BadSheet, match="抱怨"):
        read(rules, *GOOD, word={"type": {"投诉举报": "抱怨"}})


# Maps


def test_the_maps_that_ship_are_sound():
    assert set(maps.shipped()) == {"boston311", "teddy_messages", "bihuan"}
    for path in maps.shipped().values():
        assert maps.load(path).columns


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"zone": "Mars/Base"}, "zone"),
        ({"zone": ""}, "zone"),
        ({"region": {"code": "abc"}}, "region.code"),
        ({"column": {"no": "编号"}}, "column.filed_at"),
        ({"column": PLAIN["column"] | {"colour": "颜色"}}, "column.colour"),
        ({"column": PLAIN["column"] | {"no": ["a", "b"]}}, "column.no"),
        ({"word": {"status": {"完成": "done"}}}, "word.status.完成"),
        ({"unknown": {"unit": "guess"}}, "unknown.unit"),
        ({"due": {"from": "file"}}, "due.from"),
        ({"date": {"formats": ["%H:%M"]}}, "date.formats"),
        ({"place": {"find": ["stars"]}}, "place.find"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_map_names_its_key(change, says):
    with pytest.raises(BadDocument, match=says.replace(".", r"\.")):
        maps.read(PLAIN | change, "试验.toml")


def test_a_map_that_cannot_be_read_says_so(tmp_path):
    (tmp_path / "m.toml").write_text("zone = ")
    for name in ("m.toml", "gone.toml"):
        with pytest.raises(BadDocument, match="读不出"):
            maps.load(tmp_path / name)


def test_an_hour_that_comes_twice_or_never_is_still_a_time():
    assert Moments(BOSTON).read("2011-11-06 01:30:00") - Moments(BOSTON).read("2011-11-06 00:30:00") == timedelta(
        hours=1
    )
    assert Moments(BOSTON).read("2012-03-11 02:30:00") == datetime(2012, 3, 11, 7, 30, tzinfo=UTC)
