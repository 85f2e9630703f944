"""Needs that wait for somebody, what one's unit took on, rounds in which needs are collected, and a new need."""

from typing import Any

from django import forms
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bihuan.net.scope import covers
from bihuan.offers import access, clock, lists
from bihuan.offers.actions import needs, rounds
from bihuan.offers.models import Offer, Round
from bihuan.offers.numbers import as_stored
from bihuan.offers.topics import topics
from bihuan.programs.ladder import LadderProgram
from bihuan.web.help.fields import SubjectField, UnitField, standing_of, words
from bihuan.web.help.frame import (
    helper,
    may_raise,
    own_area,
    page,
    programs_with,
    raiser,
    submit,
    table,
    title_of,
)

TONES = {"ok": "", "soon": "warn", "late": "bad", "": ""}
STATES = {"open": "info", "taken": "ok", "met": "ok", "closed": "", "withdrawn": ""}
SHOWN_LATE = 8
WINDOWS = (5, 10, 15, 20, 30)  # working days that a need may wait for a claim at each level


def asks_needs(rules: LadderProgram) -> bool:
    return bool(rules.needs)


def need_url(no: str) -> str:
    return reverse("help_need", args=[no])


# Lists


@require_safe
@helper
def home(request: HttpRequest) -> HttpResponse:
    """What is overdue, then what waits for a claim, the one that goes up first first. Two queries of lists."""
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    after, kept = request.GET.get("after", ""), _filters(request)
    late = lists.overdue_items(by, at=at, limit=SHOWN_LATE).rows if not after else []
    found = lists.open_needs(by, at=at, after=after, **kept)
    context = {
        "tabs": _tabs(request, "open"),
        "late": _items(late, _("逾期的帮扶")),
        "choices": _choices(request, kept),
        "rows": _open_rows(found.rows),
        "next_url": _next(found.after, kept),
        "may_collect": may_raise(by),
    }
    return page(request, "needs", "help/needs.html", context)


def _filters(request: HttpRequest) -> dict[str, str]:
    return {key: request.GET.get(key, "")[:60] for key in ("program", "topic")}


def _next(after: str, kept: dict[str, str] | None = None) -> str:
    said = "".join(f"&{key}={value}" for key, value in (kept or {}).items() if value)
    return f"?after={after}{said}" if after else ""


def _choices(request: HttpRequest, kept: dict[str, str]) -> list[dict[str, Any]]:
    """The kinds of need to narrow the list by, of every program that asks for needs."""
    at = request.now  # type: ignore[attr-defined]
    found = [{"key": "", "title": _("所有类别"), "current": not kept["topic"]}]
    known: set[str] = set()
    for rules in programs_with(request, asks_needs):
        for key, title in topics(rules.key, at).items():
            if key not in known:
                found.append({"key": key, "title": title, "current": key == kept["topic"]})
                known.add(key)
    return found


def _tabs(request: HttpRequest, current: str) -> list[dict[str, Any]]:
    tabs = [("open", _("待认领"), "help_needs"), ("mine", _("本单位认领的"), "help_mine")]
    if may_raise(request.posting):  # type: ignore[attr-defined]
        tabs.append(("rounds", _("集中征集"), "help_rounds"))
    return [{"label": label, "url": reverse(name), "current": key == current} for key, label, name in tabs]


def _open_rows(rows: list[lists.NeedRow]) -> dict[str, Any]:
    heads = [_("需求"), _("数额（元）"), _("地方"), _("认领"), _("认领期限")]
    hint = _("新收集的需求会出现在这里；过了期限没有单位认领，就上升一级。")
    return table(_("待认领的需求"), heads, [_open_row(row) for row in rows], _("没有待认领的需求"), hint, (1,))


def _open_row(row: lists.NeedRow) -> list[Any]:
    rose = _("已上升%(n)d次") % {"n": row.rises} if row.rises else ""
    return [
        {"text": row.words, "url": need_url(row.no), "sub": f"{row.name} · {row.topic}", "wide": True},
        row.amount,
        row.place,
        {"text": row.seats, "sub": row.level},
        {"badge": {"tone": TONES[row.clock], "text": row.until}, "text": "", "sub": rose},
    ]


def _items(rows: list[lists.ItemRow], caption: str) -> dict[str, Any]:
    heads = [_("帮扶措施"), _("帮扶人"), _("单位"), _("完成日期")]
    return table(caption, heads, [_item(row) for row in rows], _("没有要办的帮扶"))


def _item(row: lists.ItemRow) -> list[Any]:
    late = _("逾期%(n)d天") % {"n": row.days} if row.days else ""
    return [
        {"text": row.measure, "url": need_url(row.no), "sub": row.name, "wide": True},
        row.helper,
        row.unit,
        {"badge": {"tone": "bad" if late else TONES[row.clock], "text": late or row.due}, "text": "",
         "sub": row.due if late else ""},
    ]  # fmt: skip


