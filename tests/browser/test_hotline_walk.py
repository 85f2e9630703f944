"""An agent takes calls down with the keyboard alone."""

from typing import Any

import pytest
from django.utils import timezone

from bihuan.loop.actions import intake
from bihuan.loop.models import Call, Case, State, Task
from bihuan.loop.report import Report
from bihuan.net.regions import across_regions
from tests.browser import shot

pytestmark = pytest.mark.browser
WORDS = "南关一网格门前水管漏水三天了，路面都结冰了，没人来管。"


@pytest.fixture
def known_caller(cast: Any) -> None:
    """The number has called before."""
    for words in ("楼道灯坏了半个月，上下楼看不见", "小区门口早市占道，早上车进不来"):
        report = Report(type="complaint", text=words, phone="13812345678", name="王芳", grid="219981001001001")
        intake.file(report, at=timezone.now(), by=cast.agent)


def case_of(words: str) -> Case:
    from bihuan.dossier.models import Text

    with across_regions("a walk looks for one"):
        return Case.objects.get(text_id=Text.objects.get(body=words).pk)


def focused(page: Any) -> str:
    return page.evaluate("document.activeElement.id || document.activeElement.name")


def test_a_call_is_taken_down_and_dispatched_without_a_mouse(cast, known_caller, visit):
    page = visit("agent")
    page.goto("/hotline/?caller=13812345678&ref=CALL123")
    page.get_by_text("楼道灯坏了半个月").first.wait_for()  # the screen pop: who is calling
    assert focused(page) == "id_text"
    page.keyboard.type(WORDS)
    page.keyboard.press("Tab")
    assert focused(page) == "id_address"
    page.keyboard.type("南关社区南关一网格")
    page.locator(".suggested .found", has_text="南关一网格").wait_for()
    page.locator(".suggested .option", has_text="海澄市水务局").first.wait_for()
    shot(page, "hotline-intake")
    page.keyboard.press("Alt+1")
    assert page.locator("#id_category_text").input_value() == "公用事业 / 自来水"
    assert page.locator("#id_unit_text").input_value() == "海澄市水务局"
    page.locator("#assist-text").focus()
    page.keyboard.type("住建")
    page.locator("#assist-list [role=option]").first.wait_for()
    page.keyboard.press("Enter")
    page.locator(".chip", has_text="海澄市住建局").wait_for()
    page.keyboard.press("Control+Enter")
    page.locator(".notice.done").wait_for()
    shot(page, "hotline-done")
    case = case_of(WORDS)
    assert (case.state, case.unit_id, case.call_ref) == (State.DISPATCHED, cast.water.pk, "CALL123")
    assert (case.grid_id, case.category_id, case.type) == (cast.grid1.pk, cast.tap.pk, "help")
    tasks = Task.objects.filter(region_id=case.region_id, case_id=case.pk).values_list("kind", "unit_id")
    assert set(tasks) == {("lead", cast.water.pk), ("assist", cast.roads.pk)}


def test_enter_picks_the_first_suggestion_of_a_box(cast, visit):
    page = visit("agent")
    page.goto("/hotline/")
    assert focused(page) == "id_caller"
    page.keyboard.type("13900002222")
    page.keyboard.press("Alt+t")
    page.get_by_text("第一次来电").wait_for()
    page.keyboard.type("路灯不亮")
    page.keyboard.press("Alt+k")
    page.locator("#category-list [role=option]").first.wait_for()
    page.keyboard.press("Enter")
    assert page.locator("#id_category_text").input_value() == "道路"
    page.keyboard.press("Alt+u")
    page.locator("#unit-list [role=option]", has_text="海澄市住建局").wait_for()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    page.locator(".notice.done").wait_for()
    assert case_of("路灯不亮").unit_id == cast.roads.pk
    assert focused(page) == "id_caller"  # ready for the next call


def test_a_question_is_answered_on_the_line(cast, visit):
    page = visit("agent")
    page.goto("/hotline/?caller=13900002222")
    page.keyboard.press("Alt+y")
    page.keyboard.press("ArrowLeft")  # 咨询 stands before 求助
    page.keyboard.press("Alt+t")
    page.keyboard.type("公交几点收车？")
    page.keyboard.press("Alt+r")
    page.keyboard.type("末班车晚上九点，从火车站发车。")
    page.keyboard.press("Alt+a")
    page.locator(".notice.done").wait_for()
    case = case_of("公交几点收车？")
    assert (case.type, case.state, case.ending) == ("inquiry", State.CLOSED, "answered")


def test_calls_that_become_no_case_take_one_key(cast, visit):
    page = visit("agent")
    page.goto("/hotline/?ref=CALL9")
    page.keyboard.type("139")  # even while typing
    page.keyboard.press("F2")
    page.get_by_text("已记一通").wait_for()
    page.wait_for_timeout(500)  # the next call does not come within the same blink
    page.keyboard.press("F8")
    page.locator('#calls button[value="110"] .count').filter(has_text="1").wait_for()
    assert sorted(Call.objects.values_list("outcome", "call_ref")) == [("110", "CALL9"), ("wrong", "CALL9")]
    assert page.locator("#id_caller").input_value() == "139"


def test_what_was_typed_stays_after_a_refusal_and_is_gone_with_the_next_call(cast, visit):
    page = visit("agent")
    page.goto("/hotline/?caller=13900002222")
    page.keyboard.type("说不清的事")
    page.keyboard.press("Control+Enter")
    page.get_by_text("派单要选定承办单位").wait_for()
    assert page.locator("#id_text").input_value() == "说不清的事"
    shot(page, "hotline-refused")
    page.keyboard.press("Alt+n")
    page.wait_for_url("**/hotline/?next=1")
    assert page.locator("#id_text").input_value() == ""


def test_a_refusal_puts_the_cursor_where_it_is_to_be_mended(cast, visit):
    page = visit("agent")
    page.goto("/hotline/?caller=13812345678")
    page.keyboard.type(WORDS)
    page.keyboard.press("Control+Enter")
    page.locator("#id_unit_text[aria-invalid=true]").wait_for()
    page.wait_for_function("document.activeElement.id === 'id_unit_text'")
    page.keyboard.press("Alt+y")
    assert page.locator("input[name=type]:checked").get_attribute("value") == "help"  # entered, not changed
    assert page.evaluate("document.activeElement.value") == "help"
