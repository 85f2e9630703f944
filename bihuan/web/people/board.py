"""A ladder as a board: how many stand on each stage in each area, who they are, and where some are missing."""

from collections import Counter
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bihuan.dossier.subjects import LONGEST_SEARCH
from bihuan.ladder import floors
from bihuan.ladder.models import NOMINEE, Pass, Standing
from bihuan.loop.wording import language
from bihuan.net.models import Level, Posting
from bihuan.net.tree import UnitRow, snapshot
from bihuan.programs.ladder import LadderProgram
from bihuan.web.people.entrances import ways_in
from bihuan.web.people.frame import RAISING, ladder, own_area, page, place_of
from bihuan.web.people.todo import within
from bihuan.web.posting import desk

PAGE = 50
NEW = "new"  # how an address calls those who are at an entering gate


def ladder_here(request: HttpRequest, key: str) -> LadderProgram:
    """The ladder in force in the own area; Http404 when there is none of this key."""
    rules = ladder(key, now(), own_area(request).id)
    if rules is None:
        raise Http404
    return rules


def chosen_area(request: HttpRequest) -> UnitRow:
    """The area asked for within the own one; the own one when none is. What lies outside is not found."""
    own, code = own_area(request), request.GET.get("area", "")
    if not code:
        return own
    found = place_of(code)
    if found is None or own.id not in found.path:
        raise Http404
    return found


@desk(*RAISING)
@require_safe
def board(request: HttpRequest, program: str) -> HttpResponse:
    """Stages by areas, and under them who they are; `stage`, `area`, `q`, `mine` narrow the list."""
    rules, area = ladder_here(request, program), chosen_area(request)
    counted = _counted(rules, area)
    context = {
        **heading(request, rules, area, "board"),
        "columns": _columns(request, rules, counted),
        "areas": _areas(rules, area, counted),
        "ended": _ended(rules, area),
        "found": people(request, rules, area),
        "filter": _filter(request, rules, area),
    }
    return page(request, rules.key, "people/board.html", context)


@desk(*RAISING)
@require_safe
def gaps(request: HttpRequest, program: str) -> HttpResponse:
    """Where stages with a floor lack people, area by area."""
    rules, area = ladder_here(request, program), chosen_area(request)
    missing = floors.gaps(rules.key, area.id, now())
    context = heading(request, rules, area, "gaps") | {"gaps": [_gap(one, rules) for one in missing]}
    context["missing"] = sum(one.missing for one in missing)
    context["units"] = len({one.unit.id for one in missing})
    return page(request, rules.key, "people/gaps.html", context)


def _gap(one: floors.Gap, rules: LadderProgram) -> dict[str, Any]:
    net = snapshot()
    above = net.get(one.unit.path[-2]) if len(one.unit.path) > 1 else None
    return {
        "name": one.unit.name, "where": above.name if above else "", "stage": rules.label("stage", one.stage, language()),
        "has": one.has, "wants": one.wants, "missing": one.missing,
        "url": f"/people/{rules.key}/?area={one.unit.code}",
    }  # fmt: skip


def heading(request: HttpRequest, rules: LadderProgram, area: UnitRow, current: str) -> dict[str, Any]:
    """What the pages of a ladder have in common: title, where, the tabs, and whether one may nominate."""
    here, narrowed = f"/people/{rules.key}/", f"?area={area.code}" if area.id != own_area(request).id else ""
    tabs = [{"key": "board", "label": _("看板"), "url": here + narrowed}]
    if any(stage.floor for stage in rules.stages.values()):
        tabs.append({"key": "gaps", "label": _("缺额"), "url": f"{here}gaps/{narrowed}"})
    if any(gate.rank for gate in rules.gates.values()):
        tabs.append({"key": "ranking", "label": _("排名"), "url": f"{here}ranking/"})
    return {
        "title": rules.label("program", "title", language()),
        "text": rules.label("program", "text", language()) if rules.text else "",
        "subject": rules.label("program", "subject", language()),
        "base": here,
        "crumbs": _crumbs(request, rules, area),
        "tabs": [tab | {"current": tab["key"] == current} for tab in tabs] if len(tabs) > 1 else [],
        "may_nominate": bool(ways_in(rules, request.posting)),  # type: ignore[attr-defined]
    }


