"""One act, one record: the columns of a track change together with the event that says so."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from bihuan.book.journal import Acting, append
from bihuan.book.models import Event
from bihuan.book.verify import APART
from bihuan.dossier import photos, texts
from bihuan.loop.record import NoWords
from bihuan.net import tree
from bihuan.offers.models import (
    Circle,
    CircleEvent,
    Offer,
    OfferEvent,
    Pairing,
    PairingEvent,
    Round,
    RoundEvent,
    Session,
    SessionEvent,
    Suggestion,
    SuggestionEvent,
    Track,
    TrackEvent,
)
from bihuan.offers.numbers import new_number

EVENTS: dict[type[Track], type[TrackEvent]] = {
    Round: RoundEvent,
    Offer: OfferEvent,
    Pairing: PairingEvent,
    Circle: CircleEvent,
    Session: SessionEvent,
    Suggestion: SuggestionEvent,
}
MOST_CHARACTERS = 2_000


def begin(track: Track, *, by: Acting, at: datetime, facts: Mapping[str, Any] | None = None) -> None:
    """Write a new track and its first event, which sets every column that is not as a row begins. Three statements."""
    track.no = new_number()
    track.save(force_insert=True)
    append(track, EVENTS[type(track)], "begin", by=by, at=at, changes=columns_of(track), facts=facts)


def columns_of(track: models.Model) -> dict[str, Any]:
    """The columns of a new track that are not as a row begins."""
    columns = [column for column in track._meta.concrete_fields if column.attname not in APART]
    values = ((column, getattr(track, column.attname)) for column in columns)
    return {column.attname: value for column, value in values if value != column.get_default()}


def note(
    track: Track, verb: str, *, by: Acting, at: datetime, facts: Mapping[str, Any] | None = None, **changes: Any
) -> Event:
    """Change columns of a locked track and write the event. Two statements. Raises Stale."""
    return append(track, EVENTS[type(track)], verb, by=by, at=at, changes=changes, facts=facts)


def words(track: Track, body: str, key: str = "text") -> dict[str, Any]:
    """Keep the words of an act: what its event must hold, the text's id under `key` and its digest.

    Raises NoWords with a sentence for the user.
    """
    body = texts.tidy(body).strip()
    if not body:
        raise NoWords(_("请填写内容。"))
    if len(body) > MOST_CHARACTERS:
        raise NoWords(_("内容太长了（%(n)d字），请控制在%(most)d字以内。") % {"n": len(body), "most": MOST_CHARACTERS})
    text, digest = texts.write(body, region_id=track.region_id, case_id=track.pk)
    return {key: text.pk, "digest" if key == "text" else f"{key}_digest": digest}


def attach(part: models.Model, keys: Sequence[str]) -> list[str]:
    """Give uploaded photos to a part of a track, such as a line of a plan; their keys as stored. Raises BadPhoto."""
    return [photo.key for photo in photos.hold(keys, holder=part._meta.model_name or "", holder_id=part.pk)]


def place_columns(unit_id: int) -> dict[str, int | None]:
    """The levels by which what lies at a unit is summed."""
    levels = tree.snapshot().levels(unit_id)
    return {level: getattr(levels, level) for level in ("l2", "l3", "l4", "l5")}


def region_of(unit_id: int) -> int:
    """The county of a unit; of one above counties, its own area."""
    net = tree.snapshot()
    unit = net.unit(unit_id)
    return unit.l3 or unit.l2 or net.region_of(unit_id)
