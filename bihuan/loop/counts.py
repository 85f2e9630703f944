"""What a case counts for. A count hangs on one moment of the case; when moment, place or unit change, it moves along."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bihuan.book.models import TallyDelta
from bihuan.loop.models import Case, Source, State

SCORED_TO_UNIT = ("settled", "late")  # counts that a unit answers for; the others only have a place
GRASSROOTS = 5  # settled by a unit of this level or below it counts as settled at the grassroots (M02)


@dataclass(frozen=True, slots=True)
class Count:
    """One case counted once: what, when, where and to whom it is scored."""

    measure: str
    at: datetime
    l1: int | None
    l2: int | None
    l3: int | None
    l4: int | None
    l5: int | None
    grid: int | None
    unit: int | None

    def columns(self) -> dict[str, Any]:
        """As columns of a TallyDelta."""
        return {slot: getattr(self, slot) for slot in Count.__slots__}


def counted(case: Case) -> Counter[Count]:
    """Everything the case counts for in its present shape; a test case counts for nothing."""
    return Counter() if case.test else Counter(_count(case, measure, at) for measure, at in measures(case))


def measures(case: Case):  # type: ignore[no-untyped-def]
    yield "filed", case.filed_at
    if case.accepted_at:
        yield "accepted", case.accepted_at
        if case.source == Source.GRID:
            yield "grid_accepted", case.accepted_at
    if case.closed_at:
        yield "ended", case.closed_at
        if case.state == State.CLOSED:
            yield from _settled(case)


def _settled(case: Case):  # type: ignore[no-untyped-def]
    yield "settled", case.closed_at
    if case.overdue_raw:
        yield "late", case.closed_at
    if (case.settled_level or 0) >= GRASSROOTS:
        yield "grassroots", case.closed_at
        if case.source == Source.GRID:
            yield "grid_grassroots", case.closed_at


def _count(case: Case, measure: str, at: datetime) -> Count:
    unit = case.unit_id if measure in SCORED_TO_UNIT else None
    return Count(measure, at, case.l1, case.l2, case.l3, case.l4, case.l5, case.grid_id, unit)


def deltas(region_id: int, before: Counter[Count], after: Counter[Count]) -> list[TallyDelta]:
    """The rows that turn the counts `before` an act into those `after` it."""
    change = Counter(after)
    change.subtract(before)
    return [
        TallyDelta(region_id=region_id, amount=amount, **count.columns()) for count, amount in change.items() if amount
    ]
