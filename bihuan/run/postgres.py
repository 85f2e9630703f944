"""The embedded PostgreSQL: made at the first start, recovered after any crash, stopped by its last user.

    server = Postgres(var / "postgres")
    with server.lease():        # running now; stops afterwards unless somebody else still leases it
        ...

Everything is decided by locks that the kernel drops with their process, so `kill -9` of anything leaves nothing to
clean up: `start.lock` lets one process start at a time, `users.lock` is held (shared) by everybody who uses the server.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import pq, sql

from bihuan.run import account, binaries, secrets

OWNER, APPLICATION, DATABASE = "bihuan_owner", "bihuan_app", "bihuan"
LONGEST_SOCKET = 100  # bytes; the kernel allows 107 for the whole path, ".s.PGSQL.5432" included
PATIENCE = 120.0  # seconds for a start, recovery from the log included
PAUSE = 0.05


class PostgresFailed(Exception):
    """The embedded server cannot be started; the message says why, in its own log's words."""


class Postgres:
    """One data directory and the server on it.

    home: where the data is kept. When we are root and the server's account cannot enter it (a parent is 0700), a
    directory under /var/lib named after `home` is used instead; `place` is the one in use.
    throwaway: for tests; nothing is synced to disk.
    """

    def __init__(self, home: Path, *, given: Path | None = None, throwaway: bool = False) -> None:
        self.account = account.for_server()
        self.place = home if self.account.reaches(home.parent) else self._other_place(home)
        self.data = self.place / "data"
        self.throwaway = throwaway
        self._given = given
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def _other_place(home: Path) -> Path:
        return Path("/var/lib") / f"bihuan-{_digest(home)}"

    # --- How to reach it --------------------------------------------------------------------------------------------

    def parameters(self, role: str = APPLICATION, database: str = DATABASE) -> dict[str, str]:
        """psycopg's connection parameters for one role. Does not start the server."""
        self._make_place()
        password = secrets.made(self.place, f"{role}.password", size=24)
        return {"host": str(self.socket), "port": "5432", "user": role, "password": password, "dbname": database}

    @property
    def socket(self) -> Path:
        """The directory of the unix socket: ours, or one under the temporary directory when our path is too long."""
        ours = self.place / "socket"
        if len(os.fsencode(ours / ".s.PGSQL.5432")) <= LONGEST_SOCKET:
            return ours
        return Path(tempfile.gettempdir()) / f"bihuan-{_digest(self.place)}"

    @property
    def log(self) -> Path:
        return self.place / "server.log"

    def programs(self) -> binaries.Binaries:
        version = self.data / "PG_VERSION"
        major = int(version.read_text()) if version.exists() else None
        return binaries.find(major=major, given=self._given)

    def ping(self) -> pq.Ping:
        """OK, REJECT (starting or stopping) or NO_RESPONSE; needs no password."""
        target = f"host='{self.socket}' port=5432 dbname=postgres connect_timeout=3"
        return pq.Ping(pq.PGconn.ping(target.encode()))

    def pid(self) -> int | None:
        """The running postmaster's pid, or None. A dead, half-dead or foreign process does not count."""
        file = self.data / "postmaster.pid"
        try:
            pid = int(file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        return pid if _works_in(pid, self.data) else None

    # --- Life -------------------------------------------------------------------------------------------------------

    @contextmanager
    def lease(self) -> Iterator["Postgres"]:
        """The server is up inside the block. The last one to leave stops it, unless `keep()` was said."""
        self._make_place()
        with self._lock("users.lock", fcntl.LOCK_SH) as users:
            self.ensure()
            try:
                yield self
            finally:
                if not self.kept and _try_alone(users):
                    self.stop()

    def ensure(self) -> None:
        """Up and answering when this returns; at most one of several callers starts it.

        Raises PostgresFailed with the end of the server's log.
        """
        self._make_place()
        with self._lock("start.lock", fcntl.LOCK_EX):
            if self.ping() == pq.Ping.OK:
                return
            self._require_way()
            if not (self.data / "PG_VERSION").exists():
                self._initialise()
            self._start()
            self._make_roles()

    def stop(self) -> None:
        """Stop it in order (running transactions are rolled back); by force after half a minute."""
        for how in (signal.SIGINT, signal.SIGQUIT):
            pid = self.pid()
            if pid is None:
                break
            os.kill(pid, how)
            if self._wait_until_gone(30):
                break
        if self._process is not None:
            self._process.wait(timeout=30)
            self._process = None

    def keep(self, yes: bool = True) -> None:
        """Let the server run on when its last user leaves (`bihuan db start`), or no longer (`bihuan db stop`)."""
        mark = self.place / "keep"
        mark.touch() if yes else mark.unlink(missing_ok=True)

    @property
    def kept(self) -> bool:
        return (self.place / "keep").exists()

    # --- Steps of a start -------------------------------------------------------------------------------------------

    def _make_place(self) -> None:
        """The directory that holds it all: ours, and passable for the server's account, which owns `data` inside."""
        self.place.mkdir(parents=True, exist_ok=True)
        if self.place.stat().st_uid == os.geteuid():
            self.place.chmod(0o711)

    def _require_way(self) -> None:
        blocked = self.account.blocked_at(self.place) if self.account.dropped else None
        if blocked:
            raise PostgresFailed(f"数据库账户进不了目录 {blocked}。请用 BIHUAN_VAR 换一个数据目录，或用普通账户运行。")
        self.account.owns(self.socket)

    def _initialise(self) -> None:
        """initdb beside, then move into place: an interrupted one leaves no half-made data directory."""
        draft = self.place / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        self.account.owns(draft)
        password = self._password_file()
        try:
            self._run(self._initdb(draft, password))
        finally:
            password.unlink()
        draft.rename(self.data)

    def _initdb(self, draft: Path, password: Path) -> list[str]:
        found = self._reachable(self.programs())
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            if found.major >= 17
            else ["--locale=C"]
        )
        options = [*locale, "--encoding=UTF8", "--auth=scram-sha-256", "--data-checksums", f"--username={OWNER}"]
        unsynced = ["--no-sync"] if self.throwaway else []
        return [found.path("initdb"), *options, *unsynced, f"--pwfile={password}", "-D", str(draft)]

    def _password_file(self) -> Path:
        """The owner's password where initdb's account can read it, and nobody else."""
        file = self.socket / f"initdb.{os.getpid()}"
        file.touch(mode=0o600)
        file.write_text(self.parameters(OWNER)["password"])
        if self.account.dropped:
            os.chown(file, self.account.uid, self.account.gid)
        return file

    def _start(self) -> None:
        """Start until it answers. After kill -9 the dead one's traces may refuse a new one for some seconds."""
        deadline = time.monotonic() + PATIENCE
        while self.ping() != pq.Ping.OK:
            if self.pid() is None and not self._starting():
                self._clear_dead_pid_file()
                self._launch()
            if time.monotonic() > deadline:
                raise PostgresFailed(f"数据库没有起来。日志 {self.log} 的末尾：\n{self._log_tail()}")
            time.sleep(PAUSE)

    def _starting(self) -> bool:
        if self._process is None or self._process.poll() is None:
            return self._process is not None
        time.sleep(0.3)  # it gave up: most often the dead one's memory is still held
        return False

    def _launch(self) -> None:
        found = self._reachable(self.programs())
        settings = [part for key, value in self._configuration().items() for part in ("-c", f"{key}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [found.path("postgres"), "-D", str(self.data), *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_clean_environment(),
                start_new_session=True,
                **self.account.options(),
            )

    def _clear_dead_pid_file(self) -> None:
        """Remove postmaster.pid when its process is a zombie nobody reaps and no process works on the data any more."""
        file = self.data / "postmaster.pid"
        if not file.exists() or not sys.platform.startswith("linux"):
            return
        pid = file.read_text().split("\n", 1)[0]
        if pid.isdigit() and _is_zombie(int(pid)) and not _anyone_works_in(self.data):
            file.unlink(missing_ok=True)

    def _reachable(self, found: binaries.Binaries) -> binaries.Binaries:
        """The same programs, or a copy beside the data when the server's account cannot enter their directory."""
        if self.account.reaches(found.directory):
            return found
        copy = self.place / f"server-{found.major}"
        if not copy.exists():
            draft = self.place / f"server.{os.getpid()}"
            found.copy_to(draft)
            draft.rename(copy)
        return found.moved_to(copy)

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd="/",
            env=_clean_environment(),
            check=False,
            **self.account.options(),
        )
        if done.returncode:
            raise PostgresFailed(f"{Path(command[0]).name} 失败：\n{done.stderr.strip()}")

    def _make_roles(self) -> None:
        """The application's role and the database; both exist after the first start."""
        password = self.parameters(APPLICATION)["password"]
        with psycopg.connect(**self.parameters(OWNER, "postgres"), autocommit=True) as owner:
            if not owner.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APPLICATION]).fetchone():
                owner.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                        sql.Identifier(APPLICATION), sql.Literal(password)
                    )
                )
            if not owner.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                owner.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(DATABASE)))

    def _configuration(self) -> dict[str, str]:
        return {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket),
            "unix_socket_permissions": "0700",
            "port": "5432",
            "max_connections": "100",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "lc_messages": "C",
            "log_line_prefix": "%m [%p] %u ",
            "log_error_verbosity": "terse",  # the detail of a failure quotes rows, and rows hold residents' words
            "random_page_cost": "1.1",
            "jit": "off",
            "wal_compression": "on",
            "dynamic_shared_memory_type": _shared_memory(),
            **(_throwaway() if self.throwaway else _tuned(_memory())),
        }

    # --- Locks and waiting ------------------------------------------------------------------------------------------

    @contextmanager
    def _lock(self, name: str, how: int) -> Iterator[int]:
        file = os.open(self.place / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, how)
            yield file
        finally:
            os.close(file)

    def _wait_until_gone(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.pid() is not None:
            if self._process is not None:
                self._process.poll()  # reap our own child, or it stays a zombie
            if time.monotonic() > deadline:
                return False
            time.sleep(PAUSE)
        return True

    def _log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-12:]) if self.log.exists() else ""


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:10]


