"""Many units at once: compared with what the net has, then written by a handful of statements.

A row that is new becomes a unit and an edge; one that differs is changed; one whose parent differs is moved, with its
history. Running the same sheet again changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.net.imports.columns import Problem
from bihuan.net.imports.copying import copy_in
from bihuan.net.imports.registry import Outcome
from bihuan.net.models import Edge, Tree, Unit
from bihuan.net.pinyin import spelled
from bihuan.net.revisions import touch
from bihuan.net.tree import rebuild_paths


@dataclass(frozen=True, slots=True)
class Seedling:
    """A unit as a sheet describes it. `facts` are columns of Unit; a fact that is None leaves what is stored."""

    row: int
    code: str
    kind: str
    name: str
    level: int
    parent: str | None
    tree: str = Tree.ADMIN
    facts: Mapping[str, Any] = field(default_factory=dict)


def plant(seedlings: Sequence[Seedling], *, at: datetime, on: date | None = None) -> Outcome:
    """Bring the net in line with the sheet.

    on: the day new units and moves count from; by default 1 January of this year for new units and today for moves.
    """
    touch("tree", at)
    outcome = Outcome(rows=len(seedlings))
    known = {unit.code: unit for unit in Unit.objects.all()}
    sound = _without_strangers(_once_each(seedlings, outcome), known, outcome)
    sound = _without_cycles(sound, known, outcome)
    today = timezone.localdate(at)
    born = on or date(today.year, 1, 1)
    written = _write_units(sound, known, born)
    moved = _write_edges(sound, known, written, born, on or today)
    outcome.created = sum(seedling.code not in written.before for seedling in sound)
    differing = written.codes | moved
    outcome.changed = len(differing)
    outcome.touched = {one.row for one in sound if one.code not in written.before or one.code in differing}
    outcome.same = len(sound) - outcome.created - outcome.changed
    if outcome.created or outcome.changed:
        rebuild_paths()
    return outcome


def _once_each(seedlings: Iterable[Seedling], outcome: Outcome) -> list[Seedling]:
    found: dict[str, Seedling] = {}
    for seedling in seedlings:
        first = found.setdefault(seedling.code, seedling)
        if first is not seedling:
            says = _("代码与第 %(row)d 行重复") % {"row": first.row}
            outcome.problems.append(Problem(seedling.row, _("代码"), seedling.code, says))
    return list(found.values())


def _without_strangers(seedlings: list[Seedling], known: Mapping[str, Unit], outcome: Outcome) -> list[Seedling]:
    """Leave out rows whose parent is neither in the net nor in the sheet; and then those below them."""
    left = {seedling.code: seedling for seedling in seedlings}
    living = {code for code, unit in known.items() if unit.died is None}
    while True:
        lost = [s for s in left.values() if s.parent is not None and s.parent not in left and s.parent not in living]
        if not lost:
            return list(left.values())
        for seedling in lost:
            says = _("找不到上级单位“%(parent)s”") % {"parent": seedling.parent}
            outcome.problems.append(Problem(seedling.row, _("上级代码"), seedling.parent or "", says))
            del left[seedling.code]


def _without_cycles(seedlings: list[Seedling], known: Mapping[str, Unit], outcome: Outcome) -> list[Seedling]:
    """Leave out rows that would hang under themselves, whether in the sheet alone or together with what is stored."""
    above = _stored_parents(known)
    above.update({(s.tree, s.code): s.parent for s in seedlings if s.parent is not None})
    sound = []
    for seedling in seedlings:
        if _is_below_itself(seedling, above):
            says = _("上级单位在它自己下面，成了圈")
            outcome.problems.append(Problem(seedling.row, _("上级代码"), seedling.parent or "", says))
        else:
            sound.append(seedling)
    return sound


def _stored_parents(known: Mapping[str, Unit]) -> dict[tuple[str, str], str]:
    codes = {unit.pk: unit.code for unit in known.values()}
    edges = Edge.objects.filter(until=None).values_list("tree", "child_id", "parent_id")
    return {(tree, codes[child]): codes[parent] for tree, child, parent in edges}


def _is_below_itself(seedling: Seedling, above: Mapping[tuple[str, str], str]) -> bool:
    seen, code = {seedling.code}, seedling.parent
    while code is not None and code not in seen:
        seen.add(code)
        # A grid's community hangs in the administrative tree: climb wherever there is a way up.
        ways = (above.get((tree, code)) for tree in (seedling.tree, Tree.ADMIN, Tree.GRID, Tree.PARTY))
        code = next((way for way in ways if way is not None), None)
    return code == seedling.code


@dataclass
class _Written:
    before: set[str]
    codes: set[str]


def _write_units(seedlings: list[Seedling], known: dict[str, Unit], born: date) -> _Written:
    """Create and update; `known` has all of them afterwards."""
    written = _Written(before=set(known), codes=set())
    new, differing, fields = [], [], set()
    for seedling in seedlings:
        unit = known.get(seedling.code)
        if unit is None:
            new.append(_unit(seedling, born))
        elif changes := _differences(unit, seedling):
            for name, value in changes.items():
                setattr(unit, name, value)
            differing.append(unit)
            fields |= set(changes)
            written.codes.add(seedling.code)
    copy_in(new)
    known.update({unit.code: unit for unit in new})
    if differing:
        Unit.objects.bulk_update(differing, sorted(fields), batch_size=500)
    return written


def _unit(seedling: Seedling, born: date) -> Unit:
    facts = {key: value for key, value in seedling.facts.items() if value is not None}
    facts.setdefault("pinyin", spelled(seedling.name))
    return Unit(
        code=seedling.code, kind=seedling.kind, name=seedling.name, level=seedling.level, born=born, **facts
    )  # fmt: skip


def _differences(unit: Unit, seedling: Seedling) -> dict[str, Any]:
    wanted = {"kind": seedling.kind, "name": seedling.name, "level": seedling.level}
    wanted |= {key: value for key, value in seedling.facts.items() if value is not None}
    changes = {key: value for key, value in wanted.items() if getattr(unit, key) != value}
    if "name" in changes:
        changes["pinyin"] = spelled(seedling.name)
    if unit.died is not None:  # it is in the sheet again
        changes |= {"died": None, "successor": None}
    return changes


def _write_edges(
    seedlings: list[Seedling], known: Mapping[str, Unit], written: "_Written", born: date, on: date
) -> set[str]:
    """Edges of new units from their birth; for others a changed parent is a move on the day `on`. Codes that moved."""
    standing, allied, ended_before = _standing_edges()
    new, ended, moved = [], [], set()
    for seedling in seedlings:
        if seedling.parent is None:
            continue
        child, parent = known[seedling.code], known[seedling.parent]
        edge = standing.get((child.pk, seedling.tree))
        is_there = (
            (child.pk, parent.pk) in allied if seedling.tree == Tree.ALLIANCE else edge and edge.parent_id == parent.pk
        )
        if is_there:
            continue
        since = born
        if edge is not None:
            since = edge.until = max(on, edge.since)
            ended.append(edge)
        elif seedling.code in written.before:
            since = max(on, ended_before.get((child.pk, seedling.tree), on))
        if seedling.code in written.before:
            moved.add(seedling.code)
        new.append(Edge(child=child, parent=parent, tree=seedling.tree, since=since))
    Edge.objects.bulk_update(ended, ["until"], batch_size=1000)
    copy_in(new)
    return moved


def _standing_edges() -> tuple[dict[tuple[int, str], Edge], set[tuple[int, int]], dict[tuple[int, str], date]]:
    """Open edges by child and tree; open alliances as pairs; and when a child's ended edges in a tree ended last."""
    open_ = Edge.objects.filter(until=None)
    standing = {(edge.child_id, edge.tree): edge for edge in open_.exclude(tree=Tree.ALLIANCE)}
    allied = set(open_.filter(tree=Tree.ALLIANCE).values_list("child_id", "parent_id"))
    past = Edge.objects.exclude(until=None).values_list("child_id", "tree").annotate(last=Max("until"))
    return standing, allied, {(child, tree): last for child, tree, last in past}
