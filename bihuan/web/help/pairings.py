"""Lasting pairs of an office's branch and a village: the year's plan, deeds that count, and who still owes a plan."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Exists, F, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bihuan.dossier.models import Text
from bihuan.net import tree
from bihuan.net.models import Level, Posting
from bihuan.net.scope import covers
from bihuan.net.tree import UnitRow
from bihuan.offers import access, lists, story
from bihuan.offers.actions import pairing as acts
from bihuan.offers.models import Deed, Pairing, PairYear
from bihuan.programs.ladder import LadderProgram
from bihuan.web import pictures
from bihuan.web.help.fields import DayField, GivenFields, UnitField, this_year, words
from bihuan.web.help.frame import (
    HELPING,
    Panel,
    helper,
    own_area,
    page,
    panels,
    programs_with,
    raiser,
    submit,
    table,
)
from bihuan.web.people.frame import area_for

DEEDS_SHOWN, YEARS_SHOWN, SOON = 60, 3, timedelta(days=31)


def pair_url(no: str) -> str:
    return reverse("help_pairing", args=[no])


def pairs_table(rows: list[lists.PairRow]) -> dict[str, Any]:
    heads = [_("机关党支部"), _("村（社区）"), _("今年计划"), _("今年事项"), _("最近一次")]
    return table(_("结对"), heads, [_row(row) for row in rows], _("还没有结对"), numbers=(3,))


def _row(row: lists.PairRow) -> list[Any]:
    plan = {"tone": "ok", "text": _("已制定")} if row.planned else {"tone": "warn", "text": _("未制定")}
    deeds = _("%(deeds)d件") % {"deeds": row.deeds} if row.deeds else "0"
    return [
        {"text": row.branch, "url": pair_url(row.no), "sub": row.kind}, row.village, {"badge": plan, "text": ""},
        {"text": deeds, "num": True}, row.last,
    ]  # fmt: skip


class PairForm(forms.Form):
    """Both are named, or given by code."""

    kind = forms.ChoiceField(label=gettext_lazy("类别"), choices=Pairing.Kind.choices)
    since = DayField(label=gettext_lazy("从哪天起"), required=False)
    field_order = ["branch", "village", "kind", "since"]

    def __init__(self, *args: Any, by: Posting, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["branch"] = UnitField(label=_("机关党支部"), places=False, help_text=_("单位全称或代码。"))
        self.fields["village"] = UnitField(
            label=_("村（社区）"), places=True, covered_by=by, help_text=_("村名或代码。")
        )
        self.order_fields(self.field_order)


@require_http_methods(["GET", "HEAD", "POST"])
@helper
def index(request: HttpRequest) -> HttpResponse:
    """The pairs of the area, or of the own office; who steers the area pairs two."""
    by = request.posting  # type: ignore[attr-defined]
    form = PairForm(request.POST if request.method == "POST" else None, by=by)
    if request.method != "POST":
        return _index(request, form)

    def act(said: dict[str, Any]) -> Pairing:
        return acts.pair(
            said["branch"], said["village"], kind=said["kind"], since=said["since"], by=by, at=request.now  # type: ignore[attr-defined]
        )  # fmt: skip

    return submit(
        request, form, act, done=_("结对已登记。"), to=lambda pair: pair_url(pair.no),
        again=lambda status: _index(request, form, status),
    )  # fmt: skip


def _index(request: HttpRequest, form: PairForm, status: int = 200) -> HttpResponse:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    where = {"branch_id": by.unit_id} if by.role in HELPING else {"area": own_area(request)}
    found = lists.pairings(year=this_year(at), after=request.GET.get("after", ""), **where)
    context = {
        "pairs": pairs_table(found.rows), "next_url": f"?after={found.after}" if found.after else "",
        "owing": _owing(by, at), "form": form if by.role in access.STEERING else None,
    }  # fmt: skip
    return page(request, "pairings", "help/pairings.html", context, status)


def _owing(by: Posting, at: datetime) -> list[dict[str, Any]]:
    """The pairs without a plan for this year, and those whose next one is due soon, the earliest first. One query."""
    planned = PairYear.objects.filter(pairing=OuterRef("pk"), year=this_year(at))
    rows = Pairing.objects.filter(~Exists(planned) | Q(plan_due_at__lt=at + SOON), until=None)
    area = area_for(by)
    rows = rows.filter(unit_a=by.unit_id) if by.role in HELPING else _in(area, rows)
    found = rows.select_related("unit_a", "unit_b").order_by(F("plan_due_at").asc(nulls_first=True), "pk")[:20]
    return [_owed(one) for one in found]


def _in(area: UnitRow, rows: Any) -> Any:
    return rows.filter(**{f"l{min(area.level, Level.COMMUNITY)}": area.id}) if area.level >= Level.CITY else rows


def _owed(one: Pairing) -> dict[str, Any]:
    """Late when its time has passed: then nothing is due any more, and it is still owed."""
    due = f"{timezone.localtime(one.plan_due_at):%Y-%m-%d}" if one.plan_due_at else ""
    return {
        "title": f"{one.unit_a.name} — {one.unit_b.name}", "url": pair_url(one.no), "meta": [],
        "badge_tone": "warn" if due else "bad", "badge_text": _("%(day)s前") % {"day": due} if due else _("逾期"),
    }  # fmt: skip


# One pair


class PlanForm(forms.Form):
    year = forms.TypedChoiceField(label=gettext_lazy("年度"), coerce=int)
    text = words(gettext_lazy("打算做什么"), rows=5)

    def __init__(self, *args: Any, year: int, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="plan_%s", **kwargs)
        self.fields["year"].choices = [(one, str(one)) for one in (year, year + 1)]  # type: ignore[attr-defined]


class DeedForm(GivenFields):
    on = DayField(label=gettext_lazy("日期"))
    kind = forms.ChoiceField(label=gettext_lazy("事项"), choices=Deed.Kind.choices)
    count = forms.IntegerField(
        label=gettext_lazy("件（次）数"), min_value=1, max_value=100_000, initial=1,
        help_text=gettext_lazy("解决了几个难题，走访了几户。"),
    )  # fmt: skip
    text = words(gettext_lazy("做了什么"))
    field_order = ["on", "kind", "count", "text", "measure", "amount", "source"]
    blamed = {"given": "measure"}


class PartForm(forms.Form):
    on = DayField(label=gettext_lazy("到哪天为止"))
    text = words(gettext_lazy("原因"), rows=2)


@require_safe
@helper
def show(request: HttpRequest, no: str) -> HttpResponse:
    return _page(request, access.pairing_for(request.posting, no))  # type: ignore[attr-defined]


def _page(
    request: HttpRequest, pair: Pairing, refused: dict[str, forms.BaseForm] | None = None, status: int = 200
) -> HttpResponse:
    pair = Pairing.objects.select_related("unit_a", "unit_b").get(pk=pair.pk)
    deeds = list(Deed.objects.filter(pairing=pair).order_by("-on", "-pk")[:DEEDS_SHOWN])
    years = list(PairYear.objects.filter(pairing=pair).order_by("-year"))
    said = dict(Text.objects.filter(region_id=pair.region_id, case_id=pair.pk).values_list("pk", "body"))
    context = {
        "title": f"{pair.unit_a.name} — {pair.unit_b.name}",
        "crumbs": [{"label": _("结对"), "url": reverse("help_pairings")}, {"label": pair.no}],
        "facts": _facts(pair),
        "years": [{"title": _("%(year)d年计划") % {"year": one.year}, "text": said.get(one.text_id, "")}
                  for one in years[:YEARS_SHOWN]],
        "owes": _("%(day)s前要制定年度计划") % {"day": f"{timezone.localtime(pair.plan_due_at):%Y-%m-%d}"}
        if pair.plan_due_at and pair.until is None else "",
        "deeds": [_deed(one, said) for one in deeds],
        "story": [{"title": step.title, "who": step.who, "at": step.when, "iso": step.at.isoformat()}
                  for step in reversed(story.steps(pair))],
        "panels": panels(request, _panels(request, pair), refused or {}),
    }  # fmt: skip
    return page(request, "pairings", "help/pairing.html", context, status)


def _facts(pair: Pairing) -> list[dict[str, Any]]:
    net = tree.snapshot()
    said = [
        (_("类别"), pair.get_kind_display()), (_("机关党支部"), pair.unit_a.name),
        (_("村（社区）"), net.full_name(pair.unit_b_id, Level.COUNTY)), (_("结对"), pair.since.isoformat()),
        (_("结束"), pair.until.isoformat() if pair.until else ""),
    ]  # fmt: skip
    return [{"label": label, "value": value} for label, value in said if value]


def _deed(deed: Deed, said: dict[int, str]) -> dict[str, Any]:
    words_ = said.get(deed.text_id, "")
    count = f" × {deed.count}" if deed.count > 1 else ""
    return {"title": f"{deed.get_kind_display()}{count}", "at": deed.on.isoformat(), "iso": deed.on.isoformat(),
            "text": words_, "photos": pictures.strip(deed.photos, words_[:40])}  # fmt: skip


def _ledgers(request: HttpRequest) -> LadderProgram | None:
    """The first ladder whose ledger knows support: what a pair gives is entered there."""
    found = programs_with(request, lambda rules: any(kind.side == "support" for kind in rules.entries.values()))
    return found[0] if found else None


def _deed_form(request: HttpRequest, data: Any = None) -> DeedForm:
    on = timezone.localdate(request.now)  # type: ignore[attr-defined]
    form = DeedForm(data, auto_id="record_%s", initial={"on": on, "count": 1})
    form.offer(_ledgers(request))
    return form


def _panels(request: HttpRequest, pair: Pairing) -> list[Panel]:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    if pair.until is not None:
        return []
    found = [
        Panel("record", _("登记一件事"), "checks", reverse("help_pairing_record", args=[pair.no]), _deed_form(request),
              _("登记"), photos=True),
        Panel("plan", _("制定年度计划"), "calendar", reverse("help_pairing_plan", args=[pair.no]),
              PlanForm(year=this_year(at)), _("保存计划")),
    ]  # fmt: skip
    if by.role in access.STEERING and covers(by, pair.unit_b):
        form = PartForm(auto_id="part_%s", initial={"on": timezone.localdate(at)})
        found.append(
            Panel("part", _("结束结对"), "x", reverse("help_pairing_part", args=[pair.no]), form, _("结束"),
                  confirm=_("结束后不能再登记。确定吗？"))
        )  # fmt: skip
    return found


@require_POST
@helper
def plan(request: HttpRequest, no: str) -> HttpResponse:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    pair, form = access.pairing_for(by, no), PlanForm(request.POST, year=this_year(at))
    return submit(
        request, form, lambda said: acts.plan(pair, year=said["year"], text=said["text"], by=by, at=at),
        done=_("年度计划已保存。"), to=pair_url(pair.no), again=lambda status: _page(request, pair, {"plan": form}, status),
    )  # fmt: skip


@require_POST
@helper
def record(request: HttpRequest, no: str) -> HttpResponse:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    pair, form, rules = access.pairing_for(by, no), _deed_form(request, request.POST), _ledgers(request)

    def act(said: dict[str, Any]) -> Deed:
        return acts.record(
            pair, on=said["on"], kind=said["kind"], count=said["count"], text=said["text"], by=by, at=at,
            photos=pictures.taken(request, at), given=form.given(rules.key) if rules else None,
        )  # fmt: skip

    return submit(
        request, form, act, done=_("已登记。"), to=pair_url(pair.no),
        again=lambda status: _page(request, pair, {"record": form}, status),
    )  # fmt: skip


@require_POST
@raiser
def part(request: HttpRequest, no: str) -> HttpResponse:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    pair, form = access.pairing_for(by, no), PartForm(request.POST, auto_id="part_%s")
    return submit(
        request, form, lambda said: acts.part(pair, on=said["on"], text=said["text"], by=by, at=at), done=_("结对已结束。"),
        to=pair_url(pair.no), again=lambda status: _page(request, pair, {"part": form}, status),
    )  # fmt: skip
