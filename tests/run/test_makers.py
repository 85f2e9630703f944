"""Processes that make ids at once have numbers of their own, so that no two ids are the same."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bihuan.lib import ids
from bihuan.run import makers
from bihuan.run.makers import PROCESSES, take_number

HOLDER = """
import sys, time
from pathlib import Path
from bihuan.lib import ids
from bihuan.run.makers import take_number
print(take_number(Path(sys.argv[1]), int(sys.argv[2])), ids._maker.worker, flush=True)
time.sleep(60)
"""


@contextmanager
def process(directory: Path, machine: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that took a number; and what it says of it."""
    command = [sys.executable, "-c", HOLDER, str(directory), str(machine)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield running, running.stdout.readline().strip()
        finally:
            running.kill()


@pytest.fixture
def own_maker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "_maker", ids._maker)


def test_two_processes_have_two_numbers_and_make_ids_with_them(tmp_path: Path) -> None:
    with process(tmp_path) as (_one, first), process(tmp_path) as (_other, second):
        assert (first, second) == ("0 0", "1 1")


def test_the_number_of_a_killed_process_is_free_again(tmp_path: Path) -> None:
    with process(tmp_path) as (killed, _said):
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        with process(tmp_path) as (_next, said):
            assert said == "0 0"


def test_machines_that_share_a_database_have_numbers_apart(tmp_path: Path) -> None:
    with process(tmp_path / "var", machine=15) as (_running, said):
        assert said == f"{15 * PROCESSES} {15 * PROCESSES}"
    assert 15 * PROCESSES + PROCESSES - 1 < ids.GIVEN_WORKERS


def test_when_all_numbers_are_taken_a_process_keeps_that_of_its_pid(
    tmp_path: Path, own_maker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(makers, "PROCESSES", 1)
    before = ids._maker
    with process(tmp_path):
        assert take_number(tmp_path, 0) is None
        assert ids._maker is before


def test_this_process_was_given_a_number_when_it_started() -> None:
    assert ids._maker.worker < ids.GIVEN_WORKERS
