"""Deadlines with pauses and extensions, and how much of the time is used."""

from datetime import datetime, timedelta

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
    due,
    moment_of_fraction,
    used_fraction,
)

from .places import CALENDAR, CALENDARS, LIMITS, PAUSES, TIMES, at, ledgers

# 20 November 2026 is a Friday. Office hours 08:30-11:30, 13:00-17:00: 7 h.


def pause(start: str, end: str | None, why: str = "") -> Pause:
    return Pause(at(start), at(end) if end else None, why)


def extension(limit: str, granted: str = "2026-11-23 09:00") -> Extension:
    return Extension(Duration.parse(limit), at(granted))


def end_of(limit: str, start: str, *segments: Segment) -> datetime | None:
    return deadline(Duration.parse(limit), start=at(start), calendar=CALENDAR, segments=segments).due_at


@pytest.mark.parametrize(
    ("segments", "end", "why"),
    [
        ([], "2026-11-27 17:00", "23, 24, 25, 26, 27"),
        ([pause("2026-11-24 10:00", "2026-11-26 15:00")], "2026-12-01 17:00", "[24, 26) out: 23, 26, 27, 30, 1"),
        ([pause("2026-11-24 10:00", "2026-11-24 16:00")], "2026-11-27 17:00", "resumed the same day: nothing lost"),
        ([pause("2026-11-24 10:00", "2026-11-24 17:00")], "2026-11-30 17:00", "stopped at the close: the 24th is out"),
        ([pause("2026-11-24 17:00", "2026-11-25 08:00")], "2026-11-27 17:00", "stopped overnight only: nothing lost"),
        (
            [pause("2026-11-24 17:00", "2026-11-25 18:00")],
            "2026-11-30 17:00",
            "the close of the 25th: 23, 24, 26, 27, 30",
        ),
        ([pause("2026-11-20 16:00", "2026-11-24 10:00")], "2026-11-30 17:00", "the 20th never counts; 23 out"),
        ([pause("2026-11-19 10:00", "2026-11-24 10:00")], "2026-11-30 17:00", "begun before the start: the same"),
        ([pause("2026-11-27 10:00", "2026-11-30 10:00")], "2026-11-30 17:00", "27 out; the weekend costs nothing"),
        ([pause("2026-11-27 10:00", "2026-11-30 18:00")], "2026-12-01 17:00", "resumed after the close: 27 and 30 out"),
        ([pause("2026-11-27 17:00", "2026-12-30 10:00")], "2026-11-27 17:00", "begun when it had ended"),
        (
            [pause("2026-11-23 10:00", "2026-11-25 10:00"), pause("2026-11-24 10:00", "2026-11-26 10:00")],
            "2026-12-02 17:00",
            "the 24th once: [23, 26) out; 26, 27, 30, 1, 2",
        ),
        (
            [pause("2026-11-24 10:00", "2026-11-26 15:00"), pause("2026-12-01 10:00", "2026-12-02 10:00")],
            "2026-12-02 17:00",
            "the first pause moves the end to 1 Dec, where the second meets it",
        ),
        ([extension("5wd")], "2026-12-04 17:00", "30 Nov, 1, 2, 3, 4 Dec"),
        ([extension("5wd"), extension("5wd")], "2026-12-11 17:00", "and 7 to 11"),
        (
            [extension("5wd"), pause("2026-11-24 10:00", "2026-11-26 15:00")],
            "2026-12-08 17:00",
            "from the paused end 1 Dec: 2, 3, 4, 7, 8",
        ),
        (
            [extension("5wd"), pause("2026-12-02 10:00", "2026-12-03 10:00")],
            "2026-12-07 17:00",
            "a pause within the extension: 30, 1, 3, 4, 7",
        ),
        ([extension("2wh")], "2026-11-30 10:30", "from Friday's close: Monday 08:30 and 2 h"),
        ([extension("24h")], "2026-11-28 17:00", "day and night"),
        ([extension("3d")], "2026-12-01 00:00", "28, 29, 30 Nov 24:00"),
        ([pause("2026-11-24 10:00", None)], None, "stopped, and no end set"),
        ([pause("2026-11-24 10:00", None), extension("5wd")], None, "an extension does not start a stopped clock"),
        ([pause("2026-11-27 18:00", None)], "2026-11-27 17:00", "it had ended before"),
        ([pause("2026-11-27 18:00", None), extension("5wd")], None, "stopped within the extension"),
        (
            [pause("2026-11-24 10:00", "2026-11-24 09:00")],
            "2026-11-27 17:00",
            "a pause that ends before it begins is none",
        ),
    ],
)
def test_five_working_days_with_a_ledger(segments: list[Segment], end: str | None, why: str) -> None:
    assert end_of("5wd", "2026-11-20 15:40", *segments) == (at(end) if end else None), why


