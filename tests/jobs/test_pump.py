import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection

from bihuan.book import messages, outbox, tallies
from bihuan.book.models import Message, Outbox, TallyDelta
from bihuan.jobs import hints, pump
from bihuan.jobs.pump import Pump
from bihuan.net.regions import across_regions

pytestmark = pytest.mark.django_db


@pytest.fixture
def topic(monkeypatch):
    """Handlers of the test's own: topic("toy", function)."""
    monkeypatch.setattr(outbox, "_handlers", dict(outbox._handlers))
    return outbox._handlers.__setitem__


@pytest.fixture
def told(monkeypatch):
    """What the pump hinted at, instead of telling PostgreSQL."""
    heard = []
    monkeypatch.setattr(hints, "publish", lambda topics: heard.append(set(topics)))
    return heard


def a_delta(at, **levels):
    return TallyDelta.objects.create(region_id=3, measure="filed", at=at, **{"l2": 2, "l3": 3, **levels})


def a_row(at, **payload):
    return Outbox.objects.create(region_id=3, topic="toy", payload=payload, run_at=at)


def test_a_beat_folds_drains_and_hints_at_what_changed(at, topic, told):
    topic("toy", lambda rows, at: None)
    a_delta(at), a_row(at, unit=90)
    assert Pump().beat(at) is False
    assert told == [{"area:2", "area:3", "unit:90", "all"}]
    assert tallies.pending() == outbox.backlog(at) == 0


def test_an_idle_beat_says_nothing(at, told):
    pump = Pump()
    pump.beat(at), pump.beat(at)
    assert told == []


def test_hints_are_gathered_when_beats_follow_each_other_fast(at, told):
    pump = Pump()
    for level in range(5):
        a_delta(at, l4=40 + level)
        pump.beat(at)
    assert len(told) == 1
    pump._told_at = 0
    pump.beat(at)
    assert told[1] == {"area:2", "area:3", "area:41", "area:42", "area:43", "area:44", "all"}


def test_a_full_batch_calls_for_another_beat_at_once(at, topic, told, monkeypatch):
    monkeypatch.setattr(pump, "DRAIN", 2)
    topic("toy", lambda rows, at: None)
    for _ in range(3):
        a_row(at)
    one = Pump()
    assert (one.beat(at), one.beat(at)) == (True, False)


def test_a_failing_part_is_logged_waits_and_stops_no_other(at, topic, told, monkeypatch, caplog):
    calls = []
    monkeypatch.setattr(outbox, "drain", lambda *_: calls.append(1) or 1 / 0)
    one = Pump()
    a_delta(at)
    one.beat(at), one.beat(at)
    assert (len(calls), one.troubles(), tallies.pending()) == (1, {"drain": "ZeroDivisionError"}, 0)
    assert "drain failed 1 times" in caplog.text
    one.parts[1].again_at = 0
    one.beat(at)
    assert len(calls) == 2 and one.parts[1].again_at - time.monotonic() > 1


def test_a_part_that_recovered_has_no_trouble(at, told, monkeypatch):
    real = outbox.drain
    monkeypatch.setattr(outbox, "drain", lambda *_: 1 / 0)
    one = Pump()
    one.beat(at)
    monkeypatch.setattr(outbox, "drain", real)
    one.parts[1].again_at = 0
    one.beat(at)
    assert one.troubles() == {} and one.parts[1].failures == 0


@pytest.mark.django_db(transaction=True)
def test_a_pump_whose_connection_was_cut_goes_on_with_a_new_one(at, told):
    one = Pump()
    one.beat(at)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        mine = cursor.fetchone()[0]
    with psycopg.connect(conninfo=django_settings.DATABASE_OWNER_URL, autocommit=True) as owner:
        owner.execute("SELECT pg_terminate_backend(%s)", [mine])
    time.sleep(0.1)
    one.beat(at)
    assert one.troubles() == {"fold": "OperationalError"}  # the others had a new connection already
    a_delta(at)
    one.parts[0].again_at = 0
    one.beat(at)
    assert one.troubles() == {} and tallies.pending() == 0


