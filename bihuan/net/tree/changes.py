"""Changing the net: units are founded, renamed, moved, closed and merged. Nothing is deleted; edges keep their dates.

Every function here first raises the revision of the tree. That row stays locked until the transaction ends, so two
changes never run at once, and a check for a cycle holds until the commit (N1).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.net.models import Edge, Kind, Level, Place, Posting, Tree, Unit
from bihuan.net.revisions import touch

# Asked before a unit is closed, with (unit, successor or None, at): may raise TreeFault, or hand over what it holds.
before_close: list[Callable[[Unit, Unit | None, datetime], None]] = []

SPINE_EDGES = """
SELECT edge.child_id, edge.parent_id FROM net_edge AS edge JOIN net_unit AS child ON child.id = edge.child_id
WHERE edge.until IS NULL AND child.died IS NULL
ORDER BY array_position(ARRAY['party', 'grid', 'admin'], edge.tree::text)
"""
STORED_PATHS = "SELECT id, level, kind, path, l1, l2, l3, l4, l5 FROM net_unit WHERE died IS NULL"
WRITE_PATHS = """
UPDATE net_unit SET path = fresh.path::bigint[],
    l1 = fresh.l1, l2 = fresh.l2, l3 = fresh.l3, l4 = fresh.l4, l5 = fresh.l5
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
    AS fresh(id, path, l1, l2, l3, l4, l5)
WHERE net_unit.id = fresh.id
"""


class TreeFault(Exception):
    """The change would break the net; the message is for the administrator."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in the stored net that must not be, found by the integrity check."""

    rule: str
    unit: int
    says: str


@transaction.atomic
def found_unit(
    *, code: str, kind: str, name: str, level: int, parent: Unit | None, on: date, at: datetime, tree: str = Tree.ADMIN,
    **facts: Any,
) -> Unit:  # fmt: skip
    """A new unit under `parent` in one tree (none for the top). `facts`: short, duties, phone, households, lng, lat."""
    touch("tree", at)
    if Unit.objects.filter(code=code).exists():
        raise TreeFault(_("代码“%(code)s”已经有单位在用。") % {"code": code})
    unit = Unit.objects.create(code=code, kind=kind, name=name, level=level, born=on, **facts)
    if parent is not None:
        _require_living(parent)
        Edge.objects.create(child=unit, parent=parent, tree=tree, since=on)
    rebuild_paths()
    unit.refresh_from_db()
    return unit


@transaction.atomic
def rename_unit(unit: Unit, *, at: datetime, **facts: Any) -> None:
    """Change what is said of a unit: name, short, duties, phone, households, lng, lat. Its code never changes."""
    touch("tree", at)
    for field, value in facts.items():
        setattr(unit, field, value)
    unit.save(update_fields=list(facts))


@transaction.atomic
def move_unit(unit: Unit, parent: Unit, tree: str = Tree.ADMIN, *, on: date, at: datetime) -> Edge:
    """Hang a unit under another parent from the day `on`; the old edge ends that day and stays in the history (N4).

    Raises TreeFault: the day lies ahead or before the last move, a unit is closed, or the unit would hang under itself.
    """
    touch("tree", at)
    _require_past(on, at)
    _require_living(unit, parent)
    _require_no_cycle(unit, parent, tree)
    _end_edge(unit, tree, on)
    edge = Edge.objects.create(child=unit, parent=parent, tree=tree, since=on)
    rebuild_paths()
    return edge


@transaction.atomic
def close_unit(unit: Unit, *, on: date, at: datetime, into: Unit | None = None) -> None:
    """A unit ends. `into` took over what it was answerable for.

    Raises TreeFault while it has open work, living units hang under it or people are posted to it.
    """
    touch("tree", at)
    _require_past(on, at)
    _require_living(unit)
    _hold_alone([unit])
    for prepare in before_close:  # first: what is open must be handed back while there are still people to do it
        prepare(unit, into, at)
    if Edge.objects.filter(parent=unit, until=None, child__died=None).exists():
        raise TreeFault(_("“%(name)s”下面还有单位，请先移走或并入别处。") % {"name": unit.name})
    if Posting.objects.filter(Q(until=None) | Q(until__gt=on), unit=unit).exists():
        raise TreeFault(_("“%(name)s”还有人任职，请先结束任职。") % {"name": unit.name})
    for tree in Edge.objects.filter(child=unit, until=None).values_list("tree", flat=True):
        _end_edge(unit, tree, on)
    unit.died, unit.successor = on, into
    unit.save(update_fields=["died", "successor"])


