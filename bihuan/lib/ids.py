"""63-bit ids in the order of time, made without asking the database: 41 bits of milliseconds since 2020, 12 bits of
worker, 10 bits of sequence. They fit a signed bigint until 2089. They are never shown to users.

Two processes that make ids at once need different worker numbers. Each is given one from 0 to 1023 (`set_worker`) that
no other has; a process that was given none uses one from 1024 to 4095 that follows from its pid, good enough for a
command run by hand. A fork drops to such a number again until it is given its own.
"""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_EPOCH_MS = int(EPOCH.timestamp()) * 1000
_WORKER_BITS, _SEQUENCE_BITS = 12, 10
_SEQUENCE_MASK = (1 << _SEQUENCE_BITS) - 1
GIVEN_WORKERS = 1024
ALL_WORKERS = 1 << _WORKER_BITS


class BadWorker(ValueError):
    """A worker number that does not fit; two processes sharing one would make the same ids."""

    def __init__(self, worker: int, below: int) -> None:
        super().__init__(f"进程编号 {worker} 不对，应在 0 到 {below - 1} 之间")


class IdMaker:
    """Makes ids that grow strictly, from any thread, also when the clock stands still or steps back.

    clock: nanoseconds since 1970. More than 1024 ids in a millisecond borrow from the next one.
    """

    def __init__(self, worker: int, clock: Callable[[], int] = time.time_ns) -> None:
        if not 0 <= worker < ALL_WORKERS:
            raise BadWorker(worker, ALL_WORKERS)
        self.worker = worker
        self._worker_part = worker << _SEQUENCE_BITS
        self._clock = clock
        self._lock = Lock()
        self._tick = 0  # milliseconds and sequence of the last id, as one number

    def new(self) -> int:
        with self._lock:
            tick = (self._clock() // 1_000_000 - _EPOCH_MS) << _SEQUENCE_BITS
            if tick <= self._tick:
                tick = self._tick + 1
            self._tick = tick
        sequence = tick & _SEQUENCE_MASK
        return ((tick - sequence) << _WORKER_BITS) | self._worker_part | sequence


def new_id() -> int:
    """The next id of this process."""
    return _maker.new()


def set_worker(worker: int) -> None:
    """Give this process its worker number, from 0 to 1023, unlike that of any other process on the same database."""
    global _maker
    if not 0 <= worker < GIVEN_WORKERS:
        raise BadWorker(worker, GIVEN_WORKERS)
    _maker = IdMaker(worker)


def time_of(made: int) -> datetime:
    """When an id was made, to the millisecond, in UTC."""
    return EPOCH + timedelta(milliseconds=made >> (_WORKER_BITS + _SEQUENCE_BITS))


def id_at(at: datetime) -> int:
    """The smallest id that could be made at this instant: `id >= id_at(at)` reads a time range from the key."""
    return ((at - EPOCH) // timedelta(milliseconds=1)) << (_WORKER_BITS + _SEQUENCE_BITS)


def _maker_of_this_pid() -> IdMaker:
    return IdMaker(GIVEN_WORKERS + os.getpid() % (ALL_WORKERS - GIVEN_WORKERS))


def _start_afresh() -> None:
    global _maker
    # The parent may have forked while another of its threads held the lock, and it goes on with the same number.
    _maker = _maker_of_this_pid()


_maker = _maker_of_this_pid()
os.register_at_fork(after_in_child=_start_afresh)
