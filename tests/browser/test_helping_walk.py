"""A member unit takes a need on and plans its help; without scripts on a phone it does a line; an organiser reads figures."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import localdate, now

from bihuan.offers.actions import needs, plans
from bihuan.offers.actions.plans import Line
from bihuan.offers.models import Offer, PlanItem
from tests.browser import shot
from tests.browser.conftest import PHONE
from tests.web.help.conftest import Helping, helping
from tests.web.people.conftest import ladders

__all__ = ["helping", "ladders"]

pytestmark = pytest.mark.browser


@pytest.fixture
def here(helping: Helping) -> Helping:
    """Those who help and those who guide, so that `visit` can open a window as each."""
    helping.cast.farmer, helping.cast.guide = helping.post("farmer"), helping.post("county")
    return helping


def test_a_unit_claims_a_need_and_plans_month_by_month(here: Helping, visit: Any) -> None:
    need = here.need()
    page = visit("farmer")
    page.goto("/desk/")
    page.get_by_role("link", name="帮扶", exact=True).first.click()
    page.get_by_role("heading", name="需求和帮扶").wait_for()
    shot(page, "help-needs")
    page.get_by_role("link", name="想学大棚嫁接技术").click()
    page.get_by_role("button", name="认领", exact=True).click()
    page.get_by_role("heading", name="帮扶计划书").wait_for()
    on = localdate() + timedelta(days=20)
    page.get_by_label("月份").first.fill(f"{on:%Y-%m}")
    page.get_by_label("帮扶措施").first.fill("上门教三次嫁接")
    page.get_by_label("帮扶人").first.select_option(label="周农技")
    page.get_by_label("完成日期").first.fill(on.isoformat())
    shot(page, "help-plan", whole=True)
    page.get_by_role("button", name="再加三行").click()
    assert page.get_by_label("帮扶措施").first.input_value() == "上门教三次嫁接"
    page.get_by_role("button", name="计划书生效").click()
    page.get_by_text("上门教三次嫁接").wait_for()
    shot(page, "help-need", whole=True)
    assert (Offer.objects.get(pk=need.pk).state, PlanItem.objects.get().helper) == ("taken", "周农技")


def test_on_a_phone_without_scripts_a_line_is_done(here: Helping, visit: Any) -> None:
    need = here.need()
    claim = needs.claim(need, by=here.post("farmer"), at=now())
    line = Line(localdate(), "先去看一次", localdate() + timedelta(days=3), posting=here.post("farmer"))
    plans.draw_up(claim, [line], by=here.post("farmer"), at=now())
    page = visit("farmer", size=PHONE, scripts=False)
    page.goto("/people/needs/mine/")
    page.get_by_role("link", name="先去看一次").click()
    page.get_by_role("link", name="完成", exact=True).click()
    page.get_by_label("做了什么，效果怎样").fill("看了三个大棚")
    page.get_by_role("button", name="完成", exact=True).click()
    page.get_by_text("看了三个大棚").first.wait_for()
    shot(page, "help-done-phone", whole=True)
    assert PlanItem.objects.get().stage == "done"


def test_an_organiser_reads_a_figure_down_to_a_person(here: Helping, visit: Any) -> None:
    page = visit("guide")
    page.goto("/people/")
    page.get_by_role("link", name="统计").first.click()
    page.get_by_role("heading", name="统计").wait_for()
    shot(page, "help-figures", whole=True)
    page.locator(".help-group a.stat", has_text="培养对象").first.click()
    page.get_by_role("heading", name="各地").wait_for()
    shot(page, "help-figure")
    page.get_by_role("link", name="海州街道").click()
    page.get_by_role("link", name="刘能手").click()
    page.get_by_role("heading", name="刘能手").first.wait_for()
    page.go_back()
    page.get_by_label("截至").fill("2020-01-01")
    page.get_by_role("button", name="查看").click()
    page.locator(".help-value strong", has_text="0").wait_for()
