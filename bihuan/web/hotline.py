"""The agent's one screen: who is calling, what about, and - in the same keystrokes - who takes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bihuan.lib.codes import BadPhone, spoken
from bihuan.loop import callers, categories, lists, wording
from bihuan.loop.access import NotFound, case_for
from bihuan.loop.actions import calls, closing
from bihuan.loop.models import Call, Case, Category
from bihuan.loop.placing import Placed, at_unit
from bihuan.net import tree
from bihuan.net.models import Posting, Role
from bihuan.net.scope import area_of
from bihuan.net.search import units_named
from bihuan.web.acting import attempt
from bihuan.web.case_panels import Button, MoveForm, Panel, one_button, register, words_field
from bihuan.web.forms_hotline import IntakeForm, blank, units
from bihuan.web.places import Where, understand
from bihuan.web.posting import desk

RECENT, OPTIONS = 10, 8
KEYS = {"wrong": "F2", "silent": "F4", "110": "F8", "119": "F9", "120": "F10"}


@desk(Role.AGENT)
@require_http_methods(["GET", "HEAD", "POST"])
def intake(request: HttpRequest) -> HttpResponse:
    """The screen, and the taking down of a call: filed, answered at once or dispatched in one submit."""
    by, at = request.posting, timezone.now()
    if request.method != "POST":
        return _screen(request, blank(request.GET, by=by, at=at))
    form, status = IntakeForm(request.POST, by=by, at=at), 422
    if form.is_valid():
        said = form.cleaned_data
        with attempt(form) as tried:
            done = calls.take(form.report(), by=by, at=at, **_second_step(said))
            return redirect(f"{request.path}?{urlencode({'done': done.number, 'of': said['ref']})}")
        status = tried.refused.status
        if tried.refused.code == "client_id_reused":
            form.data = _renewed(form)
    return _screen(request, form, status=status)


def _second_step(said: dict[str, Any]) -> dict[str, Any]:
    return {
        "answer": {"answer": said["answer"]},
        "dispatch": {"to": said["to"], "assisting": said["assisting"]},
    }.get(said["do"], {})


def _renewed(form: IntakeForm) -> Any:
    """What was typed, under a new id: the earlier one stands for another matter that was filed."""
    data = form.data.copy()
    data["client_id"] = str(uuid4())
    return data


def _screen(request: HttpRequest, form: IntakeForm, status: int = 200) -> HttpResponse:
    by, at = request.posting, timezone.now()
    context = {
        "form": form,
        "assists": units(form.assists),
        "caller": _caller(form["caller"].value() or "", by) if form["caller"].value() else None,
        "ref": form["ref"].value(),
        "draft": _draft(form["ref"].value()),
        "settled": f"hotline {_draft(request.GET.get('of'))}",
        "done": _done(request, by),
        **_suggested(form["text"].value() or "", form["address"].value() or "", by),
        **_counted(by),
        **_recent(by),
    }
    return render(request, "hotline/intake.html", context | {"at": at}, status=status)


def _draft(ref: str | None) -> str:
    """What is typed is kept by the call it belongs to: another call must not find it."""
    return f"hotline-{ref}".replace(" ", "") if ref else "hotline"


def _done(request: HttpRequest, by: Posting) -> dict[str, Any] | None:
    """The case just taken down, to be read to the caller."""
    try:
        case = case_for(by, request.GET["done"]) if "done" in request.GET else None
    except NotFound:
        return None
    if case is None:
        return None
    unit = tree.snapshot().unit(case.unit_id).name if case.dispatched_at else ""
    label = wording.in_force(case.filed_at).label("state", case.state, wording.language())
    return {"number": case.no, "spoken": spoken(case.no), "unit": unit, "state": label}


def _recent(by: Posting) -> dict[str, Any]:
    """The last calls of the centre that became cases. One query."""
    page = lists.page(lists.listing_for(by, view="accepted", source="phone"), at=timezone.now(), limit=RECENT)
    return {"rows": [{"row": row, **_MARKS[row.clock]} for row in page.rows]}


# How a row stands out by its clock, and the badge of its state.
_MARKS = {
    "ok": {"tone": "", "badge": "badge", "icon": "point-filled"},
    "soon": {"tone": "near", "badge": "badge", "icon": "point-filled"},
    "late": {"tone": "late", "badge": "badge", "icon": "point-filled"},
    "done": {"tone": "", "badge": "badge ok", "icon": "check"},
}


# Who is calling


@desk(Role.AGENT)
@require_safe
def caller(request: HttpRequest) -> HttpResponse:
    """The part with the caller's earlier matters, fetched when the number is there."""
    by = request.posting
    return render(request, "hotline/_caller.html", {"caller": _caller(request.GET.get("caller", ""), by)})


