"""How an act is refused, in one list: pages and API answer the same refusal with the same status and sentence."""

from dataclasses import dataclass

from bihuan.book.journal import Stale
from bihuan.dossier.photos import BadPhoto
from bihuan.loop.access import NotFound, NotYours, TooManyTries
from bihuan.loop.actions.dispatching import BadUnit
from bihuan.loop.actions.intake import SameClient, TooMany
from bihuan.loop.actions.verifying import OwnWork
from bihuan.loop.lists import BadCursor
from bihuan.loop.moves import IllegalMove, Missing
from bihuan.loop.placing import BadPlace
from bihuan.loop.record import NoWords
from bihuan.loop.report import BadReport
from bihuan.net.scope import OutOfScope
from bihuan.net.tree import EmptyNet
from bihuan.programs.versions import NoVersion


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal ready to be answered: HTTP status, a code for machines, the field to mend, a sentence for people."""

    status: int
    code: str
    message: str
    field: str = ""


# The order matters where one is a kind of another; it does not otherwise.
STATUS: dict[type[Exception], tuple[int, str]] = {
    NotFound: (404, "not_found"),
    NotYours: (403, "not_yours"),
    IllegalMove: (409, "illegal_move"),
    Stale: (409, "stale"),
    SameClient: (409, "client_id_reused"),
    BadReport: (422, "invalid"),
    BadPlace: (422, "invalid"),
    BadPhoto: (422, "bad_photo"),
    BadUnit: (422, "bad_unit"),
    BadCursor: (422, "bad_cursor"),
    NoWords: (422, "text_required"),
    Missing: (422, "missing"),
    OutOfScope: (422, "out_of_scope"),
    OwnWork: (422, "own_work"),
    TooMany: (429, "too_many"),
    TooManyTries: (429, "too_many_tries"),
    EmptyNet: (503, "not_set_up"),
    NoVersion: (503, "not_set_up"),
}
REFUSED = tuple(STATUS)  # for `except REFUSED as error`


def refusal(error: Exception) -> Refusal:
    """How to answer one of REFUSED."""
    status, code = next(answer for kind, answer in STATUS.items() if isinstance(error, kind))
    return Refusal(status, code, str(error), getattr(error, "field", ""))
