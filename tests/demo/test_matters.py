"""What the demo's residents say, and who owes what: complete, varied, and found by the words people use."""

import random
from datetime import UTC, datetime

import pytest

from bihuan.demo.cast import staff
from bihuan.demo.city import SEED, City
from bihuan.demo.founding import BORN, found
from bihuan.demo.matters import MATTERS, SPEECH, TOPICS, enter, question, report, share
from bihuan.demo.offices import OFFICES
from bihuan.loop.categories import full_title, owed, suggest
from bihuan.loop.models import Case, Category, Duty
from bihuan.net.models import Unit

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_the_tree_of_categories_is_as_wide_as_real_life() -> None:
    assert len(TOPICS) == 15 and len(MATTERS) == 90
    assert len({matter.key for matter in MATTERS}) == 90
    assert {matter.office for matter in MATTERS} <= {office.key for office in OFFICES} | {""}


def test_residents_say_the_same_thing_in_many_ways() -> None:
    dice = random.Random(1)
    for matter in MATTERS:
        assert len(matter.tails) * len(SPEECH["opens"]) >= 300
    said = {report(MATTERS[0], "锦绣花园", dice) for _ in range(200)}
    assert len(said) > 150 and all("锦绣花园" in words for words in said)
    assert all(question(topic, dice)[1] for topic in TOPICS)


def test_heating_is_a_matter_of_winter_and_floods_of_july() -> None:
    by_key = {matter.key: matter for matter in MATTERS}
    assert share(by_key["utilities.heat_cold"], 1) > 3 * share(by_key["utilities.heat_cold"], 6)
    assert share(by_key["roads.drain"], 7) > 1.3 * share(by_key["roads.drain"], 1)


@pytest.mark.django_db
def test_every_matter_has_a_unit_that_owes_it_everywhere(small: City) -> None:
    found(small, staff(small, SEED), at=AT)
    enter(small, since=BORN, at=AT)
    community = Unit.objects.get(code="219981001001")
    case = Case(region_id=community.l3, l3=community.l3, l4=community.l4, l5=community.pk)
    for category in Category.objects.exclude(parent=None):
        basis = owed(case, category_id=category.pk, on=AT.date())
        matter = next(matter for matter in MATTERS if matter.key == category.key)
        unit = Unit.objects.get(pk=basis.unit_id)
        assert basis.clause and not basis.fallback
        assert unit.code == (f"219981000000-{matter.office}" if matter.office else "219981001000")
    assert owed(case, category_id=None, on=AT.date()).unit_id == community.l4
    assert Duty.objects.filter(category=None).count() == 1 + 7 + 16


@pytest.mark.django_db
def test_keywords_lead_to_the_category(small: City) -> None:
    found(small, [], at=AT)
    enter(small, since=BORN, at=AT)
    assert full_title(suggest("我家暖气不热，室温只有十四度")[0].pk) == "水电气热 / 室温不达标"
    assert full_title(suggest("路灯不亮")[0].pk) == "市政设施 / 路灯"
