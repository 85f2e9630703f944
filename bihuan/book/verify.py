"""Is the record whole? Every hash is computed anew, every track compared with the fold of its events (S1, S2).

Reads region by region, each in one snapshot of the database, in the order of the key; memory does not grow with it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db import connection, models, transaction

from bihuan.book.journal import GENESIS, By, event_hash, fold
from bihuan.book.models import Event
from bihuan.net.regions import across_regions

BATCH = 2000  # tracks compared at a time

# Columns that no event sets: the key, and what the chain itself moves on or cannot hold (bytes).
APART = frozenset({"id", "region_id", "n", "head"})
Track = Any
Proof = Callable[[list[tuple[Track, list[Event]]]], "list[Break]"]


@dataclass(frozen=True, slots=True)
class Break:
    """The first thing wrong with a track: at which event, and what."""

    number: str
    n: int
    what: str

    def __str__(self) -> str:
        return f"{self.number} 第 {self.n} 条：{self.what}"


@dataclass(slots=True)
class Verified:
    """What was looked at, and what was found broken."""

    tracks: int = 0
    events: int = 0
    breaks: list[Break] = field(default_factory=list)


def verify(
    events: type[Event],
    tracks: type[models.Model],
    *,
    region: int | None = None,
    since: datetime | None = None,
    proofs: tuple[Proof, ...] = (),
) -> Verified:
    """Check the tracks of one region or all; with `since`, those that something happened to since then, from their start.

    events: the table of events of `tracks`. proofs: further checks over (track, its events), e.g. of texts by digest.
    """
    found = Verified()
    for one in [region] if region is not None else _regions(tracks):
        _verify_region(events, tracks, one, since, proofs, found)
    return found


def _regions(tracks: type[models.Model]) -> list[int]:
    with across_regions("the record of every region is verified"):
        return list(tracks.objects.order_by("region_id").values_list("region_id", flat=True).distinct())


def _verify_region(
    events: type[Event],
    tracks: type[models.Model],
    region: int,
    since: datetime | None,
    proofs: tuple[Proof, ...],
    found: Verified,
) -> None:
    with transaction.atomic():
        _see_one_instant()
        for batch in _batches(events, tracks, region, since):
            found.tracks += len(batch)
            found.events += sum(len(told) for _, told in batch)
            breaks = [broken for track, told in batch if (broken := first_break(track, told))]
            found.breaks += breaks + [broken for proof in proofs for broken in proof(batch)]
        if since is None:
            found.breaks += _orphans(events, tracks, region)


def _see_one_instant() -> None:
    """Make the transaction read one snapshot, so that acts going on do not look like breaks."""
    if not connection.savepoint_ids:  # only the first statement of a transaction may say so; a caller's stays as it is
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _batches(
    events: type[Event], tracks: type[models.Model], region: int, since: datetime | None
) -> Iterator[list[tuple[Track, list[Event]]]]:
    """Tracks with their events, some thousand at a time, by id."""
    last = 0
    chosen = tracks.objects.filter(region_id=region).order_by("pk")
    if since is not None:
        touched = events.objects.filter(region_id=region, at__gte=since).values(events.TRACK)
        chosen = chosen.filter(pk__in=touched)
    while batch := list(chosen.filter(pk__gt=last)[:BATCH]):
        last = batch[-1].pk
        mine = {f"{events.TRACK}__in": [track.pk for track in batch]}
        told = events.objects.filter(region_id=region, **mine).order_by(events.TRACK, "n")
        by_track = {pk: list(rows) for pk, rows in groupby(told.iterator(BATCH), key=attrgetter(events.TRACK))}
        yield [(track, by_track.get(track.pk, [])) for track in batch]


def first_break(track: Track, events: list[Event]) -> Break | None:
    """The first broken link of a track's chain, or the first column that is not what its events say."""
    head = GENESIS
    for n, event in enumerate(events, start=1):
        if event.n != n:
            return Break(track.no, n, f"少了一条记录，下一条是第 {event.n} 条")
        head = _hash(track, event, head)
        if head != bytes(event.hash):
            return Break(track.no, n, "记录与校验值不符，被改动过")
    if track.n != len(events) or bytes(track.head) != head:
        return Break(track.no, len(events), f"现状记的是第 {track.n} 条，链条到第 {len(events)} 条为止")
    return _column_astray(track, events)


def _orphans(events: type[Event], tracks: type[models.Model], region: int) -> list[Break]:
    """Tracks that were removed while their events could not be."""
    here = tracks.objects.filter(region_id=region, pk=models.OuterRef(events.TRACK))
    firsts = events.objects.filter(~models.Exists(here), region_id=region, n=1)
    what = f"有记录，却没有{events.CALLED}"
    return [Break(str(fold([event]).get("no", getattr(event, events.TRACK))), 1, what) for event in firsts]


def _hash(track: Track, event: Event, previous: bytes) -> bytes:
    by = By(event.actor, event.posting)
    where = (track.region_id, track.pk, event.n)
    return event_hash(previous, *where, event.at, by, event.verb, event.version, event.data)


def _column_astray(track: Track, events: list[Event]) -> Break | None:
    told = fold(events)
    for name, to_python, beginning in _columns(type(track)):
        is_now = getattr(track, name)
        if name in told:
            fits = is_now == told[name] or is_now == to_python(told[name])
        else:  # never set: as a row begins
            fits = is_now is None or is_now == beginning
        if not fits:
            return Break(track.no, len(events), f"{name} 与各条记录推算的不一致")
    return None


@cache
def _columns(tracks: type[models.Model]) -> list[tuple[str, Callable[[Any], Any], Any]]:
    """The columns that events set: name, how JSON becomes its value, and what it is before any event sets it."""
    columns = [column for column in tracks._meta.concrete_fields if column.attname not in APART]
    return [
        (column.attname, column.to_python, column.get_default())
        for column in columns
        if not isinstance(column, models.BinaryField)
    ]
