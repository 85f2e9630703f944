"""A throwaway PostgreSQL for a run of the tests, shared by the workers, and a migrated database for each of them.

The migrated cluster is kept between runs under a key of everything that shapes it, so most runs only copy it.
Run as a program, it starts a second throwaway server and passes it on as DATABASE_URL, as production does:

    python -m tests.cluster -- python -m pytest -m either_server
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bihuan.run.postgres import APPLICATION, OWNER, Postgres

PROJECT = Path(__file__).resolve().parent.parent
TEMPORARY = Path(tempfile.gettempdir())
RUNS, CACHE = "bihuan-test-run-", f"bihuan-test-cache-{os.getuid()}-"
TEMPLATE = "bihuan_template"
_held: list[object] = []


def announce() -> None:
    """Name the servers and the data directory of this run in the environment, before Django's settings are read.

    The first process of a run makes the directory; xdist's workers inherit its name.
    """
    if "BIHUAN_TEST_HOME" not in os.environ:
        _sweep_dead_runs()
        home = Path(tempfile.mkdtemp(prefix=RUNS))
        home.chmod(0o711)
        _held.append(_hold(home / "alive"))
        os.environ["BIHUAN_TEST_HOME"] = str(home)
        os.environ["BIHUAN_TEST_SHAPE"] = _shape()  # once: a file saved during the run must not split it in two
        os.environ["BIHUAN_TEST_SERVER"] = "given" if os.environ.get("DATABASE_URL") else "ours"
    os.environ["BIHUAN_VAR"] = str(_home() / f"var-{worker()}")
    if os.environ["BIHUAN_TEST_SERVER"] == "ours":
        for name, role in (("DATABASE_URL", APPLICATION), ("DATABASE_OWNER_URL", OWNER)):
            os.environ[name] = make_conninfo(**_parameters(role))
    else:
        for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
            os.environ[name] = make_conninfo(os.environ[name], dbname=database())


def worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def database() -> str:
    return f"bihuan_test_{worker()}"


def make_database() -> None:
    """A migrated database of our own, on a server that runs now."""
    with _lock(_home() / "prepare.lock"):
        if os.environ["BIHUAN_TEST_SERVER"] == "ours":
            _start()
        elif not (_home() / "migrated").exists():
            _migrate_given()
        _owner_runs(
            f"DROP DATABASE IF EXISTS {database()} WITH (FORCE)", f"CREATE DATABASE {database()} TEMPLATE {TEMPLATE}"
        )


def drop_database() -> None:
    _owner_runs(f"DROP DATABASE IF EXISTS {database()} WITH (FORCE)")


def end() -> None:
    """Stop the server and remove the run's directory; only the process that announced the run does."""
    if _held:
        _remove(_home())
        _held.clear()


