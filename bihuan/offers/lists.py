"""Lists for pages: one indexed query a page, rows as ready strings. Pages are keyset: `after` is the last row's cursor.

Each list asks what the posting may know: those who answer for trainees see their area, helping units what is offered to
them and what they took.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.loop.lists import BadCursor
from bihuan.net import tree
from bihuan.net.models import Level, Posting, Role, Tree
from bihuan.net.regions import across_regions
from bihuan.net.scope import area_of
from bihuan.net.tree import UnitRow
from bihuan.offers import access
from bihuan.offers.models import Claim, Offer, Pairing, PlanItem, Session
from bihuan.offers.topics import topic_title

PAGE, MOST = 50, 200
SOON = timedelta(days=2)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    rows: list[R]
    after: str  # cursor of the next page; empty on the last


@dataclass(frozen=True, slots=True)
class NeedRow:
    """A need in a list."""

    no: str
    subject_no: str
    name: str
    topic: str
    topic_key: str
    words: str
    amount: str
    place: str
    level: str  # where it is offered now
    seats: str  # "1/2"
    state: str
    state_key: str
    opened: str
    until: str
    clock: str  # ok, soon, late; empty while nothing runs
    rises: int
    cursor: str


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A claim of one's unit, with how far its plan is."""

    claim_id: int
    no: str
    name: str
    topic: str
    words: str
    place: str
    unit: str
    since: str
    state: str
    state_key: str
    items: int
    done: int
    late: int
    progress: str  # "2/5"
    owes: str  # what is due next, and when
    clock: str
    cursor: str


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A line of a plan that is to be done now."""

    item_id: int
    no: str
    name: str
    n: int
    measure: str
    helper: str
    unit: str
    due: str
    days: int  # late by; 0 while there is time
    clock: str  # ok, soon, late
    cursor: str


@dataclass(frozen=True, slots=True)
class SessionRow:
    no: str
    circle: str
    circle_no: str
    kind: str
    kind_key: str
    title: str
    venue: str
    unit: str
    when: str
    day: date
    seats: str
    present: int
    state: str
    state_key: str
    cursor: str


@dataclass(frozen=True, slots=True)
class SuggestionRow:
    no: str
    who: str
    words: str
    when: str
    place: str
    circle: str
    case_no: str  # empty while it is none
    cursor: str


@dataclass(frozen=True, slots=True)
class PairRow:
    no: str
    kind: str
    branch: str
    village: str
    since: str
    planned: bool
    deeds: int  # of the year
    counted: int  # what these deeds counted up to
    last: str
    cursor: str


# --- Needs ----------------------------------------------------------------------------------------------------------

_NEED = """
SELECT o.id, o.no, s.no, s.name, o.version, o.topic, left(t.body, 120), o.amount, o.place_id, o.unit_id, o.taken, o.capacity,
       o.state, o.opened_at, o.window_until, o.rises
FROM offers_offer o
JOIN dossier_text t ON t.region_id = o.region_id AND t.id = o.text_id
LEFT JOIN dossier_subject s ON s.id = o.subject_id
WHERE {where}
ORDER BY {order} LIMIT %s
"""


def open_needs(
    posting: Posting, *, at: datetime, program: str = "", topic: str = "", after: str = "", limit: int = PAGE
) -> Page[NeedRow]:
    """Needs that wait for a claim: offered where the posting stands, or in the area it answers for; what rises first
    stands first. One query. Raises BadCursor."""
    if posting.role not in access.PEOPLE:
        return Page([], "")
    area = _area(posting)
    terms = [f"o.l{area.level} = %s", "o.ended_at IS NULL", "o.state = 'open'"]
    values: list[Any] = [area.id]
    if posting.role not in access.ANSWERABLE:  # only what has come to this level, or stands above and is open to it
        terms.append("o.unit_id = ANY(%s::bigint[])")
        values.append(list(area.path))
    for column, wanted in (("program", program), ("topic", topic)):
        if wanted:
            terms.append(f"o.{column} = %s")
            values.append(wanted)
    return _needs(terms, values, "o.window_until", "ASC", after, limit, at, lambda fields: fields[14])


def needs_of(subject_id: int, *, at: datetime, after: str = "", limit: int = PAGE) -> Page[NeedRow]:
    """All needs of one trainee, the newest first. One query. The caller has asked whether the trainee may be seen."""
    return _needs(["o.subject_id = %s"], [subject_id], "o.opened_at", "DESC", after, limit, at, lambda row: row[13])


def _needs(
    terms: list[str], values: list[Any], key: str, way: str, after: str, limit: int, at: datetime, moment: Callable
) -> Page[NeedRow]:
    found = _page(_NEED, terms, values, key, "o.id", way, after, limit)
    return _paged(found, limit, lambda fields: _need_row(fields, at, _cursor(moment(fields), fields[0])))


def _need_row(fields: Sequence[Any], at: datetime, cursor: str) -> NeedRow:
    (_id, no, subject_no, name, version, topic, words, amount, place, unit, taken, capacity, state, *times, rises) = (
        fields
    )
    net, (opened, until) = tree.snapshot(), times
    return NeedRow(
        no=no, subject_no=subject_no or "", name=name or "", topic=topic_title(Offer(version=version, topic=topic)),
        topic_key=topic, words=_flat(words), amount=_money(amount), place=net.full_name(place, Level.COUNTY),
        level=net.unit(unit).name, seats=f"{taken}/{capacity}", state=str(Offer.State(state).label), state_key=state,
        opened=_short(opened, at), until=_short(until, at), clock=_clock(until, at), rises=rises, cursor=cursor,
    )  # fmt: skip


# --- Claims and plans -----------------------------------------------------------------------------------------------

_CLAIM = """
SELECT c.id, o.no, s.name, o.version, o.topic, left(t.body, 120), o.place_id, c.unit_id, c.at, c.state, c.planned_at, c.due_at,
       p.items, p.done, p.late, p.next_due, c.ended_at
