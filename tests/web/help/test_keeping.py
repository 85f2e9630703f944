"""The ledger, policies, studios, pairs and figures on their pages: who may, what is refused, and that numbers add up."""

from datetime import timedelta

import pytest
from django.utils.timezone import localdate, localtime, now

from bihuan.book.models import Txn
from bihuan.gauge import declared, people
from bihuan.gauge.people import When
from bihuan.net import tree
from bihuan.offers.models import Attendance, Circle, CircleMember, Deed, Pairing, Session, Suggestion

GUIDES = ("village", "town", "county", "city", "boss")


def entry(helping, **said):
    usual = {"subject": helping.trainee.no, "entry": "technique", "amount": "2", "on": localdate().isoformat(),
             "unit": "海澄市农业农村局", "other": "", "note": "嫁接"}  # fmt: skip
    return {**usual, **said}


def test_an_entry_is_made_and_taken_back_with_a_reason(helping, picture):
    town = helping.door("town")
    answer = town.post("/people/ledger/three_way/new/", entry(helping, photo_ids=[picture()]))
    assert answer.status_code == 302, answer.content.decode()
    made = Txn.objects.get()
    assert (made.amount, made.giver_id, made.receiver_id) == (2, helping.cast.farming.pk, helping.trainee.subject_id)
    page = town.get("/people/ledger/three_way/?side=support").content.decode()
    assert "刘能手" in page and "海澄市农业农村局" in page and "嫁接" in page and "/photos/" in page
    back = f"/people/ledger/three_way/{made.pk}/reverse/"
    assert town.get(back).status_code == 200
    assert helping.door("north").get(back).status_code == 404
    assert town.post(back, {"text": ""}).status_code == 422
    assert town.post(back, {"text": "记重了"}).status_code == 302
    assert town.post(back, {"text": "再来"}).status_code == 409
    assert "记重了" in town.get("/people/ledger/three_way/").content.decode()
    assert sum(Txn.objects.values_list("amount", flat=True)) == 0


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"amount": "1.5"}, "整数"),
        ({"amount": "-3"}, "0.01"),
        ({"on": "2999-01-01"}, "不能晚于今天"),
        ({"subject": "没有此人"}, "没有此人"),
        ({"unit": "没有的局"}, "没有的局"),
        ({"other": "某银行"}, "只填一个"),
        ({"entry": "nothing"}, "嫁接"),
    ],
)
def test_a_bad_entry_comes_back_with_what_was_typed(helping, said, sentence):
    answer = helping.door("town").post("/people/ledger/three_way/new/", entry(helping, **said))
    page = answer.content.decode()
    assert answer.status_code == 422 and sentence in page and "嫁接" in page and not Txn.objects.exists()


def test_entries_of_another_county_are_not_shown(helping, picture):
    helping.door("town").post("/people/ledger/three_way/new/", entry(helping, photo_ids=[picture()]))
    assert "刘能手" not in helping.door("far").get("/people/ledger/three_way/").content.decode()
    assert helping.door("town").get("/people/ledger/three_way/?area=219902000000").status_code == 404
    assert helping.door("town").get("/people/ledger/three_way/?year=9&measure=x&side=y").status_code == 200
    assert helping.door("town").get("/people/ledger/nothing/").status_code == 404
    assert helping.door("town").get("/people/ledger/").status_code == 302
    assert helping.door("farmer").get("/people/ledger/three_way/").status_code == 404


def test_a_person_is_told_which_policies_fit_and_why_not(helping):
    town = helping.door("town")
    page = town.get("/people/policies/three_way/").content.decode()
    assert page.count("<article") == 12
    asked = town.get(f"/people/policies/three_way/?s={helping.trainee.no}").content.decode()
    assert "符合条件" in asked and "还不符合" in asked
    assert "没有找到" in town.get("/people/policies/three_way/?s=nobody").content.decode()
    assert helping.door("farmer").get("/people/policies/three_way/").status_code == 200


def test_a_studio_from_its_founding_to_a_case(helping, picture):
    county = helping.door("county")
    asked = {"title": "刘能手工作室", "program": "three_way", "host": helping.trainee.subject.no}
    assert county.post("/people/studios/", asked | {"host": ""}).status_code == 422
    assert county.post("/people/studios/", asked).status_code == 302
    assert county.post("/people/studios/", asked).status_code == 409
    studio = Circle.objects.get()
    home = f"/people/studios/{studio.no}/"
    assert county.post(f"{home}join/", {"subject": helping.trainee.no}).status_code == 302
    assert county.post(f"{home}join/", {"subject": helping.trainee.no}).status_code == 409
    begins = localtime(now()) - timedelta(hours=3)
    said = {"title": "嫁接交流", "kind": "talk", "begins_at": f"{begins:%Y-%m-%dT%H:%M}",
            "ends_at": f"{begins + timedelta(hours=2):%Y-%m-%dT%H:%M}", "venue": "村部", "seats": ""}  # fmt: skip
    assert county.post(f"{home}call/", said | {"ends_at": said["begins_at"]}).status_code == 422
    assert county.post(f"{home}call/", said).status_code == 302
    session = Session.objects.get()
    there = f"/people/studios/sessions/{session.no}/"
    held = {"present": [str(helping.trainee.subject_id)], "text": "讲了一上午", "photo_ids": [picture()]}
    assert county.post(f"{there}hold/", held | {"text": ""}).status_code == 422
    assert county.post(f"{there}hold/", held).status_code == 302
    assert county.post(f"{there}hold/", held | {"photo_ids": []}).status_code == 409
    assert Attendance.objects.get().present
    assert (
        county.post(f"{home}suggest/", {"who": str(helping.trainee.subject_id), "text": "修一条机耕路"}).status_code
        == 302
    )
    suggestion = Suggestion.objects.get()
    assert "修一条机耕路" not in helping.door("farmer").get(home).content.decode()
    assert county.post(f"/people/studios/suggestions/{suggestion.no}/case/").status_code == 302
    assert county.post(f"/people/studios/suggestions/{suggestion.no}/case/").status_code == 409
    suggestion.refresh_from_db()
    page = county.get(home).content.decode()
    assert suggestion.case_id and "已转为工单" in page and "讲了一上午" in county.get(there).content.decode()
    member = CircleMember.objects.get()
    assert helping.door("farmer").post(f"{home}members/{member.pk}/leave/").status_code == 403
    assert county.post(f"{home}members/{member.pk}/leave/").status_code == 302
    assert county.post(f"{home}close/").status_code == 302


