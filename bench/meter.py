"""Time and processor time of the product's own processes, from outside, while somebody uses it."""

import http.client
import os
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """A process and everything under it."""
    found, parents = [pid], {pid}
    processes = {int(entry.name): entry for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    grown = True
    while grown:
        grown = False
        for child, entry in processes.items():
            if child not in parents and _parent(entry) in parents:
                found.append(child)
                parents.add(child)
                grown = True
    return found


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def cpu(pids: Iterable[int]) -> float:
    """Seconds of processor time that the processes have used, children that ended included."""
    return sum(_cpu(pid) for pid in pids)


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(field) for field in fields[11:15]) / TICK


@dataclass
class Taken:
    """What a run of equal requests took: wall times in ms, and CPU per request of application and database in ms."""

    walls: list[float]
    app: float
    database: float

    @property
    def median(self) -> float:
        return statistics.median(self.walls)

    @property
    def p95(self) -> float:
        return sorted(self.walls)[int(len(self.walls) * 0.95)]


class Meter:
    """Knows the processes: `app` those that answer, `database` those of PostgreSQL."""

    def __init__(self, app: Callable[[], list[int]], database: Callable[[], list[int]]) -> None:
        self.app, self.database = app, database

    def run(self, deed: Callable[[int], None], *, times: int, warm: int = 10) -> Taken:
        """Do `deed` one after the other, each timed; the first `warm` do not count."""
        for n in range(warm):
            deed(-1 - n)
        app, database = cpu(self.app()), cpu(self.database())
        walls = []
        for n in range(times):
            began = time.perf_counter()
            deed(n)
            walls.append((time.perf_counter() - began) * 1000)
        app, database = cpu(self.app()) - app, cpu(self.database()) - database
        return Taken(walls, app / times * 1000, database / times * 1000)


class Browser:
    """One kept connection with a session's cookies."""

    def __init__(self, port: int, headers: dict[str, str] | None = None) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = headers or {}

    def get(self, path: str, *, expect: int = 200) -> bytes:
        return self.send("GET", path, expect=expect)

    def send(self, method: str, path: str, body: bytes | None = None, expect: int = 200, **headers: str) -> bytes:
        self.connection.request(method, path, body, {**self.headers, **headers})
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != expect:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
        return content
