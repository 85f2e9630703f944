"""Reading a document: each value is taken by its key and type, and everything wrong is gathered with its place.

A reader goes on after an error, so that an author sees all of them at once.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bihuan.lib.worktime import BadDuration, Duration

KEY = re.compile(r"[a-z][a-z0-9_]*")
POST = re.compile(r"[a-z][a-z0-9_]*(@[a-z]+)?")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a document: where, what stands there, what may stand there."""

    file: str
    key: str
    found: str
    allowed: str

    def __str__(self) -> str:
        place = f"{self.file} 的 {self.key}" if self.key else self.file
        return f"{place}：写的是{self.found}，应为{self.allowed}"


class BadDocument(ValueError):
    """The document cannot be read. The message is all problems, a line each."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


_NAMES = {str: "文字", int: "整数", float: "小数", bool: "是否", list: "数组", dict: "表"}


def spell(value: object) -> str:
    """A found value as an author recognises it."""
    if value is None:
        return "空（没有写）"
    if isinstance(value, str):
        return f"“{value}”" if len(value) <= 40 else f"“{value[:40]}……”"
    if isinstance(value, dict):
        return "一张表"
    return f"{_NAMES.get(type(value), '值')} {value}"


@dataclass
class Table:
    """One table of a document, read key by key; `close` reports the keys nobody asked for."""

    data: Mapping[str, Any]
    file: str
    problems: list[Problem]
    path: str = ""
    known: set[str] = field(default_factory=set)

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def wrong(self, key: str, found: object, allowed: str) -> None:
        self.problems.append(Problem(self.file, self.at(key), spell(found), allowed))

    def take(self, key: str, wanted: str, accepts: Callable[[Any], bool], empty: T, required: bool = False) -> Any | T:
        """The value under a key, or `empty` when it is missing or wrong."""
        self.known.add(key)
        if key not in self.data:
            if required:
                self.wrong(key, None, wanted)
            return empty
        value = self.data[key]
        if not accepts(value):
            self.wrong(key, value, wanted)
            return empty
        return value

    def text(self, key: str, *, required: bool = False) -> str:
        return self.take(key, "一段文字", lambda v: isinstance(v, str) and bool(v.strip()), "", required)

    def flag(self, key: str) -> bool:
        return self.take(key, "true 或 false", lambda v: isinstance(v, bool), False)

    def count(self, key: str, *, required: bool = False) -> int | None:
        return self.take(key, "1 以上的整数", lambda v: type(v) is int and v > 0, None, required)

    def word(self, key: str, *, required: bool = False) -> str | None:
        """A key of something else in the document."""
        return self.take(key, "一个键（小写字母、数字、下划线）", _is_key, None, required)

    def words(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """Keys of other things, in order, none twice."""
        return tuple(self.take(key, '键的列表，不重复，如 ["filed", "accepted"]', _are_keys, (), required))

    def post(self, key: str, *, required: bool = False) -> str | None:
        """Who acts: a post, where it matters with its level."""
        return self.take(key, "一个岗位，如 subject、secretary@village", _is_post, None, required)

    def posts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        return tuple(self.take(key, '岗位的列表，不重复，如 ["secretary@village"]', _are_posts, (), required))

    def number(self, key: str) -> int | float | None:
        return self.take(key, "不小于 0 的数", lambda v: type(v) in (int, float) and v >= 0, None)

    def duration(self, key: str, *, required: bool = False) -> Duration | None:
        written = self.take(key, "时限，如 24h、2wh、5wd、30d", lambda v: isinstance(v, str), None, required)
        try:
            return Duration.parse(written) if written else None
        except BadDuration:
            self.wrong(key, written, "时限，如 24h、2wh、5wd、30d")
            return None

    def some_of(self, key: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """Several words of a closed list, in order, none twice."""
        wanted = f"列表，只能用：{'、'.join(allowed)}"
        return tuple(self.take(key, wanted, lambda v: _are_keys(v) and {*v} <= {*allowed}, ()))

    def one_of(self, key: str, allowed: tuple[str, ...], *, required: bool = False) -> str | None:
        return self.take(key, "、".join(allowed) + " 之一", lambda v: v in allowed, None, required)

    def table(self, key: str) -> "Table":
        """The table under a key; an empty one when it is missing."""
        inner: dict[str, Any] = self.take(key, "一张表", lambda v: isinstance(v, dict), {})
        return Table(inner, self.file, self.problems, self.at(key))

    def tables(self, key: str, *, width: int = 40, required: bool = False) -> Iterator[tuple[str, "Table"]]:
        """The named tables under a key: [key.name]. Arrays of tables have no names and are refused.

        width: how long a name may be; it is the width of the column that will hold it.
        """
        wanted = f"有名字的表，写成 [{self.at(key)}.名字]"
        group: dict[str, Any] = self.take(key, wanted, lambda v: isinstance(v, dict), {}, required)
        inner = Table(group, self.file, self.problems, self.at(key))
        for name in group:
            if not KEY.fullmatch(name) or len(name) > width:
                inner.wrong(name, name, f"{width} 个字符以内的小写字母、数字、下划线，以字母开头")
            yield name, inner.table(name)

    def close(self) -> None:
        for key in self.data:
            if key not in self.known:
                allowed = "、".join(sorted(self.known)) or "没有别的键"
                self.problems.append(Problem(self.file, self.at(key), "不认识的键", f"下列键之一：{allowed}"))


def _is_key(value: object) -> bool:
    return isinstance(value, str) and bool(KEY.fullmatch(value))


def _are_keys(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_key, value)) and len(set(value)) == len(value)


def _is_post(value: object) -> bool:
    return isinstance(value, str) and bool(POST.fullmatch(value))


def _are_posts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_post, value)) and len(set(value)) == len(value)
