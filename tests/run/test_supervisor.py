"""The supervisor restarts what dies, and leaves nothing behind however it ends itself."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

PROJECT = Path(__file__).resolve().parents[2]
RESTLESS = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(300)"
WITH_A_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {RESTLESS!r}, sys.argv[1]]).wait()"
SERVE = """
import sys, django; django.setup()
from bihuan.run.supervisor import Program, serve
serve(only=[Program("one", [sys.executable, "-c", sys.argv[1], sys.argv[2]])])
"""


def _until(happened: Callable[[], object], seconds: float = 30) -> object:
    deadline = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found


def _free_port() -> int:
    """A port whose neighbour is free too: live hints use it."""
    while True:
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                two.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def _environment(**more: str) -> dict[str, str]:
    given = {"DJANGO_SETTINGS_MODULE": "bihuan.settings", "BIHUAN_DEBUG": "1", "PORT": str(_free_port())}
    return os.environ | given | more


@pytest.fixture
def supervised(
    tmp_path: Path, request: pytest.FixtureRequest, transactional_db: None
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A supervisor of one child that writes its pid into a file each time it starts."""
    pids = tmp_path / "pids"
    command = [sys.executable, "-c", SERVE, getattr(request, "param", RESTLESS), str(pids)]
    process = subprocess.Popen(command, env=_environment(), cwd=PROJECT)
    _until(lambda: _pids(pids) or process.poll() is not None)
    assert process.poll() is None, "it did not come up; its own words are above"
    yield process, pids
    process.kill()
    process.wait()


def _pids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def _lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_killed_child_starts_again(supervised: tuple[subprocess.Popen[bytes], Path]) -> None:
    supervisor, pids = supervised
    os.kill(_pids(pids)[0], signal.SIGKILL)
    _until(lambda: len(_pids(pids)) == 2)
    assert supervisor.poll() is None


@pytest.mark.parametrize("supervised", [RESTLESS, WITH_A_CHILD], indirect=True, ids=["child", "grandchild"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_stops_everything(
    supervised: tuple[subprocess.Popen[bytes], Path], how: signal.Signals
) -> None:
    supervisor, pids = supervised
    supervisor.send_signal(how)
    assert supervisor.wait(30) == 0
    assert not any(_lives(pid) for pid in _pids(pids))


def test_a_killed_supervisor_takes_its_children_with_it(supervised: tuple[subprocess.Popen[bytes], Path]) -> None:
    supervisor, pids = supervised
    supervisor.kill()
    supervisor.wait()
    _until(lambda: not _lives(_pids(pids)[0]))


# --- The whole product ----------------------------------------------------------------------------------------------


def _ready(port: int) -> dict[str, object]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)
    except OSError:
        return {"ready": False}


@pytest.fixture
def product() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`bihuan serve` on an embedded database of its own, as an administrator starts it."""
    import tempfile

    var = Path(tempfile.mkdtemp(prefix="bihuan-serve-"))
    var.chmod(0o755)
    environment = _environment(BIHUAN_VAR=str(var), DATABASE_URL="", DATABASE_OWNER_URL="")
    process = subprocess.Popen([sys.executable, "-m", "bihuan", "serve"], env=environment, cwd=PROJECT)
    yield process, int(environment["PORT"])
    process.kill()
    process.wait()
    subprocess.run([sys.executable, "-m", "bihuan", "db", "stop"], env=environment, cwd=PROJECT, check=True)
    subprocess.run(["rm", "-rf", str(var)], check=True)


@pytest.mark.slow
def test_serve_survives_kill_9_of_each_of_its_processes(product: tuple[subprocess.Popen[bytes], int]) -> None:
    serve, port = product
    _until(lambda: _ready(port).get("ready"), 90)
    family = psutil.Process(serve.pid).children()
    names = {" ".join(child.cmdline()) for child in family}
    for wanted in ("granian", "bihuan pump", "procrastinate worker", "uvicorn", "postgres -D"):
        assert any(wanted in name for name in names), f"{wanted} is not among {names}"
    for child in family:
        child.kill()
    _until(lambda: len(psutil.Process(serve.pid).children()) >= len(family), 60)
    _until(lambda: _ready(port).get("ready"), 60)
    everybody = psutil.Process(serve.pid).children(recursive=True)
    serve.send_signal(signal.SIGINT)
    assert serve.wait(60) == 0
    assert [one.cmdline() for one in everybody if _lives(one.pid)] == []
