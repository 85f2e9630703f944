"""A deadline in words."""

import dataclasses
import json
import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.lib.worktime import (
    Duration,
    Extension,
    Pause,
    Segment,
    WorkCalendar,
    deadline,
    explain,
    spell_moment,
)

from .places import CALENDAR, CALENDARS, CHINA, LIMITS, TIMES, at, ledgers


def told(limit: str, start: str, *segments: Segment, lang: str = "zh") -> list[str]:
    lines = explain(Duration.parse(limit), start=at(start), calendar=CALENDAR, segments=segments, lang=lang)
    return [f"{line.kind}: {line.text}" for line in lines]


RULE_5WD = "rule: 时限5个工作日：当天不计，从下一个工作日数起，到第5个工作日下班时为止"


def test_working_days_over_national_day() -> None:
    assert told("5wd", "2026-09-29 15:40") == [
        "start: 从2026年9月29日（周二）15:40起算",
        RULE_5WD,
        "count: 9月30日（周三）：第1个工作日",
        "skip: 10月1日（周四）至10月7日（周三）：国庆节，不计",
        "count: 10月8日（周四）至10月9日（周五）：第2至第3个工作日",
        "count: 10月10日（周六）：国庆节调休上班，第4个工作日",
        "skip: 10月11日（周日）：周末，不计",
        "count: 10月12日（周一）：第5个工作日",
        "end: 2026年10月12日（周一）17:00到期",
    ]


def test_the_same_in_english() -> None:
    assert told("5wd", "2026-09-29 15:40", lang="en") == [
        "start: Counted from Tue 29 Sep 2026 15:40",
        "rule: Limit 5 working days: the day itself is not counted; ends at closing time on working day 5",
        "count: Wed 30 Sep: working day 1",
        "skip: Thu 1 Oct to Wed 7 Oct: National Day, not counted",
        "count: Thu 8 Oct to Fri 9 Oct: working days 2 to 3",
        "count: Sat 10 Oct: worked (made up for National Day), working day 4",
        "skip: Sun 11 Oct: weekend, not counted",
        "count: Mon 12 Oct: working day 5",
        "end: Due Mon 12 Oct 2026 17:00",
    ]


def test_a_year_without_notice_is_marked() -> None:
    assert told("5wd", "2026-12-30 09:00")[2:] == [
        "count: 12月31日（周四）：第1个工作日",
        "skip: 2027年1月1日（周五）：元旦，不计（推算，以国务院通知为准）",
        "skip: 2027年1月2日（周六）至2027年1月3日（周日）：周末，不计（推算，以国务院通知为准）",
        "count: 2027年1月4日（周一）至2027年1月7日（周四）：第2至第5个工作日（推算，以国务院通知为准）",
        "end: 2027年1月7日（周四）17:00到期",
        "note: 标明“推算”的日期，国务院办公厅还没有公布放假安排，公布后会重新计算并告知",
    ]


def test_a_long_limit_is_told_in_weeks() -> None:
    # 20 working days from Monday 2 November: 3-6, 9-13, 16-20, 23-27, 30; the weekends between have 8 days
    assert told("20wd", "2026-11-02 09:00")[2:] == [
        "count: 11月3日（周二）至11月30日（周一）：第1至第20个工作日，其间周末8天不计",
        "end: 2026年11月30日（周一）17:00到期",
    ]


def test_a_pause_and_an_extension() -> None:
    segments = (
        Pause(at("2026-11-23 10:00"), at("2026-11-25 15:00"), "待群众补充材料"),
        Extension(Duration.parse("5wd"), at("2026-11-26 10:00"), "情况复杂"),
    )
    assert told("5wd", "2026-11-20 09:00", *segments)[2:] == [
        "skip: 11月21日（周六）至11月22日（周日）：周末，不计",
        "pause: 11月23日（周一）10:00停表（待群众补充材料），11月25日（周三）15:00恢复",
        "skip: 11月23日（周一）至11月24日（周二）：停表，不计",
        "count: 11月25日（周三）至11月27日（周五）：第1至第3个工作日",
        "skip: 11月28日（周六）至11月29日（周日）：周末，不计",
        "count: 11月30日（周一）至12月1日（周二）：第4至第5个工作日",
        "extend: 延期5个工作日（情况复杂），接着原期限往后数",
        "count: 12月2日（周三）至12月4日（周五）：第1至第3个工作日",
        "skip: 12月5日（周六）至12月6日（周日）：周末，不计",
        "count: 12月7日（周一）至12月8日（周二）：第4至第5个工作日",
        "end: 2026年12月8日（周二）17:00到期",
    ]


