"""A grid worker's round on a phone: what there is to do, a report in a few taps, a check with a photo."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bihuan.book import outbox
from bihuan.loop.actions import dispatching, handling
from bihuan.loop.models import Case, State
from bihuan.net.regions import across_regions
from tests.browser import shot
from tests.browser.conftest import PHONE
from tests.browser.test_resident_walk import road, upload
from tests.web.lives import dispatched, filed, fresh, verifying_case

pytestmark = pytest.mark.browser


def a_morning_in_the_grid(cast: Any) -> Case:
    """Open matters of the grid, a check to make, work handed down; returns the case to be checked."""
    at = timezone.now()
    for text, lng, lat in (
        ("3号楼前的垃圾桶满了两天没有清运", 122.6925, 40.858),
        ("小区东门路灯不亮，晚上看不清路", 122.6955, 40.861),
        ("地下车库入口有积水，电动车打滑", 122.6915, 40.8555),
    ):
        filed(cast, text=text, grid="", lng=lng, lat=lat)
    checked = verifying_case(cast)
    given = dispatched(
        cast, to=cast.town, text="独居老人家暖气不热，请上门看看", urgency="urgent", address="5号楼2单元"
    )
    dispatching.sign(given, by=cast.town_handler, at=at)
    note = "请今天上门看看，拍照反馈。"
    handling.hand_down(given, to=cast.grid1, worker=cast.worker, note=note, by=cast.town_handler, at=at)
    outbox.drain(at + timedelta(seconds=1), 100)
    return checked


def test_a_round_with_the_phone(cast, outlines, visit):
    checked = a_morning_in_the_grid(cast)
    page = visit(
        "worker", size=PHONE, geolocation={"longitude": 122.6935, "latitude": 40.8575}, permissions=["geolocation"]
    )
    page.goto("/grid/")
    page.locator(".leaflet-container .pin").first.wait_for()
    shot(page, "grid-home")
    page.get_by_role("link", name="任务").tap()
    shot(page, "grid-tasks")
    it_reports_what_it_sees(page)
    it_checks_what_was_done(page, checked)
    it_does_what_was_handed_down(page)
    page.get_by_role("link", name="任务").tap()
    page.get_by_text("没有要办的事").wait_for()


def it_reports_what_it_sees(page: Any) -> None:
    page.get_by_role("link", name="随手报").tap()
    page.set_input_files("input[type=file]", upload())
    page.locator("input[name=photo_ids]").wait_for(state="attached")
    page.get_by_label("发现了什么").fill("3号楼门前的路塌了一块，已经用锥筒围上，夜里没有灯。")
    page.get_by_text("紧急", exact=True).tap()
    shot(page, "grid-report", whole=True)
    page.get_by_text("在地图上点准位置").tap()
    page.get_by_role("button", name="用我现在的位置").tap()
    page.locator("[data-map-lng][value='122.693500']").wait_for(state="attached")
    shot(page, "grid-report-place")
    page.get_by_role("button", name="上报").tap()
    page.get_by_text("已上报，编号").wait_for()
    page.get_by_text("3号楼门前的路塌了一块").wait_for()
    shot(page, "grid-reported")
    with across_regions("a walk has one"):
        case = Case.objects.exclude(finder=None).order_by("-id").first()
    assert (case.state, case.urgency, case.lng) == (State.ACCEPTED, "urgent", 122.6935)


def it_checks_what_was_done(page: Any, case: Case) -> None:
    page.get_by_role("link", name="任务").tap()
    page.get_by_text("核查：南关一网格门前水管漏水").tap()
    page.get_by_role("heading", name="单位的答复").wait_for()
    shot(page, "grid-check", whole=True)
    page.get_by_role("button", name="核查通过").tap()
    page.get_by_text("请附上“现场照片”").wait_for()
    picture = {"name": "after.jpg", "mimeType": "image/jpeg", "buffer": road(mended=True)}
    page.locator("#panel-verify input[type=file]").set_input_files(picture)
    page.locator("#panel-verify input[name=photo_ids]").wait_for(state="attached")
    page.get_by_label("看到的情况").fill("到现场看过，水管换了，路面也平了。")
    shot(page, "grid-check-photo")
    page.get_by_role("button", name="核查通过").tap()
    page.get_by_text("核查结果已记下").wait_for()
    assert (fresh(case).state, fresh(case).ending) == (State.CLOSED, "verified")
    page.locator(".tabbar .count", has_text="1").wait_for()
    shot(page, "grid-checked")


def it_does_what_was_handed_down(page: Any) -> None:
    page.get_by_role("link", name="任务").tap()
    page.get_by_text("交办：独居老人家暖气不热").tap()
    page.locator("#panel-assist textarea").fill("已上门，帮老人放了气，室温到20度，留了电话。")
    shot(page, "grid-handed-down")
    page.get_by_role("button", name="我这部分办完了").tap()
    page.get_by_text("已反馈给主办单位").wait_for()


def test_a_round_without_scripts(cast, visit):
    page = visit("worker", size=PHONE, scripts=False)
    page.goto("/grid/report/")
    page.get_by_label("发现了什么").fill("井盖破了")
    page.set_input_files("input[type=file]", upload())
    page.get_by_role("button", name="上报").tap()
    page.get_by_text("井盖破了").wait_for()
    page.get_by_text("井盖破了").tap()
    page.get_by_role("heading", name="反映的事").wait_for()
    assert page.locator("#asked .photos img").count() == 1


def test_words_survive_a_lost_connection(cast, visit):
    page = visit("worker", size=PHONE)
    page.goto("/grid/report/")
    page.get_by_label("发现了什么").fill("3号楼前井盖破了")
    page.wait_for_timeout(500)
    page.goto("/grid/tasks/")
    page.goto("/grid/report/")
    assert page.get_by_label("发现了什么").input_value() == "3号楼前井盖破了"
    page.get_by_role("button", name="上报").tap()
    page.get_by_text("已上报，编号").wait_for()
    page.goto("/grid/report/")
    assert page.get_by_label("发现了什么").input_value() == ""


def test_every_target_fits_a_thumb_and_nothing_runs_over(cast, outlines, visit):
    case = a_morning_in_the_grid(cast)
    page = visit("worker", size=PHONE)
    for path in ("/grid/", "/grid/tasks/", "/grid/report/", "/grid/reports/", f"/cases/{case.no}/"):
        assert page.goto(path).ok
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        small = page.evaluate(
            """[...document.querySelectorAll('main button, main a.button, .tabbar a, .list-item, main summary')]
            .filter((one) => one.checkVisibility() && !one.closest('.leaflet-container') && !one.matches('.small'))
            .map((one) => [one.innerText, one.getBoundingClientRect().height]).filter(([, height]) => height < 40)"""
        )
        assert small == [], path
