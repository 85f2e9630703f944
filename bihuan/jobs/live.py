"""Live hints to browsers by server-sent events: `GET /live/?topics=area:5,unit:9&token=...`, run by uvicorn.

One connection to PostgreSQL listens for the whole process. What changed is gathered per screen as a set of topics, so a
slow screen gets one hint for many changes and never a queue that grows. When PostgreSQL goes away the process connects
again, and then hints at everything, because it cannot know what it missed. Nothing but names of topics leaves here.
"""

import asyncio
import logging
import logging.config
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bihuan.settings")

import psycopg
from django.conf import settings

from bihuan.jobs import hints

log = logging.getLogger(__name__)

PING = 25.0  # seconds; proxies cut a silent connection after 30 or 60
AGAIN = (0.5, 1.0, 2.0, 5.0)  # seconds before the first, second ... attempt to listen again
MOST_SCREENS = 18_000  # a process may hold about 20,000 files

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Screen:
    """One browser: the topics it wants, and those that changed since it was last told."""

    __slots__ = ("changed", "topics", "woken")

    def __init__(self, topics: frozenset[str]) -> None:
        self.topics = topics
        self.changed: set[str] = set()
        self.woken = asyncio.Event()

    def hint(self, topics: Iterable[str]) -> None:
        self.changed.update(topics)
        self.woken.set()

    async def next(self, patience: float) -> list[str]:
        """What changed, as soon as anything did; nothing after `patience` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self.woken.wait()
        self.woken.clear()
        changed, self.changed = sorted(self.changed), set()
        return changed


class Switchboard:
    """The screens by topic, and the one connection that hears what changed."""

    def __init__(self) -> None:
        self.screens: dict[str, set[Screen]] = {}
        self.watching = 0
        self.listening = False

    def join(self, screen: Screen) -> None:
        self.watching += 1
        for topic in screen.topics:
            self.screens.setdefault(topic, set()).add(screen)

    def leave(self, screen: Screen) -> None:
        self.watching -= 1
        for topic in screen.topics:
            self.screens[topic].discard(screen)
            if not self.screens[topic]:
                del self.screens[topic]

    def hint(self, topics: Iterable[str]) -> None:
        for topic in topics:
            for screen in self.screens.get(topic, ()):
                screen.hint((topic,))

    async def listen(self) -> None:
        """Pass on what PostgreSQL tells, for ever; a lost connection is made again."""
        failures = 0
        while True:
            try:
                async for topics in _told():
                    failures = 0
                    if topics is None:  # just connected
                        self.listening = True
                        self.hint(list(self.screens))
                    else:
                        self.hint(topics)
            except (OSError, psycopg.Error) as error:
                log.warning("cannot hear the database: %s", type(error).__name__)
            self.listening = False
            await asyncio.sleep(AGAIN[min(failures, len(AGAIN) - 1)])
            failures += 1


async def _told() -> AsyncIterator[list[str] | None]:
    """None once the connection listens, then the topics of every notification until the connection ends."""
    # Keepalives, because a listener that never speaks would not notice a server that vanished.
    alive = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
    parameters: dict[str, Any] = {**settings.APPLICATION, **alive, "application_name": "bihuan live"}
    async with await psycopg.AsyncConnection.connect(**parameters, autocommit=True) as connection:
        await connection.execute(f"LISTEN {hints.CHANNEL}")
        yield None
        async for notice in connection.notifies():
            yield notice.payload.split()


switchboard = Switchboard()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application."""
    if scope["type"] == "lifespan":
        return await _lifespan(receive, send)
    if scope["type"] != "http":
        return None
    if scope["path"].rstrip("/") == "/live/healthz":
        return await _health(send)
    if scope["path"].rstrip("/") != "/live" or scope["method"] != "GET":
        return await _answer(send, 404, b"not found")
    return await _stream(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    logging.config.dictConfig(settings.LOGGING)
    listener: asyncio.Task[None] | None = None
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            listener = asyncio.create_task(switchboard.listen())
            await send({"type": "lifespan.startup.complete"})
        else:
            if listener:
                listener.cancel()
            return await send({"type": "lifespan.shutdown.complete"})


async def _health(send: Send) -> None:
    body = f'{{"listening": {str(switchboard.listening).lower()}, "screens": {switchboard.watching}}}'
    await _answer(send, 200 if switchboard.listening else 503, body.encode(), b"application/json")


async def _answer(send: Send, status: int, body: bytes, kind: bytes = b"text/plain; charset=utf-8") -> None:
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _stream(scope: Scope, receive: Receive, send: Send) -> None:
    query = parse_qs(scope["query_string"].decode("latin-1"))
    topics = [topic for topic in query.get("topics", [""])[0].split(",") if topic]
    try:
        grant = hints.granted(query.get("token", [""])[0], topics)
    except hints.NoSuchToken as error:
        return await _answer(send, 403, str(error).encode())
    if switchboard.watching >= MOST_SCREENS:
        return await _answer(send, 503, "打开的屏幕太多，请稍后再试。".encode())
    await send({"type": "http.response.start", "status": 200, "headers": _headers(scope)})
    return await _talk(Screen(grant.topics), receive, send)


def _headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),  # nginx would hold hints back
        (b"vary", b"origin"),
    ]
    asked = dict(scope["headers"])
    origin = asked.get(b"origin", b"")
    if origin and _is_ours(origin.decode("latin-1"), asked.get(b"host", b"").decode("latin-1")):
        headers.append((b"access-control-allow-origin", origin))
    return headers


def _is_ours(origin: str, host: str) -> bool:
    """Whether a page of this origin may read: the same host on any port, the public address, or a trusted one."""
    same_host = urlsplit(origin).hostname == urlsplit(f"//{host}").hostname
    return same_host or origin in (settings.PUBLIC_URL, *settings.CSRF_TRUSTED_ORIGINS)


async def _talk(screen: Screen, receive: Receive, send: Send) -> None:
    """Tell the screen what changes until it goes away."""
    switchboard.join(screen)
    gone = asyncio.create_task(_gone(receive, screen))
    try:
        await _say(send, b": hello\n\n")
        while not gone.done():
            changed = await screen.next(PING)
            if not gone.done():
                await _say(send, f"data: {' '.join(changed)}\n\n".encode() if changed else b": ping\n\n")
    except OSError:  # the browser went away while we spoke
        log.debug("a screen went away")
    finally:
        gone.cancel()
        switchboard.leave(screen)


async def _gone(receive: Receive, screen: Screen) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    screen.woken.set()


async def _say(send: Send, words: bytes) -> None:
    await send({"type": "http.response.body", "body": words, "more_body": True})
