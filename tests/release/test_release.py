"""Publishing against what is live: trial runs, who has nowhere to go (C2), who is moved and who stays."""

from datetime import timedelta

import pytest

from bihuan.book import messages, outbox
from bihuan.book.models import Outbox
from bihuan.jobs.integrity import check_cases
from bihuan.jobs.pump import Pump
from bihuan.loop import moves, story
from bihuan.loop.actions import closing, dispatching, handling, intake
from bihuan.loop.models import Case, CaseEvent, Clock, Task
from bihuan.loop.report import Report
from bihuan.programs import document, versions
from bihuan.programs.changes import Klass
from bihuan.programs.models import Move, Version
from bihuan.release import moving, tracks
from bihuan.release.moving import NoReason, move_one
from bihuan.release.publishing import NotAuthor, plan, release, release_terms
from bihuan.release.tracks import CannotMove, Live

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TEXT = document.read(document.PACKS / "standard" / "request.toml")
WORDED = TEXT.replace('title = "办理中"', 'title = "正在办"')
SOONER = TEXT.replace('[limit.handle]\ndefault = "10wd"', '[limit.handle]\ndefault = "7wd"')
LATER = TEXT.replace('[limit.handle]\ndefault = "10wd"', '[limit.handle]\ndefault = "15wd"')


def cut(doc: str, *names: str) -> str:
    """A document without some of its tables."""
    parts = doc.split("\n[")
    return "\n[".join(part for part in parts if part.partition("]")[0] not in names)


# No contact before handling: who signs has it in hand at once.
MERGED = cut(TEXT, "state.signed", "clock.contact", "limit.contact", "move.contact", "move.hand_down")
MERGED = MERGED.replace('to = "signed"', 'to = "handling"').replace('starts = ["contact"]', "")
MERGED = MERGED.replace('stops = ["sign", "contact"]', 'stops = ["sign"]')
for gone in ("signed", "contact", "hand_down"):
    MERGED = MERGED.replace(f'"{gone}", ', "").replace(f', "{gone}"', "")
    MERGED = "\n".join(line for line in MERGED.split("\n") if not line.startswith((f'{gone} = "',)))
MIGRATED = MERGED + '\n[migrate.1]\nstate.signed = "handling"\n'


def filed(at, **words) -> Case:
    report = Report(**{"type": "help", "text": "漏水", "phone": "13812345678", "grid": "219981001001001"} | words)
    return Case.objects.get(no=intake.file(report, at=at).number)


def dispatched(cast, at, **words) -> Case:
    case = filed(at, **words)
    intake.accept(case, by=cast.dispatcher, at=at)
    dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at)
    return fresh(case)


def signed(cast, at) -> Case:
    case = dispatched(cast, at)
    dispatching.sign(case, by=cast.handler, at=at + HOUR)
    return fresh(case)


def fresh(case: Case) -> Case:
    return Case.objects.get(region_id=case.region_id, pk=case.pk)


def publish(doc: str, at, since=None) -> Version:
    return release(doc, by=None, at=at, since=since or at)


def pump(at) -> None:
    """Until everybody who is to move has moved, as the pump does."""
    while moving.run_due(at, 2):
        pass
    moving.run_due(at + moving.LAST_COMERS, 2)


def live(case: Case) -> Live:
    return Live(case.pk, case.region_id, case.no, case.state, case.unit_id)


def whole() -> bool:
    return not check_cases().breaks


def test_a_plan_says_what_would_happen_and_does_nothing(cast, at) -> None:
    first, second = dispatched(cast, at), filed(at)
    found = plan(SOONER, at=at + HOUR)
    assert (found.klass, found.moved, found.refusals) == (Klass.WIDENING, 2, [])
    assert [change.sentence for change in found.changes] == ["“办理时限”由10个工作日改为7个工作日"]
    assert [source.planned for source in found.sources] == [{"dispatched": 1, "filed": 1}]
    assert {(row.track.no, row.track.place, row.to) for row in found.rows} == {
        (first.no, "dispatched", "dispatched"),
        (second.no, "filed", "filed"),
    }
    assert Version.objects.filter(program__key="request").count() == 1 and not Move.objects.exists()
    assert versions.in_force("request", at + DAY).n == 1


