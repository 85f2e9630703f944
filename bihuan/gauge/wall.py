"""The wall: what an area shows, now or as of a past moment. Every number here equals the list that it opens (Q1).

Now: folded and unfolded counts, two statements for the numbers. As of a past moment: whole days from the tallies, and
the begun day counted exactly from the cases of that day, by index.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from bihuan.book import tallies
from bihuan.loop.lists import Listing
from bihuan.net import tree
from bihuan.net.models import Kind, Level
from bihuan.net.regions import across_regions
from bihuan.net.scope import Reach
from bihuan.net.tree import UnitRow

MEASURES = ("accepted", "settled", "filed", "ended", "grid_accepted", "grid_grassroots")


@dataclass(frozen=True, slots=True)
class Numbers:
    """The figures of an area. `open`: filed and not ended. grid_*: found by grid workers (M02)."""

    accepted: int
    accepted_today: int
    settled: int
    settled_today: int
    open: int
    grid_accepted: int
    grid_grassroots: int

    @property
    def grassroots_rate(self) -> float | None:
        """Percent of grid items settled at the grassroots, one decimal; None without items."""
        return round(100 * self.grid_grassroots / self.grid_accepted, 1) if self.grid_accepted else None


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the curve."""

    at: datetime
    accepted: int
    settled: int


@dataclass(frozen=True, slots=True)
class Patch:
    """One part of the map: an area or grid directly below, and how many cases are open there."""

    unit: UnitRow
    open: int


@dataclass(frozen=True, slots=True)
class Standing:
    """One unit's month: settled cases, those settled late, and the share in time (percent, None without cases)."""

    unit: UnitRow
    settled: int
    late: int

    @property
    def on_time(self) -> float | None:
        return round(100 * (self.settled - self.late) / self.settled, 1) if self.settled else None


def day_start(at: datetime) -> datetime:
    """Midnight of the local day that holds `at`."""
    return timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)


def numbers(area: UnitRow, *, at: datetime, live: bool) -> Numbers:
    """The figures of an area as of `at`; `live` says that `at` is now. Two statements."""
    today = day_start(at)
    if live:
        ever = tallies.read(MEASURES, area.id)
        new = tallies.read(("accepted", "settled"), area.id, since=today)
    else:
        new = _day_so_far(area, today, at)
        ever = tallies.read(MEASURES, area.id, until=today)
        ever = {measure: ever[measure] + new[measure] for measure in MEASURES}
    return Numbers(
        accepted=ever["accepted"],
        accepted_today=new["accepted"],
        settled=ever["settled"],
        settled_today=new["settled"],
        open=ever["filed"] - ever["ended"],
        grid_accepted=ever["grid_accepted"],
        grid_grassroots=ever["grid_grassroots"],
    )


# The begun day, counted from the cases themselves: each part reads one index over one day. What was filed that day is
# found by its number, which begins with region and day.
_DAY_SO_FAR = """
SELECT accepted.*, ended.*, filed.* FROM (
    SELECT count(*), count(*) FILTER (WHERE source = 'grid') FROM loop_case
    WHERE {column} = %(area)s AND accepted_at >= %(since)s AND accepted_at < %(until)s AND NOT test
) AS accepted, (
    SELECT count(*) FILTER (WHERE state = 'closed'), count(*),
           count(*) FILTER (WHERE state = 'closed' AND source = 'grid' AND settled_level >= 5) FROM loop_case
    WHERE {column} = %(area)s AND closed_at >= %(since)s AND closed_at < %(until)s AND NOT test
) AS ended, (
    SELECT count(*) FROM unnest(%(regions)s::bigint[], %(first)s::text[], %(last)s::text[]) AS day (region, first, last)
    JOIN loop_case AS c ON c.region_id = day.region AND c.no BETWEEN day.first AND day.last
    WHERE c.{column} = %(area)s AND c.filed_at < %(until)s AND NOT c.test
) AS filed
"""


def _day_so_far(area: UnitRow, since: datetime, until: datetime) -> dict[str, int]:
    values = {"area": area.id, "since": since, "until": until, **_numbers_of(area, since)}
    with across_regions("an area's count is the sum over its regions"), connection.cursor() as cursor:
        cursor.execute(_DAY_SO_FAR.format(column=column_of(area)), values)
        found = cursor.fetchone()
    return dict(zip(("accepted", "grid_accepted", "settled", "ended", "grid_grassroots", "filed"), found, strict=True))


def _numbers_of(area: UnitRow, day: datetime) -> dict[str, list]:
    """For each region that may hold cases of the area: the first and last number of the day."""
    net = tree.snapshot()
    counties = [unit for unit in map(net.unit, net.below(area.id)) if unit.level == Level.COUNTY and unit.is_place]
    regions = {
        unit.id: unit for unit in (*counties, *map(net.unit, area.path)) if unit.level in (Level.CITY, Level.COUNTY)
    }
    prefixes = [f"{unit.code[:6]}{timezone.localtime(day):%y%m%d}" for unit in regions.values()]
    return {
        "regions": list(regions),
        "first": [prefix + "0" * 7 for prefix in prefixes],
        "last": [prefix + "9" * 7 for prefix in prefixes],
    }


def column_of(area: UnitRow) -> str:
    """The column of a case that holds this area."""
    return f"l{area.level}" if area.level <= Level.COMMUNITY else "grid_id"


def reach_of(area: UnitRow) -> Reach:
    """Everything in the area, as a list's scope."""
    if area.level <= Level.COMMUNITY:
        return Reach(column_of(area), (area.id,))
    return Reach("grid_id", tree.snapshot().below(area.id))