def _caller(phone: str, by: Posting) -> callers.Caller | None:
    try:
        return callers.known(phone, by=by, at=timezone.now())
    except BadPhone:
        return None


@desk(Role.AGENT)
@require_safe
def find(request: HttpRequest) -> HttpResponse:
    """The case whose number the caller reads out. What the agent may not see is not there (404)."""
    case = case_for(request.posting, request.GET.get("number", ""))
    return redirect("case", number=case.no)


# Suggestions while typing


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A category and who owes it here, taken with one key."""

    key: str
    category: str
    category_id: int | str
    unit: str
    unit_id: int | str
    why: str


@desk(Role.AGENT)
@require_safe
def suggest(request: HttpRequest) -> HttpResponse:
    by = request.posting
    context = _suggested(request.GET.get("text", ""), request.GET.get("address", ""), by)
    return render(request, "hotline/_suggest.html", context)


def _suggested(text: str, address: str, by: Posting) -> dict[str, Any]:
    """Where it is, what it is about and who owes it, from the words so far. No query."""
    where = understand(address=address.strip()[:200])
    found = [
        _suggestion(n, category, where, by, words) for n, (category, words) in enumerate(_categories(text[:2000]), 1)
    ]
    if not found and (where.unit or text.strip()):
        found = [_suggestion(1, None, where, by, ())]
    return {"where": where, "address_given": bool(address.strip()), "suggestions": [one for one in found if one]}


def _categories(text: str) -> list[tuple[Category, list[str]]]:
    return [(category, categories.deciding(text, category)) for category in categories.suggest(text)]


def _suggestion(
    n: int, category: Category | None, where: Where, by: Posting, words: Sequence[str]
) -> Suggestion | None:
    unit, clause = _owed(category.pk if category else None, where, by)
    why = [_("提到“%(words)s”") % {"words": _("、").join(words)}] if words else []
    if category is None and not unit:
        return None
    return Suggestion(
        key=f"alt+{n}",
        category=categories.full_title(category.pk) if category else "",
        category_id=category.pk if category else "",
        unit=unit.name if unit else "",
        unit_id=unit.id if unit else "",
        why=_("；").join([*why, *([clause] if clause else [])]),
    )


def _owed(category_id: int | None, where: Where, by: Posting) -> tuple[Any, str]:
    """Who owes such a duty there, and by which clause."""
    placed = _placed(where, by)
    matter = Case(**{key: getattr(placed, key) for key in Placed.__slots__})
    basis = categories.owed(matter, category_id=category_id, on=timezone.localdate())
    if basis is None:
        return None, ""
    clause = basis.clause or (_("属地兜底") if basis.fallback else "")
    return tree.snapshot().unit(basis.unit_id), clause


def _placed(where: Where, by: Posting) -> Placed:
    """An unknown place is taken to lie somewhere in the agent's own area."""
    return at_unit(where.unit.id if where.unit else area_of(tree.snapshot().unit(by.unit_id), tree.snapshot()).id)


