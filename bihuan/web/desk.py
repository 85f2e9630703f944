"""The desk of a unit that handles cases: what waits for it, what will be late, what its leader must approve."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from bihuan.jobs import hints
from bihuan.loop import lists, worklist
from bihuan.loop.access import case_for
from bihuan.loop.actions import dispatching
from bihuan.loop.categories import categories, full_title, in_use
from bihuan.loop.lists import Listing, Row, listing_for
from bihuan.loop.models import State
from bihuan.loop.refusals import REFUSED, refusal
from bihuan.loop.wording import titles
from bihuan.net import tree
from bihuan.net.models import Posting, Role
from bihuan.web.acting import attempt
from bihuan.web.posting import desk

# What is in the unit's own hands; a reply that is out waits for others.
OWN = (State.DISPATCHED, State.RETURNED, State.SIGNED, State.HANDLING, State.REPLIED)
MOST_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Tab:
    """One list of the desk. `kind` "tasks" lists tasks instead of cases."""

    key: str
    label: Any
    icon: str
    states: tuple[str, ...] = ()
    kind: str = "open"
    tone: str = ""
    empty: Any = ""


UNSIGNED, IN_HAND = (State.DISPATCHED,), (State.SIGNED, State.HANDLING, State.RETURNED)
WITH_OTHERS = (State.CALLING_BACK, State.VERIFYING)
NO_UNSIGNED = gettext_lazy("没有待签收的工单。新派来的会出现在这里。")
NONE_IN_HAND = gettext_lazy("手上没有在办的工单。")
NONE_SOON = gettext_lazy("一天之内没有要到期的工单。")
NONE_LATE = gettext_lazy("没有超时的工单。")
NO_DRAFT = gettext_lazy("没有等着审核的答复。")
NO_HELP = gettext_lazy("没有请本单位协办、交办或核查的事。")
NONE_OUT = gettext_lazy("没有等群众回音的工单。")
NONE_DONE = gettext_lazy("还没有办结的工单。")

TABS = {
    tab.key: tab
    for tab in (
        Tab("sign", gettext_lazy("待签收"), "inbox", UNSIGNED, tone="info", empty=NO_UNSIGNED),
        Tab("doing", gettext_lazy("在办"), "progress-check", IN_HAND, empty=NONE_IN_HAND),
        Tab("soon", gettext_lazy("将超时"), "clock-exclamation", OWN, "soon", "warn", NONE_SOON),
        Tab("late", gettext_lazy("已超时"), "alert-circle", OWN, "late", "bad", NONE_LATE),
        Tab("review", gettext_lazy("待审核"), "rubber-stamp", (State.REPLIED,), tone="info", empty=NO_DRAFT),
        Tab("help", gettext_lazy("协办"), "git-merge", kind="tasks", tone="info", empty=NO_HELP),
        Tab("replied", gettext_lazy("已答复"), "message-2", WITH_OTHERS, empty=NONE_OUT),
        Tab("done", gettext_lazy("已办结"), "archive", kind="closed", empty=NONE_DONE),
    )
}


@require_safe
@desk(Role.HANDLER, Role.CHIEF)
def board(request: HttpRequest) -> HttpResponse:
    """One list of the desk, a hundred rows a page. Four statements."""
    by, at = request.posting, timezone.now()  # type: ignore[attr-defined]
    ask = asked(request, by)
    return render(request, "desk/board.html", page(by, ask, at))


@require_safe
@desk(Role.HANDLER, Role.CHIEF)
def counts(request: HttpRequest) -> HttpResponse:
    """The counts beside the lists, fetched anew when something changed; with a word when the list shown is no longer true."""
    by, at = request.posting, timezone.now()  # type: ignore[attr-defined]
    ask = asked(request, by)
    numbers = badges(by, ask, at)
    shown = request.GET.get("shown", "")
    context = navigation(by, ask, numbers) | {"changed": bool(shown) and shown != str(numbers.get(ask.tab.key))}
    return render(request, "desk/_counts.html", context)


@require_POST
@desk(Role.HANDLER, Role.CHIEF)
def sign(request: HttpRequest) -> HttpResponse:
    """Sign for the ticked cases, each on its own: what somebody else was faster with is named, the rest is done."""
    by, at = request.posting, timezone.now()  # type: ignore[attr-defined]
    done, refused = 0, []
    for ticked in request.POST.getlist("case")[:MOST_AT_ONCE]:
        sentence = _sign_one(ticked, by, at)
        done += not sentence
        refused += [sentence] if sentence else []
    _say_signed(request, done, refused)
    return redirect(request.POST.get("back") if request.POST.get("back", "").startswith("/desk/?") else "desk")


def _sign_one(ticked: str, by: Posting, at: datetime) -> str:
    """Sign one case, ticked as `number.n`; why it could not be, or nothing."""
    number, _dot, n = ticked.partition(".")
    try:
        case = case_for(by, number)
        case.seen_n = int(n) if n.isdecimal() and len(n) < 10 else -1
        dispatching.sign(case, by=by, at=at)
    except REFUSED as error:
        return f"{number}：{refusal(error).message}"
    return ""


def _say_signed(request: HttpRequest, done: int, refused: list[str]) -> None:
    if done:
        said = ngettext("已签收 %(n)d 件，请在时限内先联系反映人。", "已签收 %(n)d 件，请在时限内先联系反映人。", done)
        messages.success(request, said % {"n": done})
    for sentence in refused[:5]:
        messages.error(request, sentence)
    if not done and not refused:
        messages.warning(request, _("请先勾选要签收的工单。"))


@require_safe
@desk(Role.HANDLER, Role.CHIEF)
def find(request: HttpRequest) -> HttpResponse:
    """Straight to a case by its number."""
    with attempt() as tried:
        return redirect("case", number=case_for(request.posting, request.GET.get("q", "")).no)  # type: ignore[attr-defined]
    messages.warning(request, tried.refused.message)  # type: ignore[union-attr]
    return redirect("desk")


# What was asked


@dataclass(frozen=True, slots=True)
class Asked:
    """Which list, narrowed how, from which row on."""

    tab: Tab
    category: int | None
    state: str
    below: bool
    after: str

    def query(self, **changed: Any) -> str:
        """The list's address with some of it changed."""
        pairs = {"tab": self.tab.key, "category": self.category, "state": self.state, "below": self.below and "1"}
        return "/desk/?" + urlencode({key: value for key, value in (pairs | changed).items() if value})


