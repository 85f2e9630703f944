"""Audit: who looked at personal data and why; is the record whole; is the net as it must be."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from bihuan.book.models import Look
from bihuan.jobs import housekeeping, tasks
from bihuan.jobs.integrity import check_cases
from bihuan.lib.codes import spoken
from bihuan.loop.models import Case
from bihuan.net import calendar, tree
from bihuan.net.models import Posting, Role
from bihuan.net.outlines import left_out, overlaps_among
from bihuan.net.regions import across_regions
from bihuan.web.posting import desk
from bihuan.web.setup.frame import has_whole, page, table

PAGE = 50
SHOWN = 100
WORK = "verify_record"
WEEK = timedelta(days=7)
WHAT = {
    "contact": gettext_lazy("看联系方式"),
    "phone": gettext_lazy("看电话"),
    "name": gettext_lazy("看姓名"),
    "search": gettext_lazy("按号码查找"),
    "erase": gettext_lazy("清除"),
}


def _require_whole(request: HttpRequest) -> None:
    if not has_whole(request):
        raise Http404


@desk(Role.ADMIN)
@require_safe
def looks(request: HttpRequest) -> HttpResponse:
    """Looks at personal data, the newest first; pages by key. Four queries at most."""
    _require_whole(request)
    before = request.GET.get("before", "")
    found = _looks(int(before) if before.isdecimal() and len(before) < 20 else None)
    rows, last = found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None
    heads = [_("时间"), _("谁"), _("做了什么"), _("工单"), _("为了什么")]
    looked = table(_("查看个人信息的记录"), heads, _lines(rows), _("没有人看过个人信息"))
    context = {"looks": looked, "next_url": f"?before={last}" if last else "", "record": _record(), **_night()}
    return page(request, "setup_audit", "audit.html", context)


def _looks(before: int | None) -> list[Look]:
    with across_regions("an auditor sees looks wherever the cases were filed"):
        looks = Look.objects.order_by("-id")
        return list((looks.filter(pk__lt=before) if before is not None else looks)[: PAGE + 1])


def _lines(rows: list[Look]) -> list[list[Any]]:
    with across_regions("the numbers of cases that were looked at"):
        numbers = dict(Case.objects.filter(pk__in={row.case_id for row in rows if row.case_id}).values_list("pk", "no"))
    people = Posting.objects.filter(pk__in={row.posting for row in rows}).select_related("person", "unit")
    who = {posting.pk: posting for posting in people}
    return [_look(row, who.get(row.posting), numbers.get(row.case_id, "")) for row in rows]


def _look(row: Look, posting: Posting | None, number: str) -> list[Any]:
    name = {"text": posting.person.name if posting else _("系统"), "sub": posting.unit.name if posting else ""}
    at = f"{localtime(row.at):%Y-%m-%d %H:%M:%S}"
    return [
        at,
        name,
        str(WHAT.get(row.what, row.what)),
        spoken(number) if number else "",
        {"text": row.purpose, "wide": True},
    ]


# Is the record whole?


def _notebook() -> Path:
    return Path(settings.VAR) / "run" / "verify.json"


def _record() -> dict[str, Any] | None:
    """What the last check by hand found; None when there was none yet."""
    try:
        return json.loads(_notebook().read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def _night() -> dict[str, Any]:
    """What the nightly housekeeping found."""
    report = housekeeping.last_time()
    if "at" not in report:
        return {"night": None}
    at = localtime(datetime.fromisoformat(report["at"]))
    failed = [f"{name}: {why}" for name, why in report.get("failed", {}).items()]
    return {"night": {"at": f"{at:%Y-%m-%d %H:%M}", "breaks": report.get("breaks", []), "failed": failed}}


@desk(Role.ADMIN)
@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """Every hash anew and every case against its events: of the last week at once, of everything by the worker."""
    _require_whole(request)
    if request.POST.get("range") == "all":
        _write({"going": True, "at": _words(now())})
        tasks.defer(WORK, once=WORK)
        messages.info(request, _("正在核对全部工单，完成后结果会显示在这里。"))
    else:
        verify_record(days=WEEK.days)
    return redirect("setup_audit")


@tasks.does(WORK)
def verify_record(days: int | None = None) -> None:
    """Verify and note the result. days: only cases that something happened to since then."""
    at = now()
    found = check_cases(since=at - timedelta(days=days) if days else None)
    _write({
        "at": _words(at), "days": days, "tracks": found.tracks, "events": found.events,
        "breaks": [str(one) for one in found.breaks[:SHOWN]], "count": len(found.breaks),
    })  # fmt: skip


def _words(at: datetime) -> str:
    return f"{localtime(at):%Y-%m-%d %H:%M}"


def _write(result: dict[str, Any]) -> None:
    path = _notebook()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(result, ensure_ascii=False), encoding="utf-8")
    draft.replace(path)


# Is the net as it must be?


@desk(Role.ADMIN)
@require_safe
def net(request: HttpRequest) -> HttpResponse:
    """N1, N3, N4 and what is missing, looked at now. Some seconds on a large net."""
    _require_whole(request)
    rows = table(
        _("组织网检查"), [_("规则"), _("发现")], _findings(), _("没有发现问题"), _("上下级、边界、历史都对得上。")
    )
    crumbs = [{"label": _("审计"), "url": reverse("setup_audit")}, {"label": _("检查组织网")}]
    return page(request, "setup_audit", "net.html", {"findings": rows, "crumbs": crumbs})


def _findings() -> list[list[Any]]:
    image = tree.snapshot()
    found: list[list[Any]] = [[{"badge": _bad(fault.rule), "text": ""}, fault.says] for fault in tree.faults()]
    for pair in overlaps_among(image)[:SHOWN]:
        names = {"a": image.full_name(pair.a), "b": image.full_name(pair.b), "size": round(pair.square_metres)}
        found.append([{"badge": _bad("N3"), "text": ""}, _("“%(a)s”与“%(b)s”的边界重叠 %(size)d 平方米") % names])
    for out in left_out(image)[:SHOWN]:
        names = {"place": out.place, "unit": image.full_name(out.unit)}
        found.append([{"badge": _bad("N3"), "text": ""}, _("“%(place)s”（%(unit)s）不在任何网格的边界里") % names])
    for year in calendar.computed_years():
        says = _("%(year)d年的放假安排还是推算的，请在通知发布后导入") % {"year": year}
        found.append([{"badge": {"tone": "warn", "text": _("推算")}, "text": ""}, says])
    return found


def _bad(rule: str) -> dict[str, str]:
    return {"tone": "bad", "text": rule}
