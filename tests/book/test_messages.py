import json
import logging
from datetime import date, timedelta

import pytest

from bihuan.book import messages, outbox
from bihuan.book.messages import ChannelDown
from bihuan.book.models import Message, Outbox
from bihuan.lib.ids import new_id
from bihuan.net.models import Kind, Level, Person, Posting, Role, Unit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def spool(settings, tmp_path):
    settings.VAR, settings.CHANNEL = tmp_path, "file"
    return tmp_path / "messages" / "2026-03-02.jsonl"


@pytest.fixture(autouse=True)
def phones(monkeypatch):
    """Contact 11 has a phone; nobody else has one."""
    monkeypatch.setattr(messages, "_residents", [lambda region, ids: {11: "13812341234"} if 11 in ids else {}])


@pytest.fixture
def broken(monkeypatch):
    """A channel that refuses until told otherwise: broken["down"] = False."""
    state = {"down": True, "taken": []}

    def take(parcels, at):
        if state["down"]:
            raise ChannelDown("网关不通")
        state["taken"] += parcels

    monkeypatch.setitem(messages._channels, "file", take)
    return state


def to_resident(at, contact=11, body="您反映的事已受理"):
    return Message(region_id=3, case_id=7, contact_id=contact, template="accepted", body=body, made_at=at)


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_S3_a_message_is_kept_shown_and_left_for_the_gateway(at, spool):
    message = to_resident(at)
    messages.send([message], at)
    assert [(one.body, one.state, one.channel, one.sent_at) for one in messages.for_resident(3, 7)] == [
        ("您反映的事已受理", "sent", "file", at)
    ]
    assert lines(spool) == [
        {"id": str(message.pk), "at": at.isoformat(), "to": "13812341234", "text": "您反映的事已受理"}
    ]
    assert spool.stat().st_mode & 0o777 == 0o600


def test_S3_the_same_message_again_is_neither_shown_nor_sent_twice(at, spool):
    message = to_resident(at)
    for _ in range(2):
        again = to_resident(at)
        again.pk = message.pk
        messages.send([again], at)
    assert len(messages.for_resident(3, 7)) == len(lines(spool)) == 1


def test_a_resident_without_a_phone_reads_it_on_the_page(at, spool):
    messages.send([to_resident(at, contact=12), to_resident(at, contact=None)], at)
    assert [(one.channel, one.state) for one in messages.for_resident(3, 7)] == [("page", "sent")] * 2
    assert not spool.exists()


def test_a_message_to_staff_goes_to_the_duty_phone_and_is_not_the_residents(at, spool):
    unit = Unit.objects.create(code="1", kind=Kind.ORGAN, name="城管局", level=Level.COUNTY, born=date(2000, 1, 1))
    person = Person.objects.create(name="李强", phone="0412-3222222")
    posting = Posting.objects.create(person=person, unit=unit, role=Role.HANDLER, since=date(2020, 1, 1))
    told = Message(region_id=3, case_id=7, posting=posting.pk, template="new_work", body="新工单", made_at=at)
    messages.send([told], at)
    assert lines(spool)[0]["to"] == "0412-3222222"
    assert messages.for_resident(3, 7) == [] and len(messages.of_case(3, 7)) == 1


def test_the_file_of_a_day_is_the_local_day(at, settings):
    late = at.replace(hour=17)  # one o'clock in Shanghai, the next day
    messages.send([to_resident(late)], late)
    assert (settings.VAR / "messages" / "2026-03-03.jsonl").exists()


def test_S3_when_the_channel_is_down_the_page_shows_it_and_the_sending_waits(at, broken):
    messages.send([to_resident(at)], at)
    (shown,) = messages.for_resident(3, 7)
    assert (shown.state, shown.sent_at) == ("pending", None)
    assert outbox.drain(at + timedelta(seconds=9), 10).taken == 0
    broken["down"] = False
    later = at + timedelta(seconds=10)
    assert outbox.drain(later, 10).done == 1
    shown.refresh_from_db()
    assert (shown.state, shown.sent_at) == ("sent", later)
    assert [(parcel.id, parcel.to) for parcel in broken["taken"]] == [(shown.pk, "13812341234")]


def test_a_message_that_no_attempt_could_send_is_marked_failed_and_still_shown(at, broken):
    messages.send([to_resident(at)], at)
    for _ in range(7):
        row = Outbox.objects.get(region_id=3)
        assert outbox.drain(row.run_at, 10).failed == 1
    (shown,) = messages.for_resident(3, 7)
    assert shown.state == "failed"
    assert "网关不通" in outbox.dead()[0].error


def test_a_full_disk_is_a_channel_that_is_down(at, settings, tmp_path):
    (tmp_path / "messages").write_text("a file where the directory should be")
    messages.send([to_resident(at)], at)
    assert messages.for_resident(3, 7)[0].state == "pending"


def test_the_log_names_no_phone(at, settings, caplog, broken):
    with caplog.at_level(logging.DEBUG):
        messages.send([to_resident(at)], at)
        settings.CHANNEL = "console"
        messages.send([to_resident(at)], at)
    assert "13812341234" not in caplog.text and "****1234" in caplog.text


def test_a_batch_of_messages_costs_few_statements(at, django_assert_max_num_queries):
    batch = [to_resident(at) for _ in range(100)]
    with django_assert_max_num_queries(4):  # savepoint, known ids, insert, release
        messages.send(batch, at)


def test_ids_are_kept_as_given(at):
    message = to_resident(at)
    message.pk = new_id()
    messages.send([message], at)
    assert Message.objects.get(region_id=3).pk == message.pk
