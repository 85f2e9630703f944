"""Postings: who holds which role where, appointing and ending; and nobody decides about themselves (N2)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.net.models import Person, Posting, Role, Unit
from bihuan.net.scope import require_scope


class PostingFault(Exception):
    """The posting cannot be made or ended like that; the message is for the administrator."""


class AboutOneself(Exception):
    """N2: somebody would decide about themselves, or about their own earlier verdict."""

    def __init__(self, says: str = "") -> None:
        super().__init__(says or _("这件事与您本人有关，请换一位同事来办。"))


@dataclass(frozen=True, slots=True)
class Consequence:
    """Something that changes because a posting ends: an open task that goes to its unit's queue."""

    says: str
    number: str = ""  # of the case, when it is about one


# Called when a posting ends (act True, inside the transaction) and before it, to list what would happen (act False).
# Signature: hook(posting, by=Posting|None, at=datetime, act=bool) -> list[Consequence].
on_end: list[Callable[..., list[Consequence]]] = []


def standing_on(on: date) -> Q:
    """Postings that hold on a day."""
    return Q(since__lte=on) & (Q(until=None) | Q(until__gt=on))


def is_standing(posting: Posting, on: date) -> bool:
    """Whether this posting holds on a day."""
    return posting.since <= on and (posting.until is None or on < posting.until)


def current(person: Person, on: date) -> list[Posting]:
    """What a person holds on a day in living units: main posts first. One query, unit and person included."""
    found = Posting.objects.filter(standing_on(on), person=person, unit__died=None).select_related("unit", "person")
    order = [Posting.Holding.MAIN, Posting.Holding.ACTING, Posting.Holding.SECONDED]
    return sorted(found, key=lambda posting: (order.index(Posting.Holding(posting.holding)), posting.pk))


def names_of(held: Iterable[int]) -> list[tuple[int, int, str]]:
    """(posting, its unit, its person's name) of these postings, ended ones too. One statement, none for no posting."""
    wanted = list(held)
    if not wanted:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_NAMES, [wanted])
        return cursor.fetchall()


_NAMES = """
SELECT posting.id, posting.unit_id, person.name
FROM net_posting AS posting JOIN net_person AS person ON person.id = posting.person_id
WHERE posting.id = ANY(%s::bigint[])
"""


def holders(unit_id: int, role: str, on: date) -> QuerySet[Posting]:
    """Who holds a role in a unit on a day."""
    return Posting.objects.filter(standing_on(on), unit_id=unit_id, role=role).select_related("person", "unit")


@transaction.atomic
def appoint(
    person: Person,
    unit: Unit,
    role: str,
    *,
    since: date,
    by: Posting | None,
    holding: str = Posting.Holding.MAIN,
    title: str = "",
) -> Posting:
    """Give a person a role in a unit from a day on. `by` None: an import or the first set-up.

    Raises AboutOneself, OutOfScope, PostingFault (the unit is closed, or the person holds this already).
    """
    if by is not None:
        require_other_person(by, person.pk, _("不能给自己安排岗位，请由另一位管理员办理。"))
        require_scope(by, unit)
    if unit.died is not None:
        raise PostingFault(_("“%(name)s”已经撤销，不能安排岗位。") % {"name": unit.name})
    Person.objects.select_for_update().get(pk=person.pk)
    if Posting.objects.filter(person=person, unit=unit, role=role, until=None).exists():
        raise PostingFault(
            _("%(person)s已经是%(unit)s的%(role)s。")
            % {"person": person.name, "unit": unit.name, "role": Role(role).label}
        )
    return Posting.objects.create(person=person, unit=unit, role=role, holding=holding, title=title, since=since)


@transaction.atomic
def end(posting: Posting, *, on: date, by: Posting | None, at: datetime) -> list[Consequence]:
    """A posting ends on a day (that day it no longer holds). What it still owed goes to its unit; returns what moved.

    Raises AboutOneself, OutOfScope, PostingFault (already ended, or a day before it began).
    """
    held = Posting.objects.select_for_update().get(pk=posting.pk)
    if by is not None:
        require_other_person(by, held.person_id, _("不能结束自己的岗位，请由另一位管理员办理。"))
        require_scope(by, held.unit)
    if held.until is not None and held.until <= timezone.localdate(at):
        raise PostingFault(_("这个岗位已经结束。"))
    if on < held.since or on > timezone.localdate(at):
        raise PostingFault(_("结束日期要在任职之后，不能晚于今天。"))
    held.until = posting.until = on
    held.save(update_fields=["until"])
    held.token_set.filter(revoked_at=None).update(revoked_at=at)
    return [what for hook in on_end for what in hook(held, by=by, at=at, act=True)]


def consequences(posting: Posting, *, by: Posting | None, at: datetime) -> list[Consequence]:
    """What ending the posting now would move."""
    return [what for hook in on_end for what in hook(posting, by=by, at=at, act=False)]


def carry_over(unit: Unit, into: Unit, *, on: date, at: datetime) -> None:
    """Everybody posted to a unit that is merged keeps role, holding and title in the unit that takes over."""
    for posting in Posting.objects.filter(Q(until=None) | Q(until__gt=on), unit=unit).select_related("person"):
        end(posting, on=max(on, posting.since), by=None, at=at)
        held = Posting.objects.filter(person=posting.person, unit=into, role=posting.role, until=None)
        if not held.exists():
            appoint(
                posting.person, into, posting.role, since=on, by=None, holding=posting.holding, title=posting.title
            )  # fmt: skip


# N2


def require_other_person(by: Posting, person_id: int | None, says: str = "") -> None:
    """Raises AboutOneself when `by` is held by this person."""
    if person_id is not None and by.person_id == person_id:
        raise AboutOneself(says)


def is_same_person(by: Posting, posting_id: int | None) -> bool:
    """Whether a posting is `by`, or another one of the same person. One query at most."""
    if posting_id is None or by.pk == posting_id:
        return posting_id is not None
    return Posting.objects.filter(pk=posting_id, person_id=by.person_id).exists()
