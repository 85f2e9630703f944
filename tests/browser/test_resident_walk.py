"""A resident on a phone: reports in under a minute, follows, judges - with scripts and without."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image, ImageDraw, ImageFilter

from bihuan.book import outbox
from bihuan.dossier import photos
from bihuan.loop.actions import dispatching, handling, intake
from bihuan.loop.models import Case, Check, State
from bihuan.net import tree
from bihuan.net.regions import across_regions
from tests.browser import shot
from tests.browser.conftest import PHONE

pytestmark = pytest.mark.browser
WORDS = "南关一网格3号楼门前的路塌了一块，晚上没有灯，老人差点摔倒。"


def road(*, mended: bool) -> bytes:
    """A drawn street with a hole, or with the hole closed."""
    picture = Image.new("RGB", (1200, 900), (176, 196, 214))
    draw = ImageDraw.Draw(picture)
    draw.polygon([(0, 420), (1200, 420), (1200, 900), (0, 900)], fill=(128, 130, 132))
    draw.rectangle([80, 120, 420, 430], fill=(196, 170, 150))
    for n in range(12):
        draw.rectangle([110 + n % 4 * 78, 150 + n // 4 * 92, 160 + n % 4 * 78, 210 + n // 4 * 92], fill=(90, 110, 130))
    for n in range(6):
        draw.rectangle([40 + n * 210, 640, 150 + n * 210, 655], fill=(226, 222, 200))
    hole = (96, 98, 100) if mended else (58, 48, 42)
    draw.ellipse([600, 520, 940, 690], fill=hole)
    if not mended:
        draw.ellipse([650, 555, 890, 670], fill=(30, 26, 24))
        draw.line([600, 600, 480, 560], fill=(70, 70, 70), width=6)
    out = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(1.2)).save(out, "JPEG", quality=88)
    return out.getvalue()


def upload(name: str = "road.jpg") -> dict[str, Any]:
    return {"name": name, "mimeType": "image/jpeg", "buffer": road(mended=False)}


def the_case() -> Case:
    with across_regions("a walk has one"):
        return Case.objects.get()


def worked(cast: Any) -> None:
    """The centre and the unit do their part; the pump tells the resident after each step."""
    case, at = the_case(), timezone.now()
    key = photos.take(io.BytesIO(road(mended=True)), region_id=tree.snapshot().region_of(None), at=at).key
    handling.contact(case, text="电话联系了，约好明天到现场", by=cast.roads_handler, at=at)
    reply = "昨天下午已把塌陷处回填夯实，重新铺了沥青，并请路灯所换好了两盏灯。以后再有问题，可以直接找我们。"
    handling.reply(case, result="resolved", text=reply, by=cast.roads_handler, at=at, pictures=[key])
    handling.approve(case, passed=True, by=cast.roads_chief, at=at)
    tell()


def dispatched(cast: Any) -> None:
    case, at = the_case(), timezone.now()
    intake.accept(case, by=cast.dispatcher, at=at, category=cast.street)
    dispatching.dispatch(case, to=cast.roads, by=cast.dispatcher, at=at)
    dispatching.sign(case, by=cast.roads_handler, at=at)
    tell()


def tell() -> None:
    """What the pump would do within a second."""
    outbox.drain(timezone.now() + timedelta(seconds=1), 100)


def test_a_resident_reports_follows_and_confirms_on_a_phone(cast, outlines, visit):
    page = visit(size=PHONE)
    page.goto("/")
    shot(page, "resident-home")
    page.get_by_role("link", name="我要反映").first.click()
    page.get_by_text("求助", exact=True).click()
    page.get_by_label("什么事").fill(WORDS)
    page.set_input_files("input[type=file]", upload())
    page.locator(".shot input[name=photo_ids]").wait_for(state="attached")
    page.get_by_label("在哪里").fill("南关社区南关一网格")
    page.get_by_text("海州街道 · 南关社区 · 南关一网格").wait_for()
    page.locator(".leaflet-container .area").first.wait_for()
    page.get_by_label("手机号").fill("13812345678")
    page.get_by_label("怎么称呼您").fill("王芳")
    shot(page, "resident-report")
    shot(page, "resident-report-whole", whole=True)
    page.locator("[data-photos]:not(:has([aria-busy]))").wait_for()  # a photo on its way holds the form back
    page.get_by_role("button", name="提交").click()
    page.wait_for_url("**/report/done/**")
    page.get_by_role("heading", name="收到了").wait_for()
    shot(page, "resident-receipt")
    case = the_case()
    assert (case.grid_id, case.state) == (cast.grid1.pk, State.FILED)
    page.wait_for_function("localStorage.getItem('bihuan:draft:report') === null")
    page.get_by_role("link", name="看进展").click()
    page.wait_for_url("**/t/**")
    shot(page, "resident-follow-filed")
    dispatched(cast)
    page.reload()
    page.get_by_text("海澄市住建局").first.wait_for()
    page.get_by_text("为什么是这个时间").click()
    shot(page, "resident-follow", whole=True)
    page.get_by_role("button", name="催一下").click()
    page.get_by_text("今天已经替您催过了").wait_for()
    worked(cast)
    page.reload()
    page.get_by_role("heading", name="解决了吗").wait_for()
    page.locator(".compare.enhanced").wait_for()
    shot(page, "resident-result", whole=True)
    page.get_by_role("button", name="非常满意").click()
    page.get_by_text("谢谢您，这件事办结了。").wait_for()
    page.get_by_role("heading", name="已办结").wait_for()
    shot(page, "resident-closed")
    case = the_case()
    assert (case.state, case.ending, case.rating) == (State.CLOSED, "confirmed", 5)


def test_a_refused_report_leads_to_what_is_wrong_and_stops_complaining_when_mended(cast, outlines, visit):
    page = visit(size=PHONE)
    page.goto("/report/")
    page.get_by_role("button", name="提交").click()
    page.locator("#wrong:focus").wait_for()
    page.get_by_text("投诉", exact=True).click()
    page.get_by_label("什么事").fill(WORDS)
    page.locator("#wrong").wait_for(state="detached")
    assert page.locator(".errorlist").count() == 0
    page.set_input_files("input[type=file]", {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"MZ" + bytes(900)})
    said, send = page.locator("#toasts .notice.bad"), page.get_by_role("button", name="提交")
    said.wait_for()
    page.wait_for_timeout(300)  # it has risen
    assert said.bounding_box()["y"] + said.bounding_box()["height"] <= send.bounding_box()["y"]


def test_what_the_browser_misses_is_said_in_the_pages_language(cast, visit):
    page = visit(size=PHONE)
    page.goto("/track/")
    page.evaluate("document.querySelector('main form').noValidate = false")
    page.get_by_role("button", name="查一下").click()
    assert (
        page.evaluate("document.querySelector('main form :invalid:not(fieldset)').validationMessage")
        == "这一项还没有填。"
    )


def test_not_solved_with_a_photo_in_two_taps(cast, visit):
    page = visit(size=PHONE)
    page.goto("/report/")
    page.get_by_text("投诉", exact=True).click()
    page.get_by_label("什么事").fill(WORDS)
    page.get_by_role("button", name="提交").click()
    page.get_by_role("link", name="看进展").click()
    dispatched(cast)
    worked(cast)
    page.reload()
    page.locator("summary", has_text="没解决").click()
    page.get_by_label("还差什么").fill("只补了一半，灯还是不亮")
    page.set_input_files("input[type=file]", upload())
    page.locator(".shot input[name=photo_ids]").wait_for(state="attached")
    shot(page, "resident-not-solved")
    page.get_by_role("button", name="请他们再办一次").click()
    page.get_by_text("我们请他们再办一次").first.wait_for()
    case = the_case()
    assert (case.state, case.redos) == (State.HANDLING, 1)
    assert Check.objects.get(region_id=case.region_id, case_id=case.pk).solved is False


def test_a_tap_on_the_map_is_enough_of_a_place(cast, outlines, visit):
    page = visit(size=PHONE)
    page.goto("/report/")
    page.locator(".leaflet-container .area").first.wait_for()
    page.locator("[data-map-canvas]").scroll_into_view_if_needed()
    page.locator("[data-map-canvas]").click(position={"x": 120, "y": 60})
    page.locator(".place-words .found").wait_for()
    page.get_by_text("投诉", exact=True).click()
    page.get_by_label("什么事").fill(WORDS)
    page.get_by_role("button", name="提交").click()
    page.get_by_role("heading", name="收到了").wait_for()
    case = the_case()
    assert case.lng is not None and case.l3 == cast.county.pk


def test_a_lost_connection_after_sending_ends_in_one_case_and_no_lost_word(cast, visit):
    page = visit(size=PHONE)
    page.goto("/report/")
    page.get_by_text("投诉", exact=True).click()
    page.get_by_label("什么事").fill(WORDS)
    page.wait_for_timeout(400)  # the draft is kept a moment after the last key
    page.route("**/report/", lambda route: (route.fetch(max_redirects=0), route.abort())[1])
    page.get_by_role("button", name="提交").click(no_wait_after=True)
    page.wait_for_timeout(800)
    assert the_case().state == State.FILED  # it did arrive, but the answer was lost
    page.unroute("**/report/")
    page.goto("/report/")
    assert page.get_by_label("什么事").input_value() == WORDS
    page.get_by_role("button", name="提交").click()
    page.get_by_role("heading", name="收到了").wait_for()
    assert the_case()


def test_everything_works_without_scripts(cast, outlines, visit):
    page = visit(size=PHONE, scripts=False)
    page.goto("/")
    page.get_by_role("link", name="我要反映").first.click()
    page.get_by_label("投诉").check()
    page.get_by_label("什么事").fill(WORDS)
    page.set_input_files("input[type=file]", [upload("a.jpg"), upload("b.jpg")])
    page.get_by_text("按街道、社区、网格选").click()
    for name in ("海澄市", "海州街道", "南关社区"):
        page.locator("select[name=area]").last.select_option(label=name)
        page.get_by_role("button", name="选下一级").click()
    page.locator("select[name=area]").last.select_option(label="南关二网格")
    assert page.locator(".shot").count() == 2  # taken in with the first choice, kept through the others
    page.get_by_label("手机号").fill("13812345678")
    shot(page, "resident-report-no-scripts", whole=True)
    page.get_by_role("button", name="提交").click()
    number = page.locator(".receipt .number").inner_text()
    assert the_case().grid_id == cast.grid2.pk
    page.goto("/track/")
    page.get_by_label("编号").fill(number)
    page.get_by_label("手机号后四位").fill("5678")
    shot(page, "resident-track")
    page.get_by_role("button", name="查一下").click()
    assert page.locator(".photos img").count() == 2
    page.get_by_role("button", name="催一下").click()
    assert page.get_by_text("今天已经替您催过了").count()
    dispatched(cast)
    worked(cast)
    page.reload()
    page.get_by_text("没解决").first.click()
    page.get_by_label("还差什么").fill("只补了一半")
    page.get_by_role("button", name="请他们再办一次").click()
    assert the_case().redos == 1
    page.get_by_text("不用办了").click()
    page.get_by_role("button", name="确定撤回").click()
    assert the_case().state == State.WITHDRAWN
    shot(page, "resident-withdrawn")


@pytest.mark.parametrize("where", ["/", "/report/", "/track/"])
def test_nothing_is_wider_than_a_small_phone(cast, outlines, visit, where):
    page = visit(size=PHONE)
    page.goto(where)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
