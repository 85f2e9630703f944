"""The people of the demo: a named cast with logins, and everybody else who serves the city, generated.

`CAST` is what the demo prints and what tests log in with. `staff` lists every posting of a city: the cast, the people
at each desk, one leader per grid, and the grid police.
"""

import random
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

from bihuan.demo.city import City, Sketch
from bihuan.demo.names import Names
from bihuan.net.models import Kind, Level, Posting, Role

PASSWORD = "bihuan-demo"  # for the demo's accounts only; `bihuan init` makes none of them
GRIDDED = "219981"  # the county with grids, where the grid police serve

POLICE_CHIEFS, POLICE_AUXILIARIES = 154, 460
POLICE_CHIEF, POLICE_AUXILIARY = "网格警长", "网格辅警"


@dataclass(frozen=True, slots=True)
class Actor:
    """One account of the demo. `unit` is the code of the unit served."""

    login: str
    name: str
    role: Role
    unit: str
    title: str
    page: str
    tries: str


with (Path(__file__).parent / "data" / "cast.toml").open("rb") as file:
    CAST = tuple(Actor(**actor | {"role": Role(actor["role"])}) for actor in tomllib.load(file)["actor"])


@dataclass(frozen=True, slots=True)
class Post:
    """A posting to be; `person` tells people apart, several posts of one number are one person's."""

    person: int
    name: str
    unit: Sketch
    role: Role
    title: str
    holding: Posting.Holding = Posting.Holding.MAIN
    login: str = ""


def staff(city: City, seed: int) -> list[Post]:
    """Every posting of the city, always the same for a seed. The cast comes first."""
    return list(_Staffing(city, random.Random(seed * 7 + 1)).posts())


class _Staffing:
    def __init__(self, city: City, dice: random.Random) -> None:
        self.units = city.units()
        self.names = Names(dice)
        self.people = 0
        self.heads: dict[str, Post] = {}  # of communities, by code

    def posts(self) -> Iterator[Post]:
        yield from self._cast()
        taken = Counter((actor.unit, actor.role) for actor in CAST)
        for unit in self.units:
            for role, title, count in desks(unit):
                for _ in range(count - taken[unit.code, role]):
                    post = self._post(unit, role, title)
                    if role == Role.CHIEF and unit.level == Level.COMMUNITY:
                        self.heads[unit.code] = post
                    yield post
        yield from self._police()
        yield from self._party(taken)

    def _cast(self) -> Iterator[Post]:
        by_code = {unit.code: unit for unit in self.units}
        for actor in CAST:
            yield self._post(by_code[actor.unit], actor.role, actor.title, actor.name, actor.login)

    def _post(self, unit: Sketch, role: Role, title: str, name: str = "", login: str = "") -> Post:
        self.people += 1
        return Post(self.people, name or self.names.person(), unit, role, title, login=login)

    def _police(self) -> Iterator[Post]:
        """Chiefs share the gridded county's communities out among them; every community has at least one auxiliary."""
        communities = [u for u in self.units if u.is_community and u.code.startswith(GRIDDED)]
        yield from self._shared(communities, POLICE_CHIEF, POLICE_CHIEFS)
        for _, unit in zip(range(POLICE_AUXILIARIES), cycle(communities), strict=False):
            yield self._post(unit, Role.GRID_WORKER, POLICE_AUXILIARY)

    def _party(self, taken: Counter[tuple[str, Role]]) -> Iterator[Post]:
        """Those who find and train people: organisers of every level, secretaries of towns, heads of communities."""
        for unit in self.units:
            for role, title, count in party_posts(unit):
                for _ in range(count - taken[unit.code, role]):
                    head = self.heads.get(unit.code)
                    yield replace(head, role=role, title=title) if head else self._post(unit, role, title)

    def _shared(self, units: list[Sketch], title: str, people: int) -> Iterator[Post]:
        """Neighbouring units in turn to each person; the first is the main post."""
        last = None
        for nth in range(max(len(units), people)):
            person = nth * people // max(len(units), people)
            unit = units[nth % len(units)]
            if person != last:
                last, first = person, self._post(unit, Role.GRID_WORKER, title)
                yield first
            else:
                holding = Posting.Holding.ACTING
                yield Post(first.person, first.name, unit, Role.GRID_WORKER, title, holding)


def desks(unit: Sketch) -> Iterator[tuple[Role, str, int]]:
    """Role, title and number of the people a unit of this kind and level has beside the cast."""
    match unit.kind, unit.level:
        case Kind.CENTRE, Level.CITY | Level.COUNTY:
            yield from ((Role.AGENT, "话务员", 4), (Role.DISPATCHER, "派单员", 2), (Role.CALLER, "回访员", 2))
        case Kind.CENTRE, _:
            yield Role.DISPATCHER, "派单员", 1
        case Kind.ORGAN, _:
            yield from ((Role.HANDLER, "承办人", 2), (Role.CHIEF, "负责人", 1))
        case Kind.AREA, Level.CITY | Level.COUNTY:
            yield from ((Role.LEADER, "领导", 1), (Role.SUPERVISOR, "督办员", 1))
        case Kind.AREA, Level.TOWN:
            chief = "街道办事处主任" if unit.is_urban else "镇长" if unit.name.endswith("镇") else "乡长"
            yield from ((Role.HANDLER, "承办人", 2), (Role.CHIEF, chief, 1))
        case Kind.AREA, Level.COMMUNITY:
            body = "社区" if unit.is_urban else "村"
            yield from ((Role.HANDLER, f"{body}两委委员", 1), (Role.CHIEF, f"{body}党组织书记（一级网格长）", 1))
        case Kind.GRID, Level.GRID:
            yield Role.GRID_WORKER, "二级网格长", 1
        case Kind.GRID, _:
            yield Role.GRID_WORKER, "三级网格员（信息员）", 1


def party_posts(unit: Sketch) -> Iterator[tuple[Role, str, int]]:
    """Role, title and number of those who work for the party organisation of an area."""
    match unit.kind, unit.level:
        case Kind.AREA, Level.CITY | Level.COUNTY:
            yield Role.ORGANISER, "组织部干部", 3
        case Kind.AREA, Level.TOWN:
            yield from ((Role.ORGANISER, "组织委员", 2), (Role.SECRETARY, "党委书记", 1))
        case Kind.AREA, Level.COMMUNITY:
            yield Role.SECRETARY, f"{'社区' if unit.is_urban else '村'}党组织书记", 1


def roll() -> str:
    """The cast as a table for a terminal: login, who, where to go and what to try."""
    rows = [("登录名", "姓名", "身份", "页面", "可以试试")]
    rows += [(actor.login, actor.name, actor.title, actor.page, actor.tries) for actor in CAST]
    widths = [max(width(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join([*(pad(cell, w) for cell, w in zip(row, widths, strict=False)), row[4]]) for row in rows]
    return "\n".join([*lines, "", f"所有演示账号的密码都是 {PASSWORD}"])


def width(text: str) -> int:
    """Columns a text takes on a terminal: a Chinese character takes two."""
    return sum(2 if ord(mark) > 0x2E7F else 1 for mark in text)


def pad(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))
