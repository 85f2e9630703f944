"""Three-way cultivation in the demo: plans that add up to the published figures, and a small countryside written down."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from django.db import transaction

from bihuan.demo.city import SEED
from bihuan.demo.cultivation import giving, people, today, writing
from bihuan.demo.cultivation.giving import Gift, Places
from bihuan.demo.cultivation.people import BEFORE, NOW, TERM, Being
from bihuan.demo.seeding import LITTLE, found_city
from bihuan.gauge.declared import figures
from bihuan.gauge.people import When, parts, read, rows
from bihuan.jobs.integrity import check_offers, check_standings
from bihuan.ladder.models import Pass
from bihuan.net import tree
from bihuan.offers.models import Offer

AT = datetime(2026, 3, 12, 3, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def beings() -> list[Being]:
    return people.people(people.WHOLE, {village: (village % 66, village % 4) for village in range(609)}, seed=SEED)


def _there(beings: list[Being], on: date) -> list[Being]:
    entered = (being for being in beings if being.rungs and being.entered_on <= on)
    return [being for being in entered if being.eliminated_on is None or being.eliminated_on > on]


def _age(being: Being, on: date) -> int:
    return on.year - being.born_on.year - ((on.month, on.day) < (being.born_on.month, being.born_on.day))


@pytest.mark.parametrize(
    ("on", "trainees", "young", "college"),
    [(BEFORE, 3_757 - 684, 2_177 - 576, 596 - 271), (TERM, 3_757, 2_177, 596), (NOW, 5_601, None, None)],
)
def test_the_groups_add_up(
    beings: list[Being], on: date, trainees: int, young: int | None, college: int | None
) -> None:
    there = _there(beings, on)
    assert len(there) == trainees
    if young is not None:
        assert sum(_age(being, on) <= 45 for being in there) == young
        schooled = [being for being in there if being.answer("person.education") in ("college", "bachelor")]
        assert len(schooled) == college


def test_the_other_people_figures_hold(beings: list[Being]) -> None:
    assert sum(date(2019, 7, 1) <= being.eliminated_on <= NOW for being in beings if being.eliminated_on) == 217
    assert sum(being.reached_on is not None for being in beings) == 23
    posts = [being for being in beings if being.answer("person.village_post")]
    assert sum(being.stands for being in posts) == 1_958
    assert round(100 * 1_958 / len(posts), 1) == 89.2
    assert Counter(being.reserve for being in beings)["secretary"] + sum(b.reserve == "other" for b in beings) == 2_134


@pytest.fixture(scope="module")
def gifts(beings: list[Being]) -> list[Gift]:
    farms = {county: 100_000 + county for county in range(1, 5)}
    offices = {key: 200_000 + nth for nth, key in enumerate(("finance", "union", "science", "farm"))}
    places = Places(offices, {village: 1 + village % 4 for village in range(609)}, 1, farms)
    return giving.gifts(giving.WHOLE, beings, places, seed=SEED)


def _sum(gifts: list[Gift], measure: str, first: str = "2000", last: str = "2100", *, side: str = "support") -> int:
    days = (date.fromisoformat(f"{first}-01-01"), date.fromisoformat(f"{last}-01-01"))
    return sum(g.amount for g in gifts if g.measure == measure and g.side == side and days[0] <= g.on < days[1])


def test_the_ledgers_add_up(gifts: list[Gift]) -> None:
    assert _sum(gifts, "loans") == 130_000_000
    assert _sum(gifts, "land") == 5_503 and _sum(gifts, "projects") == 972
    assert _sum(gifts, "households", side="contribution") == 41_000
    assert _sum(gifts, "households", "2021", "2022", side="contribution") == 4_687
    assert _sum(gifts, "solved", "2021", "2022", side="contribution") == 3_187
    assert all(gift.on >= gift.being.entered_on for gift in gifts)


@pytest.fixture(scope="module")
def countryside(django_db_setup, django_db_blocker) -> Iterator[None]:
    """The little city with its trainees; rolled back after this module."""
    with django_db_blocker.unblock(), transaction.atomic():
        found_city(LITTLE.scale, at=AT)
        writing.write(writing.LITTLE, at=AT, seed=SEED)
        today.write(at=AT, seed=SEED)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def lived(countryside: None, django_db_blocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


def _figure(key: str, on: date) -> float:
    net = tree.snapshot()
    value = read(figures("three_way")[key], net.unit(net.home), When.end_of(on))
    return float(value or 0)


LITTLE_FIGURES = [
    ("trainees", BEFORE, 32), ("trainees", TERM, 42), ("trainees", NOW, 58), ("trainees_young", TERM, 24),
    ("trainees_college", TERM, 7), ("growth", TERM, 10), ("leading", NOW, 2), ("eliminated", NOW, 4),
    ("on_committees", NOW, 20), ("committee", NOW, 23), ("honoured", NOW, 7), ("learning_share", NOW, 100),
    ("answerable", AT.date(), 1), ("members", TERM, 22), ("members", NOW, 36), ("counties", NOW, 7), ("needs", TERM, 14),
    ("needing", TERM, 10), ("needs_met", TERM, 7), ("needing_met", TERM, 5), ("loan_needs", TERM, 3), ("sessions", TERM, 4),
    ("attendances", TERM, 10), ("loans", NOW, 2_000_000), ("loans_city", TERM, 500_000), ("bank_loans", TERM, 150_000),
    ("bank_borrowers", TERM, 2), ("union_borrowers", TERM, 1), ("union_largest", TERM, 100_000), ("land", NOW, 120),
    ("projects", NOW, 14), ("demonstration", TERM, 4), ("science_helped", TERM, 3), ("lead_goose", NOW, 2),
    ("solved_year", TERM, 30), ("households", NOW, 200), ("services", NOW, 50), ("studios", TERM, 3), ("talks", TERM, 4),
    ("suggestions", TERM, 6), ("policies", NOW, 12), ("criteria", NOW, 15), ("steps", NOW, 7), ("levels", NOW, 3),
    ("union_least", NOW, 50_000), ("union_most", NOW, 100_000), ("union_years", NOW, 1),
]  # fmt: skip


@pytest.mark.parametrize(("key", "on", "value"), LITTLE_FIGURES, ids=[f"{key}-{on}" for key, on, _ in LITTLE_FIGURES])
def test_a_figure_is_what_was_planned(lived: None, key: str, on: date, value: int) -> None:
    assert _figure(key, on) == value


@pytest.mark.parametrize("key", [key for key, one in figures("three_way").items() if one.count == "rows"])
def test_Q1_a_figure_equals_the_rows_it_opens(lived: None, key: str) -> None:
    figure, net = figures("three_way")[key], tree.snapshot()
    if figure.source not in ("document", "growth", "ratio"):
        found = rows(figure, net.unit(net.home), When.end_of(NOW), most=10_000)
        assert len(found) == read(figure, net.unit(net.home), When.end_of(NOW))


@pytest.mark.parametrize("key", ["trainees", "loans", "needs", "on_committees", "households", "paired"])
def test_Q2_the_parts_of_the_areas_below_sum_up(lived: None, key: str) -> None:
    figure, net = figures("three_way")[key], tree.snapshot()
    city, when = net.unit(net.home), When.end_of(TERM if key == "needs" else NOW)
    counties = parts(figure, city, when)
    assert sum(part.value for part in counties) == read(figure, city, when) > 0
    for county in counties:
        assert sum(part.value for part in parts(figure, county.unit, when)) == county.value


def test_every_desk_of_the_cast_finds_work(lived: None) -> None:
    net = tree.snapshot()
    steps = Counter(Pass.objects.filter(ended_at=None).values_list("step", "step_unit"))
    village, town = net.by_code(today.VILLAGE), net.by_code(today.TOWN)
    assert steps["village", village.id] == 3 and steps["town", town.id] == 2 and steps["county", town.l3] == 2
    assert steps["notice", village.id] == 1
    assert Offer.objects.filter(state="open").exists() and Offer.objects.filter(state="taken").exists()


def test_S1_S2_what_was_written_in_bulk_verifies(lived: None) -> None:
    standings, offers = check_standings(), check_offers()
    assert standings.tracks > 60 and offers.tracks > 20
    assert standings.breaks == offers.breaks == []
