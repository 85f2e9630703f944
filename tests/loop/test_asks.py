"""What a program asks of people is held; what somebody owed stays with his unit; what is told is what was true."""

from datetime import date, timedelta

import pytest

from bihuan.book.models import Message, Outbox
from bihuan.loop.actions import closing, dispatching, handling, intake, verifying
from bihuan.loop.models import Case, State, Task
from bihuan.loop.moves import IllegalMove, Missing
from bihuan.loop.report import Report
from bihuan.loop.sweep import sweep
from bihuan.loop.tell import rule_text, tell
from bihuan.net import postings

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def given(cast, at, **words) -> Case:
    """A matter in the water bureau's hands."""
    by = {"by": cast.worker} if words.get("source") == "grid" else {}
    report = Report(**{"type": "help", "text": "门前水管漏水", "grid": "219981001001001"} | words)
    case = Case.objects.get(no=intake.file(report, at=at, **by).number)
    if case.state == State.FILED:
        intake.accept(case, by=cast.dispatcher, at=at)
    dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at, category=cast.street)
    return case


def found_and_done(cast, at) -> Case:
    case = given(cast, at, source="grid")
    dispatching.sign(case, by=cast.handler, at=at)
    handling.contact(case, text="已到现场", by=cast.handler, at=at)
    handling.reply(case, result="resolved", text="已修好", by=cast.handler, at=at + HOUR)
    handling.approve(case, passed=True, by=cast.chief, at=at + HOUR)
    return case


@pytest.mark.parametrize("passed", [True, False])
def test_a_check_on_site_needs_its_photo(cast, at, passed):
    case = found_and_done(cast, at)
    with pytest.raises(Missing, match="现场照片") as refused:
        verifying.verify(case, passed=passed, text="看过了", by=cast.worker, at=at + 2 * HOUR)
    assert refused.value.field == "photo"


def test_blank_words_answer_nothing(cast, at):
    case = given(cast, at)
    dispatching.sign(case, by=cast.handler, at=at)
    with pytest.raises(Missing) as refused:
        handling.contact(case, text=" \n", by=cast.handler, at=at)
    assert refused.value.field == "text"
    with pytest.raises(Missing) as refused:
        dispatching.hand_back(case, reason="whatever", text="不归我们", by=cast.handler, at=at)
    assert refused.value.field == "reason"


def test_a_case_is_handed_back_twice_at_most(cast, at):
    case = given(cast, at)
    for _time in range(2):
        dispatching.hand_back(case, reason="not_ours", text="依据第三条", by=cast.handler, at=at)
        dispatching.rule(case, uphold=False, text="仍由你单位办", by=cast.dispatcher, at=at)
    with pytest.raises(IllegalMove, match="最多2次"):
        dispatching.hand_back(case, reason="not_ours", text="依据第三条", by=cast.handler, at=at)


def test_the_centres_urging_does_not_use_up_the_residents(cast, at):
    case = given(cast, at)
    for _time in range(2):
        closing.urge(case, by=cast.dispatcher, at=at)
    closing.urge(case, by=closing.RESIDENT, at=at)
    with pytest.raises(IllegalMove, match="每天最多1次"):
        closing.urge(case, by=closing.RESIDENT, at=at + HOUR)
    closing.urge(case, by=closing.RESIDENT, at=at + DAY)


def test_signing_makes_the_work_the_signers_and_leaving_returns_it_to_the_unit(cast, at):
    case = given(cast, at)
    dispatching.sign(case, by=cast.handler, at=at)
    assert Task.objects.get(case_id=case.pk, kind="lead").posting == cast.handler.pk
    foreseen = postings.consequences(cast.handler, by=cast.admin, at=at)
    ended = postings.end(cast.handler, on=date(2026, 11, 16), by=cast.admin, at=at)
    assert [one.number for one in foreseen] == [one.number for one in ended] == [case.no]
    assert "水务局" in ended[0].says
    task = Task.objects.get(case_id=case.pk, kind="lead")
    assert (task.posting, task.unit_id, task.stage) == (None, cast.water.pk, "open")


def test_a_finder_who_left_leaves_the_check_to_his_grid(cast, at):
    case = found_and_done(cast, at)
    postings.end(cast.worker, on=date(2026, 11, 16), by=cast.admin, at=at + HOUR)
    task = Task.objects.get(case_id=case.pk, kind="verify", stage="open")
    assert (task.posting, task.unit_id) == (None, cast.grid1.pk)


def test_a_finder_who_left_before_gets_no_check_and_no_message(cast, at):
    postings.end(cast.worker, on=date(2026, 11, 16), by=cast.admin, at=at)
    case = found_and_done(cast, at)
    task = Task.objects.get(case_id=case.pk, kind="verify", stage="open")
    assert (task.posting, task.unit_id) == (None, cast.grid1.pk)
    tell(list(Outbox.objects.filter(topic="tell")), at + HOUR)
    assert not Message.objects.filter(posting=cast.worker.pk).exists()


def test_a_message_says_what_was_true_when_the_act_happened(cast, at):
    case = found_and_done(cast, at)
    sweep(at + 10 * DAY)
    case.refresh_from_db()
    assert case.ending == "unverified"
    last = Outbox.objects.filter(topic="tell", payload__message="unverified").get()
    until = rule_text(last, case)
    closing.reopen(case, text="还在漏", by=closing.RESIDENT, at=at + 11 * DAY)
    case.refresh_from_db()
    assert rule_text(last, case) == until
    assert "12月" in until and "24:00" in until
