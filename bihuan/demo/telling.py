"""One case's life, act by act, with the columns that each act sets: what `loop.actions` would have written.

A `Life` is told forward in time by its methods; each appends one step. They hold to the request program: its states,
the limits of its clocks and what every move sets. `demo.replay` checks a told life against the program's own moves.
"""

import random
from typing import Any

from bihuan.book.journal import CLOCK, RESIDENT, By
from bihuan.demo.matters import SPEECH, Matter
from bihuan.demo.moments import Moments, instant
from bihuan.demo.roster import Desk, Roster, Site
from bihuan.lib.worktime import Duration
from bihuan.loop.history import History, Step
from bihuan.loop.models import Check
from bihuan.programs.document import CaseProgram

UTILITIES = "utilities"


class Teller:
    """What all lives of one county share: its people and places, its calendar and the program's limits."""

    def __init__(self, roster: Roster, moments: Moments, rules: CaseProgram, dice: random.Random) -> None:
        self.roster, self.moments, self.rules, self.dice = roster, moments, rules, dice
        self._limits: dict[tuple[str, str, str, str], Duration] = {}

    def limit(self, clock: str, type: str, urgency: str, matter: str) -> Duration:
        """The limit of a clock for such a matter, looked up once."""
        key = (clock, type, urgency, matter)
        limit = self._limits.get(key)
        if limit is None:
            lineage = [matter, matter.partition(".")[0]]
            limit = self._limits[key] = self.rules.clock_limit(clock, type=type, urgency=urgency, category=lineage)
        return limit

    def pick(self, among: Any) -> Any:
        """One of several; quicker than `random.choice`, and asked millions of times."""
        return among[int(self.dice.random() * len(among))]


