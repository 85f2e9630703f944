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
from bihuan.loop.models import Secrecy
from bihuan.net import tree
from bihuan.net.models import Kind, Level, Tree
from bihuan.net.regions import across_regions
from bihuan.net.revisions import Kept
from bihuan.net.scope import Reach, in_place
from bihuan.net.tree import UnitRow

MEASURES = ("accepted", "settled", "filed", "ended", "grid_accepted", "grid_grassroots")
NEAR = timedelta(hours=24)  # an open case that is due within it is near its limit
ALL_SECRETS = 0  # a figure counts secret cases, so its list holds them; the page shows them without words


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
        return percent(self.grid_grassroots, self.grid_accepted)


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the curve."""

    at: datetime
    accepted: int
    settled: int


@dataclass(frozen=True, slots=True)
class Patch:
    """One part of the map: an area or grid, and how many cases are open there."""

    unit: UnitRow
    open: int


@dataclass(frozen=True, slots=True)
class Due:
    """Open cases past the limit of their present step, and those that reach it within 24 hours."""

    late: int
    soon: int


@dataclass(frozen=True, slots=True)
class Standing:
    """One unit's month: settled cases, those settled late, and the share in time (percent, None without cases)."""

    unit: UnitRow
    settled: int
    late: int

    @property
    def on_time(self) -> float | None:
        return percent(self.settled - self.late, self.settled)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that just happened, without a word of any person: a case was accepted or settled."""

    number: str
    what: str  # accepted, settled
    at: datetime
    category_id: int | None
    place_id: int | None  # the deepest area or grid known


def percent(part: int, whole: int) -> float | None:
    """One decimal, never rounded up to 100 while something is missing; None of nothing."""
    return min(round(100 * part / whole, 1), 100.0 if part == whole else 99.9) if whole else None


def day_start(at: datetime) -> datetime:
    """Midnight of the local day that holds `at`."""
    return timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)


def month_start(at: datetime) -> datetime:
    """Midnight of the first day of the local month that holds `at`."""
    return day_start(at).replace(day=1)


# The numbers


def numbers(area: UnitRow, *, at: datetime, live: bool) -> Numbers:
    """The figures of an area as of `at`; `live` says that `at` is now. Two statements. Not for grids: they have no days."""
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
           count(*) FILTER (WHERE state = 'closed' AND source = 'grid' AND settled_level >= 5),
           count(*) FILTER (WHERE state = 'closed' AND overdue_raw) FROM loop_case
    WHERE {column} = %(area)s AND closed_at >= %(since)s AND closed_at < %(until)s AND NOT test
) AS ended, (
    SELECT count(*) FROM unnest(%(regions)s::bigint[], %(first)s::text[], %(last)s::text[]) AS day (region, first, last)
    JOIN loop_case AS c ON c.region_id = day.region AND c.no BETWEEN day.first AND day.last
    WHERE c.{column} = %(area)s AND c.filed_at < %(until)s AND NOT c.test
) AS filed
"""
_OF_THE_DAY = ("accepted", "grid_accepted", "settled", "ended", "grid_grassroots", "late", "filed")


def _day_so_far(area: UnitRow, since: datetime, until: datetime) -> dict[str, int]:
    values = {"area": area.id, "since": since, "until": until, **_numbers_of(area, since)}
    (found,) = _rows(_DAY_SO_FAR.format(column=column_of(area)), values)
    return dict(zip(_OF_THE_DAY, found, strict=True))


def _rows(sql: str, values: dict[str, object]) -> list[tuple]:
    with across_regions("an area's count is the sum over its regions"), connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


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


# What presses


_DUE = """
SELECT count(*) FILTER (WHERE due_at < %(at)s), count(*) FILTER (WHERE due_at >= %(at)s) FROM loop_case
WHERE {column} = %(area)s AND closed_at IS NULL AND due_at < %(until)s AND NOT test
"""


def due(area: UnitRow, *, at: datetime) -> Due:
    """What is past its limit now, and what will be within a day. One statement. A past moment's limits are not kept."""
    (found,) = _rows(_DUE.format(column=column_of(area)), {"area": area.id, "at": at, "until": at + NEAR})
    return Due(*found)


