"""Which duties a standing is owed now: opened when it comes into a stage, opened anew when done, dropped when it leaves."""

from datetime import datetime

from django.db.models import QuerySet

from bihuan.ladder import timers
from bihuan.ladder.models import Duty, Standing
from bihuan.ladder.posts import ANSWERABLE, area
from bihuan.ladder.rules import rules_of
from bihuan.net.models import Posting
from bihuan.programs.ladder import Duty as Rule
from bihuan.programs.ladder import LadderProgram, level_of


def follow(standing: Standing, rules: LadderProgram, stage: str, *, at: datetime) -> None:
    """Open what the stage is owed, drop what it is owed no more; what goes on keeps its due time."""
    wanted = {key: rule for key, rule in rules.duties.items() if stage in rule.in_}
    there = set(still_open(standing).values_list("key", flat=True))
    drop(standing, at=at, keys=there - {*wanted})
    for key, rule in wanted.items():
        if key not in there:
            open_duty(standing, rule, at=at)


def open_duty(standing: Standing, rule: Rule, *, at: datetime) -> Duty:
    """The next time this is owed: one span of the rule from now."""
    holder, unit = _who(standing, rule)
    return Duty.objects.create(
        standing=standing,
        key=rule.key,
        posting=holder,
        unit_id=unit,
        opened_at=at,
        due_at=timers.due(standing, rule.every, start=at),
    )


def drop(standing: Standing, *, at: datetime, keys: set[str] | None = None) -> None:
    rows = still_open(standing)
    (rows if keys is None else rows.filter(key__in=keys)).update(dropped_at=at)


def hand_to(standing: Standing, posting: Posting | None) -> None:
    """What the answerable leader owes is owed by another one from now on."""
    unit = posting.unit_id if posting else area(standing, "county")
    keys = [duty.key for duty in still_open(standing) if _is_leaders(standing, duty)]
    still_open(standing).filter(key__in=keys).update(posting=posting and posting.pk, unit_id=unit)


def still_open(standing: Standing) -> QuerySet[Duty]:
    return Duty.objects.filter(standing=standing, done_at=None, dropped_at=None)


def overdue(at: datetime) -> QuerySet[Duty]:
    """Open duties whose time is over at `at` and that nobody has marked yet, the longest due first."""
    rows = Duty.objects.filter(due_at__lte=at, late=False, done_at=None, dropped_at=None)
    return rows.order_by("due_at", "id")


def _is_leaders(standing: Standing, duty: Duty) -> bool:
    rule = rules_of(standing).duties.get(duty.key)
    return rule is not None and rule.by == ANSWERABLE


def _who(standing: Standing, rule: Rule) -> tuple[int | None, int]:
    """The posting, where it is one person's, and the unit that owes it."""
    if rule.by == ANSWERABLE:
        leader = Posting.objects.filter(pk=standing.answerable).first()
        return (leader.pk, leader.unit_id) if leader else (None, area(standing, "county"))
    return None, area(standing, level_of(rule.by) or "village")
