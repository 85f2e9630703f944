"""Who sees a photo that belongs to no case: a paper is for those who answer for the subject's place."""

import pytest
from django.test import Client

from bihuan.dossier import papers, photos, questions, subjects
from bihuan.loop.actions import intake
from bihuan.loop.report import BadReport, Report
from bihuan.net.models import Person, Posting, Role
from tests.dossier.people import page
from tests.world import BORN


@pytest.fixture
def card(cast, at):
    """The key of the page of somebody's identity card, in 南关社区."""
    questions.ensure()
    wang = subjects.register("王富强", unit=cast.south.pk, at=at)
    key = page(cast.county.pk, at)
    papers.take_in(wang, "person.id_card", [key], by=None, at=at)
    return key


def seen(login, key, who):
    return login(who).get(f"/photos/{key}/").status_code


def test_a_paper_is_seen_by_those_who_answer_for_the_place_and_by_nobody_else(cast, login, card):
    for name, unit, role in (
        ("village", cast.south, Role.SECRETARY), ("next_village", cast.north, Role.SECRETARY),
        ("organiser", cast.county, Role.ORGANISER),
    ):  # fmt: skip
        person = Person.objects.create(name=name, user=type(cast.agent.person.user).objects.create_user(name))
        setattr(cast, name, Posting.objects.create(person=person, unit=unit, role=role, since=BORN))
    assert [seen(login, card, who) for who in ("village", "organiser", "leader")] == [200, 200, 200]
    assert [seen(login, card, who) for who in ("next_village", "agent", "handler", "admin")] == [404] * 4
    assert Client().get(f"/photos/{card}/").status_code == 404


def test_what_was_done_is_seen_by_the_staff_of_the_county_and_not_by_strangers(cast, login, at):
    key = page(cast.county.pk, at)
    photos.hold([key], holder="duty", holder_id=5)
    assert [seen(login, key, who) for who in ("handler", "other_dispatcher")] == [200, 404]
    assert Client().get(f"/photos/{key}/").status_code == 404


def test_a_held_photo_is_not_taken_by_a_case(cast, card, at):
    with pytest.raises(BadReport, match="已被使用"):
        intake.file(Report(type="help", text="漏水", grid="219981001001001", photos=(card,)), at=at)
