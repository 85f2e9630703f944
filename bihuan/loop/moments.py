"""Times as sheets write them: as a date, as Excel's day number, or as text in one of several forms."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

USUAL = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y.%m.%d %H:%M:%S",
    "%Y.%m.%d %H:%M",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
    "%Y年%m月%d日 %H时%M分",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y年%m月%d日",
    "%Y%m%d",
    "%Y%m%d%H%M%S",
)
_ISO = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
_EXCEL_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
_DIRECTIVES = {
    "Y": ("year", r"(\d{4})"),
    "m": ("month", r"(\d{1,2})"),
    "d": ("day", r"(\d{1,2})"),
    "H": ("hour", r"(\d{1,2})"),
    "M": ("minute", r"(\d{1,2})"),
    "S": ("second", r"(\d{1,2})"),
}


class BadMoment(ValueError):
    """A cell that is no time; the message says what was expected."""


class Moments:
    """Reads the times of one sheet. `zone` is the clock of times without an offset.

    A day without a time begins at 00:00 - or, asked as an end, lasts until 24:00.
    """

    def __init__(self, zone: ZoneInfo, formats: Sequence[str] = ()) -> None:
        self.zone = zone
        self.formats = tuple(formats) or USUAL
        self._readers = [_reader(pattern) for pattern in self.formats]

    def read(self, cell: Any, *, end: bool = False) -> datetime | None:
        """The instant in UTC, or None for an empty cell. Raises BadMoment."""
        local = self._text(cell) if isinstance(cell, str) else self._other(cell)
        if local is None:
            return None
        if isinstance(local, datetime):
            return (local if local.tzinfo else local.replace(tzinfo=self.zone)).astimezone(UTC)
        return datetime.combine(local + timedelta(days=end), time(), self.zone).astimezone(UTC)

    def _text(self, cell: str) -> datetime | date | None:
        said = cell.strip()
        if not said:
            return None
        try:
            if _ISO.fullmatch(said):
                return datetime.fromisoformat(said)
            for reader in self._readers:
                if (found := reader(said)) is not None:
                    return found
        except (ValueError, OverflowError):
            raise BadMoment("没有这个时间") from None
        raise BadMoment(f"时间看不懂，应写成 {self._example()} 的样子")

    def _other(self, cell: Any) -> datetime | date | None:
        if cell is None:
            return None
        if isinstance(cell, date):  # datetimes are dates, too
            return cell
        if isinstance(cell, int | float) and not isinstance(cell, bool) and 20_000 <= cell <= 80_000:  # 1954 to 2119
            moment = _EXCEL_EPOCH + timedelta(seconds=round(cell * 86_400))
            return moment.replace(tzinfo=None) if cell % 1 else moment.date()
        raise BadMoment(f"这一格不是时间，应写成 {self._example()} 的样子")

    def _example(self) -> str:
        return datetime(2026, 3, 1, 14, 5, tzinfo=UTC).strftime(self.formats[0])


def _reader(pattern: str) -> Callable[[str], datetime | date | None]:
    """A quick reader of one form; forms with names of months, halves of the day or offsets are left to strptime."""
    expression, fields = "", []
    for literal, directive in re.findall(r"([^%]*)(%.|$)", pattern):
        expression += r"\s*".join(map(re.escape, literal.split(" ")))
        if directive and directive[1] not in _DIRECTIVES:
            return lambda said: _slowly(said, pattern)
        if directive:
            field, digits = _DIRECTIVES[directive[1]]
            fields.append(field)
            expression += digits
    return _numeric(re.compile(expression), fields)


def _numeric(expression: re.Pattern[str], fields: list[str]) -> Callable[[str], datetime | date | None]:
    kind = datetime if "hour" in fields else date

    def read(said: str) -> datetime | date | None:
        found = expression.fullmatch(said)
        return kind(**dict(zip(fields, map(int, found.groups()), strict=True))) if found else None

    return read


def _slowly(said: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(said, pattern)  # noqa: DTZ007 - the sheet's zone is added by the caller
    except ValueError:
        return None
