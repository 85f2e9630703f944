"""The demo city: 千阳市, which does not exist. Its name, codes (2199..), outlines and people are invented.

One county, 海澄市, has the scale of a real one: 26 towns, 429 villages and communities (level-1 grids), 1,622 level-2
grids and 13,035 level-3 grids of 20 to 30 households. The six others have towns and communities without deeper grids.
`plan` draws the whole city in memory from a seed, always the same; `bihuan.demo.founding` writes it down.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

import numpy as np
import shapely

from bihuan.demo import outline
from bihuan.demo.names import Names, numeral
from bihuan.demo.offices import MEMBER_OFFICES, OFFICES, Office
from bihuan.net.models import Kind, Level, Tree

SEED = 11
PROVINCE_CODE, CITY_CODE = "210000000000", "219900000000"
CITY_NAME = "千阳市"
INVENTED = "虚构的城市，仅供演示；名称、编码、边界和人员都是生成的。"
OUTLINE_SOURCE = "生成的示意边界"
SHARED_SHARE = 27 / 609  # of the villages, those that share a party organisation with a neighbour
CELLS_PER_COMMUNITY = 6  # in counties without grids, so that their outlines are not plain polygons


@dataclass(frozen=True, slots=True)
class County:
    code: str  # the six digits
    name: str
    disc: tuple[float, float, float]  # centre and radius on the plane, kilometres
    urban: float  # share of towns that are 街道
    cores: int
    towns: int
    communities: int
    gridded: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """How many of everything. `level2` and `level3` are the grids of the gridded county."""

    counties: tuple[County, ...]
    level2: int
    level3: int


def _counties(sizes: Sequence[tuple[int, int]]) -> tuple[County, ...]:
    discs = {
        "铁阳区": ("219902", (7, 9, 10.5), 1.0, 1),
        "西阳区": ("219903", (-6, 10, 10.5), 1.0, 1),
        "立阳区": ("219904", (2, 22, 10.5), 0.9, 1),
        "千源区": ("219911", (20, 20, 16), 0.3, 2),
        "台宁县": ("219921", (-27, 28, 24), 0.15, 4),
        "岫源县": ("219923", (36, -22, 32), 0.15, 5),
        "海澄市": ("219981", (-9, -24, 30), 0.25, 7),
    }
    return tuple(
        County(code, name, disc, urban, cores, *size, gridded=name == "海澄市")
        for (name, (code, disc, urban, cores)), size in zip(discs.items(), sizes, strict=True)
    )


FULL = Scale(_counties(((12, 118), (10, 96), (9, 90), (9, 98), (12, 152), (19, 208), (26, 429))), 1_622, 13_035)
SMALL = Scale(_counties((*[(2, 5)] * 6, (4, 12))), 45, 320)


@dataclass(slots=True, eq=False)
class Sketch:
    """A unit to be. `parent` is its parent in the administrative tree."""

    code: str
    kind: Kind
    name: str
    short: str
    level: int
    parent: "Sketch | None" = field(default=None, repr=False)
    duties: str = ""
    phone: str = ""
    households: int | None = None
    shape: shapely.Geometry | None = field(default=None, repr=False)
    lng: float | None = None
    lat: float | None = None
    children: list["Sketch"] = field(default_factory=list, repr=False)
    id: int = 0  # given when it is written down

    def walk(self) -> Iterator["Sketch"]:
        """The unit and everything below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def areas(self, level: int) -> Iterator["Sketch"]:
        """Areas and grids of a level at or below this one."""
        return (unit for unit in self.walk() if unit.level == level and unit.kind in (Kind.AREA, Kind.GRID))

    @property
    def is_community(self) -> bool:
        """Whether it is a community or village itself, not an office or organisation that stands at its level."""
        return self.level == Level.COMMUNITY and self.kind == Kind.AREA

    @property
    def is_urban(self) -> bool:
        return self.name.endswith(("街道", "社区"))


@dataclass(frozen=True, slots=True)
class Spot:
    """A name by which people find a unit."""

    name: str
    unit: Sketch
    kind: str


