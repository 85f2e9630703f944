"""One program: its drawing, its places with owners and clocks, its versions, what became of those under way, own terms."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bihuan.loop.wording import language
from bihuan.net.models import Level, Posting
from bihuan.net.tree import snapshot
from bihuan.programs import drafts, versions
from bihuan.programs.case import CaseProgram
from bihuan.programs.document import Document
from bihuan.programs.models import Draft, Move, Program, Version
from bihuan.programs.telling import post, spell
from bihuan.release import tracks
from bihuan.release.publishing import program_moves
from bihuan.web.posting import desk
from bihuan.web.programs.frame import (
    AUTHORS,
    at_words,
    crumbs,
    is_author,
    own_area,
    page,
    pictures,
    program_here,
    table,
    version_words,
)
from bihuan.web.programs.overview import in_force

STAGES = {Move.Stage.WAITING: "info", Move.Stage.KEPT: "hold", Move.Stage.DONE: "ok"}


@desk(*AUTHORS)
@require_safe
def show(request: HttpRequest, key: str) -> HttpResponse:
    program, at = program_here(key), now()
    lines, whole = versions.lines(program), is_author(request)
    area = own_area(request)
    held = in_force(lines.get(None, []), at)
    rules = versions.rules(held.pk) if held else None
    draft = drafts.draft_of(program) if whole else None
    moves = _moves(program, lines, at, area.id, whole)
    context = {
        "program": program,
        "crumbs": crumbs(program)[:1],
        "whole": whole,
        "version": version_words(held) if held else "",
        "drawn": pictures(rules, steps="steps" in request.GET) if rules else {},
        "steps_url": _steps_url(request, rules),
        "places": _places(rules) if rules else None,
        "versions": _versions(lines, _totals(program, None if whole else area.id), at),
        "moves": moves,
        "moving": any(one["is_moving"] for one in moves),
        "overlays": _overlays(program, lines, at, area.path, area.id),
        "choices": _choices(area.id) if rules and rules.opened else [],
        "opens": bool(rules and rules.opened),
        "draft": _draft_words(draft),
    }
    return page(request, "show.html", context, key=key)


def _steps_url(request: HttpRequest, rules: Document | None) -> dict[str, str] | None:
    """A ladder is drawn by its stages; the steps of its gates on demand."""
    if rules is None or isinstance(rules, CaseProgram):
        return None
    if "steps" in request.GET:
        return {"url": "?", "label": _("只画阶段")}
    return {"url": "?steps=1#drawing", "label": _("画出关口的每一步")}


def _places(rules: Document) -> dict[str, Any]:
    """States or stages, with who is answerable and what runs there."""
    part, places = ("state", rules.states) if isinstance(rules, CaseProgram) else ("stage", rules.stages)
    rows = [
        [
            {"text": rules.label(part, place.key, language()), "sub": place.key},
            post(place.owner) if place.owner else _("终点") if place.final else "",
            "、".join(_clock(rules, clock) for clock in place.clocks),
        ]
        for place in places.values()
    ]
    title = _("状态") if part == "state" else _("阶段")
    return table(title, [title, _("由谁负责"), _("时限")], rows, _("还没有内容"))


def _clock(rules: Document, key: str) -> str:
    limit = rules.limits[rules.clocks[key].limit].default if isinstance(rules, CaseProgram) else rules.clocks[key].limit
    return f"{rules.label('clock', key, language())} {spell(str(limit))}"


def _totals(program: Program, within: int | None) -> dict[int, int]:
    kind = tracks.of(program.kind)
    return kind.totals(within) if kind else {}


def _versions(lines: dict[int | None, list[Version]], totals: dict[int, int], at: datetime) -> dict[str, Any]:
    found = sorted((v for line in lines.values() for v in line), key=lambda v: (v.since, v.n), reverse=True)
    people = _people(found)
    rows = [
        [
            {"text": version_words(one), "sub": _state(one, at)},
            at_words(one.since),
            at_words(one.until) or "—",
            people.get(one.published_by_id, _("随系统安装")),
            f"{totals.get(one.pk, 0):,}",
            {"text": one.sha256[:12]},
        ]
        for one in found
    ]
    heads = [_("版本"), _("生效"), _("到"), _("发布人"), _("在办"), _("校验（SHA-256 前 12 位）")]
    return table(_("版本"), heads, rows, _("还没有发布过"), numbers=(4,))


def _people(found: list[Version]) -> dict[int | None, str]:
    ids = {one.published_by_id for one in found if one.published_by_id}
    return {posting.pk: posting.person.name for posting in Posting.objects.filter(pk__in=ids).select_related("person")}


def _state(one: Version, at: datetime) -> str:
    if one.since and one.since > at:
        return _("定时，还没生效")
    return _("生效中") if one.until is None or one.until > at else _("已被替代")


def _moves(
    program: Program, lines: dict[int | None, list[Version]], at: datetime, area: int, whole: bool
) -> list[dict[str, Any]]:
    """What became of those under way at each publication; some who stayed may still be moved one by one."""
    live = {held.pk for line in lines.values() if (held := in_force(line, at))}
    return [_move(one, one.to_version_id in live, at) for one in program_moves(program) if whole or _touches(one, area)]


def _touches(move: Move, area: int) -> bool:
    """Whether a publication concerned an area: it held everywhere, or for somewhere above or below it."""
    net = snapshot()
    place = net.get(move.within_id or move.to_version.unit_id)
    return place is None or area in place.path or place.id in net.unit(area).path


def _move(move: Move, is_live: bool, at: datetime) -> dict[str, Any]:
    planned = sum(move.planned.values())
    words = {
        Move.Stage.WAITING: _("正在自动改：已改 %(moved)s / %(planned)s")
        if move.since <= at
        else _("等生效后自动改：共 %(planned)s"),
        Move.Stage.KEPT: _("留在原版本：已逐件改 %(moved)s，还有 %(left)s"),
        Move.Stage.DONE: _("已经改完：改了 %(moved)s，没有改成 %(left)s"),
    }[Move.Stage(move.stage)]
    numbers = {"moved": f"{move.moved:,}", "planned": f"{planned:,}", "left": f"{max(move.left, 0):,}"}
    return {
        "title": f"{version_words(move.from_version)} → {version_words(move.to_version)}",
        "within": move.within.name if move.within else "",
        "since": at_words(move.since),
        "klass": {"wording": _("措辞"), "widening": _("放宽"), "tightening": _("收紧"), "structural": _("结构")}[
            move.klass
        ],
        "words": words % numbers,
        "tone": STAGES[Move.Stage(move.stage)],
        "is_moving": move.stage == Move.Stage.WAITING and move.since <= at,
        "planned": planned,
        "moved": min(move.moved, planned),
        "reasons": [f"{no}：{why}" for no, why in list(move.reasons.items())[:20]],
        "url": reverse("program_move", args=[move.program.key, move.pk]) if is_live and _may_stay(move) else "",
    }


def _may_stay(move: Move) -> bool:
    return move.stage == Move.Stage.KEPT or bool(move.reasons)


def _overlays(
    program: Program, lines: dict[int | None, list[Version]], at: datetime, path: tuple[int, ...], area: int
) -> list[dict[str, Any]]:
    """Terms of units: those of the own area can be changed, those above it are seen."""
    net, found = snapshot(), []
    for unit, line in lines.items():
        last, row = line[-1], net.get(unit)
        if row is None or (last.until and last.until <= at) or not (area in row.path or row.id in path):
            continue
        url = reverse("program_terms", args=[program.key, row.code]) if area in row.path else ""
        meta = [version_words(last), _("%(at)s 起") % {"at": at_words(last.since)}]
        found.append({"title": net.full_name(row.id), "meta": meta, "url": url, "icon": "map-pin"})
    return found


def _choices(area: int) -> list[dict[str, str]]:
    """The places of the own area, down to towns: a village's terms are set from the page of its town's code."""
    net = snapshot()
    rows = (unit for unit in net if unit.is_place and area in unit.path and unit.level <= Level.TOWN)
    return [
        {"code": row.code, "name": net.full_name(row.id)}
        for row in sorted(rows, key=lambda row: [net.unit(one).code for one in row.path])
    ]


def _draft_words(draft: Draft | None) -> str:
    if draft is None:
        return ""
    words = {"name": draft.by.person.name, "at": at_words(draft.saved_at)}
    return _("%(name)s在%(at)s保存的草稿还没有发布。") % words
