"""What people enter into a program's ledger by hand, with the evidence it asks for; and taking an entry back (G3)."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.book import ledger
from bihuan.book.models import Txn
from bihuan.dossier import photos
from bihuan.ladder import giving
from bihuan.ladder.answers import Missing
from bihuan.ladder.models import Standing
from bihuan.ladder.posts import NotYours
from bihuan.ladder.record import NoWords
from bihuan.ladder.rules import NotNow, rules_of
from bihuan.lib.ids import new_id
from bihuan.net.models import Posting, Role
from bihuan.net.postings import require_other_person
from bihuan.net.scope import require_scope
from bihuan.net.tree import snapshot
from bihuan.programs.ladder import EntryKind

KEEPERS = (Role.ORGANISER, Role.SECRETARY, Role.LEADER)


@transaction.atomic
def enter(
    standing: Standing,
    entry: str,
    amount: Decimal,
    *,
    other: ledger.Party,
    by: Posting,
    at: datetime,
    on: date | None = None,
    note: str = "",
    pictures: Sequence[str] = (),
) -> Txn:
    """Enter support given by `other`, or what somebody on the ladder gave to `other`; each call is an entry of its own.

    Raises NotYours, OutOfScope, AboutOneself, NotNow (the ledger has no such kind), Missing (no evidence), BadAmount,
    BadPhoto.
    """
    require_keeper(by)
    require_scope(by, standing.unit)
    require_other_person(by, standing.subject.person_id)
    kind = _kind(standing, entry)
    _require_whole(kind, amount, on, pictures, at)
    cause = ledger.Cause("entry", new_id())
    evidence = [photo.key for photo in photos.hold(pictures, holder="entry", holder_id=cause.id)]
    return giving.enter(
        standing, entry, amount, rule=f"{kind.side}.{kind.key}", cause=cause, other=other, by=by, at=at, on=on, note=note,
        evidence=evidence,
    )  # fmt: skip


def require_keeper(by: Posting) -> None:
    if by.role not in KEEPERS:
        raise NotYours(_("您的岗位不能登记台账。"))


def _kind(standing: Standing, entry: str) -> EntryKind:
    kind = rules_of(standing).entries.get(entry)
    if kind is None:
        raise NotNow(_("这个项目的台账里没有这一项。"))
    return kind


def _require_whole(kind: EntryKind, amount: Decimal, on: date | None, pictures: Sequence[str], at: datetime) -> None:
    if not kind.decimal and amount % 1:
        raise ledger.BadAmount(_("“%(title)s”的数量应是整数。") % {"title": kind.title})
    if on is not None and on > timezone.localdate(at):
        raise ledger.BadAmount(_("记账的日期不能晚于今天。"))
    if kind.evidence and not pictures:
        raise Missing("photos", _("佐证照片"))


@transaction.atomic
def reverse(txn: Txn, *, text: str, by: Posting, at: datetime) -> Txn:
    """Take an entry back, saying why; the sums of its day are then without it.

    Raises NotYours, OutOfScope, NoWords, AlreadyReversed, NotEnough.
    """
    require_keeper(by)
    require_scope(by, snapshot().unit(txn.unit_id))
    if not text.strip():
        raise NoWords(_("请写明冲销的原因。"))
    return ledger.reverse(txn, at=at, by=by, note=text)
