"""The published figures of three-way cultivation, studios and pairing, read from the whole demo by live queries.

Every value here was published of a real city or county (2021 and 2024 are two moments of it); the demo's invented city meets
each as of its day. `at_least` ones may be more.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import transaction

from bihuan.demo.city import CITY_CODE, FULL, SEED
from bihuan.demo.cultivation import writing
from bihuan.demo.cultivation.giving import THE_COUNTY
from bihuan.demo.cultivation.people import BEFORE, NOW, TERM
from bihuan.demo.seeding import found_city
from bihuan.gauge.declared import figures
from bihuan.gauge.people import When, parts, read, rows
from bihuan.net import tree

AT = datetime(2026, 3, 12, 3, 20, tzinfo=UTC)
CITY, COUNTY, TODAY = CITY_CODE, f"{THE_COUNTY}000000", date(2026, 3, 12)
CULTIVATION, RESERVE = "three_way", "village_reserve"

# program, figure, as of, area, value, whether it may be more
PUBLISHED: list[tuple[str, str, date, str, str, bool]] = [
    (CULTIVATION, "trainees", BEFORE, CITY, "3073", False),
    (CULTIVATION, "trainees", TERM, CITY, "3757", False),
    (CULTIVATION, "trainees_young", TERM, CITY, "2177", False),
    (CULTIVATION, "trainees_college", TERM, CITY, "596", False),
    (CULTIVATION, "needing", TERM, CITY, "665", False),
    (CULTIVATION, "needs", TERM, CITY, "877", False),
    (CULTIVATION, "needing_met", TERM, CITY, "325", False),
    (CULTIVATION, "needs_met", TERM, CITY, "436", False),
    (CULTIVATION, "sessions", TERM, COUNTY, "166", False),
    (CULTIVATION, "attendances", TERM, COUNTY, "2817", False),
    (CULTIVATION, "problems", TERM, COUNTY, "847", False),
    (CULTIVATION, "information", TERM, COUNTY, "722", False),
    (CULTIVATION, "projects_year", TERM, COUNTY, "150", False),
    (CULTIVATION, "loans_year", TERM, COUNTY, "6950000", False),
    (CULTIVATION, "land_year", TERM, COUNTY, "469", False),
    (CULTIVATION, "technique", TERM, COUNTY, "262", False),
    (CULTIVATION, "study_trips", TERM, COUNTY, "105", False),
    (CULTIVATION, "trainees", NOW, CITY, "5601", False),
    (CULTIVATION, "leading", NOW, CITY, "23", False),
    (CULTIVATION, "members", NOW, CITY, "36", False),
    (CULTIVATION, "villages", NOW, CITY, "582", False),
    (CULTIVATION, "loans", NOW, CITY, "130000000", False),
    (CULTIVATION, "land", NOW, CITY, "5503", False),
    (CULTIVATION, "projects", NOW, CITY, "972", False),
    (CULTIVATION, "eliminated", NOW, CITY, "217", False),
    (CULTIVATION, "on_committees", NOW, CITY, "1958", False),
    (RESERVE, "reserve", NOW, CITY, "2134", False),
    (CULTIVATION, "solved_year", TERM, CITY, "3187", False),
    (CULTIVATION, "households_year", TERM, CITY, "4687", False),
    (CULTIVATION, "people_year", TERM, CITY, "11194", False),
    (CULTIVATION, "growth", TERM, CITY, "684", False),
    (CULTIVATION, "growth_young", TERM, CITY, "576", False),
    (CULTIVATION, "growth_college", TERM, CITY, "271", False),
    (CULTIVATION, "members", TERM, CITY, "22", False),
    (CULTIVATION, "counties", NOW, CITY, "7", False),
    (CULTIVATION, "policies", NOW, CITY, "12", False),
    (CULTIVATION, "loans_city", TERM, CITY, "7860000", False),
    (CULTIVATION, "demonstration", TERM, CITY, "100", False),
    (CULTIVATION, "study_tours", TERM, CITY, "100", False),
    (CULTIVATION, "loan_needs", TERM, CITY, "83", False),
    (CULTIVATION, "bank_borrowers", TERM, CITY, "12", False),
    (CULTIVATION, "bank_loans", TERM, CITY, "2250000", False),
    (CULTIVATION, "union_least", TERM, CITY, "50000", False),
    (CULTIVATION, "union_most", TERM, CITY, "100000", False),
    (CULTIVATION, "union_years", TERM, CITY, "1", False),
    (CULTIVATION, "union_borrowers", TERM, CITY, "3", False),
    (CULTIVATION, "union_largest", TERM, CITY, "100000", False),
    (CULTIVATION, "science_helped", TERM, CITY, "14", False),
    (CULTIVATION, "science_trainings", TERM, CITY, "40", True),
    (CULTIVATION, "science_problems", TERM, CITY, "35", False),
    (CULTIVATION, "science_college", TERM, CITY, "7", False),
    (CULTIVATION, "criteria", NOW, CITY, "15", False),
    (CULTIVATION, "steps", NOW, CITY, "7", False),
    (CULTIVATION, "levels", NOW, CITY, "3", False),
    (CULTIVATION, "answerable", TODAY, CITY, "1", False),
    (CULTIVATION, "lead_goose", NOW, CITY, "95", False),
    (CULTIVATION, "learning_share", NOW, CITY, "100", False),
    (CULTIVATION, "led_projects", NOW, CITY, "242", False),
    (CULTIVATION, "households", NOW, CITY, "41000", False),
    (CULTIVATION, "services", NOW, CITY, "6841", False),
    (CULTIVATION, "solved", NOW, CITY, "13000", True),
    (CULTIVATION, "honoured", NOW, CITY, "600", True),
    (CULTIVATION, "capable_share", NOW, CITY, "89.2", False),
    (RESERVE, "secretaries_least", NOW, CITY, "1", True),
    (RESERVE, "secretaries_most", NOW, CITY, "2", False),
    (RESERVE, "others_least", NOW, CITY, "3", True),
    (CULTIVATION, "studios", TERM, CITY, "60", False),
    (CULTIVATION, "talks", TERM, CITY, "73", False),
    (CULTIVATION, "suggestions", TERM, CITY, "127", False),
    (CULTIVATION, "paired", NOW, CITY, "582", False),
]


@pytest.fixture(scope="module")
def countryside(django_db_setup, django_db_blocker) -> Iterator[None]:
    """The whole city and everybody in it; rolled back after this module."""
    with django_db_blocker.unblock(), transaction.atomic():
        found_city(FULL, at=AT)
        writing.write(writing.WHOLE, at=AT, seed=SEED)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def lived(countryside: None, django_db_blocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "key", "on", "code", "value", "or_more"), PUBLISHED, ids=[f"{row[1]}-{row[2]}" for row in PUBLISHED]
)
def test_a_published_figure_comes_out(
    lived: None, program: str, key: str, on: date, code: str, value: str, or_more: bool
) -> None:
    found = read(figures(program)[key], tree.snapshot().by_code(code), When.end_of(on))
    assert found is not None
    rounded = round(found, 1)
    assert rounded >= Decimal(value) if or_more else rounded == Decimal(value)


@pytest.mark.slow
@pytest.mark.parametrize("key", ["trainees", "eliminated", "loans", "needs_met", "suggestions", "paired"])
def test_Q1_Q2_a_published_figure_opens_its_rows_and_sums_up_the_tree(lived: None, key: str) -> None:
    figure, city, when = figures(CULTIVATION)[key], tree.snapshot().by_code(CITY), When.end_of(NOW)
    value = read(figure, city, when)
    assert sum(part.value for part in parts(figure, city, when)) == value
    listed = rows(figure, city, when, most=20_000)
    amount = sum(row.amount for row in listed) if figure.count == "amount" else len(listed)
    assert amount == value