@transaction.atomic
def merge_units(units: Iterable[Unit], into: Unit, *, on: date, at: datetime) -> None:
    """Several units become part of `into`: what hangs under them moves over, their people keep their roles there."""
    from bihuan.net.postings import carry_over  # postings are made on top of trees

    touch("tree", at)
    _require_living(into)
    units = list(units)
    _hold_alone(units)  # before anything of theirs is moved, or whoever holds both ways would wait in a circle
    for unit in units:
        if unit.pk == into.pk:
            raise TreeFault(_("不能把“%(name)s”并入它自己。") % {"name": unit.name})
        _adopt(unit, into, on, at)
        Place.objects.filter(unit=unit).exclude(name__in=_place_names(into)).update(unit=into)
        carry_over(unit, into, on=on, at=at)
        close_unit(unit, on=on, at=at, into=into)
    touch("places", at)
    rebuild_paths()


# Whoever gives a unit something to answer for holds this lock together with others; whoever closes it holds it alone. It
# is not the lock of the unit's row: an import that changes thousands of units must not hold up a dispatch.
TOGETHER = "SELECT pg_advisory_xact_lock_shared(%s, (id %% 2147483647)::int) FROM unnest(%s::bigint[]) AS id"
ALONE = "SELECT pg_advisory_xact_lock(%s, (id %% 2147483647)::int) FROM unnest(%s::bigint[]) AS id"
CLOSING = 2103  # tells these locks from others


def keep_living(ids: Iterable[int]) -> set[int]:
    """Keep units from being closed until the transaction ends; returns those that are closed already. Two statements."""
    wanted = sorted(set(ids))
    with connection.cursor() as cursor:
        cursor.execute(TOGETHER, [CLOSING, wanted])
    return set(Unit.objects.filter(pk__in=wanted, died__isnull=False).values_list("pk", flat=True))


def _hold_alone(units: Iterable[Unit]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ALONE, [CLOSING, sorted(unit.pk for unit in units)])


def _adopt(unit: Unit, into: Unit, on: date, at: datetime) -> None:
    for edge in Edge.objects.filter(parent=unit, until=None, child__died=None).select_related("child"):
        if edge.child_id == into.pk:
            raise TreeFault(_("“%(into)s”在“%(name)s”下面，不能反过来并入。") % {"into": into.name, "name": unit.name})
        move_unit(edge.child, into, edge.tree, on=on, at=at)


def _place_names(unit: Unit) -> list[str]:
    return list(Place.objects.filter(unit=unit).values_list("name", flat=True))


def _end_edge(unit: Unit, tree: str, on: date) -> None:
    # An alliance has many parents; leaving one of them is not a move.
    if tree == Tree.ALLIANCE:
        return
    edge = Edge.objects.filter(child=unit, tree=tree, until=None).first()
    if edge is None:
        return
    if on < edge.since:
        raise TreeFault(_("日期早于上一次变动（%(day)s）。") % {"day": edge.since.isoformat()})
    edge.until = on
    edge.save(update_fields=["until"])


def _require_past(on: date, at: datetime) -> None:
    if on > timezone.localdate(at):
        raise TreeFault(_("生效日期不能晚于今天；到了那一天再登记。"))


def _require_living(*units: Unit) -> None:
    for unit in units:
        if unit.died is not None:
            raise TreeFault(_("“%(name)s”已经撤销。") % {"name": unit.name})


def _require_no_cycle(unit: Unit, parent: Unit, tree: str) -> None:
    """`parent` must not lie below `unit`: neither in this tree, nor on the way by which places are found."""
    for edges in (_open_edges([tree]), _open_edges([Tree.ADMIN, Tree.GRID, Tree.PARTY])):
        if unit.pk in _reached(parent.pk, edges):
            raise TreeFault(
                _("“%(parent)s”在“%(name)s”下面，不能成为它的上级。") % {"parent": parent.name, "name": unit.name}
            )


def _open_edges(trees: list[str]) -> dict[int, list[int]]:
    above: dict[int, list[int]] = {}
    found = Edge.objects.filter(tree__in=trees, until=None).values_list("child_id", "parent_id")
    for child, parent in found:
        above.setdefault(child, []).append(parent)
    return above


