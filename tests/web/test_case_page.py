"""The page of a case: everything on one screen, every act through its form, refusals that lose no word."""

import re

import pytest
from django.utils import timezone

from bihuan.book.models import Look
from bihuan.loop.actions import closing, dispatching, handling
from bihuan.loop.models import State, Task
from bihuan.net.models import Posting, Role
from tests.web.lives import dispatched, filed, fresh, handling_case, picture, replied, signed, verifying_case


def post(door, case, verb, **fields):
    fields.setdefault("n", case.n)
    return door.post(f"/cases/{case.no}/{verb}/", fields)


def words_of(answer):
    return answer.content.decode()


def test_everything_about_a_case_is_on_one_screen(cast, login):
    case = handling_case(cast, address="东方花园南门", name="王大海", assisting=[cast.roads])
    shown = words_of(login("handler").get(f"/cases/{case.no}/"))
    for words in ("南关一网格门前水管漏水三天了", "东方花园南门", "海澄市水务局", "海澄市住建局", "办理时限"):
        assert words in shown
    assert "为什么是这个时间" in shown and "工作日" in shown
    assert "已电话联系，约好下午上门" in shown and "水务局 周水务" in shown
    assert "王**" in shown and "138****5678" in shown and "13812345678" not in shown


def test_a_case_page_costs_few_queries(cast, login, django_assert_max_num_queries):
    case, door = handling_case(cast), login("handler")
    door.get(f"/cases/{case.no}/")
    with django_assert_max_num_queries(16):
        door.get(f"/cases/{case.no}/")


@pytest.mark.parametrize("who", ["roads_handler", "other_dispatcher", "admin", "other_worker"])
def test_strangers_find_no_case(cast, login, who):
    case, door = dispatched(cast), login(who)
    assert door.get(f"/cases/{case.no}/").status_code == 404
    assert post(door, case, "sign").status_code == 404
    assert door.post(f"/cases/{case.no}/reveal/", {"purpose": "看看"}).status_code == 404
    assert door.get(f"/cases/{case.no}/map.json").status_code == 404


def test_nobody_reads_without_signing_in(cast, client):
    case = dispatched(cast)
    assert client.get(f"/cases/{case.no}/")["Location"].startswith("/login/")


@pytest.mark.parametrize("who", ["dispatcher", "agent", "supervisor", "leader", "worker", "secretary"])
def test_whose_area_it_lies_in_reads_it(cast, login, who):
    assert login(who).get(f"/cases/{dispatched(cast).no}/").status_code == 200


def test_a_reader_is_offered_only_the_moves_of_his_post(cast, login):
    case = dispatched(cast)
    panels = {who: words_of(login(who).get(f"/cases/{case.no}/")) for who in ("handler", "worker", "leader")}
    assert 'id="panel-sign"' in panels["handler"] and 'id="panel-hand_back"' in panels["handler"]
    assert 'id="panel-sign"' not in panels["worker"]
    assert 'id="panel-urge"' in panels["leader"] and 'id="panel-sign"' not in panels["leader"]


def test_the_centre_is_led_to_its_own_desk(cast, login):
    case = filed(cast)
    assert f"/centre/cases/{case.no}/" in words_of(login("dispatcher").get(f"/cases/{case.no}/"))
    assert "/centre/cases/" not in words_of(login("leader").get(f"/cases/{case.no}/"))


# Every move through its form


def test_sign(cast, login):
    case = dispatched(cast)
    assert post(login("handler"), case, "sign").status_code == 302
    assert (fresh(case).state, fresh(case).handler) == (State.SIGNED, cast.handler.pk)


def test_contact(cast, login):
    case = signed(cast)
    post(login("handler"), case, "contact", way="phone", text="问清了位置")
    assert fresh(case).state == State.HANDLING
    assert "电话：问清了位置" in words_of(login("handler").get(f"/cases/{case.no}/"))


