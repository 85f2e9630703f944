"""The simulator: residents report, and everybody whose turn it is acts, so that the wall moves. It runs until stopped.

Residents come in through the product's own HTTP door, staff act through `loop.actions` like the pages do. The clock is
never bent: a higher rate only means more acts a minute, and short limits are a published version of the program.
"""

import json
import logging
import random
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from bihuan.demo.acting import (
    CAST_UNITS,
    LEFT_TO_THE_CAST,
    SEEN_ON_ROUNDS,
    STATES,
    NobodyThere,
    helped,
    holder,
)
from bihuan.demo.city import CITY_CODE
from bihuan.demo.figures import CHINA, PEOPLE
from bihuan.demo.matters import MATTERS, TOPICS, Matter, question, report, share
from bihuan.demo.names import WORDS
from bihuan.demo.roster import Roster, Site, roster
from bihuan.lib.ids import new_id
from bihuan.loop.actions import intake
from bihuan.loop.actions.calls import count_call
from bihuan.loop.models import OPEN, Call, Case, Category, Source, State, Task
from bihuan.loop.refusals import REFUSED
from bihuan.loop.report import Report
from bihuan.net import tree
from bihuan.net.models import Posting, Role
from bihuan.net.regions import across_regions

log = logging.getLogger("bihuan.demo")
ENOUGH = 1_400  # open cases; with more than that hardly anybody reports anything new
NEWCOMERS = 0.17  # of all acts: a case takes six or seven more
LOOKED_AT = 120  # cases of one state from which the next is picked, the most pressing ones
TELL_EVERY = 300.0  # seconds between two lines in the log
PATIENCE = 3.0  # seconds to wait when the database does not answer
TYPES = {
    "inquiry": "咨询",
    "help": "求助",
    "complaint": "投诉",
    "report": "举报",
    "suggestion": "建议",
    "praise": "表扬",
}


def run(rate: float) -> None:
    """Act `rate` times a minute on average, until SIGTERM or Ctrl-C. Waits until the pages answer, then begins."""
    stopping = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stopping.set())
    door = Door()
    simulator = Simulator(random.Random(), door)
    while not door.is_open() and not stopping.wait(1.0):
        pass
    told = time.monotonic()
    while not stopping.wait(simulator.dice.expovariate(rate / 60)):
        _act(simulator, stopping)
        if time.monotonic() - told > TELL_EVERY:
            log.info("%s", simulator.tell())
            told = time.monotonic()


def _act(simulator: "Simulator", stopping: threading.Event) -> None:
    """One act; whatever goes wrong with one case is logged, and the city lives on."""
    try:
        if line := simulator.act(timezone.now()):
            log.debug("%s", line)
    except (DatabaseError, InterfaceError):
        log.exception("the database does not answer")
        connection.close()
        stopping.wait(PATIENCE)
    except Exception:
        log.exception("an act failed")