FROM offers_claim c
JOIN offers_offer o ON o.id = c.offer_id
JOIN dossier_text t ON t.region_id = o.region_id AND t.id = o.text_id
LEFT JOIN dossier_subject s ON s.id = o.subject_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE stage <> 'dropped') AS items, count(*) FILTER (WHERE stage = 'done') AS done,
           count(*) FILTER (WHERE late) AS late, min(due_at) FILTER (WHERE stage IN ('waiting', 'open')) AS next_due
    FROM offers_planitem i WHERE i.claim_id = c.id
) p
WHERE {where}
ORDER BY {order} LIMIT %s
"""


def my_claims(
    posting: Posting, *, at: datetime, ended: bool = False, after: str = "", limit: int = PAGE
) -> Page[ClaimRow]:
    """What the posting's unit took on, the longest first; with `ended`, what it finished or gave back, the last first. A
    chief sees the units below his, too. One query. Raises BadCursor."""
    term, units = _own("c.unit_id", posting)
    return _claims([term], [units], at=at, ended=ended, after=after, limit=limit)


def claims_of(unit_id: int, *, at: datetime, ended: bool = False, after: str = "", limit: int = PAGE) -> Page[ClaimRow]:
    """The same for one unit. The caller has asked whether its work may be seen. One query. Raises BadCursor."""
    return _claims(["c.unit_id = %s"], [unit_id], at=at, ended=ended, after=after, limit=limit)


def _claims(
    terms: list[str], values: list[Any], *, at: datetime, ended: bool, after: str, limit: int
) -> Page[ClaimRow]:
    terms = [*terms, "c.state <> 'taken'" if ended else "c.state = 'taken'"]
    key, way = ("c.ended_at", "DESC") if ended else ("c.at", "ASC")
    found = _page(_CLAIM, terms, values, key, "c.id", way, after, limit)
    return _paged(found, limit, lambda fields: _claim_row(fields, at, fields[16] if ended else fields[8]))


def _claim_row(fields: Sequence[Any], at: datetime, moment: datetime) -> ClaimRow:
    pk, no, name, version, topic, words, place, unit, since, state, planned, due, items, done, late, next_due, _end = (
        fields
    )
    net = tree.snapshot()
    owed = next_due or due
    return ClaimRow(
        claim_id=pk, no=no, name=name or "", topic=topic_title(Offer(version=version, topic=topic)), words=_flat(words),
        place=net.full_name(place, Level.COUNTY), unit=net.unit(unit).name, since=_short(since, at),
        state=str(Claim.State(state).label), state_key=state, items=items, done=done, late=late,
        progress=f"{done}/{items}", owes=_owes(planned, next_due, due, at) if state == Claim.State.TAKEN else "",
        clock=_clock(owed, at), cursor=_cursor(moment, pk),
    )  # fmt: skip


def _owes(planned: datetime | None, next_due: datetime | None, due: datetime | None, at: datetime) -> str:
    """What a claim owes next, in words."""
    if planned is None:
        says = _("制定帮扶计划书（%(until)s前）") if due else _("帮扶计划书逾期未制定")
    elif next_due is not None:
        says, due = _("完成下一项帮扶（%(until)s前）"), next_due
    else:
        says = _("帮扶已完成，请确认需求是否解决（%(until)s前）") if due else _("请确认需求是否解决")
    return says % {"until": _short(due, at)}


_ITEM = """
SELECT i.id, o.no, s.name, i.n, left(m.body, 120), i.helper, c.unit_id, i.due_at
FROM offers_planitem i
JOIN offers_claim c ON c.id = i.claim_id
JOIN offers_offer o ON o.id = c.offer_id
JOIN dossier_text m ON m.region_id = o.region_id AND m.id = i.text_id
LEFT JOIN dossier_subject s ON s.id = o.subject_id
WHERE {where}
ORDER BY {order} LIMIT %s
"""


def overdue_items(posting: Posting, *, at: datetime, after: str = "", limit: int = PAGE) -> Page[ItemRow]:
    """Lines of plans past their date and not done: in the area a posting answers for, else of its unit; the longest
    overdue first. One query over the partial index of such lines. Raises BadCursor."""
    terms, values = ["i.stage = 'open'", "i.late"], []
    if posting.role in access.ANSWERABLE:
        area = _area(posting)
        terms.append(f"o.l{area.level} = %s")
        values.append(area.id)
    else:
        term, units = _own("c.unit_id", posting)
        terms.append(term)
        values.append(units)
    found = _page(_ITEM, terms, values, "i.due_at", "i.id", "ASC", after, limit)
    return _paged(found, limit, lambda fields: _item_row(fields, at))


def my_items(posting: Posting, *, at: datetime, after: str = "", limit: int = PAGE) -> Page[ItemRow]:
    """Lines of plans that name this posting as helper and whose month has come, by their dates. One query over a partial
    index. Raises BadCursor."""
    terms = ["i.stage = 'open'", "i.helper_posting = %s"]
    found = _page(_ITEM, terms, [posting.pk], "i.due_at", "i.id", "ASC", after, limit)
    return _paged(found, limit, lambda fields: _item_row(fields, at))


def _item_row(fields: Sequence[Any], at: datetime) -> ItemRow:
    pk, no, name, n, measure, helper, unit, due = fields
    return ItemRow(
        item_id=pk, no=no, name=name or "", n=n, measure=_flat(measure), helper=helper,
        unit=tree.snapshot().unit(unit).name, due=f"{timezone.localtime(due - timedelta(seconds=1)):%Y-%m-%d}",
        days=max((at - due).days + 1, 0), clock=_clock(due, at), cursor=_cursor(due, pk),
    )  # fmt: skip


# --- One plan -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A line of a plan on the page of its claim."""

    item_id: int
    n: int
    measure: str
    helper: str
    due: str
    state: str
    state_key: str  # waiting, open, done, dropped
    late: bool
    done: str
    report: str
    photos: tuple[str, ...]
    txn_id: int | None


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a plan: its lines and how many are done."""

    title: str  # 2026年11月
    lines: list[PlanLine]
    done: int
    late: int
    all: int


_PLAN = """
SELECT i.id, i.n, i.month, m.body, i.helper, i.due_on, i.stage, i.late, i.done_at, d.body, i.photos, i.txn_id
FROM offers_planitem i
JOIN dossier_text m ON m.region_id = %s AND m.id = i.text_id
LEFT JOIN dossier_text d ON d.region_id = %s AND d.id = i.done_text_id
WHERE i.claim_id = %s
ORDER BY i.month, i.due_on, i.n
"""


def plan_of(claim: Claim) -> list[Month]:
    """A help plan month by month, with its progress. One query. Dropped lines are shown and count in no sum."""
    region = claim.offer.region_id
    with connection.cursor() as cursor:
        cursor.execute(_PLAN, [region, region, claim.pk])
        found = cursor.fetchall()
    months: dict[date, list[PlanLine]] = {}
    for pk, n, month, measure, helper, due_on, stage, late, done_at, report, photos, txn in found:
        done = f"{timezone.localtime(done_at):%Y-%m-%d}" if done_at else ""
        label, keys = str(PlanItem.Stage(stage).label), tuple(_as_list(photos))
        line = PlanLine(pk, n, measure, helper, due_on.isoformat(), label, stage, late, done, report or "", keys, txn)
        months.setdefault(month, []).append(line)
    return [_month(month, lines) for month, lines in months.items()]


def _month(month: date, lines: list[PlanLine]) -> Month:
    live = [line for line in lines if line.state_key != PlanItem.Stage.DROPPED]
    title = _("%(year)d年%(month)d月") % {"year": month.year, "month": month.month}
    done = sum(line.state_key == PlanItem.Stage.DONE for line in live)
    return Month(title, lines, done, sum(line.late for line in live), len(live))


def _as_list(value: Any) -> list[str]:
    """JSON columns come as text from a plain cursor."""
    return json.loads(value) if isinstance(value, str) else value


# --- Sessions -------------------------------------------------------------------------------------------------------

_SESSION = """
SELECT e.id, e.no, g.title, g.no, e.kind, e.title, e.venue, e.unit_id, e.begins_at, e.ends_at, e.seats, e.signed, e.state,
       (SELECT count(*) FROM offers_attendance a WHERE a.session_id = e.id AND a.present)
