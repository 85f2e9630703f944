"""Somebody else's history comes in: a sheet of cases, read by a map, written in bulk, never twice.

    report = import_cases(path, load(find("boston311")), at=now)

Rows go through in batches: read (`loop.rows`), their units, categories and places found or made, told as histories
(`loop.history`). What cannot be used is told row by row; what can is in, with its events. A second run adds nothing.
"""

import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.db import connection, transaction
from django.utils.translation import gettext_noop as _noop

from bihuan.lib import worktime
from bihuan.lib.worktime import Duration
from bihuan.loop import categories
from bihuan.loop.feed import feed
from bihuan.loop.history import LEVELS, History, Step, Written, write_history
from bihuan.loop.maps import FIELDS, CaseMap, Region, find, load, shipped
from bihuan.loop.models import NEVER, Case, Category, Clock, State, Task
from bihuan.loop.rows import Entry, Rows, Told
from bihuan.net import tree
from bihuan.net.calendar import calendar_for
from bihuan.net.imports.columns import Problem
from bihuan.net.imports.planting import Seedling, plant
from bihuan.net.imports.registry import File, Given, Option, Outcome, importer
from bihuan.net.imports.sheets import BadSheet
from bihuan.net.models import Kind
from bihuan.net.revisions import touch
from bihuan.programs import versions
from bihuan.programs.reading import BadDocument

BATCH = 5000
BORN = date(2000, 1, 1)  # of units known only by name; older than any case that has a number here


class Busy(Exception):
    """Another import into the same region is running."""

    def __init__(self) -> None:
        super().__init__("这个地区正在导入另一份工单，请等它完成后再试。")


class NoRegion(Exception):
    """The map names a region that is not there and does not say how to make it."""


@dataclass
class Report:
    """What an import did. rows: with content, below the header; cases, events, texts: written.

    known: rows whose number the region had before; skipped: rows the map says to skip; refused: rows left out, each
    with its problems; notes: what was left out of rows that are in, or looks odd. units, categories: made, by name.
    """

    rows: int = 0
    cases: int = 0
    events: int = 0
    texts: int = 0
    known: int = 0
    skipped: int = 0
    units: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    samples: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return len({problem.row for problem in self.problems})

    def outcome(self) -> Outcome:
        """As the import desk tells it: what was made beside the cases, and rows skipped, stand first among the notes."""
        made = [(FIELDS["unit"], self.units), (FIELDS["category"], self.categories)]
        beside = [Problem(0, title, str(len(names)), f"新建：{_listed(names)}") for title, names in made if names]
        beside += [Problem(0, FIELDS["status"], str(self.skipped), "对照表说略过的行数")] if self.skipped else []
        return Outcome(
            rows=self.rows,
            created=self.cases,
            same=self.known,
            problems=self.problems,
            notes=[*beside, *self.notes],
            samples=self.samples,
        )


def import_cases(
    source: Path | IO[bytes],
    given: CaseMap,
    *,
    at: datetime,
    name: str = "",
    region: str = "",
    dry_run: bool = False,
    tell: Callable[[int], None] = lambda rows: None,
) -> Report:
    """Bring in the cases of a sheet. Outside a transaction every batch of 5,000 commits by itself.

    source: CSV (.gz too; UTF-8, UTF-16, GB18030) or a workbook, as a path or an open file called `name`.
    region: the code of another region than the map's. dry_run: read and tell, write nothing.
    tell(rows): called after every batch. Raises BadSheet (no such columns, no table), NoRegion, Busy.
    """
    version = versions.in_force(given.program, at)
    sheet = feed(source, name or str(source), given.titles)
    rows = Rows(given, sheet.header, versions.rules(version.pk), at=at)
    with _alone(region or given.region.code):
        landing = _Landing(given, _region(given.region, region, at=at, dry_run=dry_run), version.pk, at=at, dry=dry_run)
        report = _run(sheet.rows, rows, landing, tell)
    report.problems = sorted([*sheet.problems, *report.problems], key=lambda problem: problem.row)
    return report