@dataclass(frozen=True, slots=True)
class City:
    top: Sketch  # the province
    city: Sketch
    spots: list[Spot]

    def units(self) -> list[Sketch]:
        return list(self.top.walk())

    def named(self, name: str) -> Sketch:
        """The unit of that full name; names of areas above the community are unique."""
        return next(unit for unit in self.top.walk() if unit.name == name)

    def coded(self, code: str) -> Sketch:
        return next(unit for unit in self.top.walk() if unit.code == code)

    def edges(self) -> Iterator[tuple[Sketch, Sketch, Tree]]:
        """(child, parent, tree): areas and offices hang in the admin tree, areas and grids in the grid tree."""
        for unit in self.top.walk():
            if unit.parent is not None and unit.kind != Kind.GRID:
                yield unit, unit.parent, Tree.ADMIN
            if unit.parent is not None and unit.kind in (Kind.AREA, Kind.GRID):
                yield unit, unit.parent, Tree.GRID


def plan(seed: int = SEED, scale: Scale = FULL) -> City:
    """Draw the city. The same seed and scale give the same city, name by name and corner by corner."""
    return _Draughtsman(seed, scale).draw()


class _Draughtsman:
    """Holds the random sources while the city is drawn from the top down; outlines are joined from the bottom up."""

    def __init__(self, seed: int, scale: Scale) -> None:
        self.scale = scale
        self.rng = np.random.default_rng(seed)
        self.dice = random.Random(seed)
        self.names = Names(self.dice)
        self.spots: list[Spot] = []

    def draw(self) -> City:
        top = Sketch(PROVINCE_CODE, Kind.AREA, "辽宁省", "辽宁", Level.PROVINCE)
        city = _hang(Sketch(CITY_CODE, Kind.AREA, CITY_NAME, "千阳", Level.CITY, duties=INVENTED), top)
        land = outline.lay_out([_disc(c, self.scale) for c in self.scale.counties], self.rng, self._warp(outline.RIM))
        self.cells, self.sites, self.bent = land.cells, land.sites, self._warp(outline.INNER)(land.sites)
        for nth, county in enumerate(self.scale.counties):
            self._county(county, city, np.flatnonzero(land.owner == nth))
        city.shape = outline.join([child.shape for child in city.children])
        for unit in [city, *city.children]:
            _staff(unit)
        for office in MEMBER_OFFICES:
            _hang(_organ(city, office), city)
        _organise(city)
        for unit in city.walk():
            _place_on_map(unit)
        return City(top, city, self.spots)

    def _warp(self, waves: Sequence[tuple[float, float]]) -> outline.Warp:
        return outline.Warp(self.rng, waves)

    def _county(self, county: County, city: Sketch, cells: outline.Index) -> None:
        unit = _hang(Sketch(f"{county.code}000000", Kind.AREA, county.name, county.name[:-1], Level.COUNTY), city)
        fewest = max(2, county.communities // county.towns // 2)
        shares = _portions(county.communities, county.towns, self.dice, low=fewest)
        per_town = _cut(self._community_sizes(county), shares)
        groups = self._carve(self.bent, cells, [sum(map(sum, town)) for town in per_town])
        streets = math.ceil(county.urban * county.towns)
        for nth, town in enumerate(self._densest_first(list(zip(groups, per_town, strict=True)))):
            number = nth + 1 if nth < streets else nth - streets + 101
            self._town(unit, number, *town, gridded=county.gridded)
        unit.shape = outline.join([child.shape for child in unit.children])

    def _community_sizes(self, county: County) -> list[list[int]]:
        """For each community the cells of each of its level-2 grids; without grids, one group of cells."""
        if not county.gridded:
            return [[CELLS_PER_COMMUNITY]] * county.communities
        per_grid = _portions(self.scale.level3, self.scale.level2, self.dice, low=4)
        per_community = _portions(self.scale.level2, county.communities, self.dice, low=1)
        return _cut(per_grid, per_community)

    def _carve(self, where: outline.Points, cells: outline.Index, shares: Sequence[int]) -> list[outline.Index]:
        """Groups of cells. On the bent plane the cuts wind, which suits towns; on the plain one groups stay whole."""
        return [cells[group] for group in outline.carve(where[cells], shares, self.rng)]

    def _densest_first(self, parts: list[tuple[outline.Index, list]]) -> list[tuple[outline.Index, list]]:
        """Small cells are where people live close together: those come first and become streets and communities."""
        return sorted(parts, key=lambda part: float(shapely.area(self.cells[part[0]]).mean()))

    def _town(self, county: Sketch, nth: int, cells: outline.Index, sizes: list[list[int]], *, gridded: bool) -> None:
        """Streets are numbered from 1, towns from 101, as in the official codes."""
        urban = nth < 100
        short = self.names.streets.take() if urban else self.names.towns.take()
        name = short + ("街道" if urban else "镇" if nth % 7 else "乡")
        town = Sketch(f"{county.code[:6]}{nth:03}000", Kind.AREA, name, short, Level.TOWN)
        _hang(town, county).phone = f"0419-{county.code[4:6]}3{nth:03}"
        town.duties = "属地兜底：辖区内的环境、秩序、邻里、民生小事，以及没有明确承办部门的诉求。"
        groups = self._carve(self.sites, cells, [sum(size) for size in sizes])
        communities = len(sizes) if urban else max(1, len(sizes) // 8)
        for position, part in enumerate(self._densest_first(list(zip(groups, sizes, strict=True)))):
            number = position + 1 if position < communities else position - communities + 201
            self._community(town, number, *part, gridded=gridded)
        town.shape = outline.join([child.shape for child in town.children])
        self._landmarks(town)

    def _community(self, town: Sketch, nth: int, cells: outline.Index, size: list[int], *, gridded: bool) -> None:
        """Communities are numbered from 1, villages from 201."""
        village = nth > 200
        short = self.names.villages.take() if village else self.names.communities.take()
        name = short + ("村" if village else "社区")
        unit = _hang(Sketch(f"{town.code[:9]}{nth:03}", Kind.AREA, name, short, Level.COMMUNITY), town)
        unit.duties = "村务社务、邻里调解、网格巡查和身边小事。"
        if gridded:
            for number, group in enumerate(self._carve(self.sites, cells, size), 1):
                self._grid(unit, number, village, group)
            unit.shape = outline.join([child.shape for child in unit.children])
        else:
            unit.shape = outline.join(self.cells[cells])
            unit.households = self.dice.randrange(280, 900)
        self._addresses(unit, village, gridded)

    def _grid(self, community: Sketch, nth: int, village: bool, cells: outline.Index) -> None:
        """A level-2 grid (a compound or a village group) with one level-3 grid per cell."""
        short = f"{community.short}{numeral(nth)}组" if village else self.names.compounds.take()
        grid = _hang(Sketch(f"{community.code}{nth:03}", Kind.GRID, f"{short}网格", short, Level.GRID), community)
        self.spots.append(Spot(short, grid, "group" if village else "compound"))
        for number, cell in enumerate(cells, 1):
            name = f"{short}{numeral(number)}片" if village else f"{short}{number}号楼"
            leaf = Sketch(f"{grid.code}{number:02}", Kind.GRID, name, name.removeprefix(short), Level.GRID + 1)
            leaf.shape, leaf.households = self.cells[cell], self.dice.randint(20, 30)
            _hang(leaf, grid)
        grid.shape = outline.join([leaf.shape for leaf in grid.children])

    def _addresses(self, unit: Sketch, village: bool, gridded: bool) -> None:
        """Names of the roads and, where no grid carries them, of the compounds of a community."""
        if village:
            self.spots.append(Spot(unit.short, unit, "group"))
            return
        self.spots.append(Spot(self.names.roads.take(), unit, "road"))
        if not gridded:
            self.spots.extend(Spot(self.names.compounds.take(), unit, "compound") for _ in range(2))

    def _landmarks(self, town: Sketch) -> None:
        kinds = ["中心小学", "初级中学", "农贸市场", "派出所", "文化广场"]
        kinds.append("社区卫生服务中心" if town.is_urban else "卫生院")
        grids = [unit for unit in town.walk() if unit is not town and not unit.children]
        for kind, unit in zip(kinds, self.dice.choices(grids, k=len(kinds)), strict=True):
            self.spots.append(Spot(town.short + kind, unit, "landmark"))


def _hang(child: Sketch, parent: Sketch) -> Sketch:
    child.parent = parent
    parent.children.append(child)
    if child.households is not None:
        _count_households(parent, child.households)
    return child


def _count_households(unit: Sketch | None, households: int) -> None:
    while unit is not None:
        unit.households = (unit.households or 0) + households
        unit = unit.parent


def _disc(county: County, scale: Scale) -> outline.Disc:
    sites = scale.level3 if county.gridded else county.communities * CELLS_PER_COMMUNITY
    return outline.Disc(*county.disc, sites, county.cores)


def _portions(total: int, parts: int, dice: random.Random, low: int) -> list[int]:
    """`parts` uneven whole numbers, none below `low`, that add up to `total`."""
    weights = [dice.lognormvariate(0, 0.45) for _ in range(parts)]
    spare, whole = total - low * parts, sum(weights)
    edges = [round(spare * sum_ / whole) for sum_ in accumulate(weights, initial=0.0)]
    edges[-1] = spare
    return [low + b - a for a, b in pairwise(edges)]


def _cut(whole: list, sizes: Sequence[int]) -> list[list]:
    """A list as consecutive pieces of these sizes."""
    return [whole[a:b] for a, b in pairwise([0, *accumulate(sizes)])]


def _staff(area: Sketch) -> None:
    """Give a city or county its request centre and departments; its towns get a centre each."""
    _hang(_centre(area, f"{area.name}群众诉求中心"), area)
    for office in OFFICES:
        _hang(_organ(area, office), area)
    if area.level == Level.COUNTY:
        for town in [unit for unit in area.children if unit.level == Level.TOWN]:
            _hang(_centre(town, f"{town.name}群众诉求中心"), town)


def _organise(city: Sketch) -> None:
    """Give every village a party organisation; two villages of some towns share one, 27 of 609 at full scale."""
    towns = [[unit for unit in town.areas(Level.COMMUNITY) if not unit.is_urban] for town in city.areas(Level.TOWN)]
    towns = [villages for villages in towns if villages]
    shared = round(sum(map(len, towns)) * SHARED_SHARE)
    for villages in towns:
        first, *rest = villages
        if rest and shared:
            shared -= 1
            _hang(_branch(first, f"{first.name}{rest[0].name}联合党总支"), first)
            rest = rest[1:]
        else:
            _hang(_branch(first, f"{first.name}党支部"), first)
        for village in rest:
            _hang(_branch(village, f"{village.name}党支部"), village)


def _branch(village: Sketch, name: str) -> Sketch:
    return Sketch(f"{village.code}-party", Kind.PARTY, name, "党支部", Level.COMMUNITY, duties="村里的党建和发展。")


def _centre(area: Sketch, name: str) -> Sketch:
    duties = "受理、派单、回访群众诉求，裁定退单，督促办理。"
    return Sketch(f"{area.code}-centre", Kind.CENTRE, name, "诉求中心", area.level, duties=duties)


def _organ(area: Sketch, office: Office) -> Sketch:
    phone = f"0419-{area.code[4:6]}{office.phone}" if office.phone else ""
    return Sketch(
        f"{area.code}-{office.key}", Kind.ORGAN, area.name + office.name, office.short, area.level,
        duties=office.duties, phone=phone,
    )  # fmt: skip


def _place_on_map(unit: Sketch) -> None:
    """A point inside an area; an organ sits at its area's point."""
    if unit.shape is not None:
        point = unit.shape.representative_point()
        unit.lng, unit.lat = round(point.x, outline.DIGITS), round(point.y, outline.DIGITS)
    elif unit.parent is not None:
        unit.lng, unit.lat = unit.parent.lng, unit.parent.lat
