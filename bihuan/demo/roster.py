"""Who works where, and where things happen, in one county of the founded city: what stories are told about."""

import random
from bisect import bisect
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from bihuan.book.journal import By
from bihuan.book.models import Actor
from bihuan.demo.cast import POLICE_AUXILIARY, POLICE_CHIEF
from bihuan.demo.matters import MATTERS, TOPICS, TOWN_CLAUSE, Matter, clause
from bihuan.loop.models import Category
from bihuan.net.models import Kind, Level, Place, Posting, Role
from bihuan.net.tree import Net, UnitRow, snapshot


@dataclass(frozen=True, slots=True)
class Desk:
    """A unit that handles cases, with the postings that may act for it."""

    unit: int
    level: int
    handlers: tuple[By, ...]
    chief: By


@dataclass(frozen=True, slots=True)
class Site:
    """A place where matters arise: its address as people give it, and the columns a case has there."""

    address: str
    columns: dict[str, Any]
    town: int
    community: int
    lng: float
    lat: float
    worker: By | None  # the grid worker whose round it is on


@dataclass(frozen=True, slots=True)
class Owed:
    """The unit that owes a matter at some place, and the clause that says so."""

    desk: Desk
    clause: str


@dataclass(slots=True)
class Roster:
    """One county: its desks, its people at the centre, its places."""

    region: int
    centre: int
    centre_level: dict[By, int]  # agents and dispatchers, with the level of the centre they sit in
    agents: list[By]
    dispatchers: list[By]
    callers: list[By]
    desks: dict[int, Desk]
    offices: dict[str, Desk]
    sites: list[Site]
    categories: dict[str, int]
    weights: list[float] = field(default_factory=list)  # running sum of the households of the sites

    def site(self, dice: random.Random) -> Site:
        """A place, as likely as people live there."""
        return self.sites[bisect(self.weights, dice.random() * self.weights[-1])]

    def owed(self, matter: Matter, site: Site) -> Owed:
        """Who owes it, as the duty list says."""
        if matter.office:
            return Owed(self.offices[matter.office], CLAUSES[matter.key])
        return Owed(self.desks[site.town], TOWN_CLAUSE)


def _clauses() -> dict[str, str]:
    """The clause of each matter: its topic's, unless another office than the topic's owes it."""
    titles = {topic.key: (n, topic) for n, topic in enumerate(TOPICS, 1)}
    return {
        matter.key: clause(n, topic.title if matter.office == topic.office else matter.title)
        for matter in MATTERS
        for n, topic in [titles[matter.topic]]
    }


CLAUSES = _clauses()


def roster(county6: str) -> Roster:
    """Read a county's people and places. Three queries."""
    net = snapshot()
    county = net.by_code(f"{county6}000000")
    people = _people()
    agents = _at_centres(net, county, people, Role.AGENT)
    dispatchers = _at_centres(net, county, people, Role.DISPATCHER)
    below = [net.unit(unit) for unit in net.below(county.id)]
    desks = {unit.id: desk for unit in below if (desk := _desk(unit, people[unit.id])) is not None}
    sites = _sites(net, below, people)
    return Roster(
        region=county.id,
        centre=net.centre_of(county.id),
        centre_level=agents | dispatchers,
        agents=list(agents),
        dispatchers=[by for by, level in dispatchers.items() if level == Level.COUNTY],
        callers=[by for by, level in _at_centres(net, county, people, Role.CALLER).items() if level == Level.COUNTY],
        desks=desks,
        offices=_offices(below, desks),
        sites=[site for site, _ in sites],
        categories=dict(Category.objects.values_list("key", "pk")),
        weights=list(accumulate(households for _, households in sites)),
    )


def _people() -> dict[int, dict[str, list[By]]]:
    """Postings by unit and role; the police walk the grids but answer for no round."""
    people: dict[int, dict[str, list[By]]] = defaultdict(lambda: defaultdict(list))
    held = Posting.objects.filter(until=None).exclude(title__in=[POLICE_CHIEF, POLICE_AUXILIARY]).order_by("pk")
    for key, unit, role in held.values_list("pk", "unit_id", "role"):
        people[unit][role].append(By(Actor.POSTING.value, key))
    return people


def _at_centres(net: Net, county: UnitRow, people: dict[int, dict[str, list[By]]], role: str) -> dict[By, int]:
    """Who holds a role at the city's and the county's centre, with the centre's level."""
    centres = [net.unit(net.centre_of(county.l2)), net.unit(net.centre_of(county.id))]
    return {by: centre.level for centre in centres for by in people[centre.id][role]}


def _desk(unit: UnitRow, people: dict[str, list[By]]) -> Desk | None:
    if not people[Role.HANDLER] or not people[Role.CHIEF]:
        return None
    return Desk(unit.id, unit.level, tuple(people[Role.HANDLER]), people[Role.CHIEF][0])


def _offices(below: Sequence[UnitRow], desks: dict[int, Desk]) -> dict[str, Desk]:
    organs = [unit for unit in below if unit.kind == Kind.ORGAN]
    return {unit.code.partition("-")[2]: desks[unit.id] for unit in organs}


def _sites(net: Net, below: Sequence[UnitRow], people: dict[int, dict[str, list[By]]]) -> list[tuple[Site, int]]:
    """The deepest places with their households; communities without grids are known by their roads and compounds."""
    names = defaultdict(list)
    for unit, name in Place.objects.values_list("unit_id", "name"):
        names[unit].append(name)
    found = []
    for unit in below:
        if not unit.is_place or unit.level < Level.COMMUNITY or net.children(unit.id, "grid"):
            continue
        called = [unit.name] if unit.level > Level.COMMUNITY else names[unit.id] or [unit.name]
        for name in called:
            found.append((_site(net, unit, name, people), (unit.households or 20) // len(called) + 1))
    return found


def _site(net: Net, unit: UnitRow, name: str, people: dict[int, dict[str, list[By]]]) -> Site:
    columns = {f"l{level}": unit.at_level(level) for level in range(1, 6)} | {"grid_id": unit.id}
    walked = next((people[step][Role.GRID_WORKER] for step in reversed(unit.path) if step in people), [])
    return Site(
        address=net.unit(unit.l4).name + name,
        columns=columns,
        town=unit.l4,
        community=unit.l5,
        lng=unit.lng,
        lat=unit.lat,
        worker=walked[0] if walked else None,
    )
