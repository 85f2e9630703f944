"""The queues of the centre, what narrows them, and their rows as ready strings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bihuan.loop import lists
from bihuan.loop.categories import categories, full_title, in_use
from bihuan.loop.lists import SOON, Listing, Row
from bihuan.loop.models import Case, State
from bihuan.loop.wording import titles
from bihuan.net import tree
from bihuan.net.models import Kind, Level, Posting, Role
from bihuan.net.scope import Reach, area_of
from bihuan.net.tree import UnitRow

TODO, UNITS = "todo", "units"
# What waits for a post; the queue "all my work" of each.
WAITING = {
    Role.DISPATCHER: (State.FILED.value, State.ACCEPTED.value, State.RETURNED.value),
    Role.CALLER: (State.CALLING_BACK.value,),
}
MOST_COUNTED = 1000


@dataclass(frozen=True)
class Queue:
    """A queue: which cases, how its count is toned, and what may be done to many of them at once."""

    key: str
    title: str | Promise
    icon: str
    states: tuple[str, ...] = ()
    kind: str = ""  # late, soon, unplaced or closed, when states do not say it
    tone: str = ""
    batch: str = ""  # accept or urge
    empty: str | Promise = ""

    def narrow(self, at: datetime) -> dict[str, Any]:
        """The queue as what narrows a listing."""
        kinds: dict[str, dict[str, Any]] = {
            "late": {"late": True},
            "soon": {"since": at, "until": at + SOON},
            "unplaced": {"unplaced": True},
            "closed": {"view": "closed"},
        }
        return {"states": self.states, **kinds.get(self.kind, {})}


def _waiting(key: str, state: State, icon: str, empty: Any, batch: str = "") -> Queue:
    return Queue(key, state.label, icon, (state.value,), batch=batch, empty=empty)


ALL = (
    _waiting("filed", State.FILED, "inbox", gettext_lazy("新来的诉求都受理了。"), "accept"),
    _waiting("accepted", State.ACCEPTED, "send", gettext_lazy("受理的都派出去了。")),
    _waiting("returned", State.RETURNED, "git-merge", gettext_lazy("没有等着裁定的退单。")),
    _waiting("callback", State.CALLING_BACK, "phone-call", gettext_lazy("答复过的都回访了。")),
    Queue("late", gettext_lazy("超时"), "alert-circle", kind="late", tone="bad", batch="urge",
          empty=gettext_lazy("没有超时的工单。")),
    Queue("soon", gettext_lazy("将超时"), "clock-exclamation", kind="soon", tone="warn", batch="urge",
          empty=gettext_lazy("24 小时内没有到期的。")),
    Queue("unplaced", gettext_lazy("未定位"), "map-pin-off", kind="unplaced", tone="warn",
          empty=gettext_lazy("在办的都定位到网格了。")),
    Queue("open", gettext_lazy("全部在办"), "list-details", batch="urge", empty=gettext_lazy("没有在办的工单。")),
    Queue("closed", gettext_lazy("已办结"), "archive", kind="closed", empty=gettext_lazy("还没有办结的工单。")),
)  # fmt: skip
_MINE = Queue(
    TODO, gettext_lazy("我的待办"), "list-check", tone="info", empty=gettext_lazy("都办完了。新来的会自动出现在这里。")
)
_NAMED = {queue.key: queue for queue in (_MINE, *ALL)}
# Which queues stand in which part of the navigation.
GROUPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (gettext_lazy("等着办"), (TODO, "filed", "accepted", "returned", "callback")),
    (gettext_lazy("盯住"), ("late", "soon", "unplaced", UNITS)),
    (gettext_lazy("全部"), ("open", "closed")),
)


def queue_named(key: str, posting: Posting) -> Queue | None:
    """The queue with this key; "all my work" holds what waits for the posting's own role."""
    if key == TODO:
        waiting = WAITING.get(posting.role)
        return Queue(TODO, _MINE.title, _MINE.icon, waiting, tone=_MINE.tone, empty=_MINE.empty) if waiting else None
    return _NAMED.get(key)


