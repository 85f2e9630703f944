"""Where somebody reads how he stands: a signed address, sent to his own phone, that opens his public page."""

from django.conf import settings
from django.core.signing import BadSignature, Signer

from bihuan.dossier.models import Subject

_signer = Signer(salt="ladder.own")


class NoSuchPage(Exception):
    """Nobody's page stands at this address. The message is fit for the user."""

    def __init__(self) -> None:
        super().__init__("网址不完整或已失效，请用短信里的网址打开。")


def own_path(subject: Subject) -> str:
    """The path of a subject's public page."""
    return f"/people/mine/{_signer.sign(subject.no)}/"


def own_url(subject: Subject) -> str:
    """The same as an address that can be written into a message."""
    return settings.PUBLIC_URL + own_path(subject)


def subject_of(signed: str) -> Subject:
    """The subject whose page it is. Raises NoSuchPage when the address was tampered with."""
    try:
        return Subject.objects.get(no=_signer.unsign(signed))
    except (BadSignature, Subject.DoesNotExist):
        raise NoSuchPage from None
