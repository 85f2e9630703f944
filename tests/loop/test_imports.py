"""Somebody else's history comes in: what is right, with its events; what is wrong, told; nothing twice."""

import csv
import gzip
import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xlsxwriter
from django.core.management import CommandError, call_command

from bihuan.book.journal import fold
from bihuan.book.models import Outbox
from bihuan.book.verify import verify
from bihuan.dossier.models import Contact, Text
from bihuan.loop import lists, maps, story
from bihuan.loop.actions import dispatching
from bihuan.loop.imports import Busy, NoRegion, import_cases
from bihuan.loop.models import NEVER, Case, CaseEvent, Category, Clock, Task
from bihuan.net import tree
from bihuan.net.imports.sheets import BadSheet
from bihuan.net.models import Boundary, Unit
from bihuan.net.regions import across_regions

HEADER = ["编号", "受理", "应办结", "办结", "状态", "大类", "小类", "单位", "内容", "答复", "网格", "电话", "标志"]
MAP = {
    "title": "旧热线",
    "zone": "Asia/Shanghai",
    "region": {"code": "219981000000"},
    "column": {
        "no": "编号",
        "filed_at": "受理",
        "due_at": "应办结",
        "closed_at": "办结",
        "status": "状态",
        "category": ["大类", "小类"],
        "unit": "单位",
        "text": "内容",
        "reply": "答复",
        "grid": "网格",
        "phone": "电话",
        "flag": "标志",
    },
    "constant": {"type": "complaint", "source": "phone"},
    "word": {"status": {"办结": "closed", "在办": "open"}, "flag": {"按期": "on_time", "超期": "late"}},
    "unknown": {"unit": "create", "category": "create"},
    "category": {"under": "旧热线"},
    "place": {"find": ["grid"]},
}
CLOSED = ["A1", "2026/3/2 9:00", "2026/3/16 17:00", "2026/3/10 10:00", "办结", "市容", "垃圾", "环卫处", "垃圾没人清"]
CLOSED += ["已清运", "", "", "按期"]
LATE = ["A2", "2026/3/2 9:30", "2026/3/16 17:00", "2026/3/20 10:00", "办结", "市容", "占道", "城管局", "占道经营"]
LATE += ["", "219981001001001", "13812345678", "超期"]
OPEN = [
    "A3",
    "2026/3/3 9:00",
    "2026/3/17 17:00",
    "",
    "在办",
    "市容",
    "垃圾",
    "环卫处",
    "又没人清了",
    "",
    "",
    "",
    "超期",
]
HERE = {"region_id__gt": 0}


def case_map(**changes) -> maps.CaseMap:
    return maps.read(MAP | changes, "旧热线.toml")


def sheet(*rows, header=HEADER, encoding="utf-8") -> io.BytesIO:
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return io.BytesIO(out.getvalue().encode(encoding))


def take(at, *rows, given=None, **options):
    return import_cases(sheet(*rows), given or case_map(), at=at, name="旧热线.csv", **options)


def case(number: str) -> Case:
    return Case.objects.get(**HERE, outside_no=number)


def events(found: Case) -> list[CaseEvent]:
    return list(CaseEvent.objects.filter(region_id=found.region_id, case_id=found.pk).order_by("n"))


@pytest.fixture(autouse=True)
def _every_region():
    with across_regions("tests look everywhere"):
        yield


def test_a_closed_case_comes_in_with_its_events(cast, at):
    report = take(at, CLOSED)
    assert (report.rows, report.cases, report.events, report.texts, report.problems) == (1, 1, 3, 2, [])
    found = case("A1")
    assert [(event.verb, event.actor) for event in events(found)] == [
        ("file", "system"), ("dispatch", "system"), ("close", "system"),
    ]  # fmt: skip
    unit = Unit.objects.get(name="环卫处")
    assert (found.region_id, found.l3, found.state, found.unit_id) == (
        cast.county.pk,
        cast.county.pk,
        "closed",
        unit.pk,
    )
    assert found.filed_at == found.accepted_at == found.dispatched_at == datetime(2026, 3, 2, 1, tzinfo=UTC)
    assert found.closed_at == found.replied_at == datetime(2026, 3, 10, 2, tzinfo=UTC)
    assert found.promise_at == found.due_at == datetime(2026, 3, 16, 9, tzinfo=UTC)
    assert (found.overdue_raw, found.overdue_scored, found.settled_level, found.test) == (False, False, 3, False)
    assert json.loads(events(found)[0].data)["imported"] == {"row": 2, "flag": "按期", "on_time": True}
    assert [text.body for text in Text.objects.filter(case_id=found.pk).order_by("id")] == ["垃圾没人清", "已清运"]
    assert not Outbox.objects.exists() and not Task.objects.exists() and not Clock.objects.exists()


