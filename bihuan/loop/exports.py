"""Cases go out as a sheet: CSV or XLSX, row by row, in columns that `bihuan import cases --map bihuan` reads again.

Personal data are masked: names and phones as everywhere, phones and identity numbers inside free words too. Secret
cases (保密) stay at home unless they are asked for. Memory does not grow with the number of rows.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import xlsxwriter
from django.db import connection, transaction
from django.utils import timezone

from bihuan.lib.cells import harmless
from bihuan.loop import categories
from bihuan.loop.models import Secrecy, Source, State
from bihuan.loop.wording import titles
from bihuan.net import tree
from bihuan.net.regions import across_regions
from bihuan.net.scope import named

HEADER = (
    "工单编号",
    "原编号",
    "受理时间",
    "应办结时间",
    "办结时间",
    "状态",
    "诉求类型",
    "一级类别",
    "二级类别",
    "三级类别",
    "承办单位",
    "单位代码",
    "内容",
    "办理答复",
    "办理结果",
    "地址",
    "网格编码",
    "经度",
    "纬度",
    "来源",
    "紧急程度",
    "是否公开",
    "姓名",
    "电话",
    "是否超时",
    "满意度",
    "地区代码",
)
ROWS_OF_A_SHEET = 1_000_000  # XLSX holds 1,048,576
CHUNK = 2000

_CASES = """
SELECT c.no, c.outside_no, c.filed_at, c.promise_at, c.closed_at, c.state, c.type, c.category_id, c.unit_id,
       said.body, reply.body, c.result, said.place, c.grid_id, c.lng, c.lat, c.source, c.urgency, c.secrecy,
       contact.name_mask, contact.phone_mask, c.overdue_raw, c.rating, c.region_id
