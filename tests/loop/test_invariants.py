"""The named rules of the loop (docs/model.md), each with the act that would break it."""

import json
from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection, transaction

from bihuan.book.journal import GENESIS, By, Stale, event_hash, fold
from bihuan.lib.canonical import canonical_json
from bihuan.loop import categories, clock
from bihuan.loop.actions import closing, dispatching, handling, intake, verifying
from bihuan.loop.models import Case, CaseEvent, Clock, State, Task
from bihuan.loop.moves import IllegalMove
from bihuan.loop.report import Report
from bihuan.loop.sweep import sweep
from bihuan.net import postings, tree

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def filed(at, by=None, **words) -> Case:
    report = Report(
        **{"type": "help", "text": "门前水管漏水", "phone": "13812345678", "grid": "219981001001001"} | words
    )
    number = intake.file(report, at=at, **({"by": by} if by else {})).number
    return Case.objects.get(no=number)


def dispatched(cast, at, **words) -> Case:
    case = filed(at, **words)
    if case.state == State.FILED:
        intake.accept(case, by=cast.dispatcher, at=at)
    dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at, category=cast.street)
    return fresh(case)


def replied(cast, at, **words) -> Case:
    case = dispatched(cast, at, **words)
    dispatching.sign(case, by=cast.handler, at=at + HOUR)
    handling.contact(case, text="已联系", by=cast.handler, at=at + HOUR)
    handling.reply(case, result="resolved", text="已修好", by=cast.handler, at=at + 2 * HOUR)
    handling.approve(case, passed=True, by=cast.chief, at=at + 3 * HOUR)
    return fresh(case)


def fresh(case) -> Case:
    return Case.objects.get(region_id=case.region_id, pk=case.pk)


def events_of(case) -> list[CaseEvent]:
    return list(CaseEvent.objects.filter(region_id=case.region_id, case_id=case.pk).order_by("n"))


def test_S1_state_columns_equal_the_fold_of_the_events(cast, at):
    case = replied(cast, at)
    closing.confirm(case, solved=False, text="还在漏", at=at + 4 * HOUR)
    case = fresh(case)
    columns = fold(events_of(case))
    for column, value in columns.items():
        assert json.loads(canonical_json({"v": getattr(case, column)}))["v"] == value, column
    untouched = {f.attname for f in Case._meta.concrete_fields} - set(columns) - {"id", "region_id", "n", "head"}
    assert all(getattr(case, column) in (None, "", 0, False) for column in untouched), untouched


def test_S1_each_act_writes_one_event(cast, at):
    case = replied(cast, at)
    events = events_of(case)
    assert [event.n for event in events] == list(range(1, case.n + 1))
    assert bytes(events[-1].hash) == bytes(case.head)


def test_S2_the_chain_recomputes(cast, at):
    previous = GENESIS
    for event in events_of(replied(cast, at)):
        by = By(event.actor, event.posting)
        previous = event_hash(
            previous, event.region_id, event.case_id, event.n, event.at, by, event.verb, event.version, event.data
        )
        assert bytes(event.hash) == previous


@pytest.mark.parametrize("statement", ["UPDATE loop_caseevent SET verb = 'x'", "DELETE FROM loop_caseevent"])
def test_S2_the_application_cannot_rewrite_history(cast, at, statement):
    filed(at)
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement + " /* across_regions */")


def test_L1_an_open_case_has_a_unit_and_a_task_or_a_running_clock(cast, at):
    def owned(case):
        running = Clock.objects.filter(case_id=case.pk, stage="running").exists()
        task = Task.objects.filter(case_id=case.pk, stage="open").exists()
        return case.unit_id is not None and (running or task)

    case = filed(at)
    assert owned(case)
    assert owned(dispatched(cast, at)) and owned(replied(cast, at))
    for days in range(1, 60):  # nobody ever acts: the clocks carry it to its end
        sweep(at + days * DAY)
        case = fresh(case)
        assert case.closed_at or owned(case)


def test_L3_who_handled_may_not_call_back(cast, at):
    case = replied(cast, at)
    cast.handler.role = "caller"
    with pytest.raises(verifying.OwnWork):
        closing.call_back(
            case, reached=True, contacted=True, solved=True, satisfied=5, by=cast.handler, at=at + 4 * HOUR
        )


def test_L3_the_finder_verifies_unless_he_handled_it(cast, at):
    case = replied(cast, at, by=cast.worker, source="grid", phone="")
    assert case.state == State.VERIFYING
    task = Task.objects.get(case_id=case.pk, kind="verify", stage="open")
    assert (task.posting, task.unit_id) == (cast.worker.pk, cast.grid1.pk)


