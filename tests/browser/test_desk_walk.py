"""A handler's day at the desk, with his leader's approval: signed in a batch, rung, done, answered, let out."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bihuan.book import outbox
from bihuan.loop.actions import closing, dispatching, handling
from bihuan.loop.models import Case, State
from bihuan.net.regions import across_regions
from tests.browser import shot
from tests.browser.test_resident_walk import road
from tests.web.lives import dispatched, fresh, handling_case, signed

pytestmark = pytest.mark.browser
LEAK = "南关一网格3号楼门前的自来水管漏水三天了，路面已经结冰，老人出门不方便，请尽快来修。"
WORK = (
    "昨天下午到现场开挖检查，更换了两米老化的水管，试水不漏，路面已回填夯实并铲冰。以后再有问题可以直接打我们值班电话。"
)


def a_mornings_work(cast: Any) -> Case:
    """What lies on the desk in the morning; returns the case that is told of here."""
    at = timezone.now()
    leak = dispatched(cast, text=LEAK, name="王大海", address="南关一网格3号楼", lng=122.692, lat=40.857, grid="")
    dispatched(cast, text="二楼水压太小，早上用不上水，问过物业说是主管道的问题", type="complaint")
    dispatched(cast, text="咨询：水表过户要带什么材料", type="inquiry", secrecy="private")
    dispatched(cast, text="路口水井盖缺了一块，晚上看不见", urgency="danger")
    signed(cast, text="北关社区夜里停水没有通知")
    late = handling_case(cast, text="小区水管爆裂后路面一直没有恢复，已经催过两次")
    soon = handling_case(cast, text="楼道水表箱门掉了")
    for case, left in ((late, timedelta(hours=-30)), (soon, timedelta(hours=4))):
        Case.objects.filter(region_id=case.region_id, pk=case.pk).update(due_at=at + left, promise_at=at + left)
    dispatched(cast, to=cast.roads, assisting=[cast.water], text="道路塌陷，怀疑下面水管漏水", at=at)
    outbox.drain(at + timedelta(seconds=1), 100)
    return leak


def test_a_handlers_day(cast, outlines, visit):
    leak = a_mornings_work(cast)
    page = visit("handler")
    page.goto("/desk/")
    shot(page, "desk-unsigned")
    page.locator("[data-pick-all]").check()
    assert page.locator("[data-picked]").inner_text() == "4"
    page.get_by_role("button", name="批量签收").click()
    page.get_by_text("已签收 4 件").wait_for()
    page.get_by_role("link", name="在办", exact=False).first.click()
    page.get_by_role("heading", name="在办").wait_for()
    shot(page, "desk-in-hand")
    page.get_by_role("link", name="自来水管漏水三天").click()
    the_case_is_read_and_rung(page)
    the_reply_is_written_with_hints(page)
    assert fresh(leak).state == State.REPLIED
    the_leader_lets_it_out(cast, visit, leak)


def the_case_is_read_and_rung(page: Any) -> None:
    page.locator(".leaflet-container .area").first.wait_for()
    shot(page, "case-signed")
    page.get_by_text("为什么是这个时间").first.click()
    assert page.locator("#clocks .why").first.is_visible()
    page.get_by_text("查看完整联系方式").click()
    page.get_by_text("约定上门时间").click()
    page.get_by_role("button", name="查看", exact=True).click()
    page.get_by_text("13812345678").wait_for()
    page.locator("#panel-contact").get_by_text("上门").click()
    page.locator("#panel-contact textarea").fill("到现场看过，约好下午两点停水开挖。")
    page.get_by_role("button", name="记下联系情况").click()
    page.get_by_text("现在可以办理了").wait_for()


def the_reply_is_written_with_hints(page: Any) -> None:
    panel = page.locator("#panel-reply")
    panel.get_by_text("已解决").click()
    panel.locator("textarea").fill("您反映的问题已收悉，我们会尽快处理。")
    assert panel.locator("[data-hint=empty]").get_attribute("class") == "warn"
    assert panel.locator("[data-hint=evidence]").get_attribute("class") == "warn"
    shot(page, "case-hollow-reply")
    panel.locator("textarea").fill(WORK)
    picture = {"name": "after.jpg", "mimeType": "image/jpeg", "buffer": road(mended=True)}
    panel.locator("input[type=file]").set_input_files(picture)
    panel.locator("input[name=photo_ids]").wait_for(state="attached")
    assert [panel.locator(f"[data-hint={one}]").get_attribute("class") for one in ("said", "evidence", "empty")] == [
        "ok"
    ] * 3
    shot(page, "case-reply")
    page.get_by_role("button", name="提交审核").click()
    page.get_by_text("等负责人审核").wait_for()


def the_leader_lets_it_out(cast: Any, visit: Any, case: Case) -> None:
    page = visit("chief")
    page.goto("/desk/")
    page.get_by_role("heading", name="待审核").wait_for()
    page.get_by_role("link", name="自来水管漏水三天").click()
    shot(page, "case-approval")
    page.get_by_role("button", name="审核通过").click()
    page.get_by_text("审核意见已生效").wait_for()
    assert fresh(case).state == State.CALLING_BACK
    shot(page, "case-approved")


def test_a_colleague_was_faster_and_no_word_is_lost(cast, visit):
    case = handling_case(cast)
    page = visit("handler")
    page.goto(f"/cases/{case.no}/")
    page.locator("#panel-reply textarea").fill(WORK)
    page.locator("#panel-reply").get_by_text("已解决").click()
    closing.urge(case, by=cast.supervisor, text="请抓紧", at=timezone.now())
    page.get_by_role("button", name="提交审核").click()
    page.get_by_text("刚刚被别人处理过").wait_for()
    assert page.locator("#panel-reply textarea").input_value() == WORK
    shot(page, "case-stale")
    page.get_by_role("button", name="提交审核").click()
    page.get_by_text("等负责人审核").wait_for()


def test_the_desk_works_without_scripts(cast, visit):
    case = dispatched(cast)
    page = visit("handler", scripts=False)
    page.goto("/desk/")
    page.get_by_role("link", name="门前水管漏水").click()
    page.get_by_role("button", name="签收").click()
    page.get_by_text("已签收").first.wait_for()
    page.locator("#panel-contact textarea").fill("已电话联系")
    page.get_by_role("button", name="记下联系情况").click()
    assert fresh(case).state == State.HANDLING
    page.locator("#panel-hand_down summary").click()
    assert page.locator("#panel-hand_down select").is_visible()


def test_a_hand_back_gives_its_reason(cast, visit):
    case = dispatched(cast)
    page = visit("handler")
    page.goto(f"/cases/{case.no}/")
    page.locator("#panel-hand_back summary").click()
    page.get_by_role("button", name="提交退单").click()
    page.get_by_text("请选择“退单理由”").wait_for()
    page.get_by_text("不属于本单位职责").click()
    page.locator("#panel-hand_back textarea").fill("路面塌陷属市政设施，依据市政管理条例第八条由住建局办。")
    page.get_by_role("button", name="提交退单").click()
    page.get_by_text("等派单中心裁定").wait_for()
    assert fresh(case).state == State.RETURNED
    shot(page, "case-handed-back")


def test_a_new_case_is_told_on_the_open_desk(cast, visit):
    dispatched(cast)
    page = visit("handler")
    page.goto("/desk/?tab=sign")
    dispatched(cast, text="又来了一件事")
    page.evaluate("htmx.trigger(document.querySelector('.live-nav'), 'live')")
    page.get_by_role("link", name="看最新的").click()
    page.get_by_text("又来了一件事").wait_for()


@pytest.mark.parametrize("width", [360, 768, 1366, 1920])
def test_nothing_runs_over_the_edge(cast, outlines, visit, width):
    case = a_mornings_work(cast)
    page = visit("handler", size={"width": width, "height": 800})
    for path in ("/desk/?tab=sign", "/desk/?tab=help", f"/cases/{case.no}/"):
        assert page.goto(path).ok
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": page.evaluate("location.origin")}])
    for path in ("/desk/?tab=sign", f"/cases/{case.no}/"):
        assert page.goto(path).ok
        page.locator("html[lang=en]").wait_for(state="attached")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.context.clear_cookies(name="django_language")
    if width in (360, 1920):
        page.goto(f"/cases/{case.no}/")
        shot(page, f"case-{width}")
        page.goto("/desk/?tab=sign")
        shot(page, f"desk-{width}")


def test_everything_is_within_reach_of_the_keyboard(cast, visit):
    case = dispatched(cast)
    dispatching.sign(case, by=cast.handler, at=timezone.now())
    page = visit("handler")
    page.goto("/desk/?tab=doing")
    page.keyboard.press("/")
    page.keyboard.type(case.no)
    page.keyboard.press("Enter")
    page.locator("#panel-contact textarea").focus()
    page.keyboard.type("已电话联系")
    page.keyboard.press("Tab")
    with across_regions("a walk"):
        assert Case.objects.get(pk=case.pk).state == State.SIGNED


def test_whoever_was_slower_is_led_to_the_sentence_with_the_words_kept(cast, visit):
    case = signed(cast, text=LEAK)
    page = visit("handler")
    page.goto(f"/cases/{case.no}/")
    page.locator("#panel-contact textarea").fill("已电话联系，约好下午上门。")
    handling.contact(case, text="同事先打了电话", by=cast.handler, at=timezone.now())
    page.get_by_role("button", name="记下联系情况").click()
    page.locator(".notice.bad:focus", has_text="这一步没有做成").wait_for()
    assert page.locator("#kept-text").input_value() == "已电话联系，约好下午上门。"
