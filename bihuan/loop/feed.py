"""A sheet row by row: text files of any length without holding them in memory, workbooks as the library gives them."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path, PurePath
from typing import IO, Any

from bihuan.net.imports.columns import Problem
from bihuan.net.imports.sheets import BOOKS, HEADER_WITHIN, BadSheet, Sheet, title_key

LARGEST_CELL = 10_000_000  # characters
_PACKED, _BOOK = b"\x1f\x8b", (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


@dataclass
class Feed:
    """A header and the rows below it, each with the number a person sees. `problems` grows while rows are read."""

    header: list[str]
    rows: Iterator[tuple[int, Sequence[Any]]]
    problems: list[Problem]


def feed(source: Path | IO[bytes], name: str, known: Sequence[str]) -> Feed:
    """Open a sheet. `known`: column titles, to tell the header from headings above it. Raises BadSheet."""
    content = source.open("rb") if isinstance(source, Path) else source
    content.seek(0)
    if content.read(2) == _PACKED:
        content.seek(0)
        content, name = gzip.open(content), name.removesuffix(".gz")  # noqa: SIM115 - open while rows are read
    content.seek(0)
    try:
        if content.read(4) in _BOOK or PurePath(name).suffix.lower() in BOOKS:
            content.seek(0)
            return _book(content.read(), name, known)
        return _text(content, name, known)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadSheet(f"压缩文件“{name}”不完整，解不开。") from error


def _book(content: bytes, name: str, known: Sequence[str]) -> Feed:
    sheet = Sheet.read(content, name, known=known)
    return Feed(sheet.header, iter(sheet.rows), [])


def _text(content: IO[bytes], name: str, known: Sequence[str]) -> Feed:
    encoding, clean = _encoding(content)
    content.seek(0)
    lines = io.TextIOWrapper(content, encoding, "strict" if clean else "surrogateescape", newline="")
    problems: list[Problem] = []
    csv.field_size_limit(LARGEST_CELL)
    rows = _numbered(csv.reader(lines, delimiter=_delimiter(lines)), problems)
    rows = rows if clean else _legible(rows, problems)
    top = list(islice(rows, HEADER_WITHIN))
    place = _header(top, known, name)
    return Feed([title.strip() for title in top[place][1]], chain(top[place + 1 :], rows), problems)


def _encoding(content: IO[bytes]) -> tuple[str, bool]:
    """The encoding all of a file is in, or the likelier of two with `False`: some rows are spoilt. Reads it once."""
    content.seek(0)
    start = content.read(4096)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", True
    if b"\0" in start:
        raise BadSheet("这不是表格文件，请用 CSV 或 XLSX。")
    for encoding in ("utf-8-sig", "gb18030"):
        if _decodes(content, encoding):
            return encoding, True
    as_utf8 = start.decode("utf-8", "replace").count("�")
    return ("utf-8-sig" if as_utf8 * 20 < len(start) else "gb18030"), False


def _decodes(content: IO[bytes], encoding: str) -> bool:
    content.seek(0)
    text = io.TextIOWrapper(content, encoding, newline="")
    try:
        while text.read(1 << 20):
            pass
    except UnicodeDecodeError:
        return False
    finally:
        text.detach()
    return True


def _delimiter(lines: io.TextIOWrapper) -> str:
    first = lines.readline()
    lines.seek(0)
    return max((",", "\t", ";", "，"), key=first.count)


def _numbered(reader: Iterator[list[str]], problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold something, by number. What the reader cannot take apart is told, and the next row read."""
    number = 0
    while True:
        number += 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.append(Problem(number, "", "", f"这一行读不出来（{error}）"))
            continue
        if any(row):
            yield number, row


def _legible(rows: Iterator[tuple[int, list[str]]], problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    for number, row in rows:
        spoilt = next((cell for cell in row if any("\udc80" <= mark <= "\udcff" for mark in cell)), None)
        if spoilt is None:
            yield number, row
        else:
            shown = spoilt.encode("utf-8", "replace").decode()[:60]
            problems.append(Problem(number, "", shown, "有无法识别的字符，请把文件另存为 UTF-8 后再导入"))


def _header(top: list[tuple[int, list[str]]], known: Sequence[str], name: str) -> int:
    """The place of the header among the first rows: the one with most known titles."""
    if not top:
        raise BadSheet(f"“{name}”里没有数据。")
    wanted = {title_key(title) for title in known}
    return max(range(len(top)), key=lambda place: len({title_key(cell) for cell in top[place][1]} & wanted))
