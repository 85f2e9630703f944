"""A deadline told in words that a resident can follow: the start, the rule, each day counted or left out and why,
pauses, extensions, the end. The sentences of each language stand in one table.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from bihuan.lib.worktime.calendar import MINUTE_US, WorkCalendar
from bihuan.lib.worktime.deadlines import Pause, Segment, Stage, deadline
from bihuan.lib.worktime.durations import Duration
from bihuan.lib.worktime.measures import MOMENT

ONE_DAY = timedelta(days=1)
# Limits of more days than this are told in weeks: their weekends are mentioned inside a run of counted days.
TOLD_DAY_BY_DAY = 10


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of an explanation, ready for JSON.

    kind: start, rule, count, skip, pause, move, extend, end or note. day, until: the first and last date it speaks of
    (ISO), None where it speaks of no date.
    """

    kind: str
    text: str
    day: str | None = None
    until: str | None = None


def explain(
    limit: Duration,
    *,
    start: datetime,
    calendar: WorkCalendar,
    segments: Iterable[Segment] = (),
    lang: str = "zh",
) -> list[Line]:
    """The arithmetic of `deadline` with the same arguments, line by line, in Chinese ("zh") or English ("en")."""
    return _Teller(calendar, calendar.local(start), lang).tell(limit, list(segments))


def spell_moment(at: datetime, *, lang: str = "zh", year: int | None = None, ends: bool = False) -> str:
    """A local time in words, as "11月27日（周五）17:00", with its year unless that is `year`.

    ends: the instant closes a day, so midnight is told as 24:00 of the day before.
    """
    if ends and at.hour == at.minute == at.second == 0:
        return f"{_spell_day(at.date() - ONE_DAY, lang, year)}{_GAP[lang]}24:00"
    return f"{_spell_day(at.date(), lang, year)}{_GAP[lang]}{at:%H:%M}"


def spell_name(name: str, *, lang: str = "zh") -> str:
    """The name of a day of the calendar, as 春节, 春节调休 or 周末; a name not known stays as it was entered."""
    if lang == "zh":
        return name
    if name.endswith("调休"):
        return f"made up for {spell_name(name.removesuffix('调休'), lang=lang)}"
    if name.endswith("补假"):
        return f"{spell_name(name.removesuffix('补假'), lang=lang)} (day in lieu)"
    return ", ".join(_NAMES.get(part, part) for part in name.split("、"))


@dataclass(frozen=True, slots=True)
class _Told:
    """How one day is to be told; neighbours with an equal `key` share a line."""

    day: date
    key: tuple[object, ...]
    counted: bool
    span: str = ""  # wh only: the clock times that count
    us: int = 0  # wh only: the working time that counts


