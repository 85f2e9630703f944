"""N1: one parent per unit and tree, no cycle. N4: closed and moved units keep their history."""

import time
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from bihuan.net import tree
from bihuan.net.models import Edge, Kind, Place, Posting, Revision, Role, Tree, Unit
from tests.net.conftest import AT, BORN, County, found

MOVED = date(2025, 7, 1)


def test_a_unit_knows_its_levels_and_its_path(county: County) -> None:
    net = tree.snapshot()
    second = net.by_code("21038100100100101")
    assert net.levels(second.id) == (
        county.province.id, county.city.id, county.county.id, county.haizhou.id, county.nanguan.id, second.id
    )  # fmt: skip
    assert net.full_name(second.id) == "海城市海州街道南关社区第一网格第二网格"
    assert net.levels(county.team.id).grid == county.county.id  # an office lies in its county


def test_below_follows_the_path_or_one_tree(county: County) -> None:
    net = tree.snapshot()
    assert net.below(county.nanguan.id) == (county.nanguan.id, county.first.id, county.second.id)
    assert net.below(county.nanguan.id, Tree.ADMIN) == (county.nanguan.id,)
    assert net.below(county.housing.id, Tree.ADMIN) == (county.housing.id, county.team.id)
    assert [unit.name for unit in net.children(county.haizhou.id)] == ["南关社区", "北关社区"]


def test_the_region_is_the_county_and_without_a_place_the_home_area(county: County) -> None:
    net = tree.snapshot()
    assert net.region_of(county.second.id) == county.county.id
    assert net.region_of(county.city.id) == county.city.id
    assert net.region_of(None) == county.county.id  # the only county here
    found("210302000000", "铁东区", 3, county.city)
    assert tree.snapshot().region_of(None) == county.city.id  # with two counties it is their city


def test_the_centre_is_the_nearest_above_and_else_the_county_itself(county: County) -> None:
    other = found("210302000000", "铁东区", 3, county.city)
    assert tree.snapshot().centre_of(county.second.id) == county.centre.id
    assert tree.snapshot().centre_of(other.id) == other.id
    hotline = found("2103-ZX", "鞍山市诉求中心", 2, county.city, Kind.CENTRE)
    assert tree.snapshot().centre_of(other.id) == hotline.id


def test_a_net_without_units_says_so(db: None) -> None:
    with pytest.raises(tree.EmptyNet, match="还没有导入区划"):
        tree.snapshot().region_of(None)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("海城市海州街道南关社区3号楼", "210381001001"),
        ("辽宁省 鞍山市 海城市 海州街道", "210381001"),
        ("南关社区第一网格", "210381001001001"),
        ("西柳", "210381102"),
        ("新华小区2单元", "210381001004"),
        ("某某路5号", None),
        ("", None),
        ("海城市住建局门口", "210381"),  # an office is no place; its county is
    ],
)
def test_an_address_resolves_to_the_deepest_unit_it_names(county: County, text: str, code: str | None) -> None:
    Place.objects.create(name="新华小区", unit=county.beiguan)
    found_id = tree.snapshot().resolve_address(text)
    assert found_id == (None if code is None else tree.snapshot().by_code(code).id)


def test_a_name_borne_by_two_places_is_decided_by_the_street_or_left_open(county: County) -> None:
    twin = found("210381102001", "南关社区", 5, county.xiliu)
    net = tree.snapshot()
    assert net.resolve_address("南关社区") is None
    assert net.resolve_address("西柳镇南关社区") == twin.id
    assert net.resolve_address("南关社区", within=county.haizhou.id) == county.nanguan.id


def test_an_ambiguous_road_still_tells_the_street_that_was_named(county: County) -> None:
    Place.objects.create(name="幸福路", unit=county.nanguan, kind="road")
    Place.objects.create(name="幸福路", unit=county.beiguan, kind="road")
    assert tree.snapshot().resolve_address("幸福路8号") is None
    assert tree.snapshot().resolve_address("海州街道幸福路8号") == county.haizhou.id


# N1


def test_n1_the_database_refuses_a_second_parent_at_the_same_time(county: County) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Edge.objects.create(child=county.nanguan, parent=county.xiliu, tree=Tree.ADMIN, since=MOVED)
    Edge.objects.create(child=county.nanguan, parent=county.xiliu, tree=Tree.ALLIANCE, since=MOVED)
    Edge.objects.create(child=county.nanguan, parent=county.haizhou, tree=Tree.ALLIANCE, since=MOVED)


