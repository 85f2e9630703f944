"""Residents' pages through the door: a number at once, one case whatever happens, a sentence for what cannot be."""

import io
import re
import uuid
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from bihuan.dossier.models import Contact, Photo, Text
from bihuan.loop.actions import closing, dispatching, handling, intake
from bihuan.loop.links import track_path
from bihuan.loop.models import Case, CaseEvent, State
from bihuan.loop.report import Report
from bihuan.net.models import Boundary
from bihuan.net.regions import across_regions
from bihuan.web.tracking import on_page

HOUR = timedelta(hours=1)
WORDS = "小区门口的路塌了一块，晚上看不见"


def send(client: Client, **said: Any) -> Any:
    return client.post("/report/", {"type": "complaint", "text": WORDS, "client_id": str(uuid.uuid4()), **said})


def picture(name: str = "road.jpg", size: tuple[int, int] = (60, 40), kind: str = "JPEG") -> SimpleUploadedFile:
    file = io.BytesIO()
    Image.new("RGB", size, "grey").save(file, kind)
    return SimpleUploadedFile(name, file.getvalue(), "image/jpeg")


def cases() -> list[Case]:
    with across_regions("a test looks at all of them"):
        return list(Case.objects.order_by("id"))


def filed(at: Any, **said: Any) -> Case:
    report = Report(type="help", **{"text": WORDS, "phone": "13812345678", "grid": "219981001001001", **said})
    return Case.objects.get(no=intake.file(report, at=at).number)


def page_of(case: Case) -> str:
    return track_path(case.no)


def sentences(answer: Any) -> str:
    """The words of a page without its tags."""
    return re.sub(r"<[^>]+>", " ", answer.content.decode())


@pytest.fixture
def outlines(cast: SimpleNamespace, at: Any) -> None:
    """Two squares: the first grid and its neighbour."""
    from bihuan.net import revisions

    for n, unit in enumerate((cast.grid1, cast.grid2)):
        west = 122.70 + n * 0.01
        ring = [[west, 40.85], [west + 0.01, 40.85], [west + 0.01, 40.86], [west, 40.86], [west, 40.85]]
        shape = {"type": "Polygon", "coordinates": [ring]}
        Boundary.objects.create(unit=unit, geometry=shape, source="test", made_up=True, updated_at=at)
    revisions.forget()


# Reporting


def test_a_report_gives_a_number_and_a_page_at_once(cast, client):
    sent = send(
        client, address="海州街道南关社区南关一网格 3号楼", phone="138 1234 5678", name="王芳", secrecy="private"
    )
    assert sent.status_code == 302
    (case,) = cases()
    assert (case.type, case.state, case.source, case.secrecy) == ("complaint", State.FILED, "web", "private")
    assert (case.l5, case.grid_id) == (cast.south.pk, cast.grid1.pk)
    done = client.get(sent["Location"])
    assert case.no[:6] in sentences(done) and track_path(case.no) in done.content.decode()
    followed = client.get(track_path(case.no))
    assert followed.status_code == 200 and WORDS in sentences(followed)
    assert "13812345678" not in followed.content.decode() and "王芳" not in followed.content.decode()
    assert followed["X-Robots-Tag"] == "noindex" and "no-store" in followed["Cache-Control"]


def test_a_repeated_click_and_a_lost_connection_end_in_one_case(cast, client):
    key = str(uuid.uuid4())
    first, again = send(client, client_id=key), send(client, client_id=key)
    with_photo = send(client, client_id=key, photos=picture())  # the same again, its photo newly taken
    assert first["Location"] == again["Location"] == with_photo["Location"]
    assert len(cases()) == 1


def test_another_matter_under_a_used_id_asks_once_more_and_is_then_filed(cast, client):
    key = str(uuid.uuid4())
    send(client, client_id=key)
    other = send(client, client_id=key, text="路灯也不亮")
    assert other.status_code == 409 and "路灯也不亮" in other.content.decode()
    fresh = re.search(r'name="client_id" value="([^"]+)"', other.content.decode())[1]
    assert fresh != key
    assert send(client, client_id=fresh, text="路灯也不亮").status_code == 302
    assert len(cases()) == 2


