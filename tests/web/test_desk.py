"""The desk of a handling unit: its lists and counts, signing in a batch, and only its own."""

import re

import pytest
from django.utils import timezone

from bihuan.loop.actions import closing, dispatching, handling
from bihuan.loop.models import Case, State
from tests.web.lives import dispatched, fresh, handling_case, replied, signed, verifying_case


def words_of(answer):
    return answer.content.decode()


def count_of(page, label):
    """The number beside a tab of the rail; nothing shown is none."""
    found = re.search(rf"<span>{label}</span>(?:<span class=\"count[^\"]*\">(\d+)</span>)?</a>", page)
    return int(found[1] or 0)


def overdue(case):
    """The case as it is a while after its step was due and nobody acted."""
    Case.objects.filter(region_id=case.region_id, pk=case.pk).update(
        due_at=timezone.now() - timezone.timedelta(hours=5)
    )
    return case


def test_a_case_passes_through_the_tabs(cast, login):
    case, door, chief = dispatched(cast), login("handler"), login("chief")
    assert (
        "门前水管漏水" in words_of(door.get("/desk/?tab=sign"))
        and count_of(words_of(door.get("/desk/")), "待签收") == 1
    )
    dispatching.sign(case, by=cast.handler, at=timezone.now())
    assert "门前水管漏水" not in words_of(door.get("/desk/?tab=sign"))
    assert "门前水管漏水" in words_of(door.get("/desk/?tab=doing"))
    handling.contact(case, text="已联系", by=cast.handler, at=timezone.now())
    handling.reply(case, result="resolved", text="好了", by=cast.handler, at=timezone.now())
    assert "门前水管漏水" in words_of(chief.get("/desk/"))  # a leader's desk opens with what he must approve
    assert count_of(words_of(chief.get("/desk/")), "待审核") == 1
    handling.approve(case, passed=True, by=cast.chief, at=timezone.now())
    assert "门前水管漏水" in words_of(door.get("/desk/?tab=replied"))
    closing.confirm(case, solved=True, at=timezone.now())
    assert "门前水管漏水" in words_of(door.get("/desk/?tab=done"))


def test_what_is_late_or_will_be_stands_apart(cast, login):
    soon, late = dispatched(cast, text="快到期的事"), dispatched(cast, text="过了期的事")
    Case.objects.filter(region_id=soon.region_id, pk=soon.pk).update(
        due_at=timezone.now() + timezone.timedelta(hours=3)
    )
    Case.objects.filter(region_id=late.region_id, pk=late.pk).update(
        due_at=timezone.now() - timezone.timedelta(hours=3)
    )
    door = login("handler")
    shown = words_of(door.get("/desk/?tab=soon"))
    assert "快到期的事" in shown and "过了期的事" not in shown
    assert (count_of(shown, "将超时"), count_of(shown, "已超时")) == (1, 1)
    shown = words_of(door.get("/desk/?tab=late"))
    assert "过了期的事" in shown and "快到期的事" not in shown and "超时" in shown


def test_each_unit_sees_only_its_own(cast, login):
    dispatched(cast)
    for who in ("roads_handler", "town_handler", "team_handler"):
        shown = words_of(login(who).get("/desk/"))
        assert "门前水管漏水" not in shown and count_of(shown, "待签收") == 0


@pytest.mark.parametrize("who", ["agent", "dispatcher", "worker", "leader", "admin"])
def test_other_roles_have_no_desk_here(cast, login, who):
    door = login(who)
    assert door.get("/desk/").status_code == 404
    assert door.post("/desk/sign/", {}).status_code == 404


def test_units_below_are_shown_when_asked_for_and_signed_by_themselves(cast, login):
    dispatched(cast, to=cast.water_team, text="抢修队的事")
    door = login("handler")
    assert "抢修队的事" not in words_of(door.get("/desk/?tab=sign"))
    shown = words_of(door.get("/desk/?tab=sign&below=1"))
    assert "抢修队的事" in shown and "海澄市供水抢修队" in shown
    assert 'name="case"' not in shown
    assert "抢修队的事" in words_of(login("team_handler").get("/desk/"))


def test_a_street_has_a_desk_like_a_bureau(cast, login):
    case = dispatched(cast, to=cast.town)
    door = login("town_handler")
    assert "门前水管漏水" in words_of(door.get("/desk/"))
    door.post("/desk/sign/", {"case": f"{case.no}.{case.n}"})
    assert fresh(case).handler == cast.town_handler.pk


def test_a_batch_is_signed_and_the_one_somebody_was_faster_with_is_named(cast, login):
    cases = [dispatched(cast, text=f"第{n}件") for n in range(3)]
    dispatching.sign(cases[1], by=cast.chief, at=timezone.now())
    ticked = [f"{case.no}.{case.n}" for case in cases]
    answer = login("handler").post("/desk/sign/", {"case": ticked, "back": "/desk/?tab=doing"}, follow=True)
    shown = words_of(answer)
    assert "已签收 2 件" in shown and f"{cases[1].no}：" in shown
    assert [fresh(case).handler for case in cases] == [cast.handler.pk, cast.chief.pk, cast.handler.pk]


