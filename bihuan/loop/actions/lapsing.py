"""What a clock does when it runs out: the verb its program names, done by nobody, stamped with the time it was due (K3)."""

from datetime import datetime

from django.utils import timezone

from bihuan.book.journal import CLOCK
from bihuan.lib import worktime
from bihuan.loop import clock as clocks
from bihuan.loop.actions import dispatching, handling, intake
from bihuan.loop.actions.verifying import open_verification
from bihuan.loop.categories import owed
from bihuan.loop.models import Case, Clock
from bihuan.loop.moves import require_move, rules_of
from bihuan.loop.record import advance
from bihuan.net import tree
from bihuan.net.models import Unit


def fire(case: Case, clock: Clock) -> None:
    """Let a due clock of a locked case act, once: it is marked first, and whoever comes next finds it fired."""
    clock.stage, clock.ended_at = Clock.Stage.FIRED, clock.due_at
    clock.save(update_fields=["stage", "ended_at"])
    rule = rules_of(case).clocks[clock.key]
    _repeat(case, clock)
    case.ticking = None
    _LAPSES[rule.lapse, rule.outcome](case, clock.due_at)


def _repeat(case: Case, clock: Clock) -> None:
    """A clock that repeats goes on from where it ended; the promise behind it stays what it was."""
    repeat = rules_of(case).clocks[clock.key].repeat
    if repeat:
        due = worktime.due(repeat, start=clock.due_at, calendar=clocks.calendar(case))
        Clock.objects.create(
            region_id=case.region_id,
            case_id=case.pk,
            key=clock.key,
            limit=clock.limit,
            started_at=clock.started_at,
            due_at=due,
            ledger=clock.ledger,
        )


def _dispatch(case: Case, at: datetime) -> None:
    """Nobody dispatched in time: the duty list does, else the place's own government takes it (属地兜底)."""
    basis = owed(case, category_id=case.category_id, on=timezone.localdate(at))
    unit = basis.unit_id if basis else _government(case)
    dispatching.dispatch(case, to=Unit.objects.get(pk=unit), by=CLOCK, at=at)


def _government(case: Case) -> int:
    """The town or street of the case's place, or who took over from it; without one the unit that has the case keeps it."""
    net = tree.snapshot()
    town = net.unit(net.today(case.l4)) if case.l4 else None
    return town.id if town is not None and town.died is None else case.unit_id


def _overdue(case: Case, at: datetime) -> None:
    """The promise was not kept: a fact that stays (overdue_raw), and the level above hears of it, again and again."""
    move = require_move(case, "lapse", by=CLOCK, outcome="overdue")
    changes = {"overdue_raw": True} if not case.overdue_raw else {}
    if case.overdue_raw is None:
        changes["overdue_scored"] = True
    advance(case, move, by=CLOCK, at=at, changes=changes)


def _verify_above(case: Case, at: datetime) -> None:
    """Nobody came to look: the check goes one level up."""
    move = require_move(case, "lapse", by=CLOCK, outcome="up")
    advance(case, move, by=CLOCK, at=at)
    open_verification(case, at=at, above=True)


def _close(outcome: str):  # type: ignore[no-untyped-def]
    def close(case: Case, at: datetime) -> None:
        """Nobody could say whether it is solved: it closes as just that, counted apart."""
        advance(case, require_move(case, "close", by=CLOCK, outcome=outcome), by=CLOCK, at=at)

    return close


_LAPSES = {
    ("accept", None): lambda case, at: intake.accept(case, by=CLOCK, at=at),
    ("dispatch", None): _dispatch,
    ("sign", None): lambda case, at: dispatching.sign(case, by=CLOCK, at=at),
    ("rule", "uphold"): lambda case, at: dispatching.rule(case, uphold=True, text="", by=CLOCK, at=at),
    ("contact", None): lambda case, at: handling.contact(case, text="", by=CLOCK, at=at),
    ("lapse", "overdue"): _overdue,
    ("approve", "pass"): lambda case, at: handling.approve(case, passed=True, by=CLOCK, at=at),
    ("lapse", "up"): _verify_above,
    ("close", "unverified"): _close("unverified"),
    ("close", "unreached"): _close("unreached"),
}
LAPSES = frozenset(_LAPSES)  # what a program's clocks may do; the request program is held to it by a test
