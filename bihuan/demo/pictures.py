"""Drawn stand-ins for photos: a street with something wrong, and the same street set right. No real place or person."""

import io
import random
import secrets
from datetime import datetime
from functools import cache
from typing import Any

from django.utils import timezone
from PIL import Image, ImageDraw

from bihuan.dossier import photos
from bihuan.dossier.models import Photo
from bihuan.net import tree

SIZE = (960, 720)
KINDS = 2  # different streets per topic
STREETS = ("sanitation", "roads", "building", "environment", "police", "farming")  # topics with pictures of their own


def row(topic: str, kind: int, stage: str, *, n: int, at: datetime) -> dict[str, Any]:
    """Columns of a photo that belongs to the `n`-th event of a past case; id, region and case are the writer's.

    Cases share the stored files; a file stays as long as one photo has it.
    """
    mended = stage not in (Photo.Stage.REPORT, Photo.Stage.BEFORE)
    kept = _stored(topic if topic in STREETS else "", kind % KINDS, mended)
    return {"key": secrets.token_urlsafe(18), "stage": str(stage), "event_n": n, "made_at": at, **kept}


@cache
def _stored(topic: str, kind: int, mended: bool) -> dict[str, Any]:
    """Drawn and stored once in this process; what a row tells of the file."""
    net = tree.snapshot()
    photo = photos.take(draw(topic, kind, mended), region_id=net.home, at=timezone.now())
    return {"sha256": photo.sha256, "width": photo.width, "height": photo.height, "size": photo.size}


def draw(topic: str, kind: int, mended: bool) -> io.BytesIO:
    """A street as a JPEG file. The same words draw the same street; `mended` changes only what was wrong."""
    dice = random.Random(f"{topic} {kind}")
    picture = Image.new("RGB", SIZE, dice.choice(((178, 205, 226), (203, 214, 219), (158, 186, 214))))
    pen = ImageDraw.Draw(picture)
    _houses(pen, dice)
    _road(pen)
    _trouble(pen, dice, mended)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=82)
    file.seek(0)
    return file


def _houses(pen: ImageDraw.ImageDraw, dice: random.Random) -> None:
    left = -40
    while left < SIZE[0]:
        width, top = dice.randint(130, 240), dice.randint(120, 300)
        shade = dice.randint(130, 200)
        pen.rectangle((left, top, left + width, 470), fill=(shade, shade - 18, shade - 34))
        for x in range(left + 18, left + width - 30, 44):
            for y in range(top + 20, 440, 58):
                pen.rectangle(
                    (x, y, x + 24, y + 34), fill=dice.choice(((70, 86, 104), (92, 108, 124), (196, 182, 120)))
                )
        left += width + dice.randint(4, 22)


def _road(pen: ImageDraw.ImageDraw) -> None:
    pen.rectangle((0, 470, SIZE[0], 520), fill=(168, 164, 156))
    pen.polygon(((0, 520), (SIZE[0], 520), (SIZE[0], SIZE[1]), (0, SIZE[1])), fill=(92, 94, 98))
    for x in range(30, SIZE[0], 170):
        pen.polygon(((x, 610), (x + 90, 610), (x + 84, 622), (x - 8, 622)), fill=(222, 218, 206))


def _trouble(pen: ImageDraw.ImageDraw, dice: random.Random, mended: bool) -> None:
    """Rubbish and a hole in the road, or bins in a row and new asphalt."""
    x = dice.randint(180, 640)
    for nth in range(3):
        pen.rectangle((x + nth * 66, 430, x + nth * 66 + 52, 506), fill=(52, 118, 84))
        pen.rectangle((x + nth * 66 - 4, 422, x + nth * 66 + 56, 434), fill=(38, 92, 64))
    if mended:
        pen.ellipse((x - 60, 556, x + 150, 604), fill=(74, 76, 80))
        return
    for _ in range(46):
        spot_x, spot_y = dice.gauss(x + 90, 95), dice.gauss(512, 16)
        reach = dice.randint(7, 20)
        colour = dice.choice(((60, 58, 52), (210, 206, 196), (140, 96, 60), (96, 120, 150)))
        pen.ellipse((spot_x, spot_y, spot_x + reach * 1.6, spot_y + reach), fill=colour)
    pen.ellipse((x - 60, 556, x + 150, 604), fill=(40, 38, 36), outline=(120, 116, 108), width=5)