def test_a_plan_of_what_does_not_load_or_makes_no_sense_is_its_refusals(cast, at) -> None:
    assert "不合 TOML 格式" in plan("program =", at=at).refusals[0]
    assert "内容与第1版完全一样" in plan(TEXT, at=at).refusals[0]
    assert "clock.sign.limit" in plan(TEXT.replace('limit = "sign"', 'limit = "singing"'), at=at).refusals[0]


def test_new_words_are_read_by_those_under_way_and_not_by_those_that_ended(cast, at) -> None:
    case, ended = signed(cast, at), filed(at)
    handling.contact(case, text="已联系", by=cast.handler, at=at + 2 * HOUR)
    closing.withdraw(ended, by=cast.agent, at=at + HOUR)
    version = publish(WORDED, at + 3 * HOUR)
    pump(at + 4 * HOUR)
    assert moves.rules_of(fresh(case)).states["handling"].title == "正在办"
    assert fresh(ended).version != version.pk
    move = Move.objects.get()
    assert (move.klass, move.stage, move.moved, move.left, move.planned) == ("wording", "done", 1, 0, {"handling": 1})
    assert whole()


def test_what_is_better_moves_by_itself_with_promise_and_tasks(cast, at) -> None:
    case = dispatched(cast, at)
    publish(SOONER, at + DAY)
    pump(at + DAY)
    moved = fresh(case)
    assert moved.promise_at.astimezone(at.tzinfo).isoformat() == "2026-11-25T17:00:00+08:00"  # seven working days
    assert Task.objects.get(case_id=case.pk, stage="open").due_at == moved.promise_at
    assert Clock.objects.get(case_id=case.pk, key="handle").limit == "7wd"
    assert CaseEvent.objects.filter(case_id=case.pk).order_by("n").last().verb == "rebase"
    assert [step.verb for step in story.steps(moved)][-1] == "rebase"
    assert whole()


def test_nobody_is_late_by_a_rule_that_came_afterwards(cast, at) -> None:
    case = dispatched(cast, at)
    publish(SOONER, at + 11 * DAY)  # after the seventh working day, before the tenth
    pump(at + 11 * DAY)
    moved = fresh(case)
    assert moved.promise_at == case.promise_at and moved.version != case.version
    assert moved.overdue_raw is None and whole()


def test_what_may_be_worse_leaves_those_under_way_where_they_are(cast, at) -> None:
    case = dispatched(cast, at)
    assert [(row.moves, row.to) for row in plan(LATER, at=at + HOUR).rows] == [(False, "dispatched")]
    publish(LATER, at + HOUR)
    pump(at + DAY)
    assert (fresh(case).version, fresh(case).promise_at) == (case.version, case.promise_at)
    move = Move.objects.get()
    assert (move.klass, move.stage, move.moved, move.left) == ("tightening", "kept", 0, 1)


def test_K2_one_by_one_with_a_reason_the_promise_may_become_later_and_the_resident_is_told(cast, at) -> None:
    case = dispatched(cast, at)
    to = publish(LATER, at + HOUR)
    with pytest.raises(NoReason, match="请写明为什么"):
        move_one("case", live(case), to, by=cast.dispatcher, at=at + DAY, why=" ")
    assert move_one("case", live(case), to, by=cast.dispatcher, at=at + DAY, why="配件要从外地调运")
    assert not move_one("case", live(case), to, by=cast.dispatcher, at=at + DAY, why="再来一次")
    moved = fresh(case)
    assert moved.promise_at.astimezone(at.tzinfo).isoformat() == "2026-12-07T17:00:00+08:00"  # fifteen working days
    outbox.drain(at + DAY, 100)
    told = messages.for_resident(case.region_id, case.pk)[-1].body
    assert "最晚2026年11月30日（周一）17:00" in told and "现在改为最晚2026年12月7日（周一）17:00" in told
    assert [step.text for step in story.steps(moved)][-1] == "配件要从外地调运"
    move = Move.objects.get()
    assert (move.moved, move.left) == (1, 0)
    assert whole()


