"""Rows of somebody else's sheet, read by a map: what can be understood, and what is wrong with the rest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bihuan.dossier.texts import tidy
from bihuan.lib.cells import bare
from bihuan.lib.codes import BadPhone, normal_phone
from bihuan.loop.maps import FIELDS, MANY, CaseMap
from bihuan.loop.models import Secrecy, Source
from bihuan.loop.moments import BadMoment, Moments
from bihuan.net.imports.columns import Problem, shown
from bihuan.net.imports.sheets import BadSheet, Formula, title_key
from bihuan.programs.document import CaseProgram

LONGEST_NUMBER, LONGEST_TEXT, FIRST_YEAR, LAST_YEAR = 60, 100_000, 2000, 2099
# What is not worth losing a case for: the cell is left out and told as a note.
LENIENT = ("lng", "lat", "source", "urgency", "secrecy", "result", "flag", "name", "phone", "grid")


class BadCell(ValueError):
    """What is wrong with one cell, in words for the error sheet."""


@dataclass(slots=True)
class Entry:
    """One case as its row tells it. Times are in UTC; `flag` as it stood, `on_time` as the map understands it."""

    row: int
    no: str = ""
    filed_at: datetime = None  # type: ignore[assignment]  # always set in an entry that is used
    due_at: datetime | None = None
    closed_at: datetime | None = None
    status: str = ""
    type: str = ""
    category: tuple[str, ...] = ()
    unit: str = ""
    text: str = ""
    reply: str = ""
    result: str = ""
    place: str = ""
    grid: str = ""
    lng: float | None = None
    lat: float | None = None
    source: str = Source.IMPORT.value
    urgency: str = "normal"
    secrecy: str = Secrecy.PUBLIC.value
    name: str = ""
    phone: str = ""
    flag: str = ""
    on_time: bool | None = None
    kept: dict[str, str] = field(default_factory=dict)


@dataclass
class Told:
    """What was found wrong. `problems`: rows left out; `notes`: what was left out of rows that were taken."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


