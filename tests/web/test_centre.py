"""The centre's desk: one queue for the day, the case in hand beside it, every act by form, nothing typed is lost."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User

from bihuan.book.models import Look
from bihuan.loop.actions import closing, dispatching, handling, intake
from bihuan.loop.models import Case, CaseEvent, State
from bihuan.loop.report import Report
from bihuan.net import tree
from bihuan.net.models import Person, Place, Posting, Role, Unit
from bihuan.net.pinyin import spelled
from bihuan.web.centre import views
from tests.world import BORN

HOUR = timedelta(hours=1)
GRID = "219981001001001"


@pytest.fixture
def now(monkeypatch, at):
    """The moment of the desk's clock: `now.at` may be moved."""
    moment = SimpleNamespace(at=at + HOUR / 2)
    monkeypatch.setattr(views, "_now", lambda: moment.at)
    return moment


@pytest.fixture
def city(cast, login):
    """A dispatcher of the whole city, who gets what has no place yet, and his client."""
    user = User.objects.create_user("city_dispatcher", password="x")
    person = Person.objects.create(name="市派单", user=user)
    cast.city_dispatcher = Posting.objects.create(
        person=person, unit=cast.city_centre, role=Role.DISPATCHER, since=BORN
    )
    return login("city_dispatcher")


def filed(at, text="南关一网格停水了", grid=GRID, **words) -> Case:
    report = Report(type="help", text=text, name="王建国", phone=words.pop("phone", "13812345678"), grid=grid, **words)
    return fresh(intake.file(report, at=at).number)


def fresh(case: Case | str) -> Case:
    return Case.objects.get(no=getattr(case, "no", case))


def accepted(cast, at, **words) -> Case:
    case = filed(at, **words)
    intake.accept(case, by=cast.dispatcher, at=at)
    return fresh(case)


def dispatched(cast, at, **words) -> Case:
    case = accepted(cast, at, **words)
    dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at, category=cast.tap, note="请今天看看")
    return fresh(case)


def returned(cast, at, **words) -> Case:
    case = dispatched(cast, at, **words)
    dispatching.hand_back(case, reason="not_ours", text="管子是小区的", by=cast.handler, at=at)
    return fresh(case)


def replied(cast, at, **words) -> Case:
    case = dispatched(cast, at, **words)
    dispatching.sign(case, by=cast.handler, at=at)
    handling.contact(case, text="电话联系过", by=cast.handler, at=at)
    handling.reply(case, result="resolved", text="水管已换好", by=cast.handler, at=at)
    handling.approve(case, passed=True, by=cast.chief, at=at)
    return fresh(case)


def verbs(case: Case) -> list[str]:
    return list(CaseEvent.objects.filter(case_id=case.pk).order_by("n").values_list("verb", flat=True))


def act(client, case: Case, verb: str, *, n: int | None = None, htmx: bool = False, **said: Any):
    data = {"verb": verb, "n": case.n if n is None else n, "list": said.pop("list", ""), **said}
    headers = {"HX-Request": "true"} if htmx else {}
    return client.post(f"/centre/cases/{case.no}/act/", data, headers=headers)


def text_of(answer: Any) -> str:
    return answer.content.decode()


# Who comes in, and what is seen


@pytest.mark.parametrize(("who", "where"), [("dispatcher", "todo"), ("caller", "callback"), ("supervisor", "units")])
def test_the_day_begins_where_the_work_is(login, now, who, where):
    answer = login(who).get("/centre/")
    assert answer["Location"] == f"/centre/{where}/"
    assert login(who).get(answer["Location"]).status_code == 200


def test_another_role_finds_nothing_here(login, now):
    assert login("handler").get("/centre/todo/").status_code == 404
    assert login("agent").get("/centre/filed/").status_code == 404
    assert login("caller").post("/centre/accept/").status_code == 404


def test_another_county_sees_neither_row_nor_case(cast, login, now, at):
    case, stranger = filed(at), login("other_dispatcher")
    assert case.no not in text_of(stranger.get("/centre/open/"))
    assert stranger.get(f"/centre/open/?case={case.no}").status_code == 404
    assert act(stranger, case, "accept").status_code == 404
    assert stranger.get(f"/centre/cases/{case.no}/advice/").status_code == 404
    assert verbs(case) == ["file"]