class _Teller:
    def __init__(self, calendar: WorkCalendar, start: datetime, lang: str) -> None:
        self.calendar, self.start, self.lang, self.year = calendar, start, lang, start.year
        self.words = _WORDS[lang]

    def tell(self, limit: Duration, segments: list[Segment]) -> list[Line]:
        found = deadline(limit, start=self.start, calendar=self.calendar, segments=segments)
        lines = [
            self._line("start", self.start.date(), at=spell_moment(self.start, lang=self.lang)),
            Line("rule", self.words[f"rule_{limit.unit}"].format(n=limit.n, limit=self._limit(limit))),
        ]
        for nth, stage in enumerate(found.stages):
            lines += self._stage(stage, found.pauses, first=nth == 0)
        lines.append(self._end(found.due_at))
        if self.words["computed"] in "".join(line.text for line in lines):
            lines.append(Line("note", self.words["note"]))
        return lines

    def _stage(self, stage: Stage, pauses: Sequence[Pause], first: bool) -> list[Line]:
        lines: list[Line] = []
        if not first:
            text = self.words["extend"].format(limit=self._limit(stage.limit), why=self._why(stage.why))
            lines.append(Line("extend", text, (stage.counts_from - MOMENT).date().isoformat()))
        own = [p for p in pauses if self._falls_in(p, stage, first)]
        told = [self._pause(p) for p in own] + list(self._counting(stage, pauses, first))
        # Each pause is told before the days it touches.
        return lines + sorted(told, key=lambda line: (line.day or "", line.kind != "pause"))

    def _falls_in(self, pause: Pause, stage: Stage, first: bool) -> bool:
        """Whether a pause is told with this stage: it begins in it, or was running at the very start."""
        begins = pause.start >= stage.counts_from or (first and (pause.end is None or pause.end > stage.counts_from))
        return begins and (stage.due_at is None or pause.start < stage.due_at)

    def _counting(self, stage: Stage, pauses: Sequence[Pause], first: bool) -> Iterator[Line]:
        unit = stage.limit.unit
        stops = next((p.start for p in pauses if p.end is None), stage.plain_due_at)
        until = self.calendar.local(stage.due_at or max(stops, stage.counts_from))
        if unit == "uh":
            yield self._hours(stage, until)
        elif unit == "wh":
            yield from self._working_hours(stage, until, pauses)
        else:
            yield from self._days(stage, until, pauses, first)

    # uh

    def _hours(self, stage: Stage, until: datetime) -> Line:
        a, b = self._moment(stage.counts_from), self._moment(until)
        stopped = self.words["less_pauses"] if until > stage.plain_due_at else ""
        return self._line("count", stage.counts_from.date(), "count_uh", until.date(), a=a, b=b, stopped=stopped)

    # wd and d

    def _days(self, stage: Stage, until: datetime, pauses: Sequence[Pause], first: bool) -> Iterator[Line]:
        # The day on which counting starts is never counted; the 24:00 that ended the stage before belongs to its day.
        zero = (stage.counts_from if first else stage.counts_from - MOMENT).date()
        last = (until - MOMENT).date() if stage.due_at else until.date() - ONE_DAY
        tell_day = self._workday if stage.limit.unit == "wd" else self._calendar_day
        told = [tell_day(day, pauses, stage.limit) for day in _dates(zero + ONE_DAY, last)]
        counted = 0
        for _, same in groupby(self._up_to_limit(told, stage.limit), key=lambda t: t.key):
            run = list(same)
            days = sum(t.counted for t in run)
            yield self._run_of_days(run, stage.limit, counted + 1, counted + days)
            counted += days
        if stage.due_at and stage.limit.unit == "d":
            yield from self._moved(told, stage.limit, last)

    def _up_to_limit(self, told: list[_Told], limit: Duration) -> Iterator[_Told]:
        """Days until as many as the limit says are counted; what comes after them is the move to a working day."""
        left = limit.n
        for one in told:
            if left == 0:
                return
            left -= one.counted
            yield one

    def _workday(self, day: date, pauses: Sequence[Pause], limit: Duration) -> _Told:
        said = self.calendar.day(day)
        if not said.is_workday:
            if limit.n > TOLD_DAY_BY_DAY and _is_weekend(day) and said.name in ("", "周末"):
                return _Told(day, ("count", "", said.confirmed), False)
            return _Told(day, ("skip", self._name(day), said.confirmed), False)
        close = self.calendar.closing(self.calendar.workdays_through(day))
        if _stopped_at(close, pauses):
            return _Told(day, ("paused", "", said.confirmed), False)
        return _Told(day, ("count", said.name if _is_weekend(day) else "", said.confirmed), True)

    def _calendar_day(self, day: date, pauses: Sequence[Pause], limit: Duration) -> _Told:
        if _stopped_at(self.calendar.midnight(day + ONE_DAY), pauses):
            return _Told(day, ("paused", "", True), False)
        return _Told(day, ("count", "", True), True)

    def _run_of_days(self, run: list[_Told], limit: Duration, first: int, last: int) -> Line:
        kind, name, confirmed = run[0].key
        weekend = sum(not t.counted for t in run)
        if kind == "count" and last < first:  # a weekend of a long limit that stands alone
            kind, name = "skip", self._name(run[0].day)
        words = {
            "days": self._run(run[0].day, run[-1].day),
            "name": self._translated(str(name)),
            "nth": self._nth(first, last, limit),
            "weekend": self.words["weekend"].format(n=weekend) if weekend and kind == "count" else "",
            "computed": "" if confirmed else self.words["computed"],
        }
        sentence = f"{kind}_makeup" if kind == "count" and name else str(kind)
        line_kind = "count" if kind == "count" else "skip"
        return self._line(line_kind, run[0].day, sentence, run[-1].day, **words)

    def _moved(self, told: list[_Told], limit: Duration, last: date) -> Iterator[Line]:
        """The line that says why the end is later than the last day counted."""
        counted = [t.day for t in told if t.counted][: limit.n]
        if not counted or counted[-1] == last:
            return
        fell, said = counted[-1], self.calendar.day(counted[-1])
        sure = said.confirmed and self.calendar.day(last).confirmed
        yield self._line(
            "move", fell, until=last, a=self._day(fell), b=self._day(last),
            name=self._translated(self._name(fell)), computed="" if sure else self.words["computed"],
        )  # fmt: skip

    # wh

    def _working_hours(self, stage: Stage, until: datetime, pauses: Sequence[Pause]) -> Iterator[Line]:
        begin = self.calendar.local(stage.counts_from)
        if stage.due_at and not self.calendar.is_working_at(begin):
            opens = self.calendar.opening(begin)
            yield self._line("skip", begin.date(), "closed", a=self._moment(begin), b=self._moment(opens))
        told = [self._worked_day(day, begin, until, pauses) for day in _dates(begin.date(), until.date())]
        counted = 0
        for key, same in groupby(told, key=lambda t: t.key):
            run = list(same)
            words = {"days": self._run(run[0].day, run[-1].day), "computed": "" if key[-1] else self.words["computed"]}
            if key[0] == "nothing":
                continue
            if key[0] == "skip":
                words["name"] = self._translated(str(key[1]))
                yield self._line("skip", run[0].day, "skip", run[-1].day, **words)
            else:
                sentence = "count_wh" if len(run) == 1 else "count_wh_each"
                # Rounded so that the minutes told add up to the limit, however many seconds past the start was.
                minutes = _rounded(counted + run[0].us) - _rounded(counted)
                counted += run[0].us * len(run)
                words |= {"span": run[0].span, "amount": self._amount(minutes)}
                yield self._line("count", run[0].day, sentence, run[-1].day, **words)

    def _worked_day(self, day: date, begin: datetime, until: datetime, pauses: Sequence[Pause]) -> _Told:
        said = self.calendar.day(day)
        if not said.is_workday:
            return _Told(day, ("skip", self._name(day), said.confirmed), False)
        pieces = self._pieces(day, begin, until, pauses)
        if not pieces:
            return _Told(day, ("nothing", "", said.confirmed), False)
        span = self.words["and"].join(f"{a:%H:%M}–{_clock(b, day)}" for a, b in pieces)
        us = sum((b - a) // MOMENT for a, b in pieces)
        return _Told(day, ("count", span, us, said.confirmed), True, span, us)

    def _pieces(
        self, day: date, begin: datetime, until: datetime, pauses: Sequence[Pause]
    ) -> list[tuple[datetime, datetime]]:
        """The stretches of a day's windows that count."""
        clock = self.calendar.on_clock
        pieces = [
            (max(clock(day, window.opens * MINUTE_US), begin), min(clock(day, window.closes * MINUTE_US), until))
            for window in self.calendar.hours_on(day).windows
        ]
        for pause in pauses:
            pieces = [rest for piece in pieces for rest in _without(piece, pause)]
        return [(a, b) for a, b in pieces if a < b]

    # Sentences and words

    def _pause(self, pause: Pause) -> Line:
        local = self.calendar.local
        begin, sentence, resumed = local(pause.start), "pause_open", ""
        if pause.end is not None:
            sentence, resumed = "pause", self._moment(local(pause.end))
        day = max(begin.date(), self.start.date())
        why = self._why(pause.why)
        return self._line("pause", day, sentence, a=self._moment(begin), b=resumed, why=why)

    def _end(self, due_at: datetime | None) -> Line:
        if due_at is None:
            return Line("end", self.words["end_open"])
        local = self.calendar.local(due_at)
        at = spell_moment(local, lang=self.lang, ends=True)
        return Line("end", self.words["end"].format(at=at), (local - MOMENT).date().isoformat())

    def _line(self, kind: str, day: date, sentence: str = "", until: date | None = None, **words: str) -> Line:
        text = self.words[sentence or kind].format(**words)
        return Line(kind, text, day.isoformat(), (until or day).isoformat())

    def _name(self, day: date) -> str:
        """Why a day is not worked."""
        return self.calendar.day(day).name or ("周末" if _is_weekend(day) else "休息日")

    def _translated(self, name: str) -> str:
        return spell_name(name, lang=self.lang)

    def _why(self, why: str) -> str:
        return self.words["why"].format(why=why) if why else ""

    def _limit(self, limit: Duration) -> str:
        return limit.chinese() if self.lang == "zh" else limit.english()

    def _nth(self, first: int, last: int, limit: Duration) -> str:
        unit = self.words[f"unit_{limit.unit}"]
        return self.words["nth" if first == last else "nth_run"].format(first=first, last=last, unit=unit)

    def _amount(self, minutes: int) -> str:
        hours, minutes = divmod(minutes, 60)
        parts = [self.words["hours"].format(n=hours)] if hours else []
        if minutes or not hours:
            parts.append(self.words["minutes"].format(n=minutes))
        return self.words["amount_gap"].join(parts)

    def _moment(self, at: datetime) -> str:
        return spell_moment(self.calendar.local(at), lang=self.lang, year=self.year)

    def _day(self, day: date) -> str:
        return _spell_day(day, self.lang, self.year)

    def _run(self, first: date, last: date) -> str:
        if first == last:
            return self._day(first)
        return self.words["run"].format(a=self._day(first), b=self._day(last))


def _dates(first: date, last: date) -> Iterator[date]:
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)


