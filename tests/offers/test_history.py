"""The past written down at once is what the actions and the sweep would have left, row for row."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from bihuan.dossier.models import Text
from bihuan.jobs.integrity import check_offers
from bihuan.offers.actions import circles, needs, pairing, plans
from bihuan.offers.actions.plans import Line
from bihuan.offers.history import (
    Chronicle,
    PastCircle,
    PastClaim,
    PastDeed,
    PastLine,
    PastNeed,
    PastPair,
    PastSession,
    PastSuggestion,
)
from bihuan.offers.lapsing import sweep
from bihuan.offers.models import Attendance, CircleMember, Claim, Deed, PairYear, PlanItem
from bihuan.offers.record import EVENTS
from tests.dossier.people import page
from tests.offers.people import LADDER
from tests.world import ZONE

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PARTS = (Claim, PlanItem, PairYear, Deed, CircleMember, Attendance)
MADE = 1 << 40  # ids made by the application are larger than any other number here
APART = {"id", "no", "head", "hash", "salt", "data"}


def moment(month, day, hour=9):
    return datetime(2026, month, day, hour, tzinfo=ZONE)


def left_behind():
    """Every row of our tables as comparable values: ids by the order of their making, hashes and salts left out."""
    order: dict[int, str] = {}
    found = []
    for model in (*EVENTS, *PARTS, *EVENTS.values(), Text):
        key = ("track_id", "n") if hasattr(model, "TRACK") else ("pk",)
        for place, row in enumerate(model._default_manager.order_by(*key)):
            if key == ("pk",):
                order[row.pk] = f"{model.__name__}{place}"
    bodies = dict(Text.objects.values_list("pk", "body"))
    order |= {pk: f"text {body}" for pk, body in bodies.items()}

    def plain(value):
        if isinstance(value, dict):
            return {key: "..." if key.endswith("digest") or key == "no" else plain(one) for key, one in value.items()}
        if isinstance(value, list):
            return [plain(one) for one in value]
        return order.get(value, value) if isinstance(value, int) and value > MADE else value

    for model in (*EVENTS, *PARTS, *EVENTS.values()):
        columns = [field.attname for field in model._meta.concrete_fields if field.attname not in APART]
        key = ("track_id", "n") if hasattr(model, "TRACK") else ("pk",)
        for row in model._default_manager.order_by(*key):
            values = {column: plain(getattr(row, column)) for column in columns}
            told = plain(json.loads(row.data)) if hasattr(row, "data") else None
            found.append((model.__name__, values, told))
    return found, sorted(bodies.values())


def both(one_by_one, at_once):
    """What each leaves behind, in transactions that are undone."""
    seen = []
    for act in (one_by_one, at_once):
        with transaction.atomic():
            act()
            assert check_offers().breaks == []
            seen.append(left_behind())
            transaction.set_rollback(True)
    return seen


def test_needs_with_plans_late_lines_and_an_end(folk, at):
    now = moment(12, 20)
    picture = page(folk.county.pk, at)
    months = [(date(2026, 9, 1), date(2026, 9, 25)), (date(2026, 10, 1), date(2026, 10, 20)),
              (date(2026, 11, 1), date(2026, 11, 10))]  # fmt: skip
    done = (moment(9, 20), moment(11, 2), None)  # in time, late, never
    asked = {"topic": "funds", "by": folk.village_secretary}

    def one_by_one():
        for n, met in enumerate((moment(11, 20), None)):
            trainee = (folk.trainee, folk.other_trainee)[n]
            offer = needs.collect(
                trainee,
                text=f"需要{n}",
                program=LADDER,
                amount=Decimal("20.00"),
                unit=folk.town,
                at=moment(8, 3),
                **asked,
            )
            claim = needs.claim(offer, by=folk.farmer_helper, at=moment(8, 25))  # after it had gone up to the county
            lines = [Line(month, f"第{i}步", due, helper="张某") for i, (month, due) in enumerate(months)]
            items = plans.draw_up(claim, lines, by=folk.farmer_helper, at=moment(9, 3))
            for item, at_ in zip(items, done, strict=True):
                if at_:
                    plans.do_item(item, text="办了", by=folk.farmer_helper, at=at_)
            if met:
                needs.meet(claim, text="解决", by=folk.farmer_helper, at=met, photos=[picture])
        needs.collect(folk.trainee, text="没人管", program=LADDER, unit=folk.county, at=moment(10, 9), **asked)
        sweep(now)
        sweep(now)

    def at_once():
        chronicle = Chronicle(LADDER, now)
        for n, met in enumerate((moment(11, 20), None)):
            lines = [
                PastLine(month, f"第{i}步", "张某", due, done_at=when, report="办了")
                for i, ((month, due), when) in enumerate(zip(months, done, strict=True))
            ]
            claim = PastClaim(
                folk.farmer_helper,
                moment(8, 25),
                lines,
                moment(9, 3),
                met,
                "解决" if met else "",
                [picture] if met else [],
            )
            chronicle.need(
                PastNeed(
                    (folk.trainee, folk.other_trainee)[n], text=f"需要{n}", at=moment(8, 3), unit_id=folk.town.pk,
                    amount=Decimal("20.00"), claim=claim, **asked,
                )
            )  # fmt: skip
        chronicle.need(PastNeed(folk.trainee, text="没人管", at=moment(10, 9), unit_id=folk.county.pk, **asked))
        chronicle.save()

    slow, quick = both(one_by_one, at_once)
    assert slow == quick


def test_pairs_studios_sessions_and_suggestions(folk, at):
    by, now = folk.organiser, moment(12, 20)

    def one_by_one():
        pair = pairing.pair(folk.farming, folk.south, by=by, at=moment(1, 20), since=date(2026, 1, 20))
        pairing.plan(pair, year=2026, text="全年计划", by=by, at=moment(3, 9))  # after the clock had marked it
        pairing.record(
            pair, on=date(2026, 4, 1), kind="visit", text="走访", count=2, by=folk.farmer_helper, at=moment(4, 2)
        )
        studio = circles.found(
            "书记工作室",
            program=LADDER,
            unit=folk.south,
            host=folk.trainee,
            by=by,
            at=moment(2, 2),
            since=date(2026, 2, 2),
        )
        circles.join(studio, folk.other_trainee, by=by, at=moment(2, 2), since=date(2026, 2, 2))
        session = circles.call(
            "座谈", kind="talk", begins_at=moment(5, 6), ends_at=moment(5, 6, 11), venue="村部", circle=studio, by=by,
            at=moment(5, 6),
        )  # fmt: skip
        there = [folk.trainee, folk.other_trainee]
        circles.hold(session, present=there, text="谈了大棚", by=by, at=moment(5, 6, 11))
        circles.suggest("修路", by=by, at=moment(5, 6, 12), subject=folk.trainee, session=session)
        sweep(now)

    def at_once():
        chronicle = Chronicle(LADDER, now)
        deed = PastDeed(date(2026, 4, 1), "visit", "走访", moment(4, 2), folk.farmer_helper, count=2)
        chronicle.pair(
            PastPair(
                folk.farming.pk, folk.south.pk, date(2026, 1, 20), moment(1, 20), by,
                plans=[(2026, "全年计划", moment(3, 9))], deeds=[deed],
            )
        )  # fmt: skip
        studio = chronicle.circle(
            PastCircle(
                "书记工作室", folk.south.pk, moment(2, 2), by, date(2026, 2, 2), host=folk.trainee.pk,
                members=[(folk.other_trainee.pk, date(2026, 2, 2))],
            )
        )  # fmt: skip
        session = chronicle.session(
            PastSession(
                "talk", "座谈", moment(5, 6), moment(5, 6, 11), "村部", by, [folk.trainee.pk, folk.other_trainee.pk],
                "谈了大棚", circle=studio,
            )
        )  # fmt: skip
        chronicle.suggestion(PastSuggestion("修路", moment(5, 6, 12), by, folk.trainee, session=session))
        chronicle.save()

    slow, quick = both(one_by_one, at_once)
    assert slow == quick


def test_a_thousand_needs_take_few_statements(folk, at, django_assert_max_num_queries):
    chronicle = Chronicle(LADDER, moment(12, 20))
    lines = [PastLine(date(2026, 9, 1), "上门", "张某", date(2026, 9, 25), done_at=moment(9, 20), report="办了")]
    for _ in range(1000):
        claim = PastClaim(folk.farmer_helper, moment(8, 4), lines, moment(8, 5), moment(9, 21), "解决")
        chronicle.need(
            PastNeed(folk.trainee, "funds", "缺资金", moment(8, 3), folk.village_secretary, folk.county.pk, claim=claim)
        )
    with django_assert_max_num_queries(40):
        chronicle.save()