def test_every_queue_holds_what_it_says(cast, city, now, at):
    cases = {
        "filed": filed(at + HOUR / 2, phone="13800000001"),
        "accepted": accepted(cast, at + HOUR / 2, phone="13800000002"),
        "returned": returned(cast, at + HOUR / 2, phone="13800000003"),
        "callback": replied(cast, at + HOUR / 2, phone="13800000004"),
        "unplaced": filed(at + HOUR / 2, grid="", phone="13800000005"),
    }
    client = city
    for key, case in cases.items():
        assert f"row-{case.no}" in text_of(client.get(f"/centre/{key}/"))
    todo = text_of(client.get("/centre/todo/"))
    assert [f"row-{case.no}" in todo for case in cases.values()] == [True, True, True, False, True]
    assert f"row-{cases['callback'].no}" in text_of(client.get("/centre/open/"))
    now.at = at + 30 * timedelta(days=1)
    assert all(f"row-{case.no}" in text_of(client.get("/centre/late/")) for case in cases.values())
    closing.withdraw(cases["filed"], at=at + HOUR)
    assert f"row-{cases['filed'].no}" in text_of(client.get("/centre/closed/"))


def test_a_queue_costs_four_statements_whatever_it_holds(cast, login, now, at, django_assert_num_queries):
    for n in range(6):
        filed(at, phone=f"1380000000{n}")
    client = login("dispatcher")
    client.get("/centre/todo/")
    for address in ("/centre/todo/", f"/centre/open/?category={cast.tap.pk}&area=219981001000&unit=219981D01"):
        with django_assert_num_queries(4):  # session; posting; counts; rows
            assert client.get(address).status_code == 200
    with django_assert_num_queries(4):
        client.get("/centre/todo/list/", headers={"HX-Request": "true"})
    supervisor = login("supervisor")
    supervisor.get("/centre/units/")
    with django_assert_num_queries(4):
        supervisor.get("/centre/units/")


def test_the_panel_costs_no_more_than_a_dozen_statements(cast, login, now, at, django_assert_max_num_queries):
    case, client = returned(cast, at), login("dispatcher")
    client.get("/centre/todo/")
    with django_assert_max_num_queries(14):
        client.get(f"/centre/cases/{case.no}/?list=todo", headers={"HX-Request": "true"})


def test_filters_narrow_and_what_they_do_not_know_narrows_nothing(cast, login, now, at):
    water, client = dispatched(cast, at), login("dispatcher")
    other = filed(at, text="响堂的路坏了", grid="219981002000", phone="13800000009")
    assert f"row-{other.no}" not in text_of(client.get(f"/centre/open/?category={cast.utilities.pk}"))
    assert f"row-{water.no}" in text_of(client.get(f"/centre/open/?category={cast.utilities.pk}"))
    assert f"row-{water.no}" not in text_of(client.get("/centre/open/?area=219981002000"))
    assert f"row-{water.no}" in text_of(client.get("/centre/open/?unit_name=海澄市水务局"))
    assert f"row-{other.no}" not in text_of(client.get("/centre/open/?unit=219981D01"))
    strange = text_of(client.get("/centre/open/?category=9999999999999&type=x&area=219902000000&unit=%00'--"))
    assert f"row-{water.no}" in strange and f"row-{other.no}" in strange
    assert client.get("/centre/open/?after=tomorrow").status_code == 422
    assert client.get("/centre/nonsense/").status_code == 404


def test_a_secret_case_is_no_supervisors_business(cast, login, now, at):
    case = filed(at, secrecy="secret")
    assert f"row-{case.no}" in text_of(login("dispatcher").get("/centre/filed/"))
    assert f"row-{case.no}" not in text_of(login("supervisor").get("/centre/filed/"))
    assert login("supervisor").get(f"/centre/filed/?case={case.no}").status_code == 404


def test_pages_follow_each_other_by_key(login, cast, now, at, monkeypatch):
    monkeypatch.setattr("bihuan.loop.lists.page.__kwdefaults__", {"at": None, "after": "", "limit": 2}, raising=False)
    numbers = [filed(at + n * HOUR / 60, phone=f"1380000000{n}").no for n in range(3)]
    client = login("dispatcher")
    first = text_of(client.get("/centre/filed/"))
    assert 'rel="next"' in first and f"row-{numbers[2]}" not in first
    following = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert f"row-{numbers[2]}" in text_of(client.get(following))