def asked(request: HttpRequest, by: Posting) -> Asked:
    """What the address asks for; what it cannot mean is left out."""
    get = request.GET
    tab = TABS.get(get.get("tab", "")) or TABS["review" if by.role == Role.CHIEF else "sign"]
    category = in_use(get.get("category"))
    state = get.get("state", "") if get.get("state", "") in tab.states else ""
    return Asked(tab, category.pk if category else None, state, get.get("below") == "1", get.get("after", ""))


def listing(by: Posting, ask: Asked, at: datetime) -> Listing:
    """The cases of a tab: those of the own unit, or of the units below too."""
    narrow: dict[str, Any] = {"category_id": ask.category, "unit_id": None if ask.below else by.unit_id}
    if ask.tab.kind == "closed":
        return listing_for(by, view="closed", **narrow)
    if ask.tab.kind == "soon":
        narrow |= {"since": at, "until": at + lists.SOON}
    states = (ask.state,) if ask.state else ask.tab.states
    return listing_for(by, states=states, late=ask.tab.kind == "late", **narrow)


# What is shown


def page(by: Posting, ask: Asked, at: datetime) -> dict[str, Any]:
    numbers = badges(by, ask, at)
    context = navigation(by, ask, numbers) | {"ask": ask, "unit": by.unit.name, "at": at}
    if ask.tab.kind == "tasks":
        return context | {"tasks": [_task(one) for one in worklist.owed(by, at=at, kinds=worklist.HELPING)]}
    found = lists.page(listing(by, ask, at), at=at, after=ask.after)
    return context | filters(by, ask, at) | {
        "rows": [shown(row, by) for row in found.rows],
        "next_url": ask.query(after=found.after) if found.after else "",
        "first_url": ask.query() if ask.after else "",
        "back": ask.query(),
        "can_sign": ask.tab.key == "sign" and any(row.unit_id == by.unit_id for row in found.rows),
        "show_unit": ask.below,
    }  # fmt: skip


