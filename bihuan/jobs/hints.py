"""Hints to open screens: "this topic changed", no data. The screen then fetches what it shows, as itself.

Topics: `area:<unit id>` (something changed in this area), `unit:<unit id>` (something changed for this handling unit),
`all` (something changed somewhere). The pump tells them to PostgreSQL, `live` passes them on to browsers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db import connection

CHANNEL = "bihuan_live"
EVERYWHERE = "all"  # the one topic that needs no token
TOKEN_AGE = 24 * 3600  # seconds in which a page may (re)connect; a screen that runs on must load its page once a day
MOST_TOPICS = 64
_SALT = "bihuan.live"
_ROOM = 7500  # bytes of one NOTIFY; PostgreSQL takes 8000


class NoSuchToken(Exception):
    """The token of a screen is missing, forged or too old, or does not name a topic that was asked for."""

    def __init__(self) -> None:
        super().__init__("实时更新的凭证已失效，请刷新页面。")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a screen may listen to."""

    posting: int
    topics: frozenset[str]


def live_token(posting: Any, topics: Iterable[str]) -> str:
    """A signed permission to hear of these topics for a day. `posting` may be None for a public page."""
    return signing.dumps({"p": posting.pk if posting else 0, "t": sorted(topics)}, salt=_SALT, compress=True)


def granted(token: str, topics: Iterable[str]) -> Grant:
    """What the token permits of `topics`. Raises NoSuchToken unless it permits all of them."""
    wanted = frozenset(topics)
    if wanted <= {EVERYWHERE}:
        return Grant(0, wanted)
    try:
        said = signing.loads(token, salt=_SALT, max_age=TOKEN_AGE)
    except signing.BadSignature:
        raise NoSuchToken from None
    if not wanted <= {EVERYWHERE, *said["t"]} or len(wanted) > MOST_TOPICS:
        raise NoSuchToken
    return Grant(said["p"], wanted)


def area(unit_id: int) -> str:
    return f"area:{unit_id}"


def unit(unit_id: int) -> str:
    return f"unit:{unit_id}"


def publish(topics: Iterable[str]) -> None:
    """Tell every live process, in as few notifications as hold the topics."""
    with connection.cursor() as cursor:
        for payload in payloads(sorted(topics)):
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])


def payloads(topics: Iterable[str]) -> list[str]:
    """The topics, separated by spaces, in texts that fit a notification."""
    texts: list[str] = []
    for topic in topics:
        if texts and len(texts[-1]) + len(topic) < _ROOM:
            texts[-1] += f" {topic}"
        else:
            texts.append(topic)
    return texts