def test_the_story_of_an_imported_case_is_told_in_words(cast, at):
    take(at, CLOSED)
    found = case("A1")
    assert [step.title for step in story.steps(found)] == ["登记并受理", "派单", "办结"]
    told = story.told(found, at=at)
    assert (told["reply"], told["unit"], told["due"]) == ("已清运", "环卫处", found.promise_at)
    assert [line["text"] for line in told["timeline"]][-1] == "已办结"


def test_s1_s2_imported_columns_are_the_fold_of_their_events_and_chains_hold(cast, at):
    take(at, CLOSED, LATE, OPEN)
    found = verify(CaseEvent, Case)
    assert (found.tracks, found.events, found.breaks) == (3, 8, [])
    assert fold(events(case("A3")))["state"] == "dispatched"


def test_a_case_is_put_on_the_net_by_its_point_or_its_address(cast, at):
    square = [[122.70, 40.85], [122.71, 40.85], [122.71, 40.86], [122.70, 40.86], [122.70, 40.85]]
    outline = {"type": "Polygon", "coordinates": [square]}
    Boundary.objects.create(unit=cast.grid2, geometry=outline, source="x", updated_at=at)
    column = MAP["column"] | {"lng": "经度", "lat": "纬度", "place": "地址"}
    given = case_map(column=column, place={"find": ["grid", "point", "address"]})
    header = [*HEADER, "经度", "纬度", "地址"]
    pointed, addressed = [*CLOSED, "122.705", "40.855", "北关社区"], [*LATE, "", "", "海州街道北关社区"]
    addressed[HEADER.index("网格")] = ""
    import_cases(sheet(pointed, addressed, header=header), given, at=at, name="旧热线.csv")
    assert (case("A1").grid_id, case("A2").grid_id) == (cast.grid2.pk, cast.north.pk)


def test_places_phones_and_lateness_are_kept(cast, at):
    take(at, LATE)
    found = case("A2")
    assert (found.l4, found.l5, found.grid_id) == (cast.town.pk, cast.south.pk, cast.grid1.pk)
    assert (found.overdue_raw, found.overdue_scored) == (True, True)
    assert Contact.objects.get(pk=found.contact_id).phone_mask == "138****5678"


def test_units_and_categories_are_made_once_and_found_again(cast, at):
    report = take(at, CLOSED, LATE, OPEN)
    assert report.units == ["环卫处", "城管局"]
    assert report.categories == ["旧热线", "旧热线 / 市容", "旧热线 / 市容 / 垃圾", "旧热线 / 市容 / 占道"]
    made = Unit.objects.get(name="城管局")
    assert (made.kind, made.level, cast.county.pk in tree.snapshot().unit(made.pk).path) == ("organ", 3, True)
    later = take(at, ["A9", *LATE[1:]])
    assert (later.cases, later.units, later.categories) == (1, [], [])
    assert Category.objects.get(title="占道").parent.parent.title == "旧热线"


def test_a_unit_of_ours_is_found_by_name(cast, at):
    report = take(at, [*CLOSED[:7], "海澄市水务局", *CLOSED[8:]])
    assert report.units == [] and case("A1").unit_id == cast.water.pk


def test_unknown_names_are_refused_when_the_map_says_so(cast, at):
    given = case_map(unknown={"unit": "refuse", "category": "create"})
    report = take(at, CLOSED, [*LATE[:7], "海澄市水务局", *LATE[8:]], given=given)
    assert (report.cases, report.refused) == (1, 1)
    assert [(p.row, p.column, p.value) for p in report.problems] == [(2, "单位", "环卫处")]
    given = case_map(unknown={"unit": "create", "category": "refuse"})
    report = take(at, ["B1", *CLOSED[1:5], "别的", "", *CLOSED[7:]], given=given)
    assert [(p.column, p.value) for p in report.problems] == [("大类", "别的")]


def test_without_its_unit_a_case_stays_with_the_centre(cast, at):
    take(at, OPEN, given=case_map(unknown={"unit": "centre", "category": "drop"}))
    found = case("A3")
    assert (found.state, found.unit_id, found.category_id, found.dispatched_at) == (
        "accepted",
        cast.centre.pk,
        None,
        None,
    )
    assert found.promise_at == datetime(2026, 3, 17, 9, tzinfo=UTC)