def test_N2_a_chief_does_not_approve_his_own_reply(cast, at):
    case = dispatched(cast, at)
    dispatching.sign(case, by=cast.chief, at=at)
    handling.contact(case, text="已联系", by=cast.chief, at=at)
    handling.reply(case, result="resolved", text="已修好", by=cast.chief, at=at)
    with pytest.raises(IllegalMove, match="自己起草"):
        handling.approve(case, passed=True, by=cast.chief, at=at)


def test_K1_the_handling_limit_counts_working_days_of_the_region(cast, at):
    case = dispatched(cast, at)  # Monday 16 November, 10 working days -> Monday 30 November, end of office hours
    assert case.promise_at.astimezone(at.tzinfo).isoformat() == "2026-11-30T17:00:00+08:00"
    assert any("5个工作日" in line.text or "10个工作日" in line.text for line in clock.explain(case))


def test_K2_the_promise_changes_only_by_a_recorded_act(cast, at):
    case = dispatched(cast, at)
    dispatching.hand_back(case, reason="not_ours", text="条例第三条", by=cast.handler, at=at + HOUR)
    dispatching.rule(case, uphold=True, text="同意", by=cast.dispatcher, at=at + 2 * HOUR)
    dispatching.dispatch(case, to=cast.roads, by=cast.dispatcher, at=at + 2 * HOUR, urgency="urgent")
    case = fresh(case)
    promises = [json.loads(event.data)["set"].get("promise_at") for event in events_of(case)]
    told = [promise for promise in promises if promise]
    assert len(told) == 2 and told[0] > told[1]
    assert json.loads(canonical_json({"v": case.promise_at}))["v"] == told[-1]


def test_K3_a_clock_fires_once_stamped_with_the_time_it_was_due(cast, at):
    case = filed(at)
    late = at + 3 * DAY
    assert sweep(late) == [case.region_id]
    sweep(late)
    accepted = [event for event in events_of(case) if event.verb == "accept"]
    assert len(accepted) == 1 and accepted[0].actor == "clock"
    assert accepted[0].at == at + 2 * HOUR


def test_K3_an_act_cannot_overtake_a_clock_that_has_run_out(cast, at):
    case = dispatched(cast, at)
    with pytest.raises(IllegalMove):  # the sign clock ran out first: the case counts as signed already
        dispatching.sign(case, by=cast.handler, at=at + 3 * DAY)
    sweep(at + 3 * DAY)
    verbs = [(event.verb, event.actor) for event in events_of(case)][2:]
    assert verbs[:3] == [("dispatch", "posting"), ("sign", "clock"), ("contact", "clock")]


def test_an_overdue_case_is_marked_for_good_and_goes_on(cast, at):
    case = dispatched(cast, at)
    sweep(at + 20 * DAY)
    case = fresh(case)
    assert case.overdue_raw is True and case.closed_at is None
    assert sum(event.verb == "lapse" for event in events_of(case)) >= 1
    handling.reply(case, result="resolved", text="修好了", by=cast.handler, at=at + 21 * DAY)
    handling.approve(case, passed=True, by=cast.chief, at=at + 21 * DAY)
    assert fresh(case).overdue_raw is True


def test_nobody_acts_and_the_case_still_ends(cast, at):
    case = replied(cast, at)
    sweep(at + 10 * DAY)
    case = fresh(case)
    assert (case.state, case.ending, case.rating) == (State.CLOSED, "unreached", None)
    closing.reopen(case, text="还在漏", at=at + 20 * DAY)
    assert fresh(case).state == State.HANDLING
    assert fresh(case).closed_at is None


def test_a_reopening_comes_too_late_after_thirty_days(cast, at):
    case = replied(cast, at)
    sweep(at + 10 * DAY)
    with pytest.raises(IllegalMove):
        closing.reopen(fresh(case), text="还在漏", at=at + 60 * DAY)


def test_a_stale_page_is_told(cast, at):
    case = filed(at)
    seen = fresh(case)
    seen.seen_n = seen.n
    intake.accept(case, by=cast.dispatcher, at=at)
    with pytest.raises(Stale):
        intake.answer(seen, "可以这样办", by=cast.agent, at=at + HOUR / 2)


def test_placing_moves_the_counts_along(cast, at):
    from bihuan.book import tallies

    case = filed(at, grid="", address="说不清的地方")
    assert (case.region_id, case.l3) == (cast.city.pk, None)
    assert tallies.read(("filed",), cast.city.pk)["filed"] == 1
    intake.accept(case, by=cast_city_dispatcher(cast), at=at)
    intake.place(case, cast.grid1.pk, by=cast_city_dispatcher(cast), at=at)
    case = fresh(case)
    assert (case.region_id, case.l3, case.l5) == (cast.city.pk, cast.county.pk, cast.south.pk)
    assert tallies.read(("filed", "accepted"), cast.south.pk) == {"filed": 1, "accepted": 1}
    assert tallies.read(("filed",), cast.city.pk)["filed"] == 1


