"""Random people try random things with a need at random times, sweeps come or stay away: the rules hold after every step."""

from datetime import date, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from bihuan.book.journal import RESIDENT
from bihuan.book.verify import verify
from bihuan.dossier.models import Photo
from bihuan.offers.actions import needs, plans
from bihuan.offers.actions.plans import Line
from bihuan.offers.lapsing import locked, sweep
from bihuan.offers.models import Claim, Offer, OfferEvent, PlanItem
from bihuan.offers.refusals import REFUSED
from tests.offers.people import LADDER, make_folk
from tests.world import MONDAY

WHO = ("village_secretary", "north_secretary", "organiser", "town_handler", "farmer_helper", "handler", "banker", "leader",
       "farming_chief", "city_organiser", "stranger", "worker")  # fmt: skip
SET_UP = settings(
    max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.reuse, Phase.generate],
)  # fmt: skip
people = st.sampled_from(WHO)


class Machine(RuleBasedStateMachine):
    """One need of one trainee from collecting to its end. `folk` is set by the test."""

    folk = None

    @initialize(capacity=st.integers(1, 3), level=st.sampled_from(("south", "town", "county", "city")))
    def collected(self, capacity, level):
        self.block = transaction.atomic()
        self.block.__enter__()
        self.at, self.refused, self.pictures = MONDAY, 0, 0
        self.offer = needs.collect(
            self.folk.trainee, program=LADDER, topic="funds", text="缺资金", by=RESIDENT, at=self.at, capacity=capacity,
            unit=getattr(self.folk, level),
        )  # fmt: skip
        self.was_late: set[int] = set()

    def teardown(self):
        if hasattr(self, "block"):
            sweep(self.at + timedelta(days=400))
            self.rules_hold()
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    def attempt(self, deed):
        try:
            with transaction.atomic():
                deed()
        except REFUSED:
            self.refused += 1

    def someone(self, who):
        return getattr(self.folk, who)

    def a_claim(self, n):
        claims = list(Claim.objects.filter(offer=self.offer).order_by("pk"))
        return claims[n % len(claims)] if claims else None

    @rule(hours=st.sampled_from((1, 30, 24 * 8, 24 * 20, 24 * 45)), swept=st.booleans())
    def time_passes(self, hours, swept):
        self.at += timedelta(hours=hours)
        if swept:
            sweep(self.at)
            sweep(self.at)

    @rule(does=st.booleans(), days=st.sampled_from((1, 25, 40)))
    def what_comes_next(self, does, days):
        """A likely way through, so that stories do not die at the door."""
        claim = Claim.objects.filter(offer=self.offer, state="taken").first()
        if claim is None:
            self.claim("leader", personal=True)
        elif claim.planned_at is None:
            lines = [Line(self.month(ahead), "上门", self.month(ahead, 28), helper="张某") for ahead in (1, 2, 3)]
            self.attempt(lambda: plans.draw_up(claim, lines, by=self.holder(claim), at=self.at))
        elif does and (item := claim.items.filter(stage__in=["waiting", "open"]).order_by("n").first()):
            self.attempt(lambda: plans.do_item(item, text="办了", by=self.holder(claim), at=self.at))
        else:
            self.time_passes(24 * days, swept=does)

    @rule(who=people, personal=st.booleans())
    def claim(self, who, personal):
        self.attempt(lambda: needs.claim(self.offer, by=self.someone(who), at=self.at, personal=personal))

    @rule(who=people, n=st.integers(0, 5), own=st.booleans())
    def release(self, who, n, own):
        claim = self.a_claim(n)
        if claim:
            by = self.holder(claim) if own else self.someone(who)
            self.attempt(lambda: needs.release(claim, text="退回", by=by, at=self.at))

    @rule(n=st.integers(0, 5), months=st.lists(st.integers(0, 5), min_size=1, max_size=4), again=st.booleans())
    def draw_up(self, n, months, again):
        claim = self.a_claim(n)
        if claim and (again or claim.planned_at is None):
            lines = [Line(self.month(ahead), "上门", self.month(ahead, 28), helper="张某") for ahead in months]
            self.attempt(lambda: plans.draw_up(claim, lines, by=self.holder(claim), at=self.at, reason="调整"))

    @rule(n=st.integers(0, 8))
    def do_item(self, n):
        items = list(PlanItem.objects.filter(claim__offer=self.offer).select_related("claim").order_by("pk"))
        if items:
            item = items[n % len(items)]
            self.attempt(lambda: plans.do_item(item, text="办了", by=self.holder(item.claim), at=self.at))

    @rule(n=st.integers(0, 5))
    def meet(self, n):
        claim = self.a_claim(n)
        if claim and claim.planned_at and n < 2:  # seldom: else every story is short
            key = self.picture()
            self.attempt(lambda: needs.meet(claim, text="解决了", by=self.holder(claim), at=self.at, photos=[key]))

    @rule(who=people, verb=st.sampled_from((needs.withdraw, needs.close)))
    def end(self, who, verb):
        if Claim.objects.filter(offer=self.offer).count() > 1:  # seldom, too
            self.attempt(lambda: verb(self.offer, text="结束", by=self.someone(who), at=self.at))

    @invariant()
    def rules_hold(self):
        if not hasattr(self, "block"):
            return
        offer = Offer.objects.get(pk=self.offer.pk)
        seats = Claim.objects.filter(offer=offer).exclude(state="released").count()
        assert seats == offer.taken <= offer.capacity  # M1
        claims = Claim.objects.filter(offer=offer, state="taken")
        if offer.state == "open":  # M2: it waits with a clock, or has been lifted
            assert offer.taken < offer.capacity and offer.window_until is not None
        if offer.state == "taken":
            assert claims.exists() and offer.window_until is None
        if offer.ended_at:
            assert not claims.exists()
            assert not PlanItem.objects.filter(claim__offer=offer, stage__in=["waiting", "open"]).exists()
        late = set(PlanItem.objects.filter(claim__offer=offer, late=True).values_list("pk", flat=True))
        marks = list(OfferEvent.objects.filter(track_id=offer.pk).order_by("n"))
        assert len(late) == sum(event.verb == "item_late" for event in marks)  # K3: once each
        assert self.was_late <= late  # and never forgotten
        self.was_late = late
        assert [event.at for event in marks] == sorted(event.at for event in marks), "time runs backwards"
        assert offer.rises == sum(event.verb == "rise" for event in marks)
        assert verify(OfferEvent, Offer).breaks == []  # S1, S2

    def holder(self, claim):
        return next(one for one in map(self.someone, WHO) if one.pk == claim.posting)

    def month(self, ahead, day=1):
        index = self.at.year * 12 + self.at.month - 1 + ahead
        return date(index // 12, index % 12 + 1, day)

    def picture(self):
        self.pictures += 1
        key = f"picture{self.offer.pk}{self.pictures}"[:32]
        Photo.objects.create(key=key, sha256="0" * 64, width=1, height=1, size=1, made_at=self.at)
        return key


@pytest.mark.slow
def test_M1_M2_K3_S1_hold_whatever_happens(db):
    Machine.folk = make_folk()
    run_state_machine_as_test(Machine, settings=SET_UP)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(days=st.lists(st.integers(1, 30), min_size=1, max_size=6))
def test_M2_however_seldom_the_sweep_comes_a_need_rises_at_the_same_moments(folk, days):
    """One need is looked at time and again, the other only at the end."""
    with transaction.atomic():
        asked = {"program": LADDER, "topic": "funds", "text": "缺资金", "by": RESIDENT, "at": MONDAY}
        watched, alone = (needs.collect(folk.trainee, **asked) for _ in range(2))
        end = MONDAY
        for passed in days:
            end += timedelta(days=passed)
            locked(watched, at=end)
        locked(alone, at=end)
        told = [
            list(OfferEvent.objects.filter(track_id=offer.pk).order_by("n").values_list("verb", "at"))
            for offer in (watched, alone)
        ]
        assert told[0] == told[1]
        transaction.set_rollback(True)
