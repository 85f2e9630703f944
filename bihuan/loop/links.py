"""Signed links: whoever holds one may follow the case, without a phone number and without an account."""

from django.conf import settings
from django.core.signing import BadSignature, Signer

from bihuan.loop.access import NotFound, by_number
from bihuan.loop.models import Case

_signer = Signer(salt="bihuan.track", sep="~")


def track_path(number: str) -> str:
    """The path of a resident's page for the case."""
    return f"/t/{_signer.sign(number)}/"


def track_url(number: str) -> str:
    """The same as an address that can be written into a message."""
    return settings.PUBLIC_URL + track_path(number)


def case_of(signed: str) -> Case:
    """The case a signed link stands for. Raises NotFound when it was tampered with."""
    try:
        return by_number(_signer.unsign(signed))
    except BadSignature:
        raise NotFound from None