def _is_weekend(day: date) -> bool:
    return day.weekday() >= 5


def _stopped_at(close: datetime, pauses: Sequence[Pause]) -> bool:
    """Whether the clock stands still when a day closes."""
    return any(p.start < close and (p.end is None or p.end >= close) for p in pauses)


def _without(piece: tuple[datetime, datetime], pause: Pause) -> list[tuple[datetime, datetime]]:
    a, b = piece
    if pause.start >= b or (pause.end is not None and pause.end <= a):
        return [piece]
    rest = [(a, pause.start.astimezone(a.tzinfo))]
    if pause.end is not None:
        rest.append((pause.end.astimezone(a.tzinfo), b))
    return [(x, y) for x, y in rest if x < y]


def _rounded(us: int) -> int:
    """Whole minutes."""
    return (us + MINUTE_US // 2) // MINUTE_US


def _clock(at: datetime, day: date) -> str:
    return "24:00" if at.date() > day else f"{at:%H:%M}"


def _spell_day(day: date, lang: str, year: int | None) -> str:
    if lang == "zh":
        far = "" if day.year == year else f"{day.year}年"
        return f"{far}{day.month}月{day.day}日（周{'一二三四五六日'[day.weekday()]}）"
    far = "" if day.year == year else f" {day.year}"
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}{far}"