def test_n1_a_unit_cannot_hang_under_itself(county: County) -> None:
    with pytest.raises(tree.TreeFault, match="不能成为它的上级"):
        tree.move_unit(county.county, county.nanguan, on=MOVED, at=AT)
    with pytest.raises(tree.TreeFault, match="不能成为它的上级"):
        # In the party tree alone there is no cycle; on the way by which places are found there would be.
        tree.move_unit(county.county, county.nanguan, Tree.PARTY, on=MOVED, at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Edge.objects.create(child=county.nanguan, parent=county.nanguan, tree=Tree.PARTY, since=MOVED)


def test_n1_the_integrity_check_finds_what_was_written_past_the_actions(county: County) -> None:
    assert list(tree.faults()) == []
    Edge.objects.create(child=county.county, parent=county.nanguan, tree=Tree.PARTY, since=MOVED)
    Edge.objects.create(child=county.nanguan, parent=county.county, tree=Tree.PARTY, since=MOVED)
    assert {fault.rule for fault in tree.faults()} == {"N1"}


# N4


def test_n4_a_moved_unit_keeps_where_it_was(county: County) -> None:
    tree.move_unit(county.nanguan, county.xiliu, on=MOVED, at=AT)
    county.second.refresh_from_db()
    assert (county.second.l4, county.second.l5) == (county.xiliu.id, county.nanguan.id)
    assert tree.path_on(county.nanguan, MOVED - timedelta(days=1))[-2] == county.haizhou.id
    assert tree.path_on(county.nanguan, MOVED)[-2] == county.xiliu.id
    assert [(edge.parent.name, edge.until) for edge in tree.history(county.nanguan)] == [
        ("海州街道", MOVED), ("西柳镇", None)
    ]  # fmt: skip


def test_a_move_cannot_be_dated_ahead_or_before_the_last_one(county: County) -> None:
    with pytest.raises(tree.TreeFault, match="不能晚于今天"):
        tree.move_unit(county.nanguan, county.xiliu, on=AT.date() + timedelta(days=2), at=AT)
    with pytest.raises(tree.TreeFault, match="早于上一次变动"):
        tree.move_unit(county.nanguan, county.xiliu, on=BORN - timedelta(days=1), at=AT)


def test_a_unit_with_people_or_units_cannot_be_closed(county: County) -> None:
    with pytest.raises(tree.TreeFault, match="下面还有单位"):
        tree.close_unit(county.housing, on=MOVED, at=AT)
    county.post("李科长", county.team, Role.CHIEF)
    with pytest.raises(tree.TreeFault, match="还有人任职"):
        tree.close_unit(county.team, on=MOVED, at=AT)


def test_n4_totals_by_then_and_by_today_agree_after_a_merger(county: County) -> None:
    # Work done, counted by who was responsible then: 3 in 南关, 4 in 北关, 5 in the grid below 南关.
    then = {county.nanguan.id: 3, county.beiguan.id: 4, county.first.id: 5}
    county.post("王书记", county.nanguan, Role.GRID_WORKER, title="党委书记")
    Place.objects.create(name="新华小区", unit=county.nanguan)
    tree.merge_units([county.nanguan], county.beiguan, on=MOVED, at=AT)
    net = tree.snapshot()
    today: dict[int, int] = {}
    for unit, amount in then.items():
        today[net.today(unit)] = today.get(net.today(unit), 0) + amount
    assert today == {county.beiguan.id: 7, county.first.id: 5}
    assert sum(today.values()) == sum(then.values())
    assert net.unit(county.first.id).parent == county.beiguan.id
    assert net.unit(county.nanguan.id).died == MOVED  # still there, with its name
    assert Place.objects.get(name="新华小区").unit == county.beiguan
    held = Posting.objects.get(person__name="王书记", until=None)
    assert (held.unit, held.title, held.since) == (county.beiguan, "党委书记", MOVED)
    assert list(tree.faults()) == []


def test_what_hangs_on_a_unit_may_refuse_its_closing(county: County) -> None:
    def refuse(unit: Unit, into: Unit | None, at: object) -> None:
        raise tree.TreeFault("还有未办结的工单")

    tree.before_close.append(refuse)
    try:
        with pytest.raises(tree.TreeFault, match="还有未办结的工单"):
            tree.close_unit(county.team, on=MOVED, at=AT)
    finally:
        tree.before_close.remove(refuse)


# What a process keeps


def test_a_change_is_seen_at_once_by_the_one_who_made_it_and_dropped_when_rolled_back(county: County) -> None:
    assert len(tree.snapshot()) == 12
    try:
        with transaction.atomic():
            found("210302000000", "铁东区", 3, county.city)
            assert len(tree.snapshot()) == 13
            raise InterruptedError
    except InterruptedError:
        assert len(tree.snapshot()) == 12


def test_a_revision_never_shows_a_number_seen_before(db: None) -> None:
    numbers = []
    for _ in range(2):
        with transaction.atomic():
            tree.touch("tree", AT)
            numbers.append(Revision.objects.get(part="tree").number)
            transaction.set_rollback(True)
    assert numbers[0] != numbers[1]


def test_asking_again_costs_no_query(county: County, django_assert_num_queries: object) -> None:
    tree.snapshot()
    with django_assert_num_queries(0):  # type: ignore[operator]
        tree.snapshot().unit(county.second.id)


def test_twenty_thousand_units_are_read_in_half_a_second(county: County) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO net_unit"
            " (code, kind, name, short, pinyin, level, l1, l2, l3, l4, l5, path, duties, phone, born)"
            " SELECT 'g' || n, 'grid', '网格' || n, '', '', 7, %s, %s, %s, %s, %s, ARRAY[%s, %s, %s, n]::bigint[],"
            " '', '', %s FROM generate_series(1, 20000) AS n",
            [*tree.snapshot().levels(county.nanguan.id)[:5], 1, 2, 3, BORN],
        )
        cursor.execute(
            "INSERT INTO net_edge (child_id, parent_id, tree, since)"
            " SELECT id, %s, 'grid', born FROM net_unit WHERE code LIKE 'g%%'",
            [county.nanguan.id],
        )
    tree.forget()
    began = time.perf_counter()
    net = tree.snapshot()
    assert len(net) == 20012
    assert time.perf_counter() - began < 1.0  # 0.3 s alone on one core; other tests may run beside
