"""The wall 大屏 (M15): the same screen for a city, county, town or community, each for its own area and those below.

Every figure opens the list it counts (wall_list). The page is whole as the server sends it; while it shows now, it hears
hints and fetches only the parts that a changed figure concerns (front/entries/wall.js).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bihuan.gauge import wall
from bihuan.jobs import hints
from bihuan.lib.codes import spoken
from bihuan.loop.categories import lineage
from bihuan.net import tree
from bihuan.net.models import Kind, Level, Role
from bihuan.net.scope import area_of
from bihuan.net.tree import UnitRow
from bihuan.web.posting import desk
from bihuan.web.shell import where
from bihuan.web.wall_map import can_be_finer, drawing
from bihuan.web.wall_moment import BadMoment, Moment, moment

ROLES = (Role.LEADER, Role.SUPERVISOR, Role.DISPATCHER, Role.CHIEF)
MOST_UNITS, MOST_ACTS = 16, 12
LOW = 90.0  # percent in time, below which a unit's rate is shown as a warning
FOR_EVER = "private, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Screen:
    """What is looked at: an area at a moment. `top`: the viewer's own area, the highest that may be shown."""

    area: UnitRow
    top: UnitRow
    when: Moment
    finer: bool

    def url(self, part: str = "", area: UnitRow | None = None, **more: str) -> str:
        """An address of the wall at the same moment."""
        return self.when.url(f"{where('wall')}{(area or self.area).code}/{part}", **more)

    def list_url(self, what: str, **more: str) -> str:
        return self.url("list/", what=what, **more)

    @property
    def by(self) -> str:
        return "grid" if self.finer else ""


def screen_for(request: HttpRequest, code: str) -> Screen:
    """The screen of an area within the viewer's own. Raises Http404 for any other, and BadMoment."""
    net = tree.snapshot()
    top = area_of(net.unit(request.posting.unit_id), net)  # type: ignore[attr-defined]
    area = net.by_code(code) if code and net.has_code(code) else top
    if (code and not net.has_code(code)) or not area.is_place or top.id not in area.path or area.died:
        raise Http404
    finer = request.GET.get("by") == "grid" and can_be_finer(area)
    return Screen(area, top, moment(request, timezone.now()), finer)


def shown(view: Callable[[HttpRequest, Screen], HttpResponse]) -> Callable[..., HttpResponse]:
    """The wall's door: its roles, their own area, a moment that can be shown."""

    @require_safe
    @desk(*ROLES)
    @wraps(view)
    def showing(request: HttpRequest, code: str = "") -> HttpResponse:
        try:
            return view(request, screen_for(request, code))
        except BadMoment as error:
            words = {"code": 422, "title": _("不能看这个时间"), "sentence": str(error)}
            return render(request, "web/error.html", words, status=422)

    return showing


def _of_areas(screen: Screen) -> None:
    """A grid has a list but no screen of its own."""
    if screen.area.level > Level.COMMUNITY:
        raise Http404


# The page


@shown
def own(request: HttpRequest, screen: Screen) -> HttpResponse:
    """The viewer's own area."""
    return _page(request, screen)


@shown
def screen(request: HttpRequest, screen: Screen) -> HttpResponse:
    if screen.area.level > Level.COMMUNITY:
        return HttpResponseRedirect(screen.list_url("open"))
    return _page(request, screen)


def _page(request: HttpRequest, screen: Screen) -> HttpResponse:
    _of_areas(screen)
    live, code = screen.when.live, screen.area.code
    parts = {name: screen.url(f"{name}/") for name in ("numbers", "pressing", "units", "latest")} if live else {}
    context = {
        "area": screen.area,
        "when": screen.when,
        "now": timezone.localtime(screen.when.at).isoformat(),
        "latest_at": f"{timezone.localtime(timezone.now()):%Y-%m-%dT%H:%M}",
        "chosen_at": f"{timezone.localtime(screen.when.at):%Y-%m-%dT%H:%M}",
        "now_url": f"{where('wall')}{code}/",
        "crumbs": _crumbs(screen),
        "live_topics": [hints.area(screen.area.id)] if live else [],
        "parts": parts,
        "curve_url": screen.url("curve.json"),
        "map": _map(screen),
        **_numbers(screen),
        **_pressing(screen),
        **_units(screen),
        **_latest(screen),
    }
    return render(request, "wall/wall.html", context)


def _crumbs(screen: Screen) -> list[dict[str, str]]:
    """The way from the viewer's own area down to this one's parent."""
    net = tree.snapshot()
    above = [net.unit(id) for id in screen.area.path[:-1]]
    return [{"label": unit.name, "url": screen.url(area=unit)} for unit in above if screen.top.id in unit.path]


