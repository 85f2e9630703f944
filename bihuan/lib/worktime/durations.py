"""A limit of time as programs write it: a whole number and one of four units."""

import re
from dataclasses import dataclass
from typing import Literal, Self

Unit = Literal["uh", "wh", "wd", "d"]

# How each unit is written in a program, and said to people.
WRITTEN: dict[Unit, str] = {"uh": "h", "wh": "wh", "wd": "wd", "d": "d"}
CHINESE: dict[Unit, str] = {"uh": "小时", "wh": "个工作小时", "wd": "个工作日", "d": "个自然日"}
ENGLISH: dict[Unit, str] = {"uh": "hour", "wh": "working hour", "wd": "working day", "d": "calendar day"}

_UNIT_OF: dict[str, Unit] = {"h": "uh", "uh": "uh", "wh": "wh", "wd": "wd", "d": "d"}
_SHAPE = re.compile(r"([0-9]{1,4})(uh|wh|wd|h|d)")


class BadDuration(ValueError):
    """The text is not a limit; the message says what one looks like."""


@dataclass(frozen=True, slots=True)
class Duration:
    """`n` units of time, n from 1 to 9999.

    uh: urgent hours 紧急小时, running day and night, written "24h".   wh: working hours, minutes inside windows.
    wd: working days, the day of the act not counted.                  d: calendar days, likewise.
    """

    n: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.unit not in WRITTEN:
            raise BadDuration(
                f"时限单位“{self.unit}”不认识，只能用 h（小时）、wh（工作小时）、wd（工作日）、d（自然日）"
            )
        if not 1 <= self.n <= 9999:
            raise BadDuration(f"时限“{self.n}{WRITTEN[self.unit]}”不对，数量应在 1 到 9999 之间")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "24h", "2wh", "5wd" or "30d"."""
        found = _SHAPE.fullmatch(text.strip()) if isinstance(text, str) else None
        if found is None:
            raise BadDuration(f"时限“{text}”看不懂，应写成 24h、2wh、5wd 或 30d 的样子")
        return cls(int(found[1]), _UNIT_OF[found[2]])

    def __str__(self) -> str:
        return f"{self.n}{WRITTEN[self.unit]}"

    def chinese(self) -> str:
        return f"{self.n}{CHINESE[self.unit]}"

    def english(self) -> str:
        return f"{self.n} {ENGLISH[self.unit]}{'' if self.n == 1 else 's'}"
