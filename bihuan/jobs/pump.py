"""The pump: five times a second it folds counts, drains the outbox, fires due clocks, moves cases to new versions, hints at
screens.

Several pumps may run at once; each row, delta and clock is taken by one of them. A part that fails is logged, waits
(1 s, 2 s, ... 30 s) and is tried again, while the other parts go on. Killed at any point it loses nothing: every part
is one transaction, and what it had not committed is found again by the next pump.
"""

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

from django.conf import settings
from django.db import connection
from django.utils import timezone

from bihuan.book import outbox, tallies
from bihuan.jobs import hints
from bihuan.ladder import sweep as ladders
from bihuan.loop import sweep
from bihuan.offers import lapsing
from bihuan.release import moving

log = logging.getLogger(__name__)

BEAT = 0.2  # seconds from one beat to the next, unless a part left work behind
FOLD, DRAIN, SWEEP, MOVE = 5000, 200, 200, 10  # taken by one beat; a move costs some 20 ms
LOOK = 1.0  # seconds between two looks for what is seldom due: publications to carry out, needs and help plans
LONGEST_WAIT = 30.0
LIVES = timedelta(seconds=15)  # a heartbeat older than this means the pump is dead


@dataclass
class Part:
    """One of the pump's jobs, with what is known of its failures. `work` says whether it left work behind."""

    name: str
    work: Callable[[datetime], bool]
    failures: int = 0
    trouble: str = ""
    again_at: float = 0.0

    def run(self, at: datetime) -> bool:
        """Do the work unless it failed a moment ago."""
        if time.monotonic() < self.again_at:
            return False
        try:
            more = self.work(at)
        except Exception as error:  # noqa: BLE001 - a failing part must not stop the others
            self._failed(error)
            return False
        self.failures, self.trouble = 0, ""
        return more

    def _failed(self, error: Exception) -> None:
        wait = min(2.0**self.failures, LONGEST_WAIT)
        self.failures += 1
        self.trouble = type(error).__name__
        self.again_at = time.monotonic() + wait
        log.exception("%s failed %s times, again in %s s", self.name, self.failures, wait, extra={"what": "pump"})
        if connection.errors_occurred and not connection.is_usable():
            connection.close()  # the next use connects anew


@dataclass
class Pump:
    topics: set[str] = field(default_factory=set)  # changed and not yet told
    parts: list[Part] = field(init=False)
    _told_at: float = 0.0
    _looked_at: float = 0.0
    _helped_at: float = 0.0
    _climbed_at: float = 0.0
    _alive_at: float = 0.0

    def __post_init__(self) -> None:
        works = {"fold": self._fold, "drain": self._drain, "sweep": self._sweep, "move": self._move}
        works["climb"] = self._climb
        works["help"] = self._help
        works["hint"] = self._hint  # last, so that it tells of this beat
        self.parts = [Part(name, work) for name, work in works.items()]

    def run(self, stopping: Event) -> None:
        """Beat until told to stop; the beat under way is finished first."""
        while not stopping.is_set():
            began = time.monotonic()
            more = self.beat(timezone.now())
            if not more:
                stopping.wait(max(0.0, began + BEAT - time.monotonic()))

    def beat(self, at: datetime) -> bool:
        """Do every part once; whether any of them left work behind."""
        more = [part.run(at) for part in self.parts]
        self._show_life(at)
        return any(more)

    def run_dry(self, at: datetime) -> None:
        """Beat until nothing that is due at `at` is left, or a part fails."""
        while self.beat(at) or (self._left(at) and not self.troubles()):
            pass

    def troubles(self) -> dict[str, str]:
        """The parts that fail at present, with the kind of error."""
        return {part.name: part.trouble for part in self.parts if part.trouble}

    def _left(self, at: datetime) -> bool:
        return bool(tallies.pending() or outbox.backlog(at))

    def _fold(self, at: datetime) -> bool:
        folded = tallies.fold(FOLD, at=at)
        self._changed(areas=folded.areas)
        return folded.deltas == FOLD

    def _drain(self, at: datetime) -> bool:
        drained = outbox.drain(at, DRAIN)
        self._changed(areas=drained.regions, units=drained.units)
        return drained.taken == DRAIN

    def _sweep(self, at: datetime) -> bool:
        regions = sweep.sweep(at, SWEEP)
        self._changed(areas=frozenset(regions))
        return len(regions) == SWEEP

    def _move(self, at: datetime) -> bool:
        """Move those under an older version of a program to the new one, once that is in force."""
        if time.monotonic() - self._looked_at < LOOK:
            return False
        moved = moving.run_due(at, MOVE)
        self._looked_at = 0.0 if moved else time.monotonic()
        return moved == MOVE

    def _climb(self, at: datetime) -> bool:
        """Fire what is due on the ladders, and mark visits late; who gets a free place comes by the outbox."""
        if time.monotonic() - self._climbed_at < LOOK:
            return False
        touched = ladders.sweep(at, SWEEP)
        self._climbed_at = 0.0 if touched else time.monotonic()
        return touched >= SWEEP

    def _help(self, at: datetime) -> bool:
        """Lift needs that nobody claimed, open and mark the lines of help plans, ask for yearly plans."""
        if time.monotonic() - self._helped_at < LOOK:
            return False
        regions = lapsing.sweep(at, SWEEP)
        self._helped_at = 0.0 if regions else time.monotonic()
        self._changed(areas=frozenset(regions))
        return len(regions) >= SWEEP

    def _changed(self, *, areas: frozenset[int], units: frozenset[int] = frozenset()) -> None:
        self.topics |= {hints.area(one) for one in areas} | {hints.unit(one) for one in units}

    def _hint(self, at: datetime) -> bool:
        """Tell what changed, at most five times a second, however fast the beats follow each other."""
        if self.topics and time.monotonic() - self._told_at >= BEAT:
            hints.publish(self.topics | {hints.EVERYWHERE})
            self._told_at = time.monotonic()
            self.topics.clear()
        return False

    def _show_life(self, at: datetime) -> None:
        """Once a second, leave word for `/readyz` and for whoever wonders."""
        if time.monotonic() - self._alive_at < 1.0:
            return
        self._alive_at = time.monotonic()
        word = {"pid": os.getpid(), "at": at.isoformat(), "troubles": self.troubles()}
        path = heartbeat()
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(json.dumps(word), encoding="utf-8")
        draft.replace(path)


def heartbeat() -> Path:
    return Path(settings.VAR) / "run" / "pump.alive"


def last_word() -> dict[str, object]:
    """What the pump last said of itself: pid, at, troubles; empty when there was never one."""
    try:
        return json.loads(heartbeat().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def is_alive(at: datetime) -> bool:
    """Whether a pump beat within the last 15 seconds."""
    said = last_word().get("at")
    return said is not None and at - datetime.fromisoformat(str(said)) < LIVES