# The numbers


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure, ready to show; `count` is what a script counts up to (empty: it is no count)."""

    key: str
    label: str
    value: str
    url: str
    count: str = ""
    unit: str = ""
    sub: str = ""
    sub_url: str = ""
    tone: str = ""


@shown
def numbers(request: HttpRequest, screen: Screen) -> HttpResponse:
    _of_areas(screen)
    return render(request, "wall/_numbers.html", _numbers(screen))


def _numbers(screen: Screen) -> dict[str, Any]:
    found = wall.numbers(screen.area, at=screen.when.at, live=screen.when.live)
    return {
        "great": [
            _count(screen, "accepted", _("有效受理总量"), found.accepted),
            _count(
                screen, "accepted_today", _("今日受理") if screen.when.live else _("当日受理"), found.accepted_today
            ),
            _count(screen, "settled_today", _("今日办结") if screen.when.live else _("当日办结"), found.settled_today),
        ],
        "small": [_count(screen, "open", _("在办"), found.open), _grassroots(screen, found)],
        "settled": found.settled,
    }


def _count(screen: Screen, key: str, label: str, amount: int, tone: str = "") -> Tile:
    return Tile(key, label, f"{amount:,}", screen.list_url(key), str(amount), tone=tone if amount else "")


def _grassroots(screen: Screen, found: wall.Numbers) -> Tile:
    rate = found.grassroots_rate
    return Tile(
        "grid_grassroots",
        _("基层处置率"),
        "—" if rate is None else f"{rate:.1f}",
        screen.list_url("grid_grassroots"),
        unit="" if rate is None else "%",
        sub=_("网格上报 %(all)s 件，基层办结 %(done)s 件")
        % {"all": f"{found.grid_accepted:,}", "done": f"{found.grid_grassroots:,}"},
        sub_url=screen.list_url("grid_accepted"),
    )


@shown
def pressing(request: HttpRequest, screen: Screen) -> HttpResponse:
    _of_areas(screen)
    return render(request, "wall/_pressing.html", _pressing(screen))


def _pressing(screen: Screen) -> dict[str, Any]:
    """What is late and what soon will be. The limits of a past moment are not kept: there, the month's late ones."""
    if not screen.when.live:
        late = wall.late_this_month(screen.area, at=screen.when.at)
        return {"warnings": [_count(screen, "late_this_month", _("当月超时办结"), late, "warn")]}
    due = wall.due(screen.area, at=screen.when.at)
    return {
        "warnings": [
            _count(screen, "late", _("已超时"), due.late, "bad"),
            _count(screen, "soon", _("24 小时内到期"), due.soon, "warn"),
        ]
    }


# The curve and the map


@shown
def curve(request: HttpRequest, screen: Screen) -> HttpResponse:
    """The last 24 hours: labels, accepted and settled by the hour."""
    _of_areas(screen)
    hours = wall.curve(screen.area, at=screen.when.at, live=screen.when.live)
    labels = [f"{timezone.localtime(hour.at):%H:%M}" for hour in hours]
    return JsonResponse(
        {"hours": labels, "accepted": [h.accepted for h in hours], "settled": [h.settled for h in hours]}
    )


def _map(screen: Screen) -> dict[str, Any]:
    drawn = drawing(screen.area, finer=screen.finer)
    patches = _patches(screen)
    return {
        "parts_url": ""
        if drawn.empty
        else f"{screen.url('parts.json').split('?')[0]}?v={drawn.version}&by={screen.by}",
        "counts_url": screen.url("counts.json", by=screen.by),
        "made_up": drawn.made_up,
        "kind": _("一级网格") if screen.finer else _kind(patches),
        "switch": _switch(screen),
        "rows": [
            {"code": patch.unit.code, "name": patch.unit.name, "open": patch.open, "url": _opens(screen, patch.unit)}
            for patch in patches
        ],
    }


def _patches(screen: Screen) -> list[wall.Patch]:
    return wall.patches(screen.area, at=screen.when.at, live=screen.when.live, finer=screen.finer)


def _opens(screen: Screen, part: UnitRow) -> str:
    """An area opens its own wall, a grid the list of what is open in it."""
    if part.level <= Level.COMMUNITY:
        return screen.url(area=part)
    return screen.url("list/", area=part, what="open")


