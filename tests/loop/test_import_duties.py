"""Sheets of categories and of the duty list: idempotent, and what is wrong is told."""

import csv
import io
from datetime import date, timedelta

import pytest

from bihuan.loop.categories import categories, full_title
from bihuan.loop.models import Category, Duty
from bihuan.net import postings, tree
from bihuan.net.imports.registry import File, Given
from bihuan.net.imports.running import run_import
from bihuan.net.imports.sheets import BadSheet


def take(kind, at, *rows):
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    outcome = run_import(kind, [File("a.csv", out.getvalue().encode())], Given(at=at))
    return outcome, (outcome.created, outcome.changed, outcome.same, outcome.wrong)


# Categories

TREE = (
    ["名称", "编码", "上级", "关键词"],
    ["垃圾清运", "env.waste", "市容环卫", "垃圾 清运"],  # before its parent
    ["市容环卫", "env", "", ""],
    ["占道经营", "", "env", "摆摊"],
)


def test_categories_come_in_whatever_their_order_and_only_once(cast, at):
    _, counts = take("categories", at, *TREE)
    assert counts == (3, 0, 0, 0)
    waste = Category.objects.get(key="env.waste")
    assert (full_title(waste.pk), waste.keywords) == ("市容环卫 / 垃圾清运", "垃圾 清运")
    _, counts = take("categories", at, *TREE)
    assert counts == (0, 0, 3, 0)


def test_a_changed_title_keyword_or_parent_is_brought_in_line(cast, at):
    take("categories", at, *TREE)
    _, counts = take("categories", at, TREE[0], ["垃圾收运", "env.waste", "street", "垃圾"], TREE[2])
    assert counts == (0, 1, 1, 0)
    waste = Category.objects.get(key="env.waste")
    assert (waste.title, waste.parent.key, waste.keywords) == ("垃圾收运", "street", "垃圾")


def test_paths_of_titles_make_the_levels_above(cast, at):
    header = ["一级分类", "二级分类", "三级分类"]
    rows = [["城乡建设", "安全生产", "事故处理"], ["城乡建设", "安全生产", "安全隐患"], ["公用事业", "自来水", ""]]
    _, counts = take("categories", at, header, *rows)
    assert counts == (4, 0, 1, 0)  # 自来水 was there; 城乡建设, 安全生产 and two below them are new
    assert full_title(Category.objects.get(title="安全隐患").pk) == "城乡建设 / 安全生产 / 安全隐患"
    assert take("categories", at, header, *rows)[1] == (0, 0, 3, 0)


def test_a_category_can_be_retired(cast, at):
    take("categories", at, ["名称", "编码", "停用"], ["道路", "street", "是"])
    assert Category.objects.get(key="street").retired
    assert categories()[cast.street.pk].retired


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([["孤儿", "x", "不存在"]], "没有这个上级"),
        ([["公用事业", "utilities", "utilities.water"]], "成了圈"),
        ([["", "x", ""]], "不能为空"),
        ([["字" * 61, "x", ""]], "太长"),
    ],
)
def test_wrong_rows_are_told(cast, at, rows, reason):
    outcome, counts = take("categories", at, ["名称", "编码", "上级"], *rows, ["好的", "good", ""])
    assert counts == (1, 0, 0, 1) and reason in outcome.problems[0].reason


def test_a_gap_in_a_path_is_told(cast, at):
    outcome, counts = take("categories", at, ["一级类别", "二级类别", "三级类别"], ["甲", "", "丙"])
    assert counts == (0, 0, 0, 1) and "中间" in outcome.problems[0].reason


def test_a_sheet_without_names_is_refused(cast, at):
    with pytest.raises(BadSheet, match="名称"):
        take("categories", at, ["颜色"], ["红"])


# The duty list

HEAD = ["类别", "地区代码", "承办单位", "依据", "生效日期", "失效日期"]


