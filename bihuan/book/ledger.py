"""The ledger: what was given to whom and what they gave back, in transactions that are never changed, only reversed.

G1: the entries of a transaction sum to zero.   G2: one cause yields at most one transaction per rule and measure, and an
account with a floor never goes below zero.   G3: undoing a cause reverses what it brought.

This is the only place that writes transactions. Sums and lists are read from the same rows, so they always agree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Case, Count, F, Q, QuerySet, Sum, When
from django.utils.translation import gettext as _

from bihuan.book.journal import Acting, who
from bihuan.book.models import Account, Entry, Owner, Txn
from bihuan.net import tree
from bihuan.net.scope import in_area

CENT = Decimal("0.01")
LARGEST = Decimal("999999999999.99")
ZERO = Decimal(0)
PAGE = 50
BATCH = 2_000


class BadAmount(ValueError):
    """An amount that cannot be entered; the message says why."""


class AlreadyPosted(Exception):
    """The cause has brought this before (G2): `txn`."""

    def __init__(self, txn: Txn) -> None:
        super().__init__(_("这件事已经记过账，不能重复记。"))
        self.txn = txn


class AlreadyReversed(Exception):
    """The transaction was taken back before, or is itself one that takes another back."""

    def __init__(self) -> None:
        super().__init__(_("这笔账已经冲销过了。"))


class NotEnough(Exception):
    """An account with a floor would go below zero (G2)."""

    def __init__(self, left: Decimal, wanted: Decimal) -> None:
        says = _("余额不足：现有 %(left)s，需要 %(wanted)s。")
        super().__init__(says % {"left": _plain(left), "wanted": _plain(wanted)})
        self.left, self.wanted = left, wanted


def _plain(amount: Decimal) -> str:
    return f"{amount:f}".rstrip("0").rstrip(".") if amount % 1 else f"{amount:.0f}"


@dataclass(frozen=True, slots=True)
class Party:
    """Who gives or receives. Those outside the net share one account, and are told apart by name."""

    kind: str
    id: int = 0
    name: str = ""


def unit(id: int) -> Party:
    """A unit of the net."""
    return Party(Owner.UNIT, id)


def subject(id: int) -> Party:
    """A person or unit that has a dossier."""
    return Party(Owner.SUBJECT, id)


def outside(name: str = "") -> Party:
    """A bank, a firm, the households of a village: whoever is not in the net."""
    return Party(Owner.WORLD, 0, name.strip()[:80])


@dataclass(frozen=True, slots=True)
class Cause:
    """What brought a transaction about: a duty done, an item of a plan, a session, a case (with its region)."""

    kind: str
    id: int
    region: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One thing given, as a register has it; the fields are those of `post`."""

    rule: str
    program: str
    cause: Cause
    side: str
    measure: str
    amount: Decimal | int | float | str
    giver: Party
    receiver: Party
    place_unit: int
    on: date
    note: str = ""


# Accounts


def account(party: Party, measure: str, *, floor: bool = False) -> Account:
    """The account of a party for a measure, opened when it is needed. floor: from now on it never goes below zero.

    Raises NotEnough when a floor is wanted for an account that is below it.
    """
    key = {"owner_kind": party.kind, "owner_id": party.id, "measure": measure}
    found = Account.objects.filter(**key).first()
    if found is None:
        Account.objects.bulk_create([Account(**key, floor=floor)], ignore_conflicts=True)
        found = Account.objects.get(**key)
    if floor and not found.floor:
        _set_floor(found)
    return found


@transaction.atomic
def _set_floor(found: Account) -> None:
    Account.objects.select_for_update().get(pk=found.pk)
    left = balance(found)
    if left < 0:
        raise NotEnough(left, ZERO)
    found.floor = True
    found.save(update_fields=["floor"])


def balance(of: Account) -> Decimal:
    """What an account has received less what it has given. One query."""
    return Entry.objects.filter(account=of).aggregate(sum=Sum("amount"))["sum"] or ZERO


def balance_of(party: Party, measure: str) -> Decimal:
    """The same for a party, whether it has an account yet or not."""
    mine = Entry.objects.filter(account__owner_kind=party.kind, account__owner_id=party.id, account__measure=measure)
    return mine.aggregate(sum=Sum("amount"))["sum"] or ZERO


# Writing