FROM offers_session e LEFT JOIN offers_circle g ON g.id = e.circle_id
WHERE {where}
ORDER BY {order} LIMIT %s
"""


def sessions(
    area: UnitRow,
    *,
    since: datetime,
    until: datetime,
    kind: str = "",
    circle_id: int | None = None,
    after: str = "",
    limit: int = PAGE,
) -> Page[SessionRow]:
    """The calendar of an area (or of one studio in it) between two instants, by time. One query. Raises BadCursor."""
    terms = [f"e.l{area.level} = %s", "e.begins_at >= %s", "e.begins_at < %s"]
    values: list[Any] = [area.id, since, until]
    if kind:
        terms.append("e.kind = %s")
        values.append(kind)
    if circle_id:
        terms.append("e.circle_id = %s")
        values.append(circle_id)
    found = _page(_SESSION, terms, values, "e.begins_at", "e.id", "ASC", after, limit)
    return _paged(found, limit, _session_row)


def _session_row(fields: Sequence[Any]) -> SessionRow:
    pk, no, circle, circle_no, kind, title, venue, unit, begins, ends, seats, signed, state, present = fields
    begins, ends = timezone.localtime(begins), timezone.localtime(ends)
    return SessionRow(
        no=no, circle=circle or "", circle_no=circle_no or "", kind=str(Session.Kind(kind).label), kind_key=kind,
        title=title, venue=venue, unit=tree.snapshot().unit(unit).name, day=begins.date(),
        when=f"{begins:%m-%d %H:%M}-{ends:%H:%M}" if begins.date() == ends.date() else f"{begins:%m-%d}-{ends:%m-%d}",
        seats=f"{signed}/{seats}" if seats else str(signed), present=present,
        state=str(Session.State(state).label), state_key=state, cursor=_cursor(fields[8], pk),
    )  # fmt: skip


# --- Suggestions ----------------------------------------------------------------------------------------------------

_SUGGESTION = """
SELECT y.id, y.no, coalesce(s.name, p.name), left(t.body, 200), y.at, y.unit_id, g.title, k.no
FROM offers_suggestion y
JOIN dossier_text t ON t.region_id = y.region_id AND t.id = y.text_id
LEFT JOIN dossier_subject s ON s.id = y.subject_id
LEFT JOIN net_posting h ON h.id = y.posting
LEFT JOIN net_person p ON p.id = h.person_id
LEFT JOIN offers_circle g ON g.id = y.circle_id
LEFT JOIN loop_case k ON k.region_id = y.case_region AND k.id = y.case_id
WHERE {where}
ORDER BY {order} LIMIT %s
"""


def suggestions(
    posting: Posting, *, at: datetime, waiting: bool = False, after: str = "", limit: int = PAGE
) -> Page[SuggestionRow]:
    """Suggestions of the area a posting answers for, the newest first; `waiting`: those that are no case. One query.
    Raises BadCursor."""
    if posting.role not in access.ANSWERABLE:
        return Page([], "")
    area = _area(posting)
    terms = [f"y.l{area.level} = %s", *(["y.case_id IS NULL"] if waiting else [])]
    found = _page(_SUGGESTION, terms, [area.id], "y.at", "y.id", "DESC", after, limit)
    return _paged(found, limit, lambda fields: _suggestion_row(fields, at))


def _suggestion_row(fields: Sequence[Any], at: datetime) -> SuggestionRow:
    pk, no, who, words, moment, unit, circle, case_no = fields
    return SuggestionRow(
        no=no, who=who or "", words=_flat(words), when=_short(moment, at), place=tree.snapshot().unit(unit).name,
        circle=circle or "", case_no=case_no or "", cursor=_cursor(moment, pk),
    )  # fmt: skip


# --- Pairs ----------------------------------------------------------------------------------------------------------

_PAIR = """
SELECT j.id, j.no, j.kind, j.unit_a_id, j.unit_b_id, j.since,
       EXISTS (SELECT 1 FROM offers_pairyear v WHERE v.pairing_id = j.id AND v.year = %s), d.deeds, d.counted, d.last