def test_a_number_typed_opens_its_case(cast, login, now, at):
    case, client = filed(at), login("dispatcher")
    assert client.get("/centre/", {"q": case.no})["Location"] == f"/centre/open/?case={case.no}"
    answer = client.get("/centre/", {"q": "HC<script>"}, follow=True)
    assert "没有找到编号" in text_of(answer) and "<script>alert" not in text_of(answer)


def test_from_the_cases_own_page_the_way_leads_back_to_the_desk(cast, login, now, at):
    case, client = filed(at), login("dispatcher")
    assert f'href="/centre/cases/{case.no}/"' in text_of(client.get(f"/cases/{case.no}/"))
    assert client.get(f"/centre/cases/{case.no}/")["Location"] == f"/centre/todo/?case={case.no}"


# Dispatching


def test_one_submit_accepts_places_and_dispatches(cast, city, now, at):
    case, client = filed(at, grid="", text="新华路停水了"), city
    answer = act(
        client, case, "dispatch", list="todo", address="海州街道 · 南关社区 · 南关一网格", grid=GRID,
        category=cast.tap.pk, type="complaint", urgency="urgent", unit="219981D01", assist=["219981D02"], note="请抓紧",
    )  # fmt: skip
    assert answer["Location"] == "/centre/todo/"
    after = fresh(case)
    assert verbs(case) == ["file", "accept", "place", "dispatch"]
    assert (after.state, after.unit_id, after.grid_id) == (State.DISPATCHED, cast.water.pk, cast.grid1.pk)
    assert (after.category_id, after.type, after.urgency) == (cast.tap.pk, "complaint", "urgent")


def test_all_of_it_or_nothing(cast, login, now, at):
    case, client = filed(at, grid="219981002000"), login("dispatcher")
    answer = act(client, case, "dispatch", address="南关社区", unit="219902000000", note="派给别的区")
    assert answer.status_code == 422
    assert "不在您的职责范围内" in text_of(answer) and "派给别的区" in text_of(answer)
    assert verbs(case) == ["file"]


def test_the_duty_list_comes_first_with_its_clause_and_the_words_that_decided(cast, login, now, at):
    case = filed(at, text="家里停水了，自来水管漏水")
    seen = text_of(login("dispatcher").get(f"/centre/filed/?case={case.no}"))
    assert "供水条例第三条" in seen and "自来水、停水、水管" in seen
    assert seen.split('id="advice"')[1].index("219981D01") < seen.split('id="advice"')[1].index("219981001000")
    assert 'value="219981D01" checked' in seen


def test_advice_follows_the_category_and_the_place(cast, login, now, at):
    case, client = filed(at, text="坏了"), login("dispatcher")
    advised = text_of(client.get(f"/centre/cases/{case.no}/advice/?category={cast.street.pk}&address=南关社区"))
    assert "市政管理条例第八条" in advised and "南关社区" in advised
    assert "属地兜底" in text_of(client.get(f"/centre/cases/{case.no}/advice/?category="))


def test_units_and_places_are_suggested_by_name_or_letters(cast, login, now, at):
    Unit.objects.filter(pk=cast.water.pk).update(pinyin=spelled(cast.water.name))
    Place.objects.create(name="新华小区", unit=cast.grid2)
    tree.forget()
    client = login("dispatcher")
    assert "219981D01" in text_of(client.get("/centre/options/units/?unit_name=hcsswj"))
    assert "219981D01" in text_of(client.get("/centre/options/units/?box=assist_names&assist_names=水务"))
    assert "南关二网格" in text_of(client.get("/centre/options/places/?address=新华小"))
    assert text_of(client.get("/centre/options/places/?address=")).strip() == ""


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "请选择承办单位"),
        ({"unit_name": "不存在的局"}, "没有找到“不存在的局”"),
        ({"unit": "219981D01", "address": "火星"}, "没有找到这个地点"),
        ({"unit": "219981D01", "address": "铁阳区"}, "没有找到这个地点"),
        ({"unit": "219981D01", "category": "x' OR 1=1"}, "没有这个类别"),
        ({"unit": "219981D01", "assist_names": "水务局、没有的局"}, "没有找到“没有的局”"),
        ({"unit": "219981D01", "note": "长" * 100_001}, "太长"),
    ],
)
def test_what_cannot_be_dispatched_says_why_and_keeps_what_was_typed(cast, login, now, at, said, sentence):
    case, client = filed(at), login("dispatcher")
    answer = act(client, case, "dispatch", htmx=True, **{"note": "留着这句", **said})
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert said.get("note", "留着这句")[:50] in text_of(answer)
    assert verbs(case) == ["file"]


