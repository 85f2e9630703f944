"""From a point to the deepest area or grid whose outline holds it."""

from dataclasses import dataclass

from bihuan.lib.shapes import GridIndex
from bihuan.net.models import Boundary
from bihuan.net.revisions import Kept


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a point lies. exact: inside an outline; otherwise `metres` from it, and this is the nearest."""

    unit_id: int
    exact: bool
    metres: float


def hit_at(lng: float, lat: float) -> Hit | None:
    """The smallest outline with a WGS-84 point, or the nearest within 200 m, or None."""
    index = _outlines.get()
    hit = index.locate(lng, lat) if len(index) else None
    return Hit(hit.key, hit.exact, hit.metres) if hit is not None else None


def _read() -> GridIndex[int]:
    living = Boundary.objects.filter(unit__died=None)
    return GridIndex(living.values_list("unit_id", "geometry"))


_outlines = Kept("boundaries", "tree", read=_read)
