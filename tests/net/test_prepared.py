"""A query written out once gives what the query set gives, each time for the values of that asking."""

from typing import Any

import pytest
from django.db.models import Exists, OuterRef, QuerySet

from bihuan.net.models import Posting, Role, Unit
from bihuan.net.postings import names_of, standing_on
from bihuan.net.prepared import Prepared
from tests.net.conftest import BORN, County

pytestmark = pytest.mark.django_db
OF_UNIT: Prepared[Posting] = Prepared(lambda unit: Posting.objects.filter(unit=unit).select_related("person", "unit"))
NAMES: Prepared[tuple] = Prepared(lambda level: Unit.objects.filter(level=level).order_by("code").values_list("name"))


def test_models_come_with_what_was_selected_along(county: County, django_assert_num_queries: Any) -> None:
    held = county.post("张三", county.housing)
    county.post("李四", county.team)
    with django_assert_num_queries(1):
        (found,) = OF_UNIT(unit=county.housing.pk)
        assert (found, found.person.name, found.unit) == (held, "张三", county.housing)
    assert found.unit.path == Unit.objects.get(pk=county.housing.pk).path


def test_each_asking_names_its_own_values(county: County) -> None:
    assert NAMES(level=2) == [("鞍山市",)]
    assert NAMES(level=4) == [("海州街道",), ("西柳镇",)]
    assert NAMES.first(level=4) == ("海州街道",)
    assert NAMES.first(level=9) is None


def test_a_value_may_be_asked_for_twice_and_an_annotation_comes_along(county: County) -> None:
    one, alone = county.post("张三", county.housing), county.post("李四", county.housing)
    other = Posting.objects.create(person=one.person, unit=county.team, role=Role.HANDLER, since=BORN)

    def held(pk: Any, today: Any) -> QuerySet[Posting]:
        standing = Posting.objects.filter(standing_on(today))
        others = standing.filter(person=OuterRef("person")).exclude(pk=OuterRef("pk"))
        return standing.filter(pk=pk).annotate(has_others=Exists(others))

    ask: Prepared[Any] = Prepared(held)
    assert [ask.first(pk=p.pk, today=BORN).has_others for p in (one, other, alone)] == [True, True, False]


def test_the_names_of_postings_are_one_statement(county: County, django_assert_num_queries: Any) -> None:
    held = county.post("张三", county.housing)
    with django_assert_num_queries(1):
        assert names_of({held.pk}) == [(held.pk, county.housing.pk, "张三")]
    with django_assert_num_queries(0):
        assert names_of([]) == []
