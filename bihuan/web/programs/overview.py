"""The first page: every program, the version in force, what comes next, how many are under way by which version."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bihuan.net.tree import snapshot
from bihuan.programs.models import Draft, Program, Version
from bihuan.release import tracks
from bihuan.web.posting import desk
from bihuan.web.programs.frame import AUTHORS, at_words, is_author, own_area, page, version_words

KINDS = {"case": "clipboard-list", "ladder": "stairs-up"}


@desk(*AUTHORS)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    at, whole = now(), is_author(request)
    area = own_area(request)
    programs, published = list(Program.objects.order_by("pk")), _published()
    totals = {kind: _totals(kind, None if whole else area.id) for kind in {program.kind for program in programs}}
    drafts = set(Draft.objects.values_list("program_id", flat=True))
    rows = [
        _row(program, published.get(program.pk, []), totals[program.kind], at, program.pk in drafts and whole)
        for program in programs
    ]
    return page(request, "overview.html", {"programs": rows, "area": area.name, "whole": whole})


def _published() -> dict[int, list[Version]]:
    """All published versions by program, without their texts."""
    found: dict[int, list[Version]] = {}
    rows = Version.objects.exclude(state=Version.State.DRAFT).defer("doc", "terms")
    for version in rows.order_by("program", "unit", "n"):
        found.setdefault(version.program_id, []).append(version)
    return found


def _totals(kind: str, within: int | None) -> dict[int, int]:
    known = tracks.of(kind)
    return known.totals(within) if known else {}


def _row(
    program: Program, published: list[Version], totals: dict[int, int], at: datetime, has_draft: bool
) -> dict[str, Any]:
    general = [version for version in published if version.unit_id is None]
    here, coming = in_force(general, at), [version for version in general if version.since and version.since > at]
    kind = tracks.of(program.kind)
    live = [(version, totals[version.pk]) for version in published if totals.get(version.pk)]
    return {
        "title": program.title,
        "key": program.key,
        "icon": KINDS.get(program.kind, "route"),
        "url": reverse("program", args=[program.key]),
        "version": version_words(here) if here else _("还没有生效的版本"),
        "since": _("%(at)s 起") % {"at": at_words(here.since)} if here else "",
        "coming": [
            _("%(version)s定于%(at)s生效") % {"version": version_words(one), "at": at_words(one.since)}
            for one in coming
        ],
        "live": _("在办%(word)s") % {"word": kind.word} if kind else "",
        "total": f"{sum(n for _version, n in live):,}",
        "by_version": [f"{version_words(version)} {n:,}" for version, n in live],
        "overlays": [snapshot().unit(unit).name for unit in overlaid(published, at)],
        "draft": _("有一份没发布的草稿") if has_draft else "",
    }


def in_force(line: list[Version], at: datetime) -> Version | None:
    """Which of a line of versions holds at a time."""
    holding = (v for v in line if v.since and v.since <= at and (v.until is None or at < v.until))
    return next(holding, None)


def overlaid(published: list[Version], at: datetime) -> list[int]:
    """The units with terms of their own, now or to come."""
    units = {v.unit_id: v for v in published if v.unit_id and (v.until is None or v.until > at)}
    return list(units)