@pytest.mark.parametrize(
    ("limit", "start", "segments", "end", "why"),
    [
        ("2wh", "2026-11-20 08:30", [pause("2026-11-20 09:00", "2026-11-20 09:45")], "2026-11-20 11:15", "45 min more"),
        ("2wh", "2026-11-20 08:30", [pause("2026-11-20 10:00", "2026-11-20 14:00")], "2026-11-20 14:30", "1.5 h, lunch, .5 h"),
        ("2wh", "2026-11-20 10:30", [pause("2026-11-20 11:30", "2026-11-20 13:00")], "2026-11-20 14:00", "at lunch only"),
        ("2wh", "2026-11-20 08:30", [pause("2026-11-20 10:30", "2026-11-20 14:00")], "2026-11-20 10:30", "begun at the end"),
        ("2wh", "2026-11-20 16:00", [pause("2026-11-20 17:30", "2026-11-23 08:00")], "2026-11-23 09:30", "over the weekend"),
        ("24h", "2026-11-20 15:40", [pause("2026-11-20 20:00", "2026-11-21 06:00")], "2026-11-22 01:40", "10 h more"),
        ("24h", "2026-11-20 15:40", [pause("2026-11-21 15:40", None)], "2026-11-21 15:40", "begun at the end"),
        ("24h", "2026-11-20 15:40", [extension("2h")], "2026-11-21 17:40", "2 h more"),
        ("24h", "2026-11-20 15:40", [extension("1wd")], "2026-11-23 17:00", "ends on Saturday; Monday"),
        # 10d from 2 Nov: 3 to 12 Nov, a Thursday
        ("10d", "2026-11-02 09:00", [], "2026-11-13 00:00", "12 Nov 24:00"),
        ("10d", "2026-11-02 09:00", [pause("2026-11-05 10:00", "2026-11-06 10:00")], "2026-11-14 00:00", "the 5th is out"),
        ("10d", "2026-11-02 09:00", [pause("2026-11-05 10:00", "2026-11-07 00:00")], "2026-11-17 00:00", "5, 6 out; Saturday 14"),
        ("10d", "2026-11-02 09:00", [pause("2026-11-05 10:00", "2026-11-05 23:00")], "2026-11-13 00:00", "nothing lost"),
        # 12d end on Saturday 14 Nov and move to Monday 16
        ("12d", "2026-11-02 09:00", [], "2026-11-17 00:00", "moved to Monday"),
        ("12d", "2026-11-02 09:00", [pause("2026-11-15 10:00", "2026-11-18 10:00")], "2026-11-19 00:00", "moved past the pause"),
        ("12d", "2026-11-02 09:00", [pause("2026-11-15 10:00", "2026-11-15 20:00")], "2026-11-17 00:00", "over by Monday"),
        ("12d", "2026-11-02 09:00", [pause("2026-11-15 10:00", None)], None, "stopped before Monday"),
        ("12d", "2026-11-02 09:00", [extension("2d")], "2026-11-19 00:00", "17 and 18, behind the moved end"),
        ("12d", "2026-11-02 09:00", [extension("1wd")], "2026-11-17 17:00", "the 17th, behind the moved end"),
    ],
)  # fmt: skip
def test_the_other_units_with_a_ledger(limit: str, start: str, segments: list[Segment], end: str, why: str) -> None:
    assert end_of(limit, start, *segments) == (at(end) if end else None), why


