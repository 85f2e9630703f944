"""Writes the countryside down: subjects with their facts, standings, both ledgers, needs with their help, studios, pairs.

People, facts, entries, needs and pairs go in bulk, by the functions that registers are brought in with; studios and sessions
go through the real actions, each at its own time.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property

from django.db import transaction
from django.utils import timezone

from bihuan.book import ledger
from bihuan.book.journal import SYSTEM
from bihuan.book.models import Outbox
from bihuan.demo.city import CITY_CODE
from bihuan.demo.cultivation import giving, people
from bihuan.demo.cultivation.giving import THE_COUNTY, Gift, Need, Places, Sums
from bihuan.demo.cultivation.people import PROGRAM, RESERVE, Being, Size
from bihuan.demo.founding import copy_in
from bihuan.demo.offices import EARLY_MEMBERS
from bihuan.dossier import facts, questions, subjects
from bihuan.dossier.models import Fact, Source, Subject
from bihuan.ladder import history
from bihuan.ladder.history import Past
from bihuan.ladder.models import Standing
from bihuan.net import tree
from bihuan.net.models import Kind, Level, Posting, Role, Unit
from bihuan.net.regions import across_regions
from bihuan.offers.actions import circles, rounds
from bihuan.offers.history import Chronicle, PastClaim, PastClosing, PastDeed, PastLine, PastNeed, PastPair
from bihuan.offers.models import Circle, Round, Session

JOINED, LATER = date(2018, 3, 1), date(2022, 9, 1)  # when member units came in
PAIRED = date(2022, 3, 15)
ROUND_OPENED, ROUND_CLOSED = date(2021, 2, 22), date(2021, 12, 20)


@dataclass(frozen=True, slots=True)
class Scale:
    people: Size
    sums: Sums


WHOLE = Scale(people.WHOLE, giving.WHOLE)
LITTLE = Scale(people.LITTLE, giving.LITTLE)


def is_written() -> bool:
    """It is written in one transaction: if there is one trainee, there is everything."""
    return Standing.objects.filter(program=PROGRAM).exists()


@transaction.atomic
def write(scale: Scale, *, at: datetime, seed: int) -> None:
    """Write everything, as of `at`."""
    writer = _Writer(scale, at, seed)
    writer.write_people()
    writer.write_standings()
    writer.write_members()
    writer.write_ledgers()
    writer.write_needs()
    writer.write_studios()
    writer.write_trainings()
    writer.write_pairs()
    with across_regions("what was told long ago is not told again"):
        Outbox.objects.filter(run_at__lt=at - timedelta(days=1)).delete()


class _Writer:
    def __init__(self, scale: Scale, at: datetime, seed: int) -> None:
        self.scale, self.at, self.seed = scale, at, seed
        self.dice = random.Random(seed * 41 + 2)
        self.net = tree.snapshot()
        self.villages = {
            unit.id: (unit.l4 or 0, unit.l3 or 0)
            for unit in self.net
            if unit.level == Level.COMMUNITY and unit.is_place and unit.name.endswith("村")
        }
        self.beings = people.people(scale.people, self.villages, seed=seed)

    @cached_property
    def places(self) -> Places:
        organs = [unit for unit in self.net if unit.kind == Kind.ORGAN]
        farms = {unit.l3: unit.id for unit in organs if unit.l3 and unit.code.endswith("-farm")}
        return Places(
            offices={unit.code.rpartition("-")[2]: unit.id for unit in organs if unit.l3 is None},
            counties={village: county for village, (_town, county) in self.villages.items()},
            the_county=self.net.by_code(f"{THE_COUNTY}000000").id,
            farm={county: farm for county, farm in farms.items() if county},
        )

    @cached_property
    def city(self) -> Unit:
        return Unit.objects.get(code=CITY_CODE)

    @cached_property
    def organiser(self) -> Posting:
        held = Posting.objects.filter(unit=self.city, role=Role.ORGANISER, until=None)
        return held.select_related("unit", "person").order_by("pk")[0]

    @cached_property
    def subjects(self) -> dict[int, Subject]:
        return Subject.objects.in_bulk([being.subject for being in self.beings])

    # People

    def write_people(self) -> None:
        numbers = subjects.free_numbers(len(self.beings))
        rows = [
            subjects.compose(one.name, unit=one.village, at=self.at, gender=one.gender, born_on=one.born_on, no=no)
            for one, no in zip(self.beings, numbers, strict=True)
        ]
        Subject.objects.bulk_create(rows, batch_size=2_000)
        for being, row in zip(self.beings, rows, strict=True):
            being.subject = row.pk
        columns = "id subject_id question value sealed source grade since made_at"
        told = [_fact_row(fact) for fact in self._facts()]  # all of them first: nothing may be asked during a COPY
        copy_in(Fact, columns, told)

    def _facts(self) -> Iterator[Fact]:
        known = questions.known({key for being in self.beings for key, _value, _since in being.told})
        for being in self.beings:
            for key, value, since in being.told:
                yield facts.compose(
                    self.subjects[being.subject], known[key], value, source=Source.REGISTER, by=None, at=self.at,
                    since=since,
                )  # fmt: skip

    def write_standings(self) -> None:
        leaders = self._leaders()
        trainees = [being for being in self.beings if being.rungs]
        history.enter_all(PROGRAM, [self._past(being, leaders) for being in trainees], at=self.at)
        waiting = [being for being in trainees if being.reserve]
        reserves = [
            Past(self.subjects[one.subject], [(one.reserve, _morning(one.reserve_on))]) for one in waiting
            if one.reserve_on
        ]  # fmt: skip
        history.enter_all(RESERVE, reserves, at=self.at)

    def _past(self, being: Being, leaders: dict[int, Posting]) -> Past:
        steps = [(stage, _morning(on)) for stage, on in being.rungs]
        if being.eliminated_on:
            steps.append(("eliminated", _morning(being.eliminated_on)))
        town = self.net.unit(being.village).l4 or 0
        leader = leaders.get(town) if being.stands else None
        return Past(self.subjects[being.subject], steps, being.reached_on and _morning(being.reached_on), leader)

    def _leaders(self) -> dict[int, Posting]:
        """The secretary of each town answers for its trainees."""
        held = Posting.objects.filter(unit__level=Level.TOWN, role=Role.SECRETARY, until=None)
        return {posting.unit_id: posting for posting in held.select_related("unit", "person").order_by("-pk")}

    def write_members(self) -> None:
        for key, office in self.places.offices.items():
            early = key in EARLY_MEMBERS
            rounds.enrol(PROGRAM, self._unit(office), since=JOINED if early else LATER, by=None)
        for farm in self.places.farm.values():
            rounds.enrol(PROGRAM, self._unit(farm), since=JOINED, by=None)

    # Ledgers

    def write_ledgers(self) -> None:
        given = giving.gifts(self.scale.sums, self.beings, self.places, seed=self.seed)
        ledger.post_all([_line(n, gift) for n, gift in enumerate(given, 1)], at=self.at, by=SYSTEM)

    # Needs

    def write_needs(self) -> None:
        opened = rounds.open(
            PROGRAM,
            title="2021年需求集中征集",
            unit=self.city,
            by=self.organiser,
            at=_morning(ROUND_OPENED),
            window="60d",
        )
        wanted = giving.needs(self.scale.sums, self.beings, self.places, seed=self.seed)
        chronicle = Chronicle(PROGRAM, self.at)
        for nth, need in enumerate(sorted(wanted, key=lambda need: need.on), 1):
            chronicle.need(self._need(nth, need, opened))
        chronicle.save()
        rounds.close(opened, by=self.organiser, at=_morning(ROUND_CLOSED))

    def _need(self, nth: int, need: Need, opened: Round) -> PastNeed:
        asked = _morning(need.on)
        met = need.met_on and _morning(need.met_on)
        helper = self._handler(need.taker) if need.taker and met else None
        return PastNeed(
            self.subjects[need.being.subject], need.topic, self.dice.choice(WANTED[need.topic]), asked,
            by=self.organiser, unit_id=self.city.pk, round=opened,
            claim=self._help(nth, need, helper, asked, met) if helper and met else None,
            closing=None if met else PastClosing(self.organiser, asked + timedelta(days=50), "条件暂不具备，已向本人说明。"),
        )  # fmt: skip

    def _help(self, nth: int, need: Need, helper: Posting, asked: datetime, met: datetime) -> PastClaim:
        """A plan of one line a month, its first visit entered; then the word that the need is met."""
        planned = asked + timedelta(days=5)
        visited = planned + timedelta(days=6)
        months = [planned.date() + timedelta(days=30 * month) for month in range(max(1, (met - planned).days // 30))][
            :3
        ]
        lines = [
            PastLine(day, measure, helper.person.name, day + timedelta(days=14), posting=helper)
            for day, measure in zip(months, MEASURES, strict=False)
        ]
        lines[0] = replace(
            lines[0],
            done_at=visited,
            report="已到场了解情况，商定办法。",
            txn_id=self._visit(nth, need, helper, visited),
        )
        return PastClaim(
            helper, asked + timedelta(days=3), lines, planned, met_at=max(met, visited + timedelta(days=2)),
            met_text="需求已解决，本人确认。",
        )  # fmt: skip

    def _visit(self, nth: int, need: Need, helper: Posting, at: datetime) -> int:
        return ledger.post(
            f"need.{need.topic}", program=PROGRAM, cause=ledger.Cause("visit", nth), side="support", measure="visits",
            amount=1, giver=ledger.unit(helper.unit_id), receiver=ledger.subject(need.being.subject),
            place_unit=need.being.village, on=at.date(), at=at, by=helper,
        ).pk  # fmt: skip

    def _handler(self, unit: int) -> Posting:
        if unit not in self._handlers:
            held = Posting.objects.filter(unit_id=unit, role=Role.HANDLER, until=None).select_related("unit", "person")
            self._handlers[unit] = held.order_by("pk")[0]
        return self._handlers[unit]

    @cached_property
    def _handlers(self) -> dict[int, Posting]:
        return {}

    # Studios, trainings, pairs

    def write_studios(self) -> None:
        hosts = [being for being in self.beings if being.answer("person.village_post") == "secretary" and being.stands]
        chosen = self.dice.sample(hosts, min(len(hosts), self.scale.sums.studios))
        studios = [self._studio(nth, being) for nth, being in enumerate(chosen)]
        talks = [self._session(self.dice.choice(studios), "talk", nth) for nth in range(self.scale.sums.talks)]
        for nth in range(self.scale.sums.suggestions):
            talk = talks[nth % len(talks)]
            said = self.dice.choice(SUGGESTED)
            speaker = self.subjects[self.dice.choice(chosen).subject]
            circles.suggest(said, by=self.organiser, at=talk.ends_at, subject=speaker, session=talk)
        for studio in self.dice.sample(studios, min(3, len(studios))):  # what comes next, for the calendar
            self._next_session(studio)

    def _studio(self, nth: int, being: Being) -> Circle:
        village = self._unit(being.village)
        host = self.subjects[being.subject]
        since = date(2020, 3, 1) + timedelta(days=nth * 5)
        title = f"{being.name}书记工作室"
        return circles.found(
            title, program=PROGRAM, unit=village, by=self.organiser, at=_morning(since), host=host, since=since
        )

    def _session(self, studio: Circle, kind: str, nth: int) -> Session:
        begins = _morning(date(2021, 1, 20) + timedelta(days=nth * 4 % 320))
        session = circles.call(
            f"{studio.title}交流座谈", kind=kind, begins_at=begins, ends_at=begins + timedelta(hours=2), venue="村部会议室",
            by=self.organiser, at=begins - timedelta(days=5), circle=studio,
        )  # fmt: skip
        near = [being for being in self.beings if being.stands and being.village == studio.unit_id][:8]
        there = [self.subjects[being.subject] for being in near if being.entered_on < begins.date()]
        circles.hold(
            session,
            present=there,
            text="交流了党建和产业发展的做法。",
            by=self.organiser,
            at=begins + timedelta(hours=3),
        )
        return session

    def _next_session(self, studio: Circle) -> None:
        begins = _morning(timezone.localdate(self.at) + timedelta(days=self.dice.randint(3, 20)))
        circles.call(
            f"{studio.title}观摩比拼", kind="tour", begins_at=begins, ends_at=begins + timedelta(hours=3), venue="产业基地",
            by=self.organiser, at=self.at, circle=studio, seats=30,
        )  # fmt: skip

    def write_trainings(self) -> None:
        county = Unit.objects.get(pk=self.places.the_county)
        near = [being for being in self.beings if being.stands and self.places.is_there(being)]
        near = [being for being in near if being.entered_on < date(2021, 1, 1)]
        sessions, attendances = self.scale.sums.sessions
        for nth in range(sessions):
            size = attendances // sessions + (nth < attendances % sessions)
            begins = _morning(date(2021, 1, 11) + timedelta(days=nth * 2 % 340))
            session = circles.call(
                self.dice.choice(LESSONS), kind="training", begins_at=begins, ends_at=begins + timedelta(hours=4),
                venue="县委党校", by=self.organiser, at=begins - timedelta(days=4), program=PROGRAM, unit=county,
            )  # fmt: skip
            there = [self.subjects[being.subject] for being in self.dice.sample(near, size)]
            circles.hold(
                session, present=there, text="按计划完成培训。", by=self.organiser, at=begins + timedelta(hours=5)
            )

    def write_pairs(self) -> None:
        """Each village organisation with the branch of a city office, with this year's plan and some deeds."""
        branches, chronicle = [*self.places.offices.values()], Chronicle(PROGRAM, self.at)
        villages = Unit.objects.filter(kind=Kind.PARTY, level=Level.COMMUNITY).order_by("code")
        for nth, village in enumerate(villages.values_list("pk", flat=True)):
            chronicle.pair(self._pair(nth, branches[nth % len(branches)], village))
        chronicle.save()

    def _pair(self, nth: int, branch: int, village: int) -> PastPair:
        """Every tenth still owes this year's plan; every fourth has a deed to show."""
        today = timezone.localdate(self.at)
        years = [year for year in range(PAIRED.year, today.year + 1) if year < today.year or nth % 10]
        plans = [(year, self.dice.choice(YEARLY), _morning(max(date(year, 1, 18), PAIRED))) for year in years]
        deeds = []
        if nth % 4 == 0:
            on = today - timedelta(days=self.dice.randint(10, 300))
            kind, text = self.dice.choice(DEEDS)
            deeds.append(PastDeed(on, kind, text, _morning(on), self._handler(branch), self.dice.randint(1, 6)))
        return PastPair(branch, village, PAIRED, _morning(PAIRED), self._handler(branch), plans=plans, deeds=deeds)

    def _unit(self, id: int) -> Unit:
        if id not in self._units:
            self._units[id] = Unit.objects.get(pk=id)
        return self._units[id]

    @cached_property
    def _units(self) -> dict[int, Unit]:
        return {}