def test_C2_a_version_under_which_somebody_has_nowhere_to_go_is_refused(cast, at) -> None:
    case = signed(cast, at)
    found = plan(MERGED, at=at + 2 * HOUR)
    assert found.klass == Klass.STRUCTURAL and [row.track.no for row in found.stuck] == [case.no]
    said = "“request”第1版的“待联系”（signed，现有1件在办工单）在新版本里没有了，请在 [migrate.1] 里写明去处"
    assert said in found.refusals[0]
    with pytest.raises(versions.NotPublishable, match="里写明去处"):
        publish(MERGED, at + 2 * HOUR)
    with pytest.raises(versions.NotPublishable, match="里写明去处"):  # by whatever door
        versions.publish(MERGED, by=None, at=at + 2 * HOUR, since=at + 2 * HOUR)
    with pytest.raises(versions.NotPublishable, match="不能移到“closed”"):
        publish(MIGRATED.replace('signed = "handling"', 'signed = "closed"'), at + 2 * HOUR)
    assert Version.objects.filter(program__key="request").count() == 1


def test_C2_also_a_place_that_is_empty_now_needs_a_way(cast, at) -> None:
    filed(at)
    assert "现有0件在办工单" in plan(MERGED, at=at + HOUR).refusals[0]


def test_C2_a_type_with_live_cases_cannot_go(cast, at) -> None:
    filed(at, type="praise")
    doc = cut(TEXT, "type.praise").replace('type.praise = "5wd"\n', "").replace('praise = "Praise"\n', "")
    assert plan(doc, at=at).refusals == [
        "有1件在办工单的诉求类型是“praise”，新版本里没有：请保留它，或等这些工单办结。"
    ]


def test_those_in_a_place_that_is_gone_go_where_the_document_says(cast, at) -> None:
    case, other = signed(cast, at), dispatched(cast, at)
    assert [(row.track.place, row.to) for row in plan(MIGRATED, at=at + 2 * HOUR).rows] == [
        ("signed", "handling"),
        ("dispatched", "dispatched"),
    ]
    publish(MIGRATED, at + 2 * HOUR)
    pump(at + 2 * HOUR)
    assert (fresh(case).state, fresh(other).state) == ("handling", "dispatched")
    assert {clock.key for clock in Clock.objects.filter(case_id=case.pk, stage="running")} == {"handle"}
    assert fresh(case).due_at == fresh(case).promise_at == case.promise_at
    handling.reply(fresh(case), result="resolved", text="好了", by=cast.handler, at=at + 3 * HOUR)
    assert whole()


def test_C2_the_mover_leaves_behind_whom_it_cannot_move(cast, at, monkeypatch) -> None:
    cases = [dispatched(cast, at) for _ in range(3)]
    publish(WORDED, at + HOUR)
    own = tracks.of("case")
    move = own.move

    def stumble(track, *rest, **more):
        if track.no == cases[1].no:
            raise CannotMove("去不了。")
        if track.no == cases[2].no:
            raise ValueError("a fault")
        return move(track, *rest, **more)

    monkeypatch.setattr(own, "move", stumble)
    pump(at + HOUR)
    row = Move.objects.get()
    assert (row.stage, row.moved, row.left) == ("done", 1, 2)
    assert row.reasons == {cases[1].no: "去不了。", cases[2].no: "移动时出错，仍按原版本办理。"}
    assert [fresh(case).version == cases[0].version for case in cases] == [False, True, True]


def test_a_mover_that_was_killed_goes_on_where_it_stopped(cast, at) -> None:
    cases = [dispatched(cast, at) for _ in range(5)]
    to = publish(WORDED, at + HOUR)
    assert moving.run_due(at + HOUR, 2) == 2
    moving._waiting.clear()  # another process starts with nothing in its memory
    assert Move.objects.get().moved == 2
    pump(at + HOUR)
    assert Move.objects.get().moved == 5 and {fresh(case).version for case in cases} == {to.pk}
    assert [CaseEvent.objects.filter(case_id=case.pk, verb="rebase").count() for case in cases] == [1] * 5
    assert moving.run_due(at + DAY) == 0


def test_the_pump_moves_them(cast, at) -> None:
    case = dispatched(cast, at)
    to = publish(WORDED, at + HOUR)
    Pump().run_dry(at + HOUR)
    assert fresh(case).version == to.pk


