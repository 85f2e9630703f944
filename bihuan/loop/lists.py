"""Lists of cases: one indexed query a page, whatever the table's size; rows come as ready strings.

A list names its scope (what the posting's reach or a drill-down covers), its view (open, closed or accepted) and filters.
Pages are keyset: `after` is the cursor of the last row seen, so page one thousand is as quick as the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.lib.codes import spoken
from bihuan.loop.categories import full_title, within
from bihuan.loop.models import NEVER, Secrecy, State
from bihuan.loop.wording import titles
from bihuan.net import tree
from bihuan.net.models import Posting, Role
from bihuan.net.regions import across_regions
from bihuan.net.scope import Reach, reach

PAGE = 100
MOST = 200

# What orders each view and which rows it holds. `due_at` first means: what goes wrong first stands first.
VIEWS = {
    "open": ("due_at", "closed_at IS NULL", "ASC"),
    "closed": ("closed_at", "closed_at IS NOT NULL", "DESC"),
    "accepted": ("accepted_at", "accepted_at IS NOT NULL", "DESC"),
}
COLUMNS = frozenset({"l1", "l2", "l3", "l4", "l5", "grid_id", "unit_id", "finder"})
SOON = timedelta(days=1)  # this long before it is due, a step is about to be late


class BadCursor(Exception):
    """A cursor that no page gave out."""

    def __init__(self) -> None:
        super().__init__("翻页参数有误，请回到第一页。")


@dataclass(frozen=True, slots=True)
class Listing:
    """Which cases to list. `since`, `until` bound the view's own moment; the rest narrows by equality.

    outcome: on_time, late, grassroots - of closed cases.   late: open cases past their due time at `at`.
    """

    scope: Reach
    view: str = "open"
    states: tuple[str, ...] = ()
    category_id: int | None = None
    type: str = ""
    source: str = ""
    unit_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    outcome: str = ""
    late: bool = False
    unplaced: bool = False  # only those that nobody could put on the net yet
    as_of: datetime | None = None  # with view "open": the cases that were open at this past moment
    secrets_of: int | None = None  # the unit whose secret cases may be shown; 0 shows every one
    areas: tuple[Reach, ...] = field(default=())  # further narrowing: a drill-down inside the scope


@dataclass(frozen=True, slots=True)
class Row:
    """A case in a list, as it is shown."""

    number: str
    spoken: str
    words: str
    type: str
    type_key: str
    state: str
    state_key: str
    category: str
    place: str
    unit: str
    filed: str
    due: str
    left: str
    clock: str  # ok, soon, late, done
    urgency: str
    n: int
    case_id: int
    region_id: int
    unit_id: int
    secret: bool  # 保密: who lists it must not show its words to just anybody
    hand_backs: int
    redos: int
    calls: int
    cursor: str


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    after: str  # cursor of the next page; empty on the last


def listing_for(posting: Posting, **narrow: Any) -> Listing:
    """What a posting may list, narrowed. Secret cases only for those `access.may_see` lets in."""
    secrets = 0 if posting.role in (Role.DISPATCHER, Role.CALLER) else None
    if posting.role in (Role.HANDLER, Role.CHIEF):
        secrets = posting.unit_id
    return Listing(reach(posting), secrets_of=secrets, **narrow)


def page(listing: Listing, *, at: datetime, after: str = "", limit: int = PAGE) -> Page:
    """One page of cases. One query. Raises BadCursor."""
    limit = min(max(limit, 1), MOST)
    statement, values = _statement(listing, at, after, limit + 1)
    with across_regions("a list covers what the posting covers"), connection.cursor() as cursor:
        cursor.execute(statement, values)
        found = cursor.fetchall()
    rows = rows_of(found[:limit], at, VIEWS[listing.view][0])
    return Page(rows, rows[-1].cursor if len(found) > limit else "")


def count(listing: Listing, *, at: datetime, most: int = 1000) -> int:
    """How many cases the listing holds, counted up to `most`; meant for open cases of one desk. One query."""
    where, values = _where(listing, at)
    with across_regions("a list covers what the posting covers"), connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM (SELECT 1 FROM loop_case c WHERE {where} LIMIT %s) few", [*values, most])
        return cursor.fetchone()[0]


def count_states(listing: Listing, *, at: datetime) -> dict[str, int]:
    """Open cases of the listing by state, with "late" for those past due and "soon" for those that will be within a
    day: the badges of a desk. One query."""
    statement, values = states_statement(listing, at)
    with across_regions("a list covers what the posting covers"), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return states_summed(cursor.fetchall())


def states_statement(listing: Listing, at: datetime) -> tuple[str, list[Any]]:
    """Counts by state as (state, all, late, soon), to be run alone or beside other counts."""
    where, values = _where(listing, at)
    statement = f"""
        SELECT c.state, count(*), count(*) FILTER (WHERE c.due_at < %s),
               count(*) FILTER (WHERE c.due_at >= %s AND c.due_at < %s)
        FROM loop_case c WHERE {where} GROUP BY 1
    """
    return statement, [at, at, at + SOON, *values]


def states_summed(found: Sequence[tuple]) -> dict[str, int]:
    """What `states_statement` found, as counts by state and the sums "late" and "soon"."""
    sums = {"late": sum(row[2] for row in found), "soon": sum(row[3] for row in found)}
    return {row[0]: row[1] for row in found} | sums


def count_many(listings: Mapping[str, Listing], *, at: datetime, most: int = 1000) -> dict[str, int]:
    """How many cases each listing holds, each counted up to `most`: the badges of many queues. One query."""
    parts: list[str] = []
    values: list[Any] = []
    for key, listing in listings.items():
        where, given = _where(listing, at)
        parts.append(f"SELECT %s, count(*) FROM (SELECT 1 FROM loop_case c WHERE {where} LIMIT %s) few")
        values += [key, *given, most]
    with across_regions("a list covers what the posting covers"), connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        return dict(cursor.fetchall())


@dataclass(frozen=True, slots=True)
class UnitCount:
    """What of a unit's open cases needs pressing: past due, due within a day, handed back and not decided."""

    unit_id: int
    late: int
    soon: int
    returned: int


