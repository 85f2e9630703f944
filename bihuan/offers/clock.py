"""How long things may take, counted by the calendar of the place, and what of a need is due next.

Shipped defaults, each without a published source: a round may set another window for its needs.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
from django.utils.timezone import localdate

from bihuan.lib import worktime
from bihuan.lib.worktime import Duration
from bihuan.net.calendar import calendar_for
from bihuan.offers.models import Claim, Offer, PlanItem

WINDOW = "10wd"  # a need waits for a claim at one level
PLAN = Duration.parse("10wd")  # from the claim to the help plan
END = Duration.parse("10wd")  # from the last line of the plan to the word that the need is met
YEAR_PLAN = Duration.parse("20wd")  # from the pairing to its first yearly plan
YEAR_PLAN_BY = (1, 31)  # month and day by which the plan of a new year must be there


def due(limit: Duration | str, *, start: datetime, unit_id: int) -> datetime:
    """When a limit ends by the calendar of a unit."""
    if isinstance(limit, str):
        limit = Duration.parse(limit)
    return worktime.due(limit, start=start, calendar=calendar_for(unit_id))


def starts(day: date) -> datetime:
    """The instant a day begins here."""
    return datetime.combine(day, time(), ZoneInfo(settings.TIME_ZONE))


def ends(day: date) -> datetime:
    """The instant a day is over."""
    return starts(day + timedelta(days=1))


def year_plan_due(years: set[int], *, at: datetime, now: datetime | None) -> datetime:
    """When the next yearly plan of a pair is due: that of the first year from this one on that has none, by the end of its
    January; this year's when it was due already (`now`)."""
    this = localdate(at).year
    owed = next(year for year in range(this, this + 3) if year not in years)
    by = ends(date(owed, *YEAR_PLAN_BY))
    return max(by, now) if owed == this and now else by


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """Something of a need whose time comes: its window, a claim, a line of a plan that opens or is overdue."""

    at: datetime
    kind: str  # window, claim, opens, late
    id: int


def next_due(offer: Offer, at: datetime) -> Due | None:
    """What of a locked need is due at `at`, the earliest; None when nothing is. Two statements."""
    found = [Due(offer.window_until, "window", offer.pk)] if offer.window_until else []
    claims = Claim.objects.filter(offer=offer, state=Claim.State.TAKEN).values_list("due_at", "pk")
    found += [Due(due_at, "claim", pk) for due_at, pk in claims if due_at]
    items = PlanItem.objects.filter(DUE_ITEM, claim__offer=offer).values_list("stage", "opens_at", "due_at", "pk")
    for stage, opens_at, due_at, pk in items:
        waits = stage == PlanItem.Stage.WAITING
        found.append(Due(opens_at, "opens", pk) if waits else Due(due_at, "late", pk))
    return min((one for one in found if one.at <= at), default=None)


DUE_ITEM = Q(stage=PlanItem.Stage.WAITING) | Q(stage=PlanItem.Stage.OPEN, late=False)
