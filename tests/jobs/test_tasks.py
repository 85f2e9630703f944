import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued

from bihuan.jobs import housekeeping, tasks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def works(monkeypatch):
    """Works of the test's own, by name."""
    monkeypatch.setattr(tasks, "_works", {})
    return tasks._works


def run_all(queue="work"):
    with app.replace_connector(app.connector.get_worker_connector()) as worker:
        worker.run_worker(queues=[queue], wait=False, install_signal_handlers=False, listen_notify=False)


def jobs():
    return {(job.task_name, job.status) for job in ProcrastinateJob.objects.filter(queue_name="work")}


def test_deferred_work_is_done_once_with_its_arguments(works):
    done = []
    tasks.does("greet")(lambda **arguments: done.append(arguments))
    tasks.defer("greet", name="海城", n=3)
    run_all(), run_all()
    assert done == [{"name": "海城", "n": 3}]


def test_work_that_waits_already_is_not_queued_twice(works):
    done = []
    tasks.does("count")(lambda: done.append(1))
    with transaction.atomic():
        queued = [tasks.defer("count", once="count"), tasks.defer("count", once="count")]
        assert queued[0] and queued[1] is None
    run_all()
    assert tasks.defer("count", once="count")
    run_all()
    assert done == [1, 1]


def test_work_deferred_in_a_transaction_that_fails_is_never_done(works):
    tasks.does("greet")(lambda: None)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        tasks.defer("greet")
        1 / 0  # noqa: B018
    assert jobs() == set()


def test_unknown_work_is_refused_before_it_is_queued(works):
    with pytest.raises(tasks.NoSuchWork, match="nothing"):
        tasks.defer("nothing")


def test_a_bug_fails_at_once_and_a_lost_database_is_tried_again(works):
    calls = []

    def flaky():
        calls.append(1)
        raise OSError("gone for a moment")

    tasks.does("bug")(lambda: 1 / 0)
    tasks.does("flaky")(flaky)
    tasks.defer("bug"), tasks.defer("flaky")
    run_all()
    assert jobs() == {("work", "failed"), ("work", "todo")}


def test_the_house_is_kept_when_it_is_time(monkeypatch):
    kept = []
    monkeypatch.setattr(housekeeping, "keep_house", kept.append)
    monkeypatch.setattr(housekeeping, "is_time", lambda at: at.hour == 19)
    for hour in (18, 19):
        tasks.keep_house(timestamp=int(datetime(2026, 3, 2, hour, tzinfo=UTC).timestamp()))
    assert kept == [datetime(2026, 3, 2, 19, tzinfo=UTC)]


A_WORKER = textwrap.dedent("""
    import os, sys, time
    import django
    django.setup()
    from bihuan.jobs import tasks
    from procrastinate.contrib.django import app

    @tasks.does("long")
    def long(path):
        with open(path, "a") as out:
            out.write("started\\n")
        if open(path).read().count("started") == 1:
            time.sleep(60)
        with open(path, "a") as out:
            out.write("done\\n")

    tasks.STALLED = 1.0
    with app.replace_connector(app.connector.get_worker_connector()) as worker:
        worker.run_worker(queues=["work", "house"], wait=True, update_heartbeat_interval=0.3, fetch_job_polling_interval=0.3)
""")


def start_worker():
    return subprocess.Popen(
        [sys.executable, "-c", A_WORKER], env=os.environ | {"DJANGO_SETTINGS_MODULE": "bihuan.settings"}
    )


def wait_for(condition):
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_job_of_a_killed_worker_is_rescued_and_done(works, tmp_path):
    path = tmp_path / "log"
    tasks.does("long")(lambda path: None)
    tasks.defer("long", path=str(path))
    first = start_worker()
    try:
        wait_for(lambda: path.exists())
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    time.sleep(1.5)  # the dead worker's heartbeat grows old
    second = start_worker()
    try:
        with suppress(AlreadyEnqueued):  # a minute turned just now
            tasks.rescue.defer(timestamp=0)
        wait_for(lambda: "done" in path.read_text())
    finally:
        second.terminate()
        second.wait(20)
    assert path.read_text().split() == ["started", "started", "done"]


def test_a_job_that_killed_four_workers_is_given_up(works, caplog):
    import asyncio

    ended = []

    class Manager:
        async def finish_job(self, job, status, delete_job):
            ended.append((job, status.value, delete_job))

    class Job:
        id, task_name, attempts = 1, "work", 4

    asyncio.run(tasks._rescue(Manager(), Job))
    assert ended == [(Job, "failed", False)] and "given up" in caplog.text
