"""The whole net in memory: some twenty thousand units as plain rows, read once per change and asked very often."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple

from django.db import connection

from bihuan.lib.codes import BadCode, parse_code
from bihuan.net.models import Kind, Level, Tree
from bihuan.net.revisions import Kept
from bihuan.net.tree.addresses import AddressBook
from bihuan.net.tree.outlines import Hit, hit_at

UNITS = """
SELECT id, code, name, short, kind, level, l1, l2, l3, l4, l5, path, households, lng, lat, died, successor_id
FROM net_unit
ORDER BY code
"""
EDGES = """
SELECT edge.tree, edge.parent_id, edge.child_id
FROM net_edge AS edge JOIN net_unit AS child ON child.id = edge.child_id
WHERE edge.until IS NULL AND child.died IS NULL
ORDER BY child.code
"""


class NoSuchUnit(Exception):
    """A unit was named that the net does not have."""


class EmptyNet(Exception):
    """Nothing was imported yet, so no place can answer for a matter."""

    def __init__(self) -> None:
        super().__init__("还没有导入区划和单位，请管理员先在“设置”里导入。")


class Levels(NamedTuple):
    """Where a unit lies: the ids at the five levels, and the deepest area or grid (itself, or an office's area)."""

    l1: int | None
    l2: int | None
    l3: int | None
    l4: int | None
    l5: int | None
    grid: int | None


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One unit as the tables have it. `path` runs from the top down to the unit; a closed unit keeps its last."""

    id: int
    code: str
    name: str
    short: str
    kind: str
    level: int
    l1: int | None
    l2: int | None
    l3: int | None
    l4: int | None
    l5: int | None
    path: tuple[int, ...]
    households: int | None
    lng: float | None
    lat: float | None
    died: date | None = None
    successor: int | None = None

    @property
    def is_place(self) -> bool:
        """An area or a grid, where matters happen; not an office."""
        return self.kind in (Kind.AREA, Kind.GRID)

    @property
    def parent(self) -> int | None:
        return self.path[-2] if len(self.path) > 1 else None

    def at_level(self, level: int) -> int | None:
        """The id at one of the five levels on this unit's path."""
        return (self.l1, self.l2, self.l3, self.l4, self.l5)[level - 1]


class Net:
    """An image of the net at one revision. It never changes; ask `snapshot()` again in the next request."""

    def __init__(self, units: Iterable[UnitRow], edges: Iterable[tuple[str, int, int]]) -> None:
        self._units = {unit.id: unit for unit in units}
        self._codes = {unit.code: unit for unit in self._units.values()}
        self._children: dict[str, dict[int, list[int]]] = {tree: {} for tree in Tree.values}
        for tree, parent, child in edges:
            self._children[tree].setdefault(parent, []).append(child)

    def __iter__(self) -> Iterator[UnitRow]:
        """Living units, by code."""
        return (unit for unit in self._units.values() if unit.died is None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    # One unit

    def unit(self, id: int) -> UnitRow:
        """Living or closed. Raises NoSuchUnit."""
        try:
            return self._units[id]
        except KeyError:
            raise NoSuchUnit(f"没有编号为 {id} 的单位。") from None

    def get(self, id: int | None) -> UnitRow | None:
        return self._units.get(id) if id is not None else None

    def by_code(self, code: str) -> UnitRow:
        """By the code as stored, or the short form of a division's (210381). Raises NoSuchUnit."""
        found = self._codes.get(code) or self._codes.get(full_code(code))
        if found is None:
            raise NoSuchUnit(f"没有代码为“{code}”的单位。")
        return found

    def has_code(self, code: str) -> bool:
        return code in self._codes or full_code(code) in self._codes

    def levels(self, id: int) -> Levels:
        """What a matter at this unit carries as its place."""
        unit = self.unit(id)
        grid = next((i for i in reversed(unit.path) if self._units[i].is_place), None)
        return Levels(unit.l1, unit.l2, unit.l3, unit.l4, unit.l5, grid)

    def full_name(self, id: int, above: int = Level.CITY) -> str:
        """Names from below level `above` down to the unit: 海城市海州街道南关社区. An office is named alone."""
        unit = self.unit(id)
        if not unit.is_place:
            return unit.name
        return "".join(self._units[i].name for i in unit.path if self._units[i].level > above or i == id)

    # Around it

    def children(self, id: int, tree: str = Tree.ADMIN) -> tuple[UnitRow, ...]:
        """Directly below, in one tree, by code."""
        return tuple(self._units[child] for child in self._children[tree].get(id, ()))

    def places_below(self, id: int) -> tuple[UnitRow, ...]:
        """Areas and grids directly below, by code: a community's grids hang in the grid tree, a county's towns do not."""
        below = (self._units[child] for child in self._spine.get(id, ()))
        return tuple(unit for unit in below if unit.is_place)

    def below(self, id: int, tree: str | None = None) -> tuple[int, ...]:
        """Ids of the unit and everything living under it: in one tree, or (no tree) wherever it lies on the path."""
        found, step = [id], self._spine if tree is None else self._children[tree]
        for parent in found:  # grows while it is walked
            found.extend(step.get(parent, ()))
        return tuple(found)

    def tops(self) -> tuple[UnitRow, ...]:
        """Living units with nothing above them."""
        return tuple(unit for unit in self if unit.parent is None)

    @cached_property
    def _spine(self) -> dict[int, list[int]]:
        below: dict[int, list[int]] = {}
        for unit in self:
            if unit.parent is not None:
                below.setdefault(unit.parent, []).append(unit.id)
        return below

    def today(self, id: int) -> int:
        """Who answers today for what this unit once had: itself, or the last in its line of successors (N4)."""
        seen = {id}
        while (after := self.unit(id).successor) is not None and after not in seen:
            seen.add(after)
            id = after
        return id

    def before(self, id: int) -> tuple[int, ...]:
        """The ended units whose matters are this unit's today: `today` turned round (N4)."""
        return self._before.get(id, ())

    @cached_property
    def _before(self) -> dict[int, tuple[int, ...]]:
        found: dict[int, tuple[int, ...]] = {}
        for unit in self._units.values():
            if unit.died is not None and (after := self.today(unit.id)) != unit.id:
                found[after] = (*found.get(after, ()), unit.id)
        return found

    # Who answers for a place

    def region_of(self, id: int | None) -> int:
        """The county of a unit, or for a place unknown (or above counties) the home area of this deployment."""
        unit = self.get(id)
        if unit is not None and unit.l3 is not None:
            return unit.l3
        if unit is not None and unit.level == Level.CITY and unit.kind == Kind.AREA:
            return unit.id
        return self.home

    @cached_property
    def home(self) -> int:
        """The area this deployment serves: from the top down as long as there is only one, at most to the county."""
        areas = [unit for unit in self if unit.kind == Kind.AREA]
        if not areas:
            raise EmptyNet
        # A region of somebody else's history stands beside our own net, and is by far the smaller one.
        here = [max((unit for unit in areas if unit.parent is None), key=lambda top: len(self.below(top.id)))]
        while len(here) == 1 and here[0].level < Level.COUNTY:
            below = [unit for unit in self.children(here[0].id) if unit.kind == Kind.AREA]
            if len(below) != 1:
                break
            here = below
        return here[0].id

    def centre_of(self, id: int | None) -> int:
        """The 诉求中心 that receives matters of a place: the county's, else the nearest above, else the county itself."""
        place = self.unit(id if id is not None else self.home)
        for above in reversed(place.path):
            if above in self._centres and self._units[above].level <= Level.COUNTY:
                return self._centres[above]
        return self.region_of(place.id)

    @cached_property
    def _centres(self) -> dict[int, int]:
        """Area -> its centre; of several the one with the smallest code."""
        found: dict[int, int] = {}
        for unit in self:
            if unit.kind == Kind.CENTRE and unit.parent is not None:
                found.setdefault(unit.parent, unit.id)
        return found

    # From words and points to a place

    def locate(self, lng: float, lat: float) -> Hit | None:
        """The deepest area or grid whose outline holds a WGS-84 point."""
        return hit_at(lng, lat)

    def resolve_address(self, text: str, within: int | None = None) -> int | None:
        """The deepest area or grid that the words name without doubt, or None. `within`: search in one area only."""
        return _addresses.get().resolve(self, text, within)

    def suggest_places(self, text: str, within: int | None = None, most: int = 8) -> list[UnitRow]:
        """Areas and grids that a half-typed address may mean, the likeliest first."""
        return [self.unit(id) for id in _addresses.get().suggest(self, text, within, most)]


def full_code(code: str) -> str:
    """A division's or grid's code in full; any other code as it is."""
    try:
        return parse_code(code) if code.isdecimal() else code
    except BadCode:
        return code


def _read() -> Net:
    with connection.cursor() as cursor:
        cursor.execute(UNITS)
        units = [UnitRow(*row[:11], tuple(row[11]), *row[12:]) for row in cursor]
        cursor.execute(EDGES)
        return Net(units, cursor.fetchall())


_net = Kept("tree", read=_read)
_addresses = Kept("tree", "places", read=lambda: AddressBook.read())


def snapshot() -> Net:
    """The net as of now. Costs one small query every two seconds, and half a second after somebody changed it."""
    return _net.get()