FROM loop_case AS c
LEFT JOIN dossier_text AS said ON said.region_id = c.region_id AND said.id = c.text_id
LEFT JOIN dossier_contact AS contact ON contact.region_id = c.region_id AND contact.id = c.contact_id
LEFT JOIN LATERAL (
    SELECT (data::json ->> 'text')::bigint AS text_id FROM loop_caseevent AS event
    WHERE event.region_id = c.region_id AND event.case_id = c.id AND c.replied_at IS NOT NULL
      AND (event.verb IN ('reply', 'answer') OR event.verb = 'close' AND event.actor = 'system')
      AND data LIKE '%%"text":%%'
    ORDER BY event.n DESC LIMIT 1
) AS last ON TRUE
LEFT JOIN dossier_text AS reply ON reply.region_id = c.region_id AND reply.id = last.text_id
WHERE {where}
ORDER BY c.filed_at, c.id
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases go out.

    region: code of an area, of a grid (with those below it) or of an office. since, until: when filed, `until` excluded.
    state: open, closed, or one of the states. secret: with those that are secret.
    """

    region: str = ""
    since: datetime | None = None
    until: datetime | None = None
    state: str = ""
    secret: bool = False


class BadWish(Exception):
    """A state that there is not."""


def export_cases(out: Path | TextIO, wanted: Wanted, *, at: datetime, kind: str = "csv") -> int:
    """Write the cases wanted to a file (or CSV to an open one); returns how many. A file half written is removed.

    Raises NoSuchUnit, BadWish.
    """
    rows = _rows(wanted, at)
    if not isinstance(out, Path):
        return _write_csv(out, rows)
    try:
        if kind == "xlsx":
            return _write_xlsx(out, rows)
        with out.open("w", encoding="utf-8-sig", newline="") as file:  # the mark lets Excel read it as it is
            return _write_csv(file, rows)
    except BaseException:
        out.unlink(missing_ok=True)
        raise


def _write_csv(file: TextIO, rows: Iterator[list[Any]]) -> int:
    sheet, count = csv.writer(file), 0
    sheet.writerow(HEADER)
    for row in rows:
        sheet.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])
        count += 1
    return count


def _write_xlsx(out: Path, rows: Iterator[list[Any]]) -> int:
    count = 0
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(out), options) as book:
        sheet = _sheet(book)
        for row in rows:
            line = count % ROWS_OF_A_SHEET + 1
            if count and line == 1:
                sheet = _sheet(book)
            for column, cell in enumerate(row):
                if cell not in (None, ""):
                    sheet.write(line, column, cell)
            count += 1
    return count


def _sheet(book: Any) -> Any:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(HEADER) - 1, 18)
    sheet.write_row(0, 0, HEADER, book.add_format({"bold": True}))
    return sheet


# Rows


def _rows(wanted: Wanted, at: datetime) -> Iterator[list[Any]]:
    where, values = _where(wanted)
    tell = _Telling(at)
    with _streamed(_CASES.format(where=where), values) as found:
        for row in found:
            yield tell.row(row)


@contextmanager
def _streamed(sql: str, values: dict[str, Any]) -> Iterator[Iterator[tuple[Any, ...]]]:
    with (
        across_regions("a sheet of the cases of any area"),
        transaction.atomic(),
        connection.chunked_cursor() as cursor,
    ):
        cursor.itersize = CHUNK
        cursor.execute(sql, values)
        yield iter(cursor)


def _where(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    conditions, values = ["NOT c.test"], {}
    if wanted.region:
        where = named(wanted.region, tree.snapshot())
        conditions.append(f"c.{where.column} = ANY(%(places)s::bigint[])")
        values["places"] = list(where.ids)
    for name, sign in (("since", ">="), ("until", "<")):
        if moment := getattr(wanted, name):
            conditions.append(f"c.filed_at {sign} %({name})s")
            values[name] = moment
    if wanted.state:
        conditions.append(_state(wanted.state, values))
    if not wanted.secret:
        conditions.append("c.secrecy <> %(secret)s")
        values["secret"] = Secrecy.SECRET.value
    return " AND ".join(conditions), values


def _state(state: str, values: dict[str, Any]) -> str:
    if state in ("open", "closed"):
        return f"c.closed_at IS {'NULL' if state == 'open' else 'NOT NULL'}"
    if state not in State.values:
        raise BadWish(f"没有“{state}”这个状态，可用：open、closed、{'、'.join(State.values)}。")
    values["state"] = state
    return "c.state = %(state)s"


class _Telling:
    """Rows of the database as people read them."""

    def __init__(self, at: datetime) -> None:
        self.net, self.zone = tree.snapshot(), timezone.get_default_timezone()
        self.types, self.urgencies, self.results = (titles(part, at) for part in ("type", "urgency", "result"))
        self.states, self.sources, self.secrecies = (
            {value: str(label) for value, label in words.choices} for words in (State, Source, Secrecy)
        )
        self._paths: dict[int | None, tuple[str, ...]] = {None: ("", "", "")}

    def row(self, found: Sequence[Any]) -> list[Any]:
        """One line of the sheet, as HEADER has it."""
        no, outside, filed, promise, closed, state, type_, category, unit, said, reply, result, place, grid = found[:14]
        lng, lat, source, urgency, secrecy, name, phone, late, rating, region = found[14:]
        handler = self.net.get(unit)
        return [
            no,
            outside,
            self._moment(filed),
            self._moment(promise),
            self._moment(closed),
            self.states[state],
            self.types.get(type_, type_),
            *self._path(category),
            handler.name if handler else "",
            handler.code if handler else "",
            masked(said or ""),
            masked(reply or ""),
            self.results.get(result, result),
            masked(place or ""),
            self._code(grid),
            lng,
            lat,
            self.sources[source],
            self.urgencies.get(urgency, urgency),
            self.secrecies[secrecy],
            name or "",
            phone or "",
            {True: "是", False: "否", None: ""}[late],
            rating,
            self._code(region),
        ]

    def _moment(self, at: datetime | None) -> str:
        """To the microsecond where there are any: a second decides whether a case was late."""
        return at.astimezone(self.zone).replace(tzinfo=None).isoformat(" ") if at else ""

    def _code(self, unit: int | None) -> str:
        found = self.net.get(unit)
        return found.code if found else ""

    def _path(self, category: int | None) -> tuple[str, ...]:
        """The titles from the top down, three of them; of a longer line the lowest three."""
        if category not in self._paths:
            names = [step.title for step in categories.lineage(category)][:3]
            self._paths[category] = (*reversed(names), *[""] * (3 - len(names)))
        return self._paths[category]


# A mobile, and a resident identity number; landlines of offices are no secret.
_PRIVATE = re.compile(r"(?<!\d)(?:(1[3-9]\d)\d{4}(\d{4})|(\d{6})\d{8}(\d{3}[\dXx]))(?!\d)")


def masked(words: str) -> str:
    """Free words with the middle of mobile and identity numbers starred out."""
    return _PRIVATE.sub(_stars, words) if _PRIVATE.search(words) else words


def _stars(found: re.Match[str]) -> str:
    return f"{found[1]}****{found[2]}" if found[1] else f"{found[3]}********{found[4]}"
