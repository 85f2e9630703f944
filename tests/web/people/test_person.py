"""A person's page: what waits for whom, why (not), and every deed with its refusal in place."""

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.timezone import now
from PIL import Image

from bihuan.book.models import Look, Txn
from bihuan.dossier import facts
from bihuan.ladder.actions import duties, gates, noticing
from bihuan.ladder.models import Duty, Pass, Standing, Vote
from tests.web.people.conftest import Ladders
from tests.web.people.test_board import _queries

pytestmark = pytest.mark.django_db


def text(answer: Any) -> str:
    return answer.content.decode()


def picture() -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(out, "JPEG")
    return SimpleUploadedFile("a.jpg", out.getvalue(), "image/jpeg")


def page(door: Client, standing: Standing) -> str:
    return text(door.get(f"/people/s/{standing.no}/"))


def do(door: Client, standing: Standing, what: str, **said: Any) -> Any:
    return door.post(f"/people/s/{standing.no}/{what}/", said, follow=True)


def test_why_not_is_a_sentence_for_each_test(ladders: Ladders) -> None:
    standing = ladders.contact(output=20_000, helped=0, lessons=None, trade="养牛")
    shown = page(ladders.door("village"), standing)
    assert "年产值不足5万元" in shown and "还没有带动过邻里增收" in shown
    assert "还没有填写“近一年参加学习次数”" in shown
    assert "条件够了" in shown  # 12 of 15 are enough


def test_somebody_is_taken_through_the_steps(ladders: Ladders) -> None:
    standing = ladders.contact()
    village, town, county = (ladders.door(key) for key in ("village", "town", "county"))
    assert "已发起" in text(do(village, standing, "gates/admit", n=str(standing.n)))
    assert "请您表态" in page(village, standing) and "请您表态" not in page(town, standing)
    assert "南关书记" in page(town, standing)  # who has it
    for door in (village, town, county):
        assert "已表态：同意" in text(do(door, standing, "vote", agree="yes", text="情况属实"))
    shown = page(county, standing)
    assert "公示内容" in shown and "情况属实" in shown
    assert Vote.objects.count() == 3


def test_a_refusal_needs_its_reason_and_keeps_what_was_typed(ladders: Ladders) -> None:
    standing = ladders.contact()
    gates.open_gate(standing, "admit", by=ladders.posts["village"], at=now())
    door = ladders.door("village")
    answer = do(door, standing, "vote", agree="no", text="")
    assert answer.status_code == 422 and "请填写内容" in text(answer)
    answer = do(ladders.door("town"), standing, "vote", agree="no", text="材料不全")
    assert answer.status_code == 409 and "材料不全" in text(answer) and "不由您的岗位办理" in text(answer)
    assert "不同意" in text(do(door, standing, "vote", agree="no", text="材料不全"))
    assert Pass.objects.latest("pk").result == "failed"
    late = do(door, standing, "vote", agree="yes", text="")
    assert late.status_code == 409 and "请刷新" in text(late)


def test_a_gate_asks_what_is_missing_and_keeps_what_was_typed(ladders: Ladders) -> None:
    standing = ladders.contact(output=None, approval=None, lawful=None)
    door = ladders.door("village")
    shown = page(door, standing)
    assert "还要由别的单位先登记" in shown and "无违法违纪记录" in shown
    answer = do(door, standing, "gates/admit", a_output="很多", a_approval="80")
    assert answer.status_code == 422 and "“年产值”应填数" in text(answer) and 'value="很多"' in text(answer)
    answer = do(door, standing, "gates/admit", a_output="12万", a_approval="80", text="带头人")
    assert answer.status_code == 422 and "请填写“无违法违纪记录”" in text(answer)
    assert 'value="12万"' in text(answer) and "带头人" in text(answer)
    facts.tell(standing.subject, "person.lawful", True, source="town", by=None, at=now())
    assert "已发起" in text(do(door, standing, "gates/admit", a_output="12万", a_approval="80"))


def test_an_older_sight_is_refused(ladders: Ladders) -> None:
    standing = ladders.contact()
    gates.open_gate(standing, "admit", by=ladders.posts["village"], at=now())
    assert do(ladders.door("village"), standing, "vote", agree="yes", n="1").status_code == 409


def test_a_move_is_made_and_a_stranger_makes_none(ladders: Ladders) -> None:
    standing = ladders.on("primary")
    assert do(ladders.door("village"), standing, "moves/keep").status_code == 409
    answer = do(ladders.door("town"), standing, "moves/keep", a_output="15万", a_lessons="4")
    assert answer.status_code == 422 or "已办好" in text(answer)
    assert do(ladders.door("north"), standing, "moves/keep").status_code == 404
    assert do(ladders.door("town"), standing, "moves/nothing").status_code == 404