def count_units(listing: Listing, *, at: datetime, most: int = 300) -> list[UnitCount]:
    """The units that have something late, due within a day or handed back, the worst first. One query."""
    due, values = _where(replace(listing, until=at + SOON), at)
    back, more = _where(replace(listing, states=(State.RETURNED.value,)), at)
    with across_regions("a list covers what the posting covers"), connection.cursor() as cursor:
        cursor.execute(_UNITS.format(due=due, back=back), [at, at, *values, *more, most])
        return [UnitCount(*fields) for fields in cursor.fetchall()]


_UNITS = """
SELECT unit_id, sum(late)::int, sum(soon)::int, sum(returned)::int FROM (
    SELECT c.unit_id, (c.due_at < %s)::int AS late, (c.due_at >= %s)::int AS soon, 0 AS returned
    FROM loop_case c WHERE {due}
    UNION ALL
    SELECT c.unit_id, 0, 0, 1 FROM loop_case c WHERE {back}
) pressing
GROUP BY unit_id ORDER BY 2 DESC, 3 DESC, 4 DESC, unit_id
LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Point:
    """Where an open case is, for a map. `clock`: ok, soon, late."""

    number: str
    words: str
    lng: float
    lat: float
    clock: str


def points(listing: Listing, *, at: datetime, most: int = 300) -> list[Point]:
    """The listing's cases that have a point, most pressing first. One query."""
    where, values = _where(listing, at)
    statement = f"""
        SELECT c.no, left(t.body, 40), c.lng, c.lat, c.due_at
        FROM loop_case c JOIN dossier_text t ON t.region_id = c.region_id AND t.id = c.text_id
        WHERE {where} AND c.lng IS NOT NULL ORDER BY c.due_at, c.id LIMIT %s
    """
    with across_regions("a list covers what the posting covers"), connection.cursor() as cursor:
        cursor.execute(statement, [*values, most])
        found = cursor.fetchall()
    return [Point(no, words, lng, lat, clock_of(due, at)) for no, words, lng, lat, due in found]


