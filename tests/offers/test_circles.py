"""Studios (M24): host, members, a calendar of sessions, attendance; suggestions that become cases."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from bihuan.book.journal import RESIDENT
from bihuan.book.models import Look
from bihuan.book.verify import verify
from bihuan.dossier import vault
from bihuan.dossier.models import Contact, Text
from bihuan.loop.access import by_number
from bihuan.loop.moves import IllegalMove, Missing
from bihuan.net import tree
from bihuan.net.scope import OutOfScope
from bihuan.offers import access, lists
from bihuan.offers.actions import circles
from bihuan.offers.models import Attendance, Circle, CircleEvent, Session, SessionEvent, Suggestion, SuggestionEvent
from tests.dossier.people import page
from tests.offers.people import LADDER

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def studio(folk, at):
    return circles.found(
        "刘能手书记工作室", program=LADDER, unit=folk.south, host=folk.trainee, by=folk.village_secretary, at=at
    )


def call(folk, begins, **changed):
    asked = {"kind": "talk", "begins_at": begins, "ends_at": begins + 2 * HOUR, "venue": "村部", "at": begins}
    return circles.call(**{"title": "大棚怎么过冬", "by": folk.village_secretary, **asked, **changed})


def test_a_studio_has_a_host_and_members(folk, at, studio):
    circles.join(studio, folk.trainee, by=folk.village_secretary, at=at)
    member = circles.join(studio, folk.north_trainee, by=folk.north_secretary, at=at)  # his own secretary sends him
    with pytest.raises(IllegalMove, match="已经是"):
        circles.join(studio, folk.trainee, by=folk.village_secretary, at=at)
    circles.leave(member, on=at.date(), by=folk.village_secretary, at=at)
    with pytest.raises(IllegalMove):
        circles.leave(member, on=at.date(), by=folk.village_secretary, at=at)
    circles.close(studio, on=at.date(), by=folk.organiser, at=at)
    assert not studio.members.filter(until=None).exists()
    with pytest.raises(IllegalMove, match="已经结束"):
        circles.join(studio, folk.other_trainee, by=folk.village_secretary, at=at)


def test_a_studio_is_founded_once_by_who_answers_for_the_place(folk, at, studio):
    asked = {"program": LADDER, "unit": folk.south, "at": at}
    with pytest.raises(IllegalMove, match="同名"):
        circles.found("刘能手书记工作室", host=folk.trainee, by=folk.organiser, **asked)
    with pytest.raises(Missing):
        circles.found("无人工作室", by=folk.organiser, **asked)
    with pytest.raises(access.NotYours):
        circles.found("另一个", host=folk.trainee, by=folk.farmer_helper, **asked)
    with pytest.raises(OutOfScope):
        circles.found("另一个", host=folk.trainee, by=folk.north_secretary, **asked)
    held = circles.found("书记工作室", host_posting=folk.village_secretary, by=folk.town_organiser, **asked)
    assert held.host_posting == folk.village_secretary.pk


def test_a_session_is_called_held_and_attended(folk, at, studio):
    session = call(folk, at + DAY, circle=studio, at=at)
    with pytest.raises(IllegalMove, match="还没有开始"):
        circles.hold(session, present=[], text="太早", by=folk.village_secretary, at=at)
    circles.sign_up(session, folk.trainee, by=folk.village_secretary, at=at)
    circles.sign_up(session, folk.other_trainee, by=RESIDENT, at=at)
    after, picture = at + DAY + 3 * HOUR, page(folk.county.pk, at)
    there = [folk.trainee, folk.north_trainee]  # one came without a seat, one stayed away
    session = circles.hold(
        session, present=there, text="讲了保温", by=folk.village_secretary, at=after, photos=[picture]
    )
    assert (session.state, session.photos) == ("held", [picture])
    seen = dict(Attendance.objects.filter(session=session).values_list("subject_id", "present"))
    assert seen == {folk.trainee.pk: True, folk.north_trainee.pk: True, folk.other_trainee.pk: False}
    circles.attend(session, folk.other_trainee, present=True, by=folk.village_secretary, at=after)
    assert Attendance.objects.filter(session=session, present=True).count() == 3
    with pytest.raises(IllegalMove, match="已举办"):
        circles.cancel(session, text="不办了", by=folk.village_secretary, at=after)


def test_M1_seats_of_a_session_are_not_given_twice(folk, at, studio):
    session = call(folk, at, circle=studio, seats=1)
    circles.sign_up(session, folk.trainee, by=folk.village_secretary, at=at)
    with pytest.raises(IllegalMove, match="已满"):
        circles.sign_up(session, folk.other_trainee, by=folk.village_secretary, at=at)
    with pytest.raises(IntegrityError, match="m1_signed_in_seats"), transaction.atomic():
        Session.objects.filter(pk=session.pk).update(signed=2)


def test_an_area_holds_sessions_of_its_own(folk, at):
    session = call(folk, at, kind="training", unit=folk.county, program=LADDER, by=folk.organiser)
    assert (session.circle, session.l3, session.l4) == (None, folk.county.pk, None)
    with pytest.raises(OutOfScope):
        call(folk, at, unit=folk.county, by=folk.village_secretary)
    with pytest.raises(Missing):
        call(folk, at)


@pytest.mark.parametrize(
    "changed", [{"title": ""}, {"kind": "dance"}, {"venue": " "}, {"seats": 0}, {"ends_at": "begin"}]
)
def test_a_session_says_what_it_lacks(folk, at, studio, changed):
    with pytest.raises(Missing):
        call(folk, at, circle=studio, **{key: at if value == "begin" else value for key, value in changed.items()})


# Suggestions


def test_a_suggestion_becomes_a_case_and_both_know_each_other(folk, at, studio):
    session = call(folk, at, circle=studio)
    suggestion = circles.suggest(
        "把机耕路修到棚区", by=folk.village_secretary, at=at, subject=folk.trainee, session=session
    )
    assert (suggestion.circle, suggestion.l5) == (studio, folk.south.pk)
    filed = circles.make_case(suggestion, by=folk.village_secretary, at=at)
    case = by_number(filed.number)
    suggestion.refresh_from_db()
    assert (suggestion.case_region, suggestion.case_id) == (case.region_id, case.pk)
    assert access.suggestion_of(case.region_id, case.pk) == suggestion
    assert (case.type, case.l5, case.state) == ("suggestion", folk.south.pk, "filed")
    assert Text.objects.get(region_id=case.region_id, pk=case.text_id).body == "把机耕路修到棚区"
    contact = Contact.objects.get(region_id=case.region_id, pk=case.contact_id)
    assert (contact.name_mask, contact.phone_mask) == (vault.mask_name("刘能手"), "138****1234")
    assert Look.objects.filter(subject_id=folk.trainee.pk, posting=folk.village_secretary.pk).count() == 1
    with pytest.raises(IllegalMove, match="已经转为工单"):
        circles.make_case(suggestion, by=folk.village_secretary, at=at)


def test_a_posting_suggests_in_his_own_name(folk, at):
    suggestion = circles.suggest("建一个冷库", by=folk.farmer_helper, at=at, program=LADDER)
    assert (suggestion.posting, suggestion.subject_id, suggestion.unit_id) == (
        folk.farmer_helper.pk,
        None,
        folk.farming.pk,
    )
    case = by_number(circles.make_case(suggestion, by=folk.organiser, at=at).number)
    assert case.region_id == folk.county.pk
    assert Contact.objects.get(region_id=case.region_id, pk=case.contact_id).phone_mask == "139****0000"


def test_only_who_answers_for_the_place_makes_a_case(folk, at, studio):
    suggestion = circles.suggest("修路", by=folk.village_secretary, at=at, subject=folk.trainee, circle=studio)
    with pytest.raises(access.NotYours):
        circles.make_case(suggestion, by=folk.farmer_helper, at=at)
    with pytest.raises(OutOfScope):
        circles.make_case(suggestion, by=folk.north_secretary, at=at)
    with pytest.raises(access.NotFound):
        access.suggestion_for(folk.north_secretary, suggestion.no)
    assert access.suggestion_for(folk.organiser, suggestion.no) == suggestion


def test_the_table_keeps_one_suggestion_to_a_case(folk, at):
    one, two = (circles.suggest("修路", by=folk.village_secretary, at=at) for _ in range(2))
    circles.make_case(one, by=folk.village_secretary, at=at)
    one.refresh_from_db()
    with pytest.raises(IntegrityError, match="suggestion_of_one_case"), transaction.atomic():
        Suggestion.objects.filter(pk=two.pk).update(case_region=one.case_region, case_id=one.case_id)


# Lists and record


def test_the_calendar_takes_one_query_a_page(folk, at, studio, django_assert_num_queries):
    for day in range(3):
        call(folk, at + day * DAY, circle=studio, at=at, seats=20)
    area = tree.snapshot().unit(folk.county.pk)
    with django_assert_num_queries(1):
        first = lists.sessions(area, since=at, until=at + 9 * DAY, limit=2)
    rest = lists.sessions(area, since=at, until=at + 9 * DAY, limit=2, after=first.after)
    assert [row.day for row in first.rows + rest.rows] == [date(2026, 11, 16 + day) for day in range(3)]
    assert (first.rows[0].kind, first.rows[0].circle, first.rows[0].seats) == ("交流座谈", "刘能手书记工作室", "0/20")
    assert rest.after == "" and lists.sessions(area, since=at, until=at + 9 * DAY, kind="tour").rows == []


def test_suggestions_take_one_query_and_show_their_case(folk, at, studio, django_assert_num_queries):
    one = circles.suggest("修路", by=folk.village_secretary, at=at, subject=folk.trainee, circle=studio)
    circles.suggest("打井", by=folk.village_secretary, at=at + HOUR)
    number = circles.make_case(one, by=folk.village_secretary, at=at).number
    with django_assert_num_queries(1):
        rows = lists.suggestions(folk.organiser, at=at).rows
    assert [(row.words, row.who, row.case_no) for row in rows] == [("打井", "村书记", ""), ("修路", "刘能手", number)]
    assert [row.words for row in lists.suggestions(folk.organiser, at=at, waiting=True).rows] == ["打井"]
    assert lists.suggestions(folk.north_secretary, at=at).rows == []
    assert lists.suggestions(folk.farmer_helper, at=at).rows == []


def test_S1_the_record_of_studios_is_whole(folk, at, studio):
    circles.join(studio, folk.trainee, by=folk.village_secretary, at=at)
    session = call(folk, at, circle=studio)
    circles.sign_up(session, folk.trainee, by=folk.village_secretary, at=at)
    circles.hold(session, present=[folk.trainee], text="讲了", by=folk.village_secretary, at=at)
    suggestion = circles.suggest("修路", by=RESIDENT, at=at, subject=folk.trainee, session=session)
    circles.make_case(suggestion, by=folk.village_secretary, at=at)
    for events, tracks in ((CircleEvent, Circle), (SessionEvent, Session), (SuggestionEvent, Suggestion)):
        found = verify(events, tracks)
        assert (found.tracks, found.breaks) == (1, [])