def test_hand_back_with_a_reason_of_the_program(cast, login):
    case = dispatched(cast)
    shown = words_of(login("handler").get(f"/cases/{case.no}/"))
    assert "不属于本单位职责" in shown and "不在本单位辖区" in shown
    post(login("handler"), case, "hand_back", reason="not_ours", text="依供水条例第三条，属住建局")
    assert fresh(case).state == State.RETURNED
    assert "理由：不属于本单位职责" in words_of(login("handler").get(f"/cases/{case.no}/"))


def test_hand_down_to_a_grid_worker_and_back(cast, login):
    case = handling_case_of_the_town(cast)
    door = login("town_handler")
    assert "南关一网格（事发地） · 蒋网格" in words_of(door.get(f"/cases/{case.no}/"))
    post(door, case, "hand_down", to=f"{cast.grid1.pk}:{cast.worker.pk}", text="请到现场看看")
    task = Task.objects.get(case_id=case.pk, kind="hand")
    assert (task.unit_id, task.posting) == (cast.grid1.pk, cast.worker.pk)
    post(login("worker"), fresh(case), "assist", text="现场已清理", photos=picture())
    task.refresh_from_db()
    assert task.stage == "done"
    assert "/photos/" in words_of(door.get(f"/cases/{case.no}/"))


def handling_case_of_the_town(cast):
    from bihuan.loop.actions import handling

    case = dispatched(cast, to=cast.town)
    dispatching.sign(case, by=cast.town_handler, at=timezone.now())
    handling.contact(case, text="已联系", by=cast.town_handler, at=timezone.now())
    return fresh(case)


def test_reply_with_a_photo_then_approval(cast, login):
    case = handling_case(cast)
    post(login("handler"), case, "reply", result="resolved", text="水管已更换", photos=picture())
    assert (fresh(case).state, fresh(case).result) == (State.REPLIED, "resolved")
    answer = post(login("chief"), fresh(case), "approve", outcome="pass")
    assert answer.status_code == 302 and fresh(case).state == State.CALLING_BACK


def test_a_draft_sent_back_needs_its_reason(cast, login):
    case, door = replied(cast), login("chief")
    refused = post(door, case, "approve", outcome="send_back", text="")
    assert refused.status_code == 422 and "请填写“审核意见”。" in words_of(refused)
    post(door, case, "approve", outcome="send_back", text="请写明更换了哪一段")
    assert fresh(case).state == State.HANDLING


def test_a_reply_sent_back_is_gone_on_from_with_the_remark_beside_it(cast, login):
    case = replied(cast)
    handling.approve(case, passed=False, text="请写明更换了哪一段", by=cast.chief, at=timezone.now())
    shown = words_of(login("handler").get(f"/cases/{case.no}/"))
    assert "审核人请您改一改" in shown and shown.count("请写明更换了哪一段") == 2  # beside the form, and in the story
    assert ">\n水管已更换，现场试水不漏。</textarea>" in shown
    assert re.search(r'value="resolved"[^>]* checked', shown)


def test_after_a_redo_the_reply_starts_empty(cast, login):
    case = replied(cast)
    handling.approve(case, passed=True, by=cast.chief, at=timezone.now())
    closing.confirm(fresh(case), solved=False, text="还在漏", at=timezone.now())
    assert "水管已更换，现场试水不漏。</textarea>" not in words_of(login("handler").get(f"/cases/{case.no}/"))


def test_nobody_is_offered_to_approve_his_own_draft(cast, login):
    case = handling_case(cast)
    post(login("chief"), case, "reply", result="resolved", text="水管已更换")
    assert 'id="panel-approve"' not in words_of(login("chief").get(f"/cases/{case.no}/"))
    refused = post(login("chief"), fresh(case), "approve", outcome="pass")
    assert refused.status_code == 409 and "不能审核自己起草的答复" in words_of(refused)


def test_nor_is_it_offered_in_another_posting_of_the_same_person(cast, login):
    case = handling_case(cast)
    written = Posting.objects.create(
        person=cast.chief.person, unit=cast.water, role=Role.HANDLER, since=cast.chief.since
    )
    handling.reply(case, result="resolved", text="水管已更换", by=written, at=timezone.now())
    assert 'id="panel-approve"' not in words_of(login("chief").get(f"/cases/{case.no}/"))


