"""What all pages of this desk share: whose they are, the navigation, words for versions, places and moments."""

from datetime import datetime
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bihuan.loop.wording import language
from bihuan.net.models import Role
from bihuan.net.revisions import Kept
from bihuan.net.scope import area_of
from bihuan.net.tree import UnitRow, snapshot
from bihuan.programs import drawing, versions
from bihuan.programs.changes import Klass
from bihuan.programs.document import Document, LadderProgram
from bihuan.programs.models import Program, Version
from bihuan.release.publishing import NotAuthor, require_author

AUTHORS = (Role.ADMIN,)  # as release.require_author has it
PHONE = 240  # the width of a card of a drawing that a phone shows without scrolling
TONES = {Klass.WORDING: "", Klass.WIDENING: "ok", Klass.TIGHTENING: "warn", Klass.STRUCTURAL: "bad"}


class MomentForm(forms.Form):
    """When something begins: at once, or at a time."""

    since = forms.DateTimeField(
        label=gettext_lazy("何时生效"),
        required=False,
        help_text=gettext_lazy("不填就是马上生效。填了就按时生效，在那以前仍按现在的版本办。"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": gettext_lazy("看不懂这个时间，请写成 2026-01-01 08:30 的样子。")},
    )


def page(
    request: HttpRequest, template: str, context: dict[str, Any], *, key: str = "", status: int = 200
) -> HttpResponse:
    """A page of this desk; key: the program it is about, marked in the navigation."""
    items = [{"label": _("全部事项"), "url": reverse("programs"), "icon": "books", "current": not key}]
    items += [
        {"label": title, "url": reverse("program", args=[one]), "icon": "route", "current": one == key}
        for one, title in _titles.get()
    ]
    return render(request, f"programs/{template}", {**context, "nav_items": items}, status=status)


def _read_titles() -> list[tuple[str, str]]:
    return list(Program.objects.order_by("pk").values_list("key", "title"))


_titles = Kept(versions.PART, read=_read_titles)


def program_here(key: str) -> Program:
    """A program by its key, else 404."""
    program = Program.objects.filter(key=key).first()
    if program is None:
        raise Http404
    return program


def is_author(request: HttpRequest) -> bool:
    """Whether the acting posting may publish for the whole deployment."""
    try:
        require_author(request.posting)  # type: ignore[attr-defined]
    except NotAuthor:
        return False
    return True


def require_whole(request: HttpRequest) -> None:
    """The editor is not there for those who may not publish for everybody."""
    if not is_author(request):
        raise Http404


def own_area(request: HttpRequest) -> UnitRow:
    """The area the acting posting looks after."""
    net = snapshot()
    return area_of(net.unit(request.posting.unit_id), net)  # type: ignore[attr-defined]


def crumbs(program: Program | None = None, *more: str) -> list[dict[str, str]]:
    """The way back: all programs, the program, where one is."""
    found = [{"label": _("编排"), "url": reverse("programs")}]
    if program:
        found.append({"label": program.title, "url": reverse("program", args=[program.key])})
    return found + [{"label": label, "url": ""} for label in more]


def at_words(moment: datetime | None) -> str:
    return f"{localtime(moment):%Y-%m-%d %H:%M}" if moment else ""


def version_words(version: Version) -> str:
    """Which version of whom: 第3版, or 海州街道第1版."""
    unit = snapshot().get(version.unit_id)
    words = {"unit": unit.name if unit else "", "n": version.n}
    return (_("%(unit)s第%(n)d版") % words).strip()


def place_words(rules: Document, place: str) -> str:
    """A state or stage in words; who is in none yet stands at the gate."""
    part = "stage" if isinstance(rules, LadderProgram) else "state"
    known = rules.chinese[part]
    return rules.label(part, place, language()) if place in known else place or _("还在入口把关")


def pictures(rules: Document, *, steps: bool = False, desk: int = drawing.WIDE) -> dict[str, SafeString]:
    """The drawing for a desk (cards as wide as `desk`) and for a phone; every word in it was escaped by whoever drew it."""
    sizes = {"wide": desk, "narrow": PHONE}
    return {name: mark_safe(drawing.svg(rules, width=width, steps=steps)) for name, width in sizes.items()}


def table(
    caption: str, heads: list[str], rows: list[list[Any]], empty: str, numbers: tuple[int, ...] = ()
) -> dict[str, Any]:
    """A table as setup/_table.html takes it; numbers: columns that hold figures. On a phone cells say what they are."""
    return {
        "caption": caption,
        "columns": [{"label": head, "num": at in numbers} for at, head in enumerate(heads)],
        "rows": [{"cells": [_cell(at, cell, heads, numbers) for at, cell in enumerate(row)]} for row in rows],
        "empty": empty,
        "hint": "",
    }


def _cell(at: int, cell: Any, heads: list[str], numbers: tuple[int, ...]) -> dict[str, Any]:
    said = cell if isinstance(cell, dict) else {"text": str(cell)}
    return {"num": at in numbers, "label": heads[at] if at else "", **said}
