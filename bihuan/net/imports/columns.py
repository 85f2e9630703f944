"""Columns of a sheet by meaning: which titles name them, what they hold, and what is wrong with a cell."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from bihuan.lib.codes import BadPhone, normal_phone
from bihuan.net.imports.sheets import BadSheet, Formula, Sheet, title_key


class BadCell(ValueError):
    """What is wrong with one cell, in words for the error sheet."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of the error sheet. row 0: about the file as a whole."""

    row: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True)
class Column:
    """One column an importer understands. titles: the first is the one people are told."""

    key: str
    titles: tuple[str, ...]
    read: Callable[[Any], Any]
    required: bool = False

    @property
    def title(self) -> str:
        return self.titles[0]


@dataclass
class Row:
    """The good cells of a row by key; missing ones are None."""

    number: int
    values: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.values.get(key)


@dataclass
class Reading:
    """A sheet read by columns: the rows that can be used, and what is wrong with the others."""

    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_rows(sheet: Sheet, columns: Sequence[Column]) -> Reading:
    """Read a sheet by its columns. A row with a bad cell is left out whole, and each of its bad cells is told.

    Raises BadSheet when a required column is missing, naming it and the titles that are there.
    """
    placed = _placed(sheet, columns)
    reading = Reading()
    for number, cells in sheet.rows:
        values, problems = _read_cells(number, cells, placed)
        if problems:
            reading.problems.extend(problems)
        elif any(value is not None for value in values.values()):
            reading.rows.append(Row(number, values))
    return reading


def _placed(sheet: Sheet, columns: Sequence[Column]) -> list[tuple[Column, int]]:
    at = {title_key(title): index for index, title in reversed(list(enumerate(sheet.header))) if title}
    placed = []
    for column in columns:
        index = next((at[title_key(title)] for title in column.titles if title_key(title) in at), None)
        if index is not None:
            placed.append((column, index))
    missing = [column.title for column in columns if column.required and column not in dict(placed)]
    if missing:
        there = "、".join(title for title in sheet.header if title)[:300]
        raise BadSheet(_("缺少列：%(missing)s。表里有：%(there)s。") % {"missing": "、".join(missing), "there": there})
    return placed


def _read_cells(
    number: int, cells: list[Any], placed: list[tuple[Column, int]]
) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    problems = []
    for column, index in placed:
        cell = cells[index] if index < len(cells) else None
        try:
            values[column.key] = _read_cell(cell, column)
        except BadCell as error:
            problems.append(Problem(number, column.title, shown(cell), str(error)))
    return values, problems


def _read_cell(cell: Any, column: Column) -> Any:
    if isinstance(cell, Formula):
        raise BadCell(_("这一格是公式，没有算出的值；请把它变成数值后再导入"))
    if isinstance(cell, str) and cell.startswith(("#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?")):
        raise BadCell(_("这一格的公式出错"))
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        if column.required:
            raise BadCell(_("不能为空"))
        return None
    return column.read(cell)


def shown(cell: Any) -> str:
    """A cell as it appears in the error sheet."""
    if isinstance(cell, Formula):
        return cell.text[:120]
    return "" if cell is None else str(cell)[:120]


# Readers: from a filled cell to a value; BadCell says what is wrong.


def text(longest: int) -> Callable[[Any], str]:
    def read(cell: Any) -> str:
        said = plain(cell)
        if len(said) > longest:
            raise BadCell(_("太长，最多 %(longest)d 个字") % {"longest": longest})
        if any(unicodedata.category(letter) == "Cc" and letter not in "\n\t" for letter in said):
            raise BadCell(_("含有看不见的控制字符"))
        return said

    return read


def plain(cell: Any) -> str:
    """A cell as text: 210381 for 210381.0, full width made narrow in digits and letters."""
    if isinstance(cell, bool):
        return _("是") if cell else _("否")
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    return unicodedata.normalize("NFC", str(cell)).strip()


_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+")