def test_a_deadline_tells_its_stages_and_the_first_promise() -> None:
    stopped = pause("2026-11-24 10:00", "2026-11-26 15:00", "待补充")
    segments: list[Segment] = [stopped, extension("5wd")]
    found = deadline(Duration.parse("5wd"), start=at("2026-11-20 15:40"), calendar=CALENDAR, segments=segments)
    assert found.first_promise == at("2026-11-27 17:00")
    assert [(s.counts_from, s.due_at) for s in found.stages] == [
        (at("2026-11-20 15:40"), at("2026-12-01 17:00")),
        (at("2026-12-01 17:00"), at("2026-12-08 17:00")),
    ]
    assert found.pauses == (stopped,)


def test_joined_pauses_keep_their_reasons() -> None:
    segments = [
        pause("2026-11-24 10:00", "2026-11-25 15:00", "待补充"),
        pause("2026-11-25 10:00", "2026-11-26 15:00", "挂账"),
    ]
    found = deadline(Duration.parse("5wd"), start=at("2026-11-20 15:40"), calendar=CALENDAR, segments=segments)
    assert found.pauses == (pause("2026-11-24 10:00", "2026-11-26 15:00", "待补充；挂账"),)


# What always holds


@given(LIMITS, TIMES, CALENDARS)
def test_an_empty_ledger_is_the_plain_deadline(limit: Duration, start: datetime, calendar: WorkCalendar) -> None:
    found = deadline(limit, start=start, calendar=calendar)
    assert found.due_at == found.first_promise == due(limit, start=start, calendar=calendar)


@given(LIMITS, TIMES, CALENDARS, st.data())
def test_one_more_pause_never_makes_it_earlier(
    limit: Duration, start: datetime, calendar: WorkCalendar, data: st.DataObject
) -> None:
    segments = data.draw(ledgers(start))
    more = data.draw(
        PAUSES | st.builds(Pause, st.timedeltas(timedelta(0), timedelta(40)).map(start.__add__), st.none())
    )
    without = deadline(limit, start=start, calendar=calendar, segments=segments).due_at
    with_it = deadline(limit, start=start, calendar=calendar, segments=[*segments, more]).due_at
    assert without is not None
    assert with_it is None or with_it >= without
    assert with_it is not None or more.end is None


@given(LIMITS, TIMES, CALENDARS, LIMITS, st.data())
def test_one_more_extension_never_makes_it_earlier(
    limit: Duration, start: datetime, calendar: WorkCalendar, more: Duration, data: st.DataObject
) -> None:
    segments = data.draw(ledgers(start))
    granted = Extension(more, start + timedelta(hours=data.draw(st.integers(0, 99))))
    without = deadline(limit, start=start, calendar=calendar, segments=segments).due_at
    with_it = deadline(limit, start=start, calendar=calendar, segments=[*segments, granted]).due_at
    assert without is not None and with_it is not None
    assert with_it >= without


@given(LIMITS, TIMES, TIMES, CALENDARS, st.data())
def test_with_a_ledger_too_a_later_start_is_never_due_earlier(
    limit: Duration, a: datetime, b: datetime, calendar: WorkCalendar, data: st.DataObject
) -> None:
    a, b = sorted((a, b))
    pauses = [s for s in data.draw(ledgers(a)) if isinstance(s, Pause)]
    first = deadline(limit, start=a, calendar=calendar, segments=pauses).due_at
    second = deadline(limit, start=b, calendar=calendar, segments=pauses).due_at
    assert first is not None and second is not None and first <= second


@given(LIMITS, TIMES, CALENDARS, st.data())
def test_the_order_of_the_ledger_and_overlaps_do_not_matter(
    limit: Duration, start: datetime, calendar: WorkCalendar, data: st.DataObject
) -> None:
    segments = [s for s in data.draw(ledgers(start)) if isinstance(s, Pause)]
    expected = deadline(limit, start=start, calendar=calendar, segments=segments).due_at
    doubled = [*segments, *(Pause(p.start, p.start + (_end(p) - p.start) / 2) for p in segments)]
    again = deadline(limit, start=start, calendar=calendar, segments=data.draw(st.permutations(doubled)))
    assert again.due_at == expected