# Open cases


def test_a_kept_case_is_open_and_owned_but_no_clock_runs(cast, at):
    take(at, OPEN)
    found = case("A3")
    task = Task.objects.get(case_id=found.pk)
    assert (found.state, found.closed_at, task.kind, task.unit_id, task.stage) == (
        "dispatched", None, "lead", found.unit_id, "open",
    )  # fmt: skip
    assert not Clock.objects.exists()


def test_a_live_case_goes_on_here(cast, at):
    """Monday 9:00: the unit has a working day, until Tuesday 17:00, to sign; the promise of 27 November keeps running."""
    row = ["L1", "2026/11/13 10:00", "2026/11/27 17:00", *OPEN[3:]]
    late = ["L2", *OPEN[1:]]
    take(at, row, late, given=case_map(open={"as": "live"}))
    clocks = {clock.key: clock for clock in Clock.objects.filter(case_id=case("L1").pk)}
    assert set(clocks) == {"sign", "handle"}
    assert clocks["sign"].due_at == case("L1").due_at == datetime(2026, 11, 17, 9, tzinfo=UTC)
    assert clocks["handle"].due_at == case("L1").promise_at == datetime(2026, 11, 27, 9, tzinfo=UTC)
    broken = Clock.objects.get(case_id=case("L2").pk, key="handle")
    assert broken.due_at > at and case("L2").promise_at < at  # followed up in five working days, not announced again


def test_a_live_case_can_be_signed_for(cast, at):
    row = [*OPEN[:7], "海澄市水务局", *OPEN[8:]]
    take(at, row, given=case_map(open={"as": "live"}))
    dispatching.sign(case("A3"), by=cast.handler, at=at)
    assert case("A3").state == "signed"


# When it was to be done


def test_the_promise_can_be_computed_from_the_program(cast, at):
    """Filed Monday 2 March 9:00, ten working days, the day itself not counted: until Monday 16 March 17:00."""
    given = case_map(due={"from": "program"})
    take(at, CLOSED, given=given)
    assert case("A1").promise_at == datetime(2026, 3, 16, 9, tzinfo=UTC)


def test_a_missing_target_is_no_promise_or_the_programs(cast, at):
    bare = [*CLOSED[:2], "", *CLOSED[3:]]
    take(at, bare)
    found = case("A1")
    assert (found.promise_at, found.due_at, found.overdue_raw) == (None, NEVER, None)
    take(at, ["A7", *bare[1:]], given=case_map(due={"from": "file", "missing": "program"}))
    assert case("A7").promise_at == datetime(2026, 3, 16, 9, tzinfo=UTC)


def test_without_a_promise_an_open_case_is_never_late_and_says_so(cast, at):
    take(at, [*OPEN[:2], "", *OPEN[3:]])
    listing = lists.listing_for(cast.dispatcher)
    (row,) = lists.page(listing, at=at).rows
    assert (row.due, row.left, row.clock) == ("", "没有时限", "ok")
    assert lists.count_states(listing, at=at).get("late", 0) == 0


def test_closed_on_the_minute_is_in_time_and_a_second_later_is_not(cast, at):
    edge = [*CLOSED[:3], "2026/3/16 17:00:00", *CLOSED[4:]]
    take(at, edge, ["A5", *CLOSED[1:3], "2026/3/16 17:00:01", *CLOSED[4:]])
    assert (case("A1").overdue_raw, case("A5").overdue_raw) == (False, True)


# Nothing twice


def test_a_second_run_imports_nothing(cast, at):
    take(at, CLOSED, LATE, OPEN)
    again = take(at, CLOSED, LATE, OPEN, ["A4", *CLOSED[1:]])
    assert (again.cases, again.known, again.problems) == (1, 3, [])
    assert Case.objects.count() == 4


def test_a_number_that_comes_twice_is_told(cast, at):
    report = take(at, CLOSED, LATE, CLOSED)
    assert (report.cases, [(p.row, p.column) for p in report.problems]) == (2, [(4, "编号")])
    assert "重复" in report.problems[0].reason


def test_the_same_number_in_another_region_is_another_case(cast, at):
    take(at, CLOSED)
    report = take(at, CLOSED, region=cast.other_county.code)
    assert report.cases == 1
    assert set(Case.objects.values_list("region_id", flat=True)) == {cast.county.pk, cast.other_county.pk}


