"""The cast: one small county with everybody in it, for tests that enter through the door.

千阳市 > 海澄市 (county level) > 海州街道 > 南关社区, 北关社区; grids under 南关社区; a county centre, two bureaus; one
person a role.
"""

from datetime import date, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 16, 9, 0, tzinfo=ZONE)  # an ordinary working Monday, 9 in the morning
BORN = date(2019, 1, 1)
PASSWORD = "bihuan-test"


@pytest.fixture
def at() -> datetime:
    """A Monday morning at nine."""
    return MONDAY


@pytest.fixture
def cast(db: None) -> SimpleNamespace:
    """Units by short names, postings by role; everybody can log in with their role's name and PASSWORD."""
    return make_cast()


def make_cast() -> SimpleNamespace:
    from bihuan.loop import numbers
    from bihuan.net import revisions
    from bihuan.net.calendar import seed_calendar
    from bihuan.net.tree import rebuild_paths
    from bihuan.programs import versions

    cache.clear()
    revisions.forget()
    numbers.forget()
    seed_calendar(at=MONDAY, first=2026, last=max(2027, datetime.now(ZONE).year + 1))
    units = _units()
    rebuild_paths()
    revisions.forget()
    versions.ensure_packs(at=datetime(2019, 1, 1, tzinfo=ZONE))
    cast = SimpleNamespace(**{key: type(unit).objects.get(pk=unit.pk) for key, unit in units.items()})
    _people(cast)
    _duties(cast)
    revisions.forget()
    return cast


def _units() -> dict[str, Any]:
    from bihuan.net.models import Edge, Kind, Unit

    plan = [
        # key, code, kind, name, level, parent
        ("city", "219900000000", Kind.AREA, "千阳市", 2, None),
        ("county", "219981000000", Kind.AREA, "海澄市", 3, "city"),
        ("other_county", "219902000000", Kind.AREA, "铁阳区", 3, "city"),
        ("town", "219981001000", Kind.AREA, "海州街道", 4, "county"),
        ("other_town", "219981002000", Kind.AREA, "响堂街道", 4, "county"),
        ("south", "219981001001", Kind.AREA, "南关社区", 5, "town"),
        ("north", "219981001002", Kind.AREA, "北关社区", 5, "town"),
        ("grid1", "219981001001001", Kind.GRID, "南关一网格", 6, "south"),
        ("grid2", "219981001001002", Kind.GRID, "南关二网格", 6, "south"),
        ("leaf", "21998100100100101", Kind.GRID, "南关一网格1号", 7, "grid1"),
        ("city_centre", "2199C01", Kind.CENTRE, "千阳市诉求中心", 2, "city"),
        ("centre", "219981C01", Kind.CENTRE, "海澄市诉求中心", 3, "county"),
        ("water", "219981D01", Kind.ORGAN, "海澄市水务局", 3, "county"),
        ("roads", "219981D02", Kind.ORGAN, "海澄市住建局", 3, "county"),
        ("water_team", "219981D0101", Kind.ORGAN, "海澄市供水抢修队", 3, "water"),
    ]
    made: dict[str, Any] = {}
    for key, code, kind, name, level, parent in plan:
        made[key] = Unit.objects.create(code=code, kind=kind, name=name, short=name, level=level, born=BORN)
        if parent:
            Edge.objects.create(child=made[key], parent=made[parent], tree="admin", since=BORN)
    return made


def _people(cast: SimpleNamespace) -> None:
    from bihuan.net.models import Person, Posting, Role

    plan = [
        ("agent", "centre", Role.AGENT, "李话务"),
        ("dispatcher", "centre", Role.DISPATCHER, "王派单"),
        ("caller", "centre", Role.CALLER, "赵回访"),
        ("supervisor", "centre", Role.SUPERVISOR, "孙督办"),
        ("handler", "water", Role.HANDLER, "周水务"),
        ("chief", "water", Role.CHIEF, "吴局长"),
        ("team_handler", "water_team", Role.HANDLER, "郑抢修"),
        ("roads_handler", "roads", Role.HANDLER, "冯住建"),
        ("roads_chief", "roads", Role.CHIEF, "陈局长"),
        ("town_handler", "town", Role.HANDLER, "褚街道"),
        ("town_chief", "town", Role.CHIEF, "卫主任"),
        ("worker", "grid1", Role.GRID_WORKER, "蒋网格"),
        ("other_worker", "grid2", Role.GRID_WORKER, "沈网格"),
        ("secretary", "south", Role.GRID_WORKER, "韩书记"),
        ("leader", "county", Role.LEADER, "杨市长"),
        ("other_dispatcher", "other_county", Role.DISPATCHER, "朱派单"),
        ("admin", "city", Role.ADMIN, "秦管理"),
    ]
    for key, unit, role, name in plan:
        user = User.objects.create_user(key, password=PASSWORD)
        person = Person.objects.create(name=name, user=user, phone="13900000000")
        posting = Posting.objects.create(person=person, unit=getattr(cast, unit), role=role, since=BORN)
        setattr(cast, key, posting)


def _duties(cast: SimpleNamespace) -> None:
    from bihuan.loop.models import Category, Duty

    cast.utilities = Category.objects.create(key="utilities", title="公用事业")
    cast.tap = Category.objects.create(
        key="utilities.water", title="自来水", parent=cast.utilities, keywords="停水 自来水 水管 漏水"
    )
    cast.street = Category.objects.create(key="street", title="道路", keywords="路面 坑 路灯 井盖")
    Duty.objects.create(category=cast.utilities, area=cast.county, unit=cast.water, clause="供水条例第三条", since=BORN)
    Duty.objects.create(
        category=cast.street, area=cast.county, unit=cast.roads, clause="市政管理条例第八条", since=BORN
    )
    Duty.objects.create(category=None, area=cast.town, unit=cast.town, clause="属地兜底", since=BORN)


@pytest.fixture
def login(client: Any, cast: SimpleNamespace) -> Any:
    """`login("agent")` gives a client logged in as that member of the cast."""
    from django.test import Client

    def enter(key: str) -> Client:
        door, posting = Client(), getattr(cast, key)
        door.force_login(posting.person.user)
        session = door.session
        session["posting"] = posting.pk
        session.save()
        return door

    return enter