def test_levels_are_chosen_one_by_one_without_scripts(cast, client):
    town = client.post("/report/", {"text": WORDS, "area": ["219981000000", "219981001000"], "choose": "1"})
    assert town.status_code == 200 and WORDS in town.content.decode()
    assert "南关社区" in town.content.decode() and "南关一网格" not in town.content.decode()
    community = client.post(
        "/report/", {"text": WORDS, "area": ["219981000000", "219981001000", "219981001001"], "choose": "1"}
    )
    assert "南关一网格" in community.content.decode()
    assert not cases()
    send(client, area=["219981000000", "219981001000", "219981001001", "219981001001002"])
    assert cases()[0].grid_id == cast.grid2.pk


def test_what_was_chosen_under_another_street_is_left_over(cast, client):
    send(client, area=["219981000000", "219981002000", "219981001001"])
    (case,) = cases()
    assert (case.l4, case.l5) == (cast.other_town.pk, None)


def test_a_tap_on_the_map_finds_the_grid(cast, client, outlines):
    told = client.get("/report/place/", {"lng": "122.715", "lat": "40.855", "address": ""})
    assert "南关二网格" in sentences(told)
    send(client, lng="122.715", lat="40.855")
    (case,) = cases()
    assert (case.grid_id, case.lng, case.lat) == (cast.grid2.pk, 122.715, 40.855)


