"""How acts on offers are refused, for pages and the API: what loop/refusals.py does not know already."""

from bihuan.book.ledger import AlreadyPosted, BadAmount, NotEnough
from bihuan.dossier.subjects import Erased
from bihuan.loop import refusals
from bihuan.net.postings import AboutOneself
from bihuan.offers.topics import NoTopics

STATUS: dict[type[Exception], tuple[int, str]] = {
    **refusals.STATUS,
    AboutOneself: (422, "about_oneself"),
    NoTopics: (422, "no_topics"),
    BadAmount: (422, "bad_amount"),
    AlreadyPosted: (409, "already_posted"),
    NotEnough: (409, "not_enough"),
    Erased: (422, "erased"),
}
REFUSED = tuple(STATUS)  # for `except REFUSED as error`
