"""History in bulk: past cases with their acts, written set-based and equal, row for row, to what the actions write.

Whoever knows a past case (an import, the demo) says it as a `History`: its acts in order, each with the columns it
set. `write_history` adds what follows from them: ids, case numbers, texts with their digests, chained hashes, counts.
One pass, a few COPY per batch; the rows of a batch are committed together with their counts, so a crash loses whole
batches only.
"""

import gc
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from hashlib import sha256
from itertools import islice
from typing import Any

import orjson
from django.db import connection, connections, models, transaction
from django.utils import timezone
from psycopg import sql

from bihuan.book import tallies
from bihuan.book.journal import GENESIS, SYSTEM, By, event_data
from bihuan.book.models import Tally
from bihuan.dossier import texts, vault
from bihuan.dossier.models import Contact, Text
from bihuan.lib.canonical import NotCanonical, canonical_json
from bihuan.lib.codes import case_numbers
from bihuan.lib.ids import new_id
from bihuan.loop import counts
from bihuan.loop.models import Case, CaseEvent, State
from bihuan.loop.numbers import reserve
from bihuan.net import tree


@dataclass(slots=True)
class Step:
    """One act of a past case.

    changes: the columns of Case it set, as the action sets them (aware datetimes, ids, words).
    facts: what else its event tells; the id and digest of `words` are added here.
    words: free text said in the act. `place` (with the filing) is the address as it was given.
    """

    verb: str
    at: datetime
    changes: dict[str, Any]
    by: By = SYSTEM
    facts: Mapping[str, Any] | None = None
    words: str | None = None
    place: str = ""


@dataclass(slots=True)
class History:
    """A past case: its acts in the order of time, the first of them the filing.

    The filing's changes hold type, source, unit_id, due_at, the levels l1 .. l5, grid_id, lng, lat ... ; number,
    version, text_id, contact_id, filed_at and the zero columns are filled in; so are secrecy (public), urgency (normal)
    and state (filed) unless it sets them. It must have words.
    contact: (name, phone), sealed by the vault; both empty: none.
    companions: other rows that go with it (Task, Clock, Check ...): (model, columns without id, region and case). An
    open case needs an open task and the clocks of its state (L1); closed ones need none.
    ref: whatever lets the caller recognise it in `Written` (a row number).
    """

    steps: list[Step]
    contact: tuple[str, str] = ("", "")
    companions: list[tuple[type[models.Model], dict[str, Any]]] = field(default_factory=list)
    ref: int = 0


@dataclass(slots=True)
class Written:
    """What was written. `known`: refs of histories whose outside_no had been imported before; `repeated`: refs of those
    that came twice in this run. Neither was written (again)."""

    cases: int = 0
    events: int = 0
    texts: int = 0
    known: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)


def write_history(
    histories: Iterable[History],
    *,
    region_id: int,
    version_id: int,
    at: datetime,
    batch: int = 5000,
    durable: bool = True,
) -> Written:
    """Write past cases of one region under one program version. Streams: two batches are in memory at a time.

    at: now; hours of the tallies older than 40 days are not kept. durable=False lets the server answer before its log
    is on disk, for seeding a demo; a crash may then lose the last moments, never half a batch.
    Outside a transaction each batch commits by itself and is copied while the next one is made ready; inside a
    caller's transaction everything belongs to it. Histories in the order of time fill the indexes fastest.
    A history whose outside_no the region has already is left out (see Written). Raises what the database raises.
    """
    prepare = _Preparing(region_id, version_id)
    copying = _Copying(region_id, at=at, durable=durable)
    with collector_at_rest(), copying.lane() as lane:
        for histories_of_batch in _batches(histories, batch):
            lane.give(prepare.batch(histories_of_batch))
    return copying.written


def _batches(histories: Iterable[History], size: int) -> Iterator[list[History]]:
    source = iter(histories)
    while batch := list(islice(source, size)):
        yield batch


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Rows hold no cycles; the collector would only walk thousands of living ones, a fifth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


# Making rows ready


_Place = tuple[int | None, ...]  # l1 .. l5


