"""G1 zero sums.   G2 one cause, one transaction a rule; floors hold.   G3 undoing a cause reverses what it brought."""

import threading
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bihuan.book import ledger
from bihuan.book.journal import SYSTEM
from bihuan.book.models import Account, Entry, Txn
from bihuan.net import revisions
from bihuan.net.models import Edge, Kind, Unit
from bihuan.net.tree import rebuild_paths

ON, BORN = date(2026, 3, 2), date(2019, 1, 1)
BANK, WANG, LI = ledger.outside("农商银行"), ledger.subject(11), ledger.subject(12)


def make_net():
    """千阳市 > 海澄县, 铁阳区; 海澄县 > 后安镇."""
    units = {}
    plan = (("city", 2, None), ("county", 3, "city"), ("other", 3, "city"), ("town", 4, "county"))
    for n, (key, level, above) in enumerate(plan):
        units[key] = Unit.objects.create(code=f"2199{n:02}000000", kind=Kind.AREA, name=key, level=level, born=BORN)
        if above:
            Edge.objects.create(child=units[key], parent=units[above], tree="admin", since=BORN)
    rebuild_paths()
    revisions.forget()
    return {key: found.pk for key, found in units.items()}


@pytest.fixture
def net(db):
    return make_net()


def post(net, at, n=1, **other):
    facts = {
        "program": "three_way", "cause": ledger.Cause("item", n), "side": "support", "measure": "loan", "amount": 50_000,
        "giver": BANK, "receiver": WANG, "place_unit": net["town"], "on": ON, "at": at, "by": SYSTEM,
    }  # fmt: skip
    return ledger.post("plan.loan", **facts | other)


def test_G1_what_one_gives_the_other_receives(net, at):
    txn = post(net, at, amount="50000.005", note=" 一年期 ", evidence=["abc"])
    entries = sorted(txn.entries.values_list("amount", "account__owner_kind"))
    assert entries == [(Decimal("-50000.01"), "world"), (Decimal("50000.01"), "subject")]
    assert (txn.l4, txn.l3, txn.l2, txn.note, txn.giver_name) == (
        net["town"], net["county"], net["city"], "一年期", "农商银行"
    )  # fmt: skip
    assert ledger.balance_of(WANG, "loan") == Decimal("50000.01") == -ledger.balance_of(BANK, "loan")
    assert ledger.balance(ledger.account(WANG, "loan")) == Decimal("50000.01")


@pytest.mark.parametrize("amount", [0, -1, "abc", float("nan"), float("inf"), 10**12, "0.004"])
def test_an_amount_that_makes_no_sense_is_refused(net, at, amount):
    with pytest.raises(ledger.BadAmount):
        post(net, at, amount=amount)
    assert not Txn.objects.exists()


def test_nobody_gives_to_himself(net, at):
    with pytest.raises(ledger.BadAmount, match="同一个"):
        post(net, at, giver=WANG)


def test_G2_a_cause_brings_the_same_once(net, at):
    first = post(net, at)
    with pytest.raises(ledger.AlreadyPosted, match="已经记过") as refused:
        post(net, at, amount=1)
    assert refused.value.txn == first
    post(net, at, measure="visits", amount=1)
    post(net, at, n=2)
    post(net, at, cause=ledger.Cause("item", 1, region=net["county"]))
    assert Txn.objects.count() == 4


def test_G2_an_account_with_a_floor_never_goes_below_zero(net, at):
    fund = ledger.unit(net["county"])
    ledger.account(fund, "loan", floor=True)
    post(net, at, 1, giver=BANK, receiver=fund, amount=100)
    post(net, at, 2, giver=fund, amount=70)
    with pytest.raises(ledger.NotEnough, match=r"现有 30，需要 30\.5"):
        post(net, at, 3, giver=fund, amount=Decimal("30.5"))
    assert ledger.balance_of(fund, "loan") == 30
    with pytest.raises(ledger.NotEnough):
        ledger.reverse(Txn.objects.get(cause_id=1), at=at, by=SYSTEM)
    assert Txn.objects.count() == 2


def test_a_floor_cannot_be_laid_above_where_an_account_is(net, at):
    post(net, at)
    with pytest.raises(ledger.NotEnough):
        ledger.account(BANK, "loan", floor=True)
    assert ledger.account(WANG, "loan", floor=True).floor and not Account.objects.get(owner_kind="world").floor


def test_G3_undoing_a_cause_takes_back_what_it_brought_and_only_that(net, at):
    post(net, at)
    post(net, at, measure="visits", amount=1)
    post(net, at, n=2)
    back = ledger.undo(ledger.Cause("item", 1), at=at, by=SYSTEM, note="记错了人")
    assert [(txn.measure, txn.amount, txn.on) for txn in back] == [("loan", -50_000, ON), ("visits", -1, ON)]
    assert (ledger.balance_of(WANG, "loan"), ledger.balance_of(WANG, "visits")) == (50_000, 0)
    assert ledger.undo(ledger.Cause("item", 1), at=at, by=SYSTEM) == []
    for txn in Txn.objects.filter(cause_id=1):
        with pytest.raises(ledger.AlreadyReversed):
            ledger.reverse(txn, at=at, by=SYSTEM)


