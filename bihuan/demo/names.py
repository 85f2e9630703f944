"""Invented names for places and people of the demo city. Each pool yields every name at most once."""

import random
import tomllib
from collections.abc import Iterator
from pathlib import Path

with (Path(__file__).parent / "data" / "names.toml").open("rb") as file:
    WORDS = {key: text.split() for key, text in tomllib.load(file).items()}
SURNAME_WEIGHTS = [max(100 - nth, 8) for nth in range(len(WORDS["surnames"]))]


class Pool:
    """Names in a shuffled order, none of them twice."""

    def __init__(self, names: list[str], rng: random.Random) -> None:
        rng.shuffle(names)
        self._names = names
        self._next = iter(self._names)

    def take(self) -> str:
        name = next(self._next, None)
        if name is None:
            raise RuntimeError(f"{len(self._names)} 个虚构地名不够用了")
        return name


class Names:
    """All pools of one city, drawn with one random source."""

    def __init__(self, rng: random.Random) -> None:
        pairs = [first + second for first in WORDS["first"] for second in WORDS["second"] if first != second]
        self._rng = rng
        self.towns = Pool(list(WORDS["towns"]), rng)
        self.streets = Pool(list(WORDS["streets"]), rng)
        self.villages = Pool(list(_villages()), rng)
        self.communities = Pool(list(pairs), rng)
        self.compounds = Pool([a + b for a in WORDS["compound_first"] for b in WORDS["compound_last"]], rng)
        self.roads = Pool([pair + end for pair in pairs for end in WORDS["road_endings"]], rng)

    def person(self) -> str:
        """A full name; people may share one."""
        given = WORDS[self._rng.choice(("given_old", "given_new"))]
        surname = self._rng.choices(WORDS["surnames"], SURNAME_WEIGHTS)[0]
        return surname + "".join(self._rng.choices(given, k=self._rng.choice((1, 2, 2, 2))))


def _villages() -> Iterator[str]:
    for family in WORDS["village_families"]:
        yield from (family + ending for ending in WORDS["village_endings"])
    for land in WORDS["village_lands"]:
        yield from (land + shape for shape in WORDS["village_shapes"])


NUMERALS = "零一二三四五六七八九"


def numeral(n: int) -> str:
    """1 .. 99 in Chinese, as village groups are counted."""
    tens, ones = divmod(n, 10)
    if not tens:
        return NUMERALS[ones]
    return ("" if tens == 1 else NUMERALS[tens]) + "十" + (NUMERALS[ones] if ones else "")
