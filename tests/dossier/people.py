"""Helpers of the tests: identity numbers that check, asks as programs have them, and a photographed page."""

import io
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from PIL import Image

from bihuan.dossier import photos
from bihuan.lib.codes import _id_check
from bihuan.lib.worktime import Duration


def identity(birth: str = "19850601", order: int = 1, region: str = "210411") -> str:
    """A made-up resident number with the right check character; odd orders are men's."""
    body = f"{region}{birth}{order:03}"
    return body + _id_check(body)


@dataclass(frozen=True)
class Ask:
    """An ask with what facts and questions need of it."""

    use: str
    title: str = "问题"
    type: str = "text"
    unit: str = ""
    choices: dict[str, str] = field(default_factory=dict)
    max_age: Duration | None = None
    source: tuple[str, ...] = ()
    personal: bool = False


@dataclass(frozen=True)
class Program:
    asks: dict[str, Any]


def page(region: int, at: datetime) -> str:
    """The key of a photographed page, not yet claimed."""
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(out, "JPEG")
    out.seek(0)
    return photos.take(out, region_id=region, at=at).key