def empty_tables() -> None:
    """Remove all rows, as the owner: the application's role has no such right. For tests that commit."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("SET lock_timeout = '15s'")
        names = [row[0] for row in owner.execute(_TABLES, [list(_KEPT)]).fetchall()]
        asked = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(sql.Literal(name), sql.Identifier(name))
            for name in names
        )
        full = [sql.Identifier(row[0]) for row in owner.execute(asked).fetchall()]
        if full:
            owner.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(sql.SQL(", ").join(full)))


_KEPT = ("django_migrations", "django_content_type", "auth_permission")
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)"


# --- Our own server -------------------------------------------------------------------------------------------------


def _home() -> Path:
    return Path(os.environ["BIHUAN_TEST_HOME"])


def _server(place: Path) -> Postgres:
    return Postgres(place, throwaway=True)


def _parameters(role: str) -> dict[str, str]:
    """Known before the server is made: the passwords are part of the kept cluster."""
    return _server(_cached() / "postgres").parameters(role, database()) | {
        "host": str(_server(_home() / "postgres").socket)
    }


def _start() -> None:
    place = _home() / "postgres"
    if not place.exists():
        _make_cached()
        subprocess.run(["cp", "-a", "--reflink=auto", _cached() / "postgres", place], check=True)
    _server(place).ensure()


def _make_cached() -> None:
    place = _cached() / "postgres"
    with _lock(_cached() / "lock"):
        if (_cached() / "ready").exists():
            return
        server = _server(place)
        server.ensure()
        try:
            _migrate(make_conninfo(**server.parameters(APPLICATION)), make_conninfo(**server.parameters(OWNER)))
        finally:
            server.stop()
        (_cached() / "ready").touch()


def _cached() -> Path:
    directory = TEMPORARY / f"{CACHE}{os.environ['BIHUAN_TEST_SHAPE']}"
    if not directory.exists():
        for old in TEMPORARY.glob(f"{CACHE}*"):
            if old.stat().st_mtime < _an_hour_ago():
                shutil.rmtree(old, ignore_errors=True)
        directory.mkdir(mode=0o711, exist_ok=True)
    return directory


def _an_hour_ago() -> float:
    return (_home() / "alive").stat().st_mtime - 3600


def _shape() -> str:
    """A key of all that decides what a migrated cluster looks like."""
    sources = [
        *PROJECT.glob("bihuan/*/migrations/*.py"),
        *PROJECT.glob("bihuan/*/models.py"),
        *PROJECT.glob("bihuan/run/*.py"),
    ]
    digest = hashlib.sha256(str(PROJECT).encode())
    for file in sorted([*sources, PROJECT / "requirements" / "run.txt", PROJECT / "tests" / "cluster.py"]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _migrate(url: str, owner_url: str) -> None:
    """Migrate a fresh template database in a process of its own, by the command operators use."""
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
        owner.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
    urls = {"DATABASE_URL": url, "DATABASE_OWNER_URL": owner_url}
    named = {name: make_conninfo(value, dbname=TEMPLATE) for name, value in urls.items()}
    command = [sys.executable, "-m", "bihuan", "migrate", "-v", "0", "--skip-checks"]
    done = subprocess.run(command, env=os.environ | named, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"bihuan migrate failed:\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}")


# --- A server that was given ----------------------------------------------------------------------------------------


def _migrate_given() -> None:
    maintenance = make_conninfo(os.environ["DATABASE_OWNER_URL"], dbname="postgres")
    _migrate(os.environ["DATABASE_URL"], maintenance)
    (_home() / "migrated").touch()


def _owner_runs(*statements: str) -> None:
    with psycopg.connect(make_conninfo(os.environ["DATABASE_OWNER_URL"], dbname="postgres"), autocommit=True) as owner:
        for statement in statements:
            owner.execute(statement)


# --- Runs that died -------------------------------------------------------------------------------------------------


def _hold(path: Path) -> object:
    file = path.open("w")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _sweep_dead_runs() -> None:
    """A run killed with -9 leaves its server behind; the next run stops it."""
    for home in TEMPORARY.glob(f"{RUNS}*"):
        try:
            file = _hold(home / "alive")
        except OSError:  # held by a living run, or half made, or somebody else's
            continue
        _remove(home)
        file.close()  # type: ignore[attr-defined]


def _remove(home: Path) -> None:
    for place in home.glob("*postgres"):
        _server(place).stop()
    shutil.rmtree(home, ignore_errors=True)


def main(command: list[str]) -> int:
    home = Path(tempfile.mkdtemp(prefix=RUNS))
    home.chmod(0o711)
    alive = _hold(home / "alive")
    server = _server(home / "postgres")
    server.ensure()
    urls = {"DATABASE_URL": APPLICATION, "DATABASE_OWNER_URL": OWNER}
    given = {name: _as_url(server.parameters(role)) for name, role in urls.items()}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return subprocess.run(command, env=os.environ | given, check=False).returncode
    finally:
        _remove(home)
        alive.close()  # type: ignore[attr-defined]


def _as_url(parameters: dict[str, str]) -> str:
    """As an operator writes it: postgresql://user:password@/name?host=..."""
    known = conninfo_to_dict(make_conninfo(**parameters))
    return (
        f"postgresql://{known['user']}:{known['password']}@/{known['dbname']}?host={known['host']}&port={known['port']}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[sys.argv.index("--") + 1 :]))
