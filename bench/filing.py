"""Filing over HTTP: rate, CPU per request, statements - with durable commits and the pump at work beside it."""

import itertools
import json
import socket
import threading
import time
import uuid
from dataclasses import dataclass

from bench.meter import Meter, cpu

SECONDS = 10
CONNECTIONS = 16


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


def bodies(grids: list[str]) -> list[bytes]:
    """Whole HTTP requests, different in place and words, ready to be sent: the client must cost next to nothing."""
    made = []
    for n, grid in zip(range(2000), itertools.cycle(grids), strict=False):
        body = {
            "type": "投诉",
            "text": f"楼下第{n}号烧烤摊油烟太大，晚上睡不着觉，已经反映过一次，请有关部门来看一看。",
            "place": {"grid": grid},
            "contact": {"name": "王先生", "phone": "138%PHONE%"},
            "client_id": "%CLIENT%",
        }
        made.append(json.dumps(body, ensure_ascii=False).encode())
    return made


def load(port: int, ready: list[bytes], meter: Meter, backlog, *, connections: int = CONNECTIONS) -> Rate:  # type: ignore[no-untyped-def]
    """File as fast as the product takes it for SECONDS, over kept connections; then wait until the pump has caught up."""
    stop, done = threading.Event(), [0] * connections
    threads = [
        threading.Thread(target=_client, args=(port, ready[n::connections], stop, done, n)) for n in range(connections)
    ]
    app, database, began = cpu(meter.app()), cpu(meter.database()), time.perf_counter()
    for thread in threads:
        thread.start()
    time.sleep(SECONDS)
    stop.set()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    app, database = cpu(meter.app()) - app, cpu(meter.database()) - database
    left, since = backlog(), time.perf_counter()
    while backlog():
        time.sleep(0.05)
    total = sum(done)
    return Rate(
        connections, total, seconds, app / total * 1000, database / total * 1000, left, time.perf_counter() - since
    )


def _client(port: int, bodies: list[bytes], stop: threading.Event, done: list[int], n: int) -> None:
    link = socket.create_connection(("127.0.0.1", port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for body in itertools.cycle(bodies):
        if stop.is_set():
            break
        sender = uuid.uuid4()
        body = body.replace(b"%CLIENT%", str(sender).encode()).replace(b"%PHONE%", b"%08d" % (sender.int % 10**8))
        link.sendall(
            b"POST /api/v1/requests HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        if b" 201 " not in _answer(link)[:20]:
            raise RuntimeError("a filing was refused under load")
        done[n] += 1
    link.close()


def _answer(link: socket.socket) -> bytes:
    """One whole answer; they are small and say their length."""
    data = link.recv(65536)
    while b"\r\n\r\n" not in data:
        data += link.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += link.recv(65536)
    return data