def test_a_name_typed_by_hand_wins_over_the_advice(cast, login, now, at):
    case, client = accepted(cast, at), login("dispatcher")
    answer = act(client, case, "dispatch", unit="219981D01", unit_name="海澄市住建局", assist_names="海澄市水务局")
    assert answer.status_code == 302, text_of(answer).split('role="alert"')[1][:300]
    assert fresh(case).unit_id == cast.roads.pk
    assert CaseEvent.objects.filter(case_id=case.pk, verb="dispatch").get().data.count(str(cast.water.pk)) == 1


def test_after_a_submit_the_next_case_of_the_queue_opens(cast, login, now, at):
    first, second, third = (filed(at + n * HOUR / 60, phone=f"1380000000{n}") for n in range(3))
    client = login("dispatcher")
    answer = act(client, second, "dispatch", htmx=True, list="filed", unit="219981D01")
    assert f'data-hand="{third.no}"' in text_of(answer)
    assert "queue" in answer["HX-Trigger-After-Swap"] and third.no in answer["HX-Push-Url"]
    assert "已派单" in text_of(answer)
    answer = act(client, third, "dispatch", list="filed?type=help", unit="219981D01")
    assert answer["Location"] == f"/centre/filed/?type=help&case={first.no}"
    answer = act(client, first, "dispatch", htmx=True, list="filed", unit="219981D01")
    assert "data-hand" not in text_of(answer)


def test_somebody_was_faster_and_no_word_is_lost(cast, login, now, at):
    case, client = filed(at), login("dispatcher")
    dispatched_by_another = fresh(case)
    intake.accept(dispatched_by_another, by=cast.dispatcher, at=at)
    answer = act(client, case, "dispatch", htmx=True, unit="219981D01", note="请看看阀门")
    assert answer.status_code == 409
    assert "请看看阀门" in text_of(answer) and 'name="n" value="2"' in text_of(answer)
    dispatching.dispatch(fresh(case), to=cast.roads, by=cast.dispatcher, at=at)
    answer = act(client, case, "dispatch", unit="219981D01", note="请看看阀门")
    assert answer.status_code == 409
    assert "您刚才写的" in text_of(answer) and "请看看阀门" in text_of(answer)
    assert fresh(case).unit_id == cast.roads.pk


def test_words_are_shown_as_words(cast, login, now, at):
    case = filed(at, text="<script>alert(1)</script>😀𠮷")
    seen = text_of(login("dispatcher").get(f"/centre/filed/?case={case.no}"))
    assert "<script>alert" not in seen and "😀𠮷" in seen


def test_answered_at_once(cast, login, now, at):
    case, client = filed(at), login("dispatcher")
    assert act(client, case, "answer", answer="  ").status_code == 422
    act(client, case, "answer", answer="停水到晚上八点，是检修。", category=cast.tap.pk)
    assert (fresh(case).state, fresh(case).result) == (State.CLOSED, "answered")


def test_accepted_alone_it_stays_in_hand(cast, login, now, at):
    case, client = filed(at), login("dispatcher")
    answer = act(client, case, "accept", htmx=True, list="filed", category=cast.tap.pk, type="complaint")
    assert f'data-hand="{case.no}"' in text_of(answer)
    assert (fresh(case).state, fresh(case).type) == (State.ACCEPTED, "complaint")


def test_a_case_under_way_is_placed(cast, city, now, at):
    case, client = filed(at, grid=""), city
    intake.accept(case, by=cast.city_dispatcher, at=at)
    dispatching.dispatch(fresh(case), to=cast.water, by=cast.city_dispatcher, at=at)
    case = fresh(case)
    assert act(client, case, "place", list="unplaced", address="哪儿").status_code == 422
    act(client, case, "place", list="unplaced", address="南关一网格", grid="")
    assert fresh(case).grid_id == cast.grid1.pk