def _run(source: Iterable[tuple[int, Any]], rows: Rows, landing: "_Landing", tell: Callable[[int], None]) -> Report:
    report, said = landing.report, Told()

    def histories() -> Iterator[History]:
        lines = iter(source)
        while chunk := list(islice(lines, BATCH)):
            report.rows += len(chunk)
            before = len(said.problems)
            entries = [entry for number, cells in chunk if (entry := rows.read(number, cells, said))]
            report.skipped += len(chunk) - len(entries) - len({problem.row for problem in said.problems[before:]})
            yield from landing.histories(entries, said)
            tell(report.rows)

    written = landing.write(histories())
    report.cases, report.events, report.texts = written.cases, written.events, written.texts
    report.known = len(written.known)
    title = rows.header[rows.places["no"][0]]
    repeats = [Problem(row, title, "", "这个编号在表里重复出现，只导入第一次") for row in written.repeated]
    report.problems, report.notes = [*said.problems, *repeats], said.notes
    return report


def _listed(names: list[str], most: int = 12) -> str:
    return "、".join(names[:most]) + (" ……" if len(names) > most else "")


@contextmanager
def _alone(region: str) -> Iterator[None]:
    """One import into a region at a time: two would both find a number missing, and one of them fail half way."""
    key = int.from_bytes(sha256(f"import {region}".encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s::bigint)", [key])
        if not cursor.fetchone()[0]:
            raise Busy
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s::bigint)", [key])


def _region(wanted: Region, other: str, *, at: datetime, dry_run: bool) -> int:
    """The unit the cases are filed in, made when the map says how. Raises NoRegion."""
    code = other or wanted.code
    net = tree.snapshot()
    if net.has_code(code):
        return net.by_code(code).id
    if other or not wanted.name:
        raise NoRegion(f"没有代码为“{code}”的地区。请先建好它，或在对照表的 region 里写上 name。")
    if wanted.under and not net.has_code(wanted.under):
        raise NoRegion(f"对照表的 region.under 写的是“{wanted.under}”，没有这个单位。")
    if dry_run:
        return 0
    seedling = Seedling(0, code, Kind.AREA, wanted.name, wanted.level, wanted.under or None)
    with transaction.atomic():
        plant([seedling], at=at, on=BORN)
    return tree.snapshot().by_code(code).id


