"""The grid worker's phone: tasks, the own grid, a report, and where it went."""

import pytest
from django.utils import timezone

from bihuan.loop.actions import dispatching, handling
from bihuan.loop.models import Case, State
from bihuan.net.models import Boundary
from tests.web.lives import dispatched, filed, fresh, picture, verifying_case


def words_of(answer):
    return answer.content.decode()


def report(door, **fields):
    return door.post("/grid/report/", {"text": "井盖破了", "grid": "219981001001001", "urgency": "normal"} | fields)


def drawn(cast):
    """Outlines side by side for the two grids of 南关社区."""
    for n, unit in enumerate((cast.grid1, cast.grid2)):
        west = 122.1 + 0.01 * n
        ring = [[west, 40.1], [west + 0.01, 40.1], [west + 0.01, 40.11], [west, 40.11], [west, 40.1]]
        shape = {"type": "Polygon", "coordinates": [ring]}
        Boundary.objects.create(unit=unit, geometry=shape, source="test", updated_at=timezone.now())
    from bihuan.net import revisions

    revisions.forget()


def test_a_report_with_a_photo_is_filed_and_accepted(cast, login):
    door = login("worker")
    answer = report(door, photos=picture(), urgency="urgent", category=str(cast.street.pk))
    assert answer["Location"] == "/grid/reports/"
    case = Case.objects.get()
    assert (case.state, case.source, case.finder) == (State.ACCEPTED, "grid", cast.worker.pk)
    assert (case.grid_id, case.urgency, case.category_id) == (cast.grid1.pk, "urgent", cast.street.pk)
    shown = words_of(door.get("/grid/reports/"))
    assert "井盖破了" in shown and "待派单" in shown and "已上报，编号" in shown


def test_a_point_says_best_where_it_is(cast, login):
    drawn(cast)
    report(login("worker"), lng="122.115", lat="40.105")
    case = Case.objects.get()
    assert (case.grid_id, case.lng) == (cast.grid2.pk, 122.115)


def test_the_same_report_twice_is_one_case(cast, login):
    door, key = login("worker"), "0191f3b4-6c3a-7d30-9f6e-0123456789ab"
    report(door, client_id=key)
    report(door, client_id=key)
    assert Case.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"text": ""}, "请写下您要反映的事情"),
        ({"text": "长" * 5001}, "内容太长了"),
        ({"lng": "2.35", "lat": "48.85"}, "不在本市范围内"),
        ({"grid": "nonsense"}, "不在可用的选项中"),
        ({"phone": "12"}, "号码"),
        ({"urgency": "now"}, "不在可用的选项中"),
    ],
)
def test_a_bad_report_is_one_sentence_and_keeps_its_words(cast, login, fields, sentence):
    drawn(cast)
    refused = report(login("worker"), **fields)
    assert refused.status_code == 422 and sentence in words_of(refused)
    assert not Case.objects.exists()
    if "text" not in fields:
        assert "井盖破了" in words_of(refused)


def test_a_photo_that_came_with_a_refused_report_is_still_there(cast, login):
    refused = report(login("worker"), text="", photos=picture())
    assert refused.status_code == 422 and 'name="photo_ids"' in words_of(refused)


def test_a_check_stands_among_the_tasks_and_is_done_with_a_photo(cast, login):
    case, door = verifying_case(cast), login("worker")
    shown = words_of(door.get("/grid/tasks/"))
    assert "核查：南关一网格门前水管漏水" in shown
    assert 'id="panel-verify"' in words_of(door.get(f"/cases/{case.no}/"))
    door.post(f"/cases/{case.no}/verify/", {"n": case.n, "outcome": "pass", "photos": picture()})
    assert fresh(case).state == State.CLOSED
    assert "没有要办的事" in words_of(door.get("/grid/tasks/"))


