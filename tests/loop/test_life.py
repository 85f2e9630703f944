"""The main job, end to end through the actions: filed, accepted, dispatched, signed, contacted, replied, called back, closed."""

from datetime import timedelta

import pytest

from bihuan.book.journal import fold
from bihuan.loop.actions import closing, dispatching, handling, intake
from bihuan.loop.models import Case, CaseEvent, Clock, State, Task
from bihuan.loop.report import Report

HOUR = timedelta(hours=1)


def filed(at, **words) -> Case:
    report = Report(
        type="help", text="南关一网格门前水管漏水三天了", phone="13812345678", grid="219981001001001", **words
    )
    return Case.objects.get(no=intake.file(report, at=at).number)


def test_a_matter_runs_its_whole_life(cast, at):
    case = filed(at)
    assert (case.state, case.unit_id, case.l5) == (State.FILED, cast.centre.pk, cast.south.pk)
    intake.accept(case, by=cast.dispatcher, at=at + HOUR, category=cast.tap)
    dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at + HOUR)
    dispatching.sign(case, by=cast.handler, at=at + 2 * HOUR)
    handling.contact(case, text="已电话联系", by=cast.handler, at=at + 3 * HOUR)
    handling.reply(case, result="resolved", text="水管已换", by=cast.handler, at=at + 7 * HOUR)
    handling.approve(case, passed=True, by=cast.chief, at=at + 8 * HOUR)
    closing.call_back(case, reached=True, contacted=True, solved=True, satisfied=5, by=cast.caller, at=at + 9 * HOUR)
    case.refresh_from_db()
    assert (case.state, case.ending, case.result, case.overdue_raw) == (State.CLOSED, "called", "resolved", False)
    assert not Clock.objects.filter(case_id=case.pk, stage="running").exists()
    assert not Task.objects.filter(case_id=case.pk, stage="open").exists()
    events = list(CaseEvent.objects.filter(case_id=case.pk).order_by("n"))
    assert [event.verb for event in events] == [
        "file", "accept", "dispatch", "sign", "contact", "reply", "approve", "call_back",
    ]  # fmt: skip
    assert fold(events)["state"] == "closed"


def test_the_same_report_sent_twice_is_one_case(cast, at):
    import uuid

    key = uuid.uuid4()
    report = Report(type="help", text="路灯不亮", client_id=key)
    first = intake.file(report, at=at)
    again = intake.file(report, at=at)
    assert (first.number, first.new, again.number, again.new) == (again.number, True, first.number, False)
    with pytest.raises(intake.SameClient):
        intake.file(Report(type="help", text="另一件事", client_id=key), at=at)
    assert Case.objects.count() == 1


def test_a_list_shows_what_goes_wrong_first_and_pages_by_key(cast, at, django_assert_num_queries):
    from bihuan.loop import lists

    for hours in range(5):
        filed(at + hours * HOUR)
    listing = lists.listing_for(cast.dispatcher)
    lists.page(listing, at=at)
    with django_assert_num_queries(1):
        first = lists.page(listing, at=at, limit=3)
    second = lists.page(listing, at=at, after=first.after, limit=3)
    assert len(first.rows) == 3 and len(second.rows) == 2 and not second.after
    assert not {row.number for row in first.rows} & {row.number for row in second.rows}
    assert lists.count_states(listing, at=at + 8 * HOUR) == {"filed": 5, "late": 5, "soon": 0}
    assert lists.page(lists.listing_for(cast.other_dispatcher), at=at).rows == []