def _try_alone(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _clean_environment() -> dict[str, str]:
    """Without PG* variables of the caller, which would steer initdb and the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _memory() -> int:
    """Megabytes of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def _tuned(memory: int) -> dict[str, str]:
    return {
        "shared_buffers": f"{max(128, min(1024, memory // 8))}MB",
        "effective_cache_size": f"{max(256, memory // 2)}MB",
        "maintenance_work_mem": f"{max(64, min(512, memory // 32))}MB",
        "work_mem": "16MB",
        "max_wal_size": "2GB",  # stays on disk once it was used, and is what a start after kill -9 may have to replay
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
    }


def _throwaway() -> dict[str, str]:
    return {
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "shared_buffers": "128MB",
        "max_wal_size": "1GB",
    }


def _shared_memory() -> str:
    """Containers often give /dev/shm 64 MB, too little for parallel queries: then files in the data directory."""
    shm = Path("/dev/shm")
    return "posix" if not shm.exists() or shutil.disk_usage(shm).total >= 2**28 else "mmap"


def _works_in(pid: int, directory: Path) -> bool:
    """Whether that process lives and works in `directory`, as every PostgreSQL process does in its data directory."""
    if not sys.platform.startswith("linux"):
        return _lives(pid)
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == directory.resolve()
    except OSError:  # gone, a zombie (which has no directory), or not ours to see
        return False


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def _anyone_works_in(directory: Path) -> bool:
    return any(_works_in(int(entry.name), directory) for entry in Path("/proc").iterdir() if entry.name.isdigit())