class _Landing:
    """Where the cases of one import come to lie: their region, program, units, categories and places."""

    def __init__(self, given: CaseMap, region_id: int, version_id: int, *, at: datetime, dry: bool) -> None:
        self.map, self.region_id, self.version_id, self.at, self.dry = given, region_id, version_id, at, dry
        self.rules = versions.rules(version_id)
        self.report = Report()
        self.units = _Units(given, region_id, self.report, at=at, dry=dry)
        self.categories = _Categories(given, self.report, at=at, dry=dry)
        self.found = _Found(given, region_id)
        self.centre = tree.snapshot().centre_of(region_id) if region_id else 0
        self._limits: dict[tuple[str, str, int | None], Duration] = {}

    def write(self, histories: Iterable[History]) -> Written:
        """Write them; in a dry run only tell which the region knows, and which come twice."""
        if self.dry:
            return _only_read(histories, self.region_id)
        return write_history(histories, region_id=self.region_id, version_id=self.version_id, at=self.at, batch=BATCH)

    def histories(self, entries: list[Entry], told: Told) -> list[History]:
        """The histories of a batch of rows. Makes the units and categories they need before."""
        entries = self.categories.prepare(self.units.prepare(entries, told), told)
        found = [self._history(entry, told) for entry in entries]
        for entry in entries[: 8 - len(self.report.samples)]:
            self.report.samples.append((entry.no, f"{entry.filed_at:%Y-%m-%d %H:%M}", entry.unit, entry.text[:40]))
        return found

    def _history(self, entry: Entry, told: Told) -> History:
        unit, category = self.units.of(entry), self.categories.of(entry)
        promise = self._promise(entry, category)
        filing = self._filing(entry, promise, category, self.found.place(entry, told))
        steps = [filing]
        if unit is not None:
            handed = {"state": State.DISPATCHED.value, "unit_id": unit, "dispatched_at": entry.filed_at}
            steps.append(Step("dispatch", entry.filed_at, handed, facts={"unit": unit}))
        if entry.closed_at:
            steps.append(self._closing(entry, entry.closed_at, promise, unit or self.centre))
        history = History(steps, contact=(entry.name, entry.phone), ref=entry.row)
        if not entry.closed_at:
            history.companions = self._open(steps, entry, promise, unit)
        return history

    def _promise(self, entry: Entry, category: int | None) -> datetime | None:
        """When it was to be done: as the sheet says, or as the program's limits have it."""
        rule = self.map.due
        if rule == "file":
            if entry.due_at:
                return entry.due_at
            rule = self.map.due_missing
        if rule != "program":
            return None
        return worktime.due(self._limit(entry, category), start=entry.filed_at, calendar=calendar_for(self.region_id))

    def _limit(self, entry: Entry, category: int | None) -> Duration:
        key = (entry.type, entry.urgency, category)
        if key not in self._limits:
            lineage = [above.key for above in categories.lineage(category)] if category else None
            self._limits[key] = self.rules.clock_limit("handle", type=key[0], urgency=key[1], category=lineage)
        return self._limits[key]

    def _filing(self, entry: Entry, promise: datetime | None, category: int | None, place: dict[str, Any]) -> Step:
        """Filed and accepted at once; what the sheet says beyond our columns stays a fact of the event."""
        imported: dict[str, Any] = {"row": entry.row}
        if "flag" in self.map.columns:
            imported["flag"] = entry.flag  # empty: the system that had the case gave no verdict
        if entry.on_time is not None:
            imported["on_time"] = entry.on_time
        changes = {
            "outside_no": entry.no,
            "type": entry.type,
            "source": entry.source,
            "urgency": entry.urgency,
            "secrecy": entry.secrecy,
            "category_id": category,
            "unit_id": self.centre,
            "state": State.ACCEPTED.value,
            "accepted_at": entry.filed_at,
            "due_at": promise or NEVER,
            "promise_at": promise,
            **place,
        }
        facts = {"outcome": "accepted", "imported": entry.kept | imported}
        return Step("file", entry.filed_at, changes, facts=facts, words=entry.text, place=entry.place)

    def _closing(self, entry: Entry, at: datetime, promise: datetime | None, unit: int) -> Step:
        late = at > promise if promise else None
        changes = {
            "state": State.CLOSED.value,
            "replied_at": at,
            "closed_at": at,
            "result": entry.result,
            "settled_level": self.units.level(unit),
            "overdue_raw": late,
            "overdue_scored": late,
        }
        return Step("close", at, changes, words=entry.reply or None)

    def _open(self, steps: list[Step], entry: Entry, promise: datetime | None, unit: int | None) -> list[Any]:
        """What keeps an open case from being forgotten (L1): a task of its unit, and clocks when it is to live on."""
        owed = {"kind": Task.Kind.LEAD, "unit_id": unit or self.centre, "opened_at": entry.filed_at, "due_at": promise}
        rows: list[Any] = [(Task, owed)]
        if self.map.open == "live":
            clocks = self._clocks(entry, promise, "dispatch" if unit is None else "sign")
            steps[-1].changes["due_at"] = clocks[0]["due_at"]
            rows += [(Clock, clock) for clock in clocks]
        return rows

    def _clocks(self, entry: Entry, promise: datetime | None, step: str) -> list[dict[str, Any]]:
        """The clock of the state runs from the import on; that of the promise too, and if it is past, its repeating."""
        clocks = [self._clock(step, self.rules.clock_limit(step, type=entry.type, urgency=entry.urgency), self.at)]
        if promise and step == "sign":
            repeat = self.rules.clocks["handle"].repeat
            if promise > self.at:
                clocks.append(_told_clock(entry.filed_at, promise))
            elif repeat:
                clocks.append(self._clock("handle", repeat, self.at))
        return clocks

    def _clock(self, key: str, limit: Duration, start: datetime) -> dict[str, Any]:
        due = worktime.due(limit, start=start, calendar=calendar_for(self.region_id))
        return {"key": key, "limit": str(limit), "started_at": start, "due_at": due}


