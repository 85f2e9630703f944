"""An author shortens a limit: is told while typing what it means and for whom, looks at the plan, and publishes."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from bihuan.loop.actions import dispatching, intake
from bihuan.loop.models import Case
from bihuan.loop.report import Report
from bihuan.programs import versions
from tests.browser import shot
from tests.browser.conftest import PHONE
from tests.release.test_release import LATER, TEXT

pytestmark = pytest.mark.browser


def dispatched(cast: Any) -> Case:
    at = now() - timedelta(hours=2)
    report = Report(type="help", text="南关一网格门前黑水外溢", phone="13812345678", grid="219981001001001")
    case = Case.objects.get(no=intake.file(report, at=at).number)
    intake.accept(case, by=cast.dispatcher, at=at)
    dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at)
    return case


def replace(page: Any, old: str, new: str) -> None:
    box = page.get_by_label("事项文件")
    box.fill(box.input_value().replace(old, new))


def test_an_author_shortens_a_limit_sees_who_is_affected_and_publishes(cast, visit):
    dispatched(cast)
    page = visit("admin")
    page.goto("/programs/")
    shot(page, "programs")
    page.get_by_role("link", name="群众诉求办理").first.click()
    page.get_by_role("heading", name="怎么走").wait_for()
    shot(page, "program", whole=True)
    page.get_by_role("link", name="修改").click()
    replace(page, '[limit.handle]\ndefault = "10wd"', '[limit.handle]\ndefault = "10 wd"')
    page.get_by_text("还读不懂这个文件").wait_for()
    shot(page, "program-unreadable")
    replace(page, 'verb = "accept"', 'verb = "acept"')
    replace(page, '[limit.handle]\ndefault = "10 wd"', '[limit.handle]\ndefault = "7wd"')
    page.get_by_text("怎么改：").first.wait_for()
    shot(page, "program-findings")
    replace(page, 'verb = "acept"', 'verb = "accept"')
    page.get_by_text("由10个工作日改为7个工作日").wait_for()
    page.get_by_text("第1版下1件在办工单：自动改按新版本").wait_for()
    shot(page, "program-edit", whole=True)
    page.get_by_role("button", name="下一步：看影响，发布").click()
    page.get_by_role("heading", name="的新版本").wait_for()
    shot(page, "program-publish", whole=True)
    page.get_by_role("button", name="发布", exact=True).click()
    page.get_by_text("第2版已发布").wait_for()
    shot(page, "program-published")
    assert versions.in_force("request", now() + timedelta(seconds=1)).n == 2


def test_on_a_phone_everything_is_readable(cast, visit):
    dispatched(cast)
    versions.release(LATER + '\n[open]\n"limit.handle.default" = "shorter"\n', by=None, at=now(), since=now())
    page = visit("admin", size=PHONE)
    move = page_of_move()
    for name, path in {
        "programs": "/programs/", "program": "/programs/request/", "edit": "/programs/request/edit/",
        "terms": f"/programs/request/terms/{cast.county.code}/", "move": move,
    }.items():  # fmt: skip
        page.goto(path)
        shot(page, f"phone-{name}", whole=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def page_of_move() -> str:
    from bihuan.programs.models import Move

    return f"/programs/request/moves/{Move.objects.get().pk}/"


def test_without_scripts_terms_are_tried_and_set(cast, visit):
    versions.publish(TEXT + '\n[open]\n"limit.handle.default" = "shorter"\n', by=None, at=now(), since=now())
    page = visit("admin", scripts=False)
    page.goto(f"/programs/request/terms/{cast.county.code}/")
    page.get_by_label("办理时限").fill("6wd")
    page.get_by_role("button", name="试算").click()
    page.get_by_text("6个工作日").first.wait_for()
    shot(page, "terms", whole=True)
    page.get_by_role("button", name="发布", exact=True).click()
    page.get_by_text("海澄市第1版已发布").wait_for()
