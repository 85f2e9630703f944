"""Filling an empty database with the demo: the city, its people, what they owe, and the past.

Everything is written in pieces that are there or not: the city in one transaction, then each county's period in one of
its own. Seeding again does what is missing, so it may be stopped at any time.
"""

import gc
import multiprocessing
import os
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection, connections, transaction
from django.utils import timezone

from bihuan.demo import by_data, figures, matters
from bihuan.demo.cast import staff
from bihuan.demo.city import CITY_CODE, FULL, SEED, SMALL, Scale, plan
from bihuan.demo.cultivation import today
from bihuan.demo.cultivation import writing as cultivation
from bihuan.demo.figures import FIRST_DAY, GRIDDED, REQUESTS_MORNING, ROUNDS_FIRST_DAY, ROUNDS_MORNING, Figures, Share
from bihuan.demo.founding import BORN, found
from bihuan.demo.history import Past
from bihuan.demo.moments import Moments, seconds
from bihuan.demo.roster import roster
from bihuan.demo.telling import Teller
from bihuan.loop.history import History, write_history
from bihuan.loop.models import Case, Source
from bihuan.net.calendar import calendar_for, seed_calendar
from bihuan.net.models import Unit
from bihuan.net.revisions import forget
from bihuan.programs import versions
from bihuan.run.roles import as_owner

PROGRAM = "request"
BATCH = 20_000  # cases: counts of places come once per batch, so large ones write much less
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Size:
    """How large a demo: the city's scale, the figures of its past, and of its trainees."""

    scale: Scale
    figures: Figures
    cultivation: cultivation.Scale


WHOLE = Size(FULL, figures.FULL, cultivation.WHOLE)
LITTLE = Size(SMALL, figures.SMALL, cultivation.LITTLE)


class NotEmpty(Exception):
    """The database serves a real place; the demo must not mix with it."""

    def __init__(self) -> None:
        super().__init__("这个数据库里已经有别的区划，演示数据只能写进空库：请用 BIHUAN_VAR 换一个数据目录。")


def seed(size: Size, *, at: datetime, say: Say, workers: int = 0, number: int = SEED) -> bool:
    """Make the demo complete as of `at`; says whether anything was missing. Raises NotEmpty.

    workers: processes that write the past (0: here, one after the other).
    """
    if not Unit.objects.filter(code=CITY_CODE).exists():
        if Unit.objects.exists():
            raise NotEmpty
        say("画出千阳市，安排人员……")
        found_city(size.scale, at=at, number=number)
    if not cultivation.is_written():
        say("写下培养对象、帮扶和结对……")
        cultivation.write(size.cultivation, at=at, seed=number)
        today.write(at=at, seed=number)
    by_data.write(at=at, say=say)
    shares = figures.plan(size.figures, number)
    chapters = [chapter for chapter in _chapters(shares) if not _is_written(chapter)]
    if workers >= 2:
        build_lacking_indexes()
    if chapters:
        say(f"写下 {sum(chapter.cases for chapter in chapters):,} 件往事……")
        _write(chapters, at=at, say=say, workers=workers)
    return bool(chapters)


@transaction.atomic
def found_city(scale: Scale, *, at: datetime, number: int = SEED) -> None:
    """The city without any case: units, boundaries, people, duty list, calendar and program."""
    city = plan(number, scale)
    found(city, staff(city, number), at=at)
    seed_calendar(at=at)
    matters.enter(city, since=BORN, at=at)
    born = timezone.make_aware(datetime.combine(BORN, datetime.min.time()))
    versions.ensure_packs(at, since=born, pack="*")


# The past, a chapter at a time


@dataclass(frozen=True, slots=True)
class Chapter:
    """One period of one county."""

    period: str  # requests, rounds or lately
    share: Share

    @property
    def cases(self) -> int:
        share = self.share
        return {"requests": share.requests, "rounds": sum(share.rounds), "lately": share.lately}[self.period]

    @property
    def weight(self) -> float:
        """How long it takes, roughly: a round is a whole life, most requests are answered at once."""
        return self.cases * (2.5 if self.period != "requests" else 1)


def _chapters(shares: Iterable[Share]) -> Iterator[Chapter]:
    """What is on the first pages that people open comes first."""
    shares = list(shares)
    yield from (Chapter("lately", share) for share in shares)
    yield from (Chapter("rounds", share) for share in shares if share.county == GRIDDED)
    yield from (Chapter("requests", share) for share in shares)