def _morning(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(9)))


def _fact_row(fact: Fact) -> Sequence[object]:

    value = None if fact.value is None else json.dumps(fact.value, ensure_ascii=False)
    return (
        fact.pk, fact.subject_id, fact.question, value, fact.sealed, fact.source, fact.grade, fact.since, fact.made_at
    )  # fmt: skip


def _line(n: int, gift: Gift) -> ledger.Line:
    """One entry; its cause is its place in the register that the demo brings in."""
    trainee, unit = ledger.subject(gift.being.subject), ledger.unit(gift.unit)
    giver, receiver = (unit, trainee) if gift.side == "support" else (trainee, unit)
    return ledger.Line(
        rule=gift.rule, program=PROGRAM, cause=ledger.Cause("register", n), side=gift.side, measure=gift.measure,
        amount=gift.amount, giver=giver, receiver=receiver, place_unit=gift.being.village, on=gift.on,
    )  # fmt: skip


WANTED = {
    "funds": ("扩建大棚还差一部分资金。", "想买一台烘干机，资金周转不开。"),
    "technique": ("菌棒污染率高，想请人看看。", "果树出现腐烂病，需要技术指导。"),
    "market": ("产品销路窄，想对接超市。", "想学电商，把山货卖出去。"),
    "land": ("想连片流转三十亩地。", "大棚用地手续不会办。"),
    "project": ("想选一个适合本村的项目。", "想申报冷库建设项目。"),
    "training": ("想参加养殖技术培训。", "想去外地看看同行怎么做。"),
    "policy": ("不清楚返乡创业有哪些政策。", "想了解农机补贴怎么申请。"),
    "other": ("进村的路雨天难走，运货困难。", "希望帮助联系保险。"),
}
MEASURES = ("上门了解情况，制定办法", "请专家现场指导，落实措施", "回访效果，补上不足")
SUGGESTED = (
    "建议把几个村的香菇统一打品牌。", "建议村里建一个公用冷库。", "建议老书记每季度到新书记村里走一趟。",
    "建议把产业路修到大棚边。", "建议办一期财务公开的培训。", "建议组织党员和大户结对。",
)  # fmt: skip
LESSONS = ("大棚种植技术培训", "畜禽养殖培训", "电商销售培训", "新任村书记培训", "农产品加工培训", "合作社财务培训")
YEARLY = ("每季度到村一次，帮助规范组织生活，解决两件难事。", "帮助发展一个产业项目，走访困难党员，联合上两次党课。")
DEEDS = (
    ("problem", "帮助协调解决灌溉用水问题。"), ("lesson", "联合上党课，交流工作。"), ("visit", "走访慰问困难党员和老人。"),
    ("training", "请技术员到村讲课。"), ("aid", "捐赠办公设备和图书。"),
)  # fmt: skip