@dataclass(slots=True)
class _Prepared:
    """One case as lines for COPY, and what it counts for."""

    ref: int
    outside_no: str
    case: str
    events: list[str]
    texts: list[str]
    companions: list[tuple[type[models.Model], str]]
    counted: list[tuple[datetime, tuple[str, ...]]]  # moments, each with the measures that hang on it
    place: _Place
    grid: int | None
    unit: int


LEVELS = ("l1", "l2", "l3", "l4", "l5")
# What a case starts with, as the filing writes it; empty columns are no part of the event.
_START = {
    "secrecy": "public",
    "urgency": "normal",
    "state": State.FILED.value,
    "redos": 0,
    "hand_backs": 0,
    "calls": 0,
    "test": False,
}


class _Preparing:
    """Turns histories into lines. Pure but for case numbers, which are reserved per day and batch."""

    def __init__(self, region_id: int, version_id: int) -> None:
        self.region_id, self.version_id = region_id, version_id
        self.region6 = tree.snapshot().unit(region_id).code[:6]
        self.zone = timezone.get_default_timezone()
        self._region, self._version = _sized(region_id), _sized(version_id)
        self._random: Iterator[bytes] = iter(())

    def batch(self, histories: Sequence[History]) -> list[_Prepared]:
        days = [history.steps[0].at.astimezone(self.zone).date() for history in histories]
        with transaction.atomic():  # one commit, however many days
            numbers = {day: self._numbers(day, size) for day, size in sorted(Counter(days).items())}
        return [self._case(history, next(numbers[day])) for history, day in zip(histories, days, strict=True)]

    def _numbers(self, day: date, size: int) -> Iterator[str]:
        return case_numbers(self.region6, day, range(*reserve(self.region_id, day, size)))

    def _case(self, history: History, number: str) -> _Prepared:
        case_id, first = new_id(), history.steps[0]
        first.changes = self._filing(first, number)
        companions = [self._contact(history, case_id, first)] if any(history.contact) else []
        companions += [(model, self._companion(model, case_id, columns)) for model, columns in history.companions]
        line, final, head, events, words = list(_defaults(Case)), {}, GENESIS, [], []
        for n, step in enumerate(history.steps, 1):
            facts = dict(step.facts or ())
            if step.words is not None:
                said, facts["text"], facts["digest"] = self._text(step, case_id)
                words.append(said)
                if n == 1:
                    step.changes["text_id"] = facts["text"]
            head, event = self._event(head, case_id, n, step, _data(step.changes, facts, line))
            events.append(event)
            final |= step.changes
        _end_line(line, case_id, self.region_id, len(events), head)
        return _Prepared(
            ref=history.ref,
            outside_no=final.get("outside_no", ""),
            case="\t".join(line) + "\n",
            events=events,
            texts=words,
            companions=companions,
            counted=_counted(final),
            place=tuple([final.get(level) for level in LEVELS]),
            grid=final.get("grid_id"),
            unit=final["unit_id"],
        )

    def _filing(self, step: Step, number: str) -> dict[str, Any]:
        known = {**_START, "no": number, "version": self.version_id, "filed_at": step.at, **step.changes}
        return {column: value for column, value in known.items() if value is not None and value != ""}

    def _contact(self, history: History, case_id: int, first: Step) -> tuple[type[models.Model], str]:
        name, phone = history.contact
        number = first.changes["no"]
        key = first.changes["contact_id"] = new_id()
        row = vault.sealed_columns(
            name, phone, pk=key, region_id=self.region_id, case_id=case_id, case_no=number, at=first.at
        )
        return Contact, _line(Contact, row)

    def _companion(self, model: type[models.Model], case_id: int, columns: Mapping[str, Any]) -> str:
        return _line(model, {**columns, "id": new_id(), "region_id": self.region_id, "case_id": case_id})

    def _text(self, step: Step, case_id: int) -> tuple[str, int, str]:
        """A line of Text, its id and the digest for the event."""
        text_id, salt = new_id(), self._salt()
        body, place = texts.tidy(step.words or ""), texts.tidy(step.place)[:200]
        line = f"{text_id}\t{self.region_id}\t{case_id}\t{_escaped(body)}\t{_escaped(place)}\t\\\\x{salt.hex()}\t\\N\n"
        return line, text_id, texts.digest(body, place, salt)

    def _salt(self) -> bytes:
        """Asked of the system a thousand at a time."""
        while (salt := next(self._random, None)) is None:
            pool = os.urandom(texts.SALT * 1000)
            self._random = (pool[start : start + texts.SALT] for start in range(0, len(pool), texts.SALT))
        return salt

    def _event(self, head: bytes, case_id: int, n: int, step: Step, data: bytes) -> tuple[bytes, str]:
        """The hash of an event and its line. Byte for byte what book.journal.event_hash hashes."""
        actor, posting, verb = str(step.by.actor), step.by.posting, step.verb
        (counted, moment), key = _stamp(step.at), str(case_id)
        fields = (
            f"{self._region}{len(key)}:{key}{_sized(n)}{counted}{_sized(actor)}{_sized(posting or 0)}{_sized(verb)}"
            f"{self._version}{len(data)}:"
        )
        head = sha256(b"32:" + head + fields.encode() + data).digest()
        said = data.decode()
        cell = said.replace("\\", "\\\\") if "\\" in said else said
        return head, (
            f"{self.region_id}\t{key}\t{n}\t{moment}\t{actor}\t{posting or _NULL}\t{verb}\t{self.version_id}\t"
            f"{cell}\t\\\\x{head.hex()}\n"
        )


