"""The grid worker's phone: what there is to do, what lies in the own grid, and a report in a few taps."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from bihuan.jobs import hints
from bihuan.lib.codes import spoken
from bihuan.loop import lists, wording, worklist
from bihuan.loop.actions import intake
from bihuan.loop.categories import categories, full_title
from bihuan.loop.lists import Listing, Row, listing_for
from bihuan.loop.models import Source
from bihuan.loop.report import Report
from bihuan.net import tree
from bihuan.net.models import Posting, Role
from bihuan.net.scope import Reach
from bihuan.web import neighbourhood, pictures
from bihuan.web.acting import attempt
from bihuan.web.forms_report import MatterForm, private_line, words_of_matter
from bihuan.web.phone import bottom_bar
from bihuan.web.places import has_map
from bihuan.web.posting import desk

PAGE = 30
TONES = {"ok": "info", "soon": "warn", "late": "bad", "done": "ok"}
ICONS = {"lead": "clipboard-list", "assist": "git-merge", "hand": "send", "verify": "shield-check"}
worker = desk(Role.GRID_WORKER)


def framed(
    request: HttpRequest, template: str, context: dict[str, Any], status: int = 200, open_tasks: int | None = None
) -> HttpResponse:
    """A page of the phone with its bottom bar."""
    bar = {"tab_items": bottom_bar(request.posting, request.path, open_tasks)}  # type: ignore[attr-defined]
    return render(request, template, context | bar, status=status)


# The own grid


@require_safe
@worker
def home(request: HttpRequest) -> HttpResponse:
    """The own grid: a map with its neighbours and what is open, then the list, most pressing first."""
    by, at = request.posting, timezone.now()  # type: ignore[attr-defined]
    listing = listing_for(by)
    found = lists.page(listing, at=at, after=request.GET.get("after", ""), limit=PAGE)
    context = {
        "unit": tree.snapshot().unit(by.unit_id),
        "has_map": has_map(),
        "numbers": _numbers(lists.count_states(listing, at=at)),
        "rows": [case_row(row) for row in found.rows],
        "next_url": f"?after={found.after}" if found.after else "",
    }
    return framed(request, "grid/home.html", context)


def _numbers(found: dict[str, int]) -> list[dict[str, Any]]:
    late, soon = found.pop("late"), found.pop("soon")
    return [
        {"label": _("没办结"), "value": sum(found.values()), "tone": ""},
        {"label": _("将超时"), "value": soon, "tone": "warn" if soon else ""},
        {"label": _("已超时"), "value": late, "tone": "bad" if late else ""},
    ]


def case_row(row: Row) -> dict[str, Any]:
    """A case as a row of parts/list.html."""
    return {
        "url": f"/cases/{row.number}/",
        "title": row.words,
        "badge_text": row.state,
        "badge_tone": TONES[row.clock],
        "meta": [row.left, row.place, row.unit],
    }


@require_safe
@worker
def outlines(request: HttpRequest) -> JsonResponse:
    """The own grid among its neighbours, as GeoJSON."""
    by: Posting = request.posting  # type: ignore[attr-defined]
    return JsonResponse(neighbourhood.around(tree.snapshot().unit(by.unit_id)))


@require_safe
@worker
def pins(request: HttpRequest) -> JsonResponse:
    """Open cases of the own grid that have a point, as GeoJSON."""
    points = lists.points(listing_for(request.posting), at=timezone.now())  # type: ignore[attr-defined]
    return JsonResponse({"type": "FeatureCollection", "features": [_pin(point) for point in points]})


def _pin(point: lists.Point) -> dict[str, Any]:
    tone = {"late": "bad", "soon": "warn"}.get(point.clock, "")
    return {
        "type": "Feature",
        "properties": {"name": point.words, "url": f"/cases/{point.number}/", "tone": tone},
        "geometry": {"type": "Point", "coordinates": [point.lng, point.lat]},
    }


# Tasks, and what became of the own reports


@require_safe
@worker
def tasks(request: HttpRequest) -> HttpResponse:
    """What the worker and the grid owe, most pressing first."""
    by, at = request.posting, timezone.now()  # type: ignore[attr-defined]
    owed = worklist.owed(by, at=at)
    context = {"rows": [_task_row(one, at) for one in owed], "tabs": _tabs("tasks", len(owed))}
    topics = {"live_topics": [hints.unit(by.unit_id)], "topic": hints.unit(by.unit_id)}
    if getattr(request, "htmx", False):
        return render(request, "grid/_tasks.html", context | topics)
    return framed(request, "grid/tasks.html", context | topics, open_tasks=len(owed))


def _task_row(one: worklist.Owed, at: datetime) -> dict[str, Any]:
    local = timezone.localtime(one.due)
    when = f"{local:%H:%M}" if local.date() == timezone.localdate(at) else f"{local:%m-%d %H:%M}"
    late = one.clock == "late"
    return {
        "url": f"/cases/{one.row.number}/",
        "icon": ICONS[one.kind],
        "title": _("%(task)s：%(words)s") % {"task": one.title, "words": one.row.words},
        "badge_text": (_("%(when)s 已到期") if late else _("%(when)s 前")) % {"when": when},
        "badge_tone": TONES[one.clock],
        "meta": [one.row.place, one.row.unit],
    }


def _tabs(current: str, open_tasks: int | None = None) -> list[dict[str, Any]]:
    return [
        {"label": _("待办"), "url": "/grid/tasks/", "count": open_tasks, "current": current == "tasks"},
        {"label": _("我上报的"), "url": "/grid/reports/", "current": current == "reports"},
    ]


@require_safe
@worker
def reports(request: HttpRequest) -> HttpResponse:
    """What the worker reported, newest first, and where it is now."""
    by, at = request.posting, timezone.now()  # type: ignore[attr-defined]
    mine = Listing(Reach("finder", (by.pk,)), view="accepted")
    found = lists.page(mine, at=at, after=request.GET.get("after", ""), limit=PAGE)
    context = {
        "rows": [_report_row(row) for row in found.rows],
        "tabs": _tabs("reports"),
        "next_url": f"?after={found.after}" if found.after else "",
    }
    return framed(request, "grid/reports.html", context)


def _report_row(row: Row) -> dict[str, Any]:
    ended = row.state_key in ("closed", "withdrawn")
    return case_row(row) | {
        "badge_tone": "ok" if ended else TONES[row.clock],
        "meta": [row.filed, row.unit, row.spoken],
    }


# A report


class FindForm(MatterForm):
    """What a worker found: words, where, how urgent; and whose matter it is, when it was told at a door."""

    text = words_of_matter(
        gettext_lazy("发现了什么"), rows=4, hint=gettext_lazy("例如：3号楼前井盖破了，已经用锥筒围上。")
    )
    grid = forms.ChoiceField(label=gettext_lazy("在哪个网格"))
    urgency = forms.ChoiceField(label=gettext_lazy("急不急"), widget=forms.RadioSelect, initial="normal")
    category = forms.ChoiceField(label=gettext_lazy("什么事"), required=False)
    type = forms.ChoiceField(label=gettext_lazy("类型"), required=False, initial="help")
    name = private_line(gettext_lazy("怎么称呼"), autocomplete="off")
    phone = private_line(gettext_lazy("手机号"), type="tel", inputmode="tel", autocomplete="off")
    blamed = {"place": "grid"}

    def __init__(self, *args: Any, by: Posting, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        net = tree.snapshot()
        own = [net.unit(id) for id in net.below(by.unit_id)]
        known = [category for category in categories().values() if not category.retired]
        titled = sorted(((str(one.pk), full_title(one.pk)) for one in known), key=lambda pair: pair[1])
        self._choose("grid", [(unit.code, unit.name) for unit in own if unit.is_place])
        self._choose("urgency", list(wording.titles("urgency", at).items()))
        self._choose("category", [("", _("不确定，由派单员定")), *titled])
        self._choose("type", list(wording.titles("type", at).items()))

    def _choose(self, field: str, choices: list[tuple[str, str]]) -> None:
        self.fields[field].choices = choices  # type: ignore[attr-defined]

    def report(self, photos: tuple[str, ...]) -> Report:
        """A point says best where it is; without one it is the grid that was chosen."""
        said, (lng, lat) = self.cleaned_data, self.point
        return Report(
            type=said["type"] or "help",
            text=said["text"],
            source=Source.GRID,
            urgency=said["urgency"] or "normal",
            grid=said["grid"] if lng is None else "",
            lng=lng,
            lat=lat,
            name=said["name"],
            phone=said["phone"],
            photos=photos,
            client_id=said["client_id"],
            category_id=int(said["category"]) if said["category"] else None,
        )


@require_http_methods(["GET", "HEAD", "POST"])
@worker
def report(request: HttpRequest) -> HttpResponse:
    """Snap, say, send. Sent twice it is one case; refused it comes back with every word and photo."""
    by, at = request.posting, timezone.now()  # type: ignore[attr-defined]
    if request.method != "POST":
        return _report_page(request, FindForm(initial=_own(by), by=by, at=at))
    form, photos = FindForm(request.POST, by=by, at=at), ()
    form.is_valid()
    with attempt(form) as tried:
        photos = pictures.taken(request, at)
        if form.is_valid():
            filed = intake.file(form.report(photos), by=by, at=at)
            messages.success(
                request, _("已上报，编号 %(number)s。派单后在“我上报的”里能看到。") % {"number": spoken(filed.number)}
            )
            return redirect("grid_reports")
    return _report_page(request, form, photos, tried.refused.status if tried.refused else 422)


def _own(by: Posting) -> dict[str, Any]:
    return {"grid": by.unit.code, "client_id": uuid4(), "urgency": "normal", "type": "help"}


def _report_page(request: HttpRequest, form: FindForm, photos: tuple[str, ...] = (), status: int = 200) -> HttpResponse:
    point = {key: form.data.get(key, "") for key in ("lng", "lat")}
    context = {"form": form, "held": pictures.held(request, photos), "has_map": has_map(), **point}
    return framed(request, "grid/report.html", context, status=status)
