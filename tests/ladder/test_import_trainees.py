"""A sheet of trainees: right rows come in once, wrong ones are told, and what came in is as if it had been entered."""

import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bihuan.dossier import facts, subjects
from bihuan.dossier.models import Fact, Subject
from bihuan.jobs.integrity import check_standings
from bihuan.ladder.models import Span, Standing, Timer
from bihuan.net.imports.registry import File, Given, Outcome, importer_for
from bihuan.net.imports.running import run_import, template_table
from bihuan.net.imports.sheets import BadSheet
from tests.dossier.people import identity
from tests.ladder.conftest import START, World, make_world

HIS, HERS = identity("19850601", 1), identity("19900203", 2)
HEAD = "姓名,性别,出生年月,身份证号,手机,乡镇,村,党员,文化程度,产业,年产值（万元）,现任职务,培养层次,入库时间,包保领导"
WANG = f"王富强,男,1985-06,{HIS},13812345678,海州街道,南关社区,是,高中,食用菌种植,45,村委会委员,初级,2023-03,leader"
ZHAO = f"赵兰,,,{HERS},,,北关,群众,大专,民宿,12.5,,,,"


def sheet(*rows: str, head: str = HEAD) -> File:
    return File("台账.csv", "\n".join((head, *rows)).encode())


def bring(*rows: str, head: str = HEAD, preview: bool = False, **options: str) -> Outcome:
    return run_import(
        "trainees", [sheet(*rows, head=head)], Given(at=START, options={"program": "small"} | options), preview=preview
    )


def numbers(outcome: Outcome) -> tuple[int, ...]:
    return outcome.rows, outcome.created, outcome.changed, outcome.same, outcome.wrong


def told(outcome: Outcome) -> list[tuple[int, str]]:
    return [(problem.row, problem.reason) for problem in outcome.problems]


def known(subject: Subject) -> dict[str, Any]:
    return {fact.question: fact.value for fact in facts.known(subject, START.date())}


def test_a_row_is_a_person_with_facts_on_a_stage_with_a_leader(world: World) -> None:
    assert numbers(bring(WANG, ZHAO)) == (2, 2, 0, 0, 0)
    wang, zhao = Subject.objects.get(name="王富强"), Subject.objects.get(name="赵兰")
    assert (wang.unit, wang.gender, wang.born_on) == (world.cast.south, "male", date(1985, 6, 1))
    assert (zhao.unit, zhao.gender, zhao.phone_mask) == (world.cast.north, "female", "")
    assert subjects.tail_fits(wang, "5678")
    assert known(wang) == {
        "person.birth": "1985-06-01", "person.gender": "male", "person.party_member": True,
        "person.education": "senior", "trade.name": "食用菌种植", "trade.kind": "planting", "small.output": 450_000,
        "post.name": "村委会委员",
    }  # fmt: skip
    assert known(zhao)["small.output"] == 125_000 and "trade.kind" not in known(zhao)
    standing = Standing.objects.get()
    assert (standing.subject, standing.stage, standing.answerable) == (wang, "base", world.leader.pk)
    assert standing.since.astimezone(START.tzinfo).date() == date(2023, 3, 1)


def test_who_came_in_is_as_if_entered_and_the_record_holds(world: World) -> None:
    bring(WANG, ZHAO, stage="初级")
    assert check_standings().breaks == []
    assert Span.objects.count() == 2 == Timer.objects.filter(stage="running").count()


def test_the_same_sheet_again_changes_nothing(world: World) -> None:
    bring(WANG, ZHAO)
    rows = Fact.objects.count(), Subject.objects.count(), Standing.objects.count()
    again = bring(WANG, ZHAO)
    assert numbers(again) == (2, 0, 0, 2, 0) and again.notes == []
    assert (Fact.objects.count(), Subject.objects.count(), Standing.objects.count()) == rows


def test_a_trial_writes_nothing(world: World) -> None:
    assert numbers(bring(WANG, ZHAO, preview=True)) == (2, 2, 0, 0, 0)
    assert not Subject.objects.exists() and not Standing.objects.exists()


def test_what_changed_is_told_anew_and_the_old_answer_stays(world: World) -> None:
    bring(WANG)
    changed = bring(WANG.replace(",45,", ",60,").replace("13812345678", "13900001111"))
    assert numbers(changed) == (1, 0, 1, 0, 0)
    wang = Subject.objects.get()
    assert known(wang)["small.output"] == 600_000 and subjects.tail_fits(wang, "1111")
    assert [fact.value for fact in facts.history(wang, "small.output")] == [600_000, 450_000]