@given(LIMITS, TIMES, CALENDARS, st.data())
def test_a_limit_never_ends_while_the_clock_is_stopped(
    limit: Duration, start: datetime, calendar: WorkCalendar, data: st.DataObject
) -> None:
    found = deadline(limit, start=start, calendar=calendar, segments=data.draw(ledgers(start)))
    assert found.due_at is not None
    assert not any(p.start < found.due_at <= _end(p) for p in found.pauses)


def _end(pause: Pause) -> datetime:
    assert pause.end is not None
    return pause.end


# How much is used


@pytest.mark.parametrize(
    ("limit", "now", "used", "why"),
    [
        ("24h", "2026-11-21 09:40", 0.75, "18 of 24 h"),
        ("24h", "2026-11-21 21:40", 1.25, "30 of 24 h"),
        ("5wd", "2026-11-20 15:40", 0, "at the start"),
        ("5wd", "2026-11-20 09:00", 0, "before the start"),
        ("5wd", "2026-11-22 12:00", 80 / 2180, "80 min on Friday of 80 + 5 * 420"),
        ("5wd", "2026-11-25 11:30", (80 + 420 * 2 + 180) / 2180, "Friday, two days and a morning"),
        ("5wd", "2026-11-27 17:00", 1, "when due"),
        ("5wd", "2026-11-30 17:00", (2180 + 420) / 2180, "a day late"),
    ],
)
def test_the_part_of_the_time_that_is_used(limit: str, now: str, used: float, why: str) -> None:
    span, start = Duration.parse(limit), at("2026-11-20 15:40")
    due_at = due(span, start=start, calendar=CALENDAR)
    assert used_fraction(at(now), start, due_at, CALENDAR, span) == pytest.approx(used), why


def test_a_stopped_clock_uses_nothing() -> None:
    # 2wh from 08:30, stopped 09:00-10:00: due 11:30; half an hour of two is used from 09:00 to 10:00
    ledger = [pause("2026-11-20 09:00", "2026-11-20 10:00")]
    for now in ("09:00", "09:30", "10:00"):
        used = used_fraction(
            at(f"2026-11-20 {now}"), at("2026-11-20 08:30"), at("2026-11-20 11:30"), CALENDAR, Duration(2, "wh"), ledger
        )
        assert used == 0.25


def test_when_three_quarters_are_used() -> None:
    # 5wd from Friday 15:40: 0.75 * 2180 = 1635 min = 80 + 3 * 420 + 295; Thursday 26: 180 by 11:30, 115 from 13:00
    limit, start, due_at = Duration.parse("5wd"), at("2026-11-20 15:40"), at("2026-11-27 17:00")
    assert moment_of_fraction(0.75, start, due_at, CALENDAR, limit) == at("2026-11-26 14:55")
    assert moment_of_fraction(1, start, due_at, CALENDAR, limit) == due_at
    assert moment_of_fraction(0, start, due_at, CALENDAR, limit) == start


@given(LIMITS, TIMES, CALENDARS, st.sampled_from([0.25, 0.5, 0.75, 0.9]), st.data())
def test_the_moment_of_a_fraction_is_where_it_is_used(
    limit: Duration, start: datetime, calendar: WorkCalendar, fraction: float, data: st.DataObject
) -> None:
    pauses = [s for s in data.draw(ledgers(start)) if isinstance(s, Pause)]
    due_at = deadline(limit, start=start, calendar=calendar, segments=pauses).due_at
    assert due_at is not None
    moment = moment_of_fraction(fraction, start, due_at, calendar, limit, pauses)
    assert start <= moment <= due_at
    assert used_fraction(moment, start, due_at, calendar, limit, pauses) == pytest.approx(fraction, abs=1e-6)
