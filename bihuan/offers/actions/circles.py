"""Studios (书记工作室): founded and joined; sessions planned, signed up for and held; suggestions, which may become cases."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.book.journal import Acting
from bihuan.dossier.models import Subject, Text
from bihuan.loop.actions import intake
from bihuan.loop.actions.intake import Filed
from bihuan.loop.moves import IllegalMove, Missing
from bihuan.loop.report import Report
from bihuan.net import tree
from bihuan.net.models import Posting, Unit
from bihuan.net.scope import area_of, covers, require_scope
from bihuan.offers import access
from bihuan.offers.models import Attendance, Circle, CircleMember, Session, Suggestion
from bihuan.offers.record import attach, begin, note, place_columns, region_of, words
from bihuan.offers.suggester import contact_of
from bihuan.offers.tell import queue


@transaction.atomic
def found(
    title: str,
    *,
    program: str,
    unit: Unit,
    by: Posting,
    at: datetime,
    host: Subject | None = None,
    host_posting: Posting | None = None,
    kind: str = Circle.Kind.STUDIO,
    since: date | None = None,
) -> Circle:
    """Found a studio at a place; its host is a trainee or the holder of a post (a strong secretary).

    Raises NotYours, OutOfScope, Missing, IllegalMove (the place has one of this name).
    """
    access.require_role(by, access.ANSWERABLE)
    require_scope(by, unit)
    if not title.strip():
        raise Missing("title", _("请填写工作室的名称。"))
    if host is None and host_posting is None:
        raise Missing("host", _("请选择工作室的主持人。"))
    circle = Circle(
        kind=kind, title=title.strip()[:60], program=program, unit=unit, host_subject=host and host.pk,
        host_posting=host_posting and host_posting.pk, since=since or timezone.localdate(at),
        region_id=region_of(unit.pk), **place_columns(unit.pk),
    )  # fmt: skip
    try:
        with transaction.atomic():
            begin(circle, by=by, at=at)
    except IntegrityError:
        raise IllegalMove(_("这个地方已有同名的工作室。")) from None
    return circle


@transaction.atomic
def close(circle: Circle, *, on: date, by: Posting, at: datetime) -> Circle:
    """A studio ends on a day; its sessions stay. Raises NotYours, OutOfScope, IllegalMove."""
    circle = _living(circle)
    _require_host(by, circle)
    if not circle.since <= on <= timezone.localdate(at):
        raise IllegalMove(_("结束日期要在成立之后，不能晚于今天。"))
    CircleMember.objects.filter(circle=circle, until=None, since__lte=on).update(until=on)
    note(circle, "close", by=by, at=at, until=on)
    return circle


@transaction.atomic
def join(circle: Circle, subject: Subject, *, by: Posting, at: datetime, since: date | None = None) -> CircleMember:
    """A trainee becomes a member of a studio. Raises NotYours, OutOfScope, IllegalMove (a member already)."""
    circle = _living(circle)
    _require_host(by, circle, of=subject)
    if CircleMember.objects.filter(circle=circle, subject_id=subject.pk, until=None).exists():
        raise IllegalMove(_("这位同志已经是工作室的成员。"))
    since = max(since or timezone.localdate(at), circle.since)
    member = CircleMember.objects.create(circle=circle, subject_id=subject.pk, since=since)
    note(circle, "join", by=by, at=at, facts={"subject": subject.pk, "since": since})
    return member


@transaction.atomic
def leave(member: CircleMember, *, on: date, by: Posting, at: datetime) -> CircleMember:
    """A member leaves a studio on a day. Raises NotYours, OutOfScope, IllegalMove."""
    circle = _living(member.circle)
    _require_host(by, circle)
    member = CircleMember.objects.get(pk=member.pk)
    if member.until is not None or on < member.since:
        raise IllegalMove(_("这位同志在那一天不是工作室的成员。"))
    member.until = on
    member.save(update_fields=["until"])
    note(circle, "leave", by=by, at=at, facts={"subject": member.subject_id, "until": on})
    return member


def _living(circle: Circle) -> Circle:
    circle = Circle.objects.select_for_update().get(pk=circle.pk)
    if circle.until is not None:
        raise IllegalMove(_("这个工作室已经结束。"))
    return circle


def _require_host(by: Posting, circle: Circle, of: Subject | None = None) -> None:
    """Raises unless `by` hosts the studio, or answers for its place or (of) for this trainee."""
    if by.pk == circle.host_posting or access.person_of(circle.host_subject) == by.person_id:
        return
    access.require_role(by, access.ANSWERABLE)
    if of is None or not covers(by, tree.snapshot().unit(of.unit_id)):
        require_scope(by, circle.unit)


# --- Sessions -------------------------------------------------------------------------------------------------------


@transaction.atomic
def call(
    title: str,
    *,
    kind: str,
    begins_at: datetime,
    ends_at: datetime,
    venue: str,
    by: Posting,
    at: datetime,
    circle: Circle | None = None,
    program: str = "",
    unit: Unit | None = None,
    speaker: Subject | None = None,
    seats: int | None = None,
) -> Session:
    """Put a session into the calendar of a studio, or (without one) of an area. A past one may be entered, to be held.

    Raises NotYours, OutOfScope, Missing, IllegalMove.
    """
    if circle is not None:
        circle = _living(circle)
        _require_host(by, circle)
        program, unit = circle.program, circle.unit
    else:
        _require_caller(by, unit)
    _check(title, kind, begins_at, ends_at, venue, seats)
    session = Session(
        circle=circle, kind=kind, title=title.strip()[:80], program=program, unit_id=unit.pk, begins_at=begins_at,
        ends_at=ends_at, venue=venue.strip()[:80], speaker_subject=speaker and speaker.pk, seats=seats,
        region_id=region_of(unit.pk), **place_columns(unit.pk),
    )  # fmt: skip
    begin(session, by=by, at=at)
    return session


def _require_caller(by: Posting, unit: Unit | None) -> None:
    if unit is None:
        raise Missing("unit", _("请选择举办的地区或单位。"))
    access.require_role(by, access.PEOPLE)
    require_scope(by, unit)


def _check(title: str, kind: str, begins_at: datetime, ends_at: datetime, venue: str, seats: int | None) -> None:
    faults = {
        "title": (not title.strip(), _("请填写活动的名称。")),
        "kind": (kind not in Session.Kind.values, _("请选择活动的类别。")),
        "ends_at": (ends_at <= begins_at, _("结束时间要在开始之后。")),
        "venue": (not venue.strip(), _("请填写地点。")),
        "seats": (seats is not None and not 1 <= seats <= 10_000, _("名额应在1到10000之间。")),
    }
    for field, (wrong, says) in faults.items():
        if wrong:
            raise Missing(field, says)


@transaction.atomic
def sign_up(session: Session, subject: Subject, *, by: Acting, at: datetime) -> Attendance:
    """Give somebody a seat; M1: seats are counted under the session's lock. By who answers for him, the host, or himself.

    Raises IllegalMove (full, held, or signed up already), NotYours, OutOfScope.
    """
    session = _planned(session)
    if isinstance(by, Posting):
        _require_session(by, session, of=subject)
    if session.seats is not None and session.signed >= session.seats:
        raise IllegalMove(_("名额已满。"))
    if Attendance.objects.filter(session=session, subject_id=subject.pk).exists():
        raise IllegalMove(_("这位同志已经报名。"))
    seat = Attendance.objects.create(session=session, subject_id=subject.pk)
    note(session, "sign_up", by=by, at=at, facts={"subject": subject.pk}, signed=session.signed + 1)
    return seat


@transaction.atomic
def hold(
    session: Session,
    *,
    present: Iterable[Subject],
    text: str,
    by: Posting,
    at: datetime,
    photos: Sequence[str] = (),
) -> Session:
    """The session took place: who was there, and what came of it. Who had a seat and was not there is absent.

    Raises IllegalMove (held or cancelled already, or not begun), NotYours, OutOfScope, NoWords, BadPhoto.
    """
    session = _planned(session)
    _require_session(by, session)
    if at < session.begins_at:
        raise IllegalMove(_("活动还没有开始，不能登记为已举办。"))
    there = list(dict.fromkeys(subject.pk for subject in present))
    said = words(session, text)
    kept = attach(session, photos)
    _seat(session, there)
    facts = {"present": there, **said}
    changes = {"state": Session.State.HELD.value, "text_id": said["text"], "photos": kept}
    note(session, "hold", by=by, at=at, facts=facts, **changes)
    return session


def _seat(session: Session, there: Sequence[int]) -> None:
    """Mark who was present; who came without a seat is added, for attendance is a fact and no claim."""
    seats = Attendance.objects.filter(session=session)
    seats.update(present=False)
    seats.filter(subject_id__in=there).update(present=True)
    known = set(seats.values_list("subject_id", flat=True))
    Attendance.objects.bulk_create(
        Attendance(session=session, subject_id=pk, present=True) for pk in there if pk not in known
    )


@transaction.atomic
def attend(session: Session, subject: Subject, *, present: bool, by: Posting, at: datetime) -> Attendance:
    """Correct who was at a session that was held. Raises IllegalMove, NotYours, OutOfScope."""
    session = Session.objects.select_for_update().get(pk=session.pk)
    _require_session(by, session, of=subject)
    if session.state != Session.State.HELD:
        raise IllegalMove(_("活动举办以后才能补登出席。"))
    row, _new = Attendance.objects.update_or_create(
        session=session, subject_id=subject.pk, defaults={"present": present}
    )
    note(session, "attend", by=by, at=at, facts={"subject": subject.pk, "present": present})
    return row


@transaction.atomic
def cancel(session: Session, *, text: str, by: Posting, at: datetime) -> Session:
    """The session does not take place. Raises IllegalMove, NotYours, OutOfScope, NoWords."""
    session = _planned(session)
    _require_session(by, session)
    note(session, "cancel", by=by, at=at, facts=words(session, text), state=Session.State.CANCELLED.value)
    return session


def _planned(session: Session) -> Session:
    session = Session.objects.select_for_update().get(pk=session.pk)
    if session.state != Session.State.PLANNED:
        label = Session.State(session.state).label
        raise IllegalMove(_("这次活动当前为“%(state)s”，不能进行这一步操作。") % {"state": label})
    return session


def _require_session(by: Posting, session: Session, of: Subject | None = None) -> None:
    if session.circle is not None:
        _require_host(by, session.circle, of=of)
        return
    access.require_role(by, access.PEOPLE)
    if of is None or not covers(by, tree.snapshot().unit(of.unit_id)):
        require_scope(by, session.unit)


# --- Suggestions ----------------------------------------------------------------------------------------------------


@transaction.atomic
def suggest(
    text: str,
    *,
    by: Acting,
    at: datetime,
    program: str = "",
    subject: Subject | None = None,
    session: Session | None = None,
    circle: Circle | None = None,
) -> Suggestion:
    """Keep what somebody proposed: a trainee (`subject`, written down by anybody who works with them or by himself) or the
    posting itself. It belongs to the session's or studio's place, or else to the suggester's.

    Raises NotYours, NoWords.
    """
    if isinstance(by, Posting):
        access.require_role(by, access.PEOPLE)
    circle = circle or (session.circle if session else None)
    where = session or circle
    unit = where.unit_id if where else subject.unit_id if subject else by.unit_id  # type: ignore[union-attr]
    own = by.pk if subject is None and isinstance(by, Posting) else None
    suggestion = Suggestion(
        program=where.program if where else program, session=session, circle=circle, posting=own, unit_id=unit, at=at,
        subject_id=subject and subject.pk, region_id=region_of(unit), **place_columns(unit),
    )  # fmt: skip
    said = words(suggestion, text)
    suggestion.text_id = said["text"]
    begin(suggestion, by=by, at=at, facts=said)
    queue(suggestion, "suggested", at=at, to="area", unit=unit)
    return suggestion


@transaction.atomic
def make_case(suggestion: Suggestion, *, by: Posting, at: datetime) -> Filed:
    """Turn a suggestion into a case of its place, in the suggester's name and with his phone, once; both know the other
    by (region, id): `suggestion.case_region, case_id` and `access.suggestion_of`.

    Raises NotYours, OutOfScope, IllegalMove (it is a case already), BadReport, TooMany.
    """
    suggestion = Suggestion.objects.select_for_update().get(pk=suggestion.pk)
    access.require_role(by, access.ANSWERABLE)
    require_scope(by, suggestion.unit)
    if suggestion.case_id is not None:
        raise IllegalMove(_("这条建议已经转为工单。"))
    filed = intake.file(_report(suggestion, by=by, at=at), at=at)
    links = {"case_region": filed.region_id, "case_id": filed.id}
    note(suggestion, "make_case", by=by, at=at, facts={"number": filed.number}, **links)
    return filed


def _report(suggestion: Suggestion, *, by: Posting, at: datetime) -> Report:
    """What is filed: the same words, with an id of its own made from the suggestion's, so that it cannot be filed twice."""
    body = Text.objects.values_list("body", flat=True).get(region_id=suggestion.region_id, pk=suggestion.text_id)
    name, phone = contact_of(suggestion, by=by, at=at)
    unit = tree.snapshot().unit(suggestion.unit_id)
    place = {"grid": unit.code} if unit.is_place else {"area": area_of(unit, tree.snapshot()).code}
    return Report(type="suggestion", text=body, name=name, phone=phone, client_id=UUID(int=suggestion.pk), **place)