@transaction.atomic
def post(
    rule: str,
    *,
    program: str,
    cause: Cause,
    side: str,
    measure: str,
    amount: Decimal | int | float | str,
    giver: Party,
    receiver: Party,
    place_unit: int,
    on: date,
    at: datetime,
    by: Acting,
    note: str = "",
    text_id: int | None = None,
    evidence: Sequence[str] = (),
) -> Txn:
    """Enter that `giver` gave `receiver` an amount of `measure` on a day.

    rule: what in the program says so ("duty.visit").   side: support or contribution.   place_unit: the unit it is counted
    for.   evidence: keys of photos, which the caller has claimed.   note: about the thing, not about a person.
    Raises BadAmount, AlreadyPosted, NotEnough.
    """
    line = Line(rule, program, cause, side, measure, amount, giver, receiver, place_unit, on, note)
    txn = _composed(line, at=at, by=by, text_id=text_id, evidence=evidence)
    _insert(txn)
    _enter(txn, account(giver, measure), account(receiver, measure))
    return txn


def _composed(line: Line, *, at: datetime, by: Acting, text_id: int | None = None, evidence: Sequence[str] = ()) -> Txn:
    """An unsaved transaction. Raises BadAmount."""
    if line.giver == line.receiver:
        raise BadAmount(_("给予和接受的不能是同一个。"))
    giver, receiver, cause = line.giver, line.receiver, line.cause
    levels = tree.snapshot().levels(line.place_unit)
    return Txn(
        program=line.program, rule=line.rule, cause_kind=cause.kind, cause_region=cause.region, cause_id=cause.id,
        side=line.side, measure=line.measure, amount=_amount(line.amount), giver_kind=giver.kind, giver_id=giver.id,
        giver_name=giver.name, receiver_kind=receiver.kind, receiver_id=receiver.id, unit_id=line.place_unit,
        **{f"l{n}": getattr(levels, f"l{n}") for n in range(1, 6)},
        on=line.on, at=at, by=who(by).posting, note=line.note.strip()[:200], text_id=text_id, evidence=list(evidence),
    )  # fmt: skip


@transaction.atomic
def post_all(lines: Sequence[Line], *, at: datetime, by: Acting) -> list[Txn]:
    """Enter many lines of a register at once: all or none, with the rows that `post` writes one by one.

    Who gives must not have an account with a floor. Raises BadAmount, AlreadyPosted (a cause twice), NotEnough.
    """
    parties = {(party, line.measure) for line in lines for party in (line.giver, line.receiver)}
    accounts = _accounts(parties)
    if bounded := [line for line in lines if accounts[line.giver, line.measure].floor]:
        raise NotEnough(balance(accounts[bounded[0].giver, bounded[0].measure]), _amount(bounded[0].amount))
    txns = [_composed(line, at=at, by=by) for line in lines]
    try:
        with transaction.atomic():
            Txn.objects.bulk_create(txns, batch_size=BATCH)
    except IntegrityError:
        raise AlreadyPosted(txns[0]) from None
    entries = (
        Entry(txn=txn, account=accounts[party, line.measure], measure=line.measure, amount=amount)
        for line, txn in zip(lines, txns, strict=True)
        for party, amount in ((line.giver, -txn.amount), (line.receiver, txn.amount))
    )
    Entry.objects.bulk_create(entries, batch_size=BATCH)
    return txns


def _accounts(parties: Iterable[tuple[Party, str]]) -> dict[tuple[Party, str], Account]:
    """Their accounts, opened where there is none."""
    wanted = {(party.kind, party.id, measure): (party, measure) for party, measure in parties}
    keys = [dict(zip(("owner_kind", "owner_id", "measure"), key, strict=True)) for key in wanted]
    Account.objects.bulk_create([Account(**key) for key in keys], batch_size=BATCH, ignore_conflicts=True)
    owners = {id for _kind, id, _measure in wanted}
    found = Account.objects.filter(owner_id__in=owners)
    return {
        wanted[key]: account
        for account in found
        if (key := (account.owner_kind, account.owner_id, account.measure)) in wanted
    }


def _amount(said: Decimal | int | float | str) -> Decimal:
    try:
        amount = Decimal(str(said)).quantize(CENT, ROUND_HALF_UP)
    except InvalidOperation:
        raise BadAmount(_("数量“%(said)s”不是数。") % {"said": str(said)[:40]}) from None
    if not amount.is_finite() or not ZERO < amount <= LARGEST:
        raise BadAmount(_("数量应大于 0，小于一万亿，最多两位小数。"))
    return amount


