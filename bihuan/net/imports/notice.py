"""The yearly holiday notice as a sheet: days or stretches of days, off or worked."""

from collections.abc import Iterator
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _noop

from bihuan.net.calendar import set_day
from bihuan.net.imports import columns
from bihuan.net.imports.columns import Column, Problem, Row, merged_problems, read_rows
from bihuan.net.imports.registry import File, Given, Option, Outcome, importer
from bihuan.net.imports.sheets import BadSheet, Sheet
from bihuan.net.models import CalendarDay, Unit
from bihuan.net.tree import NoSuchUnit, snapshot

WORKED = {"off": ("放假", "休息", "休", "假日", "否"), "work": ("上班", "调休上班", "补班", "班", "工作日", "是")}
NOTICE = (
    Column("day", ("日期", "开始日期", "date"), columns.day, required=True),
    Column("last", ("结束日期", "至", "to"), columns.day),
    Column("worked", ("安排", "类型", "是否上班", "kind"), columns.choice(WORKED), required=True),
    Column("name", ("名称", "节日", "事由", "name"), columns.text(40)),
    Column("source", ("依据", "文件", "来源", "source"), columns.text(120)),
)
LONGEST = 31  # days in one row


@importer(
    "calendar",
    rank=90,
    title=_noop("放假安排"),
    help=_noop("国务院办公厅每年的放假调休通知，或本地的停工、加班安排；写了的日子从“推算”变为确定。"),
    columns=(
        (_noop("日期"), "2027-02-06", True),
        (_noop("结束日期"), _noop("2027-02-12；只有一天的不填"), False),
        (_noop("安排"), _noop("放假 或 上班"), True),
        (_noop("名称"), _noop("春节"), False),
        (_noop("依据"), _noop("通知的文号"), False),
    ),
    example=("2027-02-05", "2027-02-11", "放假", "春节", "国务院办公厅通知"),
    options=(Option("unit", _noop("只对这个单位及下级"), _noop("填单位代码；不填就是全国的安排。")),),
)
def import_notice(file: File, given: Given) -> Outcome:
    """Rows become confirmed days of the nation, or (option unit) of a unit and what lies below it."""
    sheet = Sheet.read(file.content, file.name, known=[title for column in NOTICE for title in column.titles])
    reading = read_rows(sheet, NOTICE)
    unit = _unit(str(given.options.get("unit") or "").strip())
    outcome = Outcome(rows=len(sheet))
    stored = set(CalendarDay.objects.filter(unit=unit).values_list("date", flat=True))
    for row in reading.rows:
        for day in _days(row, outcome.problems):
            is_changed = set_day(
                unit, day, is_workday=row["worked"] == "work", name=row["name"] or "",
                source=row["source"] or file.name[:120], at=given.at,
            )  # fmt: skip
            outcome.created += is_changed and day not in stored
            outcome.changed += is_changed and day in stored
            outcome.same += not is_changed
    outcome.problems = merged_problems(reading.problems, outcome.problems)
    outcome.samples = [(row["day"].isoformat(), row["name"] or "") for row in reading.rows[:8]]
    return outcome


def _unit(code: str) -> Unit | None:
    if not code:
        return None
    try:
        return Unit.objects.get(pk=snapshot().by_code(code).id)
    except NoSuchUnit as error:
        raise BadSheet(str(error)) from None


def _days(row: Row, problems: list[Problem]) -> Iterator[date]:
    first, last = row["day"], row["last"] or row["day"]
    if not timedelta(0) <= last - first < timedelta(days=LONGEST):
        says = _("结束日期应在开始日期之后，一行最多 %(days)d 天") % {"days": LONGEST}
        problems.append(Problem(row.number, _("结束日期"), last.isoformat(), says))
        return
    yield from (first + timedelta(days=n) for n in range((last - first).days + 1))