def _told_clock(filed_at: datetime, promise: datetime) -> dict[str, Any]:
    """The handling clock of a promise somebody else computed: whole hours back from its end, so that it explains it."""
    hours = max(1, min(9999, int((promise - filed_at).total_seconds() // 3600)))
    limit = Duration(hours, "uh")
    return {
        "key": "handle",
        "limit": str(limit),
        "started_at": promise - timedelta(hours=hours),
        "due_at": promise,
    }


def _only_read(histories: Iterable[History], region_id: int) -> Written:
    written, seen = Written(), set()
    lines = iter(histories)
    while batch := list(islice(lines, BATCH)):
        numbers = [history.steps[0].changes["outside_no"] for history in batch]
        known = set(
            Case.objects.filter(region_id=region_id, outside_no__in=numbers).values_list("outside_no", flat=True)
        )
        for history, number in zip(batch, numbers, strict=True):
            if number in known:
                written.known.append(history.ref)
            elif number in seen:
                written.repeated.append(history.ref)
            else:
                written.cases += 1
                written.events += len(history.steps)
                written.texts += sum(step.words is not None for step in history.steps)
            seen.add(number)
    return written


class _Units:
    """The units a sheet names, found by code or name within the region, made when the map says so."""

    def __init__(self, given: CaseMap, region_id: int, report: Report, *, at: datetime, dry: bool) -> None:
        self.map, self.region_id, self.report, self.at, self.dry = given, region_id, report, at, dry
        self.known = self._read()
        self.levels: dict[int, int] = {}

    def _read(self) -> dict[str, int | None]:
        """Ids by code, name and short name; None for a name that several units bear."""
        found: dict[str, int | None] = {}
        for unit in tree.snapshot():
            found[unit.code] = unit.id
        for unit in tree.snapshot():
            if self.region_id in unit.path:
                for name in {unit.name, unit.short} - {""}:
                    found[name] = None if name in found and found[name] != unit.id else unit.id
        return found

    def prepare(self, entries: list[Entry], told: Told) -> list[Entry]:
        """The entries whose unit is known now; the others are told, unless the centre takes them."""
        unknown = dict.fromkeys(entry.unit for entry in entries if entry.unit and entry.unit not in self.known)
        if unknown and self.map.unknown_unit == "create":
            self._make(list(unknown))
        if self.map.unknown_unit == "centre":
            return entries
        return [entry for entry in entries if not entry.unit or self._usable(entry, told)]

    def _usable(self, entry: Entry, told: Told) -> bool:
        if self.known.get(entry.unit) is not None:
            return True
        reason = (
            "有几个单位叫这个名字，请在对照表里写明代码"
            if entry.unit in self.known
            else "没有这个单位，对照表也不许新建"
        )
        told.problems.append(_problem(self.map, entry, "unit", entry.unit, reason))
        return False

    def of(self, entry: Entry) -> int | None:
        return self.known.get(entry.unit) if entry.unit else None

    def level(self, unit: int) -> int:
        if unit not in self.levels:
            self.levels[unit] = getattr(tree.snapshot().get(unit), "level", 0)
        return self.levels[unit]

    def _make(self, names: list[str]) -> None:
        self.report.units += names
        if self.dry:
            self.known |= dict.fromkeys(names, 0)
            return
        region = tree.snapshot().unit(self.region_id)
        seedlings = [
            Seedling(0, self._code(name), Kind.ORGAN, name, region.level, region.code, facts={"short": name[:40]})
            for name in names
        ]
        with transaction.atomic():
            plant(seedlings, at=self.at, on=BORN)
        self.known |= self._read()

    def _code(self, name: str) -> str:
        region6 = self.map.region.code[:6]
        slug = _slug(name, 20).upper()
        code = f"{region6}-{slug}"
        return f"{code}-{mark(name)}" if code in self.known else code


class _Categories:
    """The categories a sheet names, as paths of titles from the top down; made when the map says so."""

    def __init__(self, given: CaseMap, report: Report, *, at: datetime, dry: bool) -> None:
        self.map, self.report, self.at, self.dry = given, report, at, dry
        self.top = (given.categories_under,) if given.categories_under else ()
        self.known = {self._path(row): row.pk for row in Category.objects.select_related("parent__parent__parent")}

    @staticmethod
    def _path(category: Category) -> tuple[str, ...]:
        above = category.parent
        return (*_Categories._path(above), category.title) if above else (category.title,)

    def prepare(self, entries: list[Entry], told: Told) -> list[Entry]:
        """The entries whose category is known now; the others are told, unless the map drops it."""
        wanted = dict.fromkeys((*self.top, *entry.category) for entry in entries if entry.category)
        unknown = [path for path in wanted if path not in self.known]
        if unknown and self.map.unknown_category == "create":
            self._make(unknown)
        if self.map.unknown_category == "drop":
            return entries
        return [entry for entry in entries if not entry.category or self._usable(entry, told)]

    def _usable(self, entry: Entry, told: Told) -> bool:
        if (*self.top, *entry.category) in self.known:
            return True
        reason = "没有这个事项类别，对照表也不许新建"
        told.problems.append(_problem(self.map, entry, "category", " / ".join(entry.category), reason))
        return False

    def of(self, entry: Entry) -> int | None:
        return self.known.get((*self.top, *entry.category)) if entry.category else None

    @transaction.atomic
    def _make(self, paths: list[tuple[str, ...]]) -> None:
        if not self.dry:
            touch(categories.PART, self.at)
        for path in paths:
            for depth in range(1, len(path) + 1):
                if path[:depth] not in self.known:
                    self.known[path[:depth]] = self._create(path[:depth])
                    self.report.categories.append(" / ".join(path[:depth]))

    def _create(self, path: tuple[str, ...]) -> int:
        if self.dry:
            return 0
        parent = self.known[path[:-1]] if len(path) > 1 else None
        key = ".".join([_slug(path[0], 16), mark("/".join(path)), _slug(path[-1], 24)])
        return Category.objects.create(key=key, title=path[-1], parent_id=parent).pk


class _Found:
    """Places: by grid code, point or address, in the order the map gives; without any, the region."""

    def __init__(self, given: CaseMap, region_id: int) -> None:
        self.map, self.region_id = given, region_id
        self.ways = [getattr(self, f"_by_{way}") for way in given.find_place]
        self._levels: dict[int | None, dict[str, Any]] = {}

    def place(self, entry: Entry, told: Told) -> dict[str, Any]:
        """The columns that say where a case is."""
        unit = next((unit for way in self.ways if (unit := way(entry)) is not None), None)
        if unit is None and entry.grid and "grid" in self.map.find_place:
            told.notes.append(_problem(self.map, entry, "grid", entry.grid, "没有这个网格编码，已略去"))
        if unit not in self._levels:
            self._levels[unit] = self._columns(unit)
        return self._levels[unit] | {"lng": entry.lng, "lat": entry.lat}

    def _columns(self, unit: int | None) -> dict[str, Any]:
        if not self.region_id:
            return {}
        levels = tree.snapshot().levels(unit or self.region_id)
        found: dict[str, Any] = {level: getattr(levels, level) for level in LEVELS}
        return found | {"grid_id": unit}

    def _by_grid(self, entry: Entry) -> int | None:
        net = tree.snapshot()
        return self._inside(net.by_code(entry.grid).id) if entry.grid and net.has_code(entry.grid) else None

    def _by_point(self, entry: Entry) -> int | None:
        if entry.lng is None or entry.lat is None:
            return None
        hit = tree.snapshot().locate(entry.lng, entry.lat)
        return self._inside(hit.unit_id) if hit else None

    def _by_address(self, entry: Entry) -> int | None:
        return tree.snapshot().resolve_address(entry.place, self.region_id) if entry.place else None

    def _inside(self, unit: int) -> int | None:
        return unit if self.region_id in tree.snapshot().unit(unit).path else None


def _problem(given: CaseMap, entry: Entry, name: str, value: str, reason: str) -> Problem:
    parts = given.columns.get(name, ((FIELDS[name],),))
    return Problem(entry.row, parts[0][0], value[:120], reason)


def _slug(text: str, longest: int) -> str:
    """Words of plain letters and digits; a mark of its own for a text without any."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:longest].strip("-") or mark(text)


def mark(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]


@importer(
    "cases",
    title=_noop("工单（其他系统的历史）"),
    help=_noop(
        "别的系统里的历史工单，按对照表（--map）导入；再导一次，一件也不会重复。随产品的对照表：boston311、teddy_messages、bihuan。"
    ),
    options=(
        Option("map", _noop("对照表"), _noop("对照表文件（.toml），或随产品对照表的名字。")),
        Option("region", _noop("地区"), _noop("导入到哪个地区，填它的代码；不填就按对照表。")),
    ),
    desk=False,  # a map is a file beside the sheet: who has it can reach the server
    whole=False,
)
def import_sheet(file: File, given: Given) -> Outcome:
    """The cases of one sheet. Raises BadSheet for whatever stands in the way of all of them."""
    source = file.source if isinstance(file.source, Path) else io.BytesIO(file.source)
    name = str(given.options.get("map") or "")
    if not name:
        raise BadSheet(f"请用 --map 给出对照表：一个 .toml 文件，或 {'、'.join(shipped())} 之一。")
    try:
        report = import_cases(
            source,
            load(find(name)),
            at=given.at,
            name=file.name,
            region=str(given.options.get("region") or ""),
            dry_run=given.preview,
            tell=lambda rows: given.tell(rows, 0),
        )
    except (BadDocument, Busy, NoRegion, versions.NoVersion) as error:
        raise BadSheet(str(error)) from error
    return report.outcome()
