"""What is known of a subject: told, never edited (F1); read as of a day, and as it was known at a moment.

The answer to a question is the fact that is true on the day (`since` .. `until`) with the latest `since`, the last told
where several share it; of those sources whose word counts for the asker. Where the asker says how long an answer holds,
it is fresh for so long from the day it was told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Protocol

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.book import looks
from bihuan.dossier import questions, vault
from bihuan.dossier.models import Fact, Paper, Question, Source, Subject
from bihuan.dossier.subjects import Erased
from bihuan.lib.ids import new_id
from bihuan.lib.worktime import Duration
from bihuan.net import tree
from bihuan.net.models import Posting

GRADES = {Source.SELF: 1, Source.VILLAGE: 2, Source.TOWN: 3, Source.COUNTY: 4, Source.CITY: 4, Source.REGISTER: 5}
# Columns of the subject that lists show and that follow what is told.
_SHOWN = {"person.birth": "born_on", "person.gender": "gender"}


class BadTime(ValueError):
    """A fact that would be true before it began, or only in the future."""


class Asked(Protocol):
    """An ask of a program (`programs.ladder.Ask`): which question, how long an answer holds, whose word counts."""

    @property
    def use(self) -> str: ...
    @property
    def max_age(self) -> Duration | None: ...
    @property
    def source(self) -> tuple[str, ...]: ...


class Asking(Protocol):
    """A program that asks."""

    @property
    def asks(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one ask. `fresh` is false when it is older than the ask allows; it must then be asked again."""

    question: str
    value: Any
    fact_id: int
    source: str
    grade: int
    since: date
    told_at: datetime
    proof_id: int | None = None
    fresh: bool = True


# Telling


def tell(
    subject: Subject,
    key: str,
    value: Any,
    *,
    source: str,
    by: Posting | None,
    at: datetime,
    since: date | None = None,
    until: date | None = None,
    proof: Paper | None = None,
    grade: int | None = None,
) -> Fact:
    """Add a fact: the answer to question `key` from `since` (today, when not said) on. None takes an answer back.

    To correct a wrong fact, tell the right one with its `since`. What is said is read by `questions.value_of`.
    Raises NoSuchQuestion, BadAnswer, BadTime, Erased. Two statements.
    """
    facts = tell_all(
        subject, {key: value}, source=source, by=by, at=at, since=since, until=until, proof=proof, grade=grade
    )
    return facts[0]


@transaction.atomic
def tell_all(
    subject: Subject,
    said: Mapping[str, Any],
    *,
    source: str,
    by: Posting | None,
    at: datetime,
    since: date | None = None,
    until: date | None = None,
    proof: Paper | None = None,
    grade: int | None = None,
) -> list[Fact]:
    """Several answers at once, by question key; see `tell`."""
    if subject.erased_at:
        raise Erased
    known = questions.known(said)
    facts = [
        compose(
            subject, known[key], value, source=source, by=by, at=at, since=since, until=until, proof=proof, grade=grade
        )
        for key, value in said.items()
    ]
    Fact.objects.bulk_create(facts)
    _show(subject, facts)
    return facts


def compose(
    subject: Subject,
    question: Question,
    said: Any,
    *,
    source: str,
    by: Posting | None,
    at: datetime,
    since: date | None = None,
    until: date | None = None,
    proof: Paper | None = None,
    grade: int | None = None,
) -> Fact:
    """An unsaved fact; see `tell`. A proof raises the grade of a word by one."""
    today = timezone.localdate(at)
    since = since or today
    if since > today:
        raise BadTime(_("“%(title)s”的起始日期在今天以后。") % {"title": question.title})
    if until is not None and until <= since:
        raise BadTime(_("“%(title)s”的结束日期应在起始日期之后。") % {"title": question.title})
    fact = Fact(
        id=new_id(), subject=subject, question=question.key, value=questions.value_of(question, said), source=source,
        grade=grade or min(5, GRADES[Source(source)] + (proof is not None)), since=since, until=until, proof=proof,
        made_at=at, by=by.pk if by else None,
    )  # fmt: skip
    if is_sealed(question, fact.value):
        fact.sealed, fact.value = sealed_value(fact.pk, fact.value)
    return fact


def is_sealed(question: Question, value: Any) -> bool:
    """Whether an answer is kept sealed: words that identify."""
    return question.personal and question.type == Question.Type.TEXT and value is not None


def sealed_value(fact_id: int, words: str) -> tuple[bytes, str]:
    """The words sealed for a fact, and the mask that stands for them."""
    return vault.seal(words, _use(fact_id)), vault.mask_name(words)


def opened(fact: Fact) -> str:
    """The sealed words of a fact, for a machine that compares or sends; people ask `reveal`."""
    return vault.unseal(fact.sealed, _use(fact.pk)) if fact.sealed else ""


def _show(subject: Subject, facts: list[Fact]) -> None:
    """Birth and gender stand on the subject too, for lists."""
    changed = {_SHOWN[fact.question]: fact.value for fact in facts if fact.question in _SHOWN}
    if not changed:
        return
    subject.gender = changed.get("gender", subject.gender) or ""
    if "born_on" in changed:
        subject.born_on = date.fromisoformat(changed["born_on"]) if changed["born_on"] else None
    subject.save(update_fields=list(changed))


def _use(fact_id: int) -> str:
    return f"fact.value:{fact_id}"


# Reading