def test_the_map_gets_outlines_of_the_home_area(cast, client, at):
    from bihuan.net import revisions

    ring = [[122.7, 40.85], [122.71, 40.85], [122.71, 40.86], [122.7, 40.85]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    Boundary.objects.create(unit=cast.south, geometry=shape, source="test", updated_at=at)
    revisions.forget()
    told = client.get("/outlines.json").json()
    assert [feature["properties"]["name"] for feature in told["features"]] == ["南关社区"]


def test_photos_come_with_the_form_when_there_are_no_scripts(cast, client):
    sent = send(client, photos=[picture(), picture("hole.png", kind="PNG")])
    assert sent.status_code == 302
    (case,) = cases()
    assert Photo.objects.filter(case_id=case.pk, stage="report").count() == 2


def test_photos_sent_one_by_one_are_claimed_and_shown_again_after_a_refusal(cast, client):
    key = client.post("/photos/", {"file": picture()}).json()["id"]
    refused = send(client, text="", photo_ids=key)
    assert refused.status_code == 422 and f'value="{key}"' in refused.content.decode()
    assert send(client, photo_ids=key).status_code == 302
    assert Photo.objects.get(key=key).case_id == cases()[0].pk


# Bad input: one case, or one clear sentence


def big() -> SimpleUploadedFile:
    return SimpleUploadedFile("big.jpg", b"\xff\xd8\xff" + b"0" * 20_000_000, "image/jpeg")


@pytest.mark.parametrize(
    ("said", "status", "sentence"),
    [
        ({"text": ""}, 422, "请写下您要反映的事情"),
        ({"text": "  \n "}, 422, "请写下您要反映的事情"),
        ({"text": "字" * 100_000}, 422, "内容太长了（100000字）"),
        ({"type": ""}, 422, "请点选一项"),
        ({"type": "骂人"}, 422, "请重新点选一项"),
        ({"secrecy": "绝密"}, 422, "请选择是否公开"),
        ({"phone": "12345"}, 422, "手机"),
        ({"name": "王" * 41}, 422, "姓名太长了"),
        ({"address": "路" * 201}, 422, "地址太长了"),
        ({"lng": "116.40", "lat": "39.90"}, 422, "不在本市范围内"),
        ({"photos": [picture(f"{n}.jpg") for n in range(50)]}, 422, "最多上传9张照片"),
        ({"photos": big()}, 422, "每张最多 10 MB"),
        ({"photos": SimpleUploadedFile("cat.jpg", b"MZ\x90\x00" + b"\0" * 400, "image/jpeg")}, 422, "不是能接收的照片"),
        ({"photo_ids": "gone"}, 422, "照片已过期"),
    ],
)
def test_what_cannot_be_taken_gets_one_sentence_and_keeps_the_words(cast, client, outlines, said, status, sentence):
    answer = send(client, **{"text": WORDS, "address": "北顺路早市", **said})
    assert answer.status_code == status
    assert sentence in sentences(answer)
    assert not cases()
    if "text" not in said:
        assert WORDS in answer.content.decode()
    if "address" not in said:
        assert "北顺路早市" in answer.content.decode()


@pytest.mark.parametrize(
    "words",
    [
        "'; DROP TABLE loop_case; --",
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "井盖坏了😀👨‍👩‍👧‍👦，𠮷野家门口，㐂",
        "有\x00空字符，也有\x07响铃",
        "{{ 7|add:7 }} {% load x %} %s %(a)s",
    ],
)
def test_odd_words_end_in_one_case_and_are_shown_as_words(cast, client, words):
    sent = send(client, text=words, address=words[:60], name=words[:20])
    assert sent.status_code == 302
    (case,) = cases()
    shown = client.get(track_path(case.no)).content.decode()
    assert "<script>alert" not in shown and "onerror=alert(1)>" not in shown.replace("&gt;", "")
    kept = "".join(mark for mark in words if mark >= " ")
    assert Text.objects.get(region_id=case.region_id, pk=case.text_id).body == kept


def test_a_report_without_a_place_is_taken_and_left_to_the_dispatcher(cast, client):
    assert send(client).status_code == 302
    assert (cases()[0].grid_id, cases()[0].l5) == (None, None)


def test_numbers_that_are_none_are_no_point(cast, client, outlines):
    for lng, lat in (("nan", "40"), ("", "40"), ("x", "y"), ("1e999", "2")):
        assert send(client, lng=lng, lat=lat).status_code == 302


def test_too_many_from_one_phone_are_asked_to_wait(cast, client):
    for n in range(20):
        send(client, phone="13800001111", text=f"第{n}件")
    answer = send(client, phone="13800001111", text="第二十一件")
    assert answer.status_code == 429 and "一小时内反映的事情太多" in sentences(answer)
    assert "第二十一件" in answer.content.decode()


def test_an_upload_that_is_no_photo_is_told_in_json(cast, client):
    answer = client.post("/photos/", {"file": SimpleUploadedFile("a.jpg", b"MZ nothing", "image/jpeg")})
    assert answer.status_code == 422 and "照片" in answer.json()["error"]["message"]
    assert client.post("/photos/").status_code == 422


def test_the_form_itself_needs_few_queries(cast, client, django_assert_max_num_queries):
    client.get("/report/")
    with django_assert_max_num_queries(1):  # the net's revision, at most every two seconds
        client.get("/report/")


# Finding one's matter again


def test_number_and_tail_lead_to_the_page(cast, client, at):
    case = filed(at)
    grouped = f"{case.no[:6]}-{case.no[6:12]}-{case.no[12:18]}-{case.no[18]}"
    assert client.post("/track/", {"number": grouped, "tail": "5678"})["Location"] == track_path(case.no)


@pytest.mark.parametrize(
    ("number", "tail", "status", "sentence"),
    [
        ("", "5678", 422, "请填写编号"),
        (None, "56", 422, "最后四位数字"),
        (None, "0000", 404, "没有查到"),
        ("123", "5678", 404, "没有查到"),
        ("<b>1</b>", "5678", 404, "没有查到"),
    ],
)
def test_a_wrong_number_or_tail_gets_a_sentence(cast, client, at, number, tail, status, sentence):
    case = filed(at)
    answer = client.post("/track/", {"number": case.no if number is None else number, "tail": tail})
    assert answer.status_code == status and sentence in sentences(answer)


def test_five_wrong_tails_shut_the_door_for_an_hour(cast, client, at):
    case = filed(at)
    said = [client.post("/track/", {"number": case.no, "tail": "0000"}).status_code for _ in range(6)]
    assert said == [404] * 5 + [429]
    right = client.post("/track/", {"number": case.no, "tail": "5678"})
    assert right.status_code == 429 and "一小时后再试" in sentences(right)


def test_a_broken_link_leads_to_the_question_for_the_number(cast, client, at):
    link = page_of(filed(at))
    answer = client.get(f"{link[:-3]}xx/")
    assert answer.status_code == 404 and "链接不完整" in sentences(answer)


# The resident's own page


def worked(cast, case: Case, at, *, after: int = 0, reply: str = "路面已经补平") -> Case:
    """Accepted, dispatched, signed, contacted, replied and approved."""
    intake.accept(case, by=cast.dispatcher, at=at)
    dispatching.dispatch(case, to=cast.roads, by=cast.dispatcher, at=at)
    dispatching.sign(case, by=cast.roads_handler, at=at)
    handling.contact(case, text="电话联系了", by=cast.roads_handler, at=at)
    handling.reply(case, result="resolved", text=reply, by=cast.roads_handler, at=at)
    if after:
        handling.approve(case, passed=True, by=cast.roads_chief, at=at)
    case.refresh_from_db()
    return case


@pytest.fixture
def now(monkeypatch, at):
    """Pages at a stated moment: `now(at)`."""

    def be(moment: Any) -> None:
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment)

    be(at)
    return be


