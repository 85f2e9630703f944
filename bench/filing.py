"""Filing over HTTP: rate, CPU per request, statements - with durable commits and the pump at work beside it."""

import itertools
import json
import random
import select
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.meter import Meter, cpu

SECONDS = 10
CONNECTIONS = 16
MOST_A_SECOND = 4000


@dataclass
class Rate:
    """What a load of filings came to."""

    connections: int
    done: int
    seconds: float
    app: float  # ms of CPU per request
    database: float
    backlog: int  # rows the pump still had to handle when the load ended
    drained: float  # seconds until it had

    @property
    def per_second(self) -> float:
        return self.done / self.seconds


def requests(grids: list[str]) -> Iterator[bytes]:
    """Whole HTTP requests without end, each of another sender from another place in other words."""
    for n, grid in enumerate(itertools.cycle(grids)):
        body = {
            "type": "投诉",
            "text": f"楼下第{n}号烧烤摊油烟太大，晚上睡不着觉，已经反映过一次，请有关部门来看一看。",
            "place": {"grid": grid},
            "contact": {"name": "王先生", "phone": f"138{random.randrange(10**8):08}"},
            "client_id": str(uuid.uuid4()),
        }
        content = json.dumps(body, ensure_ascii=False).encode()
        yield (
            b"POST /api/v1/requests HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(content), content)
        )


def load(
    port: int, source: Iterator[bytes], meter: Meter, backlog: Callable[[], int], *, connections: int = CONNECTIONS
) -> Rate:
    """File as fast as the product takes it for SECONDS, over kept connections; then wait until the pump has caught up.

    The requests are made before: the client shares the processors and must cost next to nothing.
    """
    ready = list(itertools.islice(source, SECONDS * MOST_A_SECOND))
    links = [_connect(port) for _ in range(connections)]
    app, database, began = cpu(meter.app()), cpu(meter.database()), time.perf_counter()
    done = _drive(links, ready, until=began + SECONDS)
    seconds = time.perf_counter() - began
    app, database = cpu(meter.app()) - app, cpu(meter.database()) - database
    left, since = backlog(), time.perf_counter()
    while backlog():
        time.sleep(0.05)
    return Rate(
        connections, done, seconds, app / done * 1000, database / done * 1000, left, time.perf_counter() - since
    )


def _connect(port: int) -> socket.socket:
    link = socket.create_connection(("127.0.0.1", port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def _drive(links: list[socket.socket], ready: list[bytes], *, until: float) -> int:
    """Keep one request under way on each connection until the time is over; how many were answered."""
    waiting, by_number, unsent = select.epoll(), {link.fileno(): link for link in links}, iter(ready)
    for link in links:
        waiting.register(link, select.EPOLLIN)
        link.sendall(next(unsent))
    done, open_links = 0, len(links)
    while open_links:
        for number, _event in waiting.poll():
            _take_answer(by_number[number])
            done += 1
            if time.perf_counter() < until:
                by_number[number].sendall(next(unsent))
            else:
                by_number[number].close()
                open_links -= 1
    waiting.close()
    return done


def _take_answer(link: socket.socket) -> None:
    """One whole answer; they are small and say their length."""
    data = link.recv(65536)
    while b"\r\n\r\n" not in data:
        data += link.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += link.recv(65536)
    if not head.startswith(b"HTTP/1.1 201 "):
        raise RuntimeError(f"a filing was refused under load: {data[:300]!r}")
