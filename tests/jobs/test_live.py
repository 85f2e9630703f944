import asyncio
import http.client
import os
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from types import SimpleNamespace

import psycopg
import pytest
from django.conf import settings
from django.core import signing

from bihuan.jobs import hints, live
from bihuan.jobs.live import Screen, Switchboard

POSTING = SimpleNamespace(pk=5)


def test_a_token_grants_its_topics_and_no_others():
    token = hints.live_token(POSTING, ["area:3", "unit:9"])
    assert hints.granted(token, ["area:3", "all"]) == hints.Grant(5, frozenset({"area:3", "all"}))
    with pytest.raises(hints.NoSuchToken, match="刷新"):
        hints.granted(token, ["area:4"])


@pytest.mark.parametrize(
    "token",
    ["", "forged", signing.dumps({"p": 5, "t": ["area:3"]}, salt="another")],
    ids=["none", "forged", "of another kind"],
)
def test_without_a_good_token_only_the_public_topic_is_granted(token):
    assert hints.granted(token, ["all"]).posting == 0
    with pytest.raises(hints.NoSuchToken):
        hints.granted(token, ["area:3"])


def test_a_token_is_good_for_a_day(monkeypatch):
    token = hints.live_token(None, ["area:3"])
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 24 * 3600 + 1)
    with pytest.raises(hints.NoSuchToken):
        hints.granted(token, ["area:3"])


def test_a_slow_screen_gets_one_hint_for_many_changes():
    async def story():
        board, screen = Switchboard(), Screen(frozenset({"area:3", "all"}))
        board.join(screen)
        for _ in range(1000):
            board.hint(["area:3", "area:4", "all"])
        assert await screen.next(1) == ["all", "area:3"]
        assert await screen.next(0.01) == []
        board.leave(screen)
        assert board.screens == {} and board.watching == 0

    asyncio.run(story())


@pytest.mark.parametrize(
    ("origin", "host", "ours"),
    [
        ("http://localhost:8000", "localhost:8001", True),
        ("https://12345.example.gov.cn", "12345.example.gov.cn", True),
        ("http://evil.example", "localhost:8001", False),
        ("null", "localhost:8001", False),
        ("https://trusted.example", "live.internal:8001", True),
    ],
)
def test_only_our_own_pages_may_read_hints(origin, host, ours, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.example"]
    assert live._is_ours(origin, host) is ours


# The process itself


@pytest.fixture
def port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(port):
    command = [sys.executable, "-m", "uvicorn", "bihuan.jobs.live:app", "--port", str(port), "--log-level", "warning"]
    process = subprocess.Popen(
        [*command, "--timeout-graceful-shutdown", "1"], env=os.environ | {"DJANGO_SETTINGS_MODULE": "bihuan.settings"}
    )
    try:
        wait_until(lambda: health(port) == 200)
        yield process
    finally:
        process.terminate()
        process.wait(10)


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def health(port):
    try:
        return get(port, "/live/healthz").status
    except OSError:
        return 0


def get(port, path, origin=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"Origin": origin} if origin else {})
    return connection.getresponse()


def stream(port, topics, token=""):
    answer = get(port, f"/live/?topics={','.join(topics)}&token={token}", origin=f"http://127.0.0.1:{port - 1}")
    assert (answer.status, answer.getheader("content-type")) == (200, "text/event-stream; charset=utf-8")
    assert answer.getheader("access-control-allow-origin") == f"http://127.0.0.1:{port - 1}"
    assert answer.readline() == b": hello\n" and answer.readline() == b"\n"
    return answer


def heard(answer):
    line = answer.readline()
    assert answer.readline() == b"\n"
    return line


def tell(*topics):
    with psycopg.connect(**settings.APPLICATION, autocommit=True) as connection:
        connection.execute("SELECT pg_notify(%s, %s)", [hints.CHANNEL, " ".join(topics)])


def cut_listeners():
    """End the connections of the live process, as a restart of PostgreSQL does."""
    with psycopg.connect(conninfo=settings.DATABASE_OWNER_URL, autocommit=True) as owner:
        owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bihuan live'")


@pytest.mark.django_db
def test_browsers_hear_what_they_may_hear_even_after_the_database_was_away(port):
    token = hints.live_token(POSTING, ["area:3"])
    with running(port):
        assert get(port, "/live/?topics=area:3&token=x").status == 403
        assert get(port, "/elsewhere").status == 404
        public, mine = stream(port, ["all"]), stream(port, ["area:3", "all"], token)
        tell("area:3", "area:4", "all")
        assert (heard(public), heard(mine)) == (b"data: all\n", b"data: all area:3\n")
        cut_listeners()
        assert (heard(public), heard(mine)) == (b"data: all\n", b"data: all area:3\n")  # it may have missed something
        tell("area:3")
        assert heard(mine) == b"data: area:3\n"
        mine.close(), public.close()
        wait_until(lambda: b'"screens": 0' in get(port, "/live/healthz").read())