@require_safe
@helper
def mine(request: HttpRequest) -> HttpResponse:
    """What one has to do oneself, what the unit took on, and what it finished. Three queries of lists."""
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    found = lists.my_claims(by, at=at, after=request.GET.get("after", ""))
    context = {
        "tabs": _tabs(request, "mine"),
        "tasks": _items(lists.my_items(by, at=at).rows, _("我要办的帮扶")),
        "claims": claims_table(found.rows, _("帮扶中")),
        "next_url": _next(found.after),
        "ended": claims_table(lists.my_claims(by, at=at, ended=True, limit=20).rows, _("办完和退回的")),
    }
    return page(request, "needs", "help/mine.html", context)


def claims_table(rows: list[lists.ClaimRow], caption: str) -> dict[str, Any]:
    heads = [_("需求"), _("地方"), _("计划进度"), _("接下来")]
    hint = _("在“待认领”里认领一条需求，就从这里开始帮扶。")
    return table(caption, heads, [_claim_row(row) for row in rows], _("这里还没有需求"), hint)


def _claim_row(row: lists.ClaimRow) -> list[Any]:
    late = _("逾期%(n)d项") % {"n": row.late} if row.late and row.owes else ""
    return [
        {"text": row.words, "url": need_url(row.no), "sub": f"{row.name} · {row.topic}", "wide": True},
        {"text": row.place, "sub": row.unit},
        {"text": row.progress if row.items else _("未制定"), "sub": late},
        {"badge": {"tone": TONES[row.clock] if row.owes else STATES["met"], "text": row.owes or row.state}, "text": ""},
    ]


# Rounds


class RoundForm(forms.Form):
    program = forms.ChoiceField(label=gettext_lazy("培养项目"))
    title = forms.CharField(label=gettext_lazy("名称"), max_length=80)
    unit = UnitField(label=gettext_lazy("征集的地区"), help_text=gettext_lazy("地名或代码。"), places=True)
    window = forms.ChoiceField(label=gettext_lazy("认领期限"), initial=clock.WINDOW)

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["program"].choices = choices  # type: ignore[attr-defined]
        windows = [(f"{n}wd", _("%(n)d个工作日") % {"n": n}) for n in WINDOWS]
        self.fields["window"].choices = windows  # type: ignore[attr-defined]


def _round_form(request: HttpRequest, data: Any = None) -> RoundForm:
    choices = [(rules.key, title_of(rules)) for rules in programs_with(request, asks_needs)]
    return RoundForm(data, choices=choices, initial={"window": clock.WINDOW, "unit": own_area(request).name})


@require_http_methods(["GET", "HEAD", "POST"])
@raiser
def all_rounds(request: HttpRequest) -> HttpResponse:
    """Rounds of the area, the latest first; a steering post opens one."""
    if request.method != "POST":
        return _rounds_page(request, _round_form(request))
    form = _round_form(request, request.POST)
    return submit(
        request, form, lambda said: _open(request, said), done=_("征集已经开始。"), to=reverse("help_rounds"),
        again=lambda status: _rounds_page(request, form, status),
    )  # fmt: skip


def _open(request: HttpRequest, said: dict[str, Any]) -> Round:
    return rounds.open(
        said["program"], title=said["title"], unit=said["unit"], window=said["window"], by=request.posting,  # type: ignore[attr-defined]
        at=request.now,  # type: ignore[attr-defined]
    )  # fmt: skip


def _rounds_page(request: HttpRequest, form: RoundForm, status: int = 200, refused: Any = "") -> HttpResponse:
    by = request.posting  # type: ignore[attr-defined]
    steering = by.role in access.STEERING
    found = Round.objects.filter(unit__path__contains=[own_area(request).id]).select_related("unit")
    taken, met = ~Q(offers__state="open"), Q(offers__state="met")
    found = found.annotate(
        needs=Count("offers"), taken=Count("offers", filter=taken), met=Count("offers", filter=met)
    ).order_by("-opened_at")[:50]
    rows = [_round(one, steering) for one in found]
    shown = {"form": form if steering else None, "refused": refused}
    return page(
        request, "needs", "help/rounds.html", {"tabs": _tabs(request, "rounds"), "rounds": rows, **shown}, status
    )


def _round(one: Any, steering: bool) -> dict[str, Any]:
    days = [timezone.localtime(moment).date().isoformat() for moment in (one.opened_at, one.closed_at) if moment]
    numbers = _("需求%(needs)d条，已认领%(taken)d条，已解决%(met)d条")
    return {
        "title": one.title, "unit": one.unit.name, "days": " — ".join(days), "running": one.closed_at is None,
        "numbers": numbers % {"needs": one.needs, "taken": one.taken, "met": one.met},
        "close_url": reverse("help_round_close", args=[one.no]) if steering and one.closed_at is None else "",
        "collect_url": f"{reverse('help_collect')}?round={one.no}" if one.closed_at is None else "",
        "collect": _("收集需求"), "close": _("结束征集"), "question": _("结束后不能再收集，已收集的照常办理。确定吗？"),
    }  # fmt: skip