def test_an_assisting_unit_gives_its_part(cast, login):
    case, door = handling_case(cast, assisting=[cast.roads]), login("roads_handler")
    shown = words_of(door.get(f"/cases/{case.no}/"))
    assert 'id="panel-assist"' in shown and 'id="panel-reply"' not in shown
    post(door, case, "assist", text="路面已回填")
    assert "海澄市住建局 反馈" in words_of(door.get(f"/cases/{case.no}/"))


def test_verify_needs_a_photo_and_then_closes(cast, login):
    case, door = verifying_case(cast), login("worker")
    refused = post(door, case, "verify", outcome="pass", text="看过了")
    assert refused.status_code == 422
    assert "请附上“现场照片”" in words_of(refused) and "看过了" in words_of(refused)
    post(door, case, "verify", outcome="pass", text="确实不漏了", photos=picture())
    assert (fresh(case).state, fresh(case).ending) == (State.CLOSED, "verified")


def test_who_handled_it_is_not_asked_to_verify(cast, login):
    case = verifying_case(cast)
    assert 'id="panel-verify"' not in words_of(login("handler").get(f"/cases/{case.no}/"))


def test_urge(cast, login):
    case = dispatched(cast)
    post(login("supervisor"), case, "urge", text="老人行动不便，请抓紧")
    assert "老人行动不便" in words_of(login("handler").get(f"/cases/{case.no}/"))


# Bad input and stale pages


def test_a_stale_page_says_so_and_keeps_the_words(cast, login):
    case, door = handling_case(cast), login("handler")
    closing.urge(case, by=cast.supervisor, at=timezone.now())
    refused = post(door, case, "reply", result="resolved", text="辛苦写下的一大段答复")
    assert refused.status_code == 409
    assert "刚刚被别人处理过" in words_of(refused) and "辛苦写下的一大段答复" in words_of(refused)
    assert f'name="n" value="{fresh(case).n}"' in words_of(refused)
    assert fresh(case).state == State.HANDLING


def test_words_are_kept_even_when_the_move_is_gone(cast, login):
    case, door = handling_case(cast), login("handler")
    post(door, case, "reply", result="resolved", text="同事先答复了")
    refused = post(door, case, "reply", result="resolved", text="我写的另一段答复")
    assert refused.status_code == 409 and "我写的另一段答复" in words_of(refused)


@pytest.mark.parametrize(
    ("verb", "fields", "sentence"),
    [
        ("reply", {"text": "办好了"}, "请选择“办理结果”"),
        ("reply", {"text": "办好了", "result": "magic"}, "不在可用的选项中"),
        ("reply", {"text": " ", "result": "resolved"}, "请填写“答复内容”"),
        ("reply", {"text": "好" * 5001, "result": "resolved"}, "内容太长了"),
        ("hand_down", {}, "请选择交给谁办"),
        ("hand_down", {"to": "999"}, "不在可用的选项中"),
        ("sign", {}, "不能进行这一步操作"),
    ],
)
def test_bad_input_is_one_clear_sentence(cast, login, verb, fields, sentence):
    case = handling_case(cast)
    refused = post(login("handler"), case, verb, **fields)
    assert refused.status_code in (409, 422)
    assert sentence in words_of(refused)
    assert fresh(case).n == case.n


def test_a_renamed_program_is_no_photo(cast, login):
    import io

    case, wrong = handling_case(cast), io.BytesIO(b"MZ\x90\x00 not a picture")
    wrong.name = "photo.jpg"
    refused = post(login("handler"), case, "reply", result="resolved", text="办好了", photos=wrong)
    assert refused.status_code == 422 and "这不是能接收的照片" in words_of(refused) and "办好了" in words_of(refused)


def test_script_in_the_words_is_only_words(cast, login):
    case = dispatched(cast, text="<script>alert(1)</script>'; DROP TABLE loop_case; --")
    shown = words_of(login("handler").get(f"/cases/{case.no}/"))
    assert "<script>alert(1)</script>" not in shown and "&lt;script&gt;alert(1)" in shown


