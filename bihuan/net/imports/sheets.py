"""Sheets as people hand them in: CSV in any usual encoding (also gzipped) or XLSX, XLS, ODS; one list of rows.

What is done quietly: byte order marks, full-width digits, spaces around words, merged cells (each cell of the range
gets the value), a title above the header, empty rows. What is told: formulas without a value, numbers that lost digits.
"""

import csv
import gzip
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Self
from xml.etree import ElementTree

from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook

BOOKS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
LARGEST = 200 * 1024 * 1024  # bytes after unpacking
HEADER_WITHIN = 15  # rows from the top in which the header may stand


class BadSheet(Exception):
    """The file as a whole cannot be used; the message says why and what would do."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell with a formula and no stored value."""

    text: str


@dataclass
class Sheet:
    """Rows below a header, with the row numbers a person sees in the file. Cells are text, numbers or dates."""

    name: str
    header: list[str]
    header_row: int
    rows: list[tuple[int, list[Any]]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def read(cls, content: bytes, name: str, known: Sequence[str] = ()) -> Self:
        """The first sheet of a file that has a row with known column titles.

        known: titles that tell the header from a heading above it; without any the first row with cells is the header.
        Raises BadSheet: neither a table nor text, an unknown encoding, no rows.
        """
        content, name = _unpacked(content, name)
        if PurePath(name).suffix.lower() in BOOKS or content[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
            grids = _book(content)
        else:
            grids = [_text(content)]
        wanted = {title_key(title) for title in known}
        grid, place = max(((grid, *_header(grid, wanted)) for grid in grids), key=lambda found: found[2])[:2]
        if place is None:
            raise BadSheet(_("“%(name)s”里没有数据。") % {"name": name})
        header = [_title(cell) for cell in grid[place]]
        rows = [(number, row) for number, row in enumerate(grid[place + 1 :], place + 2) if any(map(_filled, row))]
        if not rows:
            raise BadSheet(_("“%(name)s”只有表头，没有数据。") % {"name": name})
        return cls(name, header, place + 1, rows)


def title_key(title: str) -> str:
    """A column title without case, spaces, brackets' content and stops, to be compared."""
    plain = re.sub(r"[(（\[].*?[)）\]]", "", unicodedata.normalize("NFKC", title))
    return re.sub(r"[\s_:：*\-/、]+", "", plain).casefold()


def _title(cell: Any) -> str:
    return "" if cell is None or isinstance(cell, Formula) else str(cell).strip()


def _filled(cell: Any) -> bool:
    return cell is not None and cell != ""


def _header(grid: list[list[Any]], wanted: set[str]) -> tuple[int | None, int]:
    """(index of the header row, how many known titles it has)."""
    best: tuple[int | None, int] = (None, -1)
    for index, row in enumerate(grid[:HEADER_WITHIN]):
        titles = {title_key(_title(cell)) for cell in row if _filled(cell)}
        if titles and len(titles & wanted) > best[1]:
            best = (index, len(titles & wanted))
    return best


# Packed and text files


def _unpacked(content: bytes, name: str) -> tuple[bytes, str]:
    if content[:2] != b"\x1f\x8b":
        return content, name
    try:
        with gzip.open(io.BytesIO(content)) as packed:
            plain = packed.read(LARGEST + 1)
    except (OSError, EOFError) as error:
        raise BadSheet(_("压缩文件“%(name)s”不完整，解不开。") % {"name": name}) from error
    if len(plain) > LARGEST:
        raise BadSheet(_("“%(name)s”解开后超过 %(size)d MB，请分成几份。") % {"name": name, "size": LARGEST >> 20})
    return plain, name.removesuffix(".gz")


def decoded(content: bytes) -> str:
    """Text in UTF-8 (with or without mark), UTF-16 with its mark, or GB18030. Raises BadSheet."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _strictly(content, "utf-16")
    try:
        return _strictly(content, "utf-8-sig")
    except BadSheet:
        return _strictly(content, "gb18030")


def _strictly(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadSheet(_("文件的编码认不出来，请另存为 UTF-8 的 CSV 或 XLSX。")) from error
    if "\0" in text[:4096]:
        raise BadSheet(_("这不是表格文件，请用 CSV 或 XLSX。"))
    return text


def _text(content: bytes) -> list[list[Any]]:
    text = decoded(content)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        return [[_from_text(cell) for cell in row] for row in lines]
    except csv.Error as error:
        raise BadSheet(_("CSV 文件读不下去：%(why)s。") % {"why": error}) from error


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max((",", "\t", ";", "，"), key=first.count)


def _from_text(cell: str) -> Any:
    cell = cell.strip()
    return Formula(cell) if cell.startswith("=") and len(cell) > 1 else cell


# Workbooks


def _book(content: bytes) -> list[list[list[Any]]]:
    """The visible sheets with cells, the one with most rows first when titles do not decide."""
    _require_sane(content)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = [book.get_sheet_by_index(i) for i in range(len(book.sheet_names))]
        grids = [_grid(sheet, _valueless(content, i)) for i, sheet in enumerate(sheets)]
    except (CalamineError, OSError, ValueError) as error:
        raise BadSheet(_("工作簿读不出来：可能已损坏、加了密码，或不是表格文件。")) from error
    return sorted((grid for grid in grids if grid), key=len, reverse=True) or [[]]


def _require_sane(content: bytes) -> None:
    """A few kilobytes of XLSX can unpack to gigabytes; its list of contents tells before anything is unpacked."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(part.file_size for part in packed.infolist()) > LARGEST:
            raise BadSheet(_("工作簿解开后超过 %(size)d MB，请分成几份。") % {"size": LARGEST >> 20})


def _grid(sheet: Any, formulas: dict[tuple[int, int], str]) -> list[list[Any]]:
    rows = [list(row) for row in sheet.to_python(skip_empty_area=False)]
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        _spread(rows, top, left, bottom, right)
    for (row, column), formula in formulas.items():
        if row < len(rows) and column < len(rows[row]) and not _filled(rows[row][column]):
            rows[row][column] = Formula(formula)
    return rows


def _spread(rows: list[list[Any]], top: int, left: int, bottom: int, right: int) -> None:
    """Every cell of a merged range gets its value, as the eye reads it; a heading over many columns stays one cell."""
    if top == bottom and right - left > 1:
        return
    value = rows[top][left] if top < len(rows) and left < len(rows[top]) else None
    for row in rows[top : bottom + 1]:
        for column in range(left, min(right + 1, len(row))):
            row[column] = value


_CELL = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REFERENCE = re.compile(r"([A-Z]+)([0-9]+)")


def _valueless(content: bytes, index: int) -> dict[tuple[int, int], str]:
    """Cells of an XLSX sheet whose formula was never computed: programs write such files, and they read as empty."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return {}
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        name = f"xl/worksheets/sheet{index + 1}.xml"
        if name not in packed.namelist() or packed.getinfo(name).file_size > LARGEST:
            return {}
        # Most sheets have no formula at all; looking for the tag is far cheaper than parsing.
        xml = packed.read(name)
        return dict(_formulas(xml)) if b"<f" in xml else {}


def _formulas(xml: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    for _event, cell in ElementTree.iterparse(io.BytesIO(xml)):
        if cell.tag != f"{_CELL}c":
            continue
        formula, value = cell.find(f"{_CELL}f"), cell.find(f"{_CELL}v")
        place = _REFERENCE.fullmatch(cell.get("r", ""))
        if formula is not None and place and (value is None or not value.text):
            yield (int(place[2]) - 1, _column(place[1])), f"={formula.text or ''}"
        cell.clear()


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
