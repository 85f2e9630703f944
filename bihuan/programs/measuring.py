"""Which of two limits ends first, whenever they begin: by their numbers when the unit is one, else by the calendar."""

from datetime import datetime, timedelta
from functools import cache

from bihuan.lib import worktime
from bihuan.lib.worktime import Duration
from bihuan.programs.paper import national_calendar
from bihuan.programs.scenarios import ZONE

# Every seventh hour of a year falls on all hours of all weekdays, and on the long holidays with their make-up days.
TRIED_FROM, STEP, TRIES = datetime(2025, 1, 1, tzinfo=ZONE), timedelta(hours=7), 365 * 24 // 7


@cache
def compare(one: Duration, other: Duration) -> int | None:
    """-1: `one` never ends later than `other`, 1: never earlier, 0: always together, None: it depends on the moment."""
    if one.unit == other.unit:
        return (one.n > other.n) - (one.n < other.n)
    calendar = national_calendar()
    signs = set()
    for nth in range(TRIES):
        start = TRIED_FROM + nth * STEP
        first, second = (worktime.due(limit, start=start, calendar=calendar) for limit in (one, other))
        signs.add((first > second) - (first < second))
    signs.discard(0)
    return None if len(signs) == 2 else next(iter(signs), 0)


def is_never_later(one: Duration, other: Duration) -> bool:
    """Whether `one` ends no later than `other` from whatever moment both begin."""
    return compare(one, other) in (-1, 0)
