"""The city's past as a stream of told cases: years of requests, a year of grid rounds, and the thirty days before now.

Every life is legal under the request program. Times of the two finished periods are fixed by the seed; those of the last
thirty days hang on the moment of seeding. Nothing that is settled on the requests' stated morning is settled after ten
o'clock of that day, so that the day's count is the morning's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from bihuan.book.journal import RESIDENT, By
from bihuan.demo.figures import FIRST_DAY, REQUESTS_MORNING, ROUNDS_FIRST_DAY, Share
from bihuan.demo.matters import FOUND_ON_ROUNDS, MATTERS, TOPICS, TOWN_CLAUSE, Matter, Topic, share
from bihuan.demo.moments import DAY, HOUR, MINUTE, clock, day_number, day_of, seconds, time_of_day
from bihuan.demo.names import WORDS
from bihuan.demo.pictures import KINDS, row
from bihuan.demo.replay import Replay, leave
from bihuan.demo.roster import Owed
from bihuan.demo.telling import Life, Teller, report_words, said
from bihuan.dossier.models import Photo
from bihuan.lib.worktime import Duration
from bihuan.loop.history import History, Step
from bihuan.net.models import Level

BY_HOUR = (1, 1, 1, 1, 1, 2, 5, 12, 26, 34, 32, 26, 18, 24, 30, 30, 26, 20, 16, 14, 12, 8, 4, 2)
CALLS = tuple(hour for hour, calls in enumerate(BY_HOUR) for _ in range(calls))  # an hour as often as people call in it
EVENING = 21 * HOUR  # web reports after this are left to the next morning by the stories, to stay on their day
CUT_DAY = day_of(seconds(REQUESTS_MORNING))
REPEAT = Duration.parse("5wd")  # an overdue case is told again each time this has passed
RATINGS = (5, 5, 5, 5, 5, 5, 5, 4, 4, 3)
DAYS_LATELY = 30


@dataclass(frozen=True, slots=True)
class Mood:
    """How a period went: shares of all cases, or of those that go through a unit."""

    answered: float  # at once, by the hotline
    on_page: float  # filed by the resident, not by phone
    late: float
    handed_back: float
    unreached: float
    unsolved: float
    pause: float = 1.0  # how long things lie on a desk, in times of the usual


PAST = Mood(answered=0.85, on_page=0.15, late=0.03, handed_back=0.02, unreached=0.04, unsolved=0.04)
LATELY = Mood(answered=0.40, on_page=0.45, late=0.10, handed_back=0.12, unreached=0.05, unsolved=0.08, pause=4.0)
SMOOTH = replace(PAST, handed_back=0.0)  # so that it ends when it must


class Past:
    """Tells the past of one county."""

    def __init__(self, teller: Teller, plan: Share) -> None:
        self.teller, self.plan = teller, plan
        self.roll, self.pick = teller.dice.random, teller.pick
        self.moments, self.roster = teller.moments, teller.roster
        self._months = [_Shelf(month) for month in range(1, 13)]
        keys = {number: key for key, number in teller.roster.categories.items()}
        self._replay = Replay(teller.rules, teller.moments.calendar, keys)

    # Years of requests

    def requests(self) -> Iterator[History]:
        """Those of the whole days, those settled on the stated morning, and those of the morning."""
        first = day_number(FIRST_DAY)
        for nth, count in enumerate(self.plan.days):
            yield from self._day(first + nth, count)
        for _ in range(self.plan.closing):
            yield self._settled_on_the_morning().history()
        yield from self._morning()

    def _day(self, day: int, count: int) -> Iterator[History]:
        shelf = self._shelf(day)
        for at in sorted(self._called(day) for _ in range(count)):
            told = self._answered if self.roll() < PAST.answered else self._handled
            yield told(at, shelf, PAST).history()

    def _shelf(self, day: int) -> "_Shelf":
        return self._months[(date(1970, 1, 1) + timedelta(days=day)).month - 1]

    def _called(self, day: int) -> int:
        """A time of day at which somebody calls; the last half hour is left, so that an answer falls on the same day."""
        hour = self.pick(CALLS)
        return clock(day, hour) + int(self.roll() * (HOUR if hour < 23 else HOUR // 2))

    def _settled_on_the_morning(self) -> Life:
        """Filed the week before, replied on the day before, and confirmed before ten."""
        at = clock(CUT_DAY - 6 - int(self.roll() * 5), 9) + int(self.roll() * 8 * HOUR)
        life, owed, ready = self._filed(at, self._shelf(CUT_DAY), PAST)
        approved = self._through(life, ready, owed, SMOOTH, replied=clock(CUT_DAY - 1, 9) + int(self.roll() * 6 * HOUR))
        caller = RESIDENT if self.roll() < 0.5 else self.pick(self.roster.callers)
        start = clock(CUT_DAY, 6 if caller is RESIDENT else 8, 30)
        life.settle(max(approved, start + int(self.roll() * 80 * MINUTE)), caller, self.pick(RATINGS))
        return life

    def _morning(self) -> Iterator[History]:
        """Some are answered before ten; the others are on their way, and settled on later days."""
        shelf, ends = self._shelf(CUT_DAY), seconds(REQUESTS_MORNING)
        moments = sorted(clock(CUT_DAY) + int(self.roll() ** 0.35 * 9.7 * HOUR) for _ in range(self.plan.today))
        answered = set(self.teller.dice.sample(range(len(moments)), self.plan.answered))
        for nth, at in enumerate(moments):
            if nth in answered:
                yield self._answered(at, shelf, PAST, latest=ends).history()
            else:
                yield self._handled(at, shelf, PAST, by_phone=True).history()

    # One request

    def _answered(self, at: int, shelf: "_Shelf", mood: Mood, latest: int = 0) -> Life:
        """A question that the hotline knows the answer to."""
        topic, site, agent = self.pick(shelf.topics), self.roster.site(self.teller.dice), self.pick(self.roster.agents)
        asked, answer = self.pick(topic.asks)
        life = Life(self.teller, site, self.pick(topic.matters).key, "inquiry")
        greeting = self.pick(GREETINGS)
        if self.roll() < mood.on_page and not latest and time_of_day(at) < EVENING:
            life.file(at, f"{greeting}{asked}？", "web")
            done = at + int((5 + 90 * self.roll()) * MINUTE)
            life.answer(done, answer, agent, accepted=done)
        else:
            life.file(at, f"{greeting}{asked}？", "phone", agent)
            done = at + 60 + int(self.roll() * 9 * MINUTE)
            life.answer(min(done, latest - 1) if latest else done, answer, agent, accepted=at)
        return life

    def _handled(self, at: int, shelf: "_Shelf", mood: Mood, *, by_phone: bool = False) -> Life:
        """A matter that a unit must see to, up to its end."""
        life, owed, ready = self._filed(at, shelf, mood, by_phone=by_phone)
        approved = self._through(life, ready, owed, mood)
        self._ended(life, approved, mood)
        return life

    def _filed(
        self, at: int, shelf: "_Shelf", mood: Mood, *, by_phone: bool = False, urgency: str = "normal"
    ) -> tuple[Life, Owed, int]:
        """Filed and accepted; who owes it, and when it can be dispatched."""
        matter, site = self.pick(shelf.matters), self.roster.site(self.teller.dice)
        life = Life(self.teller, site, matter.key, self.pick(matter.types), urgency)
        agent = self.pick(self.roster.agents)
        words = report_words(self.teller, matter, site)
        if by_phone or self.roll() >= mood.on_page or time_of_day(at) > EVENING:
            life.file(at, words, "phone", agent)
        else:
            life.file(at, words, "web", point=self.roll() < 0.5)
            at += int((3 + 80 * self.roll()) * MINUTE)
            life.accept(at, agent)
        return life, self.roster.owed(matter, site), at + int((3 + 35 * self.roll()) * MINUTE)

    def _through(self, life: Life, at: int, owed: Owed, mood: Mood, replied: int = 0) -> int:
        """Dispatched, signed, contacted, replied, approved; returns when the reply was let out."""
        life.dispatch(at, self.pick(self.roster.dispatchers), owed.desk, owed.clause)
        night_and_day = self._limit(life).unit == "uh"
        at = at + int((5 + 40 * self.roll()) * MINUTE) if night_and_day else self._in_hours(at, 90 * mood.pause)
        if owed.desk.level < Level.TOWN and not night_and_day and self.roll() < mood.handed_back:
            at = self._handed_back(life, at, owed, mood)
        life.sign(at, self.pick(life.desk.handlers))
        at = at + int((10 + 50 * self.roll()) * MINUTE) if night_and_day else self._in_hours(at, 120 * mood.pause)
        life.make_contact(at, said(self.teller, "contacts"))
        at = max(replied or self._replying(life, mood), at + int((20 + 40 * self.roll()) * MINUTE))
        return self._replied(life, at, pause=1.0 if night_and_day else mood.pause)

    def _limit(self, life: Life, clock_key: str = "handle") -> Duration:
        return self.teller.limit(clock_key, life.type, life.urgency, life.key)

    def _in_hours(self, at: int, within: float) -> int:
        """A moment in office hours soon after: within so many minutes, or on the next working morning."""
        day = day_of(at)
        worked = self.moments.workday(day) == day
        soon = at + int((5 + (within - 5) * self.roll()) * MINUTE)
        if worked and time_of_day(at) > 8 * HOUR and time_of_day(soon) < 17 * HOUR and day_of(soon) == day:
            return soon
        after = 0 if not worked or time_of_day(at) <= 8 * HOUR else 1
        return clock(self.moments.workday(day, after), 8, 35) + int(self.roll() * min(within, 300) * MINUTE)

    def _handed_back(self, life: Life, at: int, owed: Owed, mood: Mood) -> int:
        """The department says it is not its duty; the centre agrees, and the town takes it. Returns when it can sign."""
        life.hand_back(at, self.pick(owed.desk.handlers), said(self.teller, "back"))
        at = self._in_hours(at, 200 * mood.pause)
        dispatcher = self.pick(self.roster.dispatchers)
        life.rule(at, dispatcher, said(self.teller, "ruled_for"))
        at += int((5 + 20 * self.roll()) * MINUTE)
        life.dispatch(at, dispatcher, self.roster.desks[life.site.town], TOWN_CLAUSE)
        return self._in_hours(at, 90)

    def _replying(self, life: Life, mood: Mood) -> int:
        """When the unit will have done it: by its promise, sooner rather than later, but for the late."""
        late, start, limit = self.roll() < mood.late, seconds(life.steps[-1].at), self._limit(life)
        if limit.unit == "uh":
            hours = limit.n + 2 + 20 * self.roll() if late else 1.5 + (limit.n - 5) * self.roll()
            return start + int(hours * HOUR)
        first, last = day_of(start), day_of(life.promise)
        left = self.moments.workdays(first, last)
        day = self.moments.workday(last, 1 + int(8 * self.roll())) if late else None
        day = day or self.moments.workday(first, int((left + 1) * self.roll() ** 1.5))
        return clock(day, 9) + int(self.roll() * 6.3 * HOUR)

    def _replied(self, life: Life, at: int, *, found: bool = False, pause: float = 1.0) -> int:
        out = at + int((10 + 50 * self.roll()) * pause * MINUTE)
        due = self._lapsed(life, life.promise, at)
        life.reply(at, self.pick(_BY_KEY[life.key].done), "resolved" if found else self.pick(RESULTS))
        self._lapsed(life, due, out)
        life.approve(out, found=found)
        return out

    def _lapsed(self, life: Life, due: int, until: int) -> int:
        """The clock speaks each time it runs out; returns when it will next."""
        while due <= until:
            life.lapse(due)
            due = self.moments.due(REPEAT, due)
        return due

    def _ended(self, life: Life, approved: int, mood: Mood) -> None:
        """Asked whether it is done: once, or again after it was done again."""
        roll = self.roll()
        if roll < mood.unreached and self._closes_alone(life, approved):
            return
        if roll > 1 - mood.unsolved:
            caller = self.pick(self.roster.callers)
            at = self._asking(approved)
            life.send_back(at, caller, 2, said(self.teller, "unsolved"))
            day = self.moments.workday(day_of(at), 1 + int(2 * self.roll()))
            approved = self._replied(life, clock(day, 9) + int(self.roll() * 6 * HOUR))
        self._content(life, approved)

    def _closes_alone(self, life: Life, approved: int) -> bool:
        """Three calls that nobody takes, and the clock closes it; not on the day whose count is fixed."""
        due = self.moments.due(self._limit(life, "call_back"), approved)
        if day_of(due) == CUT_DAY:
            return False
        at = self._asking(approved)
        for calls in (1, 2):
            life.not_reached(at, self.pick(self.roster.callers), calls)
            at = min(at + int(2.5 * HOUR), due - MINUTE)
        life.close_unreached(due)
        return True

    def _asking(self, approved: int) -> int:
        day = self.moments.workday(day_of(approved), 1)
        return clock(day, 9) + int(self.roll() * 6.5 * HOUR)

    def _content(self, life: Life, approved: int) -> None:
        """The resident is content, on the page the same evening or when called."""
        if self.roll() < 0.35:
            caller, at = RESIDENT, approved + int((0.5 + 5 * self.roll()) * HOUR)
        else:
            caller, at = self.pick(self.roster.callers), self._asking(approved)
        words = None if caller is RESIDENT else said(self.teller, "content")
        life.settle(at + DAY if day_of(at) == CUT_DAY else at, caller, self.pick(RATINGS), words)

    # A year of rounds

    def rounds(self) -> Iterator[History]:
        """What grid workers found and saw settled: at the grassroots, but for a few exactly counted."""
        first, nth = day_number(ROUNDS_FIRST_DAY), 0
        above = set(self.teller.dice.sample(range(sum(self.plan.rounds)), self.plan.above))
        for day, count in enumerate(self.plan.rounds, first):
            shelf = self._shelf(day)
            for at in sorted(self._walked(day) for _ in range(count)):
                yield self._found(at, shelf, grassroots=nth not in above).history()
                nth += 1

    def _walked(self, day: int) -> int:
        return clock(day, 7) + int(self.roll() * 11 * HOUR)

    def _found(self, at: int, shelf: "_Shelf", *, grassroots: bool, mood: Mood = PAST) -> Life:
        matter, site = self.pick(shelf.seen), self.roster.site(self.teller.dice)
        life = Life(self.teller, site, matter.key, "report")
        life.file(at, f"巡查发现：{site.address}{self.pick(matter.says)}。", "grid", site.worker, point=True)
        at += int((2 + 20 * self.roll()) * MINUTE)
        owed = Owed(self.roster.desks[site.community], GRASSROOTS) if grassroots else self.roster.owed(matter, site)
        life.dispatch(at, self.pick(self.roster.dispatchers), owed.desk, owed.clause)
        at = self._in_hours(at, 60 * mood.pause)
        life.sign(at, self.pick(life.desk.handlers))
        at = self._in_hours(at, 60 * mood.pause)
        life.make_contact(at, "已到现场查看，马上安排处理。")
        self._looked_at(life, at, site.worker, mood)
        return life

    def _looked_at(self, life: Life, at: int, finder: By, mood: Mood) -> None:
        """Done, approved, and looked at by the finder, who sends back what is only half done."""
        done = self._replied(life, at + int((0.5 + 4 * self.roll()) * HOUR), found=True, pause=mood.pause)
        if self.roll() < 0.02:
            life.verify(self._in_hours(done, 90 * mood.pause), finder, said(self.teller, "failed"), passed=False)
            again = self._in_hours(seconds(life.steps[-1].at), 200)
            done = self._replied(life, again, found=True)
        life.verify(self._in_hours(done, 120 * mood.pause), finder, said(self.teller, "checked"), passed=True)

    # The thirty days before now

    def lately(self, now: int) -> Iterator[History]:
        """Cases up to now in every state: what would happen later has not happened."""
        today = day_of(now)
        ages = sorted((DAYS_LATELY * self.roll() for _ in range(self.plan.lately)), reverse=True)
        for age in ages:
            at = self._called(today - int(age))
            if at < now:
                yield self._until(self._recent(at), now)
        for _ in range(max(2, self.plan.lately // 60)):  # and some that came in within the hour
            yield self._until(self._recent(now - int((2 + 40 * self.roll()) * MINUTE), fresh=True), now)

    def _recent(self, at: int, *, fresh: bool = False) -> Life:
        shelf = self._shelf(day_of(at))
        if self.roster.sites[0].worker and self.roll() < 0.45:
            return self._found(at, shelf, grassroots=self.roll() < 0.95, mood=LATELY)
        if not fresh and self.roll() < LATELY.answered:
            life = self._answered(at, shelf, LATELY)
        else:
            life = self._handled(at, shelf, LATELY)
        life.contact = self._somebody()
        return life

    def _somebody(self) -> tuple[str, str]:
        """A name and a mobile number nobody has: the range 199 0000 is not given out."""
        given = "".join(self.pick(WORDS["given_new"]) for _ in range(1 + int(2 * self.roll())))
        return self.pick(WORDS["surnames"]) + given, f"1990000{int(self.roll() * 10_000):04}"

    def _until(self, life: Life, now: int) -> History:
        """The life as far as it has come by now, with the pictures, clocks and tasks that belong to it."""
        told = life.history()
        told.steps = [step for step in told.steps if seconds(step.at) <= now]
        told.companions = [row for row in told.companions if seconds(row[1]["at"]) <= now]
        told.companions += leave(self._replay.play(told.steps))
        told.companions += [(Photo, photo) for photo in self._pictures(life.key, told.steps)]
        return told

    def _pictures(self, key: str, steps: Sequence[Step]) -> Iterator[dict[str, Any]]:
        """Of half the reports that came with a point, of what was done about them, and of every check on site."""
        kind = int(self.roll() * KINDS)
        shown = "lng" in steps[0].changes and (self.roll() < 0.5 or steps[0].changes["source"] == "grid")
        for n, step in enumerate(steps, 1):
            if shown and (stage := SHOWN.get(step.verb)):
                yield row(key.partition(".")[0], kind, stage, n=n, at=step.at)


GREETINGS = ("您好，", "请问，", "咨询一下，", "想了解一下，", "")
RESULTS = ("resolved",) * 8 + ("explained", "planned")
SHOWN = {"file": Photo.Stage.REPORT, "reply": Photo.Stage.AFTER, "verify": Photo.Stage.CHECK}
GRASSROOTS = "网格事项：由所在社区（村）就地办理"
_BY_KEY = {matter.key: matter for matter in MATTERS}


class _Shelf:
    """What people report in one month, each kind as often as the season has it: tables to pick from."""

    def __init__(self, month: int) -> None:
        seen = [matter for matter in MATTERS if matter.topic in FOUND_ON_ROUNDS]
        self.topics: list[Topic] = _lots(TOPICS, [topic.months[month - 1] for topic in TOPICS])
        self.matters: list[Matter] = _lots(MATTERS, [share(matter, month) for matter in MATTERS])
        self.seen: list[Matter] = _lots(seen, [share(matter, month) for matter in seen])


def _lots(things: Sequence[Any], weights: Sequence[float]) -> list[Any]:
    """Some two thousand lots, each thing on as many of them as it weighs."""
    return [
        thing
        for thing, weight in zip(things, weights, strict=True)
        for _ in range(max(1, round(2_000 * weight / sum(weights))))
    ]
