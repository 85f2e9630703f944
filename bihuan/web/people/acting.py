"""A deed from a page of the ladders: done, or refused with a sentence and a status, and what was typed kept.

with trying() as tried:
    gates.vote(...)
if tried.sentence: ...
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bihuan.book.ledger import AlreadyPosted, NotEnough
from bihuan.book.looks import PurposeMissing
from bihuan.dossier.facts import BadTime
from bihuan.dossier.papers import BadPaper
from bihuan.dossier.questions import NoSuchQuestion
from bihuan.dossier.subjects import AlreadyKnown, BadSubject
from bihuan.ladder.refusals import REFUSED, STATUS
from bihuan.lib.codes import BadPhone, BadResidentId

OURS: dict[type[Exception], int] = {
    AlreadyKnown: 409,
    AlreadyPosted: 409,
    BadPaper: 422,
    BadPhone: 422,
    BadResidentId: 422,
    BadSubject: 422,
    BadTime: 422,
    NoSuchQuestion: 422,
    NotEnough: 422,
    PurposeMissing: 422,
}


@dataclass
class Tried:
    """How it went: no sentence, done. `field` is what the refusal is about, where it says."""

    sentence: str = ""
    status: int = 200
    field: str = ""


@contextmanager
def trying() -> Iterator[Tried]:
    """A refusal ends the block and is kept."""
    tried = Tried()
    try:
        yield tried
    except (*REFUSED, *OURS) as error:
        tried.sentence, tried.field = str(error), str(getattr(error, "field", ""))
        tried.status = _status(error)


def _status(error: Exception) -> int:
    """Who sees the page and may not act is told so on it: 409, as for whoever comes too late."""
    known = {**{kind: status for kind, (status, _code) in STATUS.items()}, **OURS}
    status = next(status for kind, status in known.items() if isinstance(error, kind))
    return 409 if status in (403, 410) else status