_GAP = {"zh": "", "en": " "}
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAMES = {
    "周末": "weekend",
    "休息日": "day off",
    "元旦": "New Year's Day",
    "除夕": "New Year's Eve",
    "春节": "Spring Festival",
    "清明节": "Tomb-Sweeping Day",
    "劳动节": "Labour Day",
    "端午节": "Dragon Boat Festival",
    "中秋节": "Mid-Autumn Festival",
    "国庆节": "National Day",
    "抗战胜利70周年纪念日": "70th anniversary of victory",
}

_WORDS: dict[str, dict[str, str]] = {
    "zh": {
        "start": "从{at}起算",
        "rule_wd": "时限{limit}：当天不计，从下一个工作日数起，到第{n}个工作日下班时为止",
        "rule_wh": "时限{limit}：只计工作时段内的时间，下班、午休和节假日不计",
        "rule_uh": "时限{limit}：昼夜连续计算，夜间和节假日不停",
        "rule_d": "时限{limit}：当天不计，到第{n}天24:00为止；最后一天不上班的，顺延到下一个工作日",
        "count": "{days}：{nth}{weekend}{computed}",
        "count_makeup": "{days}：{name}上班，{nth}{computed}",
        "count_uh": "{a}至{b}连续计算{stopped}",
        "less_pauses": "，停表的时间除外",
        "count_wh": "{days}{span}，计{amount}{computed}",
        "count_wh_each": "{days}每天{span}，每天计{amount}{computed}",
        "closed": "{a}不在工作时段，从{b}起计",
        "skip": "{days}：{name}，不计{computed}",
        "paused": "{days}：停表，不计{computed}",
        "pause": "{a}停表{why}，{b}恢复",
        "pause_open": "{a}停表{why}，尚未恢复",
        "move": "{a}是{name}，顺延到{b}{computed}",
        "extend": "延期{limit}{why}，接着原期限往后数",
        "end": "{at}到期",
        "end_open": "现在停表，恢复后接着计算，到期时间相应顺延",
        "note": "标明“推算”的日期，国务院办公厅还没有公布放假安排，公布后会重新计算并告知",
        "computed": "（推算，以国务院通知为准）",
        "weekend": "，其间周末{n}天不计",
        "nth": "第{first}{unit}",
        "nth_run": "第{first}至第{last}{unit}",
        "unit_wd": "个工作日",
        "unit_d": "天",
        "run": "{a}至{b}",
        "and": "、",
        "why": "（{why}）",
        "hours": "{n}小时",
        "minutes": "{n}分钟",
        "amount_gap": "",
    },
    "en": {
        "start": "Counted from {at}",
        "rule_wd": "Limit {limit}: the day itself is not counted; ends at closing time on working day {n}",
        "rule_wh": "Limit {limit}: only office hours count; nights, lunch breaks and holidays do not",
        "rule_uh": "Limit {limit}: runs day and night, holidays included",
        "rule_d": "Limit {limit}: the day itself is not counted; ends at 24:00 on day {n}, "
        "moved to the next working day if that day is not one",
        "count": "{days}: {nth}{weekend}{computed}",
        "count_makeup": "{days}: worked ({name}), {nth}{computed}",
        "count_uh": "{a} to {b}, day and night{stopped}",
        "less_pauses": ", less the pauses",
        "count_wh": "{days} {span}: {amount}{computed}",
        "count_wh_each": "{days}, each day {span}: {amount} a day{computed}",
        "closed": "{a} is outside office hours: counted from {b}",
        "skip": "{days}: {name}, not counted{computed}",
        "paused": "{days}: clock stopped, not counted{computed}",
        "pause": "{a} clock stopped{why}, resumed {b}",
        "pause_open": "{a} clock stopped{why}, not resumed yet",
        "move": "{a} is no working day ({name}): moved to {b}{computed}",
        "extend": "Extended by {limit}{why}, counted on from the limit before",
        "end": "Due {at}",
        "end_open": "The clock is stopped; counting goes on when it resumes, and the due time moves accordingly",
        "note": "Days marked as computed: the State Council has not published the holidays yet; "
        "the limit will be computed again when it does",
        "computed": " (computed, subject to the State Council's notice)",
        "weekend": ", {n} on weekends left out",
        "nth": "{unit} {first}",
        "nth_run": "{unit}s {first} to {last}",
        "unit_wd": "working day",
        "unit_d": "day",
        "run": "{a} to {b}",
        "and": ", ",
        "why": " ({why})",
        "hours": "{n} h",
        "minutes": "{n} min",
        "amount_gap": " ",
    },
}
