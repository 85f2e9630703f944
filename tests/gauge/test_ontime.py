"""按时办结: every case of the definition, counted as of now and as of any moment before."""

import io
import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from bihuan.gauge.ontime import LATE, VERDICTS, differences, on_time
from bihuan.loop.actions import closing, dispatching, handling, intake
from bihuan.loop.models import Case
from bihuan.loop.report import Report
from tests.loop.test_imports import CLOSED, OPEN, case_map, take
from tests.loop.test_imports import LATE as LATE_ROW

HOUR, DAY, ZONE = timedelta(hours=1), timedelta(days=1), ZoneInfo("Asia/Shanghai")
NOTHING = dict.fromkeys(VERDICTS, 0)


def counts(at, now=None, region="") -> dict[str, int]:
    found = on_time(at=at, now=now or at, region=region)
    assert found.total == sum(getattr(found, verdict) for verdict in VERDICTS)
    return {verdict: getattr(found, verdict) for verdict in VERDICTS}


def only(**some) -> dict[str, int]:
    return NOTHING | some


def filed(cast, at) -> Case:
    number = intake.file(Report(type="help", text="水管漏水", grid=cast.leaf.code), at=at).number
    return Case.objects.get(region_id=cast.county.pk, no=number)


def dispatched(cast, at) -> Case:
    """Promised until Monday 30 November 17:00."""
    case = filed(cast, at)
    intake.accept(case, by=cast.dispatcher, at=at)
    dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at)
    dispatching.sign(case, by=cast.handler, at=at)
    handling.contact(case, text="已联系", by=cast.handler, at=at)
    case.refresh_from_db()
    return case


def answered(cast, case, at) -> Case:
    handling.reply(case, result="resolved", text="已修好", by=cast.handler, at=at)
    handling.approve(case, passed=True, by=cast.chief, at=at)
    case.refresh_from_db()
    return case


def called(cast, case, at, *, content=True) -> Case:
    asked = {"contacted": True, "solved": content, "satisfied": 5 if content else 1}
    closing.call_back(case, reached=True, by=cast.caller, at=at, text="" if content else "还漏", **asked)
    case.refresh_from_db()
    return case


def test_before_it_is_dispatched_a_case_has_no_target(cast, at):
    filed(cast, at)
    assert counts(at) == only(without_target=1)
    assert counts(at - HOUR, now=at) == NOTHING


def test_an_open_case_is_late_once_its_promise_is_past(cast, at):
    promise = dispatched(cast, at).promise_at
    assert counts(promise) == only(open_on_time=1)
    assert counts(promise + timedelta(microseconds=1)) == only(open_late=1)


def test_the_answer_counts_not_the_closing(cast, at):
    """Answered in time, called back only after the promise: on time."""
    case = dispatched(cast, at)
    answered(cast, case, case.promise_at - HOUR)
    late = case.promise_at + DAY
    assert counts(late) == only(open_on_time=1)
    called(cast, case, late)
    assert counts(late) == only(on_time=1)


def test_an_answer_after_the_promise_stays_late(cast, at):
    case = dispatched(cast, at)
    late = case.promise_at + DAY
    answered(cast, case, late)
    assert counts(late) == only(open_late=1)
    called(cast, case, late + HOUR)
    assert counts(late + HOUR) == only(late=1)


def test_the_past_is_counted_as_it_was(cast, at):
    case = dispatched(cast, at)
    now = case.promise_at + 2 * DAY
    answered(cast, case, case.promise_at + DAY)
    called(cast, case, now)
    assert counts(now) == only(late=1)
    assert counts(at, now=now) == only(open_on_time=1)
    assert counts(case.promise_at + HOUR, now=now) == only(open_late=1)


def test_a_redone_case_is_judged_from_its_events(cast, at):
    """Answered in time, not solved, done again: the first answer decides, at each moment between."""
    case = dispatched(cast, at)
    answered(cast, case, at + DAY)
    called(cast, case, at + 2 * DAY, content=False)
    redone = at + 2 * DAY + HOUR
    assert counts(redone) == only(open_on_time=1)
    now = case.promise_at + 9 * DAY
    assert counts(at + HOUR, now=now) == only(open_on_time=1)
    assert counts(redone, now=now) == counts(now) == only(open_on_time=1)


