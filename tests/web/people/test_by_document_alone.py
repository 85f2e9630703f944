"""A program nobody wrote code for runs on the pages: people sign up, wait in line, get a place, renew and leave."""

from django.utils.timezone import now

from bihuan.ladder.models import Standing
from tests.web.people.conftest import Ladders


def test_the_tool_shelf_runs_on_the_pages(ladders: Ladders) -> None:
    door = ladders.door("village")
    for nth in range(7):
        sign_up(door, f"借用人{nth}", f"1380413000{nth}")
    ladders.pump(now())
    last = standing("借用人6")
    assert last.stage == "waiting" and standing("借用人5").stage == "holding"
    board = door.get("/people/tool_shelf/").content.decode()
    assert "工具共享架" in board and "排队" in board and "持钥匙" in board
    act(door, standing("借用人0"), "hand_back")
    ladders.pump(now())
    assert standing("借用人0").result == "returned" and standing("借用人6").stage == "holding"
    act(door, standing("借用人6"), "renew", a_promise="yes", a_broken="1")
    page = door.get(f"/people/s/{last.no}/").content.decode()
    assert "续一年" in page
    assert ladders.door("north").get(f"/people/s/{last.no}/").status_code == 404


def sign_up(door, name: str, phone: str) -> None:  # type: ignore[no-untyped-def]
    said = {"way": "join", "name": name, "phone": phone, "unit": "219981001001", "a_tool": "drill", "a_promise": "yes"}
    page = door.post("/people/tool_shelf/nominate/", said)
    assert page.status_code == 302, page.content.decode()


def act(door, one: Standing, move: str, **said: str) -> None:  # type: ignore[no-untyped-def]
    page = door.post(f"/people/s/{one.no}/moves/{move}/", {"n": one.n, **said})
    assert page.status_code == 302, page.content.decode()


def standing(name: str) -> Standing:
    return Standing.objects.get(subject__name=name, program="tool_shelf")
