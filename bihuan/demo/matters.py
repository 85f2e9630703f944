"""What people report in the demo city, who owes each duty, and the words in which it is said and answered."""

import random
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from bihuan.demo.city import City, Sketch
from bihuan.loop.categories import PART
from bihuan.loop.models import Category, Duty
from bihuan.net.models import Kind, Level
from bihuan.net.revisions import touch

with (Path(__file__).parent / "data" / "matters.toml").open("rb") as file:
    _DOCUMENT = tomllib.load(file)

USUAL_TYPES = ("complaint", "help", "complaint")  # of a matter that is neither plainly one nor the other
# Topics in which grid workers find things on their rounds.
FOUND_ON_ROUNDS = ("sanitation", "roads", "building", "environment", "police", "farming")


@dataclass(frozen=True)
class Matter:
    """A category of the second level. `office` ends the code of the unit that owes it; empty: the town does."""

    key: str
    title: str
    topic: str
    office: str
    words: str
    types: tuple[str, ...]
    says: tuple[str, ...]
    done: tuple[str, ...]

    @cached_property
    def tails(self) -> list[str]:
        """Everything that can follow the place: what is wrong, since when, what is wanted."""
        return [f"{a}，{b}。{c}" for a in self.says for b in SPEECH["since"] for c in SPEECH["wants"]]


@dataclass(frozen=True, slots=True)
class Topic:
    """A category of the first level, with its share of all matters in each month (January first)."""

    key: str
    title: str
    office: str
    months: tuple[float, ...]
    asks: tuple[tuple[str, str], ...]
    matters: tuple[Matter, ...]


SPEECH: dict[str, tuple[str, ...]] = {key: tuple(said) for key, said in _DOCUMENT["speech"].items()}


def _topic(told: dict[str, Any]) -> Topic:
    months = [float(share) for share in told["months"].split()]
    shares = tuple(told["share"] * month / sum(months) for month in months)
    matters = tuple(_matter(told, item) for item in told["item"])
    return Topic(told["key"], told["title"], told["office"], shares, tuple(map(tuple, told["asks"])), matters)


def _matter(topic: dict[str, Any], item: dict[str, Any]) -> Matter:
    return Matter(
        key=f"{topic['key']}.{item['key']}",
        title=item["title"],
        topic=topic["key"],
        office=item.get("office", topic["office"]),
        words=item["words"],
        types=(item["type"],) if "type" in item else USUAL_TYPES,
        says=tuple(item["says"]),
        done=tuple(item["done"]),
    )


TOPICS = tuple(_topic(told) for told in _DOCUMENT["topic"])
MATTERS = tuple(matter for topic in TOPICS for matter in topic.matters)


def share(matter: Matter, month: int) -> float:
    """How much of a month's matters (1 .. 12) are of this kind, relative to the others."""
    topic = next(topic for topic in TOPICS if topic.key == matter.topic)
    return topic.months[month - 1] / len(topic.matters)


# How it is said


def report(matter: Matter, place: str, dice: random.Random) -> str:
    """A resident's words about a matter at a place."""
    return dice.choice(SPEECH["opens"]).format(place=place) + dice.choice(matter.tails)


def question(topic: Topic, dice: random.Random) -> tuple[str, str]:
    """A question about a topic, and the hotline's answer."""
    asked, answer = dice.choice(topic.asks)
    return f"{dice.choice(('您好，', '请问，', '咨询一下，', ''))}{asked}？", answer


# Who owes it


def enter(city: City, *, since: date, at: datetime) -> None:
    """Write the categories and the duty list (派单目录) of a city that was founded."""
    categories = _enter_categories()
    Duty.objects.bulk_create(Duty(since=since, **duty) for duty in _duties(city, categories))
    touch(PART, at)


def _enter_categories() -> dict[str, int]:
    tops = Category.objects.bulk_create(Category(key=topic.key, title=topic.title) for topic in TOPICS)
    ids = {category.key: category.pk for category in tops}
    below = Category.objects.bulk_create(
        Category(key=matter.key, title=matter.title, keywords=matter.words, parent_id=ids[matter.topic])
        for matter in MATTERS
    )
    return ids | {category.key: category.pk for category in below}


def _duties(city: City, categories: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Topics to the departments of city and counties, exceptions by matter, and every area's fallback (属地兜底)."""
    for area in [city.city, *city.city.areas(Level.COUNTY)]:
        offices = offices_of(area)
        for n, topic in enumerate(TOPICS, 1):
            yield _duty(categories[topic.key], area, offices[topic.office], clause(n, topic.title))
            for matter in topic.matters:
                if matter.office and matter.office != topic.office:
                    office = offices[matter.office]
                    yield _duty(categories[matter.key], area, office, clause(n, matter.title))
        yield _duty(None, area, offices["letters"], "派单目录总则：职责不清的，由信访局协调")
    for town in city.city.areas(Level.TOWN):
        for matter in MATTERS:
            if not matter.office:
                yield _duty(categories[matter.key], town, town, TOWN_CLAUSE)
        yield _duty(None, town, town, "派单目录总则：属地兜底")


TOWN_CLAUSE = "派单目录总则：由属地政府办理"


def clause(n: int, title: str) -> str:
    return f"派单目录第{n}条：{title}"


def _duty(category: int | None, area: Sketch, unit: Sketch, because: str) -> dict[str, Any]:
    return {"category_id": category, "area_id": area.id, "unit_id": unit.id, "clause": because}


def offices_of(area: Sketch) -> dict[str, Sketch]:
    """The departments of a city or county by the tail of their codes."""
    organs: Iterable[Sketch] = (unit for unit in area.children if unit.kind == Kind.ORGAN)
    return {unit.code.partition("-")[2]: unit for unit in organs}
