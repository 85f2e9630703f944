"""The first day: an empty county with its calendar, its programs and one administrator."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from bihuan.lib.codes import BadCode, level_of, parent_code, parse_code
from bihuan.net.calendar import seed_calendar
from bihuan.net.imports.planting import Seedling, plant
from bihuan.net.models import Kind, Level, Person, Posting, Role, Unit
from bihuan.net.people import OneTime, open_account
from bihuan.net.postings import appoint
from bihuan.programs.versions import ensure_packs


class NotFirstDay(Exception):
    """The county cannot be begun like that; the message is for the operator."""


@dataclass(frozen=True)
class County:
    """Its six-digit code and the names of province, city and county, from the top."""

    code: str
    names: tuple[str, str, str]

    @classmethod
    def read(cls, code: str, place: str) -> "County":
        """From `210381` and `辽宁省/鞍山市/海城市`. Raises NotFirstDay for another form."""
        try:
            whole = parse_code(code)
        except BadCode as error:
            raise NotFirstDay(str(error)) from error
        names = [name.strip() for name in place.replace("／", "/").split("/") if name.strip()]
        if level_of(whole) != Level.COUNTY or len(names) != 3:
            raise NotFirstDay(
                "请写县（市、区）的六位代码，以及用 / 分开的省、市、县名称，例如 210381 和 辽宁省/鞍山市/海城市。"
            )
        return cls(whole, (names[0], names[1], names[2]))

    def seedlings(self) -> list[Seedling]:
        """The county and what stands above it; the division sheet later finds them by their codes."""
        codes = [self.code]
        while above := parent_code(codes[0]):
            codes.insert(0, above)
        parents = [None, *codes]
        return [
            Seedling(row, code, Kind.AREA, name, row, parent)
            for row, (code, name, parent) in enumerate(zip(codes, self.names, parents, strict=False), start=1)
        ]


@transaction.atomic
def begin(county: County, *, person: str, login: str, at: datetime) -> OneTime:
    """Seed the calendar, publish the shipped programs, and appoint the first administrator, who appoints all others.

    Returns the login and its one-time password; only its hash is kept. Raises NotFirstDay when somebody is
    administrator already.
    """
    if Posting.objects.filter(role=Role.ADMIN, until=None).exists():
        raise NotFirstDay("这里已经有管理员了，不用再初始化。忘了密码，请另一位管理员在“人员”里重设。")
    seed_calendar(at=at)
    ensure_packs(at)
    plant(county.seedlings(), at=at)
    administrator = Person.objects.create(name=person)
    account = open_account(administrator, login)
    unit = Unit.objects.get(code=county.code)
    appoint(administrator, unit, Role.ADMIN, since=timezone.localdate(at), by=None, title="系统管理员")
    return account
