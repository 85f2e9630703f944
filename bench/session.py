"""One sitting: the product is started, filled step by step, and measured at each size."""

import http.client
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import django
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from bench import filing, pages, sheets, world
from bench.meter import Browser, Meter, Taken, children, cpu
from bihuan.book.models import Outbox, TallyDelta
from bihuan.net import tree
from bihuan.net.regions import across_regions
from bihuan.run import database

Say = Callable[[str], None]
QUIET = 0.05  # seconds of processor time in a second


def run(sizes: list[int], tables: set[str], say: Say) -> None:
    world.found()
    say(f"# Bench, {timezone.localtime():%Y-%m-%d}\n\n{_machine()}\n")
    if "pages" in tables:  # first: what is filed later is all new and would not be a city's table
        _pages(sizes, say)
    if "filing" in tables:
        with product() as meter:
            _filing(meter, say)
    if "sheets" in tables:
        sheets.measure(say)


def _machine() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        server = cursor.fetchone()[0]
    versions = f"Python {platform.python_version()}, Django {django.__version__}, PostgreSQL {server}"
    return f"{os.cpu_count()} cores, {platform.machine()}, {versions}; synchronous_commit on, fsync on; 1 page process."


@contextmanager
def product() -> Iterator[Meter]:
    """The whole product as `make serve` runs it, until the block ends."""
    connection.close()
    process = subprocess.Popen(
        [sys.executable, "-m", "bihuan", "serve"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    server = database.embedded(settings.VAR, settings.POSTGRES_BIN)
    try:
        _wait_until_ready()
        yield Meter(lambda: _answering(process.pid), lambda: children(server.pid() or 0))
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_ready() -> None:
    for _ in range(300):
        try:
            Browser(settings.PORT).get("/readyz")
        except (OSError, RuntimeError, http.client.HTTPException):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the product did not become ready")


def _wait_until_quiet(meter: Meter) -> None:
    """Let the worker do what a start makes due (its hourly look at the journal) before anything is measured."""
    for _ in range(120):
        before = cpu(meter.database())
        time.sleep(1)
        if cpu(meter.database()) - before < QUIET:
            return


def _answering(supervisor: int) -> list[int]:
    """The processes that answer requests: granian and its workers."""
    return [pid for pid in children(supervisor) if "granian" in _command(pid)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _filing(meter: Meter, say: Say) -> None:
    grids = [unit.code for unit in tree.snapshot() if unit.level > 5][:3000]
    source = filing.requests(grids)
    say("## Filing over HTTP, durable, the pump running\n")
    say("| connections | requests/s | application ms | PostgreSQL ms | together | backlog at the end | drained in s |")
    say("| --- | --- | --- | --- | --- | --- | --- |")
    filing.load(settings.PORT, source, meter, _backlog, connections=4)  # caches fill, statements are prepared
    for connections in (1, 4, 16):
        rate = filing.load(settings.PORT, source, meter, _backlog, connections=connections)
        say(
            f"| {connections} | {rate.per_second:,.0f} | {rate.app:.2f} | {rate.database:.2f} "
            f"| {rate.app + rate.database:.2f} | {rate.backlog:,} | {rate.drained:.1f} |"
        )
    say("\nOne statement, one round trip, one commit for each (`tests/api/test_public.py` holds it). The columns of")
    say("PostgreSQL hold the pump's share too: folding counts and sending the first message of every case.\n")


def _backlog() -> int:
    with across_regions("the pump's backlog is one"):
        return Outbox.objects.filter(run_at__lte=timezone.now()).count() + TallyDelta.objects.count()


def _pages(sizes: list[int], say: Say) -> None:
    """The same pages at each size, in one table, with their growth; said at once, too, should the sitting end early."""
    found: dict[str, list] = {}
    for size in sizes:
        began, written = time.perf_counter(), world.fill(size, timezone.now() - timedelta(minutes=1))
        if written:
            rate = written / (time.perf_counter() - began)
            say(f"<!-- {written:,} cases written at {rate:,.0f}/s, with their events, texts and counts -->")
        with product() as meter:
            _wait_until_quiet(meter)
            for name, taken in pages.measure(meter, _session):
                found.setdefault(name, []).append(taken)
                say(f"<!-- {size:,} cases, {name}: {_cell(taken)} -->")
    say("\n## Pages and API\n\nMedian (95th percentile) in ms; CPU of application + PostgreSQL in ms.\n")
    say("| what | " + " | ".join(f"{size:,} cases" for size in sizes) + " | growth |")
    say("| --- |" + " --- |" * (len(sizes) + 1))
    for name, row in found.items():
        say(f"| {name} | " + " | ".join(map(_cell, row)) + f" | {row[-1].median / row[0].median:.2f} |")
    say("")


def _cell(taken: Taken) -> str:
    return f"{taken.median:.1f} ({taken.p95:.1f}) [{taken.app:.1f}+{taken.database:.1f}]"


def _session(login: str) -> dict[str, str]:
    """Headers of a browser that is logged in as a member of the cast."""
    door, posting = Client(), world.actor(login)
    door.force_login(posting.person.user)
    session = door.session
    session["posting"] = posting.pk
    session.save()
    cookies = "; ".join(f"{key}={morsel.value}" for key, morsel in door.cookies.items())
    return {"Cookie": cookies, "Host": "localhost"}