def test_duties_come_in_by_code_and_by_name_and_only_once(cast, at):
    rows = [
        ["公用事业 / 自来水", "219981", "219981D01", "供水条例第五条", "2026-01-01", ""],
        ["street", "海州街道", "海州街道", "", "", ""],
        ["", cast.other_town.code, "响堂街道", "属地", "2026-01-01", ""],
    ]
    assert take("duties", at, HEAD, *rows)[1] == (3, 0, 0, 0)
    duty = Duty.objects.get(category=cast.tap)
    assert (duty.area_id, duty.unit_id, duty.since) == (cast.county.pk, cast.water.pk, date(2026, 1, 1))
    assert Duty.objects.get(category=cast.street, area=cast.town).since == date(2026, 11, 16)
    assert take("duties", at + timedelta(days=1), HEAD, *rows)[1] == (0, 0, 3, 0)


def test_another_unit_ends_the_old_duty_the_day_the_new_one_begins(cast, at):
    row = ["utilities", "219981", "219981D02", "新规", "2026-12-01", ""]
    assert take("duties", at, HEAD, row)[1] == (0, 1, 0, 0)
    old, new = Duty.objects.filter(category=cast.utilities).order_by("since")
    assert (old.unit_id, old.until) == (cast.water.pk, date(2026, 12, 1))
    assert (new.unit_id, new.since, new.until) == (cast.roads.pk, date(2026, 12, 1), None)
    assert take("duties", at, HEAD, row)[1] == (0, 0, 1, 0)


def test_a_clause_alone_is_mended_in_place(cast, at):
    assert take("duties", at, HEAD[:4], ["utilities", "219981", "219981D01", "第四条"])[1] == (0, 1, 0, 0)
    assert Duty.objects.get(category=cast.utilities).clause == "第四条"


def test_a_past_duty_is_history(cast, at):
    row = ["utilities", "219981", "219981D02", "旧规", "2015-01-01", "2019-01-01"]
    assert take("duties", at, HEAD, row)[1] == (1, 0, 0, 0)
    assert take("duties", at, HEAD, row)[1] == (0, 0, 1, 0)


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (["天文", "219981", "219981D01"], "类别", "没有这个类别"),
        (["utilities", "金星", "219981D01"], "地区代码", "没有这个单位"),
        (["utilities", "219981D01", "219981D01"], "地区代码", "不是一个地区"),
        (["utilities", "219981", "水务总局"], "承办单位", "没有这个单位"),
        (["utilities", "219981", ""], "承办单位", "不能为空"),
        (["utilities", "219981", "219981D01", "", "2026-02-01", "2026-01-01"], "失效日期", "晚于"),
        (["utilities", "219981", "219981D01", "", "二月"], "生效日期", "看不懂"),
    ],
)
def test_wrong_duties_are_told_and_the_others_come_in(cast, at, row, column, reason):
    outcome, counts = take("duties", at, HEAD, row, ["street", "219981", "219981D01"])
    assert counts == (0, 1, 0, 1)
    assert outcome.problems[0].column == column and reason in outcome.problems[0].reason


def test_a_closed_unit_owes_no_duty_but_may_stand_in_its_history(cast, at):
    postings.end(cast.team_handler, on=at.date(), by=None, at=at)
    tree.close_unit(cast.water_team, on=at.date(), at=at)
    outcome, counts = take("duties", at, HEAD, ["street", "219981", cast.water_team.code])
    assert counts == (0, 0, 0, 1) and "已经撤销" in outcome.problems[0].reason
    past = ["street", "219981", cast.water_team.code, "旧规", "2015-01-01", "2019-01-01"]
    assert take("duties", at, HEAD, past)[1] == (1, 0, 0, 0)


def test_the_same_line_twice_with_different_units_is_told(cast, at):
    rows = [
        ["tap", "219981", "219981D01"],
        ["utilities.water", "219981", "219981D01"],
        ["自来水", "219981", "219981D02"],
    ]
    outcome, counts = take("duties", at, HEAD[:3], *rows)
    assert counts == (1, 0, 0, 2)
    assert "第 3 行" in outcome.problems[1].reason
