"""What may become different later: keys open to lower levels [open], and where those under way go [migrate.N]."""

from collections.abc import Mapping
from typing import Any

from bihuan.lib.worktime import BadDuration, Duration
from bihuan.programs.reading import KEY, Table

TIMES, NUMBERS = ("shorter", "longer"), ("fewer", "more")
WORDS = ("title", "about", "text", "public", "else")  # the last key of what may be worded otherwise
DIRECTIONS = (*TIMES, *NUMBERS, "wording")


def opened(top: Table) -> dict[str, str]:
    """[open]: paths of values ("gate.admit.review.town.limit") with the only direction a lower level may move them.

    shorter, longer: durations.   fewer, more: whole numbers.   wording: titles and texts, which have no direction.
    """
    table = top.table("open")
    directions = {path: table.one_of(path, DIRECTIONS) for path in table.data}
    for path, direction in directions.items():
        if direction and not _suits(path, _value_at(top.data, path), direction):
            wanted = "时限" if direction in TIMES else "整数" if direction in NUMBERS else "名称或说法"
            table.wrong(path, direction, f"文件里已有的一个{wanted}的位置，如 clock.review.limit")
    return {path: direction for path, direction in directions.items() if direction}


def _value_at(data: Mapping[str, Any], path: str) -> Any:
    value: Any = data
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _suits(path: str, value: Any, direction: str) -> bool:
    if direction in NUMBERS:
        return type(value) is int
    if direction == "wording":
        return isinstance(value, str) and path.split(".")[-1] in WORDS
    try:
        return isinstance(value, str) and bool(Duration.parse(value))
    except BadDuration:
        return False


def migrations(top: Table, place: str) -> dict[int, dict[str, str]]:
    """[migrate.N]: whoever is under version N and in a place that is gone is moved: `stage.old = "new"`.

    place: "state" or "stage".   Returns {N: {old: new}}.
    """
    table = top.table("migrate")
    found: dict[int, dict[str, str]] = {}
    for n in table.data:
        if not (n.isdigit() and int(n)):
            table.wrong(n, n, "版本号，如 [migrate.2]")
            continue
        version = table.table(n)
        found[int(n)] = _mapped(version.table(place))
        version.close()
    table.close()
    return found


def _mapped(table: Table) -> dict[str, str]:
    mapped: dict[str, str] = {}
    for old in table.data:
        if not KEY.fullmatch(old):
            table.wrong(old, old, "原来的键")
        mapped[old] = table.word(old, required=True) or ""
    return mapped
