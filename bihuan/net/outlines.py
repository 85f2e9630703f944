"""N3: leaf grids of one community do not overlap and leave no address out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bihuan.lib.shapes import GridIndex, Overlap
from bihuan.net.models import Boundary, Place
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
    families: dict[int | None, list[tuple[int, object]]] = {}
    for unit, shape in _shapes(net, parents):
        families.setdefault(net.unit(unit).parent, []).append((unit, shape))
    found = [pair for family in families.values() if len(family) > 1 for pair in _overlaps(family, above)]
    return sorted(found, key=lambda pair: -pair.square_metres)


def _overlaps(family: list[tuple[int, object]], above: float) -> list[Overlap[int]]:
    return GridIndex(family).overlaps(above=above)  # type: ignore[arg-type]


def _shapes(net: Net, parents: set[int | None] | None) -> Iterator[tuple[int, object]]:
    wanted = [unit.id for unit in net if parents is None or unit.parent in parents]
    yield from Boundary.objects.filter(unit__in=wanted).values_list("unit_id", "geometry")


def left_out(net: Net | None = None) -> list[LeftOut]:
    """Places whose point lies in no leaf grid of their community, where that community's grids are all drawn."""
    net = net or snapshot()
    drawn = set(Boundary.objects.values_list("unit_id", flat=True))
    found = []
    for community, leaves in _leaves_by_community(net).items():
        if not leaves or not leaves <= drawn:
            continue
        index = GridIndex(Boundary.objects.filter(unit__in=leaves).values_list("unit_id", "geometry"))
        places = Place.objects.filter(unit__in=net.below(community)).exclude(lng=None)
        for name, unit, lng, lat in places.values_list("name", "unit_id", "lng", "lat"):
            if index.locate(lng, lat, max_metres=0) is None:
                found.append(LeftOut(name, unit))
    return found


def _leaves_by_community(net: Net) -> dict[int, set[int]]:
    parents = {unit.parent for unit in net if unit.kind == "grid"}
    leaves: dict[int, set[int]] = {}
    for unit in net:
        if unit.kind == "grid" and unit.id not in parents and unit.l5 is not None:
            leaves.setdefault(unit.l5, set()).add(unit.id)
    return leaves
