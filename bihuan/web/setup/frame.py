"""What all pages of this desk share: the navigation, what an administrator may touch, and how a refusal is shown."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bihuan.lib.worktime.calendar import BadHours
from bihuan.net.imports.sheets import BadSheet
from bihuan.net.models import Unit
from bihuan.net.people import AccountFault
from bihuan.net.postings import AboutOneself, PostingFault
from bihuan.net.scope import OutOfScope, area_of, covers
from bihuan.net.tree import EmptyNet, TreeFault, snapshot

REFUSED = (AboutOneself, AccountFault, BadHours, BadSheet, EmptyNet, OutOfScope, PostingFault, TreeFault)

PAGES = (
    ("setup", _("概况"), "dashboard"),
    ("setup_imports", _("导入"), "file-import"),
    ("setup_units", _("单位和网格"), "sitemap"),
    ("setup_people", _("人员和岗位"), "users"),
    ("setup_calendar", _("工作日历"), "calendar"),
    ("setup_duties", _("派单目录"), "list-details"),
    ("setup_keys", _("接口密钥"), "key"),
    ("setup_audit", _("审计"), "shield-check"),
    ("setup_status", _("运行状况"), "database-import"),
)


def page(
    request: HttpRequest, current: str, template: str, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """A page of this desk, `current` marked in the navigation."""
    items = [
        {"label": label, "url": reverse(name), "icon": icon, "current": name == current}
        for name, label, icon in PAGES
    ]  # fmt: skip
    return render(request, f"setup/{template}", {**(context or {}), "nav_items": items}, status=status)


def unit_here(request: HttpRequest, code: str) -> Unit:
    """The unit with this code in the administrator's area; a stranger's is not found."""
    unit = Unit.objects.filter(code=code).first()
    if unit is None or not covers(request.posting, unit):  # type: ignore[attr-defined]
        raise Http404
    return unit


def own_area(request: HttpRequest) -> int:
    """The id of the area this administrator looks after."""
    net = snapshot()
    return area_of(net.unit(request.posting.unit_id), net).id  # type: ignore[attr-defined]


def has_whole(request: HttpRequest) -> bool:
    """Whether the area is all of this deployment: only then may sheets and the national calendar be changed."""
    net = snapshot()
    return own_area(request) in net.unit(net.home).path


def table(
    caption: str,
    heads: Sequence[str],
    rows: Sequence[Any],
    empty: str = "",
    hint: str = "",
    numbers: Sequence[int] = (),
) -> dict[str, Any]:
    """A table for setup/_table.html. rows: lists of cells, or rows as parts/table.html takes them; numbers: columns
    (from 0) that hold figures."""
    return {
        "caption": caption,
        "columns": [{"label": head, "num": at in numbers} for at, head in enumerate(heads)],
        "rows": [row if isinstance(row, dict) else {"cells": _labelled(row, heads, numbers)} for row in rows],
        "empty": empty or _("还没有内容"),
        "hint": hint,
    }


def _labelled(cells: Sequence[Any], heads: Sequence[str], numbers: Sequence[int]) -> list[Any]:
    """On a phone a row is a card, and every cell but the first says what it is."""
    rows = [cell if isinstance(cell, dict) else {"text": str(cell)} for cell in cells]
    return [
        {"num": at in numbers, "label": heads[at] if at and cell.get("text") else "", **cell}
        for at, cell in enumerate(rows)
    ]


@contextmanager
def refusals_in(form: Form) -> Iterator[None]:
    """What the net refuses inside the block stands over the form, with what was typed."""
    try:
        yield
    except REFUSED as error:
        form.add_error(None, str(error))
