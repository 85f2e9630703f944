"""The agent's screen through the door: a call becomes a case in one submit, or it is counted with one key."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest

from bihuan.book.models import Look
from bihuan.loop.actions import calls, intake
from bihuan.loop.models import Call, Case, State, Task
from bihuan.loop.report import Report
from bihuan.net.models import Unit
from bihuan.net.regions import across_regions

WORDS = "南关一网格门前水管漏水三天了"


@pytest.fixture
def agent(login: Any) -> Any:
    return login("agent")


def take(agent: Any, do: str, **said: Any) -> Any:
    call = {"caller": "13812345678", "type": "help", "text": WORDS, "address": "南关社区南关一网格", "do": do}
    return agent.post("/hotline/", call | {"client_id": str(uuid.uuid4())} | said)


def cases() -> list[Case]:
    with across_regions("a test looks at all of them"):
        return list(Case.objects.order_by("id"))


def sentences(answer: Any) -> str:
    return re.sub(r"<[^>]+>", " ", answer.content.decode())


def water(cast: Any) -> dict[str, Any]:
    return {
        "category": cast.tap.pk,
        "category_text": "公用事业 / 自来水",
        "unit": cast.water.pk,
        "unit_text": "海澄市水务局",
    }


def earlier(at: Any, **said: Any) -> Case:
    report = Report(
        type="complaint", **{"text": "路灯半个月不亮", "phone": "13812345678", "grid": "219981001001001", **said}
    )
    return Case.objects.get(no=intake.file(report, at=at).number)


# One submit


def test_filing_only_leaves_it_to_the_dispatcher(cast, agent):
    answer = take(agent, "file", ref="CALL123")
    (case,) = cases()
    assert (case.state, case.source, case.call_ref, case.grid_id) == (
        State.ACCEPTED, "phone", "CALL123", cast.grid1.pk,
    )  # fmt: skip
    assert case.no[:6] in sentences(agent.get(answer["Location"]))


def test_a_call_without_a_place_stays_with_the_agents_own_county(cast, agent):
    answer = take(agent, "file", address="")
    (case,) = cases()
    assert (case.region_id, case.l3, case.grid_id) == (cast.county.pk, cast.county.pk, None)
    assert "已登记" in sentences(agent.get(answer["Location"]))


def test_dispatching_at_once_goes_to_the_unit_that_owes_it_with_those_that_assist(cast, agent):
    take(agent, "dispatch", **water(cast), assist=[cast.roads.pk, cast.town.pk], urgency="urgent")
    (case,) = cases()
    assert (case.state, case.unit_id, case.category_id, case.urgency) == (
        State.DISPATCHED, cast.water.pk, cast.tap.pk, "urgent",
    )  # fmt: skip
    tasks = Task.objects.filter(region_id=case.region_id, case_id=case.pk).values_list("kind", "unit_id")
    assert set(tasks) == {("lead", cast.water.pk), ("assist", cast.roads.pk), ("assist", cast.town.pk)}


def test_an_answer_at_once_closes_it(cast, agent):
    take(agent, "answer", type="inquiry", text="公交几点收车", answer="末班车晚上九点。")
    (case,) = cases()
    assert (case.state, case.ending, case.result) == (State.CLOSED, "answered", "answered")


def test_a_repeated_click_is_one_case_dispatched_once(cast, agent):
    key = str(uuid.uuid4())
    first = take(agent, "dispatch", client_id=key, **water(cast))
    again = take(agent, "dispatch", client_id=key, **water(cast))
    assert first["Location"] == again["Location"]
    (case,) = cases()
    assert case.n == 2


def test_a_second_sending_goes_on_where_the_first_ended(cast, at):
    report = Report(type="help", text=WORDS, client_id=uuid.uuid4())
    first = intake.file(report, at=at, by=cast.agent)
    again = calls.take(report, by=cast.agent, at=at, to=cast.water)
    assert again.number == first.number and not again.new
    assert cases()[0].state == State.DISPATCHED


def test_another_call_under_a_used_id_keeps_its_words_and_gets_a_new_id(cast, agent):
    key = str(uuid.uuid4())
    take(agent, "file", client_id=key)
    other = take(agent, "file", client_id=key, text="另一件事")
    fresh = re.search(r'name="client_id" value="([^"]+)"', other.content.decode())[1]
    assert other.status_code == 409 and "另一件事" in other.content.decode() and fresh != key
    assert take(agent, "file", client_id=fresh, text="另一件事").status_code == 302


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"text": ""}, "请写下来电内容"),
        ({"text": "字" * 100_000}, "内容太长了"),
        ({"type": ""}, "请选择类型"),
        ({"caller": "123"}, "号码"),
        ({"unit": "", "unit_text": ""}, "派单要选定承办单位"),
        ({"unit_text": "水务"}, "请从列出的单位里选一个"),
        ({"unit": "999999", "unit_text": "海澄市水务局"}, "请从列出的单位里选一个"),
        ({"category_text": "别的"}, "请从列出的类别里选一个"),
        ({"category": "x", "category_text": "公用事业"}, "请从列出的类别里选一个"),
        ({"do": "answer", "answer": " "}, "请写下当场答复的内容"),
        ({"urgency": "very"}, "very"),
        ({"address": "路" * 201}, "地址太长了"),
    ],
)
def test_what_cannot_be_taken_down_gets_a_sentence_and_keeps_the_words(cast, agent, said, sentence):
    answer = take(agent, **{"do": "dispatch", **water(cast), **said})
    assert answer.status_code == 422 and sentence in sentences(answer)
    assert not cases()
    if "text" not in said:
        assert WORDS in answer.content.decode()


def test_a_unit_outside_the_agents_area_is_refused_before_anything_is_filed(cast, agent):
    answer = take(agent, "dispatch", unit=cast.other_county.pk, unit_text="铁阳区")
    assert answer.status_code == 422 and "不在您的职责范围内" in sentences(answer)
    assert not cases()


def test_script_and_sql_in_any_field_are_words(cast, agent):
    odd = "<script>alert(1)</script>'; DROP TABLE loop_case; --"
    shown = agent.get("/hotline/", {"caller": odd, "ref": odd}).content.decode()
    assert "<script>alert" not in shown
    take(agent, "file", text=odd, name=odd[:30], ref=odd)
    assert "<script>alert" not in agent.get("/hotline/").content.decode()
    assert len(cases()) == 1


# Who is calling


def test_a_screen_pop_shows_the_callers_matters_and_notes_the_look(cast, agent, at):
    mine = earlier(at, name="王芳")
    earlier(at, phone="13900001111", text="别人的事")
    shown = agent.get("/hotline/?caller=13812345678&ref=CALL123")
    said = sentences(shown)
    assert "路灯半个月不亮" in said and "别人的事" not in said and "王**" in said and "CALL123" in said
    assert f"/cases/{mine.no}/" in shown.content.decode()
    look = Look.objects.latest("at")
    assert (look.what, look.purpose, look.posting) == ("search", "来电登记", cast.agent.pk)


def test_secret_matters_and_those_of_other_counties_are_not_shown(cast, agent, at):
    earlier(at, secrecy="secret")
    earlier(at, grid="219902000000")
    assert "第一次来电" in sentences(agent.get("/hotline/caller/?caller=13812345678"))


def test_a_number_that_is_none_is_no_caller(cast, agent):
    assert "填了来电号码" in sentences(agent.get("/hotline/caller/?caller=12"))
    assert not Look.objects.exists()


def test_the_callers_part_needs_few_queries_however_many_matters(cast, agent, at, django_assert_max_num_queries):
    for n in range(12):
        earlier(at + timedelta(minutes=n))
    agent.get("/hotline/caller/?caller=13812345678")
    with django_assert_max_num_queries(9):  # session, posting; savepoint, look, search; cases, texts
        agent.get("/hotline/caller/?caller=13812345678")


def test_the_screen_needs_few_queries_however_many_cases(cast, agent, at, django_assert_max_num_queries):
    for n in range(3):
        take(agent, "file", text=f"第{n}通")
    agent.get("/hotline/")
    with django_assert_max_num_queries(5):  # session, posting; list; calls today; revisions
        agent.get("/hotline/")


# Suggestions


def test_words_and_address_suggest_what_it_is_and_who_owes_it_with_reasons(cast, agent):
    told = agent.get("/hotline/suggest/", {"text": "水管漏水没人管", "address": "南关社区"})
    said = sentences(told)
    assert "南关社区" in said and "公用事业 / 自来水" in said and "海澄市水务局" in said
    assert "漏水" in said and "供水条例第三条" in said
    assert f'data-fill-unit="{cast.water.pk}"' in told.content.decode() and 'data-key="alt+1"' in told.content.decode()


def test_without_a_category_the_place_itself_takes_it(cast, agent):
    said = sentences(agent.get("/hotline/suggest/", {"text": "说不清的事", "address": "南关社区"}))
    assert "海州街道" in said and "属地兜底" in said


def test_an_address_that_names_no_grid_says_so(cast, agent):
    assert "没认出是哪个网格" in sentences(agent.get("/hotline/suggest/", {"text": "", "address": "火星"}))


def test_suggesting_asks_the_database_only_who_asks(cast, agent, django_assert_num_queries):
    agent.get("/hotline/suggest/", {"text": "水管漏水", "address": "南关社区"})
    with django_assert_num_queries(2):  # session, posting
        agent.get("/hotline/suggest/", {"text": "水管漏水", "address": "南关社区"})


def test_the_boxes_offer_the_likely_first_and_find_by_name(cast, agent):
    likely = agent.get("/hotline/categories/", {"text": "井盖没了", "category_text": ""}).content.decode()
    assert likely.index("道路") > 0 and "自来水" not in likely
    assert "自来水" in agent.get("/hotline/categories/", {"category_text": "水"}).content.decode()
    owing = agent.get("/hotline/units/", {"category": cast.street.pk, "address": "南关社区"}).content.decode()
    assert owing.index("海澄市住建局") < owing.index("海州街道")
    assert "海澄市水务局" in agent.get("/hotline/units/", {"unit_text": "水务"}).content.decode()
    assert "铁阳区" not in agent.get("/hotline/units/", {"unit_text": "铁阳"}).content.decode()


@pytest.mark.parametrize("typed", ["住建", "城管局"])
def test_a_unit_is_found_by_its_short_name(cast, agent, typed):
    Unit.objects.filter(pk=cast.roads.pk).update(name="海澄市住房和城乡建设局", short="住建局")
    Unit.objects.filter(pk=cast.water.pk).update(name="海澄市综合行政执法局", short="城管局")
    found = agent.get("/hotline/units/", {"unit_text": typed}).content.decode()
    assert ("海澄市综合行政执法局" if typed == "城管局" else "海澄市住房和城乡建设局") in found


# Calls that become no case


def test_a_call_that_becomes_no_case_takes_one_key_and_is_counted(cast, agent):
    plain = agent.post("/hotline/calls/", {"outcome": "wrong", "ref": "C1"})  # without scripts: back to the screen
    assert (plain.status_code, plain.headers["Location"]) == (302, "/hotline/")
    said = sentences(agent.post("/hotline/calls/", {"outcome": "110"}, headers={"HX-Request": "true"}))
    assert "已记一通" in said and "转110" in said
    assert set(Call.objects.values_list("outcome", "call_ref")) == {("wrong", "C1"), ("110", "")}
    agent.post("/hotline/calls/", {"outcome": "undo"})
    assert list(Call.objects.values_list("outcome", flat=True)) == ["wrong"]


def test_only_todays_calls_of_the_own_centre_are_counted(cast, at):
    calls.count_call("silent", by=cast.agent, at=at - timedelta(days=1))
    calls.count_call("silent", by=cast.agent, at=at)
    calls.count_call("wrong", by=cast.other_dispatcher, at=at)
    assert calls.calls_today(by=cast.agent, at=at) == {"silent": 1}


def test_a_slip_is_taken_back_only_by_its_agent_and_only_soon(cast, at):
    calls.count_call("silent", by=cast.agent, at=at)
    assert calls.take_back_call(by=cast.dispatcher, at=at) is None
    assert calls.take_back_call(by=cast.agent, at=at + timedelta(hours=1)) is None
    assert calls.take_back_call(by=cast.agent, at=at + timedelta(minutes=1)) is not None


def test_an_outcome_that_is_none_is_refused(cast, agent):
    assert agent.post("/hotline/calls/", {"outcome": "pizza"}).status_code == 422
    assert not Call.objects.exists()


def test_a_number_read_out_by_the_caller_opens_its_case(cast, agent, at):
    case = earlier(at)
    spoken = f"{case.no[:6]} {case.no[6:12]} {case.no[12:18]} {case.no[18]}"
    assert agent.get("/hotline/find/", {"number": spoken})["Location"] == f"/cases/{case.no}/"
    gone = agent.get("/hotline/find/", {"number": "123"})
    assert gone.status_code == 404 and "没有找到这件工单" in sentences(gone)


# The door


@pytest.mark.parametrize("who", ["handler", "worker", "leader", "admin", "caller"])
def test_the_hotline_is_for_agents(cast, login, who):
    assert login(who).get("/hotline/").status_code == 404


def test_strangers_are_led_to_the_login(cast, client):
    assert client.get("/hotline/?caller=1")["Location"].startswith("/login/?next=/hotline/")


def test_the_recent_calls_stand_below(cast, agent):
    take(agent, "file", text="最近的一通电话")
    assert "最近的一通电话" in sentences(agent.get("/hotline/"))
