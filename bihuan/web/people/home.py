"""The first page of the desk: what waits for me, and the ladders with how many stand on them."""

from collections import Counter
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bihuan.ladder.models import Standing
from bihuan.loop.wording import language
from bihuan.net.models import Posting
from bihuan.net.tree import UnitRow
from bihuan.programs.ladder import LadderProgram
from bihuan.web.people import todo
from bihuan.web.people.frame import RAISING, ladders, own_area, page
from bihuan.web.posting import desk


@desk(*RAISING)
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    at, area = now(), own_area(request)
    here = ladders(at, area.id)
    lists = _lists(request.posting, here, at)  # type: ignore[attr-defined]
    context = {"area": area.name, "lists": lists, "programs": programs(here, area)}
    context["nothing"] = not any(one["rows"] for one in lists)
    context["own"] = _own(request.posting, here)  # type: ignore[attr-defined]
    return page(request, "people", "people/home.html", context)


def _lists(posting: Posting, here: list[LadderProgram], at: datetime) -> list[dict[str, Any]]:
    steps = todo.deciding(posting, at)
    kinds = (
        ("review", _("等我把关"), "rubber-stamp"),
        ("objection", _("等我处理的异议"), "hand-stop"),
        ("ruling", _("等我复核的申诉"), "message-2"),
        ("rank", _("等我排名"), "sort-descending"),
    )
    lists = [
        {"key": kind, "title": title, "icon": icon, "rows": [row for row in steps if row["kind"] == kind]}
        for kind, title, icon in kinds
    ]
    lists.append({"key": "duties", "title": _("到期要办的"), "icon": "walk", "rows": todo.owed(posting, at)})
    soon = todo.running_out(posting, here, at)
    lists.append({"key": "soon", "title": _("期限快到的"), "icon": "hourglass", "rows": soon})
    return [one for one in lists if one["rows"]]


def _own(posting: Posting, here: list[LadderProgram]) -> list[dict[str, Any]]:
    """Whom I am answerable for, by ladder. One query."""
    rows = Standing.objects.filter(answerable=posting.pk, ended_at=None)
    counted = dict(rows.values_list("program").annotate(n=Count("pk")))
    return [
        {"title": rules.label("program", "title", language()), "count": counted[rules.key],
         "url": f"/people/{rules.key}/?mine=1#list"}
        for rules in here if rules.key in counted
    ]  # fmt: skip


def programs(here: list[LadderProgram], area: UnitRow) -> list[dict[str, Any]]:
    """Each ladder with how many stand on it in the area. One query."""
    rows = Standing.objects.filter(**todo.within(area), ended_at=None, program__in=[rules.key for rules in here])
    counted = Counter(dict(rows.exclude(stage="").values_list("program").annotate(n=Count("pk"))))
    return [
        {
            "title": rules.label("program", "title", language()),
            "text": rules.label("program", "text", language()) if rules.text else "",
            "subject": rules.label("program", "subject", language()),
            "url": f"/people/{rules.key}/",
            "count": counted[rules.key],
        }
        for rules in here
    ]