def _crumbs(request: HttpRequest, rules: LadderProgram, area: UnitRow) -> list[dict[str, str]]:
    """From the own area down to the one that is shown."""
    net, own = snapshot(), own_area(request)
    line = [net.unit(id) for id in area.path if own.id in net.unit(id).path]
    last = len(line) - 1
    return [
        {"label": unit.name, "url": "" if n == last else f"/people/{rules.key}/?area={unit.code}"}
        for n, unit in enumerate(line)
    ]


# Counts


Counted = Counter[tuple[int | None, str]]


def _counted(rules: LadderProgram, area: UnitRow) -> Counted:
    """How many stand on each stage in each area right below. One query."""
    below = f"l{min(area.level + 1, Level.COMMUNITY)}"
    rows = Standing.objects.filter(**within(area), program=rules.key, ended_at=None)
    counts = rows.values_list(below, "stage").annotate(n=Count("pk"))
    return Counter({(unit, stage): n for unit, stage, n in counts})


def _columns(request: HttpRequest, rules: LadderProgram, counted: Counted) -> list[dict[str, Any]]:
    """The stages in the document's order; nominees first where the way in takes time."""
    totals = Counter[str]()
    for (_unit, stage), n in counted.items():
        totals[stage] += n
    chosen = request.GET.get("stage", "")
    return [
        {
            "title": title, "count": totals[key], "cap": cap, "current": (key or NEW) == chosen,
            "url": _with(request, stage=key or NEW),
        }
        for key, title, cap in _stages(rules)
    ]  # fmt: skip


def _stages(rules: LadderProgram) -> list[tuple[str, str, str]]:
    shown = [(NOMINEE, _("申请推荐中"), "")] if _enters_slowly(rules) else []
    for stage in rules.stages.values():
        if not stage.final:
            shown.append((stage.key, rules.label("stage", stage.key, language()), _cap(rules, stage.key)))
    return shown


def _enters_slowly(rules: LadderProgram) -> bool:
    return any(gate.steps for gate in rules.gates_from(None))


def _cap(rules: LadderProgram, stage: str) -> str:
    cap = rules.stages[stage].cap
    if cap is None:
        return ""
    per = {"village": _("每村"), "town": _("每乡镇"), "county": _("每县"), "city": _("每市"), "all": _("总共")}[cap.per]
    return _("%(per)s最多 %(n)d") % {"per": per, "n": cap.n}


def _areas(rules: LadderProgram, area: UnitRow, counted: Counted) -> list[dict[str, Any]]:
    """A row for each area right below; those above it all (an office's own) last."""
    net, stages = snapshot(), [key for key, _title, _cap in _stages(rules)]
    below = net.places_below(area.id) if area.level < Level.COMMUNITY else []
    rows = [_area_row(rules, unit.id, unit.name, unit.code, stages, counted) for unit in below]
    return [row for row in rows if row["total"]] if len(rows) > 40 else rows


def _area_row(
    rules: LadderProgram, unit: int, name: str, code: str, stages: list[str], counted: Counted
) -> dict[str, Any]:
    url = f"/people/{rules.key}/?area={code}"
    cells = [
        {"n": counted[unit, stage] or "", "url": f"{url}&stage={stage or NEW}" if counted[unit, stage] else ""}
        for stage in stages
    ]
    return {"name": name, "url": url, "cells": cells, "total": sum(counted[unit, stage] for stage in stages)}


def _ended(rules: LadderProgram, area: UnitRow) -> list[dict[str, Any]]:
    """Those whose way is over, by how. One query."""
    rows = Standing.objects.filter(**within(area), program=rules.key, ended_at__isnull=False)
    counts = dict(rows.values_list("result").annotate(n=Count("pk")))
    own = f"&area={area.code}"
    return [
        {"title": ending(rules, key), "count": counts[key], "url": f"/people/{rules.key}/?ended={key}{own}#list"}
        for key in sorted(counts)
    ]


def ending(rules: LadderProgram, result: str) -> str:
    """How a way ended, in words: the program's results, and those of nominees who never came in."""
    if result in rules.results:
        return rules.label("result", result, language())
    return {"refused": _("没有通过"), "withdrawn": _("已撤回")}.get(result, result)


# The list


def people(request: HttpRequest, rules: LadderProgram, area: UnitRow) -> dict[str, Any]:
    """One page of the list, the latest first. One query, whatever is shown of each."""
    after = request.GET.get("after", "")
    rows = _narrowed(_listed(request, rules, area), request)
    if after:
        rows = rows.filter(pk__lt=Subquery(Standing.objects.filter(no=after[:16]).values("pk")))
    found = list(rows[: PAGE + 1])
    more = _with(request, after=found[PAGE - 1].no) + "#list" if len(found) > PAGE else ""
    return {
        "rows": [_row(one, rules) for one in found[:PAGE]],
        "next_url": more,
        "prev_url": _with(request, after="") + "#list" if after else "",
    }


