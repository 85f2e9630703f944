"""Everybody who serves the demo city: counted, and able to log in."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from django.contrib.auth import authenticate

from bihuan.demo.cast import CAST, PASSWORD, POLICE_AUXILIARY, POLICE_CHIEF, roll, staff
from bihuan.demo.city import SEED, City
from bihuan.demo.founding import found
from bihuan.net.models import Boundary, Edge, Person, Place, Posting, Role, Unit
from bihuan.net.tree import rebuild_paths

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_one_person_answers_for_every_grid_and_the_police_are_counted(whole: City) -> None:
    posts = staff(whole, SEED)
    here = [post for post in posts if post.unit.code.startswith("219981")]
    grids = Counter(post.unit.level for post in here if post.role == Role.GRID_WORKER and "警" not in post.title)
    assert grids == {6: 1_622, 7: 13_035}
    assert sum(post.role == Role.CHIEF and post.unit.level == 5 for post in here) == 429
    for title, people in ((POLICE_CHIEF, 154), (POLICE_AUXILIARY, 460)):
        assert len({post.person for post in posts if post.title == title}) == people
        assert len({post.unit.code for post in posts if post.title == title}) == 429


def test_the_roll_names_every_login_once() -> None:
    assert len({actor.login for actor in CAST}) == len(CAST)
    assert all(actor.login in roll() for actor in CAST) and PASSWORD in roll()
    assert {actor.role for actor in CAST} == set(Role)


@pytest.mark.django_db
def test_the_founded_city_is_the_planned_one(small: City) -> None:
    posts = staff(small, SEED)
    found(small, posts, at=AT)
    assert Unit.objects.count() == len(small.units())
    assert Edge.objects.count() == len(list(small.edges()))
    assert Boundary.objects.filter(made_up=True).count() == sum(u.shape is not None for u in small.units())
    assert Place.objects.count() == len(small.spots)
    assert Posting.objects.count() == len(posts)
    assert rebuild_paths() == 0  # the paths written are those the edges give


@pytest.mark.django_db
def test_the_cast_can_log_in(small: City, rf) -> None:
    found(small, staff(small, SEED), at=AT)
    for actor in CAST[:3]:
        assert authenticate(rf.get("/"), username=actor.login, password=PASSWORD) is not None
    held = Posting.objects.get(person__user__username="wangge1")
    assert held.unit.code == "219981001001001" and held.role == Role.GRID_WORKER
    assert Person.objects.exclude(user=None).count() == len(CAST)