def test_the_application_may_not_change_or_remove_what_was_entered(net, at):
    post(net, at)
    for deed in (
        lambda: Txn.objects.update(amount=1), lambda: Entry.objects.update(amount=1),
        lambda: Entry.objects.all()._raw_delete("default"), lambda: Txn.objects.all()._raw_delete("default"),
    ):  # fmt: skip
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            deed()


def test_sums_within_an_area_from_day_to_day_as_known_at_an_instant(net, at, django_assert_num_queries):
    wrong = post(net, at, 1, amount=100)  # 2 March, 后安镇
    post(net, at, 2, amount=30, on=ON + timedelta(days=30))  # 1 April
    post(net, at, 3, amount=7, place_unit=net["other"])
    post(net, at, 4, amount=2, measure="visits", side="contribution", giver=WANG, receiver=BANK)
    later = at + timedelta(days=5)
    ledger.reverse(wrong, at=later, by=SYSTEM)

    def loans(within, **when):
        found = ledger.sum_("loan", "support", "three_way", within=net[within], **when)
        return found.amount, found.count

    ledger.tree.snapshot()
    with django_assert_num_queries(1):
        assert loans("city") == (37, 2)  # 30 + 7
    assert loans("city", as_of=at) == (137, 3)  # 100 + 30 + 7
    assert loans("county") == (30, 1) and loans("other") == (7, 1) and loans("town") == (30, 1)
    assert loans("county", first=ON, last=ON) == (0, 0)
    assert loans("county", first=ON, last=ON, as_of=at) == (100, 1)
    assert loans("county", last=ON + timedelta(days=29)) == (0, 0)
    assert ledger.sums("three_way", within=net["county"]) == {
        ("support", "loan"): ledger.Total(Decimal(30), 1),
        ("contribution", "visits"): ledger.Total(Decimal(2), 1),
    }
    assert ledger.sums("another", within=net["city"]) == {}


def test_Q2_the_sum_of_a_unit_equals_its_childrens_and_the_rows_behind_it(net, at):
    for n, place in enumerate(("town", "other", "city", "town"), 1):
        post(net, at, n, amount=10**n, place_unit=net[place])
    by_county = ledger.sums_by_place("three_way", 3, within=net["city"])
    assert {place: total.amount for (place, *_), total in by_county.items()} == {
        net["county"]: 10_010, net["other"]: 100, None: 1000
    }  # fmt: skip
    rows = ledger.page(ledger.entered("three_way", within=net["city"]))
    whole = ledger.sum_("loan", "support", "three_way", within=net["city"])
    assert sum(row.amount for row in rows) == whole.amount == 11_110


def test_a_list_is_read_page_by_page(net, at):
    days = [ON, ON + timedelta(days=1), ON, ON + timedelta(days=1), ON]
    for n, day in enumerate(days):
        post(net, at, n, on=day)
    seen, after = [], None
    while page := ledger.page(ledger.entered("three_way", within=net["county"]), after=after, most=2):
        seen += [row.cause_id for row in page]
        after = (page[-1].on, page[-1].pk)
    assert seen == [3, 1, 4, 2, 0]


def test_what_somebody_received_and_gave(net, at):
    post(net, at, 1)
    post(net, at, 2, giver=WANG, receiver=LI, amount=5, measure="help", side="contribution")
    assert ledger.totals_of(ledger.received(WANG)) == {("support", "loan"): ledger.Total(Decimal(50_000), 1)}
    assert ledger.totals_of(ledger.given(WANG)) == {("contribution", "help"): ledger.Total(Decimal(5), 1)}


# Is it whole?


def test_a_sound_ledger_verifies(net, at):
    ledger.reverse(post(net, at), at=at, by=SYSTEM)
    assert ledger.verify() == ledger.Balanced(2, [])


def test_an_entry_that_nothing_balances_is_found(net, at):
    txn = post(net, at)
    Entry.objects.create(txn=txn, account=ledger.account(LI, "loan"), measure="loan", amount=5)
    assert [str(one) for one in ledger.verify().breaks] == [f"账目 {txn.pk}：借贷两边不平"]


def test_entries_for_somebody_else_are_found(net, at):
    txn = post(net, at)
    other = Txn.objects.get()
    other.pk, other.cause_id = txn.pk + 1, 9
    other.save(force_insert=True)
    for owner, amount in ((LI, 50_000), (BANK, -50_000)):
        Entry.objects.create(txn=other, account=ledger.account(owner, "loan"), measure="loan", amount=amount)
    assert [str(one) for one in ledger.verify(since=at).breaks] == [f"账目 {other.pk}：分录与账目不符"]
    assert ledger.verify(since=at + timedelta(days=1)).txns == 0


# Any sequence


