"""Work after the commit: rows written by acts, drained in batches by the pump, delivered at least once (S3).

A handler gets a list of rows of its topic and the time; it must bear to see a row twice. Rows are deleted in the
transaction of their handling, so a drainer killed half-way loses nothing and leaves nothing behind.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from django.db import transaction

from bihuan.book.models import Outbox
from bihuan.net.regions import across_regions

log = logging.getLogger(__name__)

ATTEMPTS = 8  # then a row is dead: kept, listed, no longer tried; the index `outbox_due` knows the number too
FIRST_WAIT = timedelta(seconds=10)  # doubled at each failure: the eighth attempt comes 21 minutes after the first

Handler = Callable[[Sequence[Outbox], datetime], None]
Mourner = Callable[[Outbox, datetime], None]
_handlers: dict[str, Handler] = {}
_mourners: dict[str, Mourner] = {}


class NoHandler(Exception):
    """A row names a topic that no package handles."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"没有处理“{topic}”的程序。")


def handles(topic: str) -> Callable[[Handler], Handler]:
    """Register a handler; one per topic."""

    def register(handler: Handler) -> Handler:
        if _handlers.setdefault(topic, handler) is not handler:
            raise ValueError(f"topic {topic} has two handlers")
        return handler

    return register


def mourns(topic: str) -> Callable[[Mourner], Mourner]:
    """Register what happens, in the same transaction, when a row of the topic dies."""

    def register(mourner: Mourner) -> Mourner:
        _mourners[topic] = mourner
        return mourner

    return register


@dataclass(frozen=True, slots=True)
class Drained:
    """What one drain did: rows handled and put off; whose they were: the regions, and the units named in payloads."""

    done: int = 0
    failed: int = 0
    regions: frozenset[int] = frozenset()
    units: frozenset[int] = frozenset()

    @property
    def taken(self) -> int:
        return self.done + self.failed


def drain(at: datetime, limit: int, region: int | None = None) -> Drained:
    """Handle up to `limit` rows that are due, oldest first, in one transaction. Several drainers share without waiting.

    A failing batch is handled again row by row, so that one bad row delays nobody but itself.
    """
    with across_regions("the pump serves all regions"), transaction.atomic():
        rows = _claim(at, limit, region)
        done = [row for topic, batch in _by_topic(rows) for row in _handle(topic, batch, at)]
        ids = [row.pk for row in done]
        Outbox.objects.filter(pk__in=ids).delete()
    units = frozenset(row.payload["unit"] for row in done if row.payload.get("unit"))
    return Drained(len(done), len(rows) - len(done), frozenset(row.region_id for row in done), units)


def _claim(at: datetime, limit: int, region: int | None) -> list[Outbox]:
    due = Outbox.objects.filter(run_at__lte=at, attempts__lt=ATTEMPTS)
    if region is not None:
        due = due.filter(region_id=region)
    return list(due.select_for_update(skip_locked=True).order_by("run_at", "pk")[:limit])


def _by_topic(rows: list[Outbox]) -> list[tuple[str, list[Outbox]]]:
    topic = attrgetter("topic")
    return [(name, list(batch)) for name, batch in groupby(sorted(rows, key=topic), key=topic)]


def _handle(topic: str, rows: list[Outbox], at: datetime) -> list[Outbox]:
    """The rows that were handled; the others are put off."""
    error = _attempt(topic, rows, at)
    if error is None:
        return rows
    if len(rows) == 1:
        _put_off(rows[0], error, at)
        return []
    return [row for row in rows for _ in _handle(topic, [row], at)]


def _attempt(topic: str, rows: list[Outbox], at: datetime) -> Exception | None:
    """Run the handler in a savepoint of its own; what it raised, or None."""
    try:
        with transaction.atomic():
            handler = _handlers.get(topic)
            if handler is None:
                raise NoHandler(topic)
            handler(rows, at)
    except Exception as error:  # noqa: BLE001 - any failure of a handler is kept with the row and tried again
        return error
    return None


def _put_off(row: Outbox, error: Exception, at: datetime) -> None:
    """Try again later, ever later; after the eighth failure the row is dead and somebody must look."""
    row.attempts += 1
    row.run_at = at + FIRST_WAIT * 2 ** (row.attempts - 1)
    row.error = f"{type(error).__name__}: {error}"[:300]
    row.save(update_fields=["attempts", "run_at", "error"])
    dead = row.attempts >= ATTEMPTS
    # The error's text may quote the payload; the log says only which row and what kind of failure.
    log.log(
        logging.ERROR if dead else logging.WARNING,
        "outbox %s %s: %s, attempt %s", row.topic, "dead" if dead else "put off", type(error).__name__, row.attempts,
        extra={"what": row.pk},
    )  # fmt: skip
    if dead and row.topic in _mourners:
        _mourners[row.topic](row, at)


def dead(limit: int = 100) -> list[Outbox]:
    """Rows given up, newest first, with their last error."""
    with across_regions("the administrator sees all that failed"):
        return list(Outbox.objects.filter(attempts__gte=ATTEMPTS).order_by("-pk")[:limit])


def revive(row: Outbox, *, at: datetime) -> None:
    """Try a dead row again from the start, after its cause was mended."""
    row.attempts, row.error, row.run_at = 0, "", at
    row.save(update_fields=["attempts", "error", "run_at"])


def backlog(at: datetime) -> int:
    """How many rows are due and not yet handled."""
    with across_regions("the pump serves all regions"):
        return Outbox.objects.filter(run_at__lte=at, attempts__lt=ATTEMPTS).count()
