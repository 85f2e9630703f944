"""A number of its own for every process that makes ids (lib/ids.py): two that shared one would make the same ids.

A number is the lock on a file in BIHUAN_VAR/run/makers. The kernel drops it with its process, however that one ends.
"""

import fcntl
import os
from pathlib import Path

from bihuan.lib.ids import GIVEN_WORKERS, set_worker

MACHINES = 16  # that may share one database
PROCESSES = GIVEN_WORKERS // MACHINES  # of one machine at a time


def take_number(directory: Path, machine: int) -> int | None:
    """Give this process the first free number of its machine until it ends; None when there is none.

    Then it keeps the one that follows from its pid, which another process may have as well.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except PermissionError:  # a command run by somebody who may not write here
        return None
    for place in range(PROCESSES):
        if _hold(directory / f"{place:02}"):
            number = machine * PROCESSES + place
            set_worker(number)
            return number
    return None


def _hold(path: Path) -> bool:
    """Lock the file for as long as this process lives; False when another one has it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
    except PermissionError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return False
    return True  # the handle stays open