def late_this_month(area: UnitRow, *, at: datetime) -> int:
    """Cases settled late from the first of the month until a past moment. Two statements."""
    today = day_start(at)
    before = tallies.read(("late",), area.id, since=month_start(at), until=today)
    return before["late"] + _day_so_far(area, today, at)["late"]


# The curve


def curve(area: UnitRow, *, at: datetime, live: bool) -> list[Hour]:
    """Accepted and settled by the hour over the 24 hours that end with the hour of `at`. One or two statements.

    At the stroke of an hour the last one is the hour just over, not the one with nothing in it yet.
    """
    last = timezone.localtime(at - timedelta(microseconds=1)).replace(minute=0, second=0, microsecond=0)
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
    values = {"area": area.id, "since": since, "until": until}
    for measure, hour, amount in _rows(_HOURS_THEN.format(column=column_of(area)), values):
        found[measure][hour] = amount
    return found["accepted"], found["settled"]


# The map


def parts(area: UnitRow, *, finer: bool = False) -> tuple[UnitRow, ...]:
    """What the map shows: the areas or grids directly below; of a county, when finer, all its level-1 grids (communities)."""
    kept = _parts.get()
    if (area.id, finer) not in kept:
        kept[area.id, finer] = _communities(area) if finer else _below(area)
    return kept[area.id, finer]


_parts: Kept[dict[tuple[int, bool], tuple[UnitRow, ...]]] = Kept("tree", read=dict)


def _below(area: UnitRow) -> tuple[UnitRow, ...]:
    """In the administrative tree or in that of the grids: communities hang in both, their grids perhaps in one."""
    net = tree.snapshot()
    found = {unit.id: unit for kind in (Tree.ADMIN, Tree.GRID) for unit in net.children(area.id, kind)}
    return tuple(sorted((unit for unit in found.values() if unit.is_place), key=lambda unit: unit.code))


def _communities(area: UnitRow) -> tuple[UnitRow, ...]:
    net = tree.snapshot()
    found = [unit for unit in map(net.unit, net.below(area.id)) if unit.is_place and unit.level == Level.COMMUNITY]
    return tuple(sorted(found, key=lambda unit: unit.code))


def patches(area: UnitRow, *, at: datetime, live: bool, finer: bool = False) -> list[Patch]:
    """The parts of the area's map with their open cases. One statement."""
    shown = parts(area, finer=finer)
    if not shown:
        return []
    amounts = _open_now(shown) if live else _open_then(area, shown, at)
    return [Patch(unit, amounts.get(unit.id, 0)) for unit in shown]


def _open_now(shown: Sequence[UnitRow]) -> dict[int, int]:
    """From the counts. A grid's own count holds what lies in it, so those of the grids below it are added."""
    within = {id: part.id for part in shown for id in _counted_for(part)}
    found = tallies.by_child(("filed", "ended"), list(within))
    amounts: dict[int, int] = {}
    for id, counts in found.items():
        amounts[within[id]] = amounts.get(within[id], 0) + counts["filed"] - counts["ended"]
    return amounts


def _counted_for(part: UnitRow) -> Iterable[int]:
    return tree.snapshot().below(part.id) if part.level > Level.COMMUNITY else (part.id,)


_OPEN_THEN = """
SELECT {part}, count(*) FROM loop_case
WHERE {column} = ANY(%(areas)s::bigint[]) AND filed_at < %(at)s AND (closed_at IS NULL OR closed_at >= %(at)s)
  AND NOT test
GROUP BY 1
"""


def _open_then(area: UnitRow, shown: Sequence[UnitRow], at: datetime) -> dict[int, int]:
    """From the cases: which were filed by then and had not ended."""
    levels = {unit.level for unit in shown}
    part = f"l{levels.pop()}" if len(levels) == 1 and shown[0].level <= Level.COMMUNITY else "grid_id"
    scope = in_place(area, tree.snapshot())
    found = dict(_rows(_OPEN_THEN.format(part=part, column=scope.column), {"areas": list(scope.ids), "at": at}))
    return {unit.id: sum(found.get(id, 0) for id in (unit.id, *_grids_below(unit))) for unit in shown}


