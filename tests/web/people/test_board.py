"""The board of a ladder, its list, its gaps and the first page: whose they are, and what they cost."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.web.people.conftest import Ladders

pytestmark = pytest.mark.django_db
PAGES = (
    "/people/",
    "/people/three_way/",
    "/people/village_reserve/",
    "/people/tool_shelf/",
    "/people/village_reserve/gaps/",
)


def text(answer: Any) -> str:
    return answer.content.decode()


@pytest.mark.parametrize("key", ["village", "town", "county", "city", "boss"])
def test_every_page_opens_for_those_who_raise_people(ladders: Ladders, key: str) -> None:
    door = ladders.door(key)
    standing = ladders.contact()
    for path in (*PAGES, f"/people/s/{standing.no}/", f"/people/s/{standing.no}/facts/output/"):
        assert door.get(path).status_code == 200, path


def test_nobody_else_finds_them(ladders: Ladders, login: Any, client: Any) -> None:
    standing = ladders.contact()
    door = login("dispatcher")
    for path in (*PAGES, f"/people/s/{standing.no}/"):
        assert door.get(path).status_code == 404
        assert client.get(path)["Location"].startswith("/login/")


def test_somebody_of_another_village_is_not_found(ladders: Ladders) -> None:
    standing = ladders.contact()
    assert ladders.door("north").get(f"/people/s/{standing.no}/").status_code == 404
    assert "王小满" not in text(ladders.door("north").get("/people/three_way/"))
    assert ladders.door("north").get(f"/people/three_way/?area={ladders.cast.south.code}").status_code == 404
    assert ladders.door("county").get("/people/nothing_such/").status_code == 404


def test_the_subjects_number_leads_to_the_page_too(ladders: Ladders) -> None:
    standing = ladders.contact()
    answer = ladders.door("town").get(f"/people/s/{standing.subject.no}/")
    assert answer["Location"] == f"/people/s/{standing.no}/"


def test_the_list_is_one_query_however_long(ladders: Ladders) -> None:
    door = ladders.door("county")
    ladders.on("primary", "赵一", phone="13804130011")
    few = _queries(door, "/people/three_way/")
    for n in range(6):
        ladders.on("primary", f"钱{n}", phone=f"1380413002{n}")
    assert _queries(door, "/people/three_way/") == few
    assert few <= 6
    assert _queries(door, "/people/") <= 8


def _queries(door: Any, path: str) -> int:
    door.get(path)
    with CaptureQueriesContext(connection) as caught:
        assert door.get(path).status_code == 200
    # Within a test's transaction the numbers of the net are looked up every time.
    return sum("net_revision" not in one["sql"] for one in caught.captured_queries)


def test_the_list_is_narrowed_by_stage_area_and_name(ladders: Ladders) -> None:
    ladders.on("primary", "赵小年", phone="13804130011")
    ladders.on("middle", "钱大伟", unit=ladders.cast.north, phone="13804130012")
    door = ladders.door("county")
    assert "钱大伟" not in text(door.get("/people/three_way/?stage=primary"))
    assert "钱大伟" in text(door.get(f"/people/three_way/?area={ladders.cast.north.code}"))
    assert "赵小年" not in text(door.get(f"/people/three_way/?area={ladders.cast.north.code}"))
    found = text(door.get("/people/three_way/?q=zhaoxiao"))
    assert "赵小年" in found and "钱大伟" not in found
    assert "没有找到" in text(door.get("/people/three_way/?q=没有此人"))


def test_a_long_list_goes_on_page_by_page(ladders: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bihuan.web.people.board.PAGE", 2)
    for n in range(5):
        ladders.on("primary", f"孙{n}号", phone=f"1380413003{n}")
    door, seen, path = ladders.door("county"), list[str](), "/people/three_way/"
    for _page in range(3):
        answer = door.get(path)
        seen += [row["name"] for row in answer.context["found"]["rows"]]
        path = "/people/three_way/" + answer.context["found"]["next_url"].split("#")[0]
    assert seen == [f"孙{n}号" for n in (4, 3, 2, 1, 0)]


def test_gaps_of_the_reserve_are_a_list(ladders: Ladders) -> None:
    page = text(ladders.door("town").get("/people/village_reserve/gaps/"))
    assert "南关社区" in page and "书记后备" in page and "还缺" in page


def test_what_waits_for_me_stands_first(ladders: Ladders) -> None:
    standing = ladders.contact()
    from django.utils.timezone import now

    from bihuan.ladder.actions import gates

    gates.open_gate(standing, "admit", by=ladders.posts["village"], at=now())
    assert "等我把关" in text(ladders.door("village").get("/people/"))
    assert "等我把关" not in text(ladders.door("north").get("/people/"))
    assert "现在没有等您办的事" in text(ladders.door("county").get("/people/"))