def test_an_objection_and_its_settling(ladders: Ladders) -> None:
    standing = ladders.contact()
    gates.open_gate(standing, "admit", by=ladders.posts["village"], at=now())
    for key in ("village", "town", "county"):
        gates.vote(standing, agree=True, by=ladders.posts[key], at=now())
    ladders.post("county2", "海澄组织二", ladders.cast.county, "organiser")
    made = noticing.object_to(Pass.objects.get(ended_at=None).notices.get(), "他家欠着集体的钱", at=now())
    door = ladders.door("county2")
    assert made.case_no in page(door, standing) and "等我处理的异议" in text(door.get("/people/"))
    assert do(door, standing, f"settle/{made.case_no}", upheld="no", text="").status_code == 422
    assert "异议已处理" in text(do(door, standing, f"settle/{made.case_no}", upheld="no", text="已核实，不欠款"))
    assert do(door, standing, "settle/123", upheld="no", text="x").status_code == 404


def test_a_fact_is_told_and_the_old_one_stays(ladders: Ladders) -> None:
    standing = ladders.on("primary")
    door, path = ladders.door("village"), f"/people/s/{standing.no}/facts/output/"
    assert "12万元" in text(door.get(path))
    wrong = door.post(path, {"a_output": "一大堆", "since": "2026-06-01"})
    assert wrong.status_code == 422 and 'value="一大堆"' in text(wrong)
    late = door.post(path, {"a_output": "13万", "since": "2999-01-01"})
    assert late.status_code == 422 and "今天以后" in text(late)
    door.post(path, {"a_output": "13万", "since": "2026-06-01"})
    shown = text(door.get(path))
    assert "13万元" in shown and "12万元" in shown
    assert "由乡镇" in text(door.get(f"/people/s/{standing.no}/facts/lawful/"))
    assert door.post(f"/people/s/{standing.no}/facts/lawful/", {"a_lawful": "yes"}).status_code == 409


def test_phone_and_identity_are_shown_with_a_purpose_and_leave_a_trace(ladders: Ladders) -> None:
    standing = ladders.contact()
    door = ladders.door("village")
    assert "13804130001" not in page(door, standing)
    blank = do(door, standing, "reveal", purpose=" ")
    assert blank.status_code == 422 and "13804130001" not in text(blank)
    assert "13804130001" in text(do(door, standing, "reveal", purpose="约走访"))
    assert Look.objects.filter(what="subject", purpose="约走访").exists()


def test_a_leader_is_assigned_and_does_the_visit(ladders: Ladders) -> None:
    standing = ladders.on("primary")
    door, boss = ladders.door("county"), ladders.posts["boss"]
    assert "海澄县长" in page(door, standing)
    assert do(door, standing, "assign", leader="").status_code == 422
    assert "已确定包保领导" in text(do(door, standing, "assign", leader=str(boss.pk)))
    leader = ladders.door("boss")
    empty = do(leader, standing, "duties/visit", text="")
    assert empty.status_code == 422 and "请填写“走访情况”" in text(empty)
    assert "已记下" in text(do(leader, standing, "duties/visit", text="看了大棚，缺水", photos=picture(), amount="1"))
    done = Duty.objects.get(done_at__isnull=False)
    assert done.txn_id and done.photos
    shown = page(leader, standing)
    assert "看了大棚，缺水" in shown and "得到的帮扶" in shown
    assert do(door, standing, "duties/visit", text="代办").status_code == 409


def test_support_is_entered_once(ladders: Ladders) -> None:
    standing = ladders.on("primary")
    door = ladders.door("town")
    said = {"side": "support", "kind": "visits", "amount": "2", "once": "77", "other": "县农技站", "on": "2026-11-02"}
    wrong = do(door, standing, "entries", **{**said, "amount": "两次"})
    assert wrong.status_code == 422 and "不是数" in text(wrong) and "县农技站" in text(wrong)
    for _twice in range(2):
        do(door, standing, "entries", **said)
    assert Txn.objects.count() == 1
    assert "县农技站" in page(door, standing)
    assert do(door, standing, "entries", kind="nothing", side="support").status_code == 409