def _reached(start: int, above: dict[int, list[int]]) -> set[int]:
    seen, waiting = {start}, [start]
    while waiting:
        for parent in above.get(waiting.pop(), ()):
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return seen


# Paths


def rebuild_paths() -> int:
    """Compute `path` and l1 .. l5 of every living unit from the edges; write those that differ and say how many.

    A unit hangs in the administrative tree if it has a parent there, else in the grid tree, else in the party's.
    Raises TreeFault when the edges form a cycle.
    """
    with connection.cursor() as cursor:
        cursor.execute(SPINE_EDGES)
        above = dict(cursor.fetchall())  # the admin edge comes last and wins
        cursor.execute(STORED_PATHS)
        stored = cursor.fetchall()
        paths = _paths((row[0] for row in stored), above)
        areas = {row[0]: row[1] for row in stored if row[2] in (Kind.AREA, Kind.GRID) and row[1] <= Level.COMMUNITY}
        fresh = [(id, path, *_fixed(path, areas)) for id, path in paths.items()]
        known = {row[0]: (list(row[3]), *row[4:]) for row in stored}
        changed = [row for row in fresh if known[row[0]] != row[1:]]
        if changed:
            ids, ways, *levels = zip(*changed, strict=True)
            texts = ["{" + ",".join(map(str, way)) + "}" for way in ways]
            cursor.execute(WRITE_PATHS, [list(ids), texts, *map(list, levels)])
    return len(changed)


def _paths(ids: Iterable[int], above: dict[int, int]) -> dict[int, list[int]]:
    paths: dict[int, list[int]] = {}
    for id in ids:
        climb, step = [], id
        while step not in paths:
            if step in climb:
                raise TreeFault(_("上下级关系成了圈：单位 %(ids)s。") % {"ids": "、".join(map(str, climb))})
            climb.append(step)
            if step not in above:
                paths[climb.pop()] = [step]
                break
            step = above[step]
        for step in reversed(climb):
            paths[step] = [*paths[above[step]], step]
    return paths


def _fixed(path: list[int], areas: dict[int, int]) -> tuple[int | None, ...]:
    at: list[int | None] = [None] * 5
    for id in path:
        if id in areas:
            at[areas[id] - 1] = id
    return tuple(at)


# History


def history(unit: Unit) -> list[Edge]:
    """All edges of a unit in all trees, the oldest first."""
    return list(Edge.objects.filter(child=unit).select_related("parent").order_by("since", "id"))


def path_on(unit: Unit, on: date) -> list[int]:
    """The ids from the top to the unit as the trees stood at the start of a day."""
    standing = Q(since__lte=on) & (Q(until=None) | Q(until__gt=on))
    found = Edge.objects.filter(standing).exclude(tree=Tree.ALLIANCE).values_list("tree", "child_id", "parent_id")
    order = [Tree.PARTY, Tree.GRID, Tree.ADMIN]
    above = {child: parent for tree, child, parent in sorted(found, key=lambda row: order.index(row[0]))}
    return _paths([unit.pk], above)[unit.pk]


# Integrity


def faults() -> Iterator[Fault]:
    """What the stored net must not have (N1, N4): cycles, stale paths, living units under closed ones, two parents."""
    units = {unit.pk: unit for unit in Unit.objects.all()}
    yield from _cycles(units)
    yield from _orphans(units)
    yield from _stale(units)


def _cycles(units: dict[int, Unit]) -> Iterator[Fault]:
    for tree in Tree.values:
        above = _open_edges([tree])
        for child, parents in above.items():
            if any(child in _reached(parent, above) for parent in parents):
                yield Fault("N1", child, _("“%(name)s”在它自己下面") % {"name": units[child].name})


def _orphans(units: dict[int, Unit]) -> Iterator[Fault]:
    for child, parent in Edge.objects.filter(until=None).values_list("child_id", "parent_id"):
        if units[parent].died is not None and units[child].died is None:
            names = {"name": units[child].name, "parent": units[parent].name}
            yield Fault("N4", child, _("“%(name)s”的上级“%(parent)s”已撤销") % names)


def _stale(units: dict[int, Unit]) -> Iterator[Fault]:
    with transaction.atomic():
        try:
            count = rebuild_paths()
            transaction.set_rollback(True)
        except TreeFault:  # already told as a cycle
            transaction.set_rollback(True)
            return
    if count:
        yield Fault("N1", 0, _("有 %(count)d 个单位的位置与上下级关系不一致") % {"count": count})
