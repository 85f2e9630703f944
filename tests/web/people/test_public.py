"""What is public of the ladders: notices and objections, applying for oneself, one's own page."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from bihuan.ladder.actions import gates
from bihuan.ladder.links import own_path
from bihuan.ladder.models import Objection, Standing
from bihuan.loop.models import Case
from bihuan.net.regions import across_regions
from tests.web.people.conftest import Ladders

pytestmark = pytest.mark.django_db


def text(answer: Any) -> str:
    return answer.content.decode()


def on_notice(ladders: Ladders) -> Standing:
    standing = ladders.contact()
    gates.open_gate(standing, "admit", by=ladders.posts["village"], at=now())
    for key in ("village", "town", "county"):
        gates.vote(standing, agree=True, by=ladders.posts[key], at=now())
    return standing


def test_a_notice_is_public_and_anybody_may_object(ladders: Ladders, client: Client) -> None:
    standing = on_notice(ladders)
    listed = text(client.get("/notices/"))
    assert "培养对象人选公示" in listed and "王小满" in listed
    assert "王小满" not in text(client.get(f"/notices/?area={ladders.cast.other_county.code}"))
    path = f"/notices/{standing.no}/"
    empty = client.post(path, {"text": "", "phone": "138", "name": "赵"})
    assert empty.status_code == 422 and "请写下您的异议" in text(empty) and 'value="138"' in text(empty)
    wrong = client.post(path, {"text": "他家欠集体的钱", "phone": "138"})
    assert wrong.status_code == 422 and "他家欠集体的钱" in text(wrong)
    done = client.post(path, {"text": "他家欠集体的钱", "phone": "13804135555"}, follow=True)
    made = Objection.objects.get()
    assert "异议收到了" in text(done)
    with across_regions("the case of an objection"):
        assert Case.objects.get(no=made.case_no).secrecy == "secret"
    assert client.get(path).status_code == 404  # it stands still
    assert client.get("/notices/NOTHING/").status_code == 404
    assert client.get("/notices/?area=999").status_code == 404


def _said(ladders: Ladders, **more: str) -> dict[str, str]:
    return {"area": ladders.cast.south.code, "name": "周自荐", "phone": "13804136666", **more}


def test_somebody_applies_for_himself(ladders: Ladders, client: Client) -> None:
    assert "工具共享架" in text(client.get("/apply/"))
    assert "南关社区" in text(client.get(f"/apply/tool_shelf/?area={ladders.cast.town.code}"))
    assert "答应用完放回" in text(client.get(f"/apply/tool_shelf/?area={ladders.cast.south.code}"))
    wrong = client.post("/apply/tool_shelf/", _said(ladders, phone="12", a_tool="drill", a_promise="yes"))
    assert wrong.status_code == 422 and "周自荐" in text(wrong)
    never = client.post("/apply/tool_shelf/", _said(ladders, a_tool="drill", a_promise="no"))
    assert never.status_code == 422 and "还没有答应用完放回" in text(never)
    done = client.post("/apply/tool_shelf/", _said(ladders, a_tool="drill", a_promise="yes"))
    standing = Standing.objects.get()
    assert done["Location"] == own_path(standing.subject)
    ladders.pump(now())
    page = text(client.get(done["Location"]))
    assert "钥匙在手" in page and "续一年" in page and "交回钥匙" in page
    assert "13804136666" not in page
    again = client.post("/apply/tool_shelf/", _said(ladders, a_tool="drill", a_promise="yes"))
    assert again.status_code == 409 and "您已经登记过" in text(again)


def test_who_is_known_is_recognised_and_nothing_is_told_of_him(ladders: Ladders, client: Client) -> None:
    ladders.subject("周自荐", phone="13804136666")
    done = client.post("/apply/tool_shelf/", _said(ladders, a_tool="drill", a_promise="yes"))
    assert done["Location"] == "/apply/sent/"
    assert Standing.objects.get().subject.phone_mask.endswith("6666")
    assert client.get("/apply/sent/").status_code == 200


def test_a_ladder_that_is_not_open_to_oneself_is_not_found(ladders: Ladders, client: Client) -> None:
    assert client.get("/apply/village_reserve/").status_code == 404
    assert client.get("/apply/tool_shelf/?area=12").status_code == 404


def test_ones_own_page_opens_with_number_and_phone(ladders: Ladders, client: Client) -> None:
    standing = ladders.contact()
    no = standing.subject.no
    assert no in text(client.get(f"/my/{no}/"))
    assert client.post("/my/", {"number": no, "tail": "12"}).status_code == 422
    assert client.post("/my/", {"number": "XXXXXXXX", "tail": "0001"}).status_code == 404
    assert client.post("/my/", {"number": no, "tail": "0001"})["Location"] == own_path(standing.subject)
    for _wrong in range(5):
        assert client.post("/my/", {"number": no, "tail": "9999"}).status_code == 404
    assert client.post("/my/", {"number": no, "tail": "0001"}).status_code == 429
    assert client.get("/people/mine/forged/").status_code == 404


def test_ones_own_page_says_why_not_and_lets_withdraw_and_leave(ladders: Ladders, client: Client) -> None:
    standing = ladders.contact(output=1000)
    path = own_path(standing.subject)
    page = text(client.get(path))
    assert "正在联系了解" in page and "年产值不足5万元" in page
    assert "南关书记" not in page  # who voted how is the desk's
    left = client.post(f"{path}{standing.no}/moves/leave/", {}, follow=True)
    assert "已办好" in text(left) and "已退出" in text(left)
    assert client.post(f"{path}{standing.no}/withdraw/", {}).status_code == 409
    other = ladders.contact("别人", phone="13804130002")
    assert client.post(f"{path}{other.no}/moves/leave/", {}).status_code == 404


def test_an_appeal_is_made_on_ones_own_page(ladders: Ladders, client: Client) -> None:
    standing = ladders.on("primary")
    gates.open_gate(standing, "eliminate", by=ladders.posts["town"], at=now())
    ladders.post("town2", "海州组织二", ladders.cast.town, "organiser")
    for key in ("town", "county"):
        gates.vote(standing, agree=True, text="一年没来", by=ladders.posts[key], at=now())
    path = own_path(standing.subject)
    assert "可以申诉" in text(client.get(path))
    empty = client.post(f"{path}{standing.no}/appeal/", {"text": " "})
    assert empty.status_code == 422 and "请填写内容" in text(empty)
    assert "申诉收到了" in text(client.post(f"{path}{standing.no}/appeal/", {"text": "我在住院"}, follow=True))
    door = ladders.door("city")
    assert "等我复核的申诉" in text(door.get("/people/"))
    assert "我在住院" in text(door.get(f"/people/s/{standing.no}/"))
    ruled = door.post(f"/people/s/{standing.no}/rule/", {"upheld": "yes", "text": "情况属实"}, follow=True)
    assert "申诉已复核" in text(ruled)
    ladders.pump(now() + timedelta(days=1))
    assert Standing.objects.get(pk=standing.pk).stage == "primary"
