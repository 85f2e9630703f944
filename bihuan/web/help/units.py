"""Member units: who takes part, what each has taken on, how its plans go, what it gave, and its pairs."""

from typing import Any

from django.db.models import Case, Count, Q, Sum, When
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bihuan.book import ledger
from bihuan.net.models import Level, Posting, Unit
from bihuan.net.postings import standing_on
from bihuan.net.scope import covers
from bihuan.offers import lists
from bihuan.offers.models import Claim, Member
from bihuan.programs import versions
from bihuan.web.help import pairings
from bihuan.web.help.frame import HELPING, helper, own_area, page, raiser, table
from bihuan.web.help.needs import claims_table

MOST_UNITS = 200


@require_safe
@raiser
def index(request: HttpRequest) -> HttpResponse:
    """The member units of the area with what they have taken on. Two queries."""
    on, area = timezone.localdate(request.now), own_area(request)  # type: ignore[attr-defined]
    members = Member.objects.filter(standing_on(on), unit__path__contains=[area.id], unit__died=None)
    units = {one.unit_id: one.unit for one in members.select_related("unit").order_by("unit__level", "unit__code")}
    claims = Claim.objects.filter(unit__path__contains=[area.id])
    counted = {row["unit"]: row for row in claims.values("unit").annotate(**_COUNTS)}
    others = Unit.objects.filter(pk__in=counted.keys() - units.keys(), died=None).order_by("level", "code")
    units |= {unit.pk: unit for unit in others}
    rows = [_row(unit, counted.get(pk, {})) for pk, unit in list(units.items())[:MOST_UNITS]]
    heads = [_("单位"), _("帮扶中"), _("已完成"), _("已退回"), _("未制定计划")]
    found = table(_("成员单位"), heads, rows, _("还没有成员单位"), numbers=(1, 2, 3, 4))
    return page(request, "units", "help/units.html", {"units": found, "area": area.name})


_COUNTS = {
    "taken": Count("pk", filter=Q(state="taken")),
    "done": Count("pk", filter=Q(state="done")),
    "released": Count("pk", filter=Q(state="released")),
    "unplanned": Count("pk", filter=Q(state="taken", planned_at=None)),
}


def _row(unit: Unit, counted: dict[str, int]) -> list[Any]:
    numbers = [str(counted.get(key, 0)) for key in ("taken", "done", "released", "unplanned")]
    return [{"text": unit.name, "url": unit_url(unit.code), "sub": Level(min(unit.level, 5)).label}, *numbers]


def unit_url(code: str) -> str:
    return reverse("help_unit", args=[code])


@require_safe
@helper
def show(request: HttpRequest, code: str) -> HttpResponse:
    """One unit's page: for those whose area it is in, and for itself."""
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    unit = Unit.objects.filter(code=code).first()
    if unit is None or not _may_see(by, unit):
        raise Http404
    found = lists.claims_of(unit.pk, at=at, after=request.GET.get("after", ""))
    given = ledger.given(ledger.unit(unit.pk))
    context = {
        "unit": unit.name,
        "crumbs": [] if by.role in HELPING else [{"label": _("成员单位"), "url": reverse("help_units")}, {"label": unit.code}],
        "stats": _stats(unit),
        "claims": claims_table(found.rows, _("帮扶中的需求")),
        "next_url": f"?after={found.after}" if found.after else "",
        "ended": claims_table(lists.claims_of(unit.pk, at=at, ended=True, limit=20).rows, _("办完和退回的")),
        "support": _support(given),
        "pairs": pairings.pairs_table(lists.pairings(year=timezone.localdate(at).year, branch_id=unit.pk).rows),
    }  # fmt: skip
    return page(request, "units", "help/unit.html", context)


def _may_see(by: Posting, unit: Unit) -> bool:
    return covers(by, unit) or (by.role in HELPING and by.unit_id == unit.pk)


def _stats(unit: Unit) -> list[dict[str, Any]]:
    counted = Claim.objects.filter(unit=unit).aggregate(**_COUNTS)
    return [
        {"label": _("帮扶中"), "value": counted["taken"]},
        {"label": _("已完成"), "value": counted["done"], "tone": "ok" if counted["done"] else ""},
        {"label": _("未制定计划"), "value": counted["unplanned"], "tone": "warn" if counted["unplanned"] else ""},
        {"label": _("已退回"), "value": counted["released"]},
    ]


def _support(given: Any) -> dict[str, Any]:
    """What the unit gave, summed by measure, in the words of the program that counts it. One query."""
    rows = [_sum_row(*row) for row in _summed(given)]
    return table(_("给予的帮扶"), [_("项目"), _("合计"), _("笔数")], rows, _("台账里还没有记录"), numbers=(1, 2))


def _summed(given: Any) -> list[tuple[str, str, Any, int]]:
    counted = Sum(Case(When(reverses=None, then=1), default=-1))
    rows = given.order_by().values_list("program", "measure").annotate(amount=Sum("amount"), count=counted)
    return [row for row in rows if row[3]]


def _sum_row(program: str, measure: str, amount: Any, count: int) -> list[Any]:
    kind, title = entry_words(program, measure)
    return [title, f"{amount:,.2f}".removesuffix(".00") + kind, str(count)]


def entry_words(program: str, measure: str) -> tuple[str, str]:
    """The unit and the title of what a program's ledger counts, as it is in force now."""
    try:
        rules = versions.rules(versions.in_force(program, timezone.now()).pk)
    except versions.NoVersion:
        return "", measure
    kind = getattr(rules, "entries", {}).get(measure)
    return (kind.unit, rules.label("entry", measure, get_language())) if kind else ("", measure)
