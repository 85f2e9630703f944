"""What each role covers, and who is a stranger."""

import pytest

from bihuan.net import tree
from bihuan.net.models import Role, Unit
from bihuan.net.scope import OutOfScope, Reach, covers, reach, require_scope
from tests.net.conftest import AT, County
from tests.net.test_tree import MOVED


@pytest.mark.parametrize("role", [Role.AGENT, Role.DISPATCHER, Role.CALLER, Role.SUPERVISOR, Role.LEADER])
def test_desk_roles_cover_the_area_of_their_unit(county: County, role: str) -> None:
    assert reach(county.post("甲", county.centre, role)) == Reach("l3", (county.county.id,))
    assert reach(county.post("乙", county.haizhou, role)) == Reach("l4", (county.haizhou.id,))
    assert reach(county.post("丙", county.city, role)) == Reach("l2", (county.city.id,))


@pytest.mark.parametrize("role", [Role.HANDLER, Role.CHIEF])
def test_handlers_cover_what_their_unit_and_those_below_it_were_given(county: County, role: str) -> None:
    assert reach(county.post("甲", county.housing, role)) == Reach("unit_id", (county.housing.id, county.team.id))
    assert reach(county.post("乙", county.team, role)) == Reach("unit_id", (county.team.id,))


def test_grid_workers_cover_their_grid_and_the_grids_below(county: County) -> None:
    assert reach(county.post("甲", county.first, Role.GRID_WORKER)) == Reach(
        "grid_id", (county.first.id, county.second.id)
    )
    assert reach(county.post("乙", county.nanguan, Role.GRID_WORKER)) == Reach("l5", (county.nanguan.id,))


def test_n4_who_took_a_place_or_an_office_over_covers_its_matters_too(county: County) -> None:
    tree.merge_units([county.nanguan], county.beiguan, on=MOVED, at=AT)
    tree.merge_units([county.team], county.housing, on=MOVED, at=AT)
    assert reach(county.post("甲", county.beiguan, Role.GRID_WORKER)) == Reach(
        "l5", (county.beiguan.id, county.nanguan.id)
    )
    assert reach(county.post("乙", county.housing, Role.HANDLER)).ids == (county.housing.id, county.team.id)
    tree.merge_units([county.xiliu], county.haizhou, on=MOVED, at=AT)
    assert reach(county.post("丙", county.haizhou, Role.LEADER)) == Reach("l4", (county.haizhou.id, county.xiliu.id))


def test_administrators_see_no_case(county: County) -> None:
    assert reach(county.post("甲", county.county, Role.ADMIN)) == Reach("unit_id", ())


@pytest.mark.parametrize("role", [Role.ORGANISER, Role.SECRETARY])
def test_those_who_raise_people_see_no_case_and_cover_the_area_of_their_unit(county: County, role: str) -> None:
    assert reach(county.post("甲", county.haizhou, role)) == Reach("unit_id", ())
    assert covered(county, county.haizhou, role) == {"海州街道", "南关社区", "第一网格"}


def covered(county: County, unit: Unit, role: str) -> set[str]:
    posting = county.post("甲", unit, role)
    units = [county.city, county.county, county.haizhou, county.nanguan, county.first, county.housing, county.team]
    return {unit.name for unit in units if covers(posting, unit)}


def test_a_dispatcher_may_send_to_every_unit_of_the_area_and_to_none_above(county: County) -> None:
    assert covered(county, county.centre, Role.DISPATCHER) == {
        "海城市", "海州街道", "南关社区", "第一网格", "海城市住建局", "住建局供热科"
    }  # fmt: skip
    assert covered(county, county.haizhou, Role.DISPATCHER) == {"海州街道", "南关社区", "第一网格"}


def test_a_handler_may_hand_down_within_the_own_unit_only(county: County) -> None:
    assert covered(county, county.housing, Role.HANDLER) == {"海城市住建局", "住建局供热科"}


def test_out_of_scope_is_said_in_words(county: County) -> None:
    with pytest.raises(OutOfScope, match="“海城市”不在您的职责范围内。"):
        require_scope(county.post("甲", county.haizhou, Role.DISPATCHER), county.county)
