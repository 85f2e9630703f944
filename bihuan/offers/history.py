"""Writing down many needs, pairs, studios and sessions of the past at once: set-based, and equal, row for row, to what the
actions and the sweep would have left.

For registers that come from another system, and for the demo's past. Nobody is told anything: it has long been known.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import models, transaction

from bihuan.book.journal import CLOCK, Acting, event_data, event_hash, who
from bihuan.dossier import texts
from bihuan.dossier.models import Subject
from bihuan.net.models import Posting
from bihuan.offers import clock
from bihuan.offers.lapsing import area_above
from bihuan.offers.models import (
    Attendance,
    Circle,
    CircleMember,
    Claim,
    Deed,
    Offer,
    Pairing,
    PairYear,
    PlanItem,
    Round,
    Session,
    Suggestion,
    Track,
)
from bihuan.offers.numbers import new_number
from bihuan.offers.record import EVENTS, columns_of, place_columns, region_of
from bihuan.offers.topics import program_in_force

BATCH = 2_000


@dataclass(frozen=True, slots=True)
class PastLine:
    """A line of a plan, done at `done_at` or not; `txn_id`: what it entered into the ledger."""

    month: date
    measure: str
    helper: str
    due_on: date
    posting: Posting | None = None
    done_at: datetime | None = None
    report: str = ""
    photos: Sequence[str] = ()
    txn_id: int | None = None


@dataclass(frozen=True, slots=True)
class PastClaim:
    """A claim with its plan, made at `planned_at` within its time; `met_at`: when the need was met by it."""

    by: Posting
    at: datetime
    lines: Sequence[PastLine] = ()
    planned_at: datetime | None = None
    met_at: datetime | None = None
    met_text: str = ""
    photos: Sequence[str] = ()
    personal: bool = False


@dataclass(frozen=True, slots=True)
class PastClosing:
    """The end of a need that nobody took on and that could not be met."""

    by: Posting
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class PastNeed:
    """A need of a trainee, offered at the area `unit_id` first, and the one claim it had, if any, or how it was closed."""

    subject: Subject
    topic: str
    text: str
    at: datetime
    by: Acting
    unit_id: int
    round: Round | None = None
    amount: Decimal | None = None
    standing_id: int | None = None
    claim: PastClaim | None = None
    closing: PastClosing | None = None


@dataclass(frozen=True, slots=True)
class PastDeed:
    on: date
    kind: str
    text: str
    at: datetime
    by: Posting
    count: int = 1
    txn_id: int | None = None


@dataclass(frozen=True, slots=True)
class PastPair:
    """A pair that still lasts, with its yearly plans (year, words, when) and deeds."""

    branch_id: int
    village_id: int
    since: date
    at: datetime
    by: Posting
    kind: str = Pairing.Kind.BRANCH
    plans: Sequence[tuple[int, str, datetime]] = ()
    deeds: Sequence[PastDeed] = ()


@dataclass(frozen=True, slots=True)
class PastCircle:
    """A studio and its members: (subject, since when)."""

    title: str
    unit_id: int
    at: datetime
    by: Posting
    since: date
    host: int | None = None
    host_posting: int | None = None
    members: Sequence[tuple[int, date]] = ()


@dataclass(frozen=True, slots=True)
class PastSession:
    """A session that was held, of a studio or of an area, and who was there."""

    kind: str
    title: str
    begins_at: datetime
    ends_at: datetime
    venue: str
    by: Posting
    present: Sequence[int]
    text: str
    unit_id: int | None = None
    circle: Circle | None = None
    speaker: int | None = None


@dataclass(frozen=True, slots=True)
class PastSuggestion:
    text: str
    at: datetime
    by: Acting
    subject: Subject
    session: Session | None = None
    circle: Circle | None = None


@dataclass
class Chronicle:
    """What is to be written: add, then `save`. `now`: clocks that ran out before it have done what they do.

    The rows may be used (a studio for its sessions) before they are saved.
    """

    program: str
    now: datetime
    rows: dict[type[models.Model], list[Any]] = field(default_factory=dict)

    @transaction.atomic
    def save(self) -> None:
        """All or nothing, a statement for every two thousand rows; what others point at comes first."""
        first = (Round, Offer, Claim, PlanItem, Pairing, PairYear, Deed, Circle, CircleMember, Session)
        for model in (*first, *(model for model in self.rows if model not in first)):
            model._default_manager.bulk_create(self.rows.pop(model, []), batch_size=BATCH)

    # Needs

    def need(self, past: PastNeed) -> Offer:
        """A need with everything that happened to it. Raises NoVersion."""
        version, _rules = program_in_force(self.program, past.at, past.subject.unit_id)
        place, window = past.subject.unit_id, past.round.window if past.round else clock.WINDOW
        offer = Offer(
            program=self.program, round=past.round, subject_id=past.subject.pk, standing_id=past.standing_id,
            place_id=place, unit_id=past.unit_id, topic=past.topic, amount=past.amount, window=window,
            opened_at=past.at, version=version, region_id=region_of(place), **place_columns(place),
            window_until=clock.due(window, start=past.at, unit_id=past.unit_id),
        )  # fmt: skip
        said = self._words(offer, past.text)
        offer.text_id = said["text"]
        self._begin(offer, past.by, past.at, said)
        end = past.claim or past.closing
        self._rise(offer, until=end.at if end else self.now)
        if past.claim:
            self._claim(offer, past.claim)
        elif past.closing:
            self._close(offer, past.closing)
        return offer

    def _close(self, offer: Offer, past: PastClosing) -> None:
        said = self._words(offer, past.text)
        changes = {"state": Offer.State.CLOSED.value, "ended_at": past.at, "window_until": None, "taken": 0}
        self._note(offer, "close", past.by, past.at, changes, {"claims": [], **said})

    def _rise(self, offer: Offer, until: datetime) -> None:
        """Windows that passed before somebody claimed it."""
        while offer.window_until is not None and offer.window_until <= until:
            passed, before = offer.window_until, offer.unit_id
            changes: dict[str, Any] = {"window_until": clock.due(offer.window, start=passed, unit_id=before)}
            above = area_above(before)
            if above is None:
                self._note(offer, "remind", CLOCK, passed, changes)
            else:
                changes |= {"unit_id": above, "rises": offer.rises + 1}
                self._note(offer, "rise", CLOCK, passed, changes, {"from": before, "to": above})

    def _claim(self, offer: Offer, past: PastClaim) -> None:
        unit, due_at = past.by.unit_id, clock.due(clock.PLAN, start=past.at, unit_id=past.by.unit_id)
        claim = Claim(offer=offer, unit_id=unit, posting=past.by.pk, personal=past.personal, at=past.at, due_at=due_at)
        self._keep(claim)
        changes = {"taken": 1, "state": Offer.State.TAKEN.value, "window_until": None}
        facts = {"claim": claim.pk, "unit": unit, "personal": past.personal}
        self._note(offer, "claim", past.by, past.at, changes, facts)
        deeds = self._plan(offer, claim, past) if past.planned_at else []
        if not past.planned_at and due_at <= self.now:
            deeds.append((due_at, 3, lambda: self._claim_late(offer, claim, "plan_late", due_at)))
        if past.met_at is not None:
            deeds.append((past.met_at, 4, lambda: self._meet(offer, claim, past)))
        for _moment, _order, deed in sorted(deeds, key=lambda one: one[:2]):
            deed()

    def _plan(self, offer: Offer, claim: Claim, past: PastClaim) -> list["Act"]:
        """Draw up the plan; returns what happened to its lines and to the claim afterwards, each with its time."""
        made: datetime = past.planned_at  # type: ignore[assignment]
        said = {n: self._words(offer, line.measure, f"item{n}") for n, line in enumerate(past.lines, start=1)}
        items = [
            PlanItem(
                claim=claim, n=n, month=line.month.replace(day=1), text_id=said[n][f"item{n}"], helper=line.helper,
                helper_posting=line.posting and line.posting.pk, due_on=line.due_on,
                opens_at=max(made, clock.starts(line.month.replace(day=1))), due_at=clock.ends(line.due_on),
            )
            for n, line in enumerate(past.lines, start=1)
        ]  # fmt: skip
        self._keep(*items)
        last = clock.ends(max(line.due_on for line in past.lines))
        claim.planned_at, claim.due_at = made, clock.due(clock.END, start=last, unit_id=claim.unit_id)
        told = [{"n": item.n, "helper": item.helper, "due_on": item.due_on} for item in items]
        facts = {key: value for one in said.values() for key, value in one.items()}
        self._note(offer, "plan", past.by, made, {}, {"claim": claim.pk, "dropped": 0, "items": told, **facts})
        over = past.met_at or self.now + timedelta(microseconds=1)  # what is due at `now` has happened
        acts = [
            act for item, line in zip(items, past.lines, strict=True) for act in self._line(offer, item, line, past)
        ]
        if claim.due_at < over:
            acts.append((claim.due_at, 3, lambda: self._claim_late(offer, claim, "end_late", claim.due_at)))
        return [act for act in acts if act[0] < over]

    def _line(self, offer: Offer, item: PlanItem, line: PastLine, past: PastClaim) -> list["Act"]:
        """When a line opened, was late and was done; a line done opens no more."""
        done = line.done_at
        acts: list[Act] = [(item.opens_at, 0, lambda: self._open(offer, item))]
        if done is None or item.opens_at < done:
            acts.append((item.due_at, 1, lambda: self._late(offer, item)))
        if done is not None:
            acts = [act for act in acts if act[0] <= done]
            acts.append((done, 2, lambda: self._do(offer, item, line, past)))
        return acts

    def _open(self, offer: Offer, item: PlanItem) -> None:
        item.stage, item.started_at = PlanItem.Stage.OPEN, item.opens_at
        self._note(offer, "item_open", CLOCK, item.opens_at, {}, {"item": item.pk, "n": item.n})

    def _late(self, offer: Offer, item: PlanItem) -> None:
        item.late = True
        self._note(offer, "item_late", CLOCK, item.due_at, {}, {"item": item.pk, "n": item.n})

    def _do(self, offer: Offer, item: PlanItem, line: PastLine, past: PastClaim) -> None:
        by, at = line.posting or past.by, line.done_at
        said = self._words(offer, line.report)
        item.stage, item.done_at, item.done_by, item.done_text_id = PlanItem.Stage.DONE, at, by.pk, said["text"]
        item.started_at, item.photos, item.txn_id = item.started_at or at, list(line.photos), line.txn_id
        facts = {"item": item.pk, "n": item.n, "photos": item.photos, "txn": item.txn_id, "late": item.late, **said}
        self._note(offer, "do", by, at, {}, facts)

    def _claim_late(self, offer: Offer, claim: Claim, verb: str, at: datetime) -> None:
        claim.due_at, claim.late = None, claim.late + 1
        self._note(offer, verb, CLOCK, at, {}, {"claim": claim.pk})

    def _meet(self, offer: Offer, claim: Claim, past: PastClaim) -> None:
        met: datetime = past.met_at  # type: ignore[assignment]
        said = self._words(offer, past.met_text)
        claim.state, claim.ended_at, claim.due_at = Claim.State.DONE, met, None
        for item in self.rows.get(PlanItem, []):
            if item.claim is claim and item.stage in (PlanItem.Stage.WAITING, PlanItem.Stage.OPEN):
                item.stage = PlanItem.Stage.DROPPED
        changes = {"state": Offer.State.MET.value, "ended_at": met, "window_until": None, "met_at": met}
        facts = {"claim": claim.pk, "unit": claim.unit_id, "photos": list(past.photos), **said}
        self._note(offer, "meet", past.by, met, changes, facts)

    # Pairs

    def pair(self, past: PastPair) -> Pairing:
        """A pair with its plans and deeds, in the order of their times."""
        village = past.village_id
        pairing = Pairing(
            kind=past.kind, unit_a_id=past.branch_id, unit_b_id=village, since=past.since, made_at=past.at,
            plan_due_at=clock.due(clock.YEAR_PLAN, start=past.at, unit_id=village), region_id=region_of(village),
            **place_columns(village),
        )  # fmt: skip
        self._begin(pairing, past.by, past.at, {})
        years: set[int] = set()
        acts: list[Act] = [(at, 0, lambda y=year, t=text, a=at: self._year(pairing, past.by, y, t, a, years))
                           for year, text, at in past.plans]  # fmt: skip
        acts += [(deed.at, 1, lambda d=deed: self._deed(pairing, d)) for deed in past.deeds]
        for moment, _order, act in sorted(acts, key=lambda one: one[:2]):
            self._year_late(pairing, moment)
            act()
        self._year_late(pairing, self.now)
        return pairing

    def _year(self, pairing: Pairing, by: Posting, year: int, text: str, at: datetime, years: set[int]) -> None:
        said = self._words(pairing, text)
        years.add(year)
        self._keep(PairYear(pairing=pairing, year=year, text_id=said["text"], made_at=at))
        due_at = clock.year_plan_due(years, at=at, now=pairing.plan_due_at)
        self._note(pairing, "plan", by, at, {"plan_due_at": due_at}, {"year": year, **said})

    def _year_late(self, pairing: Pairing, until: datetime) -> None:
        due = pairing.plan_due_at
        if due is not None and due <= until:
            changes = {"plan_due_at": None, "plans_late": pairing.plans_late + 1}
            self._note(pairing, "year_late", CLOCK, due, changes)

    def _deed(self, pairing: Pairing, past: PastDeed) -> None:
        said = self._words(pairing, past.text)
        deed = Deed(
            pairing=pairing, year=past.on.year, on=past.on, kind=past.kind, text_id=said["text"], count=past.count,
            txn_id=past.txn_id, at=past.at,
        )  # fmt: skip
        self._keep(deed)
        facts = {"deed": deed.pk, "on": past.on, "kind": past.kind, "count": past.count, "photos": []}
        self._note(pairing, "record", past.by, past.at, {}, {**facts, "txn": past.txn_id, **said})

    # Studios

    def circle(self, past: PastCircle) -> Circle:
        """A studio with its members, who joined when it was founded."""
        circle = Circle(
            title=past.title, program=self.program, unit_id=past.unit_id, host_subject=past.host,
            host_posting=past.host_posting, since=past.since, region_id=region_of(past.unit_id),
            **place_columns(past.unit_id),
        )  # fmt: skip
        self._begin(circle, past.by, past.at, {})
        for subject, since in past.members:
            self._keep(CircleMember(circle=circle, subject_id=subject, since=since))
            self._note(circle, "join", past.by, past.at, {}, {"subject": subject, "since": since})
        return circle

    def session(self, past: PastSession) -> Session:
        """A session that was called and held; it is recorded when it ended."""
        unit: int = past.circle.unit_id if past.circle else past.unit_id  # type: ignore[assignment]
        session = Session(
            circle=past.circle, kind=past.kind, title=past.title, program=self.program, unit_id=unit,
            begins_at=past.begins_at, ends_at=past.ends_at, venue=past.venue, speaker_subject=past.speaker,
            region_id=region_of(unit), **place_columns(unit),
        )  # fmt: skip
        self._begin(session, past.by, past.begins_at, {})
        said, there = self._words(session, past.text), list(dict.fromkeys(past.present))
        self._keep(*(Attendance(session=session, subject_id=subject, present=True) for subject in there))
        changes = {"state": Session.State.HELD.value, "text_id": said["text"], "photos": []}
        self._note(session, "hold", past.by, past.ends_at, changes, {"present": there, **said})
        return session

    def suggestion(self, past: PastSuggestion) -> Suggestion:
        """What a trainee proposed, in a session or studio or without one."""
        circle = past.circle or (past.session.circle if past.session else None)
        where = past.session or circle
        unit = where.unit_id if where else past.subject.unit_id
        suggestion = Suggestion(
            program=self.program, session=past.session, circle=circle, unit_id=unit, at=past.at,
            subject_id=past.subject.pk, region_id=region_of(unit), **place_columns(unit),
        )  # fmt: skip
        said = self._words(suggestion, past.text)
        suggestion.text_id = said["text"]
        self._begin(suggestion, past.by, past.at, said)
        return suggestion

    # The journal, in memory

    def _begin(self, track: Track, by: Acting, at: datetime, facts: dict[str, Any]) -> None:
        track.no = new_number()
        self._keep(track)
        self._note(track, "begin", by, at, columns_of(track), facts)

    def _note(
        self,
        track: Track,
        verb: str,
        by: Acting,
        at: datetime,
        changes: dict[str, Any],
        facts: dict[str, Any] | None = None,
    ) -> None:
        for column, value in changes.items():
            setattr(track, column, value)
        track.n += 1
        actor, data = who(by), event_data(changes, facts)
        track.head = event_hash(
            bytes(track.head), track.region_id, track.pk, track.n, at, actor, verb, track.version, data
        )
        self._keep(
            EVENTS[type(track)](
                region_id=track.region_id, track_id=track.pk, n=track.n, at=at, actor=actor.actor,
                posting=actor.posting, verb=verb, version=track.version, data=data, hash=track.head,
            )
        )  # fmt: skip

    def _words(self, track: Track, body: str, key: str = "text") -> dict[str, Any]:
        text, digest = texts.compose(body, region_id=track.region_id, case_id=track.pk)
        self._keep(text)
        return {key: text.pk, "digest" if key == "text" else f"{key}_digest": digest}

    def _keep(self, *rows: models.Model) -> None:
        for row in rows:
            self.rows.setdefault(type(row), []).append(row)


Act = tuple[datetime, int, Callable[[], None]]  # when, in which order at one instant, what
