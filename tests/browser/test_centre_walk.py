"""A dispatcher works through his queue by keys alone; a caller rings back; a supervisor presses the late."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bihuan.book.models import Look
from bihuan.loop.actions import dispatching, handling, intake
from bihuan.loop.models import Case, State
from bihuan.loop.report import Report
from bihuan.net.regions import across_regions
from tests.browser import shot

pytestmark = pytest.mark.browser
MATTERS = (
    ("南关一网格3号楼从昨晚开始停水，自来水管在楼道里漏水，老人没法做饭，打供水电话没人接。", "219981001001001"),
    ("幸福路口路灯坏了三盏，晚上孩子放学看不见路，旁边还有个井盖松了，一踩就响。", "219981001001002"),
    ("北关社区楼下早市占道，车进不来，希望有人管管。", "219981001002"),
    ("单元门口下水返味，夏天开不了窗户，已经反映过一次了。", "219981001001001"),
)


def filed(words: str, grid: str, minutes: int = 20, **more: Any) -> Case:
    at = timezone.now() - timedelta(minutes=minutes)
    report = Report(type="complaint", text=words, phone="13812345678", name="王建国", grid=grid, **more)
    return fresh(intake.file(report, at=at).number)


def fresh(number: Any) -> Case:
    with across_regions("a walk looks for one"):
        return Case.objects.get(no=getattr(number, "no", number))


@pytest.fixture
def morning(cast: Any) -> list[Case]:
    """Four matters just filed, the first of them pressing."""
    more = ({"urgency": "urgent"}, {}, {}, {})
    return [filed(*matter, minutes=25 - n, **more[n]) for n, matter in enumerate(MATTERS)]


def sent(cast: Any, case: Case, at: Any) -> Case:
    intake.accept(case, by=cast.dispatcher, at=at)
    dispatching.dispatch(
        fresh(case), to=cast.water, by=cast.dispatcher, at=at, category=cast.tap, note="管道在红线外，请供水先修。"
    )
    return fresh(case)


def focused(page: Any) -> str:
    return page.evaluate("document.activeElement.id || document.activeElement.name")


def opened(page: Any) -> str:
    return page.locator("[data-hand]").get_attribute("data-hand")


def test_a_dispatcher_needs_no_mouse(cast, morning, visit):
    page = visit("dispatcher")
    page.goto("/centre/")
    page.locator(f"#row-{morning[0].no}").wait_for()
    shot(page, "centre-queue")
    page.keyboard.press("j")
    page.locator(f'[data-hand="{morning[0].no}"]').wait_for()
    assert page.locator("#category").input_value() == str(cast.tap.pk)
    assert page.locator("#advice :checked").get_attribute("value") == "219981D01"
    shot(page, "centre-dispatch")
    page.keyboard.press("Control+Enter")
    page.locator(f'[data-hand="{morning[1].no}"]').wait_for()
    assert fresh(morning[0]).unit_id == cast.water.pk
    page.keyboard.press("Alt+p")
    page.keyboard.type("南关二")
    page.locator("#address-list [role=option]").first.wait_for()
    shot(page, "centre-place")
    page.keyboard.press("Enter")
    page.keyboard.press("Alt+h")
    page.keyboard.type("水务")
    page.locator("#assist-list [role=option]").first.wait_for()
    page.keyboard.press("Enter")
    page.locator(".chip", has_text="海澄市水务局").wait_for()
    page.keyboard.press("Alt+n")
    page.keyboard.type("请今晚先围挡")
    page.keyboard.press("Control+Enter")
    page.locator(f'[data-hand="{morning[2].no}"]').wait_for()
    second = fresh(morning[1])
    assert (second.state, second.unit_id, second.grid_id) == (State.DISPATCHED, cast.roads.pk, cast.grid2.pk)
    page.locator(f"#row-{morning[1].no}").wait_for(state="detached")
    page.keyboard.press("Alt+u")
    page.keyboard.type("街道")
    page.locator("#unit-list [role=option]").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    page.locator(f'[data-hand="{morning[3].no}"]').wait_for()
    page.locator("#panel:focus").wait_for()  # the new case has the focus; no hand is quicker
    page.keyboard.press("Alt+a")
    page.keyboard.type("已安排")
    assert focused(page) == "answer"


def test_somebody_was_faster_and_the_words_stay(cast, morning, visit):
    page = visit("dispatcher")
    page.goto(f"/centre/filed/?case={morning[0].no}")
    page.keyboard.press("Alt+n")
    page.keyboard.type("请先关总阀")
    intake.accept(morning[0], by=cast.dispatcher, at=timezone.now())
    page.evaluate("htmx.trigger('#queue', 'live')")
    page.locator("#panel-news .notice").wait_for()
    assert page.locator("#note").input_value() == "请先关总阀"
    shot(page, "centre-news")
    page.keyboard.press("Control+Enter")
    page.locator(".notice.bad").wait_for()
    assert page.locator("#note").input_value() == "请先关总阀"
    page.keyboard.press("Control+Enter")
    page.locator(f'[data-hand="{morning[1].no}"]').wait_for()
    assert fresh(morning[0]).state == State.DISPATCHED


def test_a_hand_back_is_decided_with_everything_in_view(cast, morning, visit):
    at = timezone.now() - timedelta(minutes=10)
    case = sent(cast, morning[0], at)
    dispatching.hand_back(
        case,
        reason="not_ours",
        by=cast.handler,
        at=at,
        text="漏水点在楼道内，属业主共有部位，按供水条例第二十一条由物业维修。",
    )
    page = visit("dispatcher")
    page.goto("/centre/returned/")
    page.keyboard.press("j")
    page.locator(".sides").wait_for()
    shot(page, "centre-hand-back")
    page.keyboard.press("Alt+y")
    page.locator("#advice .warning").wait_for()
    shot(page, "centre-again")
    page.keyboard.press("Control+Enter")
    page.locator(".hand-none").wait_for()
    assert fresh(case).unit_id == cast.town.pk


def test_a_caller_rings_back_with_single_keys(cast, morning, visit):
    at = timezone.now() - timedelta(minutes=10)
    for case in morning[:2]:
        case = sent(cast, case, at)
        dispatching.sign(case, by=cast.handler, at=at)
        handling.contact(fresh(case), text="电话说明了情况", by=cast.handler, at=at)
        reply = "已更换楼道内 DN50 阀门一处，水压恢复；当晚回访住户，用水正常。"
        handling.reply(fresh(case), result="resolved", text=reply, by=cast.handler, at=at)
        handling.approve(fresh(case), passed=True, by=cast.chief, at=at)
    page = visit("caller")
    page.goto("/centre/")
    page.keyboard.press("j")
    page.locator(".asking").wait_for()
    page.keyboard.press("Alt+p")
    page.locator(".phone-clear").wait_for()
    for key in ("q", "a", "4"):
        page.keyboard.press(key)
    shot(page, "centre-call-back")
    first, second = opened(page), morning[1]
    page.keyboard.press("Control+Enter")
    page.locator(f'[data-hand="{second.no}"]').wait_for()
    assert (fresh(first).state, fresh(first).rating) == (State.CLOSED, 4)
    with across_regions("a walk looks for one"):
        assert Look.objects.filter(case_id=fresh(first).pk, purpose="回访").count() == 1
    page.keyboard.press("w")
    page.keyboard.press("s")
    page.keyboard.press("2")
    page.keyboard.press("Control+Enter")
    page.locator(".asking .errorlist, .hand .notice.bad").first.wait_for()
    page.keyboard.press("Alt+n")
    page.keyboard.type("阀门好了，墙还在渗水")
    shot(page, "centre-not-solved")
    page.keyboard.press("Control+Enter")
    page.locator(".hand-none").wait_for()
    assert fresh(second).redos == 1


def test_a_supervisor_presses_many_at_once(cast, morning, visit):
    long_ago = timezone.now() - timedelta(days=20)
    for n, matter in enumerate(MATTERS):
        sent(cast, filed(*matter, minutes=20 * 24 * 60 + n), long_ago)
    page = visit("supervisor")
    page.goto("/centre/")
    page.locator(".units").wait_for()
    shot(page, "centre-units")
    page.locator("a.figure.bad").first.click()
    page.locator("#queue [data-pick-all]").check()
    page.locator("#batch [name=note]").fill("请今天办结")
    shot(page, "centre-urge")
    page.locator("#batch [data-needs-pick]").click()
    page.locator("#toasts", has_text="已催办").wait_for()


def test_without_scripts_every_step_is_a_page(cast, morning, visit):
    page = visit("dispatcher", scripts=False)
    page.goto("/centre/filed/")
    page.locator(f"#row-{morning[0].no}").click()
    page.locator("#note").fill("请抓紧")
    page.locator("button[value=dispatch]").click()
    assert fresh(morning[0]).state == State.DISPATCHED
    assert page.locator("[data-hand]").get_attribute("data-hand") == morning[1].no


@pytest.mark.parametrize("width", [360, 1366, 1920])
def test_nothing_runs_over_the_edge(cast, morning, visit, width):
    page = visit("dispatcher", size={"width": width, "height": 768})
    for address in (f"/centre/filed/?case={morning[0].no}", "/centre/filed/", "/centre/units/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_card_holds_all_of_the_case_and_a_list_of_units_is_seen_whole(cast, morning, visit):
    page = visit("dispatcher")
    page.goto(f"/centre/todo/?case={morning[0].no}")
    page.locator("#category").wait_for()
    assert page.evaluate("(card => card.scrollHeight <= card.clientHeight + 1)(document.querySelector('.hand'))")
    page.keyboard.press("Alt+u")
    page.keyboard.type("海澄")
    listed, buttons = page.locator("#unit-list"), page.locator(".hand-end")
    listed.locator("[role=option]").first.wait_for()
    page.wait_for_timeout(200)
    assert listed.bounding_box()["y"] + listed.bounding_box()["height"] <= buttons.bounding_box()["y"]


def test_the_words_of_a_ruling_do_not_come_back_in_the_order_that_follows(cast, morning, visit):
    case = sent(cast, morning[0], timezone.now())
    dispatching.hand_back(case, reason="unclear", text="说不清是哪一段", by=cast.handler, at=timezone.now())
    page = visit("dispatcher")
    page.goto(f"/centre/returned/?case={case.no}")
    page.locator("#rule-text").fill("同意，改派")
    page.wait_for_timeout(500)  # kept on this machine by now
    page.keyboard.press("Alt+y")
    page.locator("#order").wait_for()
    assert page.locator(".draft-note").count() == 0
