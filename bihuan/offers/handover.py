"""When a helper leaves his posting, his lines of plans are his unit's; what his unit claimed stays with it.

And a unit ends only when it owes nobody help any more: what it claimed, its pairs and its rounds end by recorded acts.
"""

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _noop

from bihuan.net.models import Posting, Unit
from bihuan.net.postings import Consequence
from bihuan.net.tree import TreeFault
from bihuan.offers.models import Claim, Offer, Pairing, PlanItem, Round


def hand_over(posting: Posting, *, by: Posting | None, at: datetime, act: bool) -> list[Consequence]:
    """The lines of plans that name the posting as helper, and (act) their return to the claiming unit. One to two queries."""
    lines = PlanItem.objects.filter(helper_posting=posting.pk, stage__in=["waiting", "open"]).order_by("due_at", "pk")
    owed = list(lines.values_list("claim__offer__no", "claim__unit__name"))
    if act and owed:
        lines.update(helper_posting=None)
    return [Consequence(_("需求%(no)s的一项帮扶转到%(unit)s") % {"no": no, "unit": unit}) for no, unit in owed]


def require_nothing_owed(unit: Unit, into: Unit | None, at: datetime) -> None:
    """Raises TreeFault while the unit holds claims, lasting pairs, open rounds, or needs that wait for a claim there."""
    claims = Claim.objects.filter(unit=unit, state=Claim.State.TAKEN).count()
    waiting = Offer.objects.filter(unit=unit, state=Offer.State.OPEN).count()
    pairs = Pairing.objects.filter(Q(unit_a=unit) | Q(unit_b=unit), until=None).count()
    rounds = Round.objects.filter(unit=unit, closed_at=None).count()
    if claims or waiting or pairs or rounds:
        told = {"name": unit.name, "needs": claims + waiting, "pairs": pairs, "rounds": rounds}
        raise TreeFault(_(_STILL_OWED) % told)


_STILL_OWED = _noop(
    "“%(name)s”名下还有未了结的需求 %(needs)d 条、结对 %(pairs)d 个、征集 %(rounds)d 次，"
    "还不能撤销或并入别处，请先办结或结束。"
)
