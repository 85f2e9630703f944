"""How many cases the demo's history holds, and where: figures once published of a real city, met here by an invented one.

A plan is pure arithmetic. It fixes, county by county and day by day, how many cases begin, so that live queries over the
finished history give exactly the totals of the stated mornings.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

import numpy as np

CHINA = timezone(timedelta(hours=8))  # the demo city's clock; no summer time since 1991
FIRST_DAY = date(2019, 1, 1)
REQUESTS_MORNING = datetime(2020, 10, 22, 10, tzinfo=CHINA)  # M01: 795,192 ever, 527 and 307 since midnight
ROUNDS_FIRST_DAY, ROUNDS_LAST_DAY = date(2023, 7, 1), date(2024, 6, 14)
ROUNDS_MORNING = datetime(
    2024, 6, 20, 10, tzinfo=CHINA
)  # M02: 44,892 found on rounds, 44,767 settled at the grassroots

# The share of the people, and so of the requests, that live in each county.
PEOPLE = {
    "219902": 0.22,
    "219903": 0.14,
    "219904": 0.12,
    "219911": 0.06,
    "219921": 0.09,
    "219923": 0.11,
    "219981": 0.26,
}
GRIDDED = "219981"
MONTHS = (1.12, 1.05, 0.95, 0.92, 0.94, 0.97, 1.08, 1.04, 0.95, 0.93, 1.06, 1.10)
WEEKDAYS = (1.15, 1.08, 1.05, 1.03, 1.02, 0.85, 0.80)
GROWTH = 0.45  # how much busier the last day is than the first


@dataclass(frozen=True, slots=True)
class Figures:
    """What the history must show. The rest of those filed on the morning is still open when the morning ends."""

    requests: int = 795_192  # accepted until the morning
    today: int = 527  # of them since midnight
    settled_today: int = 307
    rounds: int = 44_892  # found by grid workers, all settled by their morning
    grassroots: int = 44_767
    lately: int = 3_000  # in the thirty days before now


FULL = Figures()
SMALL = Figures(requests=1_400, today=24, settled_today=14, rounds=420, grassroots=412, lately=400)


@dataclass(frozen=True, slots=True)
class Share:
    """One county's part of the plan."""

    county: str
    days: tuple[int, ...]  # requests of each whole day from FIRST_DAY on
    closing: int  # older requests that are settled on the morning itself
    today: int  # requests of the morning
    answered: int  # of them those answered at once
    rounds: tuple[int, ...]  # items of each day from ROUNDS_FIRST_DAY on
    above: int  # of them those settled above the grassroots
    lately: int

    @property
    def requests(self) -> int:
        return sum(self.days) + self.closing + self.today


def plan(figures: Figures, seed: int) -> list[Share]:
    """Deal the figures out to counties and days. The same seed deals the same."""
    rng = np.random.default_rng(seed)
    people = np.array(list(PEOPLE.values()))
    today = rng.multinomial(figures.today, people)
    answered = _deal(rng, figures.settled_today * 77 // 100, today)
    closing = rng.multinomial(figures.settled_today - answered.sum(), people)
    weights = _day_weights(FIRST_DAY, (REQUESTS_MORNING.date() - FIRST_DAY).days, GROWTH)
    past = figures.requests - figures.today - closing.sum()
    days = rng.multinomial(past, np.outer(people, weights).ravel()).reshape(len(people), -1)
    rounds = rng.multinomial(figures.rounds, _round_weights())
    lately = rng.multinomial(figures.lately, people)
    return [
        Share(
            county=county,
            days=tuple(map(int, days[nth])),
            closing=int(closing[nth]),
            today=int(today[nth]),
            answered=int(answered[nth]),
            rounds=tuple(map(int, rounds)) if county == GRIDDED else (),
            above=figures.rounds - figures.grassroots if county == GRIDDED else 0,
            lately=int(lately[nth]),
        )
        for nth, county in enumerate(PEOPLE)
    ]


def _deal(rng: np.random.Generator, total: int, pots: np.ndarray) -> np.ndarray:
    """`total` drawn from pots of these sizes without putting back."""
    return rng.multivariate_hypergeometric(pots, total)


def _day_weights(first: date, days: int, growth: float) -> np.ndarray:
    dates = [first + timedelta(days=nth) for nth in range(days)]
    weights = [
        MONTHS[day.month - 1] * WEEKDAYS[day.weekday()] * (1 + growth * nth / days) for nth, day in enumerate(dates)
    ]
    return np.array(weights) / sum(weights)


def _round_weights() -> np.ndarray:
    return _day_weights(ROUNDS_FIRST_DAY, (ROUNDS_LAST_DAY - ROUNDS_FIRST_DAY).days, 0.2)
