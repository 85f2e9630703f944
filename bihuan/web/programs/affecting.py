"""Who is affected: those under way, by place and unit, and those who would have nowhere to go."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from bihuan.net.models import Unit
from bihuan.net.tree import snapshot
from bihuan.programs import versions
from bihuan.programs.document import Document
from bihuan.release import tracks
from bihuan.release.publishing import Plan, Source, plan
from bihuan.web.programs.frame import TONES, place_words, table, version_words
from bihuan.web.programs.judging import effects, grouped, klass_words

UNITS, ROWS = 12, 50  # as many as a page shows


@dataclass(frozen=True)
class Affected:
    """What publishing would do, ready to be shown. `refusals` not empty: it would be refused."""

    groups: list[dict[str, Any]] = field(default_factory=list)
    klass: dict[str, str] = field(default_factory=dict)
    effects: list[dict[str, str]] = field(default_factory=list)
    sources: list[dict[str, Any]] = field(default_factory=list)
    total: int = 0
    moved: int = 0
    stuck: dict[str, Any] | None = None
    refusals: list[str] = field(default_factory=list)


def affected(doc: str, *, at: datetime, since: datetime | None = None, unit: Unit | None = None) -> Affected:
    """Try a document, or a unit's terms, on those under way; nothing is changed."""
    planned = plan(doc, at=at, since=since, unit=unit)
    if not planned.title:  # it could not even be tried
        return Affected(refusals=planned.refusals)
    return Affected(
        groups=grouped(planned.changes),
        klass=klass_words(planned.klass),
        effects=effects(planned.klass),
        sources=[_source(source) for source in planned.sources if source.counts],
        total=sum(tracks.total(source.counts) for source in planned.sources),
        moved=planned.moved,
        stuck=_stuck(planned),
        refusals=planned.refusals,
    )


def _source(source: Source) -> dict[str, Any]:
    """Those under one older version: what becomes of them, where they stand, with whom they are."""
    old, kind = versions.rules(source.version.pk), tracks.of(source.version.program.kind)
    within, n = snapshot().get(source.within), tracks.total(source.counts)
    words = {"n": n, "word": kind.word if kind else "", "version": version_words(source.version)}
    words["within"] = _("%(unit)s范围内") % {"unit": within.name} if within else ""
    said = _("%(within)s%(version)s下%(n)d件在办%(word)s：自动改按新版本") if source.moves else _(
        "%(within)s%(version)s下%(n)d件在办%(word)s：留在原版本"
    )  # fmt: skip
    return {
        "title": said % words,
        "klass": _(source.klass.title),
        "tone": TONES[source.klass],
        "places": table(_("所在环节"), [_("环节"), _("件数")], _by_place(source, old), "", numbers=(1,)),
        "units": table(_("所在单位"), [_("单位"), _("件数")], _by_unit(source), "", numbers=(1,)),
    }


def _by_place(source: Source, old: Document) -> list[list[Any]]:
    return [[place_words(old, place), f"{n:,}"] for place, n in source.planned.items()]


def _by_unit(source: Source) -> list[list[Any]]:
    counts: Counter[int] = Counter()
    for count in source.counts:
        counts[count.unit_id] += count.n
    rows = [[unit_words(unit), f"{n:,}"] for unit, n in counts.most_common(UNITS)]
    rest = counts.total() - sum(n for _unit, n in counts.most_common(UNITS))
    return [*rows, [_("其余单位"), f"{rest:,}"]] if rest else rows


def unit_words(unit_id: int | None) -> str:
    row = snapshot().get(unit_id)
    return row.name if row else _("还没有派给单位")


def _stuck(planned: Plan) -> dict[str, Any] | None:
    """Those who would have nowhere to go, one by one."""
    if not planned.stuck:
        return None
    stuck = planned.stuck
    old = {row.version: row for row in stuck}
    rules = _rules_by_name(planned, set(old))
    rows = [
        [row.track.no, place_words(rules[row.version], row.track.place), unit_words(row.track.unit_id), row.version]
        for row in stuck[:ROWS]
    ]
    heads = [_("编号"), _("现在的环节"), _("单位"), _("按哪一版")]
    caption = _("没有去处的%(n)d件") % {"n": len(stuck)}
    more = _("只列出前%(n)d件。") % {"n": ROWS} if len(stuck) > ROWS else ""
    return {"table": table(caption, heads, rows, ""), "more": more, "title": caption}


def _rules_by_name(planned: Plan, names: set[str]) -> dict[str, Document]:
    found = {versions.name(source.version): source.version.pk for source in planned.sources}
    return {name: versions.rules(found[name]) for name in names}
