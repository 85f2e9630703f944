"""Floors: how many a stage should have in each unit (后备), and where some are missing."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from bihuan.ladder.models import Standing
from bihuan.ladder.posts import LEVELS
from bihuan.net.models import Kind
from bihuan.net.tree import UnitRow, snapshot
from bihuan.programs import versions
from bihuan.programs.ladder import LadderProgram, Stage


@dataclass(frozen=True, slots=True)
class Gap:
    """One unit that has fewer on a stage than it should."""

    unit: UnitRow
    stage: str
    title: str
    has: int
    wants: int

    @property
    def missing(self) -> int:
        return self.wants - self.has


def gaps(program: str, unit_id: int, at: datetime) -> list[Gap]:
    """The units within `unit_id` that lack people on a stage with a floor, by code. One query a stage."""
    rules: LadderProgram = versions.rules(versions.in_force(program, at, unit_id).pk)
    floored = [stage for stage in rules.stages.values() if stage.floor is not None]
    return [gap for stage in floored for gap in _gaps_of(program, stage, unit_id)]


def _gaps_of(program: str, stage: Stage, unit_id: int) -> list[Gap]:
    net, floor = snapshot(), stage.floor
    if floor is None or floor.per == "all":
        return []
    level = LEVELS[floor.per]
    here = Standing.objects.filter(program=program, stage=stage.key, ended_at=None)
    has = dict(here.values_list(f"l{int(level)}").annotate(n=Count("pk")))
    units = (net.unit(pk) for pk in net.below(unit_id))
    wanted = [unit for unit in units if unit.kind == Kind.AREA and unit.level == level and unit.died is None]
    short = [unit for unit in wanted if has.get(unit.id, 0) < floor.n]
    return [
        Gap(unit, stage.key, stage.title, has.get(unit.id, 0), floor.n)
        for unit in sorted(short, key=lambda unit: unit.code)
    ]