def _kind(patches: list[wall.Patch]) -> str:
    """What the parts are, in a word."""
    words = {Level.COUNTY: _("县区"), Level.TOWN: _("街道乡镇"), Level.COMMUNITY: _("社区村")}
    return words.get(patches[0].unit.level, _("网格")) if patches else ""


def _switch(screen: Screen) -> list[dict[str, Any]]:
    """A county's map by towns or by all its level-1 grids."""
    if not can_be_finer(screen.area):
        return []
    grids = _("%(count)s 个一级网格") % {"count": len(wall.parts(screen.area, finer=True))}
    return [
        {"label": _("街道乡镇"), "url": screen.url(), "current": not screen.finer},
        {"label": grids, "url": screen.url(by="grid"), "current": screen.finer},
    ]


@shown
def counts(request: HttpRequest, screen: Screen) -> HttpResponse:
    """Open cases by the code of the part."""
    _of_areas(screen)
    return JsonResponse({"open": {patch.unit.code: patch.open for patch in _patches(screen)}})


def parts(request: HttpRequest, code: str) -> HttpResponse:
    """The outlines as GeoJSON; asked for by their version they never change, so the browser keeps them."""
    response = _parts(request, code)
    if f'"{request.GET.get("v", "")}"' == response.headers.get("ETag"):  # absent where the door turned somebody away
        response["Cache-Control"] = FOR_EVER  # after the door, which forbids keeping for all else
        del response["Expires"]
    return response


@shown
def _parts(request: HttpRequest, screen: Screen) -> HttpResponse:
    drawn = drawing(screen.area, finer=screen.finer)
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(drawn.packed if packed else drawn.body, content_type="application/geo+json")
    if packed:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    response["ETag"] = f'"{drawn.version}"'
    return get_conditional_response(request, etag=response["ETag"], response=response)


# The units and the latest


@shown
def units(request: HttpRequest, screen: Screen) -> HttpResponse:
    _of_areas(screen)
    return render(request, "wall/_units.html", _units(screen))


def _units(screen: Screen) -> dict[str, Any]:
    when = screen.when
    rows = wall.standings(screen.area, at=when.at, live=when.live, most=MOST_UNITS)
    return {"ranks": [_rank(screen, n, row) for n, row in enumerate(rows, 1)]}


def _rank(screen: Screen, n: int, row: wall.Standing) -> dict[str, Any]:
    return {
        "n": n,
        "name": _short_name(row.unit, screen.area),
        "settled": f"{row.settled:,}",
        "rate": f"{row.on_time:.1f}",
        "low": row.on_time < LOW,
        "url": screen.list_url("unit_settled", unit=row.unit.code),
        "late_url": screen.list_url("unit_late", unit=row.unit.code),
    }


def _short_name(unit: UnitRow, area: UnitRow) -> str:
    """An office by its short name, with its county's before it where several counties are shown."""
    if unit.kind == Kind.AREA or not unit.short:
        return unit.name
    home = area_of(unit, tree.snapshot())
    return unit.short if home.id in area.path else f"{home.short or home.name}{unit.short}"


@shown
def latest(request: HttpRequest, screen: Screen) -> HttpResponse:
    _of_areas(screen)
    return render(request, "wall/_latest.html", _latest(screen))


def _latest(screen: Screen) -> dict[str, Any]:
    words = {"accepted": (_("受理"), "info"), "settled": (_("办结"), "ok")}
    acts = wall.latest(screen.area, at=screen.when.at, most=MOST_ACTS)
    return {"acts": [_act(screen, act, *words[act.what]) for act in acts]}


def _act(screen: Screen, act: wall.Act, what: str, tone: str) -> dict[str, str]:
    return {
        "key": f"{act.number}{act.what}",
        "number": spoken(act.number),
        "what": what,
        "tone": tone,
        "time": _clock_time(act, screen.when),
        "category": next((category.title for category in lineage(act.category_id)), _("未分类")),
        "place": "".join(_place_names(act.place_id, screen.area)) or screen.area.name,
    }


def _clock_time(act: wall.Act, when: Moment) -> str:
    """The time of today's, the day of others."""
    local = timezone.localtime(act.at)
    return f"{local:%H:%M}" if local.date() == timezone.localdate(when.at) else f"{local:%m-%d}"


def _place_names(place: int | None, area: UnitRow) -> Iterator[str]:
    """At most two names below the area, and none finer than a level-2 grid: a wall shows no house."""
    net = tree.snapshot()
    below = [net.unit(id) for id in net.unit(place).path if id not in area.path] if place else []
    return (unit.name for unit in [unit for unit in below if unit.level <= Level.GRID][:2])