def test_a_clock_that_stands_still() -> None:
    assert told("5wd", "2026-11-20 09:00", Pause(at("2026-11-24 10:00"), None, "挂账"))[2:] == [
        "skip: 11月21日（周六）至11月22日（周日）：周末，不计",
        "count: 11月23日（周一）：第1个工作日",
        "pause: 11月24日（周二）10:00停表（挂账），尚未恢复",
        "end: 现在停表，恢复后接着计算，到期时间相应顺延",
    ]


def test_working_hours_over_lunch_and_holidays() -> None:
    assert told("2wh", "2026-09-30 10:50") == [
        "start: 从2026年9月30日（周三）10:50起算",
        "rule: 时限2个工作小时：只计工作时段内的时间，下班、午休和节假日不计",
        "count: 9月30日（周三）10:50–11:30、13:00–14:20，计2小时",  # 40 + 80 min
        "end: 2026年9月30日（周三）14:20到期",
    ]
    assert told("2wh", "2026-09-30 16:10")[2:] == [
        "count: 9月30日（周三）16:10–17:00，计50分钟",
        "skip: 10月1日（周四）至10月7日（周三）：国庆节，不计",
        "count: 10月8日（周四）08:30–09:40，计1小时10分钟",
        "end: 2026年10月8日（周四）09:40到期",
    ]


def test_working_hours_that_begin_after_work_and_fill_whole_days() -> None:
    assert told("20wh", "2026-11-20 18:10")[2:] == [
        "skip: 11月20日（周五）18:10不在工作时段，从11月23日（周一）08:30起计",
        "skip: 11月21日（周六）至11月22日（周日）：周末，不计",
        "count: 11月23日（周一）至11月24日（周二）每天08:30–11:30、13:00–17:00，每天计7小时",
        "count: 11月25日（周三）08:30–11:30、13:00–16:00，计6小时",  # 7 + 7 + 6 = 20
        "end: 2026年11月25日（周三）16:00到期",
    ]


def test_working_hours_with_a_pause() -> None:
    stopped = Pause(at("2026-11-20 09:00"), at("2026-11-20 09:45"))
    assert told("2wh", "2026-11-20 08:30", stopped)[2:] == [
        "pause: 11月20日（周五）09:00停表，11月20日（周五）09:45恢复",
        "count: 11月20日（周五）08:30–09:00、09:45–11:15，计2小时",
        "end: 2026年11月20日（周五）11:15到期",
    ]


def test_calendar_days_that_end_in_a_holiday() -> None:
    assert told("30d", "2026-09-01 09:00") == [
        "start: 从2026年9月1日（周二）09:00起算",
        "rule: 时限30个自然日：当天不计，到第30天24:00为止；最后一天不上班的，顺延到下一个工作日",
        "count: 9月2日（周三）至10月1日（周四）：第1至第30天",
        "move: 10月1日（周四）是国庆节，顺延到10月8日（周四）",
        "end: 2026年10月8日（周四）24:00到期",
    ]


def test_calendar_days_with_a_pause_and_an_extension() -> None:
    segments = (
        Pause(at("2026-09-10 10:00"), at("2026-09-12 08:00")),
        Extension(Duration.parse("5d"), at("2026-09-26 09:00")),
    )
    assert told("30d", "2026-09-01 09:00", *segments)[2:] == [
        "count: 9月2日（周三）至9月9日（周三）：第1至第8天",
        "pause: 9月10日（周四）10:00停表，9月12日（周六）08:00恢复",
        "skip: 9月10日（周四）至9月11日（周五）：停表，不计",
        "count: 9月12日（周六）至10月3日（周六）：第9至第30天",
        "move: 10月3日（周六）是国庆节，顺延到10月8日（周四）",
        "extend: 延期5个自然日，接着原期限往后数",
        "count: 10月9日（周五）至10月13日（周二）：第1至第5天",
        "end: 2026年10月13日（周二）24:00到期",
    ]


