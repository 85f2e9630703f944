"""What is given to somebody on the ladder, and what he gives back: entries of the program's kinds in the ledger."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from bihuan.book import ledger
from bihuan.book.journal import Acting
from bihuan.book.models import Txn
from bihuan.ladder.models import Standing
from bihuan.ladder.rules import NotNow, rules_of


def enter(
    standing: Standing,
    entry: str,
    amount: Decimal | int | str,
    *,
    rule: str,
    cause: ledger.Cause,
    other: ledger.Party,
    by: Acting,
    at: datetime,
    on: date | None = None,
    note: str = "",
    text_id: int | None = None,
    evidence: Sequence[str] = (),
) -> Txn:
    """Enter support given to the subject by `other`, or what the subject contributed to `other`; the kind says which.

    Raises NotNow for a kind of entry that the program does not have, and what `ledger.post` raises.
    """
    kind = rules_of(standing).entries.get(entry)
    if kind is None:
        raise NotNow(f"“{rules_of(standing).title}”的台账里没有“{entry}”这一项。")
    own = ledger.subject(standing.subject_id)
    giver, receiver = (other, own) if kind.side == "support" else (own, other)
    return ledger.post(
        rule,
        program=standing.program,
        cause=cause,
        side=kind.side,
        measure=kind.key,
        amount=amount,
        giver=giver,
        receiver=receiver,
        place_unit=standing.unit_id,
        on=on or timezone.localdate(at),
        at=at,
        by=by,
        note=note,
        text_id=text_id,
        evidence=evidence,
    )
