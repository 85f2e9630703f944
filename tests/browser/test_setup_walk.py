"""An administrator sets a county up: tries a sheet, imports it, hands out passwords, marks a day, reads the net."""

from pathlib import Path
from typing import Any

import pytest

from bihuan.net.models import CalendarDay, Person, Unit
from tests.browser import shot
from tests.browser.conftest import PHONE

pytestmark = pytest.mark.browser

UNITS = """代码,名称,类别,区划代码,职责,电话
219981-GD,海澄市供电公司,部门单位,219981,供电,0412-95598
219981-XX,写错的单位,外星人,219981,,
"""
STAFF = "单位代码,姓名,岗位,登录名\n219981-GD,郑师傅,承办人,zheng\n"


def handed_in(page: Any, kind: str, sheet: str, folder: Path) -> None:
    path = folder / f"{kind}.csv"
    path.write_text(sheet, encoding="gb18030")  # as Excel saves it
    page.goto(f"/setup/imports/{kind}/")
    page.set_input_files("[name=files]", path)
    page.get_by_role("button", name="试算").click()
    page.get_by_text("这是试算，还没有导入").wait_for()


def test_sheets_are_tried_then_imported_and_passwords_fetched_once(cast, visit, tmp_path):
    page = visit("admin")
    page.goto("/setup/")
    page.get_by_text("第一天要做的事").wait_for()
    handed_in(page, "units", UNITS, tmp_path)
    page.get_by_text("应为：部门单位").wait_for()
    shot(page, "setup-import")
    assert not Unit.objects.filter(code="219981-GD").exists()
    page.get_by_role("button", name="导入").click()
    page.get_by_text("已导入", exact=True).first.wait_for()
    assert Unit.objects.get(code="219981-GD").phone == "0412-95598"
    handed_in(page, "postings", STAFF, tmp_path)
    page.get_by_role("button", name="导入").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="下载一次性密码表").click()
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"
    assert Person.objects.get(name="郑师傅").must_change_password


def test_a_day_is_entered_in_the_calendar(cast, visit):
    page = visit("admin")
    page.goto("/setup/calendar/?year=2026")
    page.get_by_label("2026-12-24 上班").click()
    shot(page, "setup-calendar")
    page.get_by_label("事由").fill("暴雪停工")
    page.get_by_label("依据的文件").fill("市政府通知")
    page.get_by_role("button", name="登记").click()
    page.get_by_text("2026-12-24 休息 暴雪停工").wait_for()
    assert not CalendarDay.objects.get(date="2026-12-24", unit=None).is_workday


def test_a_resident_finds_who_serves_the_grid(cast, outlines, visit):
    page = visit(size=PHONE)
    page.goto("/net/")
    page.get_by_label("住址、小区或村").fill("南关社区南关一网格")
    page.get_by_role("heading", name="南关一网格").wait_for()
    shot(page, "who")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_scripts_it_is_found_by_choosing(cast, visit):
    page = visit(size=PHONE, scripts=False)
    page.goto("/net/")
    for level, name in (("县（市、区）", "海澄市"), ("街道（乡镇）", "海州街道")):
        page.get_by_label(level).select_option(label=name)
        page.get_by_role("button", name="查一查").click()
    page.get_by_role("heading", name="海州街道").wait_for()
