"""Where a matter is: from a grid code, a point or an address to the levels a case carries."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from bihuan.net import tree


class BadPlace(Exception):
    """The place cannot be used. The message is fit for the user."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A place on the net. `region_id` is where the matter counts as filed; everything else may be unknown."""

    region_id: int
    l1: int | None = None
    l2: int | None = None
    l3: int | None = None
    l4: int | None = None
    l5: int | None = None
    grid_id: int | None = None
    lng: float | None = None
    lat: float | None = None


def place(
    *, grid: str = "", lng: float | None = None, lat: float | None = None, address: str = "", area: str = ""
) -> Placed:
    """Resolve a place, the surest word first: grid code, then point (WGS-84), then address; none -> unplaced.

    An address that names no grid, or several, is left to the dispatcher of `area` (a code; empty: the city). No query.
    Raises BadPlace for an unknown grid code or a point that lies farther than 200 m from every boundary.
    """
    net = tree.snapshot()
    if grid:
        unit = net.by_code(grid) if net.has_code(grid) else None
        if unit is None or not unit.is_place or unit.died:
            raise BadPlace(_("没有这个网格编码，请核对。"))
        return at_unit(unit.id, lng=lng, lat=lat)
    if lng is not None and lat is not None:
        hit = net.locate(lng, lat)
        if hit is None:
            raise BadPlace(_("这个位置不在本市范围内，请重新选择。"))
        return at_unit(hit.unit_id, lng=lng, lat=lat)
    found = net.resolve_address(address) if address else None
    return at_unit(found, area=net.by_code(area).id if area else None)


def at_unit(
    unit_id: int | None, *, lng: float | None = None, lat: float | None = None, area: int | None = None
) -> Placed:
    """The levels above a unit of the net; without a unit, the place is unknown and `area` or the city is the region."""
    net = tree.snapshot()
    region = net.region_of(unit_id if unit_id is not None else area)
    levels = net.levels(unit_id if unit_id is not None else region)
    return Placed(region, levels.l1, levels.l2, levels.l3, levels.l4, levels.l5, unit_id, lng, lat)
