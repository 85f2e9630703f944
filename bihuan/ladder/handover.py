"""When somebody leaves a posting: votes belong to unit and post, so the next holder gives them; those the leader was
answerable for go to whoever holds the post now, and his open duties with them. A unit ends only when nobody on a ladder
is left without a place."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _noop

from bihuan.book.journal import SYSTEM
from bihuan.ladder.actions import duties
from bihuan.ladder.models import Standing
from bihuan.net.models import Posting, Unit
from bihuan.net.postings import Consequence, holders
from bihuan.net.tree import TreeFault


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


def require_nobody_left(unit: Unit, into: Unit | None, at: datetime) -> None:
    """Raises TreeFault when a unit would end without a successor while people on a ladder belong to it."""
    left = Standing.objects.filter(unit=unit, ended_at=None).count() if into is None else 0
    if left:
        raise TreeFault(_(_STILL_THERE) % {"name": unit.name, "n": left})


_STILL_THERE = _noop("“%(name)s”还有%(n)d名在册的培养对象，不能撤销，请先办理转移，或并入接手的单位。")


def _says(following: Posting | None) -> str:
    if following is None:
        return _("包保对象%(name)s需要重新确定包保领导")
    return _("包保对象%(name)s转给接任的同事")