def test_the_heartbeat_tells_whether_the_pump_lives(at, told):
    assert not pump.is_alive(at) and pump.last_word() == {}
    Pump().beat(at)
    assert pump.is_alive(at + timedelta(seconds=14)) and not pump.is_alive(at + timedelta(seconds=15))
    assert pump.last_word()["pid"] == os.getpid()


def test_hints_fit_a_notification_however_many_there_are():
    topics = [hints.area(number) for number in range(10**8, 10**8 + 1000)]
    texts = hints.payloads(topics)
    assert " ".join(texts).split() == topics
    assert max(len(text) for text in texts) < 8000 and len(texts) == 2


def test_the_pump_runs_dry_on_demand(at, topic, told):
    from django.core.management import call_command

    topic("toy", lambda rows, at: None)
    a_delta(at), a_row(at)
    call_command("pump", once=True)
    assert tallies.pending() == outbox.backlog(at) == 0


@pytest.mark.django_db(transaction=True)
def test_a_screen_hears_of_a_change_within_a_second():
    heard = []
    with psycopg.connect(**django_settings.APPLICATION, autocommit=True) as listener:
        listener.execute(f"LISTEN {hints.CHANNEL}")
        stopping, one = threading.Event(), Pump()
        thread = threading.Thread(target=lambda: (one.run(stopping), connection.close()))
        thread.start()
        try:
            time.sleep(0.5)
            began = time.monotonic()
            with across_regions("test"):
                from django.utils import timezone

                a_delta(timezone.now())
            for notice in listener.notifies(timeout=5, stop_after=1):
                heard += notice.payload.split()
            assert time.monotonic() - began < 1
        finally:
            stopping.set()
            thread.join(10)
    assert set(heard) == {"all", "area:2", "area:3"}


A_PUMP = textwrap.dedent("""
    import sys, time
    import django
    django.setup()
    from bihuan.book import messages, outbox
    from bihuan.book.models import Message
    from bihuan.jobs import pump
    messages._residents[:] = [lambda region, ids: {one: "13800000000" for one in ids}]

    @outbox.handles("toy")
    def slowly(rows, at):
        for row in rows:
            told = Message(id=row.pk, region_id=3, case_id=7, contact_id=11, template="t", body="x", made_at=at)
            messages.send([told], at)
            time.sleep(0.05)

    pump.DRAIN = 10
    from django.core.management import call_command
    call_command("pump")
""")


def start_pump(var):
    environment = os.environ | {
        "BIHUAN_VAR": str(var),
        "BIHUAN_CHANNEL": "file",
        "DJANGO_SETTINGS_MODULE": "bihuan.settings",
    }
    return subprocess.Popen([sys.executable, "-c", A_PUMP], env=environment)


def sent(var):
    return [
        json.loads(line)["id"] for file in (var / "messages").glob("*.jsonl") for line in file.read_text().splitlines()
    ]


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.django_db(transaction=True)
def test_S3_a_pump_killed_in_the_middle_of_a_drain_loses_nothing_and_shows_nothing_twice(at, var):
    rows = [str(a_row(at).pk) for _ in range(30)]
    pump = start_pump(var)
    try:
        wait_for(lambda: len(sent(var)) >= 13)  # one batch committed, the second under way
    finally:
        pump.send_signal(signal.SIGKILL)
        pump.wait()
    with across_regions("test"):
        kept = Message.objects.count()
    assert 10 <= kept < 30 and len(sent(var)) > kept
    pump = start_pump(var)
    try:
        wait_for(lambda: not outbox.backlog(at))
    finally:
        pump.send_signal(signal.SIGTERM)
        assert pump.wait(20) == 0  # a polite request ends it in order
    assert sorted(set(sent(var))) == sorted(rows)
    assert sorted(str(one.pk) for one in messages.of_case(3, 7)) == sorted(rows)


@pytest.mark.django_db(transaction=True)
def test_S3_two_pumps_share_the_work(at, var):
    rows = [str(a_row(at).pk) for _ in range(40)]
    pumps = [start_pump(var), start_pump(var)]
    try:
        wait_for(lambda: not outbox.backlog(at))
        time.sleep(0.1)
    finally:
        for pump in pumps:
            pump.terminate()
        codes = [pump.wait(20) for pump in pumps]
    assert codes == [0, 0] and sorted(sent(var)) == sorted(rows)
