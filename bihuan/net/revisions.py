"""What a process keeps of the net in memory, and how it notices that somebody changed the net.

`touch` raises a part's number in the transaction of the change. A `Kept` value is read anew when the number of one of
its parts differs; numbers are looked up at most every CHECK_EVERY seconds. A transaction that has changed a part sees
its own changes, and only it does until it commits: what it rolls back is never shown to others.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db import connection, transaction

from bihuan.lib.ids import new_id

CHECK_EVERY = 2.0  # seconds
T = TypeVar("T")

# A number from the time never comes back after a rollback or a restore, as a plain count would.
RAISE = """
INSERT INTO net_revision (part, number, changed_at) VALUES (%s, %s, %s)
ON CONFLICT (part) DO UPDATE
SET number = GREATEST(net_revision.number + 1, excluded.number), changed_at = excluded.changed_at
"""


class _Shared:
    numbers: dict[str, int] = {}
    checked: float = float("-inf")


class _Changing(threading.local):
    """Parts that this thread's open transaction has raised, and what it has read since."""

    def __init__(self) -> None:
        self.parts: set[str] = set()
        self.slots: dict[int, tuple[tuple[int, ...], Any]] = {}


_shared, _changing = _Shared(), _Changing()


def touch(part: str, at: datetime) -> None:
    """Say that a part of the net changed. The row stays locked until the commit, so changes come one by one."""
    with connection.cursor() as cursor:
        cursor.execute(RAISE, [part, new_id(), at])
    if connection.in_atomic_block:
        _changing.parts.add(part)
        transaction.on_commit(_settle)
    else:
        _settle()


def forget() -> None:
    """Drop everything kept: the next reader reads the database. For tests, and after a restore."""
    _settle()
    for kept in Kept.everything:
        kept.drop()


def _settle() -> None:
    _changing.parts.clear()
    _changing.slots.clear()
    _shared.checked = float("-inf")


def _read_numbers() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT part, number FROM net_revision")
        return dict(cursor.fetchall())


def _known_numbers() -> dict[str, int]:
    if time.monotonic() - _shared.checked >= CHECK_EVERY:
        _shared.numbers, _shared.checked = _read_numbers(), time.monotonic()
    return _shared.numbers


def _is_changing() -> bool:
    if _changing.parts and not connection.in_atomic_block:  # the transaction was rolled back
        _settle()
    return bool(_changing.parts)


class Kept(Generic[T]):
    """A value read from the net's tables, kept while the numbers of its parts stay the same."""

    everything: list["Kept[Any]"] = []

    def __init__(self, *parts: str, read: Callable[[], T]) -> None:
        self.parts, self.read = parts, read
        self._lock = threading.Lock()
        self._slot: tuple[tuple[int, ...], T] | None = None
        Kept.everything.append(self)

    def get(self) -> T:
        """The value as of now; one query when the last look is older than CHECK_EVERY, none otherwise."""
        if _is_changing():
            return self._own()
        key = self._key(_known_numbers())
        slot = self._slot
        if slot is None or slot[0] != key:
            slot = self._renew(key)
        return slot[1]

    def drop(self) -> None:
        self._slot = None

    def _key(self, numbers: dict[str, int]) -> tuple[int, ...]:
        return tuple(numbers.get(part, 0) for part in self.parts)

    def _renew(self, key: tuple[int, ...]) -> tuple[tuple[int, ...], T]:
        with self._lock:
            slot = self._slot
            if slot is None or slot[0] != key:
                # The number was read before the rows: rows may be newer, and then the next look reads them again.
                slot = self._slot = (key, self.read())
            return slot

    def _own(self) -> T:
        """As this transaction sees it: looked up each time, because a savepoint may have been rolled back."""
        key = self._key(_read_numbers())
        slot = _changing.slots.get(id(self))
        if slot is None or slot[0] != key:
            slot = _changing.slots[id(self)] = (key, self.read())
        return slot[1]