def test_the_page_says_who_has_it_until_when_and_why_then(cast, client, at, now):
    case = filed(at)
    intake.accept(case, by=cast.dispatcher, at=at)
    dispatching.dispatch(case, to=cast.roads, by=cast.dispatcher, at=at)
    said = sentences(client.get(page_of(case)))
    assert "海澄市住建局" in said and "11月30日" in said and "为什么是这个时间" in said
    assert "工作日" in said and "派单" not in said and "工单" not in said


def test_a_unit_whose_hand_back_was_upheld_is_no_longer_named(cast, client, at, now):
    case = filed(at)
    intake.accept(case, by=cast.dispatcher, at=at)
    dispatching.dispatch(case, to=cast.roads, by=cast.dispatcher, at=at)
    dispatching.hand_back(case, reason="unclear", text="说不清是哪一段", by=cast.roads_handler, at=at)
    dispatching.rule(case, uphold=True, text="", by=cast.dispatcher, at=at)
    said = sentences(client.get(page_of(case)))
    assert "谁在办" not in said and "前答复您" not in said and "安排由谁办" in said


def test_a_reply_is_told_only_when_it_was_approved(cast, client, at, now):
    case = worked(cast, filed(at), at)
    assert "路面已经补平" not in sentences(client.get(page_of(case)))
    handling.approve(case, passed=True, by=cast.roads_chief, at=at)
    assert "路面已经补平" in sentences(client.get(page_of(case)))


def test_one_tap_on_a_face_closes_and_rates_it(cast, client, at, now):
    case = worked(cast, filed(at), at, after=1)
    answer = client.post(f"{page_of(case)}confirm/", {"satisfied": "4"})
    assert answer["Location"] == page_of(case)
    case.refresh_from_db()
    assert (case.state, case.ending, case.rating) == (State.CLOSED, "confirmed", 4)
    again = client.post(f"{page_of(case)}confirm/", {"satisfied": "5"})
    assert again.status_code == 409 and "刚刚有了新进展" in sentences(again)


def test_not_solved_with_why_and_a_photo_is_done_again(cast, client, at, now):
    case = worked(cast, filed(at), at, after=1)
    client.post(f"{page_of(case)}deny/", {"text": "只补了一半", "photos": picture()})
    case.refresh_from_db()
    assert (case.state, case.redos, case.replied_at) == (State.HANDLING, 1, None)
    assert Photo.objects.get(case_id=case.pk).stage == "check"
    assert "路面已经补平" not in sentences(client.get(page_of(case)))