def test_with_a_day_of_its_own_an_unchanged_answer_is_told_again(world: World) -> None:
    bring(WANG, **{"as-of": "2026-06-30"})
    assert numbers(bring(WANG, **{"as-of": "2026-06-30"})) == (1, 0, 0, 1, 0)
    assert numbers(bring(WANG, **{"as-of": "2026-09-30"})) == (1, 0, 1, 0, 0)
    with pytest.raises(BadSheet, match="今天以后"):
        bring(WANG, **{"as-of": "2027-01-01"})


def test_wrong_rows_are_told_and_right_ones_come_in(world: World) -> None:
    bad = HIS[:-1] + ("1" if HIS[-1] != "1" else "2")
    outcome = bring(
        WANG,
        WANG,
        f"甲,,,{bad},,,南关社区,,,,,,,,",
        f"乙,女,,{identity('19800101', 1)},,,南关社区,,,,,,,,",
        "丙,,,,,,西关社区,,,,,,,,",
        "丁,,,,1381234567,,南关社区,,,,,,,,",
        "戊,,,,,,南关社区,,博导,,,,,,",
        "己,,,,,,南关社区,,,,,,特级,,",
        ",,,,,,南关社区,,,,,,,,",
        "庚,,,,,,,,,,,,,,",
        "辛,,,,,,南关社区,,,,,,初级,2027-01,",
    )
    assert numbers(outcome) == (11, 1, 0, 0, 10)
    assert told(outcome) == [
        (3, "与第 2 行是同一个人"),
        (4, "身份证号码有一位不对，请核对"),
        (5, "性别与身份证号码不一致，请核对"),
        (6, "没有找到这个地方，请核对名称，或在“村代码”一列写代码"),
        (7, "手机号码应为11位，现在是10位"),
        (8, "“文化程度”应选：小学及以下、初中、高中、中专、技校、大专、本科、研究生"),
        (9, "方案里没有“特级”这个阶段，有：初级、高级、退出、结业"),
        (10, "不能为空"),
        (11, "请写村（社区）的名称，或村代码"),
        (12, "在今天以后"),
    ]
    assert Subject.objects.get().name == "王富强"


def test_a_number_that_a_spreadsheet_rounded_is_explained(world: World) -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    page = book.add_worksheet()
    page.write_row(0, 0, ["培养对象台账"])
    page.write_row(1, 0, ["姓名", "身份证号", "村", "出生年月", "年产值"])
    page.write_row(2, 0, ["王富强", float(HIS[:17] + "0"), "南关社区", 1985.06, 300000])
    page.write_row(3, 0, ["赵兰", HERS, "北关社区居民委员会", 1990.02, "30万"])
    page.write_row(4, 0, ["钱多", "", "南关社区", 1990.1, ""])
    book.close()
    outcome = run_import("trainees", [File("台账.xlsx", out.getvalue())], Given(at=START, options={"program": "small"}))
    assert told(outcome) == [
        (3, "身份证号码被当成了数，末几位已丢失，请把这一列设为文本格式后重新填写"),
        (5, "分不清是1月还是10月，请写成 1990-01 的样子"),
    ]
    zhao = Subject.objects.get()
    assert (zhao.name, known(zhao)["small.output"], zhao.unit) == ("赵兰", 300_000, world.cast.north)


def test_without_identity_number_name_place_and_phone_tell_who_it_is(world: World) -> None:
    rows = ("王强,,,,13800000001,,南关社区,,,,,,,,", "王强,,,,13800000002,,南关社区,,,,,,,,")
    assert numbers(bring(*rows)) == (2, 2, 0, 0, 0)
    assert numbers(bring(*rows)) == (2, 0, 0, 2, 0)
    first = Subject.objects.get(phone_index=subjects.vault.phone_index("13800000001"))
    assert numbers(bring(rows[0].replace("王强,,,,", f"王强,,,{HIS},"))) == (1, 0, 1, 0, 0)
    first.refresh_from_db()
    assert first.identity_mask and Subject.objects.count() == 2


def test_an_identity_number_of_somebody_else_is_not_taken_over(world: World) -> None:
    bring(WANG)
    outcome = bring(WANG.replace("王富强", "李四"))
    assert told(outcome) == [(2, "这个身份证号登记的是另一个姓名（王**）")]


def test_a_place_is_found_by_code_and_told_apart_by_its_town(world: World) -> None:
    head = "姓名,村代码,乡镇,村"
    assert numbers(bring("甲,219981001001,,", "乙,,海州街道,", "丙,,响堂街道,南关社区", head=head)) == (3, 2, 0, 0, 1)
    assert set(Subject.objects.values_list("name", "unit_id")) == {
        ("甲", world.cast.south.pk), ("乙", world.cast.town.pk)
    }  # fmt: skip