class AnySequence(RuleBasedStateMachine):
    """Gives, takes back and undoes at random between a bank, a fund with a floor and two people, one with a floor."""

    def __init__(self):
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.net, self.n, self.at = make_net(), 0, datetime(2026, 3, 2, tzinfo=UTC)
        self.parties = [BANK, ledger.unit(self.net["county"]), WANG, LI]
        for party in self.parties[1:3]:
            ledger.account(party, "loan", floor=True)

    def teardown(self):
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    @rule(giver=st.integers(0, 3), receiver=st.integers(0, 3), amount=st.decimals("0.01", 100, places=2))
    def give(self, giver, receiver, amount):
        self.n += 1
        with suppress(ledger.NotEnough, ledger.BadAmount):
            post(self.net, self.at, self.n, giver=self.parties[giver], receiver=self.parties[receiver], amount=amount)

    @rule(n=st.integers(1, 30))
    def undo(self, n):
        with suppress(ledger.NotEnough):
            ledger.undo(ledger.Cause("item", n), at=self.at, by=SYSTEM)

    @invariant()
    def sums_are_zero_and_floors_hold(self):
        assert (Entry.objects.aggregate(sum=Sum("amount"))["sum"] or 0) == 0
        assert ledger.verify().breaks == []
        for party in self.parties[1:3]:
            assert ledger.balance_of(party, "loan") >= 0


class TestAnySequence(AnySequence.TestCase, TestCase):
    settings = settings(max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))


# At once


def at_once(*deeds):
    gate, found = threading.Barrier(len(deeds)), [None] * len(deeds)

    def run(n, deed):
        try:
            gate.wait(10)
            found[n] = deed()
        except Exception as error:  # noqa: BLE001 - what a deed raises is its outcome here
            found[n] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


@pytest.mark.django_db(transaction=True)
def test_G2_two_at_once_cannot_share_what_is_left(transactional_db, at):
    net = make_net()
    fund = ledger.unit(net["county"])
    ledger.account(fund, "loan", floor=True)
    post(net, at, 1, giver=BANK, receiver=fund, amount=100)
    found = at_once(*[lambda n=n: post(net, at, n, giver=fund, amount=60) for n in range(2, 7)])
    assert sum(isinstance(one, Txn) for one in found) == 1
    assert sum(isinstance(one, ledger.NotEnough) for one in found) == 4
    assert ledger.balance_of(fund, "loan") == 40 and ledger.verify().breaks == []


@pytest.mark.django_db(transaction=True)
def test_G2_one_cause_posted_by_many_at_once_is_entered_once(transactional_db, at):
    net = make_net()
    found = at_once(*[lambda: post(net, at) for _ in range(5)])
    assert sum(isinstance(one, Txn) for one in found) == 1
    assert sum(isinstance(one, ledger.AlreadyPosted) for one in found) == 4
    assert Account.objects.count() == 2 and Entry.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_G3_reversed_by_many_at_once_it_is_reversed_once(transactional_db, at):
    net = make_net()
    txn = post(net, at)
    found = at_once(*[lambda: ledger.reverse(txn, at=at, by=SYSTEM) for _ in range(4)])
    assert sum(isinstance(one, Txn) for one in found) == 1
    assert ledger.balance_of(WANG, "loan") == 0


def test_many_at_once_write_what_is_written_one_by_one(net, at):
    def rows():
        txns = [
            {f.attname: getattr(txn, f.attname) for f in Txn._meta.concrete_fields if f.attname != "id"}
            for txn in Txn.objects.order_by("pk")
        ]
        entries = Entry.objects.order_by("pk").values_list(
            "account__owner_kind", "account__owner_id", "measure", "amount"
        )
        return txns, list(entries)

    facts = {"program": "three_way", "side": "support", "measure": "loan", "place_unit": net["town"], "on": ON}
    lines = [
        ledger.Line("plan.loan", cause=ledger.Cause("register", n), amount=n * 1_000, giver=BANK, receiver=who, **facts)
        for n, who in enumerate((WANG, LI, WANG), 1)
    ]
    with transaction.atomic():
        for line in lines:
            given = {"amount": line.amount, "receiver": line.receiver, "cause": line.cause}
            post(net, at, **given)
        expected = rows()
        transaction.set_rollback(True)
    ledger.post_all(lines, at=at, by=SYSTEM)
    assert rows() == expected


def test_G2_many_at_once_bring_a_cause_once_and_undercut_no_floor(net, at):
    facts = {"program": "three_way", "side": "support", "measure": "loan", "place_unit": net["town"], "on": ON}
    line = ledger.Line("r", cause=ledger.Cause("register", 1), amount=5, giver=BANK, receiver=WANG, **facts)
    with pytest.raises(ledger.AlreadyPosted):
        ledger.post_all([line, line], at=at, by=SYSTEM)
    ledger.account(LI, "loan", floor=True)
    back = ledger.Line("r", cause=ledger.Cause("register", 2), amount=5, giver=LI, receiver=WANG, **facts)
    with pytest.raises(ledger.NotEnough):
        ledger.post_all([line, back], at=at, by=SYSTEM)
    assert not Txn.objects.exists()