def test_a_version_for_later_moves_nobody_before_its_time(cast, at) -> None:
    case = dispatched(cast, at)
    to = publish(SOONER, at + HOUR, since=at + 2 * DAY)
    pump(at + DAY)
    assert fresh(case).version == case.version and versions.in_force("request", at + DAY).pk == case.version
    late = filed(at + DAY)  # comes in under the old version until then
    pump(at + 2 * DAY)
    assert {fresh(case).version, fresh(late).version} == {to.pk}
    assert whole()


def test_those_left_under_an_older_version_are_looked_at_again_with_the_next(cast, at) -> None:
    case = dispatched(cast, at)
    publish(LATER, at + HOUR)
    newer = dispatched(cast, at + 2 * HOUR)
    back = publish(SOONER, at + DAY)
    pump(at + DAY)
    assert {fresh(case).version, fresh(newer).version} == {back.pk}  # for both it is better
    assert sorted(Move.objects.values_list("from_version__n", "to_version__n", "klass")) == [
        (1, 2, "tightening"),
        (1, 3, "widening"),
        (2, 3, "widening"),
    ]


def test_a_units_own_terms_move_those_in_the_unit_only(cast, at) -> None:
    publish(TEXT + '\n[open]\n"limit.handle.default" = "shorter"\n', at - DAY)
    inside, outside = dispatched(cast, at), dispatched(cast, at, grid="", address="")
    terms = 'program = "request"\n[set]\n"limit.handle.default" = "6wd"\n'
    assert [row.track.no for row in plan(terms, at=at + HOUR, unit=cast.town).rows] == [inside.no]
    own = release_terms(terms, unit=cast.town, by=None, at=at + HOUR, since=at + HOUR)
    pump(at + HOUR)
    assert (fresh(inside).version, fresh(outside).version) == (own.pk, outside.version)
    assert versions.in_force("request", at + DAY, cast.grid1.pk).pk == own.pk
    assert whole()


def test_what_is_filed_in_a_unit_with_terms_goes_by_them(cast, at) -> None:
    publish(TEXT + '\n[open]\n"limit.accept.default" = "shorter"\n"move.dispatch.title" = "wording"\n', at - DAY)
    terms = 'program = "request"\n[set]\n"limit.accept.default" = "1wh"\n"move.dispatch.title" = "交办"\n'
    own = release_terms(terms, unit=cast.town, by=None, at=at, since=at)
    inside, outside = filed(at + HOUR), filed(at + HOUR, grid="", area="219981000000")
    assert (inside.version, outside.version) == (own.pk, versions.in_force("request", at + HOUR).pk)
    assert inside.due_at - inside.filed_at == HOUR and outside.due_at - outside.filed_at == 2 * HOUR
    assert moves.rules_of(inside).moves["dispatch"].title == "交办"


def test_only_an_administrator_publishes_and_only_for_his_area(cast, at) -> None:
    opened = TEXT + '\n[open]\n"limit.handle.default" = "shorter"\n'
    with pytest.raises(NotAuthor, match="只有管理员可以发布"):
        release(opened, by=cast.dispatcher, at=at, since=at)
    assert release(opened, by=cast.admin, at=at, since=at).published_by == cast.admin
    terms = 'program = "request"\n[set]\n"limit.handle.default" = "6wd"\n'
    cast.admin.unit = cast.other_county
    with pytest.raises(NotAuthor, match="只能发布本辖区的"):
        release_terms(terms, unit=cast.town, by=cast.admin, at=at + HOUR, since=at + HOUR)


def test_a_new_version_moves_those_under_it_and_those_under_a_units_terms(cast, at) -> None:
    opened = TEXT + '\n[open]\n"limit.handle.default" = "shorter"\n'
    publish(opened, at - DAY)
    release_terms(
        'program = "request"\n[set]\n"limit.handle.default" = "6wd"\n', unit=cast.town, by=None, at=at, since=at
    )
    case = dispatched(cast, at + HOUR)
    pump(at + HOUR)  # the case came in under the general version; the town's terms take it over
    assert fresh(case).version == Version.objects.get(unit=cast.town).pk
    publish(opened.replace('title = "办理中"', 'title = "正在办"'), at + DAY)
    pump(at + DAY)
    assert fresh(case).version == Version.objects.get(unit=cast.town, n=2).pk
    assert not Outbox.objects.filter(topic="rebased").exists()
