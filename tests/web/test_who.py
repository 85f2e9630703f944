"""The public page of who serves a place: what hangs on the notice board, and nothing else."""

import re

import pytest
from django.http import HttpResponse
from django.test import Client

from bihuan.net import people, tree
from bihuan.net.models import Boundary, Place, Role
from tests.net.conftest import AT, County, county
from tests.net.test_boundaries import SOUTH, WEST, square

__all__ = ["county"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def served(county: County) -> County:
    county.post("王秀英", county.first, Role.GRID_WORKER, title="网格长")
    worker = county.post("赵铁柱", county.first, Role.GRID_WORKER, title="社区民警", holding="acting")
    worker.person.phone = "13800001234"
    worker.person.save()
    people.open_account(worker.person, "zhaotiezhu")
    county.post("不公示的人", county.first, Role.GRID_WORKER)
    county.post("孙管理", county.nanguan, Role.ADMIN, title="系统管理员")
    tree.rename_unit(county.nanguan, at=AT, phone="0412-3221111")
    tree.rename_unit(county.centre, at=AT, phone="0412-12345")
    Place.objects.create(name="新华小区", unit=county.first)
    tree.forget()
    tree.snapshot()
    return county


def page(client: Client, **asked: str) -> str:
    return _text(client.get("/net/", asked))


def _text(answer: HttpResponse) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_address_tells_who_serves_from_the_grid_up_to_the_street(client: Client, served: County) -> None:
    found = page(client, address="新华小区3号楼")
    for words in (
        "王秀英",
        "网格长",
        "赵铁柱",
        "社区民警（代理）",
        "南关社区",
        "0412-3221111",
        "海州街道",
        "海城市诉求中心 0412-12345",
    ):
        assert words in found
    assert found.index("第一网格</h2>") < found.index("南关社区</h2>") < found.index("海州街道</h2>")


def test_who_leads_stands_first_and_many_helpers_are_folded(client: Client, served: County) -> None:
    for n in range(8):
        served.post(f"帮手{n}", served.nanguan, Role.GRID_WORKER, title="网格辅警")
    served.post("钱书记", served.nanguan, Role.CHIEF, title="社区书记")
    tree.forget()
    found = page(client, address="南关社区")
    names = re.findall(r"钱书记|帮手\d|还有 \d+ 人", found)
    assert names[0] == "钱书记" and names[6].startswith("还有") and len(names) == 10


def test_a_place_that_is_not_found_is_to_be_written_another_way(client: Client, served: County) -> None:
    found = page(client, address="火星街道")
    assert "请换个写法" in found and "我们的人会去找" not in found


def test_nothing_private_is_shown(client: Client, served: County) -> None:
    found = page(client, address="新华小区3号楼")
    for words in ("13800001234", "zhaotiezhu", "不公示的人", "孙管理", "网格员</span>"):
        assert words not in found


def test_levels_are_chosen_one_after_the_other_without_scripts(client: Client, served: County) -> None:
    assert "西柳镇</option>" in page(client)
    chosen = page(client, area=served.haizhou.code)
    assert "海州街道</h2>" in chosen and "南关社区</option>" in chosen
    assert "北关社区</h2>" in _text(client.get(f"/net/?area={served.haizhou.code}&area={served.beiguan.code}"))


def test_below_a_community_its_grids_are_offered(client: Client, served: County) -> None:
    asked = f"area={served.haizhou.code}&area={served.nanguan.code}"
    assert "第一网格</option>" in _text(client.get(f"/net/?{asked}"))
    assert "王秀英" in _text(client.get(f"/net/?{asked}&area={served.first.code}"))


def test_a_point_finds_the_grid(client: Client, served: County) -> None:
    Boundary.objects.create(
        unit=served.first, geometry={"type": "Polygon", "coordinates": square(0, 0)}, source="生成", updated_at=AT
    )
    tree.touch("boundaries", AT)
    assert "王秀英" in page(client, lng=str(WEST + 0.005), lat=str(SOUTH + 0.005))
    assert "王秀英" not in page(client, lng="0", lat="0")


def test_htmx_gets_the_part_only(client: Client, served: County) -> None:
    answer = client.get("/net/", {"address": "新华小区"}, headers={"hx-request": "true"})
    assert "王秀英" in answer.content.decode() and "<html" not in answer.content.decode()


def test_nonsense_is_answered_kindly(client: Client, served: County) -> None:
    for address in ("'; DROP TABLE net_unit; --", "<script>alert(1)</script>", "不存在的地方" * 50, "\U0002070e家"):
        found = page(client, address=address)
        assert "<script>alert" not in found and "没认出是哪里" in found


def test_the_page_costs_few_queries(client: Client, served: County, django_assert_num_queries: object) -> None:
    page(client, address="新华小区")
    with django_assert_num_queries(3):  # type: ignore[operator]  # units, people, centre
        page(client, address="新华小区")
