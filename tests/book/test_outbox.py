from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection, transaction

from bihuan.book import outbox
from bihuan.book.models import Outbox, Tally
from bihuan.net.regions import across_regions

pytestmark = pytest.mark.django_db


@pytest.fixture
def handler(monkeypatch):
    """Put handlers in place of the registered ones for the length of a test: handler("topic", function)."""
    monkeypatch.setattr(outbox, "_handlers", {})
    monkeypatch.setattr(outbox, "_mourners", {})
    return outbox._handlers.__setitem__


def put(at, n=1, topic="toy", region=3, **payload):
    rows = [Outbox(region_id=region, topic=topic, payload={"i": i, **payload}, run_at=at) for i in range(n)]
    return Outbox.objects.bulk_create(rows)


def left():
    with across_regions("test"):
        return Outbox.objects.count()


def test_S3_due_rows_are_handled_once_and_go(at, handler):
    seen = []
    handler("toy", lambda rows, at: seen.extend(row.payload["i"] for row in rows))
    put(at, 3, unit=90), put(at + timedelta(seconds=1), 1, unit=91)
    assert outbox.drain(at, 100) == outbox.Drained(3, 0, frozenset({3}), frozenset({90}))
    assert (sorted(seen), left()) == ([0, 1, 2], 1)
    assert outbox.drain(at, 100).taken == 0


def test_a_drain_keeps_to_its_limit_and_region_and_takes_the_oldest_first(at, handler):
    seen = []
    handler("toy", lambda rows, at: seen.extend(row.region_id for row in rows))
    put(at, 2, region=4), put(at - timedelta(minutes=1), 2, region=3)
    assert outbox.drain(at, 1).done == 1
    assert outbox.drain(at, 9, region=4).done == 2
    assert seen == [3, 4, 4]


def test_one_bad_row_delays_only_itself(at, handler):
    def picky(rows, at):
        if any(row.payload["i"] == 1 for row in rows):
            raise RuntimeError("no")

    handler("toy", picky)
    put(at, 3)
    drained = outbox.drain(at, 100)
    assert (drained.done, drained.failed) == (2, 1)
    row = Outbox.objects.get(region_id=3)
    assert (row.attempts, row.run_at, row.error) == (1, at + timedelta(seconds=10), "RuntimeError: no")


def test_what_a_failing_handler_wrote_is_undone(at, handler):
    def half(rows, at):
        Outbox.objects.create(region_id=3, topic="other", payload={}, run_at=at)
        raise RuntimeError("after writing")

    handler("toy", half)
    put(at, 2)
    outbox.drain(at, 100)
    assert not Outbox.objects.filter(region_id=3, topic="other").exists()


def test_a_database_error_in_a_handler_does_not_spoil_the_batch(at, handler):
    def broken(rows, at):
        if any(row.payload["i"] == 0 for row in rows):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1/0")

    handler("toy", broken)
    put(at, 3)
    assert outbox.drain(at, 100).done == 2


def test_retries_come_ever_later_and_the_eighth_failure_is_the_last(at, handler):
    handler("toy", lambda rows, at: 1 / 0)
    mourned = []
    outbox._mourners["toy"] = lambda row, at: mourned.append(row.pk)
    (row,) = put(at)
    waits, moment = [], at
    for _ in range(8):
        assert outbox.drain(moment, 10).failed == 1
        row.refresh_from_db()
        waits.append((row.run_at - moment).total_seconds())
        moment = row.run_at
    assert waits == [10, 20, 40, 80, 160, 320, 640, 1280]
    assert outbox.drain(moment, 10).taken == 0
    assert [one.pk for one in outbox.dead()] == mourned == [row.pk]
    assert outbox.backlog(moment) == 0


def test_a_dead_row_can_be_revived(at, handler):
    (row,) = put(at)
    row.attempts, row.error = 8, "ZeroDivisionError"
    row.save()
    handler("toy", lambda rows, at: None)
    outbox.revive(row, at=at)
    assert outbox.drain(at, 10).done == 1


def test_a_topic_that_nobody_handles_is_kept_and_says_so(at, handler):
    put(at, topic="unknown")
    assert outbox.drain(at, 10).failed == 1
    assert "没有处理" in Outbox.objects.get(region_id=3).error


def test_a_topic_has_one_handler(handler):
    outbox.handles("toy")(lambda rows, at: None)
    with pytest.raises(ValueError, match="two handlers"):
        outbox.handles("toy")(lambda rows, at: None)


@pytest.mark.django_db(transaction=True)
def test_S3_two_drainers_at_once_never_handle_the_same_row(at, handler):
    seen, meet = [], Barrier(2, timeout=20)

    def slow(rows, at):
        seen.extend(row.pk for row in rows)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.01)")

    def drainer():
        meet.wait()
        while outbox.drain(at, 10).taken:
            pass
        connection.close()

    handler("toy", slow)
    rows = put(at, 200)
    threads = [Thread(target=drainer) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(seen) == sorted(row.pk for row in rows)
    assert left() == 0


@pytest.mark.django_db(transaction=True)
def test_S3_a_drainer_cut_off_before_its_commit_leaves_everything_as_it_was(at, handler):
    handler("toy", lambda rows, at: None)
    put(at, 5)
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        assert outbox.drain(at, 10).done == 5
        raise KeyboardInterrupt
    assert left() == 5
    assert not Tally.objects.exists()