def first_queue(posting: Posting) -> str:
    """Where the day begins: dispatchers with all their work, callers with call-backs, supervisors with the units."""
    return {Role.DISPATCHER: TODO, Role.CALLER: "callback"}.get(posting.role, UNITS)


def has_todo(posting: Posting) -> bool:
    """A caller's work is one queue by itself; only several make "all my work" worth its name."""
    return len(WAITING.get(posting.role, ())) > 1


@dataclass(frozen=True, slots=True)
class Filters:
    """What narrows a queue. What a query string names that is not there narrows nothing."""

    category: int | None = None
    type: str = ""
    area: UnitRow | None = None
    unit: UnitRow | None = None

    @classmethod
    def read(cls, query: QueryDict, posting: Posting, at: datetime) -> "Filters":
        net, home = tree.snapshot(), area_of(tree.snapshot().unit(posting.unit_id), tree.snapshot())
        category, type_ = in_use(query.get("category")), query.get("type", "")
        area = _unit(query.get("area", ""))
        return cls(
            category=category.pk if category else None,
            type=type_ if type_ in titles("type", at) else "",
            area=area if area and home.id in area.path and area.level <= Level.COMMUNITY else None,
            unit=_named_unit(net, query.get("unit", ""), query.get("unit_name", "")),
        )

    def narrow(self) -> dict[str, Any]:
        given: dict[str, Any] = {"category_id": self.category, "type": self.type}
        if self.unit:
            given["unit_id"] = self.unit.id
        if self.area:
            given["areas"] = (Reach(f"l{self.area.level}", (self.area.id,)),)
        return given

    def query(self) -> dict[str, str]:
        """As a query string's members, only those that narrow."""
        given = {
            "category": str(self.category or ""),
            "type": self.type,
            "area": self.area.code if self.area else "",
            "unit": self.unit.code if self.unit else "",
        }
        return {key: value for key, value in given.items() if value}

    def __len__(self) -> int:
        return len(self.query())


def _unit(code: str) -> UnitRow | None:
    net = tree.snapshot()
    return net.by_code(code) if code and net.has_code(code) else None


def _named_unit(net: tree.Net, code: str, name: str) -> UnitRow | None:
    """The unit chosen from the list; a name typed by hand counts when there is exactly one such unit."""
    chosen = _unit(code)
    name = name.strip()
    if not name or (chosen and name == chosen.name):
        return chosen
    called = [unit for unit in net if name in (unit.name, unit.short) and unit.kind != Kind.GRID]
    return called[0] if len(called) == 1 else None


@dataclass(frozen=True)
class Worklist:
    """A queue as somebody looks at it: with filters, at a page. Every form of the desk carries it, to go on in it."""

    queue: Queue
    filters: Filters
    posting: Posting
    after: str = ""
    ticked: frozenset[str] = field(default=frozenset())

    def listing(self, at: datetime) -> Listing:
        return lists.listing_for(self.posting, **self.queue.narrow(at), **self.filters.narrow())

    @property
    def token(self) -> str:
        """queue?filters, as forms and part addresses carry it."""
        query = urlencode(self.filters.query())
        return f"{self.queue.key}?{query}" if query else self.queue.key

    def url(self, *, case: str = "", after: str = "", **changed: str) -> str:
        query = {
            **self.filters.query(),
            **({"after": after} if after else {}),
            **({"case": case} if case else {}),
            **changed,
        }
        return f"/centre/{self.queue.key}/?{urlencode(query)}" if query else f"/centre/{self.queue.key}/"

    @cached_property
    def around_case(self) -> tuple[str, str]:
        """The address of a case beside this page of the list, before and behind its number."""
        before, _number, behind = self.url(case="~", **({"after": self.after} if self.after else {})).partition("~")
        return before, behind

    @cached_property
    def sent_along(self) -> str:
        """What the part of a case is asked for with, to know its list."""
        return urlencode({"list": self.token, "after": self.after})

    def part_url(self) -> str:
        """Where the list part is fetched anew."""
        query = urlencode({**self.filters.query(), **({"after": self.after} if self.after else {})})
        return f"/centre/{self.queue.key}/list/?{query}"