def _listed(request: HttpRequest, rules: LadderProgram, area: UnitRow) -> QuerySet[Standing]:
    passing = Pass.objects.filter(standing=OuterRef("pk"), ended_at=None)
    leader = Posting.objects.filter(pk=OuterRef("answerable"))
    rows = Standing.objects.filter(**within(area), program=rules.key).annotate(
        gate=Subquery(passing.values("gate")[:1]),
        step=Subquery(passing.values("step")[:1]),
        leader=Subquery(leader.values("person__name")[:1]),
    )
    ended = request.GET.get("ended", "")
    rows = rows.filter(ended_at__isnull=False, result=ended) if ended else rows.filter(ended_at=None)
    if request.GET.get("mine"):
        rows = rows.filter(answerable=request.posting.pk)  # type: ignore[attr-defined]
    return rows.select_related("subject", "unit").order_by("-pk")


def _narrowed(rows: QuerySet[Standing], request: HttpRequest) -> QuerySet[Standing]:
    stage, words = request.GET.get("stage", ""), request.GET.get("q", "").strip()[:LONGEST_SEARCH]
    if stage:
        rows = rows.filter(stage=NOMINEE if stage == NEW else stage)
    return rows.filter(_called(words)) if words else rows


def _called(words: str) -> Q:
    """By name, by name spelled in letters, or by number."""
    letters = words.replace(" ", "").lower()
    said = Q(subject__name__contains=words) | Q(no=words.upper()) | Q(subject__no=words.upper())
    if letters.isascii() and letters.isalpha():
        said |= Q(subject__pinyin__startswith=letters) | Q(subject__pinyin__contains=f" {letters}")
    return said


def _row(one: Any, rules: LadderProgram) -> dict[str, Any]:
    """A standing under an older version keeps its stage's title where the document in force still knows it."""
    stage = rules.stages.get(one.stage)
    where = rules.label("stage", one.stage, language()) if stage else _("申请推荐中")
    if one.ended_at is not None:
        where = ending(rules, one.result)
    return {
        "name": one.subject.name, "url": f"/people/s/{one.no}/", "unit": one.unit.name, "stage": where,
        "since": f"{localtime(one.ended_at or one.since):%Y-%m-%d}", "step": _step(one, rules), "leader": one.leader or "",
        "reached": one.reached,
    }  # fmt: skip


def _step(one: Any, rules: LadderProgram) -> str:
    """The step of an open gate, in words."""
    gate = rules.gates.get(one.gate or "")
    if gate is None or not one.step:
        return ""
    node = f"{gate.key}.{one.step}"
    known = {step.node for step in gate.all_steps}
    return rules.label("step", node, language()) if node in known else _("等待名额")


def _with(request: HttpRequest, **changes: str) -> str:
    """This list's address with something else; a narrowing begins at the first page."""
    query = QueryDict(mutable=True)
    query.update({key: request.GET[key] for key in ("area", "stage", "q", "mine", "ended") if request.GET.get(key)})
    for key, value in changes.items():
        query[key] = value
        if not value:
            del query[key]
    return f"?{query.urlencode()}"


def _filter(request: HttpRequest, rules: LadderProgram, area: UnitRow) -> dict[str, Any]:
    stage, q = request.GET.get("stage", ""), request.GET.get("q", "")[:LONGEST_SEARCH]
    narrowed = any(request.GET.get(key) for key in ("stage", "q", "mine", "ended"))
    return {
        "hidden": [(key, request.GET[key]) for key in ("area", "stage", "mine", "ended") if request.GET.get(key)],
        "q": q,
        "words": _filtered(request, rules, stage),
        "clear": f"/people/{rules.key}/?area={area.code}" if narrowed else "",
    }


def _filtered(request: HttpRequest, rules: LadderProgram, stage: str) -> str:
    """What the list shows, as its heading."""
    titles = {key or NEW: title for key, title, _cap in _stages(rules)}
    parts = [titles[stage]] if stage in titles else []
    if request.GET.get("ended"):
        parts.append(ending(rules, request.GET["ended"]))
    if request.GET.get("mine"):
        parts.append(_("我包保的"))
    return " · ".join(parts) or _("全部在册")
