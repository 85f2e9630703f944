"""A need from its collection to the day it is met, on the pages: who sees it, who takes it on, and what is refused."""

from datetime import timedelta

import pytest
from django.utils.timezone import localdate, now

from bihuan.book.models import Txn
from bihuan.offers.actions import needs, plans
from bihuan.offers.actions.plans import Line
from bihuan.offers.models import Claim, Offer, PlanItem, Round

PLAN = {"line-TOTAL_FORMS": "4", "line-INITIAL_FORMS": "0", "line-MIN_NUM_FORMS": "0", "line-MAX_NUM_FORMS": "36"}


def line(n: int = 0, **said: str) -> dict[str, str]:
    on = localdate() + timedelta(days=20)
    usual = {
        "month": f"{on:%Y-%m}",
        "measure": "上门指导嫁接",
        "helper": "",
        "name": "周农技",
        "due_on": on.isoformat(),
    }
    return {f"line-{n}-{key}": value for key, value in {**usual, **said}.items()}


def test_a_need_is_collected_claimed_planned_and_met(helping, picture):
    clerk, farmer = helping.door("village"), helping.door("farmer")
    asked = {"subject": helping.trainee.subject.no, "topic": "three_way:technique", "text": "想学嫁接", "capacity": "1"}
    answer = clerk.post("/people/needs/new/", asked)
    need = Offer.objects.get()
    assert answer.headers["Location"] == f"/people/needs/{need.no}/"
    needs.withdraw(need, text="重来", by=helping.post("village"), at=now())
    need = helping.need()
    assert "想学大棚嫁接技术" in farmer.get("/people/needs/").content.decode()
    answer = farmer.post(f"/people/needs/{need.no}/claim/")
    assert answer.headers["Location"] == f"/people/needs/{need.no}/219981D05/plan/"
    plan = farmer.get(answer.headers["Location"])
    assert plan.status_code == 200 and "周农技" in plan.content.decode()
    answer = farmer.post(f"/people/needs/{need.no}/219981D05/plan/", PLAN | line())
    assert answer.status_code == 302, answer.content.decode()
    item = PlanItem.objects.get()
    done = {"text": "教了三户", "measure": "technique", "amount": "1", "photo_ids": [picture()]}
    answer = farmer.post(f"/people/needs/{need.no}/219981D05/{item.n}/", done)
    assert answer.status_code == 302, answer.content.decode()
    assert (Txn.objects.get().amount, PlanItem.objects.get().stage) == (1, "done")
    assert farmer.post(f"/people/needs/{need.no}/219981D05/meet/", {"text": "学会了"}).status_code == 302
    need.refresh_from_db()
    assert need.state == "met"
    page = clerk.get(f"/people/needs/{need.no}/").content.decode()
    assert "教了三户" in page and "学会了" in page and f"/people/s/{helping.trainee.no}/" in page


def test_who_sees_what(helping):
    need = helping.need()
    for key in ("village", "town", "county", "city", "boss", "farmer"):
        assert helping.door(key).get(f"/people/needs/{need.no}/").status_code == 200, key
    for key in ("north", "far"):
        assert helping.door(key).get(f"/people/needs/{need.no}/").status_code == 404, key
    for path in ("rounds/", "new/"):
        assert helping.door("farmer").get(f"/people/needs/{path}").status_code == 404
        assert helping.door("town").get(f"/people/needs/{path}").status_code == 200


def test_a_role_without_trainees_is_a_stranger(helping, login):
    need = helping.need()
    for path in ("needs/", f"needs/{need.no}/", "studios/", "pairings/", "figures/three_way/", "ledger/three_way/",
                 "policies/three_way/", "units/"):  # fmt: skip
        assert login("agent").get(f"/people/{path}").status_code == 404, path


def test_what_is_refused_comes_back_with_what_was_typed(helping):
    need, farmer = helping.need(), helping.door("farmer")
    farmer.post(f"/people/needs/{need.no}/claim/")
    answer = farmer.post(f"/people/needs/{need.no}/claim/")
    assert answer.status_code == 409 and "当前为“帮扶中”" in answer.content.decode()
    late = helping.door("county").post(f"/people/needs/{need.no}/9999/release/", {"text": "写了很久的话"})
    assert late.status_code == 409 and "写了很久的话" in late.content.decode()
    answer = farmer.post(f"/people/needs/{need.no}/219981D05/plan/", PLAN | line(measure="写了一半", due_on="昨天"))
    assert answer.status_code == 422 and "写了一半" in answer.content.decode()
    answer = farmer.post(f"/people/needs/{need.no}/219981D05/plan/", PLAN | line(name="", measure="没有人"))
    assert answer.status_code == 422 and "没有填写帮扶人" in answer.content.decode()
    answer = farmer.post(f"/people/needs/{need.no}/219981D05/plan/", PLAN)
    assert answer.status_code == 422 and "至少要有一项" in answer.content.decode()
    answer = farmer.post(f"/people/needs/{need.no}/219981D05/meet/", {"text": "办好了"})
    assert answer.status_code == 422 and "办好了" in answer.content.decode()
    assert farmer.post(f"/people/needs/{need.no}/withdraw/", {"text": "不行"}).status_code == 403
    answer = helping.door("town").post("/people/needs/new/", {"subject": "没有此人", "text": "字", "capacity": "1"})
    assert answer.status_code == 422 and "没有此人" in answer.content.decode()


