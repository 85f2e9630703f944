"""Who is trained, and since when: people whose counts on three stated days are figures once published of a real city.

Everything is drawn from a seed, in memory. The counts hold by construction: how many enter, leave and are young or schooled
is fixed group by group, and nobody's age crosses 46 between the days on which it is counted.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from bihuan.demo.names import Names

BEFORE, TERM, NOW = date(2020, 12, 31), date(2021, 12, 31), date(2024, 6, 30)  # the days on which people are counted
PROGRAM, RESERVE = "three_way", "village_reserve"
TOWN, COUNTY = 0, 1  # positions in what a village lies in


@dataclass(frozen=True, slots=True)
class Group:
    """People who entered within a time: how many, how many of them 45 or younger and with a college degree."""

    entered: tuple[date, date]
    people: int
    young: int
    college: int
    eliminated: tuple[date, date] | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """How many of everything. The groups' sums are the published figures (tests/demo/test_cultivation.py adds them up)."""

    groups: tuple[Group, ...]
    leading: int
    committee: int  # trainees on village committees
    others_on_committee: int  # who are no trainees
    secretaries: int  # in reserve
    reserves: int  # other reserves
    honoured: int
    middle: float
    senior: float


def _day(text: str) -> date:
    return date.fromisoformat(text)


OLD_DAYS, TERM_DAYS, LATE_DAYS = (
    (_day("2018-03-01"), _day("2020-11-30")),
    (_day("2021-02-01"), _day("2021-11-30")),
    (_day("2022-02-01"), _day("2024-05-31")),
)
WHOLE = Size(
    groups=(
        Group(OLD_DAYS, 3_043, 1_601, 325),
        Group((_day("2018-03-01"), _day("2020-05-31")), 30, 0, 0, (_day("2021-03-01"), _day("2021-10-31"))),
        Group((_day("2018-03-01"), _day("2019-04-30")), 120, 40, 6, (_day("2019-08-01"), _day("2020-11-30"))),
        Group(TERM_DAYS, 714, 576, 271),
        Group(LATE_DAYS, 1_844, 1_270, 640),
        Group((_day("2022-02-01"), _day("2022-12-31")), 67, 20, 9, (_day("2023-02-01"), _day("2024-05-31"))),
    ),
    leading=23,
    committee=1_958,
    others_on_committee=237,
    secretaries=690,
    reserves=1_444,
    honoured=612,
    middle=0.21,
    senior=0.05,
)
LITTLE = Size(
    groups=(
        Group(OLD_DAYS, 30, 16, 4),
        Group((_day("2018-03-01"), _day("2020-05-31")), 2, 0, 0, (_day("2021-03-01"), _day("2021-10-31"))),
        Group(TERM_DAYS, 12, 8, 3),
        Group(LATE_DAYS, 16, 11, 5),
        Group((_day("2022-02-01"), _day("2022-12-31")), 2, 1, 0, (_day("2023-02-01"), _day("2024-05-31"))),
    ),
    leading=2,
    committee=20,
    others_on_committee=3,
    secretaries=6,
    reserves=12,
    honoured=7,
    middle=0.2,
    senior=0.1,
)


@dataclass(slots=True, eq=False)
class Being:
    """One person of the countryside. `rungs`: the stages they came to, with the day. `told`: answers with their day."""

    name: str
    gender: str
    born_on: date
    village: int  # a unit's id
    told: list[tuple[str, object, date]] = field(default_factory=list)
    rungs: list[tuple[str, date]] = field(default_factory=list)
    eliminated_on: date | None = None
    reached_on: date | None = None
    reserve: str = ""
    reserve_on: date | None = None
    subject: int = 0  # given when it is written down

    @property
    def entered_on(self) -> date:
        return self.rungs[0][1]

    @property
    def stands(self) -> bool:
        """Whether they are in the program to this day."""
        return bool(self.rungs) and self.eliminated_on is None

    def answer(self, question: str) -> object | None:
        return next((value for key, value, _ in reversed(self.told) if key == question), None)