def test_what_was_typed_stays_when_the_photo_is_none(cast, client, at, now):
    case = worked(cast, filed(at), at, after=1)
    wrong = SimpleUploadedFile("a.jpg", b"MZ", "image/jpeg")
    answer = client.post(f"{page_of(case)}deny/", {"text": "只补了一半", "photos": wrong})
    assert answer.status_code == 422 and "只补了一半" in answer.content.decode()
    case.refresh_from_db()
    assert case.state == State.CALLING_BACK


def test_urging_is_once_a_day(cast, client, at, now):
    case = filed(at)
    assert client.post(f"{page_of(case)}urge/").status_code == 302
    second = client.post(f"{page_of(case)}urge/")
    assert second.status_code == 409 and "今天已经替您催过了" in sentences(second)
    now(at + 24 * HOUR)
    assert client.post(f"{page_of(case)}urge/").status_code == 302
    assert CaseEvent.objects.filter(case_id=case.pk, verb="urge").count() == 2


def test_taking_it_back_ends_it(cast, client, at, now):
    case = filed(at)
    assert "确定撤回" in client.get(page_of(case)).content.decode()
    client.post(f"{page_of(case)}withdraw/")
    case.refresh_from_db()
    assert case.state == State.WITHDRAWN
    assert "确定撤回" not in client.get(page_of(case)).content.decode()


def test_a_closing_nobody_could_confirm_is_reopened_within_thirty_days(cast, client, at, now):
    case = worked(cast, filed(at), at, after=1)
    late = at + timedelta(days=3)
    with_clock(case, late)
    case.refresh_from_db()
    assert case.ending == "unreached"
    now(late + timedelta(days=29))
    assert "请接着办" in client.get(page_of(case)).content.decode()
    now(late + timedelta(days=31))
    refused = client.post(f"{page_of(case)}reopen/", {"text": "还是塌的"})
    assert refused.status_code == 409
    now(late + timedelta(days=29))
    assert client.post(f"{page_of(case)}reopen/", {"text": ""}).status_code == 422
    assert client.post(f"{page_of(case)}reopen/", {"text": "还是塌的"}).status_code == 302
    case.refresh_from_db()
    assert (case.state, case.redos) == (State.HANDLING, 1)


def with_clock(case: Case, at: Any) -> None:
    from django.db import transaction

    from bihuan.loop.record import locked

    with transaction.atomic():
        locked(case, at=at)


def test_acts_need_a_post(cast, client, at):
    link = page_of(filed(at))
    assert {client.get(f"{link}{verb}/").status_code for verb in ("confirm", "deny", "urge", "withdraw")} == {405}


def test_the_page_needs_a_bounded_number_of_queries(cast, client, at, now, django_assert_max_num_queries):
    case = worked(cast, filed(at), at, after=1)
    client.get(page_of(case))
    with django_assert_max_num_queries(13):
        client.get(page_of(case))


# Photos


def test_photos_are_for_the_link_and_for_staff_of_the_case(cast, client, login, at, now):
    key = client.post("/photos/", {"file": picture()}).json()["id"]
    assert Client().get(f"/photos/{key}/small/")["Content-Type"] == "image/jpeg"  # unclaimed: for whoever holds the key
    case, other = filed(at, photos=(key,)), filed(at)
    assert Client().get(f"/photos/{key}/").status_code == 404
    assert login("dispatcher").get(f"/photos/{key}/").status_code == 200
    assert login("other_dispatcher").get(f"/photos/{key}/").status_code == 404
    assert client.get(f"{page_of(case)}photos/{key}/").status_code == 200
    assert client.get(f"{page_of(other)}photos/{key}/").status_code == 404
    assert client.get("/photos/nothing/").status_code == 404


