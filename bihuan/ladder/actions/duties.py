"""Answerable leaders (包保) and what is owed to those on the ladder: visits, done with words and pictures."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.book import ledger
from bihuan.book.journal import CLOCK, Acting
from bihuan.ladder import duties_due, giving, posts, tell
from bihuan.ladder.answers import Missing
from bihuan.ladder.models import Answerable, Duty, Standing
from bihuan.ladder.posts import NotYours
from bihuan.ladder.record import claim, locked, note, words
from bihuan.ladder.rules import NotNow, rules_of
from bihuan.net.models import Level, Posting, Role
from bihuan.net.postings import AboutOneself, is_standing
from bihuan.net.scope import covers, require_scope
from bihuan.net.tree import snapshot

LEADERS = (Role.LEADER, Role.SECRETARY, Role.CHIEF)
ASSIGNERS = (Role.ORGANISER, Role.LEADER)


class NoLeader(Exception):
    """This posting cannot be answerable for this person."""


@transaction.atomic
def assign(standing: Standing, leader: Posting, *, by: Acting, at: datetime) -> Answerable:
    """Make a county or township leader answerable for somebody: exactly one at a time, who was before stays on record.

    Raises NotNow (ended), NoLeader (not a leader of a county or township that the person belongs to, or kin), OutOfScope,
    NotYours.
    """
    standing = locked(standing, at=at)
    if standing.ended_at is not None:
        raise NotNow(_("已经结束，不能再指定包保领导。"))
    if isinstance(by, Posting):
        if by.role not in ASSIGNERS:
            raise NotYours(_("您的岗位不能指定包保领导。"))
        require_scope(by, standing.unit)
    _require_leader(standing, leader, at)
    return _change(standing, leader, by=by, at=at)


def _require_leader(standing: Standing, leader: Posting, at: datetime) -> None:
    level = snapshot().unit(leader.unit_id).level
    if leader.role not in LEADERS or level not in (Level.COUNTY, Level.TOWN, Level.CITY):
        raise NoLeader(_("包保领导应是市、县或乡镇的领导。"))
    if not is_standing(leader, timezone.localdate(at)) or not covers(leader, standing.unit):
        raise NoLeader(_("此人不在任，或所在单位不管这个地方。"))
    if leader.person_id in posts.recused(standing):
        raise AboutOneself(_("包保领导不能是本人或亲属。"))


def hand_on(standing: Standing, leader: Posting | None, *, by: Acting, at: datetime) -> None:
    """The leader has left his posting: the next holder is answerable, or nobody until one is assigned."""
    standing = locked(standing, at=at)
    following = None if leader is None or leader.person_id in posts.recused(standing) else leader
    _change(standing, following, by=by, at=at)


def _change(standing: Standing, leader: Posting | None, *, by: Acting, at: datetime) -> Answerable:
    Answerable.objects.filter(standing=standing, until=None).update(until=at)
    note(standing, "assign", by=by, at=at, facts={}, answerable=leader and leader.pk)
    duties_due.hand_to(standing, leader)
    since = Answerable(standing=standing, posting=leader.pk if leader else 0, since=at)
    if leader is not None:
        since.save(force_insert=True)
    return since


@transaction.atomic
def do(
    duty: Duty,
    *,
    by: Posting,
    at: datetime,
    text: str = "",
    pictures: Sequence[str] = (),
    amount: Decimal | int = 1,
) -> Duty:
    """Say that a duty is done, with the words and pictures the program asks for; the next one is owed from now.

    What the rule names is entered in the ledger. Raises NotNow (done already, or dropped), NotYours, AboutOneself,
    Missing, NoWords, BadPhoto.
    """
    standing = locked(duty.standing, at=at)
    done = Duty.objects.select_for_update(of=("self",)).get(pk=duty.pk)
    if done.done_at is not None or done.dropped_at is not None:
        raise NotNow(_("这件事已经办过了，或不用再办。"))
    rule = rules_of(standing).duties[done.key]
    _require_owner(standing, done, by)
    for ask, given in {"text": text.strip(), "photo": list(pictures)}.items():
        if ask in rule.asks and not given:
            raise Missing(ask, _("走访情况") if ask == "text" else _("照片"))
    said = words(standing, text) if text.strip() else {}
    claim(standing, pictures)
    done.done_at, done.done_by, done.text_id, done.photos = at, by.pk, said.get("text"), list(pictures)
    done.late = done.late or at > done.due_at
    done.txn_id = _enter(standing, done, rule.entry, amount, by=by, at=at) if rule.entry else None
    done.save()
    note(standing, "do", by=by, at=at, facts={"duty": done.pk, "key": done.key, "late": done.late, **said})
    duties_due.open_duty(standing, rule, at=at)
    return done


def _require_owner(standing: Standing, duty: Duty, by: Posting) -> None:
    """The posting that owes it; without one, or for his unit, whoever holds the post there."""
    posts.require_posting(by)
    if by.person_id in posts.recused(standing):
        raise AboutOneself
    rule = rules_of(standing).duties[duty.key]
    theirs = duty.posting == by.pk or rule.by in posts.posts_of(by, standing)
    stands_in = rule.by == posts.ANSWERABLE and duty.posting is None and by.unit_id == duty.unit_id
    if not theirs and not stands_in:
        raise NotYours(_("这件事由别的同事负责。"))


def _enter(standing: Standing, duty: Duty, entry: str, amount: Decimal | int, *, by: Posting, at: datetime) -> int:
    """What doing it enters into the ledger: given by the doer's unit to the subject."""
    cause, unit = ledger.Cause("duty", duty.pk), ledger.unit(by.unit_id)
    rule = f"duty.{duty.key}"
    txn = giving.enter(
        standing, entry, amount, rule=rule, cause=cause, other=unit, by=by, at=at, evidence=duty.photos
    )  # fmt: skip
    return txn.pk


def mark_late(standing: Standing, duty: Duty) -> None:
    """Mark a duty of a locked standing late, stamped with the time it was due, and tell above (K3)."""
    Duty.objects.filter(pk=duty.pk).update(late=True)
    note(standing, "late", by=CLOCK, at=duty.due_at, facts={"duty": duty.pk, "key": duty.key})
    tell.late(standing, duty)
