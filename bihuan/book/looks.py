"""Who looked at personal data, and why: written before the data is shown, in the same transaction."""

from datetime import datetime

from bihuan.book.models import Look
from bihuan.net.models import Posting

LONGEST = 200
MACHINE = 0


class PurposeMissing(Exception):
    """Somebody wanted personal data without saying what for."""

    def __init__(self) -> None:
        super().__init__("请先写明查看个人信息的用途。")


def note(
    *,
    region_id: int,
    case_id: int | None,
    what: str,
    by: Posting | None,
    purpose: str,
    at: datetime,
    subject_id: int | None = None,
) -> Look:
    """Write down one look. `what` is a word of at most 24 letters: contact, subject, search, erase ...

    subject_id: whose dossier it was, when it was no case.
    by: None when the machine itself acts at the end of the time of keeping; its posting is written as 0.
    Raises PurposeMissing for a purpose of blanks; a longer purpose is cut at 200 characters.
    """
    purpose = purpose.strip()
    if not purpose:
        raise PurposeMissing
    return Look.objects.create(
        region_id=region_id,
        case_id=case_id,
        subject_id=subject_id,
        what=what,
        posting=by.pk if by else MACHINE,
        purpose=purpose[:LONGEST],
        at=at,
    )
