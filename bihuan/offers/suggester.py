"""Who made a suggestion, when it becomes a case and the centre must be able to call back."""

from datetime import datetime

from django.utils.translation import gettext as _

from bihuan.dossier import subjects
from bihuan.dossier.models import Subject
from bihuan.lib.codes import BadPhone, normal_phone
from bihuan.net.models import Posting
from bihuan.offers.models import Suggestion


def contact_of(suggestion: Suggestion, *, by: Posting, at: datetime) -> tuple[str, str]:
    """Name and phone of the suggester; the look at a trainee's phone is written down for `by`. Both may be empty."""
    if suggestion.subject_id is None:
        person = Posting.objects.select_related("person").get(pk=suggestion.posting).person
        return person.name, _usable(person.phone)
    subject = Subject.objects.get(pk=suggestion.subject_id)
    if subject.erased_at is not None:
        return "", ""
    return subject.name, subjects.reveal(subject, by=by, purpose=_("建议转为工单，供回访联系"), at=at).phone


def _usable(phone: str) -> str:
    """A duty number of the net as a case takes it; an inner one that nobody outside can call is left out."""
    try:
        return normal_phone(phone)
    except BadPhone:
        return ""
