from datetime import date, timedelta
from io import StringIO

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction

from bihuan.book import ledger
from bihuan.book.journal import SYSTEM
from bihuan.book.models import Look
from bihuan.dossier import texts
from bihuan.dossier.models import Text
from bihuan.jobs.integrity import check_cases
from bihuan.loop.models import Case, CaseEvent
from bihuan.net.models import Kind, Level, Unit
from tests.jobs.cases import REGION, a_case, act

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def case(at):
    """A case with three events, one of them with a note."""
    made = a_case(at)
    act(made, "accept", at + timedelta(hours=1), state="accepted", accepted_at=at + timedelta(hours=1), lng=None)
    act(made, "dispatch", at + timedelta(hours=2), words="请尽快", state="dispatched", unit_id=91)
    return made


def as_owner(statement, *values):
    """What nobody but the database's owner could do: rewrite history."""
    with psycopg.connect(conninfo=settings.DATABASE_OWNER_URL, autocommit=True) as owner:
        assert owner.execute(statement, values).rowcount >= 1


def audit(*arguments):
    out = StringIO()
    try:
        call_command("audit", "verify", *arguments, stdout=out)
    except SystemExit as leaving:
        return leaving.code, out.getvalue()
    return 0, out.getvalue()


def test_S1_S2_an_untouched_record_verifies(case, at):
    a_case(at, serial=2)
    assert audit() == (
        0,
        "核对了 2 件工单、4 条记录。\n核对了 0 份培养档案、0 条记录。\n"
        "核对了 0 件需求、结对和活动，0 条记录。\n核对了 0 笔账。\n全部相符。\n",
    )


def test_S2_a_changed_word_in_an_event_is_found_at_its_link(case):
    as_owner("UPDATE loop_caseevent SET data = replace(data, 'accepted', 'closed') WHERE n = 2")
    code, said = audit()
    assert code == 1
    assert f"第一处：{case.no} 第 2 条：记录与校验值不符" in said


@pytest.mark.parametrize(
    "column", ["at = at + interval '1 hour'", "actor = 'clock'", "posting = 5", "verb = 'void'", "version = 2"]
)
def test_S2_every_column_of_an_event_is_under_its_hash(case, column):
    as_owner(f"UPDATE loop_caseevent SET {column} WHERE n = 3")
    assert check_cases().breaks[0].n == 3


def test_S2_a_removed_event_is_found(case):
    as_owner("DELETE FROM loop_caseevent WHERE n = 2")
    assert "少了一条记录" in check_cases().breaks[0].what


def test_S2_a_cut_off_end_is_found(case):
    as_owner("DELETE FROM loop_caseevent WHERE n = 3")
    assert "链条到第 2 条" in check_cases().breaks[0].what


def test_S2_a_removed_case_leaves_its_events_behind(case):
    Case.objects.filter(region_id=REGION, pk=case.pk).delete()
    with_events = check_cases(region=REGION)
    assert [(one.number, one.what) for one in with_events.breaks] == [(case.no, "有记录，却没有工单")]


@pytest.mark.parametrize(
    "column", [{"unit_id": 5}, {"state": "closed"}, {"due_at": None}, {"rating": 5}, {"redos": 1}, {"lng": 1.5}]
)
def test_S1_a_column_changed_without_an_event_is_found(case, at, column):
    if "due_at" in column:
        column = {"due_at": at}
    Case.objects.filter(region_id=REGION, pk=case.pk).update(**column)
    (one,) = check_cases().breaks
    assert next(iter(column)) in one.what


def test_S2_the_application_can_neither_change_nor_remove_an_event(case):
    for statement in ("UPDATE loop_caseevent SET n = 9", "DELETE FROM loop_caseevent", "TRUNCATE loop_caseevent"):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)


def test_F4_an_erased_text_leaves_the_chain_whole(case, at):
    words = Text.objects.get(region_id=REGION, pk=case.text_id)
    texts.erase(words, by=None, at=at, ground="本人要求删除")
    assert check_cases().breaks == []
    assert Look.objects.get(region_id=REGION).posting == 0


def test_F4_a_rewritten_text_does_not_match_its_digest(case):
    Text.objects.filter(region_id=REGION, body="请尽快").update(body="不用管")
    (one,) = check_cases().breaks
    assert (one.number, one.n) == (case.no, 3) and "文字" in one.what


def test_a_region_can_be_verified_by_itself(case, at):
    county = Unit.objects.create(
        pk=REGION, code="210381000000", kind=Kind.AREA, name="海城市", level=Level.COUNTY, born=date(1985, 1, 1)
    )
    a_case(at, region=4)
    assert audit("--region", county.code)[1].startswith("核对了 1 件工单、3 条记录")
    with pytest.raises(CommandError, match="没有代码"):
        audit("--region", "999999")


def test_only_cases_with_recent_acts_are_verified_when_asked(case, at):
    a_case(at - timedelta(days=30), serial=9)
    assert audit("--since", "2026-03-01")[1].startswith("核对了 1 件工单、3 条记录")
    with pytest.raises(CommandError, match="2026-03-01"):
        audit("--since", "昨天")


def test_many_cases_are_read_in_batches(at, monkeypatch, django_assert_max_num_queries):
    from bihuan.book import verify

    monkeypatch.setattr(verify, "BATCH", 2)
    for serial in range(1, 6):
        a_case(at, serial=serial)
    found = check_cases(region=REGION)
    assert (found.tracks, found.events, found.breaks) == (5, 5, [])
    assert CaseEvent.objects.filter(region_id=REGION).count() == 5


def test_G1_entries_that_do_not_balance_are_found(case, at):
    town = Unit.objects.create(code="219901", kind=Kind.AREA, name="海州街道", level=Level.TOWN, born=date(2019, 1, 1))
    ledger.post(
        "plan.loan", program="three_way", cause=ledger.Cause("item", 1), side="support", measure="loan", amount=5,
        giver=ledger.outside(), receiver=ledger.subject(1), place_unit=town.pk, on=at.date(), at=at, by=SYSTEM,
    )  # fmt: skip
    as_owner("UPDATE book_entry SET amount = 6 WHERE amount = 5")
    code, said = audit()
    assert code == 1
    assert "核对了 1 笔账。" in said and "借贷两边不平" in said