class Rows:
    """Reads the rows below one header. Raises BadSheet when a column the map needs is not there."""

    def __init__(self, given: CaseMap, header: Sequence[str], rules: CaseProgram, *, at: datetime) -> None:
        self.map, self.header, self.at = given, header, at
        self.moments = Moments(given.zone, given.formats)
        self.places = _places(given, header)
        readers = {name: read for name, read in self._readers(rules).items() if name in self.places}
        self.single = [(name, self.places[name][0], read) for name, read in readers.items() if name not in MANY]
        self.joined = [(name, self.places[name], read) for name, read in readers.items() if name in MANY]
        self.kept = [(fact, places[0]) for fact, titles in given.keep.items() if (places := _found(header, (titles,)))]
        self.defaults = self._defaults(rules)

    def read(self, number: int, cells: Sequence[Any], told: Told) -> Entry | None:
        """The entry of a row; None when the row cannot be used (told why) or the map says to skip it."""
        entry, faults = Entry(number, **self.defaults), len(told.problems)
        if len(cells) < len(self.header):
            cells = [*cells, *[None] * (len(self.header) - len(cells))]
        for name, place, read in self.single:
            try:
                value = read(cells[place])
            except (BadCell, BadMoment) as error:
                self._tell(entry, name, cells, error, told)
            else:
                if value is not None and value != "":
                    setattr(entry, name, value)
        for name, places, read in self.joined:
            try:
                setattr(entry, name, read(*[cells[place] for place in places]) or getattr(entry, name))
            except BadCell as error:
                self._tell(entry, name, cells, error, told)
        if len(told.problems) == faults:
            self._judge(entry, cells, told)
        if entry.status == "skip" or len(told.problems) > faults:
            return None
        for fact, place in self.kept:
            if said := _text(cells[place]):
                entry.kept[fact] = said[:200]
        return entry

    def _tell(self, entry: Entry, name: str, cells: Sequence[Any], error: Exception, told: Told) -> None:
        to = told.notes if name in LENIENT else told.problems
        to.append(self._problem(entry.row, name, cells, str(error)))

    def _judge(self, entry: Entry, cells: Sequence[Any], told: Told) -> None:
        """What must hold between the cells of a row."""

        def fault(name: str, reason: str, to: list[Problem] = told.problems) -> None:
            to.append(self._problem(entry.row, name, cells, reason))

        if entry.filed_at is None:
            fault("filed_at", "没有受理时间")
        elif not FIRST_YEAR <= entry.filed_at.year <= LAST_YEAR:
            fault("filed_at", f"受理时间应在 {FIRST_YEAR} 年以后")
        elif entry.filed_at > self.at:
            fault("filed_at", "受理时间在将来")
        elif entry.closed_at and entry.closed_at < entry.filed_at:
            fault("closed_at", "办结时间早于受理时间")
        elif entry.closed_at and entry.closed_at > self.at:
            fault("closed_at", "办结时间在将来")
        elif entry.due_at and entry.due_at < entry.filed_at:
            fault("due_at", "应办结时间早于受理时间，照原样导入", told.notes)
        if not entry.no:
            fault("no", "没有编号")
        if not entry.text:
            fault("text", "没有内容")
        if entry.status == "closed" and entry.closed_at is None:
            fault("closed_at", "状态是已办结，却没有办结时间")
        if entry.status == "open" and entry.closed_at is not None:
            fault("status", "状态是未办结，却有办结时间")

    def _problem(self, row: int, name: str, cells: Sequence[Any], reason: str) -> Problem:
        places = self.places.get(name, ())
        title = self.header[places[0]] if places else FIELDS[name]
        cell = cells[places[0]] if places and places[0] < len(cells) else None
        return Problem(row, title, shown(cell), reason)

    def _readers(self, rules: CaseProgram) -> dict[str, Callable[..., Any]]:
        """How each field's cells are read; the map's order does not matter."""
        return {
            "no": _number,
            "filed_at": self.moments.read,
            "due_at": lambda cell: self.moments.read(cell, end=True),
            "closed_at": self.moments.read,
            "status": self._word("status", ("open", "closed", "skip")),
            "type": self._word("type", rules.types),
            "urgency": self._word("urgency", rules.urgencies),
            "secrecy": self._word("secrecy", Secrecy.values),
            "source": self._word("source", Source.values),
            "result": self._word("result", rules.results),
            "on_time": self._flag,
            "flag": _text,
            "category": lambda *cells: tuple(said[:60] for cell in cells if (said := _text(cell))),
            "unit": lambda cell: self.map.words.get("unit", {}).get(said := _text(cell), said)[:80],
            "text": lambda *cells: _words("\n".join(said for cell in cells if (said := _prose(cell)))),
            "reply": lambda cell: _words(_prose(cell)),
            "place": lambda *cells: "".join(_text(cell) for cell in cells),
            "grid": _text,
            "lng": _decimal(-180, 180),
            "lat": _decimal(-90, 90),
            "name": lambda cell: tidy(_text(cell))[:40],
            "phone": _phone,
        }

    def _word(self, name: str, allowed: Sequence[str] | Mapping[str, Any]) -> Callable[[Any], str]:
        """One of several words: as the map translates the cell, or as it stands."""
        exact, begins = self.map.words.get(name, {}), tuple(self.map.begins.get(name, {}).items())
        meanings = (
            {word: word for word in allowed} | {title_key(said): meaning for said, meaning in exact.items()} | exact
        )

        def read(cell: Any) -> str:
            said = _text(cell)
            if not said:
                return ""
            meaning = meanings.get(said) or next((then for start, then in begins if said.startswith(start)), None)
            if meaning is None:
                meaning = meanings.get(title_key(said))
            if meaning is None:
                raise BadCell(f"对照表没有说明“{said[:40]}”是什么")
            return meaning

        return read

    def _flag(self, cell: Any) -> bool | None:
        meaning = self.map.words.get("flag", {}).get(_text(cell))
        return None if meaning is None else meaning == "on_time"

    def _defaults(self, rules: CaseProgram) -> dict[str, str]:
        """The map's constants. Raises BadSheet for a word the program does not know."""
        allowed = {"type": rules.types, "urgency": rules.urgencies, "result": rules.results}
        allowed |= {"source": dict.fromkeys(Source.values), "secrecy": dict.fromkeys(Secrecy.values)}
        for name, word in self.map.constants.items():
            self._require_known(name, word, allowed.get(name))
        for table in (self.map.words, self.map.begins):
            for name, meanings in table.items():
                for word in meanings.values():
                    self._require_known(name, word, allowed.get(name))
        return dict(self.map.constants)

    def _require_known(self, name: str, word: str, allowed: Mapping[str, Any] | None) -> None:
        if allowed is not None and word not in allowed:
            raise BadSheet(f"对照表里{FIELDS[name]}写的是“{word}”，事项里有：{'、'.join(allowed)}。")


