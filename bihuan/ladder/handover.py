"""When somebody leaves a posting: votes belong to unit and post, so the next holder gives them; those the leader was
answerable for go to whoever holds the post now, and his open duties with them."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.book.journal import SYSTEM
from bihuan.ladder.actions import duties
from bihuan.ladder.models import Standing
from bihuan.net.models import Posting
from bihuan.net.postings import Consequence, holders


def hand_over(posting: Posting, *, by: Posting | None, at: datetime, act: bool) -> list[Consequence]:
    """Whom the posting is answerable for, and (act) their passing to the next holder, or to nobody yet."""
    theirs = Standing.objects.filter(answerable=posting.pk, ended_at=None).select_related("subject").order_by("pk")
    following = holders(posting.unit_id, posting.role, timezone.localdate(at)).exclude(pk=posting.pk).first()
    found = []
    for standing in theirs:
        if act:
            duties.hand_on(standing, following, by=by or SYSTEM, at=at)
        found.append(Consequence(_says(following) % {"name": standing.subject.name}))
    return found


def _says(following: Posting | None) -> str:
    if following is None:
        return _("包保对象%(name)s需要重新确定包保领导")
    return _("包保对象%(name)s转给接任的同事")