@lru_cache(8192)
def _sized(value: int | str) -> str:
    """A short ASCII field as `lib.canonical.chain` takes it in."""
    text = str(value)
    return f"{len(text)}:{text}"


@lru_cache(8192)
def _stamp(at: datetime) -> tuple[str, str]:
    """A moment as it is hashed, and as it is stored."""
    return _sized(round(at.timestamp() * 1_000_000)), _moment(at)


class _Final:
    """The columns of a finished case, as far as `counts` asks for them."""

    accepted_at = closed_at = overdue_raw = settled_level = None
    test = False

    def __init__(self, columns: dict[str, Any]) -> None:
        self.__dict__ = columns


def _counted(final: dict[str, Any]) -> list[tuple[datetime, tuple[str, ...]]]:
    """What the case counts for in its last shape, by moment; earlier counts moved along with it."""
    moments: dict[datetime, tuple[str, ...]] = {}
    if not final["test"]:
        for measure, at in counts.measures(_Final(final)):  # type: ignore[arg-type]
            moments[at] = (*moments.get(at, ()), measure)
    return list(moments.items())


# Lines for COPY

_NULL = "\\N"
_CONSTANTS = {None: _NULL, True: "true", False: "false"}
_EVENT = ("region_id", "case_id", "n", "at", "actor", "posting", "verb", "version", "data", "hash")
_TEXT = ("id", "region_id", "case_id", "body", "place", "salt", "erased_at")


def _data(changes: dict[str, Any], facts: dict[str, Any], line: list[str]) -> bytes:
    """Canonical JSON of an event, as book.journal.event_data; what it changed goes into the line of the case, too."""
    said, plain = {}, _is_plain(facts)
    for column, value in changes.items():
        kind = type(value)
        if kind is datetime:
            cell = value = _moment(value)
        elif kind is str:
            cell = _escaped(value) if column in _FREE else value
        elif kind is int:
            cell = str(value)
        else:
            cell, plain = _cell(value), plain and (kind in _PLAIN or _is_plain({column: value}))
        said[column], line[_PLACES[column]] = value, cell
    if plain:
        return orjson.dumps({**facts, "set": said}, default=_moment, option=_SORTED)
    return event_data(changes, facts).encode()


_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
_FREE = frozenset({"outside_no", "call_ref"})  # columns that hold words of somebody's, not keys of ours
_PLAIN = frozenset({str, int, bool, type(None), datetime})


def _is_plain(members: Mapping[str, Any]) -> bool:
    """Whether orjson writes these as `lib.canonical` does: it writes very large and very small numbers otherwise."""
    for value in members.values():
        kind = type(value)
        if kind in _PLAIN or (kind is float and (0.0001 <= abs(value) < 1e15 or value == 0)):
            continue
        if kind is not dict or not _is_plain(value):
            return False
    return True


@lru_cache(8192)
def _moment(at: datetime) -> str:
    if at.tzinfo is None:
        raise NotCanonical("时间缺少时区")
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_SPECIAL = re.compile(r"[\\\t\n\r]")


