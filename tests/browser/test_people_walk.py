"""A secretary and the organisers take somebody through the steps; a resident applies on the phone and objects to a notice."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from bihuan.ladder.models import Standing
from bihuan.net.models import Person, Posting, Role
from bihuan.programs import versions
from tests.browser import shot
from tests.browser.conftest import PHONE
from tests.web.people.conftest import Ladders
from tests.world import BORN

pytestmark = pytest.mark.browser


@pytest.fixture
def ladders(cast: SimpleNamespace) -> Ladders:
    versions.ensure_packs(at=timezone.now(), pack="examples")
    posts = {
        "people_village": ("南关书记", cast.south, Role.SECRETARY),
        "people_town": ("海州组织", cast.town, Role.ORGANISER),
        "people_county": ("海澄组织", cast.county, Role.ORGANISER),
    }
    ladders = Ladders(cast)
    for key, (name, unit, role) in posts.items():
        person = Person.objects.create(name=name, user=User.objects.create_user(key, password="x"))
        posting = Posting.objects.create(person=person, unit=unit, role=role, since=BORN)
        setattr(cast, key, posting)
        ladders.posts[key] = posting
    return ladders


def narrow(page: Any) -> bool:
    """Nothing of the page lies beside the window."""
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def agree(page: Any, no: str, says: str) -> None:
    page.goto("/people/")
    page.get_by_text("等我把关").wait_for()
    page.locator(".todo").first.click()
    page.get_by_label("意见").fill(says)
    page.get_by_role("button", name="同意", exact=True).click()
    page.get_by_text("已表态：同意").first.wait_for()


def test_somebody_is_taken_through_the_steps(ladders: Ladders, visit: Callable[..., Any]) -> None:
    standing = ladders.contact(output=None)
    village = visit("people_village")
    village.goto(f"/people/s/{standing.no}/")
    gate = village.locator("#gate-admit")
    gate.get_by_label("年产值").fill("12万")
    shot(village, "people-person")
    village.get_by_role("button", name="发起：选拔").click()
    village.get_by_text("请您表态").wait_for()
    agree(village, standing.no, "情况属实")
    town = visit("people_town", size=PHONE)
    agree(town, standing.no, "同意推荐")
    assert narrow(town)
    county = visit("people_county")
    agree(county, standing.no, "同意")
    county.get_by_text("公示内容").wait_for()
    county.goto("/people/three_way/")
    county.get_by_role("link", name="王小满").wait_for()
    shot(county, "people-board")
    resident = visit(size=PHONE)
    resident.goto("/notices/")
    resident.get_by_role("link", name="王小满").click()
    resident.get_by_label("您的异议").fill("他家还欠着集体的钱。")
    shot(resident, "people-notice")
    resident.get_by_role("button", name="提交异议").click()
    resident.get_by_role("heading", name="异议收到了").wait_for()
    assert narrow(resident)


def test_a_refusal_asks_once_and_needs_a_reason(ladders: Ladders, visit: Callable[..., Any]) -> None:
    from bihuan.ladder.actions import gates

    standing = ladders.contact()
    gates.open_gate(standing, "admit", by=ladders.posts["people_village"], at=timezone.now())
    page = visit("people_village")
    page.goto(f"/people/s/{standing.no}/")
    page.get_by_role("button", name="不同意").click()
    page.get_by_role("button", name="确定").click()
    page.get_by_text("请填写内容").first.wait_for()
    page.get_by_label("意见").fill("材料不全")
    page.get_by_role("button", name="不同意").click()
    page.get_by_role("button", name="确定").click()
    page.get_by_text("已表态：不同意").first.wait_for()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_resident_applies_on_the_phone(ladders: Ladders, visit: Callable[..., Any], scripts: bool) -> None:
    page = visit(size=PHONE, scripts=scripts)
    page.goto("/apply/")
    page.get_by_role("link", name="工具共享架").click()
    for place in ("海澄市", "海州街道", "南关社区"):
        page.locator(".list").get_by_role("link", name=place).click()
    page.get_by_label("您的姓名").fill("周自荐")
    page.get_by_label("您的手机号").fill("13804136666")
    page.get_by_label("电钻").check()
    page.get_by_label("是", exact=True).check()
    shot(page, "people-apply")
    page.get_by_role("button", name="提交").click()
    page.get_by_role("heading", name="周自荐").wait_for()
    assert narrow(page) and Standing.objects.get().subject.name == "周自荐"
    shot(page, "people-mine")
    no = Standing.objects.get().subject.no
    page.goto(f"/my/{no}/")
    page.get_by_label("手机号后四位").fill("6666")
    page.get_by_role("button", name="查一下").click()
    page.get_by_role("heading", name="周自荐").wait_for()