def badges(by: Posting, ask: Asked, at: datetime) -> dict[str, int]:
    """How many each tab holds; closed cases are not counted. One statement."""
    own = listing_for(by, states=OWN, unit_id=None if ask.below else by.unit_id)
    found = worklist.badges(own, by, at=at, kinds=worklist.HELPING)
    by_states = {
        tab.key: sum(found.get(state, 0) for state in tab.states)
        for tab in TABS.values()
        if tab.kind == "open" and tab.key != "replied"
    }
    return by_states | {"soon": found["soon"], "late": found["late"], "help": found["tasks"]}


def rail_of(by: Posting, at: datetime) -> list[dict[str, Any]]:
    """The rail's items for a page beside the lists. One statement."""
    ask = Asked(TABS["sign"], None, "", False, "")
    items = navigation(by, ask, badges(by, ask, at))["nav_items"]
    return [item | {"current": False} for item in items]


def navigation(by: Posting, ask: Asked, numbers: dict[str, int]) -> dict[str, Any]:
    """The rail's items, and the same as tabs for a narrow screen."""
    items = [
        {
            "label": tab.label,
            "url": ask.query(tab=tab.key, state="", category=""),
            "icon": tab.icon,
            "count": numbers.get(tab.key),
            "tone": tab.tone if numbers.get(tab.key) else "",
            "current": tab is ask.tab,
        }
        for tab in TABS.values()
    ]
    live = ask.query(shown=numbers.get(ask.tab.key, "")).replace("/desk/?", "/desk/counts/?")
    topic = hints.unit(by.unit_id)
    return {"nav_items": items, "live_url": live, "here": ask.query(), "live_topics": [topic], "topic": topic}


def filters(by: Posting, ask: Asked, at: datetime) -> dict[str, Any]:
    """The boxes above a list: categories, the tab's states, and whether units below count in."""
    words = titles("state", at)
    known = [category for category in categories().values() if not category.retired]
    return {
        "category_options": sorted(
            ({"value": one.pk, "text": full_title(one.pk), "chosen": one.pk == ask.category} for one in known),
            key=lambda option: option["text"],
        ),
        "state_options": [{"value": s, "text": words[s], "chosen": s == ask.state} for s in ask.tab.states]
        if len(ask.tab.states) > 1
        else [],
        "has_below": len(tree.snapshot().below(by.unit_id, "admin")) > 1,
    }


TONES = {"ok": "", "soon": "near", "late": "late", "done": ""}
WORDS = {"ok": "", "soon": "soon-words", "late": "late-words", "done": ""}


def shown(row: Row, by: Posting) -> dict[str, Any]:
    """A case as a row of ready strings."""
    return {
        "tick": f"{row.number}.{row.n}" if row.unit_id == by.unit_id else "",
        "url": f"/cases/{row.number}/",
        "words": row.words,
        "number": row.spoken,
        "marks": " · ".join(_marks(row)),
        "urgency": row.urgency,
        "place": row.place,
        "state": row.state,
        "left": row.left,
        "left_class": WORDS[row.clock],
        "due": row.due,
        "unit": row.unit,
        "tone": TONES[row.clock],
    }


def _marks(row: Row) -> Iterable[str]:
    yield row.type
    if row.category:
        yield row.category
    if row.secret:
        yield _("保密")


def _task(one: worklist.Owed) -> dict[str, Any]:
    local = timezone.localtime(one.due)
    return {
        "kind": one.title,
        "url": f"/cases/{one.row.number}/",
        "words": one.row.words,
        "number": one.row.spoken,
        "place": one.row.place,
        "unit": one.row.unit,
        "due": f"{local:%m-%d %H:%M}",
        "left_class": WORDS[one.clock],
        "tone": TONES[one.clock],
    }
