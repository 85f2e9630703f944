"""N3: leaf grids of one community do not overlap and leave no address out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bihuan.lib.shapes import GridIndex, Overlap
from bihuan.net.models import Boundary, Kind, Place
from bihuan.net.tree import Net, snapshot

# Neighbours drawn by hand from the same line share slivers; a strip a metre wide along a block does no harm.
TOLERATED = 100.0  # square metres


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A place with a point that lies in none of the grids of its community."""

    place: str
    unit: int


def overlaps_among(net: Net, units: Iterable[int] | None = None, *, above: float = TOLERATED) -> list[Overlap[int]]:
    """Pairs of units under the same parent that share more ground than `above`. units: at least one of a pair is among
    them; None: any."""
    parents = None if units is None else {net.unit(unit).parent for unit in units}
    families: dict[int | None, list[tuple[int, Any]]] = {}
    for unit, shape in _shapes(net, parents):
        families.setdefault(net.unit(unit).parent, []).append((unit, shape))
    found = [
        pair for family in families.values() if len(family) > 1 for pair in GridIndex(family).overlaps(above=above)
    ]
    return sorted(found, key=lambda pair: -pair.square_metres)


def _shapes(net: Net, parents: set[int | None] | None) -> Iterator[tuple[int, Any]]:
    wanted = [unit.id for unit in net if parents is None or unit.parent in parents]
    yield from Boundary.objects.filter(unit__in=wanted).values_list("unit_id", "geometry")


def left_out(net: Net | None = None) -> list[LeftOut]:
    """Places whose point lies in no leaf grid of their community, where that community's grids are all drawn.

    Two queries, however many communities there are.
    """
    net = net or snapshot()
    leaves, outlines = _leaves_by_community(net), _outlines_by_community()
    found = []
    for community, places in _places_by_community().items():
        drawn = {unit: shape for unit, shape in outlines.get(community, ()) if unit in leaves.get(community, ())}
        if drawn and len(drawn) == len(leaves[community]):
            index = GridIndex(drawn.items())
            found += [LeftOut(name, unit) for name, unit, at in places if index.locate(*at, max_metres=0) is None]
    return found


def _outlines_by_community() -> dict[int, list[tuple[int, Any]]]:
    found: dict[int, list[tuple[int, Any]]] = {}
    grids = Boundary.objects.filter(unit__kind=Kind.GRID, unit__l5__isnull=False)
    for community, unit, shape in grids.values_list("unit__l5", "unit_id", "geometry").iterator():
        found.setdefault(community, []).append((unit, shape))
    return found


def _places_by_community() -> dict[int, list[tuple[str, int, tuple[float, float]]]]:
    """The places with a point: name, unit, (lng, lat)."""
    found: dict[int, list[tuple[str, int, tuple[float, float]]]] = {}
    placed = Place.objects.filter(lng__isnull=False, lat__isnull=False, unit__died=None, unit__l5__isnull=False)
    for community, name, unit, lng, lat in placed.values_list("unit__l5", "name", "unit_id", "lng", "lat"):
        found.setdefault(community, []).append((name, unit, (lng, lat)))
    return found


def _leaves_by_community(net: Net) -> dict[int, set[int]]:
    parents = {unit.parent for unit in net if unit.kind == Kind.GRID}
    leaves: dict[int, set[int]] = {}
    for unit in net:
        if unit.kind == Kind.GRID and unit.id not in parents and unit.l5 is not None:
            leaves.setdefault(unit.l5, set()).add(unit.id)
    return leaves
