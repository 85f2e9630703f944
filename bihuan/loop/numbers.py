"""Case numbers: each process takes a block of a region's day at a time, so filing never waits for a counter."""

import threading
from datetime import date

from django.db import connection

from bihuan.lib.codes import make_case_number
from bihuan.net import tree

BLOCK = 200  # numbers a process takes at once; what it does not use stays a gap

_TAKE = """
INSERT INTO loop_numbering (region_id, day, next) VALUES (%s, %s, 1 + %s)
ON CONFLICT (region_id, day) DO UPDATE SET next = loop_numbering.next + %s
RETURNING next
"""

_blocks: dict[tuple[int, date], tuple[int, int]] = {}
_lock = threading.Lock()


def next_number(region_id: int, day: date) -> str:
    """The next case number of the region for the (local) day. One statement per 200 numbers, none otherwise."""
    with _lock:
        first, end = _blocks.get((region_id, day), (0, 0))
        if first == end:
            first, end = reserve(region_id, day, BLOCK)
            _forget_other_days(day)
        _blocks[region_id, day] = (first + 1, end)
    return make_case_number(tree.snapshot().unit(region_id).code[:6], day, first)


def reserve(region_id: int, day: date, size: int) -> tuple[int, int]:
    """Take `size` numbers of a region's day; returns the first and one past the last. One statement, one commit."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [region_id, day, size, size])
        end = cursor.fetchone()[0]
    return end - size, end


def _forget_other_days(day: date) -> None:
    for key in [key for key in _blocks if key[1] != day]:
        del _blocks[key]


def forget() -> None:
    """Give up the blocks taken; their numbers stay gaps. For tests that roll the numbering back."""
    with _lock:
        _blocks.clear()