def _insert(txn: Txn) -> None:
    try:
        with transaction.atomic():
            txn.save(force_insert=True)
    except IntegrityError:
        earlier = of_cause(txn.cause_kind, txn.cause_id, txn.cause_region).filter(
            rule=txn.rule, measure=txn.measure, reverses=None
        )
        if found := earlier.first():
            raise AlreadyPosted(found) from None
        raise


def _enter(txn: Txn, giver: Account, receiver: Account) -> None:
    """Two entries that sum to zero (G1), after making sure that who loses can afford it."""
    _require_left(giver if txn.amount > 0 else receiver, abs(txn.amount))
    Entry.objects.bulk_create(
        [
            Entry(txn=txn, account=giver, measure=txn.measure, amount=-txn.amount),
            Entry(txn=txn, account=receiver, measure=txn.measure, amount=txn.amount),
        ]
    )


def _require_left(loser: Account, wanted: Decimal) -> None:
    """Whoever takes from an account with a floor holds its lock until the commit, so two cannot share what is left."""
    if not Account.objects.select_for_update().filter(pk=loser.pk, floor=True).exists():
        return
    left = balance(loser)
    if left < wanted:
        raise NotEnough(left, wanted)


@transaction.atomic
def reverse(txn: Txn, *, at: datetime, by: Acting, note: str = "") -> Txn:
    """Take a transaction back: the opposite amount on the same day, known from `at` on.

    Raises AlreadyReversed, and NotEnough when what was received has been given away from an account with a floor.
    """
    if txn.reverses_id is not None:
        raise AlreadyReversed
    back = Txn(**{column: getattr(txn, column) for column in _COPIED})
    back.amount, back.reverses, back.at, back.by = -txn.amount, txn, at, who(by).posting
    back.note = note.strip()[:200]
    try:
        with transaction.atomic():
            back.save(force_insert=True)
    except IntegrityError:
        raise AlreadyReversed from None
    accounts = {entry.amount: entry.account for entry in txn.entries.select_related("account")}
    _enter(back, accounts[-txn.amount], accounts[txn.amount])
    return back


_COPIED = (
    "program", "rule", "cause_kind", "cause_region", "cause_id", "side", "measure", "giver_kind", "giver_id",
    "giver_name", "receiver_kind", "receiver_id", "unit_id", "l1", "l2", "l3", "l4", "l5", "on",
)  # fmt: skip


@transaction.atomic
def undo(cause: Cause, *, at: datetime, by: Acting, note: str = "") -> list[Txn]:
    """Reverse everything a cause brought that was not reversed before (G3). Raises NotEnough; then nothing is reversed."""
    brought = of_cause(cause.kind, cause.id, cause.region).filter(reverses=None, reversed_by=None)
    # In one order of those who lose, so that two undoings never wait for each other in a circle.
    ordered = sorted(brought, key=lambda txn: (txn.receiver_kind, txn.receiver_id, txn.measure))
    return [reverse(txn, at=at, by=by, note=note) for txn in ordered]


# Reading


def of_cause(kind: str, id: int, region: int | None = None) -> QuerySet[Txn]:
    """Everything a cause brought, and what took it back, in the order it was written."""
    return Txn.objects.filter(cause_kind=kind, cause_id=id, cause_region=region).order_by("pk")


@dataclass(frozen=True, slots=True)
class Total:
    """A sum, and how many transactions it is of; those that were taken back count for nothing."""

    amount: Decimal = ZERO
    count: int = 0


def sums(
    program: str,
    *,
    within: int,
    first: date | None = None,
    last: date | None = None,
    as_of: datetime | None = None,
    side: str | None = None,
    measure: str | None = None,
) -> dict[tuple[str, str], Total]:
    """Totals by (side, measure) in an area, from day to day (both included), as known then. One query of one index."""
    rows = entered(program, within=within, first=first, last=last, as_of=as_of, side=side, measure=measure)
    return _totals(rows, "side", "measure")


def sum_(
    measure: str,
    side: str,
    program: str,
    *,
    within: int,
    first: date | None = None,
    last: date | None = None,
    as_of: datetime | None = None,
) -> Total:
    """One total; see `sums`."""
    found = sums(program, within=within, first=first, last=last, as_of=as_of, side=side, measure=measure)
    return found.get((side, measure), Total())