def cast_city_dispatcher(cast):
    from bihuan.net.models import Person, Posting

    person = Person.objects.create(name="城派单")
    return Posting.objects.create(person=person, unit=cast.city_centre, role="dispatcher", since=cast.city.born)


def test_L2_a_reply_waits_for_work_handed_down_which_settles_at_the_grassroots(cast, at):
    case = filed(at)
    intake.accept(case, by=cast.dispatcher, at=at)
    dispatching.dispatch(case, to=cast.town, by=cast.dispatcher, at=at)
    dispatching.sign(case, by=cast.town_handler, at=at)
    handling.hand_down(case, to=cast.south, by=cast.town_handler, at=at)
    handling.contact(case, text="已联系", by=cast.town_handler, at=at)
    with pytest.raises(IllegalMove, match="南关社区"):
        handling.reply(case, result="resolved", text="好了", by=cast.town_handler, at=at)
    handling.assist(case, text="社区已清理", by=cast.secretary, at=at)
    handling.reply(case, result="resolved", text="好了", by=cast.town_handler, at=at)
    handling.approve(case, passed=True, by=cast.town_chief, at=at)
    closing.confirm(case, solved=True, satisfied=5, at=at)
    assert fresh(case).settled_level == 5


def test_N4_what_a_merged_unit_owed_its_successor_owes_and_the_clock_knows(cast, at):
    case = filed(at)
    intake.accept(case, by=cast.dispatcher, at=at, category=cast.street)
    roads, water = cast.roads, cast.water
    tree.merge_units([roads], water, on=at.date(), at=at)
    assert categories.owed(fresh(case), category_id=cast.street.pk, on=at.date()).unit_id == water.pk
    sweep(at + DAY)
    assert (fresh(case).state, fresh(case).unit_id) == (State.DISPATCHED, water.pk)


def test_K3_a_duty_that_nobody_took_over_falls_to_the_places_government(cast, at):
    case = filed(at)
    intake.accept(case, by=cast.dispatcher, at=at, category=cast.street)
    for posting in (cast.roads_handler, cast.roads_chief):
        postings.end(posting, on=at.date(), by=None, at=at)
    tree.close_unit(cast.roads, on=at.date(), at=at)
    sweep(at + DAY)
    assert (fresh(case).state, fresh(case).unit_id) == (State.DISPATCHED, cast.town.pk)


def test_a_unit_elsewhere_cannot_be_dispatched_to(cast, at):
    from bihuan.net.scope import OutOfScope

    case = filed(at)
    intake.accept(case, by=cast.dispatcher, at=at)
    with pytest.raises(OutOfScope):
        dispatching.dispatch(case, to=cast.other_county, by=cast.dispatcher, at=at)


def test_a_secret_case_is_seen_by_its_handlers_alone(cast, at):
    from bihuan.loop import access, lists

    case = dispatched(cast, at, secrecy="secret")
    seen = [name for name in ("dispatcher", "caller", "handler", "chief") if access.may_see(getattr(cast, name), case)]
    unseen = ("agent", "leader", "supervisor", "roads_handler", "worker", "team_handler", "admin")
    assert seen == ["dispatcher", "caller", "handler", "chief"]
    assert not any(access.may_see(getattr(cast, name), case) for name in unseen)
    for name in ("dispatcher", "handler"):
        assert len(lists.page(lists.listing_for(getattr(cast, name)), at=at).rows) == 1
    for name in ("leader", "supervisor", "agent"):
        assert lists.page(lists.listing_for(getattr(cast, name)), at=at).rows == []


def test_a_clock_that_cannot_fire_rests_and_stands_in_nobodys_way(cast, at, monkeypatch):
    from bihuan.loop import sweep as sweeping

    broken, sound = filed(at), filed(at + HOUR)
    fire_due = sweeping.fire_due

    def fails_for_one(case, *, at):
        if case.pk == broken.pk:
            raise ValueError("a program nobody can read")
        return fire_due(case, at=at)

    monkeypatch.setattr(sweeping, "fire_due", fails_for_one)
    assert sweep(at + DAY, limit=1) == []
    assert sweep(at + DAY, limit=1) == [sound.region_id]
    monkeypatch.undo()
    assert sweep(at + DAY + timedelta(minutes=1)) == []  # it still rests
    sweep(at + DAY + timedelta(minutes=6))
    assert fresh(broken).state != State.FILED