def test_many_are_accepted_at_once_and_the_moved_one_is_named(cast, login, now, at):
    cases, client = [filed(at, phone=f"1380000000{n}") for n in range(3)], login("dispatcher")
    intake.accept(cases[2], by=cast.dispatcher, at=at)
    picks = [f"{case.no}:{case.n}" for case in cases]
    answer = client.post("/centre/accept/", {"pick": [*picks, "rubbish"], "list": "filed"}, follow=True)
    assert [fresh(case).state for case in cases] == [State.ACCEPTED] * 3
    assert "已受理 2 件" in text_of(answer) and cases[2].no in text_of(answer)
    assert "请先勾选工单" in text_of(client.post("/centre/accept/", {"list": "filed"}, follow=True))


# Hand-backs


def test_both_sides_and_the_duty_list_stand_beside_a_hand_back(cast, login, now, at):
    case = returned(cast, at)
    seen = text_of(login("dispatcher").get(f"/centre/returned/?case={case.no}"))
    for words in ("管子是小区的", "不属于本单位职责", "请今天看看", "供水条例第三条", "属地兜底"):
        assert words in seen


def test_upheld_it_is_dispatched_anew_and_whoever_refused_is_marked(cast, login, now, at):
    case, client = returned(cast, at), login("dispatcher")
    answer = act(client, case, "rule", htmx=True, list="returned", outcome="uphold")
    assert fresh(case).state == State.ACCEPTED
    assert f'data-hand="{case.no}"' in text_of(answer) and "这件退过单" in text_of(answer)
    assert 'value="219981001000" checked' in text_of(answer)


def test_refused_it_needs_a_reason_and_stays_with_the_unit(cast, login, now, at):
    case, client = returned(cast, at), login("dispatcher")
    refused = act(client, case, "rule", outcome="refuse", text="")
    assert refused.status_code == 422 and "请填写“裁定意见”。" in text_of(refused)
    act(client, case, "rule", outcome="refuse", text="首接负责，先修后议")
    assert (fresh(case).state, fresh(case).unit_id) == (State.DISPATCHED, cast.water.pk)
    dispatching.hand_back(fresh(case), reason="unclear", text="还是不清楚", by=cast.handler, at=at + HOUR)
    seen = text_of(client.get(f"/centre/returned/?case={case.no}"))
    assert "这件以前退过" in seen and "首接负责，先修后议" in seen and "还是不清楚" in seen


def test_a_caller_does_not_rule(cast, login, now, at):
    case = returned(cast, at)
    assert act(login("caller"), case, "rule", outcome="uphold").status_code == 409
    assert fresh(case).state == State.RETURNED


# Call-backs


def test_the_phone_is_shown_only_when_asked_for_and_the_look_is_written_down(cast, login, now, at):
    case, client = replied(cast, at), login("caller")
    seen = text_of(client.get(f"/centre/callback/?case={case.no}"))
    assert "13812345678" not in seen and "138****5678" in seen
    assert not Look.objects.filter(case_id=case.pk, what="contact").exists()
    answer = client.post(f"/centre/cases/{case.no}/contact/", headers={"HX-Request": "true"})
    assert "13812345678" in text_of(answer) and "no-cache" in answer["Cache-Control"]
    assert Look.objects.get(case_id=case.pk, what="contact").purpose == "回访"
    assert "13812345678" in text_of(client.post(f"/centre/cases/{case.no}/contact/", {"list": "callback"}))
    assert login("supervisor").post(f"/centre/cases/{case.no}/contact/").status_code == 404
    assert client.get(f"/centre/cases/{case.no}/contact/").status_code == 405


def test_three_answers_close_it(cast, login, now, at):
    case, client = replied(cast, at), login("caller")
    answer = act(client, case, "call_back", outcome="reached", contacted="yes", solved="yes")
    assert answer.status_code == 422 and "三个问题都要问到" in text_of(answer)
    act(client, case, "call_back", outcome="reached", contacted="yes", solved="yes", satisfied="4", text="挺好")
    assert (fresh(case).state, fresh(case).rating) == (State.CLOSED, 4)


def test_not_solved_needs_words_and_is_done_again(cast, login, now, at):
    case, client = replied(cast, at), login("caller")
    said = {"outcome": "reached", "contacted": "no", "solved": "no", "satisfied": "2"}
    answer = act(client, case, "call_back", **said)
    assert answer.status_code == 422
    assert 'name="solved" value="no" data-key="s" checked' in text_of(answer)
    act(client, case, "call_back", text="水还是不来", **said)
    assert (fresh(case).state, fresh(case).redos) == (State.HANDLING, 1)


