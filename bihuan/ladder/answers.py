"""What is known of a subject, as a gate's tests see it: plain values that still hold, and the facts they come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.book.journal import Acting
from bihuan.dossier import facts
from bihuan.dossier.models import Source, Subject
from bihuan.ladder.posts import WORDS
from bihuan.net.models import Posting
from bihuan.net.tree import snapshot
from bihuan.programs.criteria import counted, leaves
from bihuan.programs.ladder import Gate, LadderProgram


class Missing(Exception):
    """A question the program asks has no answer. `field` names the ask; the message is fit for the user."""

    def __init__(self, field: str, title: str) -> None:
        super().__init__(_("请填写“%(title)s”。") % {"title": title})
        self.field = field


class Unasked(Exception):
    """Something was answered that the program does not ask."""

    def __init__(self, ask: str) -> None:
        super().__init__(_("这个项目没有“%(ask)s”这一问。") % {"ask": ask})


@dataclass(frozen=True, slots=True)
class Known:
    """values: by ask, those that hold and come from a source that counts.   facts: the id of the fact behind each."""

    values: Mapping[str, Any]
    facts: Mapping[str, int]

    def used(self, asks: set[str]) -> list[int]:
        return sorted({fact for ask, fact in self.facts.items() if ask in asks})


def known(subject: Subject, rules: LadderProgram, at: datetime) -> Known:
    """One query."""
    found = {ask: one for ask, one in facts.answers(subject, rules, timezone.localdate(at)).items() if one.fresh}
    return Known({ask: one.value for ask, one in found.items()}, {ask: one.fact_id for ask, one in found.items()})


def tell(subject: Subject, rules: LadderProgram, given: Mapping[str, Any], *, by: Acting, at: datetime) -> None:
    """Write down answers given with an act; what is asked of nobody is refused."""
    if unasked := given.keys() - rules.asks.keys():
        raise Unasked(min(unasked))
    said = {rules.asks[ask].use: value for ask, value in given.items()}
    if said:
        facts.tell_all(subject, said, source=source_of(by), by=by_posting(by), at=at)


def source_of(by: Acting) -> str:
    """Whose word it is: the subject's own, or that of the level somebody acts at."""
    if not isinstance(by, Posting):
        return Source.SELF
    word = WORDS.get(snapshot().unit(by.unit_id).level, "county")
    return word if word in Source.values else Source.COUNTY


def by_posting(by: Acting) -> Posting | None:
    return by if isinstance(by, Posting) else None


def require_answers(rules: LadderProgram, asks: tuple[str, ...], values: Mapping[str, Any]) -> None:
    """Raises Missing for the first ask that must have an answer and has none."""
    for ask in rules.unanswered(asks, values):
        raise Missing(ask, rules.asks[ask].title)


def asks_behind(rules: LadderProgram, gate: Gate) -> set[str]:
    """Every ask a gate's decision rests on: those it asks, and those its tests look at."""
    return {*gate.asks}.union(*(_asks_of(rules, key) for key in gate.tests))


def _asks_of(rules: LadderProgram, test: str) -> set[str]:
    criterion = rules.tests[test].criterion
    own = {leaf.ask for leaf in leaves(criterion)}
    return own.union(*(_asks_of(rules, key) for count in counted(criterion) for key in count.tests))