def test_a_dry_run_tells_all_and_writes_nothing(cast, at):
    take(at, CLOSED)
    before = Unit.objects.count(), Category.objects.count()
    report = take(at, CLOSED, LATE, OPEN, LATE, dry_run=True)
    assert (report.cases, report.events, report.known, report.refused) == (2, 5, 1, 1)
    assert report.units == ["城管局"]
    assert (Unit.objects.count(), Category.objects.count(), Case.objects.count()) == (*before, 1)


# Regions


def test_a_region_is_made_when_the_map_names_it(cast, at):
    home = tree.snapshot().home
    given = case_map(region={"code": "990001000000", "name": "远方市"}, place={})
    report = take(at, CLOSED, given=given)
    region = Unit.objects.get(code="990001000000")
    found = case("A1")
    assert report.cases == 1 and (found.region_id, found.l3, found.no[:6]) == (region.pk, region.pk, "990001")
    assert tree.snapshot().home == home
    assert take(at, OPEN, given=given, dry_run=True).cases == 1


def test_a_region_nobody_knows_is_refused(cast, at):
    with pytest.raises(NoRegion, match="990001"):
        take(at, CLOSED, given=case_map(region={"code": "990001000000"}))
    with pytest.raises(NoRegion, match="210000"):
        take(at, CLOSED, region="210000000000")
    with pytest.raises(NoRegion, match=r"region\.under"):
        take(at, CLOSED, given=case_map(region={"code": "990001000000", "name": "远方", "under": "88"}))


@pytest.mark.django_db(transaction=True)
def test_two_imports_into_a_region_do_not_run_at_once(at):
    import psycopg

    from bihuan.loop.imports import _alone
    from tests.world import make_cast

    make_cast()
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
        from hashlib import sha256

        key = int.from_bytes(sha256(b"import 219981000000").digest()[:8], "big", signed=True)
        other.execute("SELECT pg_advisory_lock(%s::bigint)", [key])
        with pytest.raises(Busy):
            take(at, CLOSED)
        other.execute("SELECT pg_advisory_unlock(%s::bigint)", [key])
    with _alone("219981000000"):
        pass
    assert take(at, CLOSED).cases == 1


# Wrong sheets


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_the_usual_encodings_are_told_apart(cast, at, encoding):
    report = import_cases(sheet(CLOSED, encoding=encoding), case_map(), at=at, name="a.csv")
    assert report.cases == 1 and Unit.objects.filter(name="环卫处").exists()


def test_a_spoilt_row_is_told_and_the_others_come_in(cast, at):
    content = sheet(CLOSED, LATE).getvalue() + b"A8,2026/3/2,,,\xff\xfe\xff,,,,\xff,,,,\r\n"
    report = import_cases(io.BytesIO(content), case_map(), at=at, name="a.csv")
    assert (report.cases, [problem.row for problem in report.problems]) == (2, [4])
    assert "UTF-8" in report.problems[0].reason


def test_packed_files_and_other_separators_are_read(cast, at):
    plain = sheet(CLOSED).getvalue().replace(b",", b"\t")
    assert import_cases(io.BytesIO(gzip.compress(plain)), case_map(), at=at, name="a.csv.gz").cases == 1


def test_headings_above_and_empty_rows_are_passed_over(cast, at):
    report = import_cases(sheet(["三月工单"], [], HEADER, [], CLOSED, [], header=[""]), case_map(), at=at, name="a.csv")
    assert report.cases == 1
    assert json.loads(events(case("A1"))[0].data)["imported"]["row"] == 6  # as a person sees it


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "a.csv", "没有数据"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a.csv", "不是表格"),
        (b"PK\x03\x04 broken", "a.xlsx", "读不出来"),
        (gzip.compress(b"a,b\n" * 9999)[:-20], "a.csv.gz", "解不开"),
        ("姓名,年龄\n张三,5\n".encode(), "a.csv", "缺少列"),
    ],
)
def test_what_is_no_such_table_is_refused_in_a_sentence(cast, at, content, name, says):
    with pytest.raises(BadSheet, match=says):
        import_cases(io.BytesIO(content), case_map(), at=at, name=name)


def workbook(rows, path: Path, spoil=lambda book, page: None) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet()
        for line, row in enumerate([HEADER, *rows]):
            page.write_row(line, 0, row)
        spoil(book, page)
    return path