def test_attempts_are_counted_and_the_next_is_rung(cast, login, now, at):
    case, other = replied(cast, at), replied(cast, at + HOUR / 60, phone="13800000001")
    client = login("caller")
    answer = act(client, case, "call_back", htmx=True, list="callback", outcome="unreached", text="没人接")
    assert f'data-hand="{other.no}"' in text_of(answer)
    assert fresh(case).calls == 1
    again = text_of(client.get(f"/centre/callback/?case={case.no}"))
    assert "没接通（第 2 次）" in again and "没人接" in again


def test_what_nobody_could_be_asked_about_is_done_again(cast, login, now, at):
    case = replied(cast, at)
    now.at = at + timedelta(days=5)
    from bihuan.loop.sweep import sweep

    sweep(now.at)
    case, client = fresh(case), login("caller")
    assert (case.state, case.ending) == (State.CLOSED, "unreached")
    assert act(client, case, "redo", list="closed", text="").status_code == 422
    act(client, case, "redo", list="closed", text="又漏了")
    assert fresh(case).state == State.HANDLING


# Supervision


def test_units_are_counted_worst_first_and_each_count_opens_its_list(cast, login, now, at):
    late, back = dispatched(cast, at), returned(cast, at, phone="13800000002")
    now.at = at + timedelta(days=20)
    client = login("supervisor")
    seen = text_of(client.get("/centre/units/"))
    assert 'href="/centre/late/?unit=219981D01">2<' in seen
    assert f"row-{late.no}" in text_of(client.get("/centre/late/?unit=219981D01"))
    assert f"row-{back.no}" in text_of(client.get("/centre/returned/?unit=219981D01"))


def test_one_or_many_are_urged_with_an_event_each(cast, login, now, at):
    cases, client = [dispatched(cast, at, phone=f"1380000000{n}") for n in range(3)], login("supervisor")
    act(client, cases[0], "urge", list="open", text="请今天办结")
    picks = [f"{case.no}:{fresh(case).n}" for case in cases[:2]]
    answer = client.post(
        "/centre/urge/", {"pick": picks, "list": "open", "note": "限期"}, headers={"HX-Request": "true"}
    )
    assert "已催办 2 件" in text_of(answer)
    assert [verbs(case).count("urge") for case in cases] == [2, 1, 0]
    assert login("caller").post("/centre/urge/", {"pick": picks}).status_code == 404


def test_all_that_a_unit_owes_is_urged_at_once(cast, login, now, at):
    cases, client = [dispatched(cast, at, phone=f"1380000000{n}") for n in range(3)], login("supervisor")
    now.at = at + timedelta(days=20)
    answer = client.post(
        "/centre/units/urge/", {"unit": ["219981D01", "none"], "what": "late", "note": "限期"}, follow=True
    )
    assert "已催办 3 件" in text_of(answer)
    assert all("urge" in verbs(case) for case in cases)
    assert "没有可以催办" in text_of(client.post("/centre/units/urge/", {"what": "soon"}, follow=True))


# Live


def test_the_list_is_fetched_anew_without_the_panel(cast, login, now, at):
    case, client = filed(at), login("dispatcher")
    page = text_of(client.get("/centre/filed/"))
    assert (
        f'data-live="area:{cast.county.pk}"' in page and f"area:{cast.county.pk}" in page.split("data-live-topics")[1]
    )
    pick = f"{case.no}:1"
    part = text_of(client.get("/centre/filed/list/", {"pick": pick, "seen": pick}, headers={"HX-Request": "true"}))
    assert "centre-nav" in part and "checked" in part and 'id="order"' not in part and "刚刚有了变化" not in part
    intake.accept(case, by=cast.dispatcher, at=at)
    part = text_of(client.get("/centre/filed/list/", {"seen": pick}, headers={"HX-Request": "true"}))
    assert "刚刚有了变化" in part and f"row-{case.no}" not in part


def test_it_works_in_english_too(cast, login, now, at):
    case, client = filed(at), login("dispatcher")
    client.cookies["django_language"] = "en"
    assert client.get(f"/centre/filed/?case={case.no}").status_code == 200


def test_the_roles_of_the_centre_are_told_apart(cast):
    assert {
        Posting.objects.get(pk=getattr(cast, who).pk).role for who in ("dispatcher", "caller", "supervisor")
    } == set(views.ROLES)
