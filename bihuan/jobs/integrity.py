"""What must always hold, checked against what is there: chains, folds and digests (S1, S2, F4)."""

import json
from collections.abc import Iterator
from datetime import datetime

from bihuan.book.models import Event
from bihuan.book.verify import Break, Track, Verified, verify
from bihuan.dossier import texts
from bihuan.dossier.models import Text
from bihuan.ladder.models import Standing, StandingEvent
from bihuan.loop.models import Case, CaseEvent
from bihuan.offers.record import EVENTS as TRACKS


def check_cases(*, region: int | None = None, since: datetime | None = None) -> Verified:
    """Verify the cases of one region or of all; with `since`, those that something happened to since then."""
    return verify(CaseEvent, Case, region=region, since=since, proofs=(_texts_prove,))


def check_standings(*, region: int | None = None, since: datetime | None = None) -> Verified:
    """The same for everybody's standing on a ladder."""
    return verify(StandingEvent, Standing, region=region, since=since, proofs=(_texts_prove,))


def check_offers(*, region: int | None = None, since: datetime | None = None) -> Verified:
    """The same for needs, rounds, pairs, studios, sessions and suggestions, together."""
    found = Verified()
    for tracks, events in TRACKS.items():
        one = verify(events, tracks, region=region, since=since, proofs=(_texts_prove,))
        found = Verified(found.tracks + one.tracks, found.events + one.events, [*found.breaks, *one.breaks])
    return found


def _texts_prove(batch: list[tuple[Track, list[Event]]]) -> list[Break]:
    """The words of each act are those that its event holds the digest of, or were erased with everything around them."""
    region = batch[0][0].region_id
    rows = Text.objects.filter(region_id=region, case_id__in=[track.pk for track, _ in batch])
    kept = {text.pk: text for text in rows.iterator()}
    return [
        Break(track.no, event.n, "文字与校验值不符，或者不见了")
        for track, events in batch
        for event in events
        for pk, digest in _digests(event)
        if pk not in kept or not texts.proves(kept[pk], digest)
    ]


def _digests(event: Event) -> Iterator[tuple[int, str]]:
    """(text id, digest) of every text of an event: `text` with `digest`, `note` with `note_digest`."""
    if "digest" not in event.data:
        return
    data = json.loads(event.data)
    for name in data:
        if name == "digest" or name.endswith("_digest"):
            yield data["text" if name == "digest" else name.removesuffix("_digest")], data[name]
