"""A county with its ladders, helping offices signed in, and a trainee with a need."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from bihuan.ladder.models import Standing
from bihuan.net import revisions
from bihuan.net.models import Edge, Kind, Role, Unit
from bihuan.net.tree import rebuild_paths
from bihuan.offers.actions import needs
from bihuan.offers.models import Offer
from tests.web.people.conftest import Ladders, ladders
from tests.world import BORN

__all__ = ["ladders"]


@dataclass
class Helping:
    """Posts in their browsers, and short ways to a need."""

    ladders: Ladders
    cast: SimpleNamespace
    trainee: Standing

    def door(self, key: str) -> Client:
        return self.ladders.door(key)

    def post(self, key: str) -> Any:
        return self.ladders.posts[key]

    def need(self, topic: str = "technique", text: str = "想学大棚嫁接技术", **more: Any) -> Offer:
        return needs.collect(
            self.trainee.subject, topic=topic, text=text, program="three_way", by=self.post("village"), at=now(),
            unit=self.cast.county, standing_id=self.trainee.pk, **more,
        )  # fmt: skip


@pytest.fixture
def helping(ladders: Ladders) -> Helping:
    cast = ladders.cast
    for key, code, name in (
        ("farming", "219981D05", "海澄市农业农村局"),
        ("branch", "219981Z01", "海澄市税务局党支部"),
    ):
        unit = Unit.objects.create(code=code, kind=Kind.ORGAN, name=name, short=name, level=3, born=BORN)
        Edge.objects.create(child=unit, parent=cast.county, tree="admin", since=BORN)
        setattr(cast, key, unit)
    rebuild_paths()
    revisions.forget()
    ladders.post("farmer", "周农技", cast.farming, Role.HANDLER)
    ladders.post("far", "外县干部", cast.other_county, Role.ORGANISER)
    trainee = ladders.on("primary", "刘能手")
    return Helping(ladders, cast, trainee)


@pytest.fixture
def picture(db: None) -> Any:
    """`picture()` uploads one and gives its key."""
    import io

    from PIL import Image

    from bihuan.dossier import photos
    from bihuan.net.tree import snapshot

    def take() -> str:
        file = io.BytesIO()
        Image.new("RGB", (40, 30), "green").save(file, "JPEG")
        file.seek(0)
        return photos.take(file, region_id=snapshot().region_of(None), at=now()).key

    return take