def test_an_unknown_verb_or_number_is_not_found(cast, login):
    case, door = dispatched(cast), login("handler")
    assert post(door, case, "explode").status_code == 404
    assert door.get("/cases/219981261116000001X/").status_code == 404


def test_htmx_gets_the_part_when_refused_and_the_page_when_done(cast, login):
    case, door = dispatched(cast), login("handler")
    htmx = {"headers": {"HX-Request": "true"}}
    refused = door.post(f"/cases/{case.no}/hand_back/", {"n": case.n}, **htmx)
    assert refused.status_code == 422 and "<html" not in words_of(refused) and 'id="case"' in words_of(refused)
    done = door.post(f"/cases/{case.no}/sign/", {"n": case.n}, **htmx)
    assert done["HX-Redirect"] == f"/cases/{case.no}/"


# The contact


def test_a_contact_is_opened_for_a_written_purpose(cast, login):
    case, door = signed(cast, name="王大海"), login("handler")
    refused = door.post(f"/cases/{case.no}/reveal/", {"purpose": " "})
    assert refused.status_code == 422 and "13812345678" not in words_of(refused)
    opened = door.post(f"/cases/{case.no}/reveal/", {"purpose": "约定上门时间"})
    assert "13812345678" in words_of(opened) and "王大海" in words_of(opened)
    look = Look.objects.get(what="contact", case_id=case.pk)
    assert (look.posting, look.purpose) == (cast.handler.pk, "约定上门时间")


def test_a_leader_reads_without_the_number(cast, login):
    case, door = signed(cast), login("leader")
    assert "查看完整联系方式" not in words_of(door.get(f"/cases/{case.no}/"))
    assert door.post(f"/cases/{case.no}/reveal/", {"purpose": "看看"}).status_code == 404


def test_a_secret_case_is_only_for_its_handlers(cast, login):
    case = dispatched(cast, secrecy="secret")
    assert login("handler").get(f"/cases/{case.no}/").status_code == 200
    for who in ("worker", "leader", "supervisor", "agent"):
        assert login(who).get(f"/cases/{case.no}/").status_code == 404


def test_similar_open_cases_nearby_are_named(cast, login):
    case = handling_case(cast)
    handling_case(cast, text="隔壁单元也在漏水")
    filed(cast, text="不同的事")
    shown = words_of(login("handler").get(f"/cases/{case.no}/"))
    assert "附近同类" in shown and "隔壁单元也在漏水" in shown and "不同的事" not in shown


def test_the_map_marks_the_grid_of_the_matter(cast, login):
    from bihuan.net.models import Boundary

    square = {"type": "Polygon", "coordinates": [[[122.1, 40.1], [122.2, 40.1], [122.2, 40.2], [122.1, 40.1]]]}
    for unit in (cast.grid1, cast.grid2):
        Boundary.objects.create(unit=unit, geometry=square, source="test", updated_at=timezone.now())
    found = login("handler").get(f"/cases/{dispatched(cast).no}/map.json").json()
    assert {one["properties"]["name"]: one["properties"]["tone"] for one in found["features"]} == {
        "南关一网格": "now",
        "南关二网格": "",
    }


def test_the_leader_reads_the_draft_before_he_approves_it(cast, login):
    shown = words_of(login("chief").get(f"/cases/{replied(cast).no}/"))
    assert shown.index("单位的答复") < shown.index('id="panel-approve"')
    assert "水管已更换，现场试水不漏。" in shown and "已解决" in shown


def test_staff_read_what_the_resident_was_told_but_get_no_link_of_theirs(cast, login):
    from datetime import timedelta

    from bihuan.book import outbox

    case = dispatched(cast)
    outbox.drain(timezone.now() + timedelta(seconds=1), 100)
    shown = words_of(login("handler").get(f"/cases/{case.no}/"))
    assert "由海澄市水务局办理" in shown
    assert "/t/" not in shown  # whoever holds the signed link acts as the resident
