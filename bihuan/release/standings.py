"""Standings on ladders, for a publication: found by version, moved by an act of their own (`ladder.rebasing.rebase`)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count as Number
from django.db.models import QuerySet

from bihuan.book.journal import Acting
from bihuan.ladder.models import Pass, Standing
from bihuan.ladder.posts import LEVELS
from bihuan.ladder.rebasing import rebase
from bihuan.ladder.rules import NotNow
from bihuan.net.models import Level
from bihuan.net.tree import snapshot
from bihuan.programs.ladder import LadderProgram, Stage
from bihuan.programs.models import Version
from bihuan.release import tracks
from bihuan.release.tracks import CannotMove, Count, Live


class Standings:
    """The tracks of kind "ladder"."""

    word = "培养档案"
    part = "stage"

    def live(self, version: int, within: int | None, *, limit: int | None = None) -> list[Live]:
        rows = _open(version, within).order_by("pk").values_list("pk", "region_id", "no", "stage", "unit_id")
        return [Live(*row) for row in (rows[:limit] if limit else rows)]

    def counted(self, version: int, within: int | None) -> list[Count]:
        rows = _open(version, within).values_list("stage", "unit_id").annotate(Number("pk"))
        return [Count(*row) for row in rows.order_by("stage", "unit_id")]

    def totals(self, within: int | None) -> dict[int, int]:
        rows = _within(Standing.objects.filter(ended_at=None), within).values_list("version").annotate(Number("pk"))
        return dict(rows.order_by("version"))

    def version_of(self, track: Live) -> int | None:
        return Standing.objects.filter(pk=track.id, ended_at=None).values_list("version", flat=True).first()

    def homeless(self, version: int, rules: Any, within: int | None) -> list[str]:
        return list(_at_gates(version, rules, within))

    def crowded(self, program: str, rules: Any, within: int | None) -> list[str]:
        return list(_over_full(_standing(program, within), rules))

    def move(
        self, track: Live, to: Version, *, places: Mapping[str, str], by: Acting, at: datetime, why: str = ""
    ) -> bool:
        with transaction.atomic():
            rows = Standing.objects.select_for_update(of=("self",), skip_locked=not why).select_related("subject")
            standing = rows.filter(pk=track.id).first()
            try:
                return standing is not None and bool(rebase(standing, to, places=places, by=by, at=at, why=why))
            except NotNow as error:
                raise CannotMove(str(error)) from error


def _open(version: int, within: int | None) -> QuerySet[Standing]:
    return _within(Standing.objects.filter(version=version, ended_at=None), within)


def _standing(program: str, within: int | None) -> QuerySet[Standing]:
    return _within(Standing.objects.filter(program=program, ended_at=None), within)


def _within(standings: QuerySet[Standing], within: int | None) -> QuerySet[Standing]:
    if within is None:
        return standings
    unit = snapshot().unit(within)
    level = min(unit.level, Level.COMMUNITY)  # nobody's place is a grid
    return standings.filter(**{f"l{level}": unit.at_level(level)}) if level > 1 else standings


def _at_gates(version: int, rules: LadderProgram, within: int | None) -> Iterator[str]:
    """Those at a gate, or at a step of one, that the version does not have."""
    there = Pass.objects.filter(standing__in=_open(version, within), ended_at=None)
    known = {gate.key: {step.key for step in gate.all_steps} | {Pass.Step.ROOM} for gate in rules.gates.values()}
    for gate, step, n in there.values_list("gate", "step").annotate(Number("pk")).order_by("gate", "step"):
        if step not in known.get(gate, set()):
            yield f"有{n}份培养档案正在关口“{gate}”的“{step}”这一步，新版本里没有：请保留它，或等它们结束。"


def _over_full(there: QuerySet[Standing], rules: LadderProgram) -> Iterator[str]:
    """Caps below those who stand there now (D3), under whatever version."""
    for stage in rules.stages.values():
        if stage.cap is not None and (most := _most(there, stage)) > stage.cap.n:
            yield f"“{stage.title}”现在最多的地方有{most}人，多于新版本的名额{stage.cap.n}。"


def _most(there: QuerySet[Standing], stage: Stage) -> int:
    there = there.filter(stage=stage.key)
    if stage.cap is None or stage.cap.per == "all":
        return there.count()
    counts = there.values(f"l{LEVELS[stage.cap.per]}").annotate(n=Number("pk")).values_list("n", flat=True)
    return max(counts, default=0)


tracks.register("ladder", Standings())
