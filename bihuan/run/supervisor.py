"""One parent for all processes of the product: starts them, restarts what dies, stops them all with itself.

    serve(extra_processes=[Program("city", [sys.executable, "-m", "bihuan", "demo", "live"])])

Each child leads a process group of its own, so that its workers go with it, and asks the kernel to be ended when the
supervisor itself is killed. Nothing is ever ended by name.
"""

import ctypes
import http.client
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from django.conf import settings
from psycopg import pq

from bihuan.run import database, prepare
from bihuan.run.postgres import Postgres

log = logging.getLogger("bihuan.run")

LOOK = 0.2  # seconds between two looks at the children
WAITS = (0.2, 0.5, 1, 2, 5, 10)  # seconds before the first, second ... restart in a row
STEADY = 30.0  # seconds a child must live for its earlier deaths to be forgotten
PATIENCE = 12.0  # seconds a child may take to stop in order


@dataclass(frozen=True)
class Program:
    """What to run, under which name it appears in the log; `env` is added to ours."""

    name: str
    command: Sequence[str]
    env: dict[str, str] = field(default_factory=dict)


class Child:
    """A program kept running."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.deaths = 0
        self.started = 0.0
        self.start_again_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.program.command,
            env=os.environ | self.program.env,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent(os.getpid()),
        )
        self.started = time.monotonic()
        log.info("%s started, pid %s", self.program.name, self.process.pid)

    def look(self) -> None:
        """Start it, or start it again when its time has come."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.start_again_at:
                self.start()
        elif (code := self.process.poll()) is not None:
            self._mourn(code, now)

    def _mourn(self, code: int, now: float) -> None:
        self._end_group(signal.SIGKILL)
        self.process = None
        self.deaths = 1 if now - self.started > STEADY else self.deaths + 1
        wait = WAITS[min(self.deaths, len(WAITS)) - 1]
        self.start_again_at = now + wait
        log.warning("%s ended (%s), starting again in %s s", self.program.name, code, wait)

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait_until(self, deadline: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("%s did not stop in time", self.program.name)
        self._end_group(signal.SIGKILL)
        self.process.wait()

    def _end_group(self, how: signal.Signals) -> None:
        """Whatever the child left behind in its group (its id is ours: the child led it)."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, how)
            except (ProcessLookupError, PermissionError):  # all gone; macOS says the second for a zombie leader
                return


def _end_with_parent(parent: int) -> Callable[[], None] | None:
    """For Linux: a child that gets SIGTERM when its parent dies, however the parent died."""
    if not sys.platform.startswith("linux"):
        return None
    libc, pr_set_pdeathsig = ctypes.CDLL(None), 1

    def ask() -> None:
        libc.prctl(pr_set_pdeathsig, int(signal.SIGTERM))
        if os.getppid() != parent:  # it died while we were being born
            os._exit(1)

    return ask


def programs() -> list[Program]:
    """The processes of the product."""
    python, host = sys.executable, settings.HOST
    pages = ["granian", "--interface", "wsgi", "--host", host, "--port", str(settings.PORT), "--log-level", "error"]
    pages += ["--workers", str(settings.WORKERS), "--blocking-threads", str(settings.THREADS)]
    pages += [
        "--respawn-failed-workers",
        "--respawn-interval",
        "0.5",
        "--workers-kill-timeout",
        "8",
        "bihuan.wsgi:application",
    ]
    jobs = [
        "django",
        "procrastinate",
        "worker",
        "--concurrency",
        str(settings.JOB_THREADS),
        "--delete-jobs",
        "successful",
    ]
    live = ["uvicorn", "bihuan.jobs.live:app", "--host", host, "--port", str(settings.LIVE_PORT), "--no-access-log"]
    live += ["--log-level", "warning", "--timeout-graceful-shutdown", "3"]
    return [
        Program("pages", [python, "-m", *pages]),
        Program("pump", [python, "-m", "bihuan", "pump"]),
        Program("worker", [python, "-m", *jobs]),
        Program("live", [python, "-m", *live]),
    ]


def serve(
    extra_processes: Sequence[Program] = (),
    *,
    announce: Callable[[], None] | None = None,
    only: Sequence[Program] | None = None,
) -> None:
    """Run everything until SIGTERM, SIGINT (Ctrl-C) or SIGHUP; when this returns nothing of it runs any more.

    extra_processes: beside the product's own. announce: called once, when pages answer. only: instead of the
    product's own (tests).
    """
    with _signals() as stopping, _database() as server:
        prepare.all_ready()
        children = [Child(program) for program in [*(programs() if only is None else only), *extra_processes]]
        try:
            threading.Thread(target=_announce_when_ready, args=(announce, stopping), daemon=True).start()
            _watch(children, server, stopping)
        finally:
            stopping.set()
            _stop(children)


def _watch(children: Sequence[Child], server: Postgres | None, stopping: threading.Event) -> None:
    while not stopping.is_set():
        if server is not None and server.ping() != pq.Ping.OK:
            log.warning("the embedded database does not answer, starting it")
            server.ensure()
        for child in children:
            child.look()
        stopping.wait(LOOK)


def _stop(children: Sequence[Child]) -> None:
    for child in children:
        child.ask_to_stop()
    deadline = time.monotonic() + PATIENCE
    for child in children:
        child.wait_until(deadline)


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that any request to stop sets; further requests change nothing, so that stopping runs to its end."""
    stopping = threading.Event()
    hang_up = [] if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else [signal.SIGHUP]  # nohup means it
    asked = [signal.SIGTERM, signal.SIGINT, *hang_up]
    before = {one: signal.signal(one, lambda *_: stopping.set()) for one in asked}
    try:
        yield stopping
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _database():  # type: ignore[no-untyped-def]
    """The embedded server for as long as we serve; nothing when a server was named."""
    if settings.DATABASE_URL:
        return nullcontext()
    return database.embedded(settings.VAR, settings.POSTGRES_BIN).lease()


# --- Telling that it is ready ---------------------------------------------------------------------------------------


def address() -> str:
    shown = "localhost" if settings.HOST in ("127.0.0.1", "0.0.0.0", "::", "::1") else settings.HOST
    return f"http://{shown}:{settings.PORT}/"


def _announce_when_ready(announce: Callable[[], None] | None, stopping: threading.Event) -> None:
    while not stopping.is_set() and not _answers():
        stopping.wait(LOOK)
    if not stopping.is_set():
        print(f"就绪 ready: {address()}", flush=True)
        if announce is not None:
            announce()


def _answers() -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)
    connection = http.client.HTTPConnection(host, settings.PORT, timeout=3)
    try:
        connection.request("GET", "/healthz", headers={"Host": _allowed_host()})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _allowed_host() -> str:
    first = (settings.ALLOWED_HOSTS or ["localhost"])[0]
    return "localhost" if first == "*" else first.lstrip(".")