def _grids_below(unit: UnitRow) -> Iterable[int]:
    return tree.snapshot().below(unit.id)[1:] if unit.level > Level.COMMUNITY else ()


# The units


def standings(area: UnitRow, *, at: datetime, live: bool, most: int = 10) -> list[Standing]:
    """Units by what they settled this month, the busiest first. One statement, two for a past moment.

    Of a city or county: its own units, with all they settled. Of a town or community, where others handle most matters:
    whoever settled matters of this place. Centres answer at once and handle nothing, so they stand in no ranking.
    """
    rows = _standings_here(area, at) if area.level >= Level.TOWN else _standings(_working(area), at, live)
    busy = sorted((row for row in rows if row.settled), key=lambda row: (-row.settled, row.unit.code))
    return busy[:most]


def standing(area: UnitRow, unit: UnitRow, *, at: datetime, live: bool) -> Standing:
    """One unit's month, as `standings` counts it."""
    if area.level < Level.TOWN:
        return _standings((unit,), at, live)[0]
    return next((row for row in _standings_here(area, at) if row.unit.id == unit.id), Standing(unit, 0, 0))


_SETTLED_HERE = """
SELECT unit_id, count(*), count(*) FILTER (WHERE overdue_raw) FROM loop_case
WHERE {column} = %(area)s AND closed_at >= %(since)s AND closed_at < %(until)s AND state = 'closed' AND NOT test
GROUP BY 1
"""


def _standings_here(area: UnitRow, at: datetime) -> list[Standing]:
    """A month of one town is a few hundred cases: they are counted themselves."""
    net, values = tree.snapshot(), {"area": area.id, "since": month_start(at), "until": at}
    rows = [
        Standing(net.unit(id), *found) for id, *found in _rows(_SETTLED_HERE.format(column=column_of(area)), values)
    ]
    return [row for row in rows if row.unit.kind != Kind.CENTRE]


def _standings(units: Sequence[UnitRow], at: datetime, live: bool) -> list[Standing]:
    ids = [unit.id for unit in units]
    until = None if live else day_start(at)
    found = tallies.by_child(("settled", "late"), ids, role=tallies.UNIT, since=month_start(at), until=until)
    today = {} if live else _settled_so_far(ids, day_start(at), at)
    nothing = (0, 0)
    return [
        Standing(unit, found[unit.id]["settled"] + settled, found[unit.id]["late"] + late)
        for unit in units
        for settled, late in (today.get(unit.id, nothing),)
    ]


_SETTLED_SO_FAR = """
SELECT unit_id, count(*), count(*) FILTER (WHERE overdue_raw) FROM loop_case
WHERE unit_id = ANY(%(units)s::bigint[]) AND closed_at >= %(since)s AND closed_at < %(until)s AND state = 'closed'
  AND NOT test
GROUP BY 1
"""


def _settled_so_far(units: Sequence[int], since: datetime, until: datetime) -> dict[int, tuple[int, int]]:
    found = _rows(_SETTLED_SO_FAR, {"units": list(units), "since": since, "until": until})
    return {unit: (settled, late) for unit, settled, late in found}


_workers: Kept[dict[int, tuple[UnitRow, ...]]] = Kept("tree", read=dict)


def _working(area: UnitRow) -> tuple[UnitRow, ...]:
    """The area itself and everything below it that may answer for cases."""
    kept = _workers.get()
    if area.id not in kept:
        net = tree.snapshot()
        kept[area.id] = tuple(unit for unit in map(net.unit, net.below(area.id)) if _works(unit))
    return kept[area.id]


def _works(unit: UnitRow) -> bool:
    return unit.kind == Kind.ORGAN or (unit.kind == Kind.AREA and unit.level >= Level.TOWN)


# The latest


