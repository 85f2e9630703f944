"""The cast with its secretaries and organisers signed in, over the ladders that come with the product and the tool shelf."""

from dataclasses import dataclass, field
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.timezone import now

from bihuan.book import outbox
from bihuan.book.journal import RESIDENT
from bihuan.dossier import facts, subjects
from bihuan.dossier.models import Subject
from bihuan.ladder.actions import entering
from bihuan.ladder.models import Standing
from bihuan.ladder.sweep import sweep
from bihuan.net.models import Person, Posting, Role
from bihuan.programs import versions
from tests.world import BORN

GOOD = {
    "birth": "1986-03-05", "education": "senior", "member": False, "origin": "grower", "direction": "to_member",
    "trade": "大棚蔬菜", "resident_since": "2015-01-01", "lawful": True, "credit": True, "willing": True, "fit": True,
    "output": 120_000, "technique": "嫁接", "helped": 6, "approval": 82, "arrears": 0, "lessons": 3,
}  # fmt: skip


@dataclass
class Ladders:
    """Posts by name, their browsers, and short ways to put somebody on a ladder."""

    cast: SimpleNamespace
    posts: dict[str, Posting] = field(default_factory=dict)

    def post(self, key: str, name: str, unit: Any, role: str) -> Posting:
        user = User.objects.create_user(key, password="x")
        person = Person.objects.create(name=name, user=user)
        self.posts[key] = Posting.objects.create(person=person, unit=unit, role=role, since=BORN)
        return self.posts[key]

    def door(self, key: str) -> Client:
        client, posting = Client(), self.posts[key]
        client.force_login(posting.person.user)
        session = client.session
        session["posting"] = posting.pk
        session.save()
        return client

    def subject(self, name: str = "王小满", unit: Any = None, phone: str = "13804130001", **answers: Any) -> Subject:
        """Somebody of a village of whom the register knows everything, unless said otherwise (None: not known)."""
        subject = subjects.register(name, unit=(unit or self.cast.south).pk, at=now(), phone=phone)
        rules = versions.rules(versions.in_force("three_way", now()).pk)
        said = {**GOOD, **answers}
        for source in ("register", "village", "town"):
            told = {
                rules.asks[key].use: value
                for key, value in said.items()
                if value is not None and (not rules.asks[key].source or source in rules.asks[key].source)
            }
            facts.tell_all(subject, told, source=source, by=None, at=now(), since=date(2026, 1, 5))
        return subject

    def contact(self, name: str = "王小满", **facts: Any) -> Standing:
        """Somebody in contact, by his own application."""
        subject = self.subject(name, **facts)
        return entering.nominate("three_way", subject, gate="recommend", by=RESIDENT, at=now())

    def on(self, stage: str, name: str = "李高级", since: datetime | None = None, **facts: Any) -> Standing:
        return entering.enter(self.subject(name, **facts), "three_way", stage, since or now(), at=now())

    def pump(self, at: datetime) -> None:
        while sweep(at) or outbox.drain(at, 200).taken:
            pass


@pytest.fixture
def ladders(cast: SimpleNamespace) -> Ladders:
    versions.ensure_packs(at=datetime(2019, 1, 1, tzinfo=now().tzinfo), pack="examples")
    ladders = Ladders(cast)
    ladders.post("village", "南关书记", cast.south, Role.SECRETARY)
    ladders.post("north", "北关书记", cast.north, Role.SECRETARY)
    ladders.post("town", "海州组织", cast.town, Role.ORGANISER)
    ladders.post("county", "海澄组织", cast.county, Role.ORGANISER)
    ladders.post("city", "千阳组织", cast.city, Role.ORGANISER)
    ladders.post("boss", "海澄县长", cast.county, Role.LEADER)
    return ladders
