"""Units and places are found while they are typed: by a part of the name, by an address, in letters."""

from datetime import date
from typing import Any

import pytest

from bihuan.net import tree
from bihuan.net.models import Place, Unit
from bihuan.net.pinyin import spelled
from bihuan.net.search import places_named, units_named
from tests.net.conftest import AT, County, county

__all__ = ["county"]


@pytest.fixture
def named(county: County) -> County:
    for unit in Unit.objects.all():
        Unit.objects.filter(pk=unit.pk).update(pinyin=spelled(unit.name))
    Place.objects.create(name="新华小区", unit=county.first)
    Place.objects.create(name="新华路", unit=county.first)
    Place.objects.create(name="新华路", unit=county.second)
    tree.touch("places", AT)
    return county


def names(rows: list[Any]) -> list[str]:
    return [row.name for row in rows]


def test_an_office_is_found_by_a_part_of_its_name_or_in_letters(named: County) -> None:
    name = named.housing.name
    assert name in names(units_named(name[-3:], named.county.pk))
    assert name in names(units_named(spelled(name).split()[1], named.county.pk))
    assert units_named(name, named.xiliu.pk) == []
    assert units_named("  ", named.county.pk) == []


def test_a_grid_is_no_office_and_a_closed_unit_is_gone(named: County) -> None:
    assert named.first.name not in names(units_named(named.first.name, named.county.pk))
    assert named.first.name in names(places_named(spelled(named.first.name).split()[0], named.county.pk))
    Unit.objects.filter(pk=named.housing.pk).update(died=date(2026, 1, 1))
    assert named.housing.name not in names(units_named(named.housing.name, named.county.pk))


def test_a_half_typed_address_offers_what_it_may_mean(named: County) -> None:
    assert names(places_named("新华小", named.county.pk)) == [named.first.name]
    both = {named.first.name, named.second.name}
    assert set(names(places_named("新华路", named.county.pk))) == both
    assert names(places_named(f"{named.nanguan.name}新华小区3号楼", named.county.pk))[0] == named.first.name
    assert places_named("新华小区", named.xiliu.pk) == []
