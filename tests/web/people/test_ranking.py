"""Where places are few: the line of those who wait, and comparing them."""

import pytest
from django.utils.timezone import now

from bihuan.ladder.actions import gates
from bihuan.ladder.models import Standing
from tests.web.people.conftest import Ladders
from tests.web.people.test_board import text

pytestmark = pytest.mark.django_db


def test_those_who_wait_are_compared(ladders: Ladders) -> None:
    for n, output in enumerate((350_000, 900_000)):
        standing = ladders.on("primary", f"周{n}号", phone=f"1380413005{n}", output=output, post="secretary")
        gates.open_gate(standing, "to_middle", by=ladders.posts["town"], at=now())
    ladders.post("town2", "海州组织二", ladders.cast.town, "organiser")
    for standing in Standing.objects.all():
        gates.vote(standing, agree=True, by=ladders.posts["town"], at=now())
        gates.vote(standing, agree=True, by=ladders.posts["county"], at=now())
    ladders.pump(standing.passes.get(gate="to_middle").notices.get().until)
    door, path = ladders.door("county"), "/people/three_way/ranking/"
    shown = text(door.get(path))
    assert shown.index("周1号") < shown.index("周0号") and "等我排名" in text(door.get("/people/"))
    stranger = ladders.door("village").post(f"{path}to_middle/", {"unit": ladders.cast.town.code})
    assert stranger.status_code == 409 and "您的岗位不能进行排名" in text(stranger)
    assert door.post(f"{path}to_middle/", {"unit": "nowhere"}).status_code == 404
    assert "已排名，2人入选" in text(door.post(f"{path}to_middle/", {"unit": ladders.cast.town.code}, follow=True))
    assert set(Standing.objects.values_list("stage", flat=True)) == {"middle"}
    again = door.post(f"{path}to_middle/", {"unit": ladders.cast.town.code})
    assert again.status_code == 409 and "没有等待名额的人" in text(again)