class Life:
    """One case. `promise` is the handling deadline; `overdue` whether the reply came late (None: not known yet);
    `waiting` is when a reply must be approved, while one waits."""

    __slots__ = (
        "checks",
        "contact",
        "desk",
        "hand_backs",
        "handler",
        "key",
        "overdue",
        "promise",
        "redos",
        "site",
        "steps",
        "teller",
        "type",
        "urgency",
        "waiting",
    )

    def __init__(
        self,
        teller: Teller,
        site: Site,
        key: str,
        type: str,
        urgency: str = "normal",
        contact: tuple[str, str] = ("", ""),
    ) -> None:
        self.teller, self.site, self.key, self.type, self.urgency, self.contact = (
            teller, site, key, type, urgency, contact,
        )  # fmt: skip
        self.steps: list[Step] = []
        self.checks: list[dict[str, Any]] = []
        self.desk: Desk | None = None
        self.handler: By | None = None
        self.promise, self.waiting, self.redos, self.hand_backs, self.overdue = 0, 0, 0, 0, None

    def history(self, ref: int = 0) -> History:
        companions: list[Any] = [(Check, check) for check in self.checks]
        return History(self.steps, self.contact, companions, ref)

    def _due(self, clock: str, at: int) -> int:
        teller = self.teller
        return teller.moments.due(teller.limit(clock, self.type, self.urgency, self.key), at)

    # At the centre

    def file(self, at: int, words: str, source: str, by: By = RESIDENT, *, point: bool = False) -> None:
        """By a resident: it waits to be accepted. By staff: it is accepted with the filing."""
        roster, staff = self.teller.roster, by is not RESIDENT
        moment = instant(at)
        changes: dict[str, Any] = {
            **self.site.columns,
            "type": self.type,
            "source": source,
            "category_id": roster.categories[self.key] if staff else None,
            "unit_id": roster.centre,
            "due_at": instant(self._due("dispatch" if staff else "accept", at)),
        }
        if self.urgency != "normal":
            changes["urgency"] = self.urgency
        if staff:
            changes["state"], changes["accepted_at"] = "accepted", moment
        if source == "grid":
            changes["finder"] = by.posting
        if point:
            changes["lng"], changes["lat"] = self.site.lng, self.site.lat
        facts = ACCEPTED if staff else None
        self.steps.append(Step("file", moment, changes, by, facts, words, self.site.address))

    def accept(self, at: int, by: By) -> None:
        moment = instant(at)
        category = self.teller.roster.categories[self.key]
        changes = {
            "state": "accepted",
            "accepted_at": moment,
            "category_id": category,
            "due_at": instant(self._due("dispatch", at)),
        }
        self.steps.append(Step("accept", moment, changes, by))

    def answer(self, at: int, words: str, by: By, accepted: int) -> None:
        """Answered at once: `accepted` is when it became valid."""
        moment = instant(at)
        changes = {
            "state": "closed",
            "closed_at": moment,
            "ending": "answered",
            "accepted_at": instant(accepted),
            "replied_at": moment,
            "result": "answered",
            "settled_level": self.teller.roster.centre_level[by],
            "handler": by.posting,
            "overdue_raw": False,
            "overdue_scored": False,
            "category_id": self.teller.roster.categories[self.key],
        }
        self.steps.append(Step("answer", moment, changes, by, None, words))

    def dispatch(self, at: int, by: By, desk: Desk, clause: str) -> None:
        self.desk, self.promise = desk, self._due("handle", at)
        moment = instant(at)
        changes = {
            "state": "dispatched",
            "unit_id": desk.unit,
            "dispatched_at": moment,
            "handler": None,
            "promise_at": instant(self.promise),
            "due_at": instant(self._due("sign", at)),
        }
        facts = {"unit": desk.unit, "assisting": [], "clause": clause}
        self.steps.append(Step("dispatch", moment, changes, by, facts))

    def rule(self, at: int, by: By, words: str) -> None:
        """A hand-back is upheld: the case waits for another unit."""
        changes = {"state": "accepted", "due_at": instant(self._due("dispatch", at))}
        self.steps.append(Step("rule", instant(at), changes, by, {"outcome": "uphold"}, words))

    # In the unit's hands

    def sign(self, at: int, by: By) -> None:
        self.handler = by
        changes = {"state": "signed", "handler": by.posting, "due_at": instant(self._due("contact", at))}
        self.steps.append(Step("sign", instant(at), changes, by))

    def hand_back(self, at: int, by: By, words: str) -> None:
        self.hand_backs += 1
        changes = {"state": "returned", "hand_backs": self.hand_backs, "due_at": instant(self._due("rule", at))}
        self.steps.append(Step("hand_back", instant(at), changes, by, {"reason": "not_ours"}, words))

    def make_contact(self, at: int, words: str) -> None:
        moment = instant(at)
        changes = {"state": "handling", "contacted_at": moment, "due_at": instant(self.promise)}
        self.steps.append(Step("contact", moment, changes, self.handler, None, words))

    def lapse(self, at: int) -> None:
        """The promise is not kept; the clock says so, and goes on."""
        changes: dict[str, Any] = {} if self.overdue else {"overdue_raw": True}
        if self.overdue is None:
            changes["overdue_scored"] = True
        changes["due_at"] = instant(self.waiting or self.promise)
        self.overdue = True
        self.steps.append(Step("lapse", instant(at), changes, CLOCK, {"outcome": "overdue"}))

    def reply(self, at: int, words: str, result: str = "resolved") -> None:
        self.waiting = self._due("approve", at)
        due = instant(self.waiting)
        changes = {"state": "replied", "result": result, "handler": self.handler.posting, "due_at": due}
        self.steps.append(Step("reply", instant(at), changes, self.handler, {"result": result}, words))

    def approve(self, at: int, words: str | None = None, *, found: bool = False) -> None:
        """The unit's chief lets the reply out: to the resident, or to the finder."""
        self.waiting, moment = 0, instant(at)
        changes: dict[str, Any] = {
            "state": "verifying" if found else "calling_back",
            "replied_at": moment,
            "calls": 0,
            "due_at": instant(self._due("verify" if found else "call_back", at)),
        }
        if self.overdue is None:
            self.overdue = changes["overdue_raw"] = changes["overdue_scored"] = at > self.promise
        self.steps.append(Step("approve", moment, changes, self.desk.chief, PASSED, words))

    # Was it done?

    def _asked(self, at: int, by: By, solved: bool, satisfied: int) -> dict[str, Any]:
        asked = {"contacted": True, "solved": solved, "satisfied": satisfied}
        self._check("call_back", at, by, asked)
        return asked

    def _check(self, kind: str, at: int, by: By, found: dict[str, Any]) -> None:
        self.checks.append(
            {
                "kind": kind,
                "at": instant(at),
                "posting": by.posting,
                "round": self.redos,
                "unit_id": self.desk.unit,
                **found,
            }
        )

    def settle(self, at: int, by: By, satisfied: int, words: str | None = None) -> None:
        """The resident is content: says so on the page, or to the caller."""
        on_page = by is RESIDENT
        asked = self._asked(at, by, True, satisfied)
        changes = self._closed(at, "confirmed" if on_page else "called") | {"rating": satisfied}
        verb = "confirm" if on_page else "call_back"
        self.steps.append(Step(verb, instant(at), changes, by, {"outcome": "solved", **asked}, words))

    def send_back(self, at: int, by: By, satisfied: int, words: str) -> None:
        """Not solved, or not content: it is done again."""
        asked = self._asked(at, by, False, satisfied)
        verb = "confirm" if by is RESIDENT else "call_back"
        self.steps.append(Step(verb, instant(at), self._redone(at), by, {"outcome": "unsolved", **asked}, words))

    def not_reached(self, at: int, by: By, calls: int) -> None:
        self._check("call_back", at, by, {"reached": False})
        self.steps.append(Step("call_back", instant(at), {"calls": calls}, by, {"outcome": "unreached"}))

    def close_unreached(self, at: int) -> None:
        changes = {"state": "closed", "closed_at": instant(at), "ending": "unreached"}
        self.steps.append(Step("close", instant(at), changes, CLOCK, {"outcome": "unreached"}))

    def verify(self, at: int, by: By, words: str, *, passed: bool) -> None:
        """The finder looks on site."""
        self._check("verify", at, by, {"passed": passed, "solved": passed})
        changes = self._closed(at, "verified") if passed else self._redone(at)
        self.steps.append(Step("verify", instant(at), changes, by, PASSED if passed else FAILED, words))

    def withdraw(self, at: int, words: str) -> None:
        changes = {"state": "withdrawn", "closed_at": instant(at), "ending": "withdrawn"}
        self.steps.append(Step("withdraw", instant(at), changes, RESIDENT, None, words))

    def _closed(self, at: int, ending: str) -> dict[str, Any]:
        return {"state": "closed", "closed_at": instant(at), "ending": ending, "settled_level": self.desk.level}

    def _redone(self, at: int) -> dict[str, Any]:
        self.redos += 1
        self.promise = self._due("redo", at)
        due = instant(self.promise)
        return {
            "state": "handling",
            "redos": self.redos,
            "result": "",
            "replied_at": None,
            "calls": 0,
            "promise_at": due,
            "due_at": due,
        }


ACCEPTED = {"outcome": "accepted"}
PASSED, FAILED = {"outcome": "pass"}, {"outcome": "fail"}


def said(teller: Teller, kind: str) -> str:
    """A sentence of a kind from the book of phrases."""
    return teller.pick(SPEECH[kind])


def report_words(teller: Teller, matter: Matter, site: Site) -> str:
    return said(teller, "opens").replace("{place}", site.address) + teller.pick(matter.tails)