def test_more_lines_keep_what_was_typed_and_save_nothing(helping):
    need, farmer = helping.need(), helping.door("farmer")
    farmer.post(f"/people/needs/{need.no}/claim/")
    answer = farmer.post(f"/people/needs/{need.no}/219981D05/plan/", PLAN | line(measure="先写一行") | {"more": "1"})
    page = answer.content.decode()
    assert answer.status_code == 200 and "先写一行" in page and 'name="line-6-measure"' in page
    assert not PlanItem.objects.exists()


def test_a_plan_is_changed_with_a_reason(helping):
    need, farmer = helping.need(), helping.door("farmer")
    claim = needs.claim(need, by=helping.post("farmer"), at=now())
    first = Line(localdate(), "先来一次", localdate() + timedelta(days=3), helper="周农技")
    plans.draw_up(claim, [first], by=helping.post("farmer"), at=now())
    page = farmer.get(f"/people/needs/{need.no}/219981D05/plan/").content.decode()
    assert "先来一次" in page and "为什么调整" in page
    assert farmer.post(f"/people/needs/{need.no}/219981D05/plan/", PLAN | line()).status_code == 422
    answer = farmer.post(f"/people/needs/{need.no}/219981D05/plan/", PLAN | line() | {"reason": "天冷，改在下月"})
    assert answer.status_code == 302
    assert PlanItem.objects.filter(stage="dropped").count() == 1 == PlanItem.objects.exclude(stage="dropped").count()


def test_organisers_take_back_and_end(helping):
    need, town = helping.need(), helping.door("town")
    needs.claim(need, by=helping.post("farmer"), at=now())
    assert "收回" in town.get(f"/people/needs/{need.no}/").content.decode()
    assert town.post(f"/people/needs/{need.no}/219981D05/release/", {"text": "一直没动"}).status_code == 302
    assert Claim.objects.get().state == "released"
    assert town.post(f"/people/needs/{need.no}/close/", {"text": ""}).status_code == 422
    assert town.post(f"/people/needs/{need.no}/close/", {"text": "没有办法"}).status_code == 302
    assert town.post(f"/people/needs/{need.no}/withdraw/", {"text": "晚了"}).status_code == 409


def test_rounds_open_and_close(helping):
    county = helping.door("county")
    said = {"program": "three_way", "title": "秋季征集", "unit": "海州街道", "window": "10wd"}
    assert county.post("/people/needs/rounds/", said | {"window": "很久"}).status_code == 422
    assert county.post("/people/needs/rounds/", said).status_code == 302
    assert county.post("/people/needs/rounds/", said).status_code == 409
    opened = Round.objects.get()
    assert "秋季征集" in helping.door("town").get("/people/needs/rounds/").content.decode()
    assert "秋季征集" in helping.door("town").get("/people/needs/new/").content.decode()
    assert county.post(f"/people/needs/rounds/{opened.no}/close/").status_code == 302
    again = county.post(f"/people/needs/rounds/{opened.no}/close/")
    assert again.status_code == 409 and "这次征集已经结束" in again.content.decode()
    assert helping.door("far").post(f"/people/needs/rounds/{opened.no}/close/").status_code == 404


def test_lists_take_the_same_statements_however_long(helping, django_assert_max_num_queries):
    county = helping.door("county")
    helping.need()
    county.get("/people/needs/")
    for n in range(12):
        helping.need(text=f"第{n}条")
    with django_assert_max_num_queries(6):
        assert "第11条" in county.get("/people/needs/").content.decode()
    with django_assert_max_num_queries(7):
        county.get("/people/needs/mine/")


@pytest.mark.parametrize("path", ["needs/", "needs/mine/", "studios/sessions/", "pairings/", "studios/suggestions/"])
def test_a_broken_cursor_is_refused(helping, path):
    assert helping.door("county").get(f"/people/{path}?after=quatsch").status_code == 422


def test_the_unit_has_a_page(helping):
    need = helping.need()
    needs.claim(need, by=helping.post("farmer"), at=now())
    for key in ("farmer", "county", "city"):
        page = helping.door(key).get("/people/units/219981D05/")
        assert page.status_code == 200 and "想学大棚嫁接技术" in page.content.decode()
    assert helping.door("village").get("/people/units/219981D05/").status_code == 404
    assert "海澄市农业农村局" in helping.door("county").get("/people/units/").content.decode()


def test_a_line_made_empty_is_left_out_of_the_new_plan(helping):
    need, farmer = helping.need(), helping.door("farmer")
    farmer.post(f"/people/needs/{need.no}/claim/")
    shown = PLAN | {"line-INITIAL_FORMS": "2"} | line(0, month="", measure="", name="", due_on="") | line(1)
    assert farmer.post(f"/people/needs/{need.no}/219981D05/plan/", shown).status_code == 302
    assert PlanItem.objects.count() == 1
