"""What can be under way by a program: cases, standings. Each kind says here how its tracks are found and moved."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bihuan.book.journal import Acting
from bihuan.programs.models import Version


class CannotMove(Exception):
    """A track cannot go over to another version. The message says why."""


@dataclass(frozen=True, slots=True)
class Live:
    """A track under way. place: the state or stage it is in."""

    id: int
    region_id: int
    no: str
    place: str
    unit_id: int


@dataclass(frozen=True, slots=True)
class Count:
    """So many tracks under way in a place, with a unit."""

    place: str
    unit_id: int
    n: int


class Tracks(Protocol):
    """One kind's tracks. word: what one is called. part: the section of a document that lists its places."""

    word: str
    part: str

    def live(self, version: int, within: int | None, *, limit: int | None = None) -> list[Live]:
        """Those under way under a version, by id; `within`: only those in a unit."""

    def counted(self, version: int, within: int | None) -> list[Count]:
        """The same, counted by place and unit."""

    def totals(self, within: int | None) -> dict[int, int]:
        """How many are under way by version."""

    def version_of(self, track: Live) -> int | None:
        """The version a track is under now; None when it has ended or is not there."""

    def homeless(self, version: int, rules: Any, within: int | None) -> list[str]:
        """Why some could not live by other rules whatever their place (their type is gone ...), a sentence each."""

    def crowded(self, program: str, rules: Any, within: int | None) -> list[str]:
        """Where more stand now than other rules have room for, a sentence each."""

    def move(
        self, track: Live, to: Version, *, places: Mapping[str, str], by: Acting, at: datetime, why: str = ""
    ) -> bool:
        """Put one track under another version; False when there is nothing to move or somebody holds it.

        places: where those go whose place is gone. why: the reason when it is moved by itself; only then may a time
        told to a person become later. Raises CannotMove.
        """


_tracks: dict[str, Tracks] = {}


def register(kind: str, tracks: Tracks) -> None:
    """Make a kind's tracks known; called once, at start-up."""
    _tracks[kind] = tracks


def of(kind: str) -> Tracks | None:
    """The tracks of a kind; None when nothing of it can be under way."""
    return _tracks.get(kind)


def total(counts: Collection[Count]) -> int:
    return sum(count.n for count in counts)
