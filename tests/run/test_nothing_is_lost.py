"""Reports come in without pause while every process of the product is killed in turn: nothing is lost, nothing is twice."""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from bihuan.run.postgres import OWNER, Postgres
from tests.run.test_supervisor import PROJECT, _environment, _ready, _until

SENDERS, STORM = 4, 15.0  # how many file at once, and for how many seconds
OLD = 60  # matters whose clocks ran out long ago: they fire while everything around is killed
PREPARE = f"""
import django; django.setup()
from datetime import timedelta
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from bihuan.run import database
with database.embedded(settings.VAR, settings.POSTGRES_BIN).lease():
    from bihuan.programs.versions import ensure_packs
    call_command("migrate", verbosity=0)
    ensure_packs(timezone.now() - timedelta(days=30))
    call_command("init", code="210381", place="辽宁省/鞍山市/海城市", name="张三", login="zhangsan")
    from bihuan.loop.actions import intake
    from bihuan.loop.report import Report
    for n in range({OLD}):
        at = timezone.now() - timedelta(days=20, minutes=n)
        intake.file(Report(type="help", text=f"很久以前的事 {{n}}"), at=at)
"""


class Product:
    """`bihuan serve` with a data directory of its own, and the means to hurt it."""

    def __init__(self, var: Path) -> None:
        self.environment = _environment(
            BIHUAN_VAR=str(var), DATABASE_URL="", DATABASE_OWNER_URL="", BIHUAN_CALLS_A_MINUTE="1000000"
        )
        self.port, self.server = int(self.environment["PORT"]), Postgres(var / "postgres")
        self.serve: subprocess.Popen[bytes] | None = None

    def run(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], env=self.environment, cwd=PROJECT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self) -> None:
        command = [sys.executable, "-m", "bihuan", "serve"]
        self.serve = subprocess.Popen(command, env=self.environment, cwd=PROJECT, stderr=subprocess.DEVNULL)

    def stop(self) -> None:
        assert self.serve is not None
        self.serve.send_signal(signal.SIGINT)
        assert self.serve.wait(60) == 0

    def kill(self, what: str) -> bool:
        """kill -9 one of its processes; whether there was one at this moment."""
        found = self._pid(what)
        if found is None:
            return False
        os.kill(found, signal.SIGKILL)
        if what == "supervisor":
            self.serve.wait()  # type: ignore[union-attr]
            self.start()
        return True

    def _pid(self, what: str) -> int | None:
        if what == "supervisor":
            return self.serve.pid if self.serve else None
        if what == "postmaster":
            return self.server.pid()
        parts = {"worker": "granian", "pages": "granian", "pump": "bihuan pump"}
        family = psutil.Process(self.serve.pid).children(recursive=what == "worker")  # type: ignore[union-attr]
        fitting = [one for one in family if parts[what] in _words(one)]
        workers = [one for one in fitting if one.ppid() != self.serve.pid]  # type: ignore[union-attr]
        chosen = workers if what == "worker" else fitting
        return chosen[-1].pid if chosen else None


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