def _places(given: CaseMap, header: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Where each field's columns stand. Raises BadSheet with the titles that are missing and those that are there."""
    found = {name: _found(header, *parts) for name, parts in given.columns.items()}
    missing = [" 或 ".join(given.columns[name][0]) for name in ("no", "filed_at") if not found[name]]
    missing += [
        "、".join(" 或 ".join(part) for part in given.columns[name])
        for name in ("text", "type", "due_at", "closed_at", "status")
        if name in given.columns and not found[name] and name not in given.constants
    ]
    if missing:
        there = "、".join(title for title in header if title)[:300]
        raise BadSheet(f"缺少列：{'、'.join(missing)}。表里有：{there}。")
    places = {name: where for name, where in found.items() if where}
    return places | ({"on_time": places["flag"]} if "flag" in places else {})


def _found(header: Sequence[str], *parts: Sequence[str]) -> tuple[int, ...]:
    """The column of each part: the first of its titles that is there."""
    at = {title_key(title): index for index, title in reversed(list(enumerate(header))) if title}
    places = (next((at[title_key(title)] for title in part if title_key(title) in at), None) for part in parts)
    return tuple(place for place in places if place is not None)


# Cells


def _text(cell: Any) -> str:
    """A cell as one line of text: 101000295613 for 101000295613.0, 00123 for ="00123"."""
    if isinstance(cell, str):
        said = bare(cell.strip())
        return _computed(said) if said[:1] in ("=", "#") else said
    if cell is None:
        return ""
    if isinstance(cell, Formula):
        raise BadCell("这一格是公式，没有算出的值；请把它变成数值后再导入")
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _computed(said: str) -> str:
    if said.startswith('="') and said.endswith('"') and len(said) > 2:
        return said[2:-1]
    if said.startswith("=") and len(said) > 1:
        raise BadCell("这一格是公式，没有算出的值；请把它变成数值后再导入")
    if said.startswith(("#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?")):
        raise BadCell("这一格的公式出错")
    return said


def _prose(cell: Any) -> str:
    """Free words may begin with any sign."""
    return bare(cell.strip()) if isinstance(cell, str) else _text(cell)


def _words(said: str) -> str:
    said = tidy(said).strip()
    if len(said) > LONGEST_TEXT:
        raise BadCell(f"内容太长（{len(said)}字），最多 {LONGEST_TEXT} 字")
    return said


def _number(cell: Any) -> str:
    if isinstance(cell, float) and (not cell.is_integer() or abs(cell) >= 1e15):
        raise BadCell("编号变成了小数或丢了末位，请把这一列设为文本格式")
    said = tidy(_text(cell))
    if len(said) > LONGEST_NUMBER:
        raise BadCell(f"编号太长，最多 {LONGEST_NUMBER} 个字符")
    return said


def _decimal(least: float, most: float) -> Callable[[Any], float | None]:
    def read(cell: Any) -> float | None:
        said = _text(cell)
        if not said:
            return None
        try:
            number = float(said)
        except ValueError:
            raise BadCell("应为数字，已略去") from None
        if not least <= number <= most:
            raise BadCell(f"应在 {least:g} 到 {most:g} 之间，已略去")
        return number

    return read


def _phone(cell: Any) -> str:
    said = _text(cell)
    try:
        return normal_phone(said) if said else ""
    except BadPhone as error:
        raise BadCell(f"{error}；已略去") from None
