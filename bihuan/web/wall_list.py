"""The list behind a figure of the wall: exactly the cases that it counts, the figure above them."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from bihuan.gauge import wall
from bihuan.loop import access, lists
from bihuan.net import tree
from bihuan.net.models import Level, Posting
from bihuan.net.tree import UnitRow
from bihuan.web.wall import Screen, shown


@shown
def cases(request: HttpRequest, screen: Screen) -> HttpResponse:
    """One page of the cases that `?what=` counts, of `?unit=` where the figure is a unit's. At most three statements."""
    what, unit, when = request.GET.get("what", ""), _unit(request, screen), screen.when
    try:
        total = wall.figure(screen.area, what, at=when.at, live=when.live, unit=unit)
    except wall.NoSuchFigure as error:
        raise Http404(str(error)) from None
    title = _titles(when.live)[what]
    listing = wall.listing(screen.area, what, at=when.at, live=when.live, unit=unit)
    page = lists.page(listing, at=when.at, after=request.GET.get("after", ""))
    more = {"what": what, "unit": unit.code if unit else ""}
    context = {
        "title": title,
        "subject": unit.name if unit else screen.area.name,
        "total": f"{total:,}",
        "when": when,
        "crumbs": [{"label": _("一网大屏"), "url": screen.url(area=screen.top)}, *_way(screen), {"label": title}],
        "rows": [_row(row, request.posting) for row in page.rows],  # type: ignore[attr-defined]
        "first_url": screen.list_url(**more) if request.GET.get("after") else "",
        "next_url": screen.list_url(**more, after=page.after) if page.after else "",
    }
    return render(request, "wall/list.html", context)


def _unit(request: HttpRequest, screen: Screen) -> UnitRow | None:
    """The unit named: one that stands within the viewer's own area."""
    code, net = request.GET.get("unit", ""), tree.snapshot()
    if not code:
        return None
    if not net.has_code(code) or screen.top.id not in net.by_code(code).path:
        raise Http404
    return net.by_code(code)


def _way(screen: Screen) -> list[dict[str, str]]:
    """Below the viewer's own area: the areas down to this one; a grid has no wall to go to."""
    net = tree.snapshot()
    below = [net.unit(id) for id in screen.area.path if id not in screen.top.path]
    return [
        {"label": unit.name, "url": screen.url(area=unit) if unit.level <= Level.COMMUNITY else ""} for unit in below
    ]


def _titles(live: bool) -> dict[str, str]:
    return {
        "accepted": _("有效受理总量"),
        "accepted_today": _("今日受理") if live else _("当日受理"),
        "settled": _("累计办结"),
        "settled_today": _("今日办结") if live else _("当日办结"),
        "open": _("在办"),
        "late": _("已超时"),
        "soon": _("24 小时内到期"),
        "late_this_month": _("当月超时办结"),
        "grid_accepted": _("网格上报"),
        "grid_grassroots": _("网格上报、基层办结"),
        "unit_settled": _("当月办结"),
        "unit_late": _("当月超时办结"),
    }


# Rows as ready strings


def _row(row: lists.Row, posting: Posting) -> dict[str, Any]:
    """A secret case is counted and stands in its line, without a word of it for those who may not know of it."""
    readable = access.may_read(posting, row)
    shown = {"filed": row.filed, "due": row.due, "state": row.state, "tone": _TONES[row.clock], "veiled": False}
    if row.secret and not readable:
        return shown | {"veiled": True}
    return shown | {
        "number": row.spoken,
        "matter": f"{row.type} · {row.category}" if row.category else row.type,
        "words": row.words if readable else "",
        "place": row.place,
        "unit": row.unit,
        "left": row.left,
        "line": {"late": "late", "soon": "near"}.get(row.clock, ""),
        "secret": row.secret,
    }


_TONES = {"late": "bad", "soon": "warn", "done": "ok", "ok": "info"}