# What a row is made of; `c` is the case, `t` the text it was filed with.
ROW = """c.id, c.region_id, c.no, c.type, c.state, c.category_id, c.grid_id, c.unit_id, c.urgency, c.filed_at, c.due_at,
       c.promise_at, c.accepted_at, c.closed_at, c.overdue_raw, c.n, c.secrecy, c.hand_backs, c.redos, c.calls,
       left(t.body, 80)"""
_SELECT = """
SELECT {row}
FROM loop_case c JOIN dossier_text t ON t.region_id = c.region_id AND t.id = c.text_id
WHERE {where}
ORDER BY c.{key} {way}, c.id {way}
LIMIT %s
"""


def _statement(listing: Listing, at: datetime, after: str, limit: int) -> tuple[str, list[Any]]:
    key, _held, way = VIEWS[listing.view]
    where, values = _where(listing, at)
    if after:
        moment, case_id = _uncursor(after)
        where += f" AND (c.{key}, c.id) {'>' if way == 'ASC' else '<'} (%s, %s)"
        values += [moment, case_id]
    return _SELECT.format(row=ROW, where=where, key=key, way=way), [*values, limit]


def _where(listing: Listing, at: datetime) -> tuple[str, list[Any]]:
    key, held, _way = VIEWS[listing.view]
    terms: list[str] = [f"c.{held}"]
    values: list[Any] = []

    def term(sql: str, *given: Any) -> None:
        terms.append(sql)
        values.extend(given)

    if listing.as_of:
        terms.clear()
        term("c.filed_at < %s AND (c.closed_at IS NULL OR c.closed_at >= %s)", listing.as_of, listing.as_of)
    for scope in (listing.scope, *listing.areas):
        _scope(scope, term)
    if len(listing.states) == 1:
        term("c.state = %s", listing.states[0])
    elif listing.states:
        term("c.state = ANY(%s::text[])", list(listing.states))
    if listing.category_id:
        _category(listing.category_id, term)
    for column in ("type", "source", "unit_id"):
        if wanted := getattr(listing, column):
            term(f"c.{column} = %s", wanted)
    if listing.unplaced:
        term("c.grid_id IS NULL")
    _time(listing, key, at, term)
    if listing.outcome:
        term(_OUTCOMES[listing.outcome])
    _secrecy(listing.secrets_of, term)
    term("NOT c.test")
    return " AND ".join(terms), values


_OUTCOMES = {
    "settled": "c.state = 'closed'",
    "on_time": "c.state = 'closed' AND c.overdue_raw IS FALSE",
    "late": "c.state = 'closed' AND c.overdue_raw",
    "grassroots": "c.state = 'closed' AND c.settled_level >= 5",
}


def _scope(scope: Reach, term) -> None:  # type: ignore[no-untyped-def]
    if scope.column not in COLUMNS:
        raise ValueError(f"cases are not listed by {scope.column}")
    if len(scope.ids) == 1:
        term(f"c.{scope.column} = %s", scope.ids[0])
    else:
        term(f"c.{scope.column} = ANY(%s::bigint[])", list(scope.ids))


def _time(listing: Listing, key: str, at: datetime, term) -> None:  # type: ignore[no-untyped-def]
    if listing.since:
        term(f"c.{key} >= %s", listing.since)
    if listing.until:
        term(f"c.{key} < %s", listing.until)
    if listing.late:
        term("c.due_at < %s", at)


def _category(category_id: int, term) -> None:  # type: ignore[no-untyped-def]
    """A category means those below it too; equality where there are none, so that its index serves."""
    ids = within(category_id)
    if len(ids) == 1:
        term("c.category_id = %s", ids[0])
    else:
        term("c.category_id = ANY(%s::int[])", list(ids))


def _secrecy(secrets_of: int | None, term) -> None:  # type: ignore[no-untyped-def]
    if secrets_of is None:
        term("c.secrecy <> %s", Secrecy.SECRET.value)
    elif secrets_of:
        term("(c.secrecy <> %s OR c.unit_id = %s)", Secrecy.SECRET.value, secrets_of)