class Sender(threading.Thread):
    """Files one matter after the other, each until it has its number; now and then sends an old one again."""

    def __init__(self, port: int, stop: threading.Event, dice: random.Random) -> None:
        super().__init__()
        self.port, self.stop, self.dice = port, stop, dice
        self.numbers: dict[str, str] = {}
        self.sent: list[str] = []
        self.wrong: list[str] = []
        self.retries = 0

    def run(self) -> None:
        while not self.stop.is_set():
            client = str(uuid.UUID(int=self.dice.getrandbits(128), version=4))
            self.sent.append(client)
            self._until_answered(client)
            if self.numbers and self.dice.random() < 0.2:
                self._until_answered(self.dice.choice(list(self.numbers)))

    def _until_answered(self, client: str) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            answer = self._ask(client)
            if answer is not None:
                self._note(client, answer)
                return
            self.retries += 1
            time.sleep(0.1)

    def _ask(self, client: str) -> dict[str, Any] | None:
        """The answer; None when there was none, or when the product says that it is not well."""
        phone = f"139{int(client[:8], 16) % 10**8:08}"
        body = {"type": "求助", "text": f"楼道漏水 {client}", "contact": {"phone": phone}, "client_id": client}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("POST", "/api/v1/requests", json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            words = answer.read()
            return json.loads(words) if answer.status in (200, 201) else None
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()

    def _note(self, client: str, answer: dict[str, Any]) -> None:
        if self.numbers.setdefault(client, answer["number"]) != answer["number"]:
            self.wrong.append(client)


@pytest.fixture
def product() -> Iterator[Product]:
    var = Path(tempfile.mkdtemp(prefix="bihuan-lost-"))
    var.chmod(0o755)
    product = Product(var)
    yield product
    if product.serve is not None:
        product.serve.kill()
        product.serve.wait()
    product.run("-m", "bihuan", "db", "stop")
    subprocess.run(["rm", "-rf", str(var)], check=True)


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_is_twice(product: Product) -> None:
    product.run("-c", PREPARE)
    product.start()
    _until(lambda: _ready(product.port).get("ready"), 60)
    senders = _storm(product)
    _until(lambda: _ready(product.port).get("ready"), 60)
    product.stop()
    product.start()
    _until(lambda: _ready(product.port).get("ready"), 60)
    with psycopg.connect(**product.server.parameters(OWNER), autocommit=True) as database:
        _until(lambda: _drained(database), 60)
        _check_cases(database, senders)
        _check_counts(database)
        _check_messages(database)
        _check_clocks(database)
    assert "全部相符" in product.run("-m", "bihuan", "audit", "verify")
    product.stop()


def _storm(product: Product) -> list[Sender]:
    """Let the senders go and kill, in turn and at random moments, until the time is over."""
    dice, stop = random.Random(20261116), threading.Event()
    senders = [Sender(product.port, stop, random.Random(seed)) for seed in range(SENDERS)]
    for sender in senders:
        sender.start()
    over, killed = time.monotonic() + STORM, set[str]()
    turns = ["worker", "pump", "postmaster", "supervisor", "pages"]
    try:
        while time.monotonic() < over or len(killed) < len(turns):
            what = next((one for one in turns if one not in killed), dice.choice(turns))
            killed |= {what} if product.kill(what) else set()
            time.sleep(dice.uniform(0.5, 3.0))
            assert time.monotonic() < over + 30, f"could not find all of {turns}, only {killed}"
    finally:
        _until(lambda: _ready(product.port).get("ready"), 60)
        _until(lambda: sum(len(sender.numbers) for sender in senders) > 40, 60)  # a slow machine takes its time
        stop.set()
        for sender in senders:
            sender.join(40)
    return senders


def _ask(database: psycopg.Connection, sql: str) -> list[tuple[Any, ...]]:
    return database.execute(sql).fetchall()  # type: ignore[arg-type]


def _drained(database: psycopg.Connection) -> bool:
    """Everything told, every count folded, every clock that ran out fired."""
    sql = """
        SELECT (SELECT count(*) FROM book_outbox WHERE run_at <= now())
             + (SELECT count(*) FROM book_tallydelta)
             + (SELECT count(*) FROM loop_clock WHERE stage = 'running' AND due_at <= now())
    """
    return _ask(database, sql) == [(0,)]


def _check_cases(database: psycopg.Connection, senders: list[Sender]) -> None:
    """Every number that was given is one case; whatever was sent twice is one; nothing came from nowhere."""
    kept: dict[str, list[str]] = {}
    for client, number in _ask(database, "SELECT client_id::text, no FROM loop_case WHERE client_id IS NOT NULL"):
        kept.setdefault(client, []).append(number)
    given = {client: number for sender in senders for client, number in sender.numbers.items()}
    sent = {client for sender in senders for client in sender.sent}
    assert [sender.wrong for sender in senders] == [[]] * SENDERS
    assert len(given) > 20 and sum(sender.retries for sender in senders) > 0
    assert {client: kept.get(client) for client in given} == {client: [number] for client, number in given.items()}
    assert set(kept) <= sent
    assert _ask(database, "SELECT no FROM loop_case GROUP BY no HAVING count(*) > 1") == []
    assert _ask(database, "SELECT count(*) FROM loop_case WHERE client_id IS NULL") == [(OLD,)]


def _check_counts(database: psycopg.Connection) -> None:
    """The folded counts are what counting the cases gives, for the province and down to the county."""
    for measure, moment in (("filed", "filed_at"), ("accepted", "accepted_at"), ("ended", "closed_at")):
        for level in ("l1", "l2", "l3"):
            counted = (
                f"SELECT {level}, count(*) FROM loop_case WHERE {moment} IS NOT NULL AND {level} IS NOT NULL GROUP BY 1"
            )
            places = f"SELECT DISTINCT {level} FROM loop_case"
            folded = f"""SELECT unit, sum(amount)::bigint FROM book_tally WHERE measure = '{measure}' AND period = 'all'
                         AND role = 'place' AND unit IN ({places}) GROUP BY 1 HAVING sum(amount) <> 0"""
            assert sorted(_ask(database, folded)) == sorted(_ask(database, counted)), (measure, level)


def _check_messages(database: psycopg.Connection) -> None:
    """Whoever filed was told so once."""
    first = """
        SELECT c.no, count(m.id) FROM loop_case c
        LEFT JOIN book_message m ON m.region_id = c.region_id AND m.case_id = c.id AND m.made_at = c.filed_at
        GROUP BY 1 HAVING count(m.id) <> 1
    """
    assert _ask(database, first) == []
    assert _ask(database, "SELECT count(*) FROM book_outbox WHERE attempts > 0") == [(0,)]


def _check_clocks(database: psycopg.Connection) -> None:
    """A clock that fired did one act, at the moment it was due; no case has more acts of clocks than clocks."""
    fired = "SELECT case_id, ended_at FROM loop_clock WHERE stage = 'fired' ORDER BY 1, 2"
    acts = "SELECT case_id, at FROM loop_caseevent WHERE actor = 'clock' ORDER BY 1, 2"
    assert _ask(database, fired) == _ask(database, acts)
    assert len({case for case, _at in _ask(database, fired)}) == OLD
