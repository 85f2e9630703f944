"""How a deed on a ladder is refused, in one list: pages and API answer the same refusal with the same status and sentence."""

from bihuan.book.journal import Stale
from bihuan.book.ledger import BadAmount
from bihuan.dossier.photos import BadPhoto
from bihuan.dossier.questions import BadAnswer
from bihuan.dossier.subjects import Erased
from bihuan.ladder.actions.duties import NoLeader
from bihuan.ladder.actions.entering import AlreadyThere
from bihuan.ladder.actions.gates import Cooling, NotEligible
from bihuan.ladder.answers import Missing, Unasked
from bihuan.ladder.posts import NotYours
from bihuan.ladder.record import NoWords
from bihuan.ladder.rooms import Full
from bihuan.ladder.rules import NotNow
from bihuan.loop.actions.intake import TooMany
from bihuan.loop.report import BadReport
from bihuan.net.postings import AboutOneself
from bihuan.net.scope import OutOfScope
from bihuan.programs.versions import NoVersion

STATUS: dict[type[Exception], tuple[int, str]] = {
    NotYours: (403, "not_yours"),
    NotNow: (409, "not_now"),
    AlreadyThere: (409, "already_there"),
    Full: (409, "full"),
    Stale: (409, "stale"),
    AboutOneself: (422, "about_oneself"),
    NotEligible: (422, "not_eligible"),
    Cooling: (422, "cooling"),
    Missing: (422, "missing"),
    Unasked: (422, "unasked"),
    BadAnswer: (422, "bad_answer"),
    BadAmount: (422, "bad_amount"),
    BadPhoto: (422, "bad_photo"),
    BadReport: (422, "invalid"),
    NoLeader: (422, "no_leader"),
    NoWords: (422, "text_required"),
    OutOfScope: (422, "out_of_scope"),
    Erased: (410, "erased"),
    TooMany: (429, "too_many"),
    NoVersion: (503, "not_set_up"),
}
REFUSED = tuple(STATUS)  # for `except REFUSED as error`
