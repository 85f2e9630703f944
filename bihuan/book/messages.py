"""Messages: kept as they were said, shown on the page at once, and handed to a channel at least once (S3).

A message is a row first. Whether a channel takes it is another question: when the channel is down the row waits as
'pending' and an outbox row tries again; after eight attempts it is 'failed'. Residents read theirs on the tracking page
in any case. A phone is asked for only when a channel needs it.
"""

import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.timezone import localtime

from bihuan.book import outbox
from bihuan.book.models import Message, Outbox
from bihuan.net.models import Posting
from bihuan.net.prepared import Prepared

log = logging.getLogger(__name__)

PAGE = "page"  # shown on the page, nothing sent: there is no phone to send to


class ChannelDown(Exception):
    """A channel cannot take messages now; they are tried again."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message on its way out. `id` lets whoever receives it drop a second copy."""

    id: int
    to: str
    text: str


Channel = Callable[[Sequence[Parcel], datetime], None]
AddressBook = Callable[[int, Iterable[int]], Mapping[int, str]]
_channels: dict[str, Channel] = {}
_residents: list[AddressBook] = []


def channel(name: str) -> Callable[[Channel], Channel]:
    """Register a channel; it takes a batch or raises ChannelDown. `settings.CHANNEL` names the one in use."""

    def register(take: Channel) -> Channel:
        _channels[name] = take
        return take

    return register


def find_residents_by(book: AddressBook) -> None:
    """Register who knows residents' phones: called with a region and contact ids, answers {contact id: phone}."""
    _residents[:] = [book]


@transaction.atomic
def send(messages: Sequence[Message], at: datetime) -> None:
    """Keep new messages and hand them to the channel. Ids known already are skipped, so a repeated call is harmless.

    Exactly one of `contact_id`, `posting` is set, or neither: then the message is for the page alone.
    """
    known = set(Message.objects.filter(pk__in=[message.pk for message in messages]).values_list("pk", flat=True))
    fresh = [message for message in messages if message.pk not in known]
    phones = _phones(fresh)
    for message in fresh:
        message.channel = settings.CHANNEL if message.pk in phones else PAGE
        message.state, message.sent_at = Message.State.SENT, at
    # Kept before they leave: a row that cannot be kept must not send an SMS at each attempt.
    Message.objects.bulk_create(fresh)
    outgoing = [message for message in fresh if message.pk in phones]
    try:
        _deliver(outgoing, phones, at)
    except ChannelDown as error:
        log.warning("channel %s is down: %s", settings.CHANNEL, error)
        _wait(outgoing, error, at)


def _deliver(messages: Sequence[Message], phones: Mapping[int, str], at: datetime) -> None:
    if messages:
        parcels = [Parcel(message.pk, phones[message.pk], message.body) for message in messages]
        _channels[settings.CHANNEL](parcels, at)


def _phones(messages: Iterable[Message]) -> dict[int, str]:
    """Where each message goes, by its id; messages without a phone are left out."""
    by_region: dict[int, dict[int, int]] = {}
    for message in messages:
        if message.contact_id:
            by_region.setdefault(message.region_id, {})[message.pk] = message.contact_id
    found = {message.pk: phone for message, phone in _staff_phones(messages)}
    for region, contacts in by_region.items():
        phones = {key: phone for book in _residents for key, phone in book(region, set(contacts.values())).items()}
        found |= {pk: phones[contact] for pk, contact in contacts.items() if contact in phones}
    return found


def _staff_phones(messages: Iterable[Message]) -> list[tuple[Message, str]]:
    to_staff = [message for message in messages if message.posting]
    if not to_staff:
        return []
    rows = Posting.objects.filter(pk__in={message.posting for message in to_staff})
    phones = dict(rows.values_list("pk", "person__phone"))
    return [(message, phones[message.posting]) for message in to_staff if phones.get(message.posting)]


def _wait(messages: Sequence[Message], error: ChannelDown, at: datetime) -> None:
    """Leave delivery to later attempts, one outbox row for each message."""
    Message.objects.filter(pk__in=[m.pk for m in messages]).update(state=Message.State.PENDING, sent_at=None)
    Outbox.objects.bulk_create(
        Outbox(
            region_id=message.region_id, case_id=message.case_id, topic="send", payload={"message": message.pk},
            run_at=at + outbox.FIRST_WAIT, attempts=1, error=str(error)[:300],
        )
        for message in messages
    )  # fmt: skip


@outbox.handles("send")
def send_again(rows: Sequence[Outbox], at: datetime) -> None:
    """Deliver messages that a channel refused before; ChannelDown puts them off once more."""
    waiting = list(Message.objects.filter(pk__in=[row.payload["message"] for row in rows], state=Message.State.PENDING))
    phones = _phones(waiting)
    _deliver([message for message in waiting if message.pk in phones], phones, at)
    Message.objects.filter(pk__in=[m.pk for m in waiting]).update(state=Message.State.SENT, sent_at=at)


@outbox.mourns("send")
def give_up(row: Outbox, at: datetime) -> None:
    Message.objects.filter(region_id=row.region_id, pk=row.payload["message"]).update(state=Message.State.FAILED)


def for_resident(region_id: int, case_id: int) -> list[Message]:
    """What a resident was told about a case, oldest first, whether or not a channel took it."""
    return FOR_RESIDENT(region=region_id, case=case_id)


FOR_RESIDENT: Prepared[Message] = Prepared(
    lambda region, case: Message.objects.filter(region_id=region, case_id=case, posting=None).order_by("made_at", "pk")
)


def of_case(region_id: int, case_id: int) -> list[Message]:
    """Everything that was said about a case, to residents and staff, oldest first."""
    return list(Message.objects.filter(region_id=region_id, case_id=case_id).order_by("made_at", "pk"))


# Channels


@channel("console")
def to_console(parcels: Sequence[Parcel], at: datetime) -> None:
    """For development: into the log, phones masked."""
    for parcel in parcels:
        log.info("message to ****%s: %s", parcel.to[-4:], parcel.text, extra={"what": parcel.id})


@channel("file")
def to_file(parcels: Sequence[Parcel], at: datetime) -> None:
    """Append to BIHUAN_VAR/messages/YYYY-MM-DD.jsonl, one JSON object a line, for an SMS gateway to take on.

    The file holds phones in the clear, so only its owner may read it. On disk before this returns.
    """
    lines = "".join(_line(parcel, at) for parcel in parcels).encode()
    path = spool() / f"{localtime(at):%Y-%m-%d}.jsonl"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _append(path, lines)
    except OSError as error:
        raise ChannelDown(f"写不进 {path}：{error.strerror}") from error


def spool() -> Path:
    """Where the file channel leaves messages."""
    return Path(settings.VAR) / "messages"


def _line(parcel: Parcel, at: datetime) -> str:
    line = {"id": str(parcel.id), "at": at.isoformat(), "to": parcel.to, "text": parcel.text}
    return json.dumps(line, ensure_ascii=False) + "\n"


def _append(path: Path, lines: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # two pumps must not mix their lines
        while lines:
            lines = lines[os.write(handle, lines) :]
        os.fsync(handle)
    finally:
        os.close(handle)