def test_a_failed_check_says_why_and_sends_it_back(cast, login):
    case, door = verifying_case(cast), login("worker")
    refused = door.post(f"/cases/{case.no}/verify/", {"n": case.n, "outcome": "fail", "photos": picture()})
    assert refused.status_code == 422 and "请填写“看到的情况”" in words_of(refused) and "photo_ids" in words_of(refused)
    door.post(f"/cases/{case.no}/verify/", {"n": case.n, "outcome": "fail", "text": "还在漏", "photos": picture()})
    assert (fresh(case).state, fresh(case).redos) == (State.HANDLING, 1)


def test_the_worker_of_another_grid_may_look_but_only_at_his_own_cases(cast, login):
    case = verifying_case(cast)
    assert login("other_worker").get(f"/cases/{case.no}/").status_code == 404
    assert "没有要办的事" in words_of(login("other_worker").get("/grid/tasks/"))


def test_work_handed_down_is_a_task_of_the_one_it_was_given_to(cast, login):
    case = dispatched(cast, to=cast.town)
    dispatching.sign(case, by=cast.town_handler, at=timezone.now())
    handling.hand_down(case, to=cast.grid1, worker=cast.worker, by=cast.town_handler, at=timezone.now())
    assert "交办：" in words_of(login("worker").get("/grid/tasks/"))
    assert "交办：" not in words_of(login("other_worker").get("/grid/tasks/"))


def test_a_case_given_to_the_community_is_signed_and_answered_there(cast, login):
    case, door = dispatched(cast, to=cast.south), login("secretary")
    assert "主办：" in words_of(door.get("/grid/tasks/"))
    door.post(f"/cases/{case.no}/sign/", {"n": case.n})
    door.post(f"/cases/{case.no}/contact/", {"n": fresh(case).n, "way": "visit", "text": "已上门"})
    door.post(f"/cases/{case.no}/reply/", {"n": fresh(case).n, "result": "resolved", "text": "已清理"})
    assert fresh(case).state == State.REPLIED


def test_the_own_grid_shows_what_is_open_in_it(cast, login):
    drawn(cast)
    filed(cast, text="本网格的事")
    filed(cast, text="别的网格的事", grid=cast.grid2.code)
    door = login("worker")
    shown = words_of(door.get("/grid/"))
    assert "南关一网格" in shown and "本网格的事" in shown and "别的网格的事" not in shown
    found = door.get("/grid/outlines.json").json()["features"]
    assert {one["properties"]["name"]: one["properties"]["tone"] for one in found} == {
        "南关一网格": "now",
        "南关二网格": "",
    }


def test_open_cases_with_a_point_are_pins(cast, login):
    drawn(cast)
    filed(cast, text="有点位的事", grid="", lng=122.105, lat=40.105)
    filed(cast, text="没有点位的事")
    found = login("worker").get("/grid/pins.json").json()["features"]
    assert [one["properties"]["name"] for one in found] == ["有点位的事"]


@pytest.mark.parametrize("path", ["/grid/", "/grid/tasks/", "/grid/reports/", "/grid/report/", "/grid/pins.json"])
@pytest.mark.parametrize("who", ["handler", "dispatcher", "admin"])
def test_other_roles_have_no_phone(cast, login, who, path):
    assert login(who).get(path).status_code == 404


def test_somebody_elses_reports_are_not_mine(cast, login):
    report(login("worker"))
    assert "井盖破了" not in words_of(login("secretary").get("/grid/reports/"))


@pytest.mark.parametrize(("path", "most"), [("/grid/", 5), ("/grid/tasks/", 3), ("/grid/reports/", 4)])
def test_a_page_of_the_phone_costs_few_statements(cast, login, django_assert_max_num_queries, path, most):
    filed(cast)
    door = login("worker")
    door.get(path)
    with django_assert_max_num_queries(most):
        door.get(path)


def test_tasks_come_back_as_a_part_when_something_changed(cast, login):
    verifying_case(cast)
    part = words_of(login("worker").get("/grid/tasks/", headers={"HX-Request": "true"}))
    assert "<html" not in part and "核查：" in part