# Columns of the case only: the table of words is not even joined.
_LATEST = """
(SELECT no, 'accepted', accepted_at AS moment, category_id, grid_id FROM loop_case
 WHERE {column} = %(area)s AND accepted_at IS NOT NULL AND accepted_at < %(at)s AND secrecy <> %(secret)s AND NOT test
 ORDER BY accepted_at DESC, id DESC LIMIT %(most)s)
UNION ALL
(SELECT no, 'settled', closed_at, category_id, grid_id FROM loop_case
 WHERE {column} = %(area)s AND closed_at IS NOT NULL AND closed_at < %(at)s AND state = 'closed'
   AND secrecy <> %(secret)s AND NOT test
 ORDER BY closed_at DESC, id DESC LIMIT %(most)s)
ORDER BY moment DESC, no DESC LIMIT %(most)s
"""


def latest(area: UnitRow, *, at: datetime, most: int = 12) -> list[Act]:
    """What was accepted or settled last until `at`, newest first; nothing of secret cases. One statement."""
    values = {"area": area.id, "at": at, "secret": Secrecy.SECRET.value, "most": most}
    return [Act(*row) for row in _rows(_LATEST.format(column=column_of(area)), values)]


# What a figure opens


class NoSuchFigure(Exception):
    """A list was asked for that no figure of the wall opens."""

    def __init__(self) -> None:
        super().__init__("大屏上没有这一项。")


def figure(area: UnitRow, what: str, *, at: datetime, live: bool, unit: UnitRow | None = None) -> int:
    """The number as the wall shows it; `unit` with unit_settled and unit_late. Raises NoSuchFigure."""
    _require(area, what, live, unit)
    if unit is not None:
        row = standing(area, unit, at=at, live=live)
        return row.settled if what == "unit_settled" else row.late
    if what in ("late", "soon"):
        return getattr(due(area, at=at), what)
    if what == "late_this_month":
        return late_this_month(area, at=at)
    if area.level > Level.COMMUNITY:
        amounts = _open_now((area,)) if live else _open_then(area, (area,), at)
        return amounts.get(area.id, 0)
    return getattr(numbers(area, at=at, live=live), what)


def listing(area: UnitRow, what: str, *, at: datetime, live: bool, unit: UnitRow | None = None) -> Listing:
    """The list behind a figure, exactly the cases that it counts, the secret ones too: show those without words.

    what: accepted, accepted_today, settled, settled_today, open, late and soon (live only), late_this_month (of a past
    moment), grid_accepted, grid_grassroots; with `unit`: unit_settled, unit_late. Of a grid: open. Raises NoSuchFigure.
    """
    _require(area, what, live, unit)
    everywhere = unit is not None and area.level < Level.TOWN
    return Listing(
        Reach("unit_id", (unit.id,)) if everywhere else in_place(area, tree.snapshot()),
        unit_id=unit.id if unit is not None else None,
        secrets_of=ALL_SECRETS,
        **_narrowed(what, at, live),
    )


def _narrowed(what: str, at: datetime, live: bool) -> dict[str, object]:
    accepted: dict[str, object] = {"view": "accepted", "until": at}
    settled: dict[str, object] = {"view": "closed", "outcome": "settled", "until": at}
    late = settled | {"outcome": "late", "since": month_start(at)}
    return {
        "accepted": accepted,
        "accepted_today": accepted | {"since": day_start(at)},
        "settled": settled,
        "settled_today": settled | {"since": day_start(at)},
        "open": {"view": "open", "as_of": None if live else at},
        "late": {"view": "open", "until": at},
        "soon": {"view": "open", "since": at, "until": at + NEAR},
        "late_this_month": late,
        "grid_accepted": accepted | {"source": "grid"},
        "grid_grassroots": settled | {"outcome": "grassroots", "source": "grid"},
        "unit_settled": settled | {"since": month_start(at)},
        "unit_late": late,
    }[what]


_OF_AREAS = {"accepted", "accepted_today", "settled", "settled_today", "open", "grid_accepted", "grid_grassroots"}
_OF_UNITS = {"unit_settled", "unit_late"}


def _require(area: UnitRow, what: str, live: bool, unit: UnitRow | None) -> None:
    known = _OF_UNITS if unit is not None else _OF_AREAS | ({"late", "soon"} if live else {"late_this_month"})
    if unit is None and area.level > Level.COMMUNITY:
        known = {"open"}
    if what not in known:
        raise NoSuchFigure