def sums_by_place(
    program: str,
    level: int,
    *,
    within: int,
    first: date | None = None,
    last: date | None = None,
    as_of: datetime | None = None,
) -> dict[tuple[int | None, str, str], Total]:
    """Totals by (unit at `level`, side, measure) in an area; None: what is counted above that level. One query."""
    rows = entered(program, within=within, first=first, last=last, as_of=as_of)
    return _totals(rows, f"l{level}", "side", "measure")


def _totals(rows: QuerySet[Txn], *columns: str) -> dict[Any, Total]:
    """A transaction counts one, and what takes it back counts it out again."""
    counted = Sum(Case(When(reverses=None, then=1), default=-1))
    totals = rows.order_by().values_list(*columns).annotate(total=Sum("amount"), counted=counted)
    return {tuple(key): Total(amount, count) for *key, amount, count in totals}


def entered(
    program: str,
    *,
    within: int,
    first: date | None = None,
    last: date | None = None,
    as_of: datetime | None = None,
    side: str | None = None,
    measure: str | None = None,
) -> QuerySet[Txn]:
    """The rows that a total is of."""
    asked = {"on__gte": first, "on__lte": last, "at__lte": as_of, "side": side, "measure": measure}
    given = {condition: value for condition, value in asked.items() if value is not None}
    return Txn.objects.filter(in_area(within), program=program, **given)


def page(rows: QuerySet[Txn], *, after: tuple[date, int] | None = None, most: int = PAGE) -> list[Txn]:
    """Transactions, the latest day first; `after`: (on, id) of the last one seen."""
    if after is not None:
        rows = rows.filter(Q(on__lt=after[0]) | Q(on=after[0], pk__lt=after[1]))
    return list(rows.order_by("-on", "-pk")[:most])


def received(party: Party) -> QuerySet[Txn]:
    """What a party was given."""
    return Txn.objects.filter(receiver_kind=party.kind, receiver_id=party.id)


def given(party: Party) -> QuerySet[Txn]:
    """What a party gave."""
    return Txn.objects.filter(giver_kind=party.kind, giver_id=party.id)


def totals_of(rows: QuerySet[Txn]) -> dict[tuple[str, str], Total]:
    """Totals by (side, measure) of some rows: `totals_of(received(subject(id)))`."""
    return _totals(rows, "side", "measure")


# Is it whole?


@dataclass(frozen=True, slots=True)
class Crooked:
    """One thing wrong in the ledger."""

    txn: int
    what: str

    def __str__(self) -> str:
        return f"账目 {self.txn}：{self.what}"


@dataclass(frozen=True, slots=True)
class Balanced:
    """How many transactions were looked at, and what is wrong."""

    txns: int
    breaks: list[Crooked]


def verify(*, since: datetime | None = None) -> Balanced:
    """Check G1 to G3 on every transaction (those written since then), and the floors of all accounts."""
    chosen = Txn.objects.all() if since is None else Txn.objects.filter(at__gte=since)
    breaks = [Crooked(pk, what) for what, rows in _wrong(chosen) for pk in rows]
    floors = Account.objects.filter(floor=True).annotate(left=Sum("entries__amount")).filter(left__lt=0)
    breaks += [Crooked(account.pk, "有下限的账户低于零") for account in floors]
    return Balanced(chosen.count(), breaks)


def _wrong(chosen: QuerySet[Txn]) -> Iterable[tuple[str, QuerySet[Any]]]:
    entered = chosen.annotate(n=Count("entries"), sum=Sum("entries__amount"))
    kept = Q(entries__amount=F("amount"), entries__account__owner_kind=F("receiver_kind"))
    kept &= Q(entries__account__owner_id=F("receiver_id"), entries__measure=F("measure"))
    undone = chosen.filter(reverses__isnull=False)
    same = Q(amount=-F("reverses__amount"), on=F("reverses__on"), measure=F("reverses__measure"))
    yield "借贷两边不平", entered.filter(~Q(sum=0) | ~Q(n=2)).values_list("pk", flat=True)
    yield "分录与账目不符", chosen.exclude(pk__in=chosen.filter(kept).values("pk")).values_list("pk", flat=True)
    yield "冲销与原账目不符", undone.exclude(same).values_list("pk", flat=True)