FROM offers_pairing j
CROSS JOIN LATERAL (
    SELECT count(*) AS deeds, coalesce(sum(count), 0) AS counted, max("on") AS last
    FROM offers_deed WHERE pairing_id = j.id AND year = %s
) d
WHERE {where}
ORDER BY {order} LIMIT %s
"""


def pairings(
    *, year: int, area: UnitRow | None = None, branch_id: int | None = None, after: str = "", limit: int = PAGE
) -> Page[PairRow]:
    """The lasting pairs of an area, or of one office, with the year's plan and deeds, by id. One query. Raises BadCursor."""
    terms, values = ["j.until IS NULL"], [year, year]
    if area is not None:
        terms.append(f"j.l{area.level} = %s")
        values.append(area.id)
    if branch_id is not None:
        terms.append("j.unit_a_id = %s")
        values.append(branch_id)
    found = _page(_PAIR, terms, values, "j.since", "j.id", "ASC", after, limit, day=True)
    return _paged(found, limit, _pair_row)


def _pair_row(fields: Sequence[Any]) -> PairRow:
    pk, no, kind, branch, village, since, planned, deeds, counted, last = fields
    net = tree.snapshot()
    return PairRow(
        no=no, kind=str(Pairing.Kind(kind).label), branch=net.unit(branch).name, village=net.unit(village).name,
        since=since.isoformat(), planned=planned, deeds=deeds, counted=counted, last=last.isoformat() if last else "",
        cursor=f"{since.isoformat()}_{pk}",
    )  # fmt: skip


