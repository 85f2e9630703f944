"""What trainees were given and what they gave back, need by need and entry by entry, up to the published sums.

Pure plans again: `writing.py` writes them down. `Places` names the units that give; one county, THE_COUNTY, has the figures
that were published of one county for 2021.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from bihuan.demo.cultivation.people import Being

THE_COUNTY = "219923"
YEAR = (date(2021, 1, 4), date(2021, 12, 24))
EVER = (date(2018, 6, 1), date(2020, 12, 20))
LATE = (date(2022, 1, 10), date(2024, 6, 20))
LAST_YEAR = (date(2023, 7, 3), date(2024, 6, 25))


@dataclass(frozen=True, slots=True)
class Sums:
    """The published sums, or smaller ones for a small demo."""

    county: dict[str, int]  # of the one county, in 2021
    loans: int  # in all, yuan
    loans_city: int  # by city units in 2021
    bank: tuple[int, int]  # people, yuan in all
    union: int  # people, 100,000 yuan each
    land: int  # mu in all
    projects: int
    goods: int  # demonstration households
    tours: int
    science: dict[str, int]
    lead_goose: int
    back_2021: dict[str, int]
    back: dict[str, int]
    needs: tuple[int, int]  # people, needs
    met: tuple[int, int]
    matched: int  # people whose need of money the finance office took up
    sessions: tuple[int, int]  # held, attendances
    studios: int
    talks: int
    suggestions: int


WHOLE = Sums(
    county={
        "problems": 847, "information": 722, "projects": 150, "loans": 6_950_000, "land": 469, "technique": 262,
        "study_trips": 105,
    },
    loans=130_000_000,
    loans_city=7_860_000,
    bank=(12, 2_250_000),
    union=3,
    land=5_503,
    projects=972,
    goods=100,
    tours=100,
    science={"people": 14, "trainings": 40, "problems": 35, "college": 7},
    lead_goose=95,
    back_2021={"solved": 3_187, "households": 4_687, "people": 11_194},
    back={"led_projects": 242, "households": 41_000, "services": 6_841, "solved": 13_050},
    needs=(665, 877),
    met=(325, 436),
    matched=83,
    sessions=(166, 2_817),
    studios=60,
    talks=73,
    suggestions=127,
)  # fmt: skip
LITTLE = Sums(
    county={
        "problems": 12, "information": 9, "projects": 4, "loans": 300_000, "land": 40, "technique": 6, "study_trips": 4,
    },
    loans=2_000_000,
    loans_city=500_000,
    bank=(2, 150_000),
    union=1,
    land=120,
    projects=14,
    goods=4,
    tours=4,
    science={"people": 3, "trainings": 4, "problems": 3, "college": 1},
    lead_goose=2,
    back_2021={"solved": 30, "households": 40, "people": 90},
    back={"led_projects": 5, "households": 200, "services": 50, "solved": 70},
    needs=(10, 14),
    met=(5, 7),
    matched=3,
    sessions=(4, 10),
    studios=3,
    talks=4,
    suggestions=6,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gift:
    """One entry to be. Support goes from a unit to a trainee, a contribution from a trainee to the village."""

    side: str
    rule: str
    measure: str
    amount: int
    unit: int  # that gives, or that is given to
    being: Being
    on: date


@dataclass(frozen=True, slots=True)
class Need:
    """A need to be: collected in the round of 2021, taken up by a unit, perhaps met."""

    being: Being
    topic: str
    on: date
    taker: int | None
    met_on: date | None


@dataclass(frozen=True)
class Places:
    """Units by what they are here: city offices by key, counties by code, county offices for agriculture; ids."""

    offices: dict[str, int]
    counties: dict[int, int]  # a village's id -> its county's id
    the_county: int
    farm: dict[int, int]  # a county's id -> its agriculture office

    def is_there(self, being: Being) -> bool:
        return self.counties[being.village] == self.the_county


def gifts(sums: Sums, beings: Sequence[Being], places: Places, *, seed: int) -> list[Gift]:
    """Every entry of both ledgers, always the same for a seed."""
    return [*_Giving(sums, beings, places, random.Random(seed * 17 + 3)).gifts()]


def needs(sums: Sums, beings: Sequence[Being], places: Places, *, seed: int) -> list[Need]:
    """The needs of the round of 2021."""
    dice = random.Random(seed * 13 + 9)
    askers = dice.sample(
        [being for being in beings if being.stands and being.entered_on < date(2021, 2, 1)], sums.needs[0]
    )
    doubled = [*askers, *dice.choices(askers[: sums.met[0]], k=sums.met[1] - sums.met[0])]
    doubled += dice.choices(askers[sums.met[0] :], k=sums.needs[1] - len(doubled))
    met = {*range(sums.met[0]), *range(len(askers), len(askers) + sums.met[1] - sums.met[0])}
    return [_need(nth, being, nth in met, sums, places, dice) for nth, being in enumerate(doubled)]


TOPICS = ("technique", "market", "land", "project", "training", "policy", "other")


def _need(nth: int, being: Being, met: bool, sums: Sums, places: Places, dice: random.Random) -> Need:
    """The first ones' need of money was taken up by the finance office; nobody else's was."""
    matched = nth < sums.matched
    topic = "funds" if matched else dice.choice(TOPICS)
    on = date(2021, 3, 1) + timedelta(days=dice.randrange(40))
    own = places.farm[places.counties[being.village]]
    taker = places.offices["finance"] if matched else own if met or dice.random() < 0.5 else None
    return Need(being, topic, on, taker, on + timedelta(days=dice.randrange(30, 230)) if met else None)


class _Giving:
    def __init__(self, sums: Sums, beings: Sequence[Being], places: Places, dice: random.Random) -> None:
        self.sums, self.places, self.dice = sums, places, dice
        self.here = [being for being in beings if being.stands and places.is_there(being)]
        self.there = [being for being in beings if being.stands and not places.is_there(being)]
        self.all = self.here + self.there

    def gifts(self) -> Iterator[Gift]:
        yield from self._county()
        yield from self._city()
        yield from self._rest()
        yield from self._science()
        yield from self._programs()
        yield from self._back()

    def _county(self) -> Iterator[Gift]:
        """What one county's own offices gave in 2021."""
        steps = {"loans": 10_000, "projects": 1, "study_trips": 1}
        for measure, total in self.sums.county.items():
            parts = max(
                1, total // steps[measure] // 9 if measure == "loans" else total if measure in steps else total // 2
            )
            for amount in shares(total, parts, self.dice, step=steps.get(measure, 1)):
                yield self._support(
                    f"support.{measure}", measure, amount, self._early(self.here, YEAR), YEAR, self._farm
                )

    def _city(self) -> Iterator[Gift]:
        """What the city's units lent in 2021, to trainees of other counties."""
        finance, union = self.places.offices["finance"], self.places.offices["union"]
        borrowers = self._sample(self.sums.bank[0] + self.sums.union, YEAR)
        bank = shares(self.sums.bank[1], self.sums.bank[0], self.dice, step=10_000)
        for being, amount in zip(borrowers, bank, strict=False):
            yield self._support("policy.bank_loan", "loans", amount, being, YEAR, lambda _: finance)
        for being in borrowers[self.sums.bank[0] :]:
            yield self._support("policy.union_loan", "loans", 100_000, being, YEAR, lambda _: union)
        left = self.sums.loans_city - self.sums.bank[1] - self.sums.union * 100_000
        for amount in shares(left, max(1, left // 150_000), self.dice, step=10_000):
            yield self._support(
                "support.loans", "loans", amount, self._early(self.there, YEAR), YEAR, lambda _: finance
            )

    def _rest(self) -> Iterator[Gift]:
        """The other years, so that the sums of all years are met."""
        for measure, total, size, step in (
            ("loans", self.sums.loans - self.sums.loans_city - self.sums.county["loans"], 120_000, 10_000),
            ("land", self.sums.land - self.sums.county["land"], 14, 1),
            ("projects", self.sums.projects - self.sums.county["projects"], 1, 1),
        ):
            for amount in shares(total, max(2, total // size), self.dice, step=step):
                span = self.dice.choice((EVER, LATE, LATE))
                yield self._support(
                    f"support.{measure}", measure, amount, self._early(self.all, span), span, self._farm
                )

    def _science(self) -> Iterator[Gift]:
        science, wanted = self.places.offices["science"], self.sums.science
        helped = self._sample(wanted["people"], YEAR)
        for rule, measure, total in (
            ("policy.envoy", "trainings", wanted["trainings"]),
            ("policy.envoy", "problems", wanted["problems"]),
            ("policy.college", "college", wanted["college"]),
        ):
            people = helped[:total] if measure == "college" else helped
            for being, amount in zip(people, shares(total, len(people), self.dice), strict=True):
                yield self._support(rule, measure, amount, being, YEAR, lambda _: science)

    def _programs(self) -> Iterator[Gift]:
        farm = self.places.offices["farm"]
        for rule, measure, people, span in (
            ("policy.demonstration", "goods", self.sums.goods, YEAR),
            ("policy.study", "study_trips", self.sums.tours, YEAR),
            ("policy.lead_goose", "college", self.sums.lead_goose, LATE),
        ):
            for being in self._sample(people, span):
                amount = self.dice.randrange(600, 2_600, 100) if measure == "goods" else 1
                yield self._support(rule, measure, amount, being, span, lambda _: farm)

    def _back(self) -> Iterator[Gift]:
        """What trainees gave back: in 2021, in the last year, and the rest of what was counted ever."""
        for measure, total in self.sums.back_2021.items():
            yield from self._contributions(measure, total, YEAR)
        for measure in ("services", "solved"):
            yield from self._contributions(measure, self.sums.back[measure], LAST_YEAR)
        early = self.sums.back["households"] - self.sums.back_2021["households"]
        yield from self._contributions("households", early, LATE)
        yield from self._contributions("led_projects", self.sums.back["led_projects"], LATE, largest=1)

    def _contributions(self, measure: str, total: int, span: tuple[date, date], largest: int = 12) -> Iterator[Gift]:
        for amount in shares(total, max(1, total // largest), self.dice):
            being = self._early(self.all, span)
            on = self._day(span, being)
            yield Gift("contribution", f"contribution.{measure}", measure, amount, being.village, being, on)

    def _support(
        self, rule: str, measure: str, amount: int, being: Being, span: tuple[date, date], giver: Callable[[Being], int]
    ) -> Gift:
        return Gift("support", rule, measure, amount, giver(being), being, self._day(span, being))

    def _farm(self, being: Being) -> int:
        return self.places.farm[self.places.counties[being.village]]

    def _early(self, beings: Sequence[Being], span: tuple[date, date]) -> Being:
        """Somebody who was in the program before the end of the span."""
        while (being := self.dice.choice(beings)).entered_on >= span[1]:
            pass
        return being

    def _sample(self, count: int, span: tuple[date, date]) -> list[Being]:
        """Different people of the other counties who were in the program before the span's end."""
        return self.dice.sample([being for being in self.there if being.entered_on < span[1]], count)

    def _day(self, span: tuple[date, date], being: Being) -> date:
        """A day of the span on which the person was in the program."""
        first = max(span[0], being.entered_on)
        return first + timedelta(days=self.dice.randrange(max(1, (span[1] - first).days)))


def shares(total: int, parts: int, dice: random.Random, *, step: int = 1) -> list[int]:
    """`parts` uneven amounts, multiples of `step` but the last, none zero, that add up to `total`."""
    units = total // step
    cuts = sorted(dice.sample(range(1, units), min(parts, units) - 1)) if parts > 1 else []
    amounts = [(b - a) * step for a, b in pairwise([0, *cuts, units])]
    amounts[-1] += total - units * step
    return amounts
