"""Where places are few: who waits for them, in the order of the program's rule, and comparing them."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from bihuan.ladder import rooms
from bihuan.ladder.actions import ranking
from bihuan.ladder.models import Pass, Ranked, Ranking, Standing
from bihuan.loop.wording import language
from bihuan.net.tree import UnitRow, snapshot
from bihuan.programs.ladder import Gate, LadderProgram
from bihuan.web.people import story
from bihuan.web.people.acting import trying
from bihuan.web.people.board import heading, ladder_here
from bihuan.web.people.frame import RAISING, own_area, page, place_of
from bihuan.web.people.todo import own_post, within
from bihuan.web.posting import desk

EVERYWHERE = "all"  # how a form calls the places of the whole program


@desk(*RAISING)
@require_safe
def lines(request: HttpRequest, program: str) -> HttpResponse:
    return _page(request, ladder_here(request, program))


@desk(*RAISING)
@require_POST
def rank(request: HttpRequest, program: str, key: str) -> HttpResponse:
    """Compare those who wait at a gate for the places of an area; the comparison is kept."""
    rules = ladder_here(request, program)
    unit = _unit(request.POST.get("unit", ""))
    if key not in rules.gates or unit is None:
        raise Http404
    with trying() as tried:
        made = ranking.rank(program, key, unit, by=request.posting, at=now())  # type: ignore[attr-defined]
        messages.success(request, _("已排名，%(n)d人入选。") % {"n": made.rows.filter(chosen=True).count()})
        return redirect(f"/people/{program}/ranking/")
    return _page(request, rules, sorry=tried.sentence, status=tried.status)


def _unit(code: str) -> int | None:
    if code == EVERYWHERE:
        return rooms.EVERYWHERE
    found = place_of(code)
    return found.id if found else None


def _page(request: HttpRequest, rules: LadderProgram, *, sorry: str = "", status: int = 200) -> HttpResponse:
    area = own_area(request)
    own = own_post(request.posting)  # type: ignore[attr-defined]
    context = {
        **heading(request, rules, area, "ranking"),
        "waiting": [one for gate in rules.gates.values() if gate.rank for one in _waiting(rules, gate, area, own)],
        "made": _made(rules, area),
        "sorry": sorry,
    }
    return page(request, rules.key, "people/ranking.html", context, status=status)


def _waiting(rules: LadderProgram, gate: Gate, area: UnitRow, own: str) -> list[dict[str, Any]]:
    """The lines of a gate in the area, one for each area whose places are waited for."""
    here = {f"standing__{column}": value for column, value in within(area).items()}
    steps = (Pass.Step.RANK, Pass.Step.ROOM)
    rows = Pass.objects.filter(**here, standing__program=rules.key, gate=gate.key, step__in=steps, ended_at=None)
    units = {rooms.scope(one.standing, rules, gate.to) for one in rows.select_related("standing")}
    return [_line(rules, gate, unit, own) for unit in sorted(units)]


def _line(rules: LadderProgram, gate: Gate, unit: int, own: str) -> dict[str, Any]:
    free = rooms.free(rules.key, rules, gate.to, unit)
    asks = [gate.rank.by, gate.rank.then] if gate.rank else []
    net = snapshot()
    return {
        "key": gate.key,
        "title": story.title_of(rules, "gate", gate.key),
        "unit": net.full_name(unit) if unit else _("全部"),
        "code": net.unit(unit).code if unit else EVERYWHERE,
        "free": free,
        "asks": [rules.label("ask", ask, language()) for ask in asks if ask],
        "rows": [
            {"name": one.standing.subject.name, "url": f"/people/s/{one.standing.no}/", "value": one.value, "tie": one.tie,
             "since": story.day(one.since)}
            for one in ranking.line(rules.key, gate.key, unit, now())
        ],
        "mine": own in gate.step("rank").by,
    }  # fmt: skip


def _made(rules: LadderProgram, area: UnitRow) -> list[dict[str, Any]]:
    """The comparisons made here, the latest first, each with its order. Two queries."""
    net = snapshot()
    here = [*net.below(area.id), *area.path, rooms.EVERYWHERE]
    made = list(Ranking.objects.filter(program=rules.key, unit_id__in=here).order_by("-at")[:10])
    rows = Ranked.objects.filter(ranking__in=made, standing__in=Standing.objects.filter(**within(area)))
    by_ranking: dict[int, list[Ranked]] = {}
    for row in rows.select_related("standing__subject").order_by("place"):
        by_ranking.setdefault(row.ranking_id, []).append(row)
    return [
        {
            "title": story.title_of(rules, "gate", one.gate), "unit": net.full_name(one.unit_id) if one.unit_id else _("全部"),
            "at": story.day(one.at), "rule": one.rule, "places": one.places,
            "rows": [{"place": row.place, "name": row.standing.subject.name, "url": f"/people/s/{row.standing.no}/",
                      "value": row.value, "chosen": row.chosen} for row in by_ranking.get(one.pk, [])],
        }
        for one in made
    ]  # fmt: skip