# --- Pages ----------------------------------------------------------------------------------------------------------


def _page(
    statement: str, terms: list[str], values: list[Any], key: str, pk: str, way: str, after: str, limit: int,
    *, day: bool = False,
) -> list[tuple]:  # fmt: skip
    """One row more than the page holds, so that it is known whether there is another."""
    if after:
        moment, last = _uncursor(after, day)
        terms = [*terms, f"({key}, {pk}) {'>' if way == 'ASC' else '<'} (%s, %s)"]
        values = [*values, moment, last]
    sql = statement.format(where=" AND ".join(terms), order=f"{key} {way}, {pk} {way}")
    with across_regions("a list covers what the posting covers"), connection.cursor() as cursor:
        cursor.execute(sql, [*values, min(max(limit, 1), MOST) + 1])
        return cursor.fetchall()


def _paged(found: list[tuple], limit: int, row: Callable[[Sequence[Any]], R]) -> Page[R]:
    limit = min(max(limit, 1), MOST)
    rows = [row(fields) for fields in found[:limit]]
    return Page(rows, rows[-1].cursor if len(found) > limit else "")  # type: ignore[attr-defined]


def _cursor(moment: datetime, pk: int) -> str:
    return f"{moment.timestamp():.6f}_{pk}"


def _uncursor(text: str, day: bool) -> tuple[date | datetime, int]:
    moment, _line, pk = text.rpartition("_")
    try:
        if day:
            return date.fromisoformat(moment), int(pk)
        return datetime.fromtimestamp(float(moment), tz=timezone.get_current_timezone()), int(pk)
    except (ValueError, OverflowError, OSError):
        raise BadCursor from None


def _own(column: str, posting: Posting) -> tuple[str, Any]:
    """Rows of the posting's unit, for a chief of those below it, too. Equality where there is one, read in index order."""
    below = tree.snapshot().below(posting.unit_id, Tree.ADMIN) if posting.role == Role.CHIEF else ()
    return (f"{column} = ANY(%s::bigint[])", list(below)) if len(below) > 1 else (f"{column} = %s", posting.unit_id)


def _area(posting: Posting) -> UnitRow:
    net = tree.snapshot()
    area = area_of(net.unit(posting.unit_id), net)
    return area if area.level <= Level.COMMUNITY else net.unit(area.l5 or area.id)


def _flat(words: str) -> str:
    return words.replace("\n", " ")


def _money(amount: Decimal | None) -> str:
    return f"{amount:,.2f}".removesuffix(".00") if amount is not None else ""


def _short(moment: datetime | None, at: datetime) -> str:
    """11-16 09:00, with the year when it is another one than `at`'s; empty for nothing."""
    if moment is None:
        return ""
    local, now = timezone.localtime(moment), timezone.localtime(at)
    return f"{local:%m-%d %H:%M}" if local.year == now.year else f"{local:%Y-%m-%d %H:%M}"


def _clock(until: datetime | None, at: datetime) -> str:
    if until is None:
        return ""
    left = until - at
    return "late" if left < timedelta(0) else "soon" if left < SOON else "ok"