def answers(subject: Subject, program: Asking, on: date, *, at: datetime | None = None) -> dict[str, Answer]:
    """The answers to a program's asks that were true on a day, by ask; asks without one are left out. One query.

    at: as it was known then; without, as it is known now. Stale answers are among them, with `fresh` false.
    """
    return answers_of([subject], program, on, at=at)[subject.pk]


def answers_of(
    subjects: Iterable[Subject | int], program: Asking, on: date, *, at: datetime | None = None
) -> dict[int, dict[str, Answer]]:
    """The same for many subjects, by id. One query."""
    asks: Mapping[str, Asked] = program.asks
    told = _told(subjects, {ask.use for ask in asks.values()}, on, at)
    return {
        subject: {key: answer for key, ask in asks.items() if (answer := _best(known.get(ask.use, ()), ask, on))}
        for subject, known in told.items()
    }


def plain(answers: Mapping[str, Answer]) -> dict[str, Any]:
    """Values by ask as tests want them: those that are out of date left out."""
    return {key: answer.value for key, answer in answers.items() if answer.fresh}


def missing(
    programs: Iterable[Asking], subject: Subject, on: date, *, only: Iterable[str] | None = None
) -> dict[str, Any]:
    """What a bundle of programs must still ask, by question: the asks that have no fresh answer. One query.

    F2: a question is asked once, however many of the programs ask it, and not at all where what is known serves them
    all. only: the asks (keys) of a step; without, every ask.
    """
    wanted = None if only is None else frozenset(only)
    asks = [ask for one in programs for key, ask in one.asks.items() if wanted is None or key in wanted]
    known = _told([subject], {ask.use for ask in asks}, on, None)[subject.pk]
    found: dict[str, Any] = {}
    for ask in asks:
        answer = _best(known.get(ask.use, ()), ask, on)
        if answer is None or not answer.fresh:
            found.setdefault(ask.use, ask)
    return found


def _told(
    subjects: Iterable[Subject | int], keys: set[str], on: date, at: datetime | None
) -> dict[int, dict[str, list[Fact]]]:
    """Facts true on a day by subject and question, the deciding one first."""
    ids = [subject if isinstance(subject, int) else subject.pk for subject in subjects]
    true = Fact.objects.filter(Q(until=None) | Q(until__gt=on), subject_id__in=ids, question__in=keys, since__lte=on)
    if at is not None:
        true = true.filter(made_at__lte=at)
    rows = true.order_by("subject_id", "question", "-since", "-made_at", "-pk").defer("sealed")
    told: dict[int, dict[str, list[Fact]]] = {pk: {} for pk in ids}
    for (subject, question), facts in groupby(rows, key=lambda fact: (fact.subject_id, fact.question)):
        told[subject][question] = list(facts)
    return told


def _best(facts: Iterable[Fact], ask: Asked, on: date) -> Answer | None:
    """The first fact whose source counts; an answer that was taken back is none."""
    fact = next((fact for fact in facts if not ask.source or fact.source in ask.source), None)
    if fact is None or fact.value is None:
        return None
    return Answer(
        fact.question, fact.value, fact.pk, fact.source, fact.grade, fact.since, fact.made_at, fact.proof_id,
        fresh=is_fresh(fact.made_at, ask.max_age, on),
    )  # fmt: skip


def is_fresh(told_at: datetime, max_age: Duration | None, on: date) -> bool:
    """Whether an answer told then still holds on a day. An age is counted in calendar days, hours rounded up to one."""
    if max_age is None:
        return True
    days = max_age.n if max_age.unit in ("d", "wd") else -(-max_age.n // 24)
    return timezone.localdate(told_at) + timedelta(days=days) >= on


def history(subject: Subject, key: str) -> list[Fact]:
    """Everything ever told about one question, the deciding first."""
    return list(
        Fact.objects.filter(subject=subject, question=key).order_by("-since", "-made_at", "-pk").select_related("proof")
    )


def known(subject: Subject, on: date) -> list[Fact]:
    """The deciding fact of every question, whoever said it, by question; what was taken back is left out."""
    rows = Fact.objects.filter(Q(until=None) | Q(until__gt=on), subject=subject, since__lte=on)
    deciding = rows.order_by("question", "-since", "-made_at", "-pk").distinct("question").select_related("proof")
    return [fact for fact in deciding if fact.value is not None]


@transaction.atomic
def reveal(fact: Fact, *, by: Posting, purpose: str, at: datetime) -> str:
    """Open a sealed answer for `by` and write down the look. Raises PurposeMissing, Unreadable."""
    region = tree.snapshot().region_of(fact.subject.unit_id)
    looks.note(
        region_id=region, case_id=None, what="fact", by=by, purpose=purpose, at=at, subject_id=fact.subject_id
    )  # fmt: skip
    return opened(fact) if fact.sealed else str(fact.value or "")


def rotate(*, after: int = 0, limit: int = 1000) -> tuple[int, int]:
    """Seal again under the current key, as `vault.rotate` does for contacts."""
    with transaction.atomic():
        facts = list(Fact.objects.filter(pk__gt=after, sealed__isnull=False).order_by("pk")[:limit])
        changed = [fact for fact in facts if fact.sealed and not vault.is_current(fact.sealed)]
        for fact in changed:
            fact.sealed = vault.seal(opened(fact), _use(fact.pk))
        Fact.objects.bulk_update(changed, ["sealed"])
    return (facts[-1].pk if len(facts) == limit else 0), len(changed)
