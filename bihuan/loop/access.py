"""Who may see a case: one question, asked in one place. Strangers are told that there is no such case."""

from datetime import datetime, timedelta

from django.db.models import Q

from bihuan.book.journal import Acting
from bihuan.dossier import vault
from bihuan.dossier.models import Contact
from bihuan.lib.codes import BadNumber, parse_case_number
from bihuan.loop.lists import Row
from bihuan.loop.models import Case, Secrecy, Task, WrongTail
from bihuan.net import tree
from bihuan.net.models import Posting, Role
from bihuan.net.prepared import Prepared
from bihuan.net.scope import CASE_ROLES, UNIT_ROLES, reach

NUMBERED: Prepared[Case] = Prepared(lambda region, no: Case.objects.filter(region_id=region, no=no))
TRIES = 5  # wrong phone tails allowed per case number and hour


class NotFound(Exception):
    """There is no such case, or none that the asker may know of."""

    def __init__(self) -> None:
        super().__init__("没有找到这件工单。请核对编号。")


class TooManyTries(Exception):
    """Five wrong phone tails within an hour."""

    def __init__(self) -> None:
        super().__init__("手机尾号输错次数太多，请一小时后再试。")


class NotYours(Exception):
    """The case is in another unit's hands."""

    def __init__(self) -> None:
        super().__init__("这件工单不由您的单位办理。")


def require_owner(by: Acting, case: Case) -> None:
    """Only the responsible unit's own people handle a case; clocks act for nobody. Raises NotYours."""
    if isinstance(by, Posting) and by.unit_id != case.unit_id:
        raise NotYours


def by_number(number: str) -> Case:
    """The case with this number, typed in any usual way. Raises NotFound. One query."""
    try:
        parsed = parse_case_number(number)
    except BadNumber:
        raise NotFound from None
    net = tree.snapshot()
    region = net.by_code(parsed.region) if net.has_code(parsed.region) else None
    case = region and NUMBERED.first(region=region.id, no=parsed.text)
    if not case:
        raise NotFound
    return case


def case_for(posting: Posting, number: str) -> Case:
    """The case with this number if the posting's role and place cover it; raises NotFound otherwise. 1 to 2 queries."""
    case = by_number(number)
    if not may_see(posting, case):
        raise NotFound
    return case


def may_see(posting: Posting, case: Case) -> bool:
    """Whether a posting may know of a case: its place or unit is within reach, or it has a task in it.

    A secret case (保密) is seen by the centre's dispatchers and callers, and by the unit that has it now - nobody else.
    An administrator, who sets the net up, sees no case, whatever is in his unit's queue; nor do those who raise people.
    """
    if posting.role not in CASE_ROLES:
        return False
    if case.secrecy == Secrecy.SECRET and not _named_handler(posting, case):
        return False
    where = reach(posting)
    return getattr(case, where.column, None) in where.ids or case.finder == posting.pk or _has_task(posting, case)


def may_read(posting: Posting, row: Row) -> bool:
    """For a row listed within the posting's area (the wall): whether its words may be shown. No query, so a task in
    another unit's case does not count here; the case's own page asks `may_see`."""
    if row.secret:
        return _named_handler(posting, row)
    return posting.role not in UNIT_ROLES or row.unit_id in reach(posting).ids


def _named_handler(posting: Posting, case: Case | Row) -> bool:
    if posting.role in (Role.DISPATCHER, Role.CALLER):
        return True
    return posting.role in (Role.HANDLER, Role.CHIEF) and posting.unit_id == case.unit_id


def _has_task(posting: Posting, case: Case) -> bool:
    tasks = Task.objects.filter(region_id=case.region_id, case_id=case.pk)
    return tasks.filter(Q(posting=posting.pk) | Q(posting=None, unit_id=posting.unit_id)).exists()


def resident_case(number: str, tail: str, *, at: datetime) -> Case:
    """The case for a resident who knows its number and the last four digits of the phone left with it.

    Raises NotFound on a wrong tail, and TooManyTries after five wrong ones in an hour.
    """
    case = by_number(number)
    tries = WrongTail.objects.filter(no=case.no, at__gt=at - timedelta(hours=1))
    if tries.count() >= TRIES:
        raise TooManyTries
    contact = Contact.objects.filter(region_id=case.region_id, pk=case.contact_id).first()
    if contact is None or not vault.tail_fits(contact, case.no, tail):
        WrongTail.objects.create(no=case.no, at=at)
        raise NotFound
    return case
