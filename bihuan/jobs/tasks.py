"""Long work in the background, run by the procrastinate worker: imports, exports, the nightly housekeeping.

Other packages register a function under a name and defer it by that name; enqueueing is part of their transaction.

    @tasks.does("import_cases")
    def import_cases(run: int) -> None: ...

    tasks.defer("import_cases", run=7)

A function may be run again from its start: a worker killed in the middle leaves its job to be rescued.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.db import OperationalError, close_old_connections, transaction
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job, Status

from bihuan.jobs import housekeeping

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 4  # a job that kills its worker each time is not rescued for ever
STALLED = 60.0  # seconds without a heartbeat after which a worker is taken for dead
KEPT_HOURS = 30 * 24  # failed jobs stay readable for a month

_works: dict[str, Callable[..., None]] = {}


class NoSuchWork(Exception):
    """A job names work that no package registered."""

    def __init__(self, name: str) -> None:
        super().__init__(f"没有名为“{name}”的后台工作。")


def does(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as the work `name`. Its arguments must be JSON values."""

    def register(work: Callable[..., None]) -> Callable[..., None]:
        _works[name] = work
        return work

    return register


def defer(name: str, /, *, once: str | None = None, **arguments: Any) -> int | None:
    """Queue work; it starts after the caller's transaction commits. Returns the job's id.

    once: a key; while a job with this key waits no other is queued, and the answer is None.
    Raises NoSuchWork at once rather than in the worker.
    """
    if name not in _works:
        raise NoSuchWork(name)
    try:
        with transaction.atomic():  # a refused job must not spoil the caller's transaction
            return work.configure(queueing_lock=once).defer(name=name, arguments=arguments)
    except AlreadyEnqueued:
        return None


# What may pass by itself is tried again; a bug or a bad file is not.
PASSING = RetryStrategy(max_attempts=3, exponential_wait=5, retry_exceptions=[OperationalError, OSError])


@app.task(name="work", queue="work", retry=PASSING)
def work(name: str, arguments: dict[str, Any]) -> None:
    """Run one registered work."""
    if name not in _works:
        raise NoSuchWork(name)
    close_old_connections()
    try:
        _works[name](**arguments)
    finally:
        close_old_connections()


# `queueing_lock` keeps one waiting at most. No `lock`: a killed rescuer would hold it, and nobody would rescue him.
@app.periodic(cron="* * * * *")
@app.task(name="rescue", queue="house", queueing_lock="rescue", pass_context=True)
async def rescue(context: JobContext, timestamp: int) -> None:
    """Give jobs of dead workers back to the queue, every minute."""
    manager = context.app.job_manager
    await manager.prune_stalled_workers(STALLED)
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED):
        await _rescue(manager, job)


async def _rescue(manager: Any, job: Job) -> None:
    if job.attempts >= MOST_ATTEMPTS:
        log.error("job %s (%s) is given up after %s attempts", job.id, job.task_name, job.attempts)
        await manager.finish_job(job, status=Status.FAILED, delete_job=False)
    else:
        log.warning("job %s (%s) was left by a dead worker and starts again", job.id, job.task_name)
        await manager.retry_job(job)


@app.periodic(cron="10 * * * *")
@app.task(name="keep_house", queue="house", queueing_lock="keep_house")
def keep_house(timestamp: int) -> None:
    """Every hour: is it night, or was the last night missed? Then keep the house."""
    at = datetime.fromtimestamp(timestamp, UTC)
    if housekeeping.is_time(at):
        close_old_connections()
        housekeeping.keep_house(at)


@app.periodic(cron="40 * * * *")
@app.task(name="forget_jobs", queue="house", queueing_lock="forget_jobs", pass_context=True)
async def forget_jobs(context: JobContext, timestamp: int) -> None:
    """Drop the traces of jobs that ended long ago; with millions of them the worker starts slowly."""
    await context.app.job_manager.delete_old_jobs(nb_hours=KEPT_HOURS, include_failed=True, include_cancelled=True)
