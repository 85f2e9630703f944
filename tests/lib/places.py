"""Calendars and times for the tests of working time."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from bihuan.lib.holidays_cn import seed_days
from bihuan.lib.worktime import Day, Duration, Extension, Hours, Pause, Segment, WorkCalendar

CHINA = ZoneInfo("Asia/Shanghai")
OFFICE = Hours.parse("08:30-11:30,13:00-17:00")  # 3 h + 4 h = 7 h
DAYS = {r.date: Day(r.is_workday, r.name, r.confirmed, r.source) for r in seed_days(2025, 2027)}
CALENDAR = WorkCalendar(CHINA, DAYS, OFFICE)
PLAIN = WorkCalendar(CHINA, {}, Hours.parse("00:00-24:00"))  # no holidays known, open all day from Monday to Friday


def at(text: str) -> datetime:
    """ "2026-11-20 15:40" on China's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


TIMES = st.integers(0, 550 * 24 * 60 * 60).map(lambda s: at("2025-12-01 00:00") + timedelta(seconds=s))
LIMITS = st.one_of(
    st.builds(Duration, st.integers(1, 60), st.sampled_from(["uh", "wh", "d"])),
    st.builds(Duration, st.integers(1, 20), st.just("wd")),
)
CALENDARS = st.sampled_from([CALENDAR, PLAIN])
PAUSES = st.builds(
    lambda start, minutes: Pause(start, start + timedelta(minutes=minutes), "待补充"),
    TIMES,
    st.one_of(st.integers(1, 600), st.integers(600, 60 * 24 * 40)),
)


@st.composite
def ledgers(draw: st.DrawFn, start: datetime) -> list[Segment]:
    """Pauses and extensions in the weeks after a start."""
    begins = [start + timedelta(minutes=m) for m in draw(st.lists(st.integers(-600, 60 * 24 * 30), max_size=4))]
    pauses = [Pause(t, t + timedelta(minutes=draw(st.integers(1, 60 * 24 * 12))), "待补充") for t in begins]
    grants = draw(st.lists(st.integers(0, 99), max_size=2))
    extensions = [Extension(draw(LIMITS), start + timedelta(hours=hours)) for hours in grants]
    return list(draw(st.permutations([*pauses, *extensions])))


def day(text: str) -> date:
    return date.fromisoformat(text)