def test_urgent_hours_run_through_the_night() -> None:
    stopped = Pause(at("2026-11-20 20:00"), at("2026-11-21 06:00"))
    assert told("24h", "2026-11-20 15:40", stopped) == [
        "start: 从2026年11月20日（周五）15:40起算",
        "rule: 时限24小时：昼夜连续计算，夜间和节假日不停",
        "pause: 11月20日（周五）20:00停表，11月21日（周六）06:00恢复",
        "count: 11月20日（周五）15:40至11月22日（周日）01:40连续计算，停表的时间除外",
        "end: 2026年11月22日（周日）01:40到期",
    ]


@pytest.mark.parametrize(
    ("moment", "options", "text"),
    [
        ("2026-11-27 17:00", {}, "2026年11月27日（周五）17:00"),
        ("2026-11-27 17:00", {"year": 2026}, "11月27日（周五）17:00"),
        ("2026-11-28 00:00", {"ends": True}, "2026年11月27日（周五）24:00"),
        ("2026-11-28 00:00", {}, "2026年11月28日（周六）00:00"),
        ("2027-01-01 00:00", {"ends": True, "year": 2026}, "12月31日（周四）24:00"),
        ("2026-11-27 17:00", {"lang": "en"}, "Fri 27 Nov 2026 17:00"),
    ],
)
def test_a_moment_in_words(moment: str, options: dict[str, object], text: str) -> None:
    assert spell_moment(at(moment), **options) == text  # type: ignore[arg-type]


# What always holds


@given(LIMITS, TIMES, CALENDARS, st.data())
def test_the_words_count_what_the_limit_says(
    limit: Duration, start: datetime, calendar: WorkCalendar, data: st.DataObject
) -> None:
    """The last number of each stage is its limit, hours add up, and the end told is the end computed."""
    segments = data.draw(ledgers(start))
    found = deadline(limit, start=start, calendar=calendar, segments=segments)
    lines = explain(limit, start=start, calendar=calendar, segments=segments)
    assert found.due_at is not None
    [end] = [line.text for line in lines if line.kind == "end"]
    assert end == f"{spell_moment(found.due_at, ends=True)}到期"
    stages: list[list[str]] = [[]]
    for line in lines:
        if line.kind == "extend":
            stages.append([])
        elif line.kind == "count":
            stages[-1].append(line.text)
    for stage, counted in zip(found.stages, stages, strict=True):
        _require_count(stage.limit, counted, start.year)


def _require_count(limit: Duration, counted: list[str], year: int) -> None:
    if limit.unit in ("wd", "d"):
        numbers = [int(n) for text in counted for n in re.findall(r"第(\d+)", text)]
        assert numbers == sorted(numbers) and numbers[-1] == limit.n
    elif limit.unit == "wh":
        assert sum(_minutes_told(text, year) for text in counted) == limit.n * 60


def _minutes_told(text: str, year: int) -> int:
    """Minutes of a line as "11月23日（周一）至11月24日（周二）每天08:30–11:30、13:00–17:00，每天计7小时"."""
    amount = re.search(r"计(?:(\d+)小时)?(?:(\d+)分钟)?", text)
    assert amount is not None
    return (int(amount[1] or 0) * 60 + int(amount[2] or 0)) * (_days_told(text, year) if "每天" in text else 1)


def _days_told(text: str, year: int) -> int:
    found = re.findall(r"(?:(\d{4})年)?(\d+)月(\d+)日", text)
    first, last = (datetime(int(other or year), int(month), int(day), tzinfo=CHINA) for other, month, day in found)
    return (last - first).days + 1


@given(LIMITS, TIMES, st.sampled_from(["zh", "en"]))
def test_any_ledger_can_be_told_and_sent_as_json(limit: Duration, start: datetime, lang: str) -> None:
    stops = Pause(start, None, "挂账")
    for segments in ([], [stops], [Extension(limit, start)]):
        lines = explain(limit, start=start, calendar=CALENDAR, segments=segments, lang=lang)
        assert lines[0].kind == "start" and lines[-1].kind in ("end", "note")
        assert json.loads(json.dumps([dataclasses.asdict(line) for line in lines]))
        assert all(line.text and "{" not in line.text for line in lines)