def test_a_training_of_the_area_stands_in_the_calendar(helping):
    farmer = helping.door("farmer")
    begins = localtime(now()).replace(hour=9, minute=0) + timedelta(days=1)
    said = {"title": "大棚技术培训", "kind": "training", "unit": "海澄市农业农村局", "program": "three_way", "seats": "1",
            "begins_at": f"{begins:%Y-%m-%dT%H:%M}", "ends_at": f"{begins:%Y-%m-%dT}11:00", "venue": "会议室"}  # fmt: skip
    assert farmer.post("/people/studios/sessions/", said).status_code == 302
    session = Session.objects.get()
    assert (
        "大棚技术培训" in helping.door("county").get(f"/people/studios/sessions/?month={begins:%Y-%m}").content.decode()
    )
    assert helping.door("county").get("/people/studios/sessions/?month=1").status_code == 200
    there = f"/people/studios/sessions/{session.no}/"
    assert helping.door("county").post(f"{there}sign_up/", {"subject": helping.trainee.no}).status_code == 302
    other = helping.ladders.on("primary", "满额", phone="13804137777")
    assert helping.door("county").post(f"{there}sign_up/", {"subject": other.no}).status_code == 409
    assert farmer.post(f"{there}cancel/", {"text": "雨天改期"}).status_code == 302


def test_a_pair_lasts_with_plans_and_deeds(helping):
    county = helping.door("county")
    said = {"branch": "海澄市税务局党支部", "village": "南关社区", "kind": "branch", "since": ""}
    assert county.post("/people/pairings/", said | {"village": "没有的村"}).status_code == 422
    assert county.post("/people/pairings/", said).status_code == 302
    assert county.post("/people/pairings/", said).status_code == 409
    pair = Pairing.objects.get()
    home = f"/people/pairings/{pair.no}/"
    assert "海澄市税务局党支部" in county.get("/people/pairings/").content.decode()
    for key in ("north", "far", "farmer"):
        assert helping.door(key).get(home).status_code == 404, key
    village = helping.door("village")
    year = str(localdate().year)
    assert village.post(f"{home}plan/", {"year": year, "text": "每季度一次"}).status_code == 302
    assert village.post(f"{home}plan/", {"year": year, "text": "再写一份"}).status_code == 409
    deed = {"on": localdate().isoformat(), "kind": "problem", "count": "3", "text": "修好了路灯"}
    assert village.post(f"{home}record/", deed | {"count": "0"}).status_code == 422
    assert village.post(f"{home}record/", deed).status_code == 302
    assert Deed.objects.get().count == 3 and "修好了路灯" in county.get(home).content.decode()
    assert county.post(f"{home}part/", {"on": localdate().isoformat(), "text": "机构改革"}).status_code == 302


def test_figures_open_their_rows_in_every_area(helping):
    for key in GUIDES:
        page = helping.door(key).get("/people/figures/three_way/")
        assert page.status_code == 200, key
    city = helping.door("city")
    one = city.get("/people/figures/three_way/trainees/").content.decode()
    assert f"/people/s/{helping.trainee.no}/" in one and "海澄市" in one
    below = city.get("/people/figures/three_way/trainees/?area=219981001002").content.decode()
    assert f"/people/s/{helping.trainee.no}/" not in below
    past = city.get("/people/figures/three_way/trainees/?at=2020-01-01").content.decode()
    assert f"/people/s/{helping.trainee.no}/" not in past
    for path in ("?at=quatsch", "?at=2999-01-01", "?after=x"):
        assert city.get(f"/people/figures/three_way/trainees/{path}").status_code == 200
    assert city.get("/people/figures/three_way/nothing/").status_code == 404
    assert city.get("/people/figures/three_way/?area=nothing").status_code == 404
    assert helping.door("town").get("/people/figures/three_way/?area=219902000000").status_code == 404
    assert helping.door("farmer").get("/people/figures/three_way/").status_code == 404


def test_every_figure_has_a_page(helping):
    city = helping.door("city")
    helping.need()
    for program in ("three_way", "village_reserve"):
        for key in declared.figures(program):
            assert city.get(f"/people/figures/{program}/{key}/").status_code == 200, key


def test_figures_at_once_are_the_figures_one_by_one(helping, picture):
    helping.need()
    helping.door("town").post("/people/ledger/three_way/new/", entry(helping, photo_ids=[picture()]))
    when, area = When.end_of(localdate()), tree.snapshot().unit(helping.cast.county.pk)
    for program in ("three_way", "village_reserve"):
        together = people.read_all(program, area, when)
        assert together == {key: people.read(one, area, when) for key, one in declared.figures(program).items()}


def test_a_board_of_figures_takes_few_statements(helping, django_assert_max_num_queries):
    city = helping.door("city")
    city.get("/people/figures/three_way/")
    with django_assert_max_num_queries(6):
        city.get("/people/figures/three_way/")