def code(cell: Any) -> str:
    """A code of digits and letters. Excel turns long ones into 2.10381E+11; then the last digits are lost."""
    if isinstance(cell, float) and (not cell.is_integer() or abs(cell) >= 1e15):
        raise BadCell(_("代码变成了小数或丢了末位，请把这一列设为文本格式"))
    said = unicodedata.normalize("NFKC", plain(cell)).replace(" ", "").lstrip("'")
    if _SCIENTIFIC.fullmatch(said):
        raise BadCell(_("代码变成了科学计数法，末位已丢失，请把这一列设为文本格式"))
    said = said.removesuffix(".0")
    if len(said) > 32 or not re.fullmatch(r"[\w.\-]+", said):
        raise BadCell(_("代码只能用数字、字母和连字符，最多 32 位"))
    return said


def whole(least: int, most: int) -> Callable[[Any], int]:
    def read(cell: Any) -> int:
        try:
            number = float(unicodedata.normalize("NFKC", plain(cell)).replace(",", ""))
        except ValueError:
            raise BadCell(_("应为整数")) from None
        if not number.is_integer() or not least <= number <= most:
            raise BadCell(_("应为 %(least)d 到 %(most)d 之间的整数") % {"least": least, "most": most})
        return int(number)

    return read


def decimal(least: float, most: float) -> Callable[[Any], float]:
    def read(cell: Any) -> float:
        try:
            number = float(unicodedata.normalize("NFKC", plain(cell)))
        except ValueError:
            raise BadCell(_("应为数字")) from None
        if not least <= number <= most:
            raise BadCell(_("应在 %(least)g 到 %(most)g 之间") % {"least": least, "most": most})
        return number

    return read


longitude, latitude = decimal(-180, 180), decimal(-90, 90)

_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?(?:[ T].*)?")
_SOLID = re.compile(r"(\d{4})(\d{2})(\d{2})")
_EXCEL_EPOCH = date(1899, 12, 30)


def day(cell: Any) -> date:
    """A date: as a date, as text (2026-03-01, 2026/3/1, 2026年3月1日, 20260301) or as Excel's day number."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    said = unicodedata.normalize("NFKC", plain(cell))
    found = _DAY.fullmatch(said) or _SOLID.fullmatch(said)
    try:
        if found:
            return date(int(found[1]), int(found[2]), int(found[3]))
        if said.isdecimal() and 20000 <= int(said) <= 80000:  # 1954 to 2119
            return _EXCEL_EPOCH + timedelta(days=int(said))
    except ValueError:
        raise BadCell(_("没有这一天")) from None
    raise BadCell(_("日期看不懂，应写成 2026-03-01 的样子"))


def choice(words: Mapping[str, Sequence[str]]) -> Callable[[Any], str]:
    """One of several values, each known by its key and by the words people write."""
    known = {title_key(word): value for value, said in words.items() for word in (value, *said)}

    def read(cell: Any) -> str:
        value = known.get(title_key(plain(cell)))
        if value is None:
            raise BadCell(_("应为：%(words)s") % {"words": "、".join(said[0] for said in words.values())})
        return value

    return read


def phone(cell: Any) -> str:
    """A mobile, landline or service number (12345, 0412-12345, 0412-3222222, 13800138000)."""
    said = plain(cell)
    if re.fullmatch(r"(0\d{2,3}-?)?\d{3,5}", said):
        return said
    try:
        normal = normal_phone(said)
    except BadPhone as error:
        raise BadCell(str(error)) from None
    return normal


def merged_problems(*groups: Sequence[Problem]) -> list[Problem]:
    """All problems in the order of the file."""
    return sorted((problem for group in groups for problem in group), key=lambda problem: problem.row)


def told(problems: Sequence[Problem]) -> Iterator[tuple[str, str, str, str]]:
    """Lines of the error sheet."""
    for problem in problems:
        yield (str(problem.row or ""), problem.column, problem.value, problem.reason)
