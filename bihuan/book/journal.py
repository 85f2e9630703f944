"""The journal: every change of a track is one event, written with the change itself (S1), chained and never rewritten (S2)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bihuan.book.models import Actor, Event
from bihuan.lib.canonical import canonical_json, chain
from bihuan.net.models import Posting

GENESIS = bytes(32)  # what the first event of a track is chained to


class Stale(Exception):
    """Somebody else changed the track since the caller read it."""

    def __init__(self) -> None:
        super().__init__("这件事刚刚被别人处理过，请看最新情况后再操作。")


@dataclass(frozen=True, slots=True)
class By:
    """Who acts: a posting, the resident, a clock, or the system."""

    actor: str
    posting: int | None = None


RESIDENT = By(Actor.RESIDENT)
CLOCK = By(Actor.CLOCK)
SYSTEM = By(Actor.SYSTEM)
Acting = Posting | By


def who(by: Acting) -> By:
    """The actor as it is recorded."""
    return by if isinstance(by, By) else By(Actor.POSTING, by.pk)


def event_data(changes: Mapping[str, Any], facts: Mapping[str, Any] | None = None) -> str:
    """Canonical JSON of an event: what else is known of it, and under "set" the columns it changed."""
    return canonical_json({**(facts or {}), "set": dict(changes)})


def event_hash(
    previous: bytes, region: int, track: int, n: int, at: datetime, by: By, verb: str, version: int, data: str
) -> bytes:
    """SHA-256 over the previous hash and every field of the event; `at` counts microseconds since 1970."""
    moment = round(at.timestamp() * 1_000_000)
    return chain(previous, region, track, n, moment, by.actor, by.posting or 0, verb, version, data)


def append(
    track: Any,
    events: type[Event],
    verb: str,
    *,
    by: Acting,
    at: datetime,
    changes: dict[str, Any],
    facts: Mapping[str, Any] | None = None,
) -> Event:
    """Change the columns of a locked track and write the event that says so.

    The track carries `region_id`, `version`, `n` and `head`; `events` names it in its column TRACK.
    Raises Stale when the row was changed by somebody who did not hold the lock. Two statements.
    """
    actor, n, data = who(by), track.n + 1, event_data(changes, facts)
    head = event_hash(bytes(track.head), track.region_id, track.pk, n, at, actor, verb, track.version, data)
    rows = type(track)._default_manager.filter(region_id=track.region_id, pk=track.pk, n=track.n)
    if rows.update(**changes, n=n, head=head) != 1:
        raise Stale
    for column, value in {**changes, "n": n, "head": head}.items():
        setattr(track, column, value)
    event = events(
        **{events.TRACK: track.pk},
        region_id=track.region_id,
        n=n,
        at=at,
        actor=actor.actor,
        posting=actor.posting,
        verb=verb,
        version=track.version,
        data=data,
        hash=head,
    )
    event.save(force_insert=True)
    return event


def fold(events: Iterable[Event]) -> dict[str, Any]:
    """The columns of a track as its events left them: JSON values, the last word on each column wins."""
    columns: dict[str, Any] = {}
    for event in events:
        columns |= json.loads(event.data)["set"]
    return columns