def worklist(key: str, query: QueryDict, posting: Posting, at: datetime) -> Worklist | None:
    """What an address asks for; None when there is no such queue for the posting."""
    queue = queue_named(key, posting)
    if queue is None:
        return None
    ticked = frozenset(pick.partition(":")[0] for pick in query.getlist("pick"))
    return Worklist(queue, Filters.read(query, posting, at), posting, query.get("after", ""), ticked)


def worklist_of(token: str, posting: Posting, at: datetime) -> Worklist:
    """The worklist a form came from; one that is not there is the first of the day."""
    key, _mark, query = token.partition("?")
    usual = "late" if first_queue(posting) == UNITS else first_queue(posting)
    found = worklist(key, QueryDict(query), posting, at) or worklist(usual, QueryDict(), posting, at)
    if found is None:
        raise LookupError(usual)
    return found


# Rows


TONES = {"late": "bad", "soon": "warn", "ok": "", "done": "ok"}


def page_of(work: Worklist, *, at: datetime, shown: str = "") -> dict[str, Any]:
    """The list part: rows, the way to the next page. One query. `shown`: number of the case that is open beside it."""
    page = lists.page(work.listing(at), at=at, after=work.after)
    mixed = len(work.queue.states) != 1
    return {
        "work": work,
        "rows": [row_of(row, work, mixed=mixed, shown=shown) for row in page.rows],
        "next_url": work.url(after=page.after) if page.after else "",
        "first_url": work.url() if work.after else "",
        "may_batch": _batch(work),
    }


def _batch(work: Worklist) -> str:
    """What this posting may do to many cases of the queue at once."""
    allowed = {"accept": (Role.DISPATCHER,), "urge": (Role.DISPATCHER, Role.SUPERVISOR)}
    return work.queue.batch if work.posting.role in allowed.get(work.queue.batch, ()) else ""


def row_of(row: Row, work: Worklist, *, mixed: bool, shown: str = "") -> dict[str, Any]:
    where = [row.place, row.category or row.type]
    before, behind = work.around_case
    return {
        "number": row.number,
        "url": f"{before}{row.number}{behind}",
        "part": f"/centre/cases/{row.number}/?{work.sent_along}",
        "pick": f"{row.number}:{row.n}",
        "ticked": row.number in work.ticked,
        "words": row.words or _("（原文已清除）"),
        "state": row.state if mixed else "",
        "left": row.left,
        "tone": TONES[row.clock],
        "where": " · ".join(where),
        "unit": row.unit if row.state_key not in WAITING[Role.DISPATCHER][:2] else "",
        "marks": list(_marks(row)),
        "shown": row.number == shown,
    }


def _marks(row: Row) -> Iterator[dict[str, str]]:
    if row.urgency:
        yield {"text": row.urgency, "tone": "bad"}
    if row.secret:
        yield {"text": _("保密"), "tone": "hold"}
    if row.hand_backs:
        yield {"text": _("退过%(n)s次") % {"n": row.hand_backs}, "tone": "warn"}
    if row.redos:
        yield {"text": _("第%(n)s次重办") % {"n": row.redos}, "tone": "warn"}
    if row.calls and row.state_key == State.CALLING_BACK:
        yield {"text": _("打过%(n)s次") % {"n": row.calls}, "tone": "info"}


def next_after(work: Worklist, case: Case, *, at: datetime) -> str:
    """The number of the case that comes after this one in its queue, else of the first; empty when no other is left.

    case: as it stood before the act, because the act may have moved it. One or two queries.
    """
    listing = work.listing(at)
    if listing.view == "open":
        later = lists.page(listing, at=at, after=f"{case.due_at.timestamp():.6f}-{case.pk}", limit=1).rows
        if later:
            return later[0].number
    first = lists.page(listing, at=at, limit=2).rows
    return next((row.number for row in first if row.case_id != case.pk), "")