@desk(Role.AGENT)
@require_safe
def category_options(request: HttpRequest) -> HttpResponse:
    """The list under the category box: what the text suggests, or what its words find."""
    asked = request.GET.get("category_text", "").strip()
    fitting = categories.suggest(request.GET.get("text", "")) if not asked else _titled(asked)
    options = [{"id": one.pk, "text": categories.full_title(one.pk), "why": ""} for one in fitting[:OPTIONS]]
    return render(request, "hotline/_options.html", {"options": options})


def _titled(words: str) -> list[Category]:
    living = [one for one in categories.categories().values() if not one.retired]
    return [one for one in living if words in categories.full_title(one.pk) or words in one.keywords.split()]


@desk(Role.AGENT)
@require_safe
def unit_options(request: HttpRequest) -> HttpResponse:
    """The list under a unit box: who owes it by the duty list, or units by name or pinyin. At most one query."""
    by, box = request.posting, request.GET.get("box", "unit_text")
    asked = request.GET.get(box, "").strip()
    options = _named(asked, by) if asked else _by_duty(request, by)
    return render(request, "hotline/_options.html", {"options": options})


def _by_duty(request: HttpRequest, by: Posting) -> list[dict[str, Any]]:
    chosen = categories.in_use(request.GET.get("category"))
    where = understand(address=request.GET.get("address", "").strip()[:200])
    options, known = [], set()
    for key in dict.fromkeys((chosen.pk if chosen else None, None)):
        unit, clause = _owed(key, where, by)
        if unit is not None and unit.id not in known:
            known.add(unit.id)
            options.append({"id": unit.id, "text": unit.name, "why": clause})
    return options


def _named(words: str, by: Posting) -> list[dict[str, Any]]:
    area = area_of(tree.snapshot().unit(by.unit_id), tree.snapshot())
    found = units_named(words, area.id, most=OPTIONS)
    return [{"id": unit.id, "text": unit.name, "why": ""} for unit in found]


# Calls that become no case


@desk(Role.AGENT)
@require_POST
def count_call(request: HttpRequest) -> HttpResponse:
    """误拨, 无声, 转110 ...: one key. `outcome=undo` takes the last one back."""
    by, at, outcome = request.posting, timezone.now(), request.POST.get("outcome", "")
    shown: dict[str, Any] = {}
    if outcome == "undo":
        calls.take_back_call(by=by, at=at)
    else:
        call = calls.count_call(outcome, by=by, at=at, call_ref=request.POST.get("ref", ""))
        shown = {"last": call.get_outcome_display()}
    if not request.htmx:
        return redirect("hotline")
    return render(request, "hotline/_calls.html", _counted(by) | shown)


def _counted(by: Posting) -> dict[str, Any]:
    counts = calls.calls_today(by=by, at=timezone.now())
    sorts = [
        {"outcome": key, "label": str(Call.Outcome(key).label), "key": name, "count": counts.get(key, 0)}
        for key, name in KEYS.items()
    ]
    return {"sorts": sorts, "calls_total": sum(counts.values())}


# What the resident on the line asks of an earlier matter; the case page offers it


class AsAskedForm(MoveForm):
    text = words_field(gettext_lazy("来电人怎么说"), rows=2)


register(
    Panel(
        "redo",
        "repeat",
        AsAskedForm,
        lambda case, form, by, at: closing.reopen(case, text=form.text, by=by, at=at),
        gettext_lazy("已请承办单位接着办。"),
        one_button(gettext_lazy("请接着办"), "repeat"),
    ),
    Panel(
        "withdraw",
        "circle-x",
        AsAskedForm,
        lambda case, form, by, at: closing.withdraw(case, text=form.text, by=by, at=at),
        gettext_lazy("已按来电人的意思撤回。"),
        lambda sight: [Button(_("确定撤回"), kind="danger", icon="circle-x")],
        title=gettext_lazy("代为撤回"),
    ),
)