@pytest.mark.parametrize("ticked", ["", "nonsense", "1.1", "219981261116000001.x", "9" * 400])
def test_a_batch_of_nonsense_does_nothing_and_says_so(cast, login, ticked):
    answer = login("handler").post("/desk/sign/", {"case": [ticked]} if ticked else {}, follow=True)
    assert answer.status_code == 200
    assert "没有找到这件工单" in words_of(answer) or "请先勾选" in words_of(answer)


def test_the_way_back_stays_on_the_desk(cast, login):
    answer = login("handler").post("/desk/sign/", {"back": "https://evil.example/"})
    assert answer["Location"] == "/desk/"


def test_assisting_and_checking_have_a_list_of_their_own(cast, login):
    handling_case(cast, assisting=[cast.roads])
    shown = words_of(login("roads_handler").get("/desk/?tab=help"))
    assert "协办" in shown and "门前水管漏水" in shown and count_of(shown, "协办") == 1
    assert count_of(words_of(login("handler").get("/desk/")), "协办") == 0


def test_a_check_that_went_up_reaches_the_streets_leader(cast, login):
    from bihuan.loop.actions.verifying import open_verification

    case = verifying_case(cast)
    for _step in range(2):  # from the grid to the community, and on to the street
        open_verification(case, at=timezone.now(), above=True)
    assert "核查" in words_of(login("town_chief").get("/desk/?tab=help"))
    assert 'id="panel-verify"' in words_of(login("town_chief").get(f"/cases/{case.no}/"))


def test_a_list_is_narrowed_by_category_and_state(cast, login):
    signed(cast, text="路面的事")
    door = login("handler")
    assert "路面的事" in words_of(door.get(f"/desk/?tab=doing&category={cast.street.pk}"))
    assert "路面的事" not in words_of(door.get(f"/desk/?tab=doing&category={cast.tap.pk}"))
    assert "路面的事" in words_of(door.get("/desk/?tab=doing&state=signed"))
    assert "路面的事" not in words_of(door.get("/desk/?tab=doing&state=handling"))


def test_a_category_means_those_below_it(cast, login):
    case = signed(cast, text="自来水的事")
    Case.objects.filter(region_id=case.region_id, pk=case.pk).update(category_id=cast.tap.pk)
    assert "自来水的事" in words_of(login("handler").get(f"/desk/?tab=doing&category={cast.utilities.pk}"))


@pytest.mark.parametrize(
    "query", ["tab=x", "category=x", "category=99999999999", "state='--", "after=2-x", "after=x", "after=1e400-1"]
)
def test_an_address_that_means_nothing_breaks_nothing(cast, login, query):
    assert login("handler").get(f"/desk/?{query}").status_code in (200, 422)


def test_pages_follow_each_other_by_key(cast, login, monkeypatch):
    from bihuan.loop import lists

    monkeypatch.setattr(lists, "PAGE", 2)
    monkeypatch.setattr(lists.page, "__kwdefaults__", {"after": "", "limit": 2})
    for n in range(3):
        dispatched(cast, text=f"第{n}件")
    door = login("handler")
    first = words_of(door.get("/desk/"))
    further = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    second = words_of(door.get(further))
    assert sum(f"第{n}件" in first for n in range(3)) == 2
    assert sum(f"第{n}件" in second for n in range(3)) == 1 and "回到第一页" in second


def test_a_page_of_the_desk_costs_four_statements(cast, login, django_assert_num_queries):
    for n in range(3):
        dispatched(cast, text=f"第{n}件")
    door = login("handler")
    door.get("/desk/")
    for tab in ("sign", "doing", "soon", "late", "review", "help", "replied", "done"):
        with django_assert_num_queries(4):  # session, posting, rows, all counts
            door.get(f"/desk/?tab={tab}")


def test_a_number_leads_to_its_case(cast, login):
    case, door = dispatched(cast), login("handler")
    assert door.get("/desk/find/", {"q": case.no})["Location"] == f"/cases/{case.no}/"
    assert "没有找到这件工单" in words_of(door.get("/desk/find/", {"q": "123"}, follow=True))


def test_the_counts_are_told_anew_and_say_when_the_list_is_old(cast, login):
    dispatched(cast)
    door = login("handler")
    assert "刚刚有了变化" not in words_of(door.get("/desk/counts/?tab=sign&shown=1"))
    dispatched(cast, text="又来一件")
    fresher = words_of(door.get("/desk/counts/?tab=sign&shown=1"))
    assert count_of(fresher, "待签收") == 2 and "刚刚有了变化" in fresher


def test_the_reply_waits_for_the_assisting_unit(cast, login):
    case = handling_case(cast, assisting=[cast.roads])
    refused = login("handler").post(f"/cases/{case.no}/reply/", {"n": case.n, "result": "resolved", "text": "好了"})
    assert refused.status_code == 409 and "还没有办完它的部分" in words_of(refused)


def test_a_secret_case_is_listed_for_its_unit_alone(cast, login):
    dispatched(cast, to=cast.water_team, secrecy="secret", text="保密的事")
    assert "保密的事" in words_of(login("team_handler").get("/desk/"))
    assert "保密的事" not in words_of(login("handler").get("/desk/?below=1"))


def test_a_draft_waits_for_the_leader_even_when_he_wrote_it(cast, login):
    case = replied(cast)
    assert fresh(case).state == State.REPLIED
    assert "门前水管漏水" in words_of(login("chief").get("/desk/?tab=review"))
