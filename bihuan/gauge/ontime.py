"""按时办结: how many cases were settled by the time promised, as of any moment.

Counted are cases filed by then that are neither withdrawn nor tests. One with a promise is exactly one of

    on_time        closed, and answered by its promise
    late           closed, and answered after it
    open_late      not closed, and its promise past unanswered, or answered after it
    open_on_time   not closed, and either answered by its promise or the promise is still to come

What counts is the answer, not the closing: whether it came in time is fixed when it is given (overdue_raw) and stays
through a call-back or a redo. The promise is the time told to the resident when the case was dispatched, or the target
that came with an imported case. Cases without one - answered at once, not yet dispatched, imported without target - are
`without_target`, apart from all rates. For an imported case the closing is the answer: its system told no other.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import connection, transaction

from bihuan.loop.models import Case
from bihuan.net import tree
from bihuan.net.regions import across_regions
from bihuan.net.scope import named

VERDICTS = {
    "on_time": "按时办结",
    "late": "超时办结",
    "open_late": "未办结，已超时",
    "open_on_time": "未办结，未超时",
    "without_target": "没有时限",
}
_WHY = "a figure over all regions, or over one that is named by its level"
LATE = ("late", "open_late")


@dataclass(frozen=True, slots=True)
class OnTime:
    """The counts as of `at`. Each is the number of cases that `differences` and the lists would show."""

    at: datetime
    region: str
    on_time: int
    late: int
    open_late: int
    open_on_time: int
    without_target: int

    @property
    def total(self) -> int:
        return self.on_time + self.late + self.open_late + self.open_on_time + self.without_target

    @property
    def rate(self) -> float | None:
        """Percent settled on time of all that are settled or overdue, one decimal; None when there are none."""
        base = self.on_time + self.late + self.open_late
        return round(100 * self.on_time / base, 1) if base else None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat(), "total": self.total, "rate": self.rate}


@dataclass(frozen=True, slots=True)
class Difference:
    """A case that another system judged otherwise. flag: its word as it stood; theirs: what the map says it means."""

    number: str
    outside_no: str
    filed_at: datetime
    promise_at: datetime
    closed_at: datetime | None
    ours: str
    flag: str
    theirs: str

    def as_json(self) -> dict[str, Any]:
        moments = {name: value.isoformat() for name, value in asdict(self).items() if isinstance(value, datetime)}
        return asdict(self) | moments


# A promise made or an answer given after %(at)s is not known yet. A redone, reopened or handed back case has had others
# before: its columns tell only the last, so it is judged from its events.
_SETTLED_PAST = "redos = 0 AND hand_backs = 0"
_VERDICT = """
CASE
    WHEN promise_at IS NULL OR dispatched_at > %(at)s THEN 'without_target'
    WHEN closed_at <= %(at)s THEN CASE WHEN coalesce(overdue_raw, closed_at > promise_at) THEN 'late' ELSE 'on_time' END
    WHEN overdue_raw IS NOT NULL AND (replied_at IS NULL OR replied_at <= %(at)s)
        THEN CASE WHEN overdue_raw THEN 'open_late' ELSE 'open_on_time' END
    WHEN promise_at < %(at)s THEN 'open_late'
    ELSE 'open_on_time'
END
"""
_COUNTED = "filed_at <= %(at)s AND NOT test AND NOT (state = 'withdrawn' AND closed_at <= %(at)s)"


def on_time(*, at: datetime, now: datetime, region: str = "") -> OnTime:
    """Count the cases of an area or organ (by code; without: everywhere) as of `at`. One pass over its cases.

    now: the present; an earlier `at` reads the events of cases that were redone or handed back.
    """
    where, values = _within(region, at)
    counts: Counter[str] = Counter()
    with across_regions(_WHY), transaction.atomic():
        settled = _SETTLED_PAST if at < now else "TRUE"
        with connection.cursor() as cursor:
            sql = f"SELECT {_VERDICT}, count(*) FROM loop_case WHERE {_COUNTED} AND {where} AND {settled} GROUP BY 1"
            cursor.execute(sql, values)
            counts.update(dict(cursor.fetchall()))
        if at < now:
            counts.update(verdict for verdict in _from_events(where, values))
    return OnTime(at=at, region=region, **{verdict: counts[verdict] for verdict in VERDICTS})


def differences(*, at: datetime, region: str = "") -> Iterator[Difference]:
    """Imported cases with a target whose own system's verdict on timeliness is another, or missing. Streams."""
    where, values = _within(region, at)
    sql = f"""
        SELECT no, outside_no, filed_at, promise_at, closed_at, {_VERDICT}, data
        FROM loop_case JOIN loop_caseevent AS event
          ON event.region_id = loop_case.region_id AND event.case_id = loop_case.id AND event.n = 1
        WHERE {_COUNTED} AND {where} AND outside_no <> '' AND promise_at IS NOT NULL
        ORDER BY outside_no
    """
    for *case, ours, data in _stream(sql, values):
        imported = json.loads(data).get("imported", {})
        if "flag" in imported and imported.get("on_time") != (ours not in LATE):
            theirs = {True: "按时", False: "超时", None: "没有结论"}[imported.get("on_time")]
            yield Difference(*case, ours=VERDICTS[ours], flag=imported["flag"], theirs=theirs)


def _within(region: str, at: datetime) -> tuple[str, dict[str, Any]]:
    """A condition on cases and its values. Raises NoSuchUnit."""
    if not region:
        return "TRUE", {"at": at}
    wanted = named(region, tree.snapshot())
    return f"loop_case.{wanted.column} = ANY(%(places)s::bigint[])", {"at": at, "places": list(wanted.ids)}


def _from_events(where: str, values: dict[str, Any]) -> Iterator[str]:
    """Verdicts of cases whose columns no longer tell the past: their columns folded from the events up to then."""
    sql = f"""
        SELECT loop_case.id, event.data
        FROM loop_case JOIN loop_caseevent AS event ON event.region_id = loop_case.region_id AND event.case_id = loop_case.id
        WHERE {_COUNTED} AND {where} AND NOT ({_SETTLED_PAST}) AND event.at <= %(at)s
        ORDER BY loop_case.id, event.n
    """
    for _case, rows in groupby(_stream(sql, values), key=lambda row: row[0]):
        columns: dict[str, Any] = {}
        for _id, data in rows:
            columns |= json.loads(data)["set"]
        yield verdict(columns, at=values["at"])


def verdict(columns: dict[str, Any], *, at: datetime) -> str:
    """The verdict on a case from its columns as they were then (moments as in events: ISO text)."""
    promise, raw = columns.get("promise_at"), columns.get("overdue_raw")
    if promise is None:
        return "without_target"
    if columns.get("closed_at"):
        late = raw if raw is not None else columns["closed_at"] > promise
        return "late" if late else "on_time"
    if raw is not None:
        return "open_late" if raw else "open_on_time"
    return "open_late" if Case._meta.get_field("promise_at").to_python(promise) < at else "open_on_time"


def _stream(sql: str, values: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Rows by a cursor of the server, so that memory does not grow with them."""
    with across_regions(_WHY), transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(sql, values)
        yield from cursor