@require_POST
@raiser
def close_round(request: HttpRequest, no: str) -> HttpResponse:
    found = Round.objects.filter(no=as_stored(no)).select_related("unit").first()
    if found is None or not covers(request.posting, found.unit):  # type: ignore[attr-defined]
        raise access.NotFound
    form = forms.Form(request.POST)
    return submit(
        request, form, lambda said: rounds.close(found, by=request.posting, at=request.now),  # type: ignore[attr-defined]
        done=_("征集已经结束。"), to=reverse("help_rounds"),
        again=lambda status: _rounds_page(request, _round_form(request), status, form.non_field_errors()),
    )  # fmt: skip


# A new need


class CollectForm(forms.Form):
    """What somebody needs, in their own words, of a kind that the program knows."""

    subject = forms.CharField()
    topic = forms.ChoiceField(label=gettext_lazy("需求类别"))
    text = words(gettext_lazy("需要什么帮助"), rows=4)
    amount = forms.DecimalField(
        label=gettext_lazy("数额（元）"), required=False, max_digits=14, decimal_places=2,
        help_text=gettext_lazy("需要资金时填写。"),
    )  # fmt: skip
    capacity = forms.IntegerField(
        label=gettext_lazy("几个单位可以一起认领"), min_value=1, max_value=needs.MOST_SEATS, initial=1
    )
    round = forms.ChoiceField(label=gettext_lazy("属于哪次征集"), required=False)
    blamed = {"unit": "subject"}

    def __init__(self, *args: Any, by: Any, choices: list[Any], rounds: list[Round], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = {one.no: one for one in rounds}
        who = _("姓名，或档案上的编号；同名的填编号。")
        self.fields["subject"] = SubjectField(by=by, label=_("培养对象"), help_text=who)
        self.fields["topic"].choices = choices  # type: ignore[attr-defined]
        titles = [(one.no, f"{one.title}（{one.unit.name}）") for one in rounds]
        self.fields["round"].choices = [("", _("平时收集")), *titles]  # type: ignore[attr-defined]


def _collect_form(request: HttpRequest, data: Any = None) -> CollectForm:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    found = programs_with(request, asks_needs)
    groups = [(title_of(rules), _topics_of(rules, at)) for rules in found]
    choices: list[Any] = [("", _("请选择")), *(groups if len(groups) > 1 else groups[0][1] if groups else [])]
    area = own_area(request)
    running = Round.objects.filter(Q(unit__in=area.path) | Q(unit__path__contains=[area.id]), closed_at=None)
    here = list(running.select_related("unit"))
    initial = {"subject": request.GET.get("s", ""), "round": request.GET.get("round", ""), "capacity": 1}
    return CollectForm(data, by=by, choices=choices, rounds=here, initial=initial)


def _topics_of(rules: LadderProgram, at: Any) -> list[tuple[str, str]]:
    return [(f"{rules.key}:{key}", title) for key, title in topics(rules.key, at).items()]


@require_http_methods(["GET", "HEAD", "POST"])
@raiser
def collect(request: HttpRequest) -> HttpResponse:
    """Write down what a trainee needs; it is open for claims at once."""
    if request.method != "POST":
        return _collect_page(request, _collect_form(request))
    form = _collect_form(request, request.POST)
    return submit(
        request, form, lambda said: _collected(request, form, said), done=_("需求已登记，等待单位认领。"),
        to=lambda offer: need_url(offer.no), again=lambda status: _collect_page(request, form, status),
    )  # fmt: skip


def _collected(request: HttpRequest, form: CollectForm, said: dict[str, Any]) -> Offer:
    program, _colon, topic = said["topic"].partition(":")
    subject = said["subject"]
    standing = standing_of(subject, program)
    return needs.collect(
        subject, topic=topic, text=said["text"], program=program, round=form.known.get(said["round"]),
        amount=said["amount"], capacity=said["capacity"], by=request.posting, at=request.now,  # type: ignore[attr-defined]
        standing_id=standing.pk if standing else None,
    )  # fmt: skip


def _collect_page(request: HttpRequest, form: CollectForm, status: int = 200) -> HttpResponse:
    return page(request, "needs", "help/collect.html", {"form": form, "crumbs": _crumbs()}, status)


def _crumbs() -> list[dict[str, str]]:
    return [{"label": _("需求和帮扶"), "url": reverse("help_needs")}, {"label": _("收集需求")}]