def people(size: Size, villages: Mapping[int, tuple[int, int]], *, seed: int) -> list[Being]:
    """Everybody, always the same for a seed: trainees in order of their groups, then others on village committees.

    villages: the ids of the villages they live in, each with its town's and its county's.
    """
    return _Countryside(size, villages, random.Random(seed * 31 + 5)).people()


class _Countryside:
    def __init__(self, size: Size, villages: Mapping[int, tuple[int, int]], dice: random.Random) -> None:
        self.size, self.places, self.villages, self.dice = size, villages, list(villages), dice
        self.names = Names(dice)

    def people(self) -> list[Being]:
        beings = [being for group in self.size.groups for being in self._group(group)]
        standing = [being for being in beings if being.stands]
        for being in beings:
            self._answers(being)
        self._rise(standing)
        self._serve(standing)
        self._wait_in_reserve(standing)
        for being in self.dice.sample(standing, self.size.honoured):
            honour = self.dice.choices(("county", "city", "province"), (75, 20, 5))[0]
            being.told.append(("person.honour", honour, _later(being.entered_on, 100, NOW)))
        return beings + [self._committee_member() for _ in range(self.size.others_on_committee)]

    def _group(self, group: Group) -> Iterator[Being]:
        college = [True] * group.college + [False] * (group.people - group.college)
        self.dice.shuffle(college)
        for nth, schooled in enumerate(college):
            being = self._being(young=nth < group.young)
            entered = self._between(*group.entered)
            being.rungs.append(("primary", entered))
            if group.eliminated:
                being.eliminated_on = self._between(*group.eliminated)
            levels = ("college", "bachelor") if schooled else ("junior", "senior")
            education = self.dice.choices(levels, (7, 3))[0]
            being.told.append(("person.education", education, entered))
            yield being

    def _being(self, *, young: bool) -> Being:
        """The young are 45 or less on every day that counts them; the others were 46 on the first."""
        born = self._between(date(1978, 7, 1), date(1999, 12, 31)) if young else self._between(
            date(1962, 1, 1), date(1973, 12, 31)
        )  # fmt: skip
        gender = self.dice.choices(("male", "female"), (7, 3))[0]
        return Being(self.names.person(), gender, born, self.dice.choice(self.villages))

    def _answers(self, being: Being) -> None:
        """What the gates asked when they entered."""
        on, dice = being.entered_on, self.dice
        member = dice.random() < 0.62
        direction = dice.choice(("to_earner", "to_cadre")) if member else "to_member"
        output = dice.choices((6, 9, 14, 22, 38, 60), (18, 26, 24, 16, 10, 6))[0] * 10_000 + dice.randrange(
            0, 10_000, 500
        )
        being.told += [
            ("person.birth", being.born_on.isoformat(), on),
            ("person.party_member", member, on),
            ("person.origin", dice.choices(ORIGINS, (46, 12, 14, 16, 12))[0], on),
            (f"{PROGRAM}.direction", direction, on),
            ("person.village_since", date(on.year - dice.randint(2, 20), 1, 1).isoformat(), on),
            ("person.lawful", True, on),
            ("person.credit", True, on),
            (f"{PROGRAM}.willing", True, on),
            (f"{PROGRAM}.fit", True, on),
            ("household.trade", dice.choice(TRADES), on),
            ("household.annual_output", output, on),
            (f"{PROGRAM}.technique", dice.choice(TECHNIQUES), on),
            ("person.households_led", dice.choices((1, 2, 4, 8, 15, 26), (30, 26, 18, 12, 9, 5))[0], on),
            (f"{PROGRAM}.approval", dice.randint(55, 96), on),
            (f"{PROGRAM}.arrears", 0, on),
            (f"{PROGRAM}.lessons", dice.randint(2, 9), on),
            ("person.online_learning", True, max(on, date(2021, 6, 1))),
        ]

    def _rise(self, standing: list[Being]) -> None:
        """Nobody rises within a year, and only as many as the program has places for."""
        able = [being for being in standing if being.entered_on < date(2022, 9, 1)]
        seniors = round(len(standing) * self.size.senior)
        senior = self._bounded(able, seniors, per=COUNTY, most=120)
        middle = self._bounded([b for b in able if b not in senior], round(len(standing) * self.size.middle), TOWN, 40)
        for being in [*senior, *middle]:
            being.rungs.append(("middle", _later(being.entered_on, 400, NOW)))
        for being in senior:
            rose = _later(being.rungs[-1][1], 200, NOW)
            being.rungs.append(("senior", rose))
            being.told += [("household.annual_output", self.dice.randrange(300_000, 2_000_000, 10_000), rose)]
            being.told += [("person.households_led", self.dice.randint(20, 120), rose)]
            being.told += [(f"{PROGRAM}.led_projects", self.dice.randint(2, 5), rose)]
        for being in senior[: self.size.leading]:
            being.reached_on = _later(being.rungs[-1][1], 150, NOW)

    def _bounded(self, able: Sequence[Being], wanted: int, per: int, most: int) -> list[Being]:
        """So many of the able, no more than `most` in any one town or county: the caps of the program."""
        taken: Counter[int] = Counter()
        chosen = []
        for being in self.dice.sample(able, len(able)):
            place = self.places[being.village][per]
            if len(chosen) < wanted and taken[place] < most:
                taken[place] += 1
                chosen.append(being)
        return chosen

    def _serve(self, standing: list[Being]) -> None:
        """Trainees on village committees, most since the change of term."""
        for being in self.dice.sample(standing, self.size.committee):
            post = self.dice.choices(("committee", "head", "secretary"), (70, 12, 18))[0]
            since = self._between(date(2021, 1, 10), date(2021, 3, 20))
            being.told.append(("person.village_post", post, max(being.entered_on, since)))

    def _wait_in_reserve(self, standing: list[Being]) -> None:
        """Reserves are spread over the villages: at most two for secretary and eight others in each."""
        waiting = [being for being in standing if being.answer("person.village_post") is None]
        self.dice.shuffle(waiting)
        for stage, wanted, most in (("secretary", self.size.secretaries, 2), ("other", self.size.reserves, 8)):
            taken: dict[int, int] = {}
            chosen = []
            for being in waiting:
                if len(chosen) < wanted and taken.get(being.village, 0) < most:
                    taken[being.village] = taken.get(being.village, 0) + 1
                    chosen.append(being)
            for being in chosen:
                being.reserve, being.reserve_on = stage, _later(being.entered_on, 30, NOW)
            waiting = [being for being in waiting if not being.reserve]

    def _committee_member(self) -> Being:
        """Somebody on a village committee who is neither a trainee nor a capable earner."""
        being = self._being(young=self.dice.random() < 0.3)
        being.told.append(("person.village_post", "committee", self._between(date(2021, 1, 10), date(2021, 3, 20))))
        return being

    def _between(self, first: date, last: date) -> date:
        return first + timedelta(days=self.dice.randrange((last - first).days + 1))


def _later(day: date, days: int, last: date) -> date:
    """So many days later, but not after the last day."""
    return min(day + timedelta(days=days), last - timedelta(days=1))


ORIGINS = ("grower", "veteran", "graduate", "migrant", "cadre")
TRADES = (
    "香菇大棚", "榛子园", "林蛙养殖", "肉牛养殖", "南果梨园", "中药材种植", "蓝莓大棚", "稻田养蟹",
    "生猪养殖", "食用菌菌棒厂", "农家乐", "山野菜加工", "农机合作社", "电商卖山货", "绒山羊养殖", "蜜蜂养殖",
)  # fmt: skip
TECHNIQUES = ("食用菌栽培", "果树修剪", "畜禽防疫", "大棚控温", "农机维修", "电商运营", "中药材炮制", "水产养殖")