class Door:
    """The way in for residents: the public interface over HTTP, as their apps use it."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{settings.PORT}/api/v1/requests"

    def is_open(self) -> bool:
        """Whether somebody listens behind it."""
        try:
            socket.create_connection(("127.0.0.1", settings.PORT), timeout=1).close()
        except OSError:
            return False
        return True

    def file(self, body: dict[str, Any]) -> str:
        """The number of the new case, or an empty string when nobody answers the door."""
        sent = urllib.request.Request(self.url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(sent, timeout=5) as answer:
                return json.load(answer)["number"]
        except urllib.error.HTTPError as error:
            log.warning("a report was refused: %s %s", error.code, error.read(400).decode(errors="replace"))
        except OSError as error:
            log.warning("nobody answers at %s: %s", self.url, error)
        return ""


@dataclass
class Simulator:
    """The whole city's residents and staff. `dice` decides; nothing is remembered but who lives where."""

    dice: random.Random
    door: Door | None
    rosters: dict[str, Roster] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)

    def act(self, at: datetime) -> str:
        """One act of one person; says what happened, or an empty string when nobody had anything to do."""
        with across_regions("the simulated people live in every county"):
            queues = self._queues()
            newcomers = NEWCOMERS if sum(queues.values()) < ENOUGH else NEWCOMERS / 10
            try:
                said = self._newcomer(at) if self.dice.random() < newcomers or not queues else self._work(queues, at)
            except REFUSED as refused:  # somebody was faster, or the clock was
                log.info("refused: %s", refused)
                return ""
            except NobodyThere:
                return ""
        if said:
            self.done[said.split(" ")[0]] += 1
        return said

    def tell(self) -> str:
        """What was done since it was last told."""
        said = "、".join(f"{deed} {times}" for deed, times in self.done.most_common())
        self.done.clear()
        return f"模拟的市民和工作人员：{said or '没有事'}"

    # Work on what is open

    def _queues(self) -> dict[str, int]:
        city = tree.snapshot().by_code(CITY_CODE).id
        rows = Case.objects.filter(OPEN, l2=city).values_list("state", flat=True)
        return Counter(rows)

    def _work(self, queues: dict[str, int], at: datetime) -> str:
        if self.dice.random() < 0.04 and (said := self._help(at)):
            return said
        states = [state for state in queues if state in STATES]
        weights = [min(queues[state], 40) * STATES[state][1] for state in states]
        state = self.dice.choices(states, weights)[0]
        case = self._next(state)
        return f"{STATES[state][0](case, at, self.dice)} {case.no}" if case else ""

    def _next(self, state: str) -> Case | None:
        """One of the most pressing cases of a state, but not the last ones on a desk of the cast."""
        net = tree.snapshot()
        open_cases = Case.objects.filter(OPEN, l2=net.by_code(CITY_CODE).id, state=state).order_by("due_at")
        by_unit: dict[int, list[Case]] = defaultdict(list)
        for case in open_cases[:LOOKED_AT]:
            by_unit[case.unit_id].append(case)
        left = [
            case
            for unit, cases in by_unit.items()
            for case in (cases[:-LEFT_TO_THE_CAST] if net.unit(unit).code in CAST_UNITS else cases)
        ]
        return self.dice.choice(left) if left else None

    def _help(self, at: datetime) -> str:
        waiting = list(Task.objects.filter(stage=Task.Stage.OPEN, kind__in=[Task.Kind.ASSIST, Task.Kind.HAND])[:30])
        if not waiting:
            return ""
        task = self.dice.choice(waiting)
        case = Case.objects.get(region_id=task.region_id, pk=task.case_id)
        if case.state not in (State.DISPATCHED, State.SIGNED, State.HANDLING):
            return ""
        return f"{helped(task, case, at, self.dice)} {case.no}"

    # Something new

    def _newcomer(self, at: datetime) -> str:
        """A resident on the page or on the phone, a grid worker on the round, or a call that is none."""
        people, site = self._somewhere()
        roll = self.dice.random()
        if roll < 0.05:
            return self._empty_call(people, at)
        if roll < 0.25 and site.worker:
            return self._found(site, at)
        if roll < 0.55:
            return self._phoned(people, site, at)
        return self._on_page(site, at)

    def _somewhere(self) -> tuple[Roster, Site]:
        county = self.dice.choices(list(PEOPLE), list(PEOPLE.values()))[0]
        if county not in self.rosters:
            self.rosters[county] = roster(county)
        people = self.rosters[county]
        return people, people.site(self.dice)

    def _matter(self, at: datetime, among: tuple[Matter, ...] = MATTERS) -> Matter:
        month = at.astimezone(CHINA).month
        return self.dice.choices(among, [share(matter, month) for matter in among])[0]

    def _what(self, site: Site, at: datetime) -> tuple[str, str, Matter]:
        """Type, words and category of what somebody wants."""
        matter = self._matter(at)
        if self.dice.random() < 0.3:
            topic = next(topic for topic in TOPICS if topic.key == matter.topic)
            return "inquiry", question(topic, self.dice)[0], matter
        return self.dice.choice(matter.types), report(matter, site.address, self.dice), matter

    def _on_page(self, site: Site, at: datetime) -> str:
        kind, words, _ = self._what(site, at)
        name, phone = self._somebody()
        point = {"lng": site.lng, "lat": site.lat} if self.dice.random() < 0.6 else {"address": site.address}
        body = {
            "type": TYPES[kind],
            "text": words,
            "place": point,
            "contact": {"name": name, "phone": phone},
            "secrecy": self.dice.choices(("公开", "不公开", "保密"), (80, 18, 2))[0],
            "client_id": str(UUID(int=self.dice.getrandbits(128), version=4)),
        }
        number = self.door.file(body) if self.door else ""
        if not number:  # the pages are down: the same report through the same action
            number = intake.file(
                Report(kind, words, source=Source.WEB, address=site.address, name=name, phone=phone), at=at
            ).number
        return f"群众上报 {number}"

    def _phoned(self, people: Roster, site: Site, at: datetime) -> str:
        kind, words, matter = self._what(site, at)
        name, phone = self._somebody()
        agent = holder(people.centre, Role.AGENT, dice=self.dice, on=at)
        category = Category.objects.get(key=matter.key).pk
        filed = intake.file(
            Report(
                kind,
                words,
                source=Source.PHONE,
                address=site.address,
                name=name,
                phone=phone,
                category_id=category,
                call_ref=f"SIM-{new_id() % 10**10}",
            ),
            at=at,
            by=agent,
        )
        if kind == "inquiry" and self.dice.random() < 0.7:
            topic = next(topic for topic in TOPICS if topic.key == matter.topic)
            case = Case.objects.get(region_id=filed.region_id, pk=filed.id)
            intake.answer(case, question(topic, self.dice)[1], by=agent, at=at)
            return f"来电即答 {filed.number}"
        return f"来电登记 {filed.number}"

    def _found(self, site: Site, at: datetime) -> str:
        worker = Posting.objects.select_related("person", "unit").get(pk=site.worker.posting)
        matter = self._matter(at, SEEN_ON_ROUNDS)
        words = f"巡查发现：{site.address}{self.dice.choice(matter.says)}。"
        category = Category.objects.get(key=matter.key).pk
        place = {"grid": worker.unit.code, "address": site.address}
        found = Report("report", words, source=Source.GRID, category_id=category, **place)
        return f"巡查上报 {intake.file(found, at=at, by=worker).number}"

    def _empty_call(self, people: Roster, at: datetime) -> str:
        agent = holder(people.centre, Role.AGENT, dice=self.dice, on=at)
        outcome = self.dice.choices(Call.Outcome.values[:5], (50, 35, 6, 4, 5))[0]
        count_call(outcome, by=agent, at=at)
        return f"来电未成单 {outcome}"

    def _somebody(self) -> tuple[str, str]:
        """A name, and a mobile number of a range that is not given out."""
        given = "".join(self.dice.choices(WORDS["given_new"], k=self.dice.choice((1, 2))))
        return self.dice.choice(WORDS["surnames"]) + given, f"1990000{self.dice.randrange(10_000):04}"