def test_a_workbook_with_dates_merged_cells_and_formulas(cast, at, tmp_path):
    """Dates as dates and as text, a category merged over two rows; a formula without value costs one row only."""
    rows = [[*CLOSED], ["A2", *LATE[1:5], "", "", *LATE[7:]], ["A3", *OPEN[1:]], ["A4", *OPEN[1:]]]

    def spoil(book, page):
        page.write_datetime(1, 1, datetime(2026, 3, 2, 9, 0), book.add_format({"num_format": "yyyy-mm-dd hh:mm"}))  # noqa: DTZ001
        page.merge_range(1, 5, 2, 5, "市容")
        page.merge_range(1, 6, 2, 6, "垃圾")
        page.write_number(3, 0, 101000295613)
        page.write_formula(4, 1, "=NOW()", value="")

    report = import_cases(workbook(rows, tmp_path / "a.xlsx", spoil), case_map(), at=at)
    assert report.cases == 3
    assert [(problem.row, problem.column) for problem in report.problems] == [(5, "受理")]
    assert case("A1").filed_at == datetime(2026, 3, 2, 1, tzinfo=UTC)
    assert case("A2").category_id == case("A1").category_id is not None
    assert case("101000295613").state == "dispatched"


# The command


def command(tmp_path, *rows, **options):
    import tomllib

    out = io.StringIO()
    (tmp_path / "旧.csv").write_bytes(sheet(*rows).getvalue())
    text = _toml(MAP)
    assert tomllib.loads(text) == MAP
    (tmp_path / "旧.toml").write_text(text)
    call_command("import", "cases", str(tmp_path / "旧.csv"), map=str(tmp_path / "旧.toml"), stdout=out, **options)
    return out.getvalue()


def _toml(data: dict, path: str = "") -> str:
    plain = {key: value for key, value in data.items() if not isinstance(value, dict)}
    lines = [f"[{path}]"] if path else []
    lines += [f'"{key}" = {json.dumps(value, ensure_ascii=False)}' for key, value in plain.items()]
    tables = [_toml(value, f'{path}."{key}"'.lstrip(".")) for key, value in data.items() if isinstance(value, dict)]
    return "\n".join([*lines, *tables])


def test_the_command_imports_and_writes_the_error_sheet(cast, tmp_path):
    errors = tmp_path / "错.csv"
    said = command(tmp_path, CLOSED, ["", *LATE[1:]], errors=errors)
    assert "新增 1" in said and "没有导入 1 行" in said
    rows = list(csv.reader(errors.open(encoding="utf-8-sig")))
    assert ["3", "编号", "", "没有编号"] in rows
    assert "没有变化 1" in command(tmp_path, CLOSED)
    assert "试导入" in command(tmp_path, LATE, dry_run=True)
    assert Case.objects.count() == 1


def test_the_command_refuses_in_a_sentence(cast, tmp_path):
    (tmp_path / "a.csv").write_text("姓名\n张三\n")
    for given, says in (("", "--map"), ("gone.toml", "读不出"), ("boston311", "缺少列")):
        with pytest.raises(CommandError, match=says):
            call_command("import", "cases", str(tmp_path / "a.csv"), map=given)


# The files themselves, where they are

SHARED = Path(os.environ.get("BIHUAN_SHARED", "/nowhere"))
BOSTON = SHARED / "data" / "boston311" / "boston311_2011_jul_oct.csv.gz"
TEDDY = SHARED / "data" / "teddy2020c" / "messages_hotspot_4326.csv.gz"


@pytest.mark.skipif(not BOSTON.exists(), reason="BIHUAN_SHARED does not hold the file")
def test_all_of_boston_comes_in_and_its_figures_are_the_files(cast, at):
    from bihuan.gauge.ontime import differences, on_time

    report = import_cases(BOSTON, maps.load(maps.find("boston311")), at=at)
    assert (report.rows, report.cases, report.problems, len(report.notes)) == (41_827, 41_827, [], 3)
    found = on_time(at=at, now=at, region="990617000000")
    assert (found.on_time, found.late, found.open_late, found.open_on_time, found.without_target) == (
        27_324, 6_145, 2_285, 0, 6_073,
    )  # fmt: skip
    assert [row.flag for row in differences(at=at, region="990617000000")] == [""] * 114
    assert verify(CaseEvent, Case).breaks == []


@pytest.mark.skipif(not TEDDY.exists(), reason="BIHUAN_SHARED does not hold the file")
def test_all_messages_come_in_and_only_once(cast, at):
    given = maps.load(maps.find("teddy_messages"))
    report = import_cases(TEDDY, given, at=at)
    assert (report.rows, report.cases + report.refused, report.known) == (4_326, 4_326, 0)
    assert import_cases(TEDDY, given, at=at).known == report.cases
    assert Case.objects.filter(state="accepted", closed_at=None, source="web").count() == report.cases
