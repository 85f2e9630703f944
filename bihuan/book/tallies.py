"""Counts: acts insert deltas, the pump folds them, readers add both in one statement (Q1).

No act ever updates a shared counter, and no screen ever counts history. A count is kept
- of a place (l1 .. l5): per hour (for 40 days), per day, and altogether;
- of a grid: altogether;
- of a unit it is scored to: per day and altogether.
Hours and days are those of settings.TIME_ZONE; a bucket is the instant at which its hour or day begins, 'all' has 1970.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from bihuan.net.regions import across_regions

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOURS_KEPT = timedelta(days=40)
PLACE, UNIT = "place", "unit"
HOUR, DAY, ALL = "hour", "day", "all"


class NotCounted(ValueError):
    """A question that the tallies cannot answer: hours of a unit, or days of a grid."""


@dataclass(frozen=True, slots=True)
class Point:
    """The amount counted in the hour or day that begins at `at`."""

    at: datetime
    amount: int


@dataclass(frozen=True, slots=True)
class Folded:
    """How many deltas one fold took, and the areas that they touched. False when there was nothing to fold."""

    deltas: int = 0
    areas: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return self.deltas > 0


# Rows are inserted in the order of the key, so two folders never wait for each other in a circle. The grid of a case
# without a grid is its community: counted once, as the place it is. Amounts that cancel out leave no row behind.
_FOLD = """
WITH taken AS (
    DELETE FROM book_tallydelta
    WHERE id = ANY(ARRAY(SELECT id FROM book_tallydelta ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
    RETURNING region_id, measure, at, amount, l1, l2, l3, l4, l5, grid, unit
), hours AS (
    SELECT region_id, measure, date_trunc('hour', at, %(zone)s) AS hour, date_trunc('day', at, %(zone)s) AS day,
           l1, l2, l3, l4, l5, grid, unit, SUM(amount) AS amount, COUNT(*) AS deltas
    FROM taken GROUP BY region_id, measure, hour, day, l1, l2, l3, l4, l5, grid, unit
), counted AS (
    SELECT region_id, slot.unit, slot.role, measure, slot.period, slot.bucket, SUM(amount) AS amount
    FROM hours CROSS JOIN LATERAL (
        SELECT place.unit, 'place' AS role, time.period, time.bucket
        FROM (VALUES (l1), (l2), (l3), (l4), (l5)) AS place (unit),
             (VALUES ('hour', hour), ('day', day), ('all', %(epoch)s::timestamptz)) AS time (period, bucket)
        WHERE time.period <> 'hour' OR hour >= %(oldest)s::timestamptz
        UNION ALL
        SELECT grid, 'place', 'all', %(epoch)s::timestamptz
        WHERE grid <> ALL(ARRAY[coalesce(l1, 0), coalesce(l2, 0), coalesce(l3, 0), coalesce(l4, 0), coalesce(l5, 0)])
        UNION ALL
        SELECT hours.unit, 'unit', time.period, time.bucket
        FROM (VALUES ('day', day), ('all', %(epoch)s::timestamptz)) AS time (period, bucket)
    ) AS slot
    WHERE slot.unit IS NOT NULL
    GROUP BY region_id, slot.unit, slot.role, measure, slot.period, slot.bucket
    HAVING SUM(amount) <> 0
), added AS (
    INSERT INTO book_tally AS old (region_id, unit, role, measure, period, bucket, amount)
    SELECT region_id, unit, role, measure, period, bucket, amount FROM counted
    ORDER BY region_id, unit, role, measure, period, bucket
    ON CONFLICT (region_id, unit, role, measure, period, bucket) DO UPDATE SET amount = old.amount + excluded.amount
)
SELECT (SELECT coalesce(SUM(deltas), 0) FROM hours)::int,
       ARRAY(SELECT DISTINCT place.unit FROM hours, LATERAL (VALUES (l1), (l2), (l3), (l4), (l5)) AS place (unit)
             WHERE place.unit IS NOT NULL)
"""


def fold(limit: int, *, at: datetime | None = None) -> Folded:
    """Move up to `limit` deltas into the tallies, oldest first. Several folders share the work without waiting long.

    at: hours that began more than 40 days before it are not kept (a history import would fill the table with them).
    """
    oldest = at - HOURS_KEPT if at else EPOCH
    values = {"limit": limit, "zone": settings.TIME_ZONE, "epoch": EPOCH, "oldest": oldest}
    with across_regions("the pump folds the counts of all regions"), connection.cursor() as cursor:
        cursor.execute(_FOLD, values)
        deltas, areas = cursor.fetchone()
    return Folded(deltas, frozenset(areas))


@dataclass(frozen=True, slots=True)
class _Window:
    """A span of time cut into what whole days answer and what hours must answer."""

    since: datetime | None
    until: datetime | None
    period: str  # the finest that is needed: all, day or hour

    def tally(self) -> tuple[str, dict[str, object]]:
        """SQL condition on the tally rows that make up the span."""
        if self.period == ALL:
            return "period = 'all'", {}
        first, last = self.since or EPOCH, self.until or datetime.max.replace(tzinfo=UTC)
        span, days = "bucket >= %(first)s AND bucket < %(last)s", "bucket >= %(first_day)s AND bucket < %(last_day)s"
        values: dict[str, object] = {
            "first": first,
            "last": last,
            "first_day": _day_at_or_after(first),
            "last_day": _day_of(last),
        }
        if self.period == DAY:
            return f"period = 'day' AND {span}", values
        # Whole days from the day rows, the rest from the hour rows: hours older than 40 days are gone.
        return f"(period = 'day' AND {days} OR period = 'hour' AND {span} AND NOT ({days}))", values


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.TIME_ZONE)


def _day_of(moment: datetime) -> datetime:
    """The instant at which the local day of `moment` begins."""
    if moment.year == 9999:
        return moment
    return moment.astimezone(_zone()).replace(hour=0, minute=0, second=0, microsecond=0)


def _day_at_or_after(moment: datetime) -> datetime:
    day = _day_of(moment)
    return day if day == moment else _day_of(day + timedelta(hours=36))


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(_zone()).replace(minute=0, second=0, microsecond=0)


def _window(since: datetime | None, until: datetime | None, role: str) -> _Window:
    edges = [moment for moment in (since, until) if moment]
    if not edges:
        return _Window(None, None, ALL)
    if all(_day_of(moment) == moment for moment in edges):
        return _Window(since, until, DAY)
    if any(_hour_of(moment) != moment for moment in edges):
        raise NotCounted("计数只能按整点、整日的起止来取。")
    if role == UNIT:
        raise NotCounted("单位的计数只到日，不到小时。")
    return _Window(since, until, HOUR)


# Folded and not yet folded counts in one statement, hence of one snapshot: a delta is seen exactly once.
_READ = """
SELECT unit, measure, SUM(amount)::bigint FROM (
    SELECT unit, measure, amount FROM book_tally
    WHERE unit = ANY(%(units)s::bigint[]) AND role = %(role)s AND measure = ANY(%(measures)s::text[]) AND {tally}
    UNION ALL
    SELECT hit.unit, delta.measure, delta.amount
    FROM book_tallydelta AS delta CROSS JOIN LATERAL (
        SELECT DISTINCT place.unit FROM (VALUES {slots}) AS place (unit) WHERE place.unit = ANY(%(units)s::bigint[])
    ) AS hit
    WHERE delta.measure = ANY(%(measures)s::text[])
      AND (%(since)s::timestamptz IS NULL OR delta.at >= %(since)s::timestamptz)
      AND (%(until)s::timestamptz IS NULL OR delta.at < %(until)s::timestamptz)
) AS counted GROUP BY unit, measure
"""
_SLOTS = {
    PLACE: "(delta.l1), (delta.l2), (delta.l3), (delta.l4), (delta.l5), (delta.grid)",
    UNIT: "(delta.unit)",
}


def by_child(
    measures: Sequence[str],
    units: Sequence[int],
    *,
    role: str = PLACE,
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[int, dict[str, int]]:
    """Counts of several units at once: {unit: {measure: amount}}, zeros included. One statement.

    since, until: whole hours, `until` excluded; without them all that was ever counted. Grids are only counted
    altogether: do not ask for a span of a grid, it would only show what is not folded yet.
    Raises NotCounted for hours of a `role="unit"` count, or a span that is not cut at full hours.
    """
    tally, values = (window := _window(since, until, role)).tally()
    # Written out here: psycopg takes 10 ms for a list of 13,000 grids.
    values |= {"units": f"{{{','.join(map(str, units))}}}", "measures": list(measures), "role": role}
    values |= {"since": window.since, "until": window.until}
    found = {unit: dict.fromkeys(measures, 0) for unit in units}
    for unit, measure, amount in _rows(_READ.format(tally=tally, slots=_SLOTS[role]), values):
        found[unit][measure] = amount
    return found


def read(
    measures: Sequence[str],
    unit: int,
    *,
    role: str = PLACE,
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[str, int]:
    """Counts of one unit: {measure: amount}, zeros included. One statement. See `by_child` for the span."""
    return by_child(measures, [unit], role=role, since=since, until=until)[unit]


_SERIES = """
SELECT bucket, SUM(amount)::bigint FROM (
    SELECT bucket, amount FROM book_tally
    WHERE unit = %(unit)s AND role = %(role)s AND measure = %(measure)s AND period = %(period)s
      AND bucket >= %(since)s AND bucket < %(until)s
    UNION ALL
    SELECT date_trunc(%(period)s, at, %(zone)s), amount FROM book_tallydelta AS delta
    WHERE measure = %(measure)s AND at >= %(since)s AND at < %(until)s AND %(unit)s IN ({slots})
) AS counted GROUP BY bucket
"""


def series(
    measure: str, unit: int, *, since: datetime, until: datetime, period: str = HOUR, role: str = PLACE
) -> list[Point]:
    """One count over time: a point for every hour or local day in [since, until), zeros included. One statement.

    `since` and `until` are moved back to the start of their hour or day. Raises NotCounted for hours of a unit.
    """
    if role == UNIT and period == HOUR:
        raise NotCounted("单位的计数只到日，不到小时。")
    start = _day_of if period == DAY else _hour_of
    since, until = start(since), start(until)
    values = {
        "unit": unit, "role": role, "measure": measure, "period": period,
        "since": since, "until": until, "zone": settings.TIME_ZONE,
    }  # fmt: skip
    slots = _SLOTS[role].replace("(", "").replace(")", "")
    found = dict(_rows(_SERIES.format(slots=slots), values))
    return [Point(at, found.get(at, 0)) for at in _steps(since, until, period)]


def _steps(since: datetime, until: datetime, period: str) -> list[datetime]:
    """The starts of the hours or local days in [since, until)."""
    steps, at = [], since
    while at < until:
        steps.append(at)
        at = at + timedelta(hours=1) if period == HOUR else _day_of(at + timedelta(hours=36))
    return steps


def _rows(sql: str, values: dict[str, object]) -> list[tuple]:
    with across_regions("an area's count is the sum over its regions"), connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def pending() -> int:
    """How many deltas wait to be folded."""
    return _rows("SELECT count(*) FROM book_tallydelta", {})[0][0]


def prune(at: datetime) -> int:
    """Drop hour rows older than 40 days; the days they belong to stay. Returns how many went."""
    with across_regions("age decides, not the region"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM book_tally WHERE period = 'hour' AND bucket < %s", [at - HOURS_KEPT])
        return cursor.rowcount
