"""A city of full scale with as many cases as wanted, on a database of its own that keeps every commit."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from bihuan.book.journal import RESIDENT, By
from bihuan.demo import figures, matters, seeding
from bihuan.demo.city import CITY_CODE, FULL
from bihuan.loop.history import History, Step, write_history
from bihuan.loop.models import Case, Category, Clock, Task
from bihuan.net import tree
from bihuan.net.models import Level, Posting, Role, Unit
from bihuan.programs import versions
from bihuan.run.roles import as_owner

OPEN_SHARE = 0.17  # of all cases, as in the peer's measurement
YEARS = 3
BATCH = 20_000
STATES = ("filed", "accepted", "dispatched", "signed", "handling")


def found() -> None:
    """Tables, and the demo's city at full scale: 13,035 grids, its people and its duty list; not one case."""
    call_command("migrate", verbosity=0, skip_checks=True)
    if not Unit.objects.filter(code=CITY_CODE).exists():
        seeding.found_city(FULL, at=timezone.now())


def fill(wanted: int, at: datetime) -> int:
    """Bring the number of cases up to `wanted`, spread over counties and three years; returns how many were written."""
    there = Case.objects.count()
    if there >= wanted:
        return 0
    version = versions.in_force("request", at)
    counties = [unit for unit in tree.snapshot() if unit.level == Level.COUNTY and unit.is_place]
    shares = [round((wanted - there) * figures.PEOPLE[county.code[:6]]) for county in counties]
    shares[-1] += wanted - there - sum(shares)
    with seeding.indexed_afterwards():
        for county, share in zip(counties, shares, strict=True):
            stories = Stories(county.id, at, random.Random(county.id * 1_000_003 + there))
            told = stories.told(share)
            write_history(told, region_id=county.id, version_id=version.pk, at=at, batch=BATCH, durable=False)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")  # what filling left to write must not be written during the measurement
    return wanted - there


@dataclass
class Stories:
    """Plain lives of one county's cases: a sixth of them open, in every state, the rest closed."""

    county: int
    at: datetime
    dice: random.Random

    def __post_init__(self) -> None:
        net = tree.snapshot()
        self.places = [net.unit(id) for id in net.below(self.county) if net.unit(id).is_place]
        self.places = [unit for unit in self.places if unit.level >= Level.COMMUNITY]
        self.units = [net.unit(id) for id in net.below(self.county) if net.unit(id).kind == "organ"]
        self.centre = net.centre_of(self.county)
        handlers = Posting.objects.filter(unit_id__in=[unit.id for unit in self.units], role=Role.HANDLER)
        self.handlers = {posting.unit_id: posting.pk for posting in handlers}
        dispatcher = Posting.objects.filter(unit_id=self.centre, role=Role.DISPATCHER).first()
        self.dispatcher = By("posting", dispatcher.pk if dispatcher else None)
        self.categories = list(Category.objects.exclude(parent=None).values_list("pk", flat=True))
        said = [matters.report(matter, "", self.dice) for matter in matters.MATTERS for _ in range(5)]
        self.dice.shuffle(said)
        self.words = cycle(said)

    def told(self, count: int) -> Iterator[History]:
        span = YEARS * 365 * 24 * 3600
        for _ in range(count):
            filed = self.at - timedelta(seconds=self.dice.random() * span)
            yield self._open(filed) if self.dice.random() < OPEN_SHARE else self._closed(filed)

    def _filed(self, at: datetime, unit: int) -> Step:
        place = self.dice.choice(self.places)
        changes = {
            "type": self.dice.choice(("help", "complaint", "inquiry", "report")),
            "source": self.dice.choice(("web", "phone", "grid")),
            "unit_id": unit,
            "due_at": at + timedelta(hours=2),
            "l1": place.l1,
            "l2": place.l2,
            "l3": place.l3,
            "l4": place.l4,
            "l5": place.l5,
            "grid_id": place.id,
        }
        return Step("file", at, changes, RESIDENT, None, next(self.words), place.name)

    def _taken(self, at: datetime, unit: int, state: str) -> list[Step]:
        """Filed, accepted and dispatched, as far as `state`."""
        hour = timedelta(hours=1)
        accepted = {"state": "accepted", "accepted_at": at + hour, "category_id": self.dice.choice(self.categories)}
        promise = at + timedelta(days=14)
        sent = {"state": "dispatched", "dispatched_at": at + 2 * hour, "unit_id": unit, "promise_at": promise}
        steps = [self._filed(at, self.centre)]
        if state != "filed":
            steps.append(Step("accept", at + hour, accepted | {"due_at": at + 2 * hour}, self.dispatcher))
        if state not in ("filed", "accepted"):
            steps.append(Step("dispatch", at + 2 * hour, sent | {"due_at": promise}, self.dispatcher, {"unit": unit}))
        return steps

    def _open(self, at: datetime) -> History:
        state, unit = self.dice.choice(STATES), self.dice.choice(self.units).id
        steps = self._taken(at, unit, state)
        if state in ("signed", "handling"):
            steps.append(Step("sign", at + timedelta(hours=3), {"state": "signed"}, self._handler(unit)))
        if state == "handling":
            steps.append(Step("contact", at + timedelta(hours=4), {"state": "handling"}, self._handler(unit)))
        # Its clock stands far ahead: the pump must not spend the measurement on three years of lapses.
        due = self.at + timedelta(days=30 + 60 * self.dice.random())
        steps[-1].changes["due_at"] = due
        clock = {"key": "handle", "limit": "10wd", "started_at": at, "due_at": due}
        task = {"kind": "lead", "unit_id": unit, "opened_at": at, "due_at": due}
        return History(steps, self._contact(), [(Clock, clock), (Task, task)])

    def _closed(self, at: datetime) -> History:
        unit, day = self.dice.choice(self.units).id, timedelta(days=1)
        handler = self._handler(unit)
        steps = self._taken(at, unit, "handling")
        steps.append(
            Step("reply", at + day, {"state": "replied", "result": "resolved"}, handler, None, "已经办好，请查看。")
        )
        passed = {"state": "calling_back", "replied_at": at + day, "overdue_raw": self.dice.random() < 0.05}
        steps.append(Step("approve", at + day, passed, handler))
        closed = {"state": "closed", "closed_at": at + 2 * day, "ending": "confirmed", "settled_level": 3, "rating": 5}
        steps.append(Step("confirm", at + 2 * day, closed, RESIDENT))
        return History(steps, self._contact())

    def _handler(self, unit: int) -> By:
        return By("posting", self.handlers.get(unit))

    def _contact(self) -> tuple[str, str]:
        return ("", f"139{self.dice.randrange(10**8):08}") if self.dice.random() < 0.6 else ("", "")


def actor(login: str) -> Posting:
    """One of the demo's named cast."""
    return Posting.objects.select_related("person__user").get(person__user__username=login, until=None)
