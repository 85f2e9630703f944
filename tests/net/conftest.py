"""A small county with its city, towns, communities and grids, founded through the product's own functions."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from bihuan.net import tree
from bihuan.net.models import Kind, Person, Posting, Role, Tree, Unit
from bihuan.net.postings import appoint

BORN = date(2020, 1, 1)
AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # a Monday, 09:00 in the city


@dataclass
class County:
    """海城市 under 鞍山市: two towns, two communities, a grid within a grid, offices and a centre."""

    at: datetime
    province: Unit
    city: Unit
    county: Unit
    haizhou: Unit
    xiliu: Unit
    nanguan: Unit
    beiguan: Unit
    first: Unit
    second: Unit
    centre: Unit
    housing: Unit
    team: Unit

    def post(self, name: str, unit: Unit, role: str = Role.ADMIN, **facts: object) -> Posting:
        person = Person.objects.create(name=name)
        return appoint(person, unit, role, since=BORN, by=None, **facts)  # type: ignore[arg-type]


def found(code: str, name: str, level: int, parent: Unit | None, kind: str = Kind.AREA, **facts: object) -> Unit:
    edge = Tree.GRID if kind == Kind.GRID else Tree.ADMIN
    return tree.found_unit(
        code=code, kind=kind, name=name, level=level, parent=parent, on=BORN, at=AT, tree=edge, **facts
    )


@pytest.fixture
def county(db: None) -> County:
    province = found("210000000000", "辽宁省", 1, None)
    city = found("210300000000", "鞍山市", 2, province, short="鞍山")
    county = found("210381000000", "海城市", 3, city, short="海城")
    haizhou = found("210381001000", "海州街道", 4, county, short="海州")
    xiliu = found("210381102000", "西柳镇", 4, county, short="西柳")
    nanguan = found("210381001001", "南关社区", 5, haizhou)
    beiguan = found("210381001004", "北关社区", 5, haizhou)
    first = found("210381001001001", "第一网格", 6, nanguan, Kind.GRID)
    second = found("21038100100100101", "第二网格", 7, first, Kind.GRID)
    centre = found("210381-ZX", "海城市诉求中心", 3, county, Kind.CENTRE)
    housing = found("210381-ZJ", "海城市住建局", 3, county, Kind.ORGAN)
    team = found("210381-ZJ-01", "住建局供热科", 3, housing, Kind.ORGAN)
    tree.forget()
    return County(
        AT, province, city, county, haizhou, xiliu, nanguan, beiguan, first, second, centre, housing, team
    )  # fmt: skip