@cache
def _columns(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(f.attname for f in model._meta.concrete_fields)


@cache
def _defaults(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(_cell(f.get_default()) for f in model._meta.concrete_fields)


def _cell(value: Any) -> str:
    if value is None or value is True or value is False:
        return _CONSTANTS[value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"\\\\x{bytes(value).hex()}"
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, float):
        return repr(value)
    return _escaped(value if isinstance(value, str) else canonical_json(value))


def _line(model: type[models.Model], values: Mapping[str, Any]) -> str:
    defaults = zip(_columns(model), _defaults(model), strict=True)
    return "\t".join([_cell(values[name]) if name in values else default for name, default in defaults]) + "\n"


_PLACES = {name: place for place, name in enumerate(_columns(Case))}


def _end_line(line: list[str], case_id: int, region_id: int, n: int, head: bytes) -> None:
    """What no event says of a case."""
    line[_PLACES["id"]], line[_PLACES["region_id"]] = str(case_id), str(region_id)
    line[_PLACES["n"]], line[_PLACES["head"]] = str(n), f"\\\\x{head.hex()}"


# Copying


class _Copying:
    """Copies one batch after the other into the tables, each with its counts in one transaction."""

    def __init__(self, region_id: int, *, at: datetime, durable: bool) -> None:
        self.region_id, self.durable, self.written = region_id, durable, Written()
        self.first_id = new_id()  # what was written in this run has ids above
        self.tally = _Tallying(region_id, oldest=at - tallies.HOURS_KEPT)

    def lane(self) -> "_Lane":
        return _Lane(self, beside=not connection.in_atomic_block)

    def batch(self, prepared: list[_Prepared]) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            if not self.durable:
                cursor.execute("SET LOCAL synchronous_commit = off")
            fresh = self._unknown(cursor, prepared)
            self._copy(cursor, fresh)
            self.tally.add(cursor, fresh)
        self._count(fresh)

    def _unknown(self, cursor: Any, prepared: list[_Prepared]) -> list[_Prepared]:
        """Those whose outside number the region has not got yet."""
        numbers = [case.outside_no for case in prepared if case.outside_no]
        if not numbers:
            return prepared
        cursor.execute(_KNOWN, [self.region_id, numbers])
        seen, fresh = dict(cursor.fetchall()), []
        for case in prepared:
            if (before := seen.get(case.outside_no)) is not None and case.outside_no:
                (self.written.repeated if before > self.first_id else self.written.known).append(case.ref)
                continue
            seen[case.outside_no] = self.first_id + 1
            fresh.append(case)
        return fresh

    def _copy(self, cursor: Any, prepared: list[_Prepared]) -> None:
        others: defaultdict[type[models.Model], list[str]] = defaultdict(list)
        for case in prepared:
            for model, line in case.companions:
                others[model].append(line)
        _copy(cursor, Case, _columns(Case), [case.case for case in prepared])
        _copy(cursor, CaseEvent, _EVENT, [line for case in prepared for line in case.events])
        _copy(cursor, Text, _TEXT, [line for case in prepared for line in case.texts])
        for model, lines in others.items():
            _copy(cursor, model, _columns(model), lines)

    def _count(self, prepared: list[_Prepared]) -> None:
        self.written.cases += len(prepared)
        self.written.events += sum(len(case.events) for case in prepared)
        self.written.texts += sum(len(case.texts) for case in prepared)


_KNOWN = "SELECT outside_no, id FROM loop_case WHERE region_id = %s AND outside_no = ANY(%s) AND outside_no <> ''"


def _copy(cursor: Any, model: type[models.Model], columns: Iterable[str], lines: list[str]) -> None:
    if not lines:
        return
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(model._meta.db_table), names)
    with cursor.copy(statement) as copy:
        copy.write("".join(lines).encode())


class _Lane:
    """Runs one batch at a time, beside the caller on a connection of its own, or at once inside his transaction."""

    def __init__(self, copying: _Copying, *, beside: bool) -> None:
        self.copying = copying
        self.pool = ThreadPoolExecutor(1, "history") if beside else None
        self.running: Future[None] | None = None

    def give(self, prepared: list[_Prepared]) -> None:
        """Take a batch; waits for the one before it, and raises what that one raised."""
        self._wait()
        if self.pool:
            self.running = self.pool.submit(self.copying.batch, prepared)
        else:
            self.copying.batch(prepared)

    def _wait(self) -> None:
        running, self.running = self.running, None
        if running:
            running.result()

    def __enter__(self) -> "_Lane":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._wait()
        finally:
            if self.pool:
                self.pool.submit(connections.close_all).result()
                self.pool.shutdown()


# Counts


class _Tallying:
    """The counts of a batch, as book.tallies.fold keeps them, in one statement."""

    def __init__(self, region_id: int, *, oldest: datetime) -> None:
        self.region_id, self.oldest = region_id, oldest
        self.zone = timezone.get_default_timezone()
        self._starts: dict[int, tuple[str, str]] = {}

    def add(self, cursor: Any, prepared: list[_Prepared]) -> None:
        if rows := self._rows(prepared):
            keys = sorted(rows)  # as the fold inserts: two writers never wait for each other in a circle
            columns = [*zip(*keys, strict=True), [rows[key] for key in keys]]
            cursor.execute(_ADD, [self.region_id, *map(_array, columns)])

    def _rows(self, prepared: list[_Prepared]) -> Counter[tuple[int, str, str, str, str]]:
        """Amounts by unit, role, measure, period and bucket."""
        rows: Counter[tuple[int, str, str, str, str]] = Counter()
        for (measures, (hour, day), place), amount in self._places(prepared).items():
            for unit in place:
                if unit is None:
                    continue
                for measure in measures:
                    rows[unit, tallies.PLACE, measure, tallies.DAY, day] += amount
                    rows[unit, tallies.PLACE, measure, tallies.ALL, _EVER] += amount
                    if hour:
                        rows[unit, tallies.PLACE, measure, tallies.HOUR, hour] += amount
        for (measures, grid), amount in self._grids(prepared).items():
            for measure in measures:
                rows[grid, tallies.PLACE, measure, tallies.ALL, _EVER] += amount
        for (measures, (_, day), unit), amount in self._units(prepared).items():
            for measure in measures:
                rows[unit, tallies.UNIT, measure, tallies.DAY, day] += amount
                rows[unit, tallies.UNIT, measure, tallies.ALL, _EVER] += amount
        return rows

    def _places(self, prepared: list[_Prepared]) -> Counter[tuple[tuple[str, ...], tuple[str, str], _Place]]:
        return Counter((measures, self._span(at), case.place) for case in prepared for at, measures in case.counted)

    def _grids(self, prepared: list[_Prepared]) -> Counter[tuple[tuple[str, ...], int]]:
        placed = [(grid, case.counted) for case in prepared if (grid := case.grid) and grid not in case.place]
        return Counter((measures, grid) for grid, counted in placed for _, measures in counted)

    def _units(self, prepared: list[_Prepared]) -> Counter[tuple[tuple[str, ...], tuple[str, str], int]]:
        return Counter(
            (scored, self._span(at), case.unit)
            for case in prepared
            for at, measures in case.counted
            if (scored := _scored(measures))
        )

    def _span(self, at: datetime) -> tuple[str, str]:
        """The beginnings of the local hour (empty when it is too old to be kept) and day."""
        quarter = int(at.timestamp()) // 900  # no zone is off by less than a quarter of an hour
        if quarter not in self._starts:
            hour = at.astimezone(self.zone).replace(minute=0, second=0, microsecond=0)
            kept = _moment(hour) if hour >= self.oldest else ""
            self._starts[quarter] = kept, _moment(hour.replace(hour=0, fold=0))
        return self._starts[quarter]


@cache
def _scored(measures: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(measure for measure in measures if measure in counts.SCORED_TO_UNIT)


def _array(values: Iterable[Any]) -> str:
    """An array as the server reads it; numbers, moments and plain words need no quotes."""
    return "{" + ",".join(map(str, values)) + "}"


_EVER = _moment(tallies.EPOCH)
_ADD = f"""
INSERT INTO {Tally._meta.db_table} AS old (region_id, unit, role, measure, period, bucket, amount)
SELECT %s, new.* FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::bigint[]) AS new
ON CONFLICT (region_id, unit, role, measure, period, bucket) DO UPDATE SET amount = old.amount + excluded.amount
"""
