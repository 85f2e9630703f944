"""A small ladder in the cast's county: a village, a town, a county and a city with their secretaries and organisers."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from bihuan.book import outbox
from bihuan.dossier import questions, subjects
from bihuan.dossier.models import Subject
from bihuan.ladder.models import Pass, Standing
from bihuan.ladder.sweep import sweep
from bihuan.net.models import Person, Posting, Role
from bihuan.programs import versions
from tests.world import BORN, MONDAY, make_cast

DOCUMENT = (Path(__file__).parent / "small.toml").read_text(encoding="utf-8")
START = MONDAY


@dataclass
class World:
    """The cast and a published ladder, with short ways to act."""

    cast: SimpleNamespace
    people: dict[str, Posting] = field(default_factory=dict)

    def post(self, key: str, unit: Any, role: str, **facts: Any) -> Posting:
        """Somebody new in a post."""
        person = facts.pop("person", None) or Person.objects.create(name=key)
        self.people[key] = Posting.objects.create(person=person, unit=unit, role=role, since=BORN, **facts)
        return self.people[key]

    def __getattr__(self, key: str) -> Posting:
        try:
            return self.__dict__["people"][key]
        except KeyError:
            raise AttributeError(key) from None

    def subject(self, name: str = "王小满", unit: Any = None, at: datetime = START, **answers: Any) -> Subject:
        """A person of a village with answers of the county."""
        from bihuan.dossier import facts

        subject = subjects.register(name, unit=(unit or self.cast.south).pk, at=at)
        said = {"small.age": 30, "small.output": 500_000, "small.law": True} | {
            f"small.{key}": value for key, value in answers.items()
        }
        facts.tell_all(subject, said, source="county", by=None, at=at)
        return subject

    def pump(self, at: datetime) -> None:
        """What the pump does: fire what is due and drain the outbox, until nothing is left."""
        while sweep(at) or outbox.drain(at, 200).taken:
            pass


def make_world(document: str = DOCUMENT) -> World:
    cast = make_cast()
    world = World(cast)
    version = versions.publish(
        document, by=None, at=START, since=datetime(2019, 1, 1, tzinfo=timezone.get_default_timezone())
    )
    questions.ensure(versions.rules(version.pk))
    world.post("village", cast.south, Role.SECRETARY)
    world.post("village_other", cast.north, Role.SECRETARY)
    world.post("town", cast.town, Role.ORGANISER)
    world.post("county", cast.county, Role.ORGANISER)
    world.post("county_second", cast.county, Role.ORGANISER)
    world.post("city", cast.city, Role.ORGANISER)
    world.post("leader", cast.county, Role.LEADER)
    return world


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def now(standing: Standing) -> Standing:
    """As the database has it."""
    return Standing.objects.select_related("subject").get(pk=standing.pk)


def at_gate(standing: Standing) -> Pass:
    """The gate it is in."""
    return Pass.objects.get(standing=standing, ended_at=None)
