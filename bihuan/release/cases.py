"""Cases under way, for a publication: found by version, moved by an act of their own (`rebasing.rebase`)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count as Number
from django.db.models import QuerySet

from bihuan.book.journal import Acting
from bihuan.loop.models import Case
from bihuan.net.regions import across_regions
from bihuan.net.tree import snapshot
from bihuan.programs.models import Version
from bihuan.release import tracks
from bihuan.release.rebasing import rebase
from bihuan.release.tracks import Count, Live

LEVELS = ("l1", "l2", "l3", "l4", "l5")  # below them are grids, of any depth


class Cases:
    """The tracks of kind "case"."""

    word = "工单"
    part = "state"

    def live(self, version: int, within: int | None, *, limit: int | None = None) -> list[Live]:
        with across_regions("a version holds everywhere"):
            rows = _open(version, within).order_by("pk").values_list("pk", "region_id", "no", "state", "unit_id")
            return [Live(*row) for row in (rows[:limit] if limit else rows)]

    def counted(self, version: int, within: int | None) -> list[Count]:
        with across_regions("a version holds everywhere"):
            rows = _open(version, within).values_list("state", "unit_id").annotate(Number("pk"))
            return [Count(*row) for row in rows.order_by("state", "unit_id")]

    def totals(self, within: int | None) -> dict[int, int]:
        with across_regions("a version holds everywhere"):
            rows = _within(Case.objects.filter(closed_at=None), within).values_list("version").annotate(Number("pk"))
            return dict(rows.order_by("version"))

    def version_of(self, track: Live) -> int | None:
        case = Case.objects.filter(region_id=track.region_id, pk=track.id, closed_at=None)
        return case.values_list("version", flat=True).first()

    def homeless(self, version: int, rules: Any, within: int | None) -> list[str]:
        return list(_homeless(version, rules, within))

    def crowded(self, program: str, rules: Any, within: int | None) -> list[str]:
        return []  # cases take no places

    def move(
        self, track: Live, to: Version, *, places: Mapping[str, str], by: Acting, at: datetime, why: str = ""
    ) -> bool:
        with transaction.atomic():
            cases = Case.objects.select_for_update(skip_locked=not why)
            case = cases.filter(region_id=track.region_id, pk=track.id).first()
            return case is not None and rebase(case, to, places=places, by=by, at=at, why=why) is not None


def _open(version: int, within: int | None) -> QuerySet[Case]:
    return _within(Case.objects.filter(version=version, closed_at=None), within)


def _within(cases: QuerySet[Case], within: int | None) -> QuerySet[Case]:
    if within is None:
        return cases
    net = snapshot()
    unit = net.unit(within)
    if (level := f"l{unit.level}") in LEVELS:
        return cases.filter(**{level: unit.id})
    return cases.filter(grid_id__in=net.below(unit.id))


def _homeless(version: int, rules: Any, within: int | None) -> Iterator[str]:
    """Facts of a case that its program must know: a case's type is not changed for it."""
    known = {
        "type": ("诉求类型", rules.types),
        "urgency": ("紧急程度", rules.urgencies),
        "result": ("办理结果", rules.results),
    }
    for column, (word, keys) in known.items():
        with across_regions("a version holds everywhere"):
            gone = _open(version, within).exclude(**{f"{column}__in": ["", *keys]})
            rows = list(gone.values_list(column).annotate(Number("pk")).order_by(column))
        yield from (f"有{n}件在办工单的{word}是“{key}”，新版本里没有：请保留它，或等这些工单办结。" for key, n in rows)


tracks.register("case", Cases())