def rows_of(found: Sequence[tuple], at: datetime, key: str = "due_at") -> list[Row]:
    """Rows from what a statement selected as ROW; `key` is the moment their cursors are made of."""
    net = tree.snapshot()
    states = {state.value: str(state.label) for state in State}
    types, urgencies, zone = titles("type", at), titles("urgency", at), timezone.get_current_timezone()
    local = at.astimezone(zone)
    return [_row(_Found(*fields), net, key, states, types, urgencies, local) for fields in found]


class _Found(NamedTuple):
    """What ROW selects, in its order."""

    case_id: int
    region: int
    no: str
    type: str
    state: str
    category: int | None
    grid: int | None
    unit: int
    urgency: str
    filed_at: datetime
    due_at: datetime
    promise_at: datetime | None
    accepted_at: datetime | None
    closed_at: datetime | None
    late: bool | None
    n: int
    secrecy: str
    hand_backs: int
    redos: int
    calls: int
    words: str


def _row(one: _Found, net, key, states, types, urgencies, at) -> Row:  # type: ignore[no-untyped-def]
    left, clock = _left(one.due_at, one.closed_at, one.late, at)
    return Row(
        number=one.no,
        spoken=spoken(one.no),
        words=one.words.replace("\n", " "),
        type=types.get(one.type, one.type),
        type_key=one.type,
        state=states[one.state],
        state_key=one.state,
        category=full_title(one.category),
        place=net.unit(one.grid).name if one.grid else _("未定位"),
        unit=net.unit(one.unit).name,
        filed=_short(one.filed_at, at),
        due=_short(one.promise_at or one.due_at, at),
        left=left,
        clock=clock,
        urgency="" if one.urgency == "normal" else urgencies.get(one.urgency, one.urgency),
        n=one.n,
        case_id=one.case_id,
        region_id=one.region,
        unit_id=one.unit,
        secret=one.secrecy == Secrecy.SECRET,
        hand_backs=one.hand_backs,
        redos=one.redos,
        calls=one.calls,
        cursor=f"{getattr(one, key).timestamp():.6f}-{one.case_id}",
    )


def _left(due: datetime, closed: datetime | None, late: bool | None, at: datetime) -> tuple[str, str]:
    """How much time is left in words, and how the clock stands."""
    if closed:
        return {True: (_("超时办结"), "late"), False: (_("按时办结"), "done"), None: (_("已办结"), "done")}[late]
    if due >= NEVER:
        return _("没有时限"), "ok"
    left = due - at
    words = _span(abs(left))
    says = _("超时%(time)s") if left < timedelta(0) else _("剩%(time)s")
    return says % {"time": words}, clock_of(due, at)


def clock_of(due: datetime, at: datetime) -> str:
    """How an open step's clock stands: ok, soon or late."""
    left = due - at
    return "late" if left < timedelta(0) else "soon" if left < SOON else "ok"


def _span(left: timedelta) -> str:
    days, hours, minutes = left.days, left.seconds // 3600, left.seconds % 3600 // 60
    if days:
        return _("%(days)s天%(hours)s小时") % {"days": days, "hours": hours}
    if not hours:
        return _("%(minutes)s分钟") % {"minutes": minutes}
    return _("%(hours)s小时%(minutes)s分") % {"hours": hours, "minutes": minutes}


def _short(moment: datetime, at: datetime) -> str:
    """11-16 09:00 as in `at`'s zone, with the year when it is another one than `at`'s; empty for what has no limit."""
    if moment >= NEVER:
        return ""
    local = moment.astimezone(at.tzinfo)
    return f"{local:%m-%d %H:%M}" if local.year == at.year else f"{local:%Y-%m-%d %H:%M}"


def _uncursor(text: str) -> tuple[datetime, int]:
    moment, _dash, case_id = text.partition("-")
    try:
        return datetime.fromtimestamp(float(moment), tz=timezone.get_current_timezone()), int(case_id)
    except (ValueError, OverflowError, OSError):
        raise BadCursor from None