# Navigation and filters


def counts(posting: Posting, *, at: datetime) -> dict[str, int]:
    """How many cases each queue holds, ended ones not counted. One query."""
    keys = [*([TODO] if has_todo(posting) else []), *(queue.key for queue in ALL if queue.kind != "closed")]
    listings: dict[str, Listing] = {}
    for key in keys:
        queue = queue_named(key, posting)
        if queue is not None:
            listings[key] = lists.listing_for(posting, **queue.narrow(at))
    return lists.count_many(listings, at=at, most=MOST_COUNTED)


def navigation(posting: Posting, current: str, counted: Mapping[str, int]) -> list[dict[str, Any]]:
    """The queues as groups for parts/nav.html."""
    groups = [(title, [_way(key, posting, current, counted) for key in keys]) for title, keys in GROUPS]
    return [{"title": title, "items": [way for way in ways if way]} for title, ways in groups]


def _way(key: str, posting: Posting, current: str, counted: Mapping[str, int]) -> dict[str, Any] | None:
    if key == UNITS:
        return {"label": _("单位督办"), "url": "/centre/units/", "icon": "building", "current": current == UNITS}
    if key == TODO and not has_todo(posting):
        return None
    queue = _NAMED[key]
    count = counted.get(key, 0)
    return {
        "label": queue.title,
        "url": f"/centre/{key}/",
        "icon": queue.icon,
        "current": key == current,
        "count": f"{MOST_COUNTED - 1}+" if count >= MOST_COUNTED else count,
        "tone": queue.tone,
    }


def choices(work: Worklist, at: datetime) -> dict[str, Any]:
    """What the filters offer, the chosen marked. No query."""
    chosen = work.filters
    types = titles("type", at)
    return {
        "types": [{"value": key, "text": text, "chosen": key == chosen.type} for key, text in types.items()],
        "categories": list(category_groups(chosen.category)),
        "areas": _areas(work.posting, chosen.area),
        "unit": chosen.unit,
        "narrowed": len(chosen),
        "words": " · ".join(_words(chosen, types)),
    }


def _words(chosen: Filters, types: Mapping[str, str]) -> Iterator[str]:
    if chosen.category:
        yield full_title(chosen.category)
    if chosen.type:
        yield types[chosen.type]
    if chosen.area:
        yield chosen.area.name
    if chosen.unit:
        yield chosen.unit.name


def category_groups(chosen: int | None) -> Iterator[dict[str, Any]]:
    """Categories in use, grouped under their tops; a top itself stands first in its group."""
    living = [category for category in categories().values() if not category.retired]
    for top in (category for category in living if category.parent_id is None):
        below = [category for category in living if category.parent_id == top.pk]
        options = [{"value": one.pk, "text": one.title, "chosen": one.pk == chosen} for one in (top, *below)]
        yield {"title": top.title, "options": options}


def _areas(posting: Posting, chosen: UnitRow | None) -> list[dict[str, Any]]:
    """The areas below the posting's own: counties with their towns, or towns alone."""
    net = tree.snapshot()
    home = area_of(net.unit(posting.unit_id), net)
    below = [unit for unit in net.children(home.id) if unit.is_place and unit.level <= Level.COMMUNITY]
    if home.level < Level.COUNTY:
        return [_area_group(county, net.children(county.id), chosen) for county in below]
    return [_area_group(None, below, chosen)] if below else []


def _area_group(top: UnitRow | None, below: Any, chosen: UnitRow | None) -> dict[str, Any]:
    units = [*([top] if top else []), *(unit for unit in below if unit.is_place)]
    options = [{"value": unit.code, "text": unit.name, "chosen": unit == chosen} for unit in units]
    return {"title": top.name if top else "", "options": options}
