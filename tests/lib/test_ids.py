import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.lib import ids
from bihuan.lib.ids import BadWorker, IdMaker, id_at, new_id, set_worker, time_of

MS = 1_000_000
START = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp()) * 1000 * MS


@pytest.fixture
def own_maker() -> Iterator[None]:
    """This process as one that was given no number."""
    before, ids._maker = ids._maker, ids._maker_of_this_pid()
    yield
    ids._maker = before


def at(*readings: int) -> IdMaker:
    return IdMaker(5, iter(readings).__next__)


def test_an_id_is_time_worker_and_sequence() -> None:
    # 1 s after the epoch is 1000 ms: 1000 * 2**22 + 5 * 2**10 + 0
    made = at(int(ids.EPOCH.timestamp()) * 1000 * MS + 1000 * MS).new()
    assert made == 1000 * 2**22 + 5 * 2**10
    assert time_of(made) == datetime(2020, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_ids_of_one_millisecond_differ_by_their_sequence() -> None:
    maker = at(START, START + 1, START + MS - 1)
    first, second, third = (maker.new() for _ in range(3))
    assert (second - first, third - second) == (1, 1)


def test_a_full_millisecond_borrows_from_the_next() -> None:
    maker = IdMaker(5, lambda: START)
    made = [maker.new() for _ in range(1025)]
    assert made == sorted(set(made))
    assert time_of(made[1024]) - time_of(made[0]) == timedelta(milliseconds=1)


@given(st.lists(st.integers(-5 * MS, 5 * MS), min_size=1, max_size=50), st.integers(0, 4095))
def test_ids_grow_however_the_clock_steps(steps: list[int], worker: int) -> None:
    now = [START]

    def clock() -> int:
        now[0] += steps[len(made) % len(steps)]
        return now[0]

    made: list[int] = []
    maker = IdMaker(worker, clock)
    for _ in range(200):
        made.append(maker.new())
    assert all(a < b for a, b in pairwise(made))
    assert {m >> 10 & 4095 for m in made} == {worker}
    assert max(made) < 2**63


@given(st.timedeltas(timedelta(0), timedelta(days=365 * 69)))
def test_the_time_can_be_read_back_and_ranges_asked(age: timedelta) -> None:
    moment = ids.EPOCH + age
    made = IdMaker(4095, lambda: int(ids.EPOCH.timestamp()) * 10**9 + age // timedelta(microseconds=1) * 1000).new()
    assert timedelta(0) <= moment - time_of(made) < timedelta(milliseconds=1)
    assert id_at(moment) <= made < id_at(moment + timedelta(milliseconds=1))


def test_threads_get_different_ids() -> None:
    maker = IdMaker(1)
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: [maker.new() for _ in range(5000)], range(8)))
    assert len({made for batch in batches for made in batch}) == 40_000
    assert all(batch == sorted(batch) for batch in batches)


def test_the_worker_number_is_given(own_maker: None) -> None:
    assert new_id() >> 10 & 4095 >= 1024  # until then it follows from the pid
    set_worker(17)
    assert new_id() >> 10 & 4095 == 17


@pytest.mark.parametrize("worker", [-1, 1024, 4096])
def test_a_worker_number_out_of_range_is_refused(worker: int) -> None:
    with pytest.raises(BadWorker, match="进程编号"):
        set_worker(worker)


def test_a_fork_does_not_repeat_its_parents_ids(own_maker: None) -> None:
    set_worker(17)
    new_id()
    reads, writes = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writes, b"".join(new_id().to_bytes(8, "big") for _ in range(500)))
        os._exit(0)
    mine = {new_id() for _ in range(500)}
    os.waitpid(child, 0)
    told = os.read(reads, 4000)
    childs = {int.from_bytes(told[i : i + 8], "big") for i in range(0, 4000, 8)}
    os.close(reads)
    os.close(writes)
    assert len(childs) == 500
    assert not mine & childs
    assert {made >> 10 & 4095 >= 1024 for made in childs} == {True}
