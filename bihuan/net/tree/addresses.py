"""From an address in people's words to a unit: the longest names found in it, checked against one another."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Self

from django.db import connection

from bihuan.net.models import Kind, Level

if TYPE_CHECKING:
    from bihuan.net.tree.snapshot import Net

NAMES = """
SELECT name, short, level, id FROM net_unit WHERE died IS NULL AND kind IN (%s, %s)
"""
PLACES = """
SELECT place.name, place.unit_id FROM net_place AS place
JOIN net_unit AS unit ON unit.id = place.unit_id AND unit.died IS NULL
"""

_COMMITTEE = re.compile(r"(居民委员会|村民委员会|社区居委会|居委会|村委会)$")
_IGNORED = re.compile(r"[\s,，。、;；·.\-—]+")
LONGEST_TEXT = 400


def tidy(text: str) -> str:
    """Full width made narrow, and spaces and stops taken out, so that 海州街道 南关社区 is one string."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", text)).casefold()


class AddressBook:
    """Names of areas, grids and places, each with the units it may mean."""

    def __init__(self, names: Iterable[tuple[str, int]]) -> None:
        self._units: dict[str, set[int]] = {}
        for name, unit in names:
            key = tidy(name)
            if len(key) >= 2:
                self._units.setdefault(key, set()).add(unit)
        self._lengths = sorted({len(name) for name in self._units}, reverse=True)

    @classmethod
    def read(cls) -> Self:
        return cls(_stored_names())

    def resolve(self, net: "Net", text: str, within: int | None = None) -> int | None:
        """The unit that the names in `text` agree on.

        Each name found lends its length to the units it may mean and to those below them; the unit with the most wins.
        When several are left (the same road in two grids) the answer is what they share and the text names itself
        (their street), otherwise None.
        """
        named = self._named(net, tidy(text)[:LONGEST_TEXT], within)
        weights = {unit: self._weight(net, unit, named) for unit in named}
        if not weights:
            return None
        most = max(weights.values())
        best = [unit for unit, weight in weights.items() if weight == most]
        return _agreed(net, best, named)

    def suggest(self, net: "Net", text: str, within: int | None = None, most: int = 8) -> list[int]:
        """What a half-typed address may mean, the likeliest first: units that it names, then names that hold the words."""
        words = tidy(text)[:LONGEST_TEXT]
        named = self._named(net, words, within)
        found = dict.fromkeys(sorted(named, key=lambda unit: (-self._weight(net, unit, named), net.unit(unit).code)))
        holding = (name for name in self._units if len(words) >= 2 and words in name)
        for name in sorted(holding, key=lambda name: (not name.startswith(words), len(name), name)):
            units = (net.get(unit) for unit in self._units[name])
            known = [row for row in units if row is not None and (within is None or within in row.path)]
            found |= dict.fromkeys(row.id for row in sorted(known, key=lambda row: row.code))
            if len(found) >= most:
                break
        return list(found)[:most]

    def _named(self, net: "Net", text: str, within: int | None) -> dict[int, int]:
        """Unit -> length of all the different names by which the text calls it."""
        named: dict[int, int] = {}
        for name in dict.fromkeys(self._found(text)):
            for unit in self._units[name]:
                row = net.get(unit)
                if row is not None and (within is None or within in row.path):
                    named[unit] = named.get(unit, 0) + len(name)
        return named

    def _found(self, text: str) -> Iterator[str]:
        """Names from left to right, the longest at each position, none inside another."""
        start = 0
        while start < len(text):
            parts = (text[start : start + n] for n in self._lengths if start + n <= len(text))
            name = next((part for part in parts if part in self._units), "")
            if name:
                yield name
            start += len(name) or 1

    def _weight(self, net: "Net", unit: int, named: dict[int, int]) -> int:
        return sum(named.get(above, 0) for above in net.unit(unit).path)


def _agreed(net: "Net", best: list[int], named: dict[int, int]) -> int | None:
    if len(best) == 1:
        return best[0]
    shared = set(net.unit(best[0]).path).intersection(*(net.unit(unit).path for unit in best[1:]))
    certain = [unit for unit in net.unit(best[0]).path if unit in shared and unit in named]
    return certain[-1] if certain else None


def _stored_names() -> Iterator[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(NAMES, [Kind.AREA, Kind.GRID])
        for name, short, level, unit in cursor.fetchall():
            yield from ((said, unit) for said in _sayings(name, short, level))
        cursor.execute(PLACES)
        yield from cursor.fetchall()


def _sayings(name: str, short: str, level: int) -> set[str]:
    """How people call a unit. Two-letter short names only of towns and above: 中心 is in half of all addresses."""
    plain = _COMMITTEE.sub("", name)
    said = {name, plain if len(plain) >= 3 else name}
    if short and (level <= Level.TOWN or len(short) >= 3):
        said.add(short)
    return said