def curve(area: UnitRow, *, at: datetime, live: bool) -> list[Hour]:
    """Accepted and settled by the hour over the 24 hours that end with the hour of `at`. One or two statements."""
    last = timezone.localtime(at).replace(minute=0, second=0, microsecond=0)
    hours = [last - timedelta(hours=back) for back in range(23, -1, -1)]
    if live:
        until = last + timedelta(hours=1)
        accepted, settled = (
            {point.at: point.amount for point in tallies.series(measure, area.id, since=hours[0], until=until)}
            for measure in ("accepted", "settled")
        )
    else:
        accepted, settled = _hours_then(area, hours[0], at)
    return [Hour(hour, accepted.get(hour, 0), settled.get(hour, 0)) for hour in hours]


_HOURS_THEN = """
SELECT 'accepted', date_trunc('hour', accepted_at), count(*) FROM loop_case
WHERE {column} = %(area)s AND accepted_at >= %(since)s AND accepted_at < %(until)s AND NOT test GROUP BY 2
UNION ALL
SELECT 'settled', date_trunc('hour', closed_at), count(*) FROM loop_case
WHERE {column} = %(area)s AND closed_at >= %(since)s AND closed_at < %(until)s AND state = 'closed' AND NOT test
GROUP BY 2
"""


def _hours_then(area: UnitRow, since: datetime, until: datetime) -> tuple[dict, dict]:
    found: dict[str, dict[datetime, int]] = {"accepted": {}, "settled": {}}
    with across_regions("an area's count is the sum over its regions"), connection.cursor() as cursor:
        cursor.execute(_HOURS_THEN.format(column=column_of(area)), {"area": area.id, "since": since, "until": until})
        for measure, hour, amount in cursor.fetchall():
            found[measure][hour] = amount
    return found["accepted"], found["settled"]


def patches(area: UnitRow, *, at: datetime, live: bool) -> list[Patch]:
    """The parts of the area's map with their open cases. One statement."""
    parts = [unit for unit in tree.snapshot().children(area.id) if unit.is_place]
    amounts = _open_now(parts) if live else _open_then(area, parts, at)
    return [Patch(unit, amounts.get(unit.id, 0)) for unit in parts]


def _open_now(parts: Sequence[UnitRow]) -> dict[int, int]:
    """From the counts. A grid's own count holds what lies in it, so those of the grids below it are added."""
    within = {id: part.id for part in parts for id in _counted_for(part)}
    found = tallies.by_child(("filed", "ended"), list(within))
    amounts: dict[int, int] = {}
    for id, counts in found.items():
        amounts[within[id]] = amounts.get(within[id], 0) + counts["filed"] - counts["ended"]
    return amounts


def _counted_for(part: UnitRow) -> Iterable[int]:
    return tree.snapshot().below(part.id) if part.level > Level.COMMUNITY else (part.id,)


_OPEN_THEN = """
SELECT {part}, count(*) FROM loop_case
WHERE {column} = %(area)s AND filed_at < %(at)s AND (closed_at IS NULL OR closed_at >= %(at)s) AND NOT test
GROUP BY 1
"""


def _open_then(area: UnitRow, parts: Sequence[UnitRow], at: datetime) -> dict[int, int]:
    """From the cases: which were filed by then and had not ended."""
    part = f"l{area.level + 1}" if area.level < Level.COMMUNITY else "grid_id"
    with across_regions("an area's count is the sum over its regions"), connection.cursor() as cursor:
        cursor.execute(_OPEN_THEN.format(part=part, column=column_of(area)), {"area": area.id, "at": at})
        found = dict(cursor.fetchall())
    if area.level < Level.COMMUNITY:
        return found
    return {unit.id: sum(found.get(id, 0) for id in _counted_for(unit)) for unit in parts}


def standings(area: UnitRow, *, at: datetime, most: int = 10) -> list[Standing]:
    """The units of an area by what they settled this month, the busiest first. One statement."""
    units = [unit for unit in map(tree.snapshot().unit, tree.snapshot().below(area.id)) if _works(unit)]
    since = day_start(at).replace(day=1)
    until = None if timezone.localdate(at) == timezone.localdate() else day_start(at)
    found = tallies.by_child(("settled", "late"), [u.id for u in units], role=tallies.UNIT, since=since, until=until)
    rows = [Standing(unit, found[unit.id]["settled"], found[unit.id]["late"]) for unit in units]
    busy = sorted((row for row in rows if row.settled), key=lambda row: (-row.settled, row.unit.code))
    return busy[:most]


def _works(unit: UnitRow) -> bool:
    return unit.kind in (Kind.ORGAN, Kind.CENTRE) or (unit.kind == Kind.AREA and unit.level >= Level.TOWN)


def listing(area: UnitRow, what: str, *, at: datetime) -> Listing:
    """The list behind a figure, exactly the cases that it counts.

    what: accepted, accepted_today, settled, settled_today, open, late, grid_accepted, grid_grassroots. KeyError else.
    """
    scope, today = reach_of(area), day_start(at)
    return {
        "accepted": lambda: Listing(scope, view="accepted", until=at),
        "accepted_today": lambda: Listing(scope, view="accepted", since=today, until=at),
        "settled": lambda: Listing(scope, view="closed", outcome="settled", until=at),
        "settled_today": lambda: Listing(scope, view="closed", outcome="settled", since=today, until=at),
        "open": lambda: Listing(scope, view="open"),
        "late": lambda: Listing(scope, view="open", late=True),
        "grid_accepted": lambda: Listing(scope, view="accepted", source="grid", until=at),
        "grid_grassroots": lambda: Listing(scope, view="closed", source="grid", outcome="grassroots", until=at),
    }[what]()