def _is_written(chapter: Chapter) -> bool:
    """A chapter is written in one transaction: if there is one of its cases, there are all."""
    cases = Case.objects.filter(region_id=_region(chapter).pk)
    match chapter.period:
        case "requests":
            return cases.filter(accepted_at__lte=REQUESTS_MORNING, accepted_at__gte=_midnight(FIRST_DAY)).exists()
        case "rounds":
            return cases.filter(
                source=Source.GRID, accepted_at__lte=ROUNDS_MORNING, accepted_at__gte=_midnight(ROUNDS_FIRST_DAY)
            ).exists()
        case _:
            return cases.filter(filed_at__gt=ROUNDS_MORNING).exists()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), figures.CHINA)


def _region(chapter: Chapter) -> Unit:
    return Unit.objects.get(code=f"{chapter.share.county}000000")


def _write(chapters: list[Chapter], *, at: datetime, say: Say, workers: int) -> None:
    if workers < 2:
        for chapter in chapters:
            _write_chapter(chapter, at, say)
        return
    with indexed_afterwards():
        connections.close_all()  # a connection does not survive being shared with a child
        context = multiprocessing.get_context("fork")
        children = [context.Process(target=_write_part, args=(part, at, say)) for part in deal(chapters, workers)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        if any(child.exitcode for child in children):
            raise RuntimeError("写入演示数据的进程出错，请看上面的信息；再运行一次会接着写")


@contextmanager
def indexed_afterwards() -> Iterator[None]:
    """Drop what only makes lists fast, and build it once at the end: twice as fast as keeping it up row by row.

    Whatever interrupts the block, what is lacking is built; after a kill, by the next seeding.
    """
    with as_owner(), connection.schema_editor() as tables:
        for index in Case._meta.indexes:
            tables.execute(f'DROP INDEX IF EXISTS "{index.name}"')
    try:
        yield
    finally:
        build_lacking_indexes()


def build_lacking_indexes() -> None:
    """Build the indexes of cases that are not there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = %s", [Case._meta.db_table])
        there = {name for (name,) in cursor.fetchall()}
    if lacking := [index for index in Case._meta.indexes if index.name not in there]:
        with as_owner(), connection.schema_editor() as tables:
            tables.execute("SET LOCAL maintenance_work_mem = '512MB'")
            for index in lacking:
                tables.add_index(Case, index)


def deal(chapters: list[Chapter], workers: int) -> list[list[Chapter]]:
    """Chapters in parts of about the same weight, the heavy ones dealt first; within a part the order stays."""
    parts: list[list[Chapter]] = [[] for _ in range(workers)]
    for chapter in sorted(chapters, key=lambda chapter: -chapter.weight):
        min(parts, key=lambda part: sum(other.weight for other in part)).append(chapter)
    return [sorted(part, key=chapters.index) for part in parts]


def _write_part(chapters: list[Chapter], at: datetime, say: Say) -> None:
    """In a process of its own. It makes millions of small objects and no cycles: collecting them only costs time."""
    gc.disable()
    forget()
    try:
        for chapter in chapters:
            _write_chapter(chapter, at, say)
    finally:
        connections.close_all()


def _write_chapter(chapter: Chapter, at: datetime, say: Say) -> None:
    past, region = past_of(chapter.share, at=at, period=chapter.period)
    histories: Iterator[History] = (
        past.lately(seconds(at)) if chapter.period == "lately" else getattr(past, chapter.period)()
    )
    version = versions.in_force(PROGRAM, at)
    with transaction.atomic():
        written = write_history(histories, region_id=region, version_id=version.pk, at=at, batch=BATCH, durable=False)
    say(f"  {_region(chapter).name} {PERIODS[chapter.period]}：{written.cases:,} 件，{written.events:,} 步")


PERIODS = {"requests": "历年诉求", "rounds": "网格巡查", "lately": "近三十天"}


def past_of(share: Share, *, at: datetime, period: str) -> tuple[Past, int]:
    """The teller of one county's past, and the county's id. Every period has its own source of chance."""
    people = roster(share.county)
    version = versions.in_force(PROGRAM, at)
    moments = Moments(calendar_for(people.region), FIRST_DAY - timedelta(days=30), at.date())
    dice = random.Random(f"{share.county} {period}")
    return Past(Teller(people, moments, versions.rules(version.pk), dice), share), people.region


def usual_workers() -> int:
    return min(os.cpu_count() or 1, 4)
