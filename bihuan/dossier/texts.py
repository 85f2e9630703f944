"""Free words of residents and staff: one row each, erasable, and still provable by the digest that the event keeps (F4)."""

import hashlib
import os
import re
from datetime import datetime

from django.db import transaction

from bihuan.book import looks
from bihuan.dossier.models import Text
from bihuan.net.models import Posting

SALT = 16
# PostgreSQL stores no NUL and UTF-8 no lone surrogate; other control characters only garble the screen.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def tidy(words: str) -> str:
    """The words without characters that cannot be stored; line ends become plain ones."""
    if words.isprintable():  # most are; looking is ten times as fast as replacing
        return words
    return _UNFIT.sub("", words.replace("\r\n", "\n").replace("\r", "\n"))


def new_salt() -> bytes:
    """What keeps a digest from being guessed from likely words."""
    return os.urandom(SALT)


def digest(body: str, place: str, salt: bytes) -> str:
    """Salted SHA-256, in hex, of a body and the place said with it."""
    raw = body.encode()
    return hashlib.sha256(salt + len(raw).to_bytes(8, "big") + raw + place.encode()).hexdigest()


def compose(body: str, *, place: str = "", region_id: int, case_id: int) -> tuple[Text, str]:
    """An unsaved text and the digest for its event. The place is cut at 200 characters."""
    body, place, salt = tidy(body), tidy(place)[:200], new_salt()
    text = Text(region_id=region_id, case_id=case_id, body=body, place=place, salt=salt)
    return text, digest(body, place, salt)


def write(body: str, *, place: str = "", region_id: int, case_id: int) -> tuple[Text, str]:
    """Keep the words of one act. Returns the row and the digest that its event must hold."""
    text, proof = compose(body, place=place, region_id=region_id, case_id=case_id)
    text.save(force_insert=True)
    return text, proof


def proves(text: Text, proof: str) -> bool:
    """Whether the row still says what the event's digest says; an erased row proves nothing and contradicts nothing."""
    if text.erased_at:
        return not (text.body or text.place or text.salt)
    return digest(text.body, text.place, bytes(text.salt or b"")) == proof


@transaction.atomic
def erase(text: Text, *, by: Posting | None, at: datetime, ground: str) -> None:
    """Blank the words, the place and the salt for good. Without the salt the digest cannot be guessed from likely words.

    `ground` says by what right (the resident's wish, the end of keeping) and is kept as a look.
    """
    looks.note(region_id=text.region_id, case_id=text.case_id, what="erase", by=by, purpose=ground, at=at)
    text.body = text.place = ""
    text.salt, text.erased_at = None, at
    text.save()