def test_a_case_handed_back_had_another_promise_before(cast, at):
    case = filed(cast, at)
    intake.accept(case, by=cast.dispatcher, at=at)
    dispatching.dispatch(case, to=cast.roads, by=cast.dispatcher, at=at)
    case.refresh_from_db()
    first = case.promise_at
    dispatching.hand_back(case, reason="not_ours", text="不归我们", by=cast.roads_handler, at=at + DAY)
    dispatching.rule(case, uphold=True, text="同意", by=cast.dispatcher, at=at + DAY)
    dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at + DAY + HOUR / 2)
    case.refresh_from_db()
    now = case.promise_at + DAY
    assert case.promise_at > first
    assert counts(at + HOUR, now=now) == counts(at + 2 * DAY, now=now) == only(open_on_time=1)
    assert counts(first + HOUR, now=now) == only(open_on_time=1)  # by then it had the later promise
    assert counts(now) == only(open_late=1)


def test_withdrawn_and_test_cases_are_not_counted(cast, at):
    closing.withdraw(filed(cast, at), at=at + HOUR)
    intake.file(Report(type="help", text="测试", grid=cast.leaf.code, test=True), at=at)
    assert counts(at + HOUR) == NOTHING
    assert counts(at + HOUR / 2, now=at + HOUR) == only(without_target=1)


def test_an_area_or_a_unit_counts_its_own(cast, at):
    dispatched(cast, at)
    mine = only(open_on_time=1)
    places = (cast.city, cast.county, cast.town, cast.south, cast.leaf, cast.water)
    assert [counts(at, region=unit.code) for unit in places] == [mine] * 6
    assert [counts(at, region=unit.code) for unit in (cast.other_county, cast.north, cast.roads)] == [NOTHING] * 3


# Imported cases


def test_imported_cases_count_by_their_closing(cast, at):
    bare = ["A4", *CLOSED[1:2], "", *CLOSED[3:]]
    take(at, CLOSED, LATE_ROW, OPEN, bare)
    assert counts(at) == only(on_time=1, late=1, open_late=1, without_target=1)
    noon = datetime(2026, 3, 16, 17, 0, tzinfo=ZONE)
    assert counts(noon, now=at) == only(on_time=1, open_on_time=2, without_target=1)
    assert on_time(at=at, now=at).rate == 33.3  # one of three


def test_another_systems_verdict_is_compared_case_by_case(cast, at):
    """A1 agrees. A2 was late but called on time; A3 is open and late without a verdict; A5 has no target: apart."""
    rows = [[*LATE_ROW[:-1], "按期"], [*OPEN[:-1], ""], ["A5", CLOSED[1], "", *CLOSED[3:-1], "超期"]]
    take(at, CLOSED, *rows)
    found = {row.outside_no: (row.ours, row.flag, row.theirs) for row in differences(at=at)}
    assert found == {"A2": ("超时办结", "按期", "按时"), "A3": ("未办结，已超时", "", "没有结论")}
    assert set(LATE) == {"late", "open_late"}


def test_without_a_flag_there_is_nothing_to_compare(cast, at):
    columns = {key: title for key, title in case_map().columns.items() if key != "flag"}
    titles = {key: [part[0] for part in parts] if len(parts) > 1 else parts[0][0] for key, parts in columns.items()}
    take(at, LATE_ROW, given=case_map(column=titles))
    assert list(differences(at=at)) == []


# The command


def told(*arguments) -> str:
    out = io.StringIO()
    call_command("figures", "ontime", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_tells_the_counts_in_words_and_as_json(cast, at):
    take(at, CLOSED, [*LATE_ROW[:-1], "按期"], OPEN)
    said = told("--at", "2026-11-16T09:00")
    assert "共 3 件" in said and "33.3%" in said
    found = json.loads(told("--at", "2026-11-16T09:00", "--region", "219981", "--json", "--compare"))
    assert (found["on_time"], found["late"], found["open_late"], found["total"]) == (1, 1, 1, 3)
    assert [row["outside_no"] for row in found["differences"]] == ["A2"]
    assert "A2" in told("--compare") and "与原系统结论不同的：1 件" in told("--compare")
    assert "共 2 件" in told("--at", "2026-03-02")  # the day's end


@pytest.mark.parametrize("wrong", [("--at", "昨天"), ("--at", "2026-02-30"), ("--region", "990000")])
def test_the_command_refuses_in_a_sentence(cast, wrong):
    with pytest.raises(CommandError):
        told(*wrong)
