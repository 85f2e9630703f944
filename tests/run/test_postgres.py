"""The embedded server: one however many start it, back after kill -9, gone with its last user, safe against root's rules."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import pq

from bihuan.run import account, binaries
from bihuan.run.postgres import APPLICATION, OWNER, Postgres, PostgresFailed


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server that has never been started; pytest's own directories are closed to the server's account."""
    import tempfile

    home = Path(tempfile.mkdtemp(prefix="bihuan-pg-"))
    home.chmod(0o711)
    made = Postgres(home / "postgres", throwaway=True)
    yield made
    made.stop()
    subprocess.run(["rm", "-rf", str(home)], check=True)


def _uses(server: Postgres, seconds: float) -> subprocess.Popen[str]:
    """Another process that leases the server, prints its postmaster's pid and stays for a while."""
    program = (
        "import sys, time; from pathlib import Path; from bihuan.run.postgres import Postgres\n"
        "with Postgres(Path(sys.argv[1]), throwaway=True).lease() as server:\n"
        "    print(server.pid(), flush=True); time.sleep(float(sys.argv[2]))"
    )
    command = [sys.executable, "-c", program, str(server.place), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_three_starts_at_once_make_one_server(server: Postgres) -> None:
    users = [_uses(server, 1.0) for _ in range(3)]
    pids = {_said(user) for user in users}
    assert len(pids) == 1 and pids != {"None"}
    assert [user.wait(30) for user in users] == [0, 0, 0]
    assert server.ping() == pq.Ping.NO_RESPONSE, "the last to leave stops it"


def test_a_killed_user_does_not_keep_the_server_for_ever(server: Postgres) -> None:
    with server.lease():
        user = _uses(server, 60)
        _said(user)
        user.kill()
        user.wait()
    assert server.pid() is None


def test_an_early_leaver_does_not_stop_it_under_the_others(server: Postgres) -> None:
    with server.lease():
        user = _uses(server, 0)
        assert user.wait(30) == 0
        assert server.ping() == pq.Ping.OK


def test_kill_9_loses_nothing_and_the_next_start_recovers(server: Postgres) -> None:
    server.throwaway = False  # what is committed must be on disk
    with server.lease():
        with psycopg.connect(**server.parameters(OWNER), autocommit=True) as owner:
            owner.execute("CREATE TABLE kept (n int)")
            owner.execute("INSERT INTO kept VALUES (42)")
        before = server.pid()
        assert before is not None
        os.kill(before, signal.SIGKILL)
        _until(lambda: server.ping() != pq.Ping.OK)
        server.ensure()
        assert server.pid() not in (None, before)
        with psycopg.connect(**server.parameters(OWNER)) as owner:
            assert owner.execute("SELECT n FROM kept").fetchone() == (42,)


def test_a_server_told_to_stay_stays(server: Postgres) -> None:
    with server.lease():
        server.keep()
    assert server.ping() == pq.Ping.OK
    server.keep(False)
    with server.lease():
        pass
    assert server.pid() is None


def test_the_applications_role_is_no_superuser_and_needs_its_password(server: Postgres) -> None:
    with server.lease():
        with psycopg.connect(**server.parameters(APPLICATION)) as application:
            assert application.execute(
                "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
            ).fetchone() == (False, False, False)
            assert application.execute("SHOW data_checksums").fetchone() == ("on",)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(**server.parameters() | {"password": "wrong"})


def test_secrets_are_readable_by_their_owner_only(server: Postgres) -> None:
    with server.lease():
        for secret in (*server.place.glob("*.password"), server.data, server.socket):
            assert secret.stat().st_mode & 0o077 == 0


def test_a_long_path_moves_the_socket_not_the_data(tmp_path: Path) -> None:
    deep = tmp_path / ("很深的目录" * 8)
    made = Postgres(deep / "postgres")
    assert len(os.fsencode(made.socket)) < 90
    assert made.socket == Postgres(deep / "postgres").socket, "every process finds the same one"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a server's account of its own")
def test_a_home_closed_to_the_servers_account_is_not_opened(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    made = Postgres(closed / "var" / "postgres")
    assert made.place.parent == Path("/var/lib")
    assert closed.stat().st_mode & 0o777 == 0o700
    assert account.for_server().blocked_at(closed) is not None


def test_a_broken_start_says_what_the_log_says(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    with server.lease():
        pass
    (server.data / "global" / "pg_control").rename(server.data / "gone")
    monkeypatch.setattr("bihuan.run.postgres.PATIENCE", 1.0)
    with pytest.raises(PostgresFailed, match="pg_control"):
        server.ensure()


def test_the_newest_programs_are_chosen_and_an_old_directory_gets_its_own() -> None:
    majors = [found.major for found in binaries.installed()]
    assert binaries.find().major == majors[0]
    assert all(binaries.find(major=major).major == major for major in majors)
    with pytest.raises(binaries.NoPostgres, match="PostgreSQL 9"):
        binaries.find(major=9)


def _until(happened, seconds: float = 10) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_programs_copied_beside_the_data_still_find_their_libraries(tmp_path: Path) -> None:
    found = binaries.find()
    found.copy_to(tmp_path / "server")
    copied = found.moved_to(tmp_path / "server")
    said = subprocess.run([copied.path("initdb"), "--version"], capture_output=True, text=True, check=True).stdout
    assert f" {found.major}." in said