def test_who_stands_elsewhere_on_the_ladder_stays_and_it_is_noted(world: World) -> None:
    bring(WANG)
    outcome = bring(WANG.replace(",初级,", ",退出,"))
    assert [(note.row, note.reason) for note in outcome.notes] == [
        (2, "已经在库，现在是“初级”，没有改动；变更请走提升或淘汰的程序")
    ]
    assert Standing.objects.get().stage == "base"


def test_D3_a_capped_stage_takes_no_more_than_it_holds(world: World) -> None:
    rows = [f"人{n},,,,,,南关社区,,,,,,高级,," for n in range(3)]
    outcome = bring(*rows)
    assert [note.reason for note in outcome.notes] == ["“高级”的名额（1个）已满"] * 2
    assert numbers(outcome) == (3, 3, 0, 0, 0)
    assert Standing.objects.filter(stage="upper").count() == 1
    assert len(bring(*rows).notes) == 2 and Standing.objects.count() == 1


def test_a_leader_who_is_not_there_is_left_out_and_noted(world: World) -> None:
    outcome = bring(WANG.replace("leader", "张三"))
    assert ["没有找到管这个地方的这位领导" in note.reason for note in outcome.notes] == [True]
    assert Standing.objects.get().answerable is None


def test_kin_are_not_made_answerable(world: World) -> None:
    bring(WANG.replace("初级", "").replace("leader", ""))
    subjects.relate(Subject.objects.get(), world.leader.person, "兄")
    outcome = bring(WANG)
    assert ["本人或亲属" in note.reason for note in outcome.notes] == [True]
    assert Standing.objects.get().answerable is None


def test_the_program_must_be_clear(world: World) -> None:
    with pytest.raises(BadSheet, match="没有代号为“big”的培养方案；有：small"):
        bring(WANG, program="big")
    with pytest.raises(BadSheet, match="请写明方案的代号"):  # there are other ladders for people
        bring(WANG, program="")
    with pytest.raises(BadSheet, match="没有“特级”这个阶段"):
        bring(WANG, program="small", stage="特级")


def test_the_sheet_in_the_docs_is_one(world: World) -> None:
    page = (Path(__file__).parents[2] / "docs" / "sheets.md").read_text(encoding="utf-8")
    head, *rows = page.split("```csv\n")[1].split("```")[0].strip().split("\n")
    here = [
        row.replace("后安镇", "海州街道").replace("四道河村民委员会", "南关").replace("四道河村", "北关")
        for row in rows
    ]
    assert numbers(bring(*here, head=head)) == (2, 2, 0, 0, 0)
    assert known(Subject.objects.get(name="赵兰"))["person.birth"] == "1990-02-01"


def test_personal_words_of_a_sheet_are_sealed_and_compared(world: World) -> None:
    head = "姓名,村,银行账号"
    bring("甲,南关社区,6222020403001234567", head=head)
    fact = Fact.objects.get(question="person.bank_account")
    assert fact.value == "6**" and facts.opened(fact) == "6222020403001234567"
    assert numbers(bring("甲,南关社区,6222020403001234567", head=head)) == (1, 0, 0, 1, 0)


def test_the_command_reads_the_sheet_that_the_template_is(world: World, tmp_path: Any, capsys: Any) -> None:
    path = tmp_path / "培养对象.xlsx"
    path.write_bytes(template_table(importer_for("trainees")).xlsx())
    call_command("import", "trainees", str(path), "--program", "small")
    said = capsys.readouterr().out
    assert "1 行，新增 0" in said and "没有找到这个地方" in said  # 四道河村 is not in this net


@pytest.mark.django_db(transaction=True)
def test_more_rows_take_no_more_statements(transactional_db: None) -> None:
    """Rows go in by COPY, a few thousand at a time, so only the time per row grows with them (docs/speed.md)."""
    make_world()
    bring(ZHAO)
    few, many = (_statements(first, count) for first, count in ((0, 20), (20, 400)))
    assert many <= few + 2
    assert Standing.objects.count() == 420 and check_standings().breaks == []


def _statements(first: int, count: int) -> int:
    rows = [
        f"人{n},,,{identity('19850601', n)},138{n:08},海州街道,南关社区,是,高中,食用菌种植,45,委员,初级,2023-03,leader"
        for n in range(first, first + count)
    ]
    with CaptureQueriesContext(connection) as asked:
        assert bring(*rows).created == count
    return len(asked)
