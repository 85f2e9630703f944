"""Units and grids: find one, see what hangs on it and how it came there; found, rename, move, close, merge."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from bihuan.net import tree
from bihuan.net.models import Edge, Kind, Level, Place, Posting, Role, Tree, Unit
from bihuan.net.pinyin import spelled
from bihuan.net.postings import standing_on
from bihuan.net.scope import covers
from bihuan.web.posting import desk
from bihuan.web.setup.frame import own_area, page, refusals_in, table, unit_here

FOUND = 100


def level_words(level: int) -> str:
    return str(Level(level).label) if level < Level.GRID else _("第%(n)d级网格") % {"n": level - Level.COMMUNITY}


class UnitField(forms.CharField):
    """A unit of the administrator's area by its code."""

    def __init__(self, *, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(max_length=32, **kwargs)
        self.request = request

    def clean(self, value: Any) -> Unit | None:
        code = super().clean(value)
        if not code:
            return None
        net = tree.snapshot()
        if not net.has_code(code):
            raise forms.ValidationError(_("没有代码为“%(code)s”的单位。") % {"code": code})
        unit = Unit.objects.get(pk=net.by_code(code).id)
        if not covers(self.request.posting, unit):  # type: ignore[attr-defined]
            raise forms.ValidationError(_("“%(name)s”不在您的职责范围内。") % {"name": unit.name})
        return unit


class DayField(forms.DateField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)


class FactsForm(forms.ModelForm):
    households = forms.IntegerField(
        label=gettext_lazy("户数"), min_value=0, max_value=1_000_000, required=False
    )  # fmt: skip

    class Meta:
        model = Unit
        fields = ["name", "short", "duties", "phone", "households"]
        labels = {
            "name": gettext_lazy("名称"),
            "short": gettext_lazy("简称"),
            "duties": gettext_lazy("职责"),
            "phone": gettext_lazy("公开的办公电话"),
        }


class MoveForm(forms.Form):
    tree = forms.ChoiceField(
        label=gettext_lazy("体系"), choices=[(one.value, one.label) for one in Tree if one != Tree.ALLIANCE]
    )
    on = DayField(label=gettext_lazy("从哪天起"))

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parent"] = UnitField(request=request, label=_("新的上级单位代码"))


class CloseForm(forms.Form):
    on = DayField(label=gettext_lazy("从哪天起"))

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["into"] = UnitField(
            request=request,
            required=False,
            label=_("并入单位的代码"),
            help_text=_("填了，下级、人员和地名都转过去；不填就是撤销，要求下面没有单位、没有人员。"),
        )


class FoundForm(forms.Form):
    code = forms.RegexField(
        r"^[\w.\-]+$",
        max_length=32,
        label=gettext_lazy("代码"),
        error_messages={"invalid": gettext_lazy("代码只能用数字、字母和连字符。")},
    )
    name = forms.CharField(max_length=80, label=gettext_lazy("名称"))
    kind = forms.ChoiceField(label=gettext_lazy("类别"), choices=Kind.choices)
    phone = forms.CharField(max_length=30, required=False, label=gettext_lazy("公开的办公电话"))
    duties = forms.CharField(max_length=400, required=False, label=gettext_lazy("职责"))


@desk(Role.ADMIN)
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """By name, spelling or code; without words what lies directly under the own area. Two queries."""
    words = request.GET.get("q", "").strip()[:60]
    units = list(_found(request, words)[: FOUND + 1])
    heads = [_("名称"), _("类别"), _("级别"), _("上级"), _("电话")]
    rows = table(
        _("单位"), heads, [_line(unit) for unit in units[:FOUND]], _("没有找到"), _("换个名称、拼音或代码试试。")
    )
    context = {"q": words, "units": rows, "more": len(units) > FOUND, "own": _own(request)}
    return page(request, "setup_units", "units.html", context)


def _own(request: HttpRequest) -> dict[str, str]:
    unit = tree.snapshot().unit(own_area(request))
    return {"name": unit.name, "url": reverse("setup_unit", args=[unit.code])}


def _found(request: HttpRequest, words: str) -> QuerySet[Unit]:
    area = own_area(request)
    here = Unit.objects.filter(died=None, path__contains=[area])
    if words:
        says = Q(name__icontains=words) | Q(short__icontains=words) | Q(code__startswith=words)
        if words.isascii():
            says |= Q(pinyin__contains=words.lower())
        return here.filter(says).order_by("level", "code")
    return here.filter(path__len=len(tree.snapshot().unit(area).path) + 1).order_by("kind", "code")


def _line(unit: Unit) -> list[Any]:
    net = tree.snapshot()
    name = {"text": unit.name, "url": f"/setup/units/{unit.code}/", "sub": unit.code}
    above = net.full_name(unit.path[-2]) if len(unit.path) > 1 else ""
    return [name, unit.get_kind_display(), level_words(unit.level), above, unit.phone]


@desk(Role.ADMIN)
@require_safe
def show(request: HttpRequest, code: str) -> HttpResponse:
    """One unit with its place, what is below, its people and its history."""
    unit = unit_here(request, code)
    return page(request, "setup_units", "unit.html", _unit_page(request, unit))


def _unit_page(request: HttpRequest, unit: Unit, **forms_: Any) -> dict[str, Any]:
    today = localdate()
    initial = {"on": today, "tree": Tree.GRID if unit.kind == Kind.GRID else Tree.ADMIN}
    return {
        "unit": {"code": unit.code, "name": unit.name, "died": unit.died, "id": unit.pk},
        "crumbs": _crumbs(unit),
        "facts": _facts(unit),
        "below": _below(unit),
        "people": _people(unit, today),
        "history": [_edge(edge) for edge in tree.history(unit)],
        "facts_form": FactsForm(instance=unit),
        "move_form": MoveForm(request=request, initial=initial),
        "close_form": CloseForm(request=request, initial=initial),
        "found_form": FoundForm(initial={"kind": Kind.GRID if unit.level >= Level.COMMUNITY else Kind.ORGAN}),
        **forms_,
    }


def _crumbs(unit: Unit) -> list[dict[str, str]]:
    net = tree.snapshot()
    above = [net.unit(id) for id in unit.path[:-1]]
    crumbs = [{"label": one.name, "url": reverse("setup_unit", args=[one.code])} for one in above]
    return [*crumbs, {"label": unit.name}]


def _facts(unit: Unit) -> list[dict[str, Any]]:
    said = [
        (_("代码"), unit.code),
        (_("类别"), unit.get_kind_display()),
        (_("级别"), level_words(unit.level)),
        (_("职责"), unit.duties),
        (_("电话"), unit.phone),
        (_("户数"), unit.households),
        (_("地名"), Place.objects.filter(unit=unit).count() or ""),
        (_("设立"), unit.born.isoformat()),
        (_("撤销"), unit.died.isoformat() if unit.died else ""),
    ]
    return [{"label": label, "value": value} for label, value in said if value not in ("", None)]


def _below(unit: Unit) -> dict[str, Any]:
    children = Edge.objects.filter(parent=unit, until=None, child__died=None).select_related("child")
    rows = []
    for edge in children.order_by("tree", "child__code")[:FOUND]:
        child = edge.child
        name = {"text": child.name, "url": f"/setup/units/{child.code}/", "sub": child.code}
        rows.append([name, child.get_kind_display(), edge.get_tree_display()])
    return table(_("下级单位"), [_("名称"), _("类别"), _("体系")], rows, _("下面没有单位"))


def _people(unit: Unit, today: date) -> dict[str, Any]:
    held = Posting.objects.filter(standing_on(today), unit=unit).select_related("person").order_by("role", "id")
    rows = [
        [
            {"text": one.person.name, "url": f"/setup/people/{one.person_id}/", "sub": one.person.phone},
            one.get_role_display(), one.title, one.get_holding_display(), one.since.isoformat(),
        ]
        for one in held
    ]  # fmt: skip
    return table(_("人员"), [_("姓名"), _("岗位"), _("职务"), _("任职"), _("从")], rows, _("还没有人员"))


def _edge(edge: Edge) -> dict[str, Any]:
    until = edge.until.isoformat() if edge.until else _("至今")
    title = _("在“%(parent)s”下（%(tree)s）") % {"parent": edge.parent.name, "tree": edge.get_tree_display()}
    return {"title": title, "at": f"{edge.since.isoformat()} — {until}", "iso": edge.since.isoformat()}


@desk(Role.ADMIN)
@require_POST
def rename(request: HttpRequest, code: str) -> HttpResponse:
    unit = unit_here(request, code)
    form = FactsForm(request.POST, instance=unit)
    if form.is_valid():
        facts = dict(form.cleaned_data, pinyin=spelled(form.cleaned_data["name"]))
        tree.rename_unit(unit, at=now(), **facts)
        messages.success(request, _("已保存。"))
        return redirect("setup_unit", code)
    return _again(request, code, facts_form=form)


@desk(Role.ADMIN)
@require_POST
def move(request: HttpRequest, code: str) -> HttpResponse:
    unit = unit_here(request, code)
    form = MoveForm(request.POST, request=request)
    if form.is_valid():
        asked = form.cleaned_data
        with refusals_in(form):
            tree.move_unit(unit, asked["parent"], asked["tree"], on=asked["on"], at=now())
            messages.success(
                request, _("“%(name)s”已移到“%(parent)s”下。") % {"name": unit.name, "parent": asked["parent"].name}
            )
            return redirect("setup_unit", code)
    return _again(request, code, move_form=form)


@desk(Role.ADMIN)
@require_POST
def close(request: HttpRequest, code: str) -> HttpResponse:
    unit = unit_here(request, code)
    form = CloseForm(request.POST, request=request)
    if form.is_valid():
        on, into = form.cleaned_data["on"], form.cleaned_data["into"]
        with refusals_in(form):
            if into is not None:
                tree.merge_units([unit], into, on=on, at=now())
            else:
                tree.close_unit(unit, on=on, at=now())
            messages.success(request, _("“%(name)s”已撤销，历史仍可查。") % {"name": unit.name})
            return redirect("setup_unit", code)
    return _again(request, code, close_form=form)


@desk(Role.ADMIN)
@require_POST
def found(request: HttpRequest, code: str) -> HttpResponse:
    """A new unit under this one."""
    parent = unit_here(request, code)
    form = FoundForm(request.POST)
    if form.is_valid():
        asked = form.cleaned_data
        with refusals_in(form):
            unit = tree.found_unit(
                code=asked["code"], kind=asked["kind"], name=asked["name"], level=_level_below(parent, asked["kind"]),
                parent=parent, on=localdate(), at=now(), tree=Tree.GRID if asked["kind"] == Kind.GRID else Tree.ADMIN,
                phone=asked["phone"], duties=asked["duties"], pinyin=spelled(asked["name"]),
            )  # fmt: skip
            messages.success(request, _("“%(name)s”已建立。") % {"name": unit.name})
            return redirect("setup_unit", unit.code)
    return _again(request, code, found_form=form)


def _level_below(parent: Unit, kind: str) -> int:
    """Areas and grids stand one level lower; an office stands at the level of what it hangs under."""
    if kind == Kind.GRID:
        return max(Level.GRID, parent.level + 1)
    return min(parent.level + 1, Level.COMMUNITY) if kind == Kind.AREA else min(parent.level, Level.COMMUNITY)


def _again(request: HttpRequest, code: str, **forms_: Any) -> HttpResponse:
    """The page with the form that was refused; the unit is read anew, for the form may have changed it in memory."""
    context = _unit_page(request, unit_here(request, code), **forms_)
    return page(request, "setup_units", "unit.html", context, status=422)
