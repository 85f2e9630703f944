"""How far a posting's power reaches. One function says it; lists filter by it, and every act asks it."""

from dataclasses import dataclass
from typing import Any, Protocol

from django.db.models import Q
from django.utils.translation import gettext as _

from bihuan.net.models import Kind, Level, Posting, Role, Tree
from bihuan.net.tree import Net, UnitRow, snapshot

# They answer for a whole area: the one in which their own unit stands.
AREA_ROLES = frozenset({Role.AGENT, Role.DISPATCHER, Role.CALLER, Role.SUPERVISOR, Role.LEADER})
# They answer for what their unit was given.
UNIT_ROLES = frozenset({Role.HANDLER, Role.CHIEF})
CASE_ROLES = AREA_ROLES | UNIT_ROLES | {Role.GRID_WORKER}  # nobody else has to do with residents' matters


class OutOfScope(Exception):
    """The unit lies outside what this posting is answerable for."""


class HasId(Protocol):
    id: int


@dataclass(frozen=True, slots=True)
class Reach:
    """Which cases a posting covers: those whose `column` (l1 .. l5, grid_id or unit_id) holds one of `ids`.

    Without ids it covers none: an administrator sets the net up, an organiser or a secretary raises people, and none of
    them sees a resident's matter.
    """

    column: str
    ids: tuple[int, ...]

    def q(self) -> Q:
        """As a condition on Case; equality when there is one id, so that one index read answers it."""
        if len(self.ids) == 1:
            return Q(**{self.column: self.ids[0]})
        return Q(**{f"{self.column}__in": self.ids})

    def holds(self, row: Any) -> bool:
        """The same for one row that carries these columns."""
        return getattr(row, self.column, None) in self.ids


def reach(posting: Posting, net: Net | None = None) -> Reach:
    """The cases that a posting's role and place cover.

    Desk roles and leaders: everything in the area of their unit. Handlers and chiefs: what their unit, or one below it,
    is answerable for. Grid workers: what lies in their grid and the grids below it. Administrators, organisers and
    secretaries: nothing.
    """
    net = net or snapshot()
    unit = net.unit(posting.unit_id)
    if posting.role in AREA_ROLES:
        return _with_taken_over(in_place(area_of(unit, net), net), net)
    if posting.role in UNIT_ROLES:
        return _with_taken_over(Reach("unit_id", net.below(unit.id, Tree.ADMIN)), net)
    if posting.role == Role.GRID_WORKER:
        return _with_taken_over(in_place(unit, net), net)
    return Reach("unit_id", ())


def _with_taken_over(own: Reach, net: Net) -> Reach:
    """And what was of units that were merged into these: a case keeps the place and unit it had (N4)."""
    before = (net.unit(old) for id in own.ids for old in net.before(id))
    # l1 .. l5 hold areas of their level only.
    found = tuple(old.id for old in before if own.column in ("unit_id", "grid_id", f"l{old.level}"))
    return Reach(own.column, own.ids + found) if found else own


def in_place(area: UnitRow, net: Net) -> Reach:
    """What lies in an area, or in a grid and those below it. Nothing lies in an office."""
    if not area.is_place:
        return Reach("grid_id", ())
    if area.level <= Level.COMMUNITY:
        return Reach(f"l{area.level}", (area.id,))
    return Reach("grid_id", net.below(area.id))


def named(code: str, net: Net) -> Reach:
    """What a code stands for: an area or grid with what lies in it, an office with what it has. Raises NoSuchUnit."""
    unit = net.by_code(code)
    return in_place(unit, net) if unit.is_place else Reach("unit_id", (unit.id,))


def area_of(unit: UnitRow, net: Net) -> UnitRow:
    """The area a unit stands in: itself, or for an office the nearest area above it."""
    for id in reversed(unit.path):
        row = net.unit(id)
        if row.kind in (Kind.AREA, Kind.GRID):
            return row
    return unit


def in_area(unit_id: int) -> Q:
    """A condition on rows that carry unit_id and l1 .. l5: those of this area, or of the area an office stands in."""
    net = snapshot()
    area = area_of(net.unit(unit_id), net)
    return Q(unit_id=area.id) if area.level > Level.COMMUNITY else Q(**{f"l{area.level}": area.id})


def covers(posting: Posting, unit: HasId) -> bool:
    """Whether a unit lies within what the posting is answerable for: its area (desk, leaders, organisers,
    secretaries, administrators), or its own unit and those below (handlers, chiefs, grid workers)."""
    net = snapshot()
    own, other = net.unit(posting.unit_id), net.get(unit.id)
    if other is None:
        return False
    if posting.role in UNIT_ROLES or posting.role == Role.GRID_WORKER:
        return own.id in other.path
    return area_of(own, net).id in other.path


def require_scope(by: Posting, unit: HasId) -> None:
    """Raises OutOfScope unless `by` covers the unit."""
    if covers(by, unit):
        return
    row = snapshot().get(unit.id)
    name = row.name if row is not None else _("这个单位")
    raise OutOfScope(_("“%(name)s”不在您的职责范围内。") % {"name": name})