def test_pictures_of_the_work_wait_for_the_approved_reply(cast, client, at, now):
    shot = client.post("/photos/", {"file": picture()}).json()["id"]
    case = filed(at)
    intake.accept(case, by=cast.dispatcher, at=at)
    dispatching.dispatch(case, to=cast.roads, by=cast.dispatcher, at=at)
    dispatching.sign(case, by=cast.roads_handler, at=at)
    handling.contact(case, text="到场", by=cast.roads_handler, at=at)
    handling.reply(case, result="resolved", text="补好了", by=cast.roads_handler, at=at, pictures=[shot])
    assert client.get(f"{page_of(case)}photos/{shot}/").status_code == 404
    handling.approve(case, passed=True, by=cast.roads_chief, at=at)
    assert client.get(f"{page_of(case)}photos/{shot}/").status_code == 200


def test_done_again_the_pictures_of_what_was_not_solved_are_gone(cast, client, at, now):
    first, second = (client.post("/photos/", {"file": picture(size=(60, side))}).json()["id"] for side in (40, 50))
    case = filed(at)
    intake.accept(case, by=cast.dispatcher, at=at)
    dispatching.dispatch(case, to=cast.roads, by=cast.dispatcher, at=at)
    dispatching.sign(case, by=cast.roads_handler, at=at)
    handling.contact(case, text="到场", by=cast.roads_handler, at=at)
    for shot in (first, second):
        handling.reply(case, result="resolved", text="补好了", by=cast.roads_handler, at=at, pictures=[shot])
        handling.approve(case, passed=True, by=cast.roads_chief, at=at)
        if shot == first:
            closing.confirm(case, solved=False, text="又塌了", at=at)
    shown = client.get(page_of(case)).content.decode()
    assert second in shown and first not in shown


# The front page


def test_the_front_page_has_three_ways_in_and_the_days_numbers(cast, client):
    said = sentences(client.get("/"))
    assert "我要反映" in said and "查进度" in said and "今天" in said


def test_the_front_page_stands_before_anything_was_imported(db, client):
    from bihuan.net import revisions

    revisions.forget()
    assert client.get("/").status_code == 200


def test_closed_cases_offer_nothing_more(cast, client, at, now):
    case = worked(cast, filed(at), at, after=1)
    closing.confirm(case, solved=True, at=at)
    shown = client.get(page_of(case)).content.decode()
    assert all(f"{page_of(case)}{verb}/" not in shown for verb in ("urge", "withdraw", "confirm", "deny", "reopen"))
    assert Contact.objects.filter(case_id=case.pk).exists()


# Words


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("我们收到了，编号{spoken}。定好就告诉您。查看进展：{link}", "我们收到了。定好就告诉您。"),
        ("您反映的事（{number}）有结果了：已解决。请您来看、您来说：{link}", "您反映的事有结果了：已解决。"),
        ("您反映的事（{spoken}）已经答复，请看：{link}", "您反映的事已经答复"),
        ("您反映的事（{number}）还没办好，我们请水务局再办一次。", "您反映的事还没办好，我们请水务局再办一次。"),
        ("We have your request, number {spoken}. We will tell you. Follow it: {link}", "We have your request. We will tell you."),
        ("别的事", "别的事"),
    ],
)  # fmt: skip
def test_messages_are_told_on_the_page_without_its_own_number_and_address(said, shown):
    number = "2199812611160000019"
    link = f"{settings.PUBLIC_URL}/t/{number}~sig/"
    message = said.format(number=number, spoken="219981-261116-000001-9", link=link)
    assert on_page(message, number) == shown


@pytest.mark.parametrize("page", ["/", "/report/", "/track/", "matter", "done"])
def test_the_pages_speak_english_too(cast, client, at, now, page):
    case = worked(cast, filed(at, text="x", phone="13812345678"), at, reply="done", after=1)
    known = {"matter": page_of(case), "done": f"/report/done{page_of(case).removeprefix('/t')}"}
    said = sentences(client.get(known.get(page, page), headers={"accept-language": "en"}))
    said = re.sub("中文|海澄市住建局|海澄市|铁阳区", "", said)  # names stay what they are
    assert re.findall(r"[一-鿿]+", said) == []


def test_a_stranger_is_not_told_of_duties(cast, client, login):
    assert "工作范围" not in sentences(client.get("/nowhere/"))
    assert "工作范围" in sentences(login("handler").get("/nowhere/"))
