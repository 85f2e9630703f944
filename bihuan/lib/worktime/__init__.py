"""Working time: limits in four units, calendars with windows, deadlines with pauses and extensions, told in words."""

from bihuan.lib.worktime.calendar import (
    BadHours,
    Day,
    Hours,
    NaiveTime,
    OutOfCalendar,
    Window,
    WorkCalendar,
)
from bihuan.lib.worktime.deadlines import (
    Deadline,
    Extension,
    Pause,
    Segment,
    Stage,
    before,
    deadline,
    due,
    moment_of_fraction,
    used_fraction,
)
from bihuan.lib.worktime.durations import BadDuration, Duration, Unit
from bihuan.lib.worktime.telling import Line, explain, spell_moment, spell_name

__all__ = [
    "BadDuration",
    "BadHours",
    "Day",
    "Deadline",
    "Duration",
    "Extension",
    "Hours",
    "Line",
    "NaiveTime",
    "OutOfCalendar",
    "Pause",
    "Segment",
    "Stage",
    "Unit",
    "Window",
    "WorkCalendar",
    "before",
    "deadline",
    "due",
    "explain",
    "moment_of_fraction",
    "spell_moment",
    "spell_name",
    "used_fraction",
]
