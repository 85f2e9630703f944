"""What is going on today: people put forward at every step of the way, a public notice, needs waiting to be claimed.

All of it through the real actions, so that whoever tries the demo finds work on every desk of the cast.
"""

import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from bihuan.demo.cultivation.people import PROGRAM, TECHNIQUES, TRADES
from bihuan.demo.cultivation.writing import WANTED
from bihuan.demo.names import Names
from bihuan.dossier import facts, subjects
from bihuan.dossier.models import Source, Subject
from bihuan.ladder.actions import entering, gates
from bihuan.ladder.models import Standing
from bihuan.net import tree
from bihuan.net.models import Posting, Role, Unit
from bihuan.offers.actions import needs, plans, rounds
from bihuan.offers.actions.plans import Line
from bihuan.offers.models import Round

TOWN, VILLAGE = "219923101000", "219923101201"  # those of the cast
STEPS = ("contact", "contact", "village", "village", "village", "town", "town", "county", "county", "notice")
DAY = timedelta(days=1)


@transaction.atomic
def write(*, at: datetime, seed: int) -> None:
    """Put people forward and collect needs in the town of the cast; its clocks run from a few days ago."""
    today = _Today(at, random.Random(seed * 7 + 4))
    for step in STEPS:
        today.put_forward(step)
    today.collect()


class _Today:
    def __init__(self, at: datetime, dice: random.Random) -> None:
        self.at, self.dice, self.names = at, dice, Names(dice)
        self.town, self.village = Unit.objects.get(code=TOWN), Unit.objects.get(code=VILLAGE)
        self.secretary = self._holder(self.village, Role.SECRETARY)
        self.organisers = [self._holder(Unit.objects.get(pk=unit), Role.ORGANISER) for unit in self._above()]

    def _ago(self, days: int) -> datetime:
        """Twenty past nine in the morning, so many days ago."""
        return timezone.localtime(self.at).replace(hour=9, minute=20, second=0, microsecond=0) - days * DAY

    def _above(self) -> Iterator[int]:
        """The town, its county and its city, from the ground up."""
        row = tree.snapshot().unit(self.town.pk)
        yield from (row.id, row.l3 or 0, row.l2 or 0)

    def _holder(self, unit: Unit, role: str) -> Posting:
        held = Posting.objects.filter(unit=unit, role=role, until=None).select_related("unit", "person")
        return held.order_by("pk")[0]

    def put_forward(self, step: str) -> None:
        """Somebody of the village, as far as `step`: on the contact list, or at a step of being chosen."""
        subject = self._neighbour()
        standing = entering.nominate(
            PROGRAM, subject, gate="recommend", by=self.secretary, at=self._ago(12), answers=self._answers(subject)
        )
        if step == "contact":
            return
        self._vouch(subject)
        gates.open_gate(standing, "admit", by=self.secretary, at=self._ago(4), answers=self._village_answers())
        self._vote(standing, step)

    def _vote(self, standing: Standing, step: str) -> None:
        """Those before the step agree, a day apart."""
        voters = {"village": self.secretary, "town": self.organisers[0], "county": self.organisers[1]}
        for nth, (level, voter) in enumerate(voters.items()):
            if level == step:
                return
            moment = self._ago(3 - nth) + timedelta(minutes=30 * nth)
            gates.vote(standing, agree=True, text="情况属实，同意。", by=voter, at=moment)

    def _neighbour(self) -> Subject:
        born = (self.at - timedelta(days=365 * self.dice.randint(27, 52))).date()
        gender, phone = self.dice.choice(("male", "female")), f"139{self.dice.randrange(10**8):08}"
        name = self.names.person()
        return subjects.register(name, unit=self.village.pk, at=self._ago(12), gender=gender, born_on=born, phone=phone)

    def _answers(self, subject: Subject) -> Mapping[str, Any]:
        born = subject.born_on.isoformat() if subject.born_on else ""
        education = self.dice.choice(("junior", "senior", "college"))
        return {
            "birth": born, "education": education, "member": False, "origin": "grower", "direction": "to_member",
            "trade": self.dice.choice(TRADES),
        }  # fmt: skip

    def _village_answers(self) -> Mapping[str, Any]:
        return {
            "resident_since": "2012-01-01", "willing": True, "fit": True, "output": self.dice.randrange(40_000, 400_000, 5_000),
            "technique": self.dice.choice(TECHNIQUES), "helped": self.dice.randint(0, 12), "approval": self.dice.randint(60, 95),
            "arrears": 0, "lessons": self.dice.randint(1, 6),
        }  # fmt: skip

    def _vouch(self, subject: Subject) -> None:
        """The town has asked the police and the bank."""
        town = self.organisers[0]
        told = {"person.lawful": True, "person.credit": True}
        facts.tell_all(subject, told, source=Source.TOWN, by=town, at=self._ago(5))

    def collect(self) -> None:
        """A round of needs in the whole city: some wait, some were taken up by the county's farm office with a plan."""
        city, title = self.organisers[2], f"{self.at.year}年需求征集"
        opened = rounds.open(PROGRAM, title=title, unit=city.unit, by=city, at=self._ago(3))
        near = Standing.objects.filter(program=PROGRAM, l4=self.town.pk, ended_at=None, rung__gt=0)
        for nth, standing in enumerate(near.select_related("subject").order_by("pk")[:14]):
            self._need(nth, standing, opened)

    def _need(self, nth: int, standing: Standing, opened: Round) -> None:
        topic = "funds" if nth % 3 == 0 else self.dice.choice(("technique", "market", "land", "policy"))
        words = self.dice.choice(WANTED[topic])
        asked = self._ago(2)
        offer = needs.collect(
            standing.subject, topic=topic, text=words, by=self.organisers[0], at=asked, round=opened,
            standing_id=standing.pk,
        )  # fmt: skip
        if nth % 5 == 1:
            helper = self._holder(Unit.objects.get(code=f"{self.organisers[1].unit.code}-farm"), Role.HANDLER)
            claim = needs.claim(offer, by=helper, at=asked + timedelta(hours=3))
            if nth % 2:
                plans.draw_up(claim, self._plan(helper), by=helper, at=self._ago(1))

    def _plan(self, helper: Posting) -> list[Line]:
        first = self.at.date()
        return [
            Line(first + 30 * nth * DAY, measure, first + (30 * nth + 20) * DAY, posting=helper)
            for nth, measure in enumerate(("上门了解情况，制定办法", "请专家现场指导", "回访效果，补上不足"))
        ]