def test_a_paper_is_taken_in(ladders: Ladders) -> None:
    standing = ladders.on("primary")
    door = ladders.door("village")
    assert do(door, standing, "papers", material="person.identity_card").status_code == 422
    kind = door.get(f"/people/s/{standing.no}/").context["papers"]["kinds"][0]
    assert "材料已收下" in text(do(door, standing, "papers", material=kind["key"], photos=picture()))
    assert kind["title"] in page(door, standing)


def test_the_page_costs_the_same_however_long_the_story(ladders: Ladders) -> None:
    standing = ladders.on("primary")
    door = ladders.door("county")
    before = _queries(door, f"/people/s/{standing.no}/")
    duties.assign(standing, ladders.posts["boss"], by=ladders.posts["county"], at=now())
    for _visit in range(3):
        duties.do(Duty.objects.get(done_at=None, dropped_at=None), by=ladders.posts["boss"], at=now(), text="走访")
    assert _queries(door, f"/people/s/{standing.no}/") <= before + 4


def test_every_ladder_has_its_page(ladders: Ladders) -> None:
    """The tool shelf is data alone: the same pages show it."""
    from bihuan.ladder.actions import entering

    standing = entering.nominate(
        "tool_shelf", ladders.subject(), gate="join", by=ladders.posts["village"], at=now(),
        answers={"tool": "drill", "promise": True},
    )  # fmt: skip
    ladders.pump(now())
    shown = page(ladders.door("village"), standing)
    assert "持钥匙" in shown and "续一年" in shown and "电钻" in shown
    assert "已办好" in text(do(ladders.door("village"), standing, "moves/renew"))


# Nominating


def test_a_newcomer_is_registered_and_nominated(ladders: Ladders) -> None:
    door, path = ladders.door("village"), "/people/three_way/nominate/"
    assert "个人申请或组织推荐" in text(door.get(path))
    said = {
        "way": "recommend", "name": "陈新", "unit": ladders.cast.south.code, "phone": "13804139999",
        "a_education": "college", "a_member": "no", "a_origin": "graduate",
        "a_direction": "to_member", "a_trade": "民宿", "text": "返乡大学生",
    }  # fmt: skip
    wrong = door.post(path, {**said, "phone": "12", "a_origin": ""})
    assert wrong.status_code == 422 and "陈新" in text(wrong) and "返乡大学生" in text(wrong)
    assert "请填写“人员来源”" in text(wrong)
    bad = door.post(path, {**said, "phone": "12"})
    assert bad.status_code == 422 and 'value="民宿"' in text(bad)
    answer = door.post(path, {**said, "identity": ""})
    assert answer.status_code == 422 and "请填写“出生日期”" in text(answer)
    answer = door.post(path, {**said, "identity": _identity()})
    assert answer.status_code == 302
    standing = Standing.objects.get()
    assert standing.stage == "contact" and standing.subject.name == "陈新"
    again = door.post(path, {**said, "identity": _identity()})
    assert again.status_code == 409 and "已经登记过" in text(again)


def _identity() -> str:
    from bihuan.lib.codes import BadResidentId, parse_resident_id

    for last in "0123456789X":
        try:
            return parse_resident_id(f"21030219900307123{last}")
        except BadResidentId:
            continue
    raise AssertionError


def test_somebody_registered_is_found_and_asked_only_what_is_not_known(ladders: Ladders) -> None:
    subject = ladders.subject(origin=None)
    door = ladders.door("village")
    found = text(door.post("/people/three_way/nominate/find/", {"q": "13804130001"}))
    assert "王小满" in found and "推荐此人" in found and "13804130001" not in found.replace('value="13804130001"', "")
    assert Look.objects.filter(what="search").exists()
    shown = text(door.get(f"/people/three_way/nominate/{subject.no}/"))
    assert "已有：" in shown
    answer = door.post(f"/people/three_way/nominate/{subject.no}/", {"way": "recommend"})
    assert answer.status_code == 422 and "请填写“人员来源”" in text(answer)
    answer = door.post(f"/people/three_way/nominate/{subject.no}/", {"way": "recommend", "a_origin": "grower"})
    assert answer.status_code == 302
    assert "已在项目里" in text(door.post("/people/three_way/nominate/find/", {"q": "王小满"}))
    assert ladders.door("north").get(f"/people/three_way/nominate/{subject.no}/").status_code == 404


def test_who_opens_no_gate_nominates_nobody(ladders: Ladders) -> None:
    assert ladders.door("boss").get("/people/three_way/nominate/").status_code == 404
    assert ladders.door("county").get("/people/tool_shelf/nominate/").status_code == 404
