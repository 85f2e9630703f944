"""The people and units that programs are about: registered once, found again, looked at with a reason, forgotten on request."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from bihuan.book import looks
from bihuan.dossier import vault
from bihuan.dossier.models import Fact, Kin, Paper, Photo, Subject
from bihuan.dossier.texts import tidy
from bihuan.lib.codes import birth_of, is_male, new_short_code, normal_phone, parse_resident_id
from bihuan.lib.ids import new_id
from bihuan.net import tree
from bihuan.net.models import Person, Posting
from bihuan.net.pinyin import spelled
from bihuan.net.scope import in_area

LONGEST_SEARCH = 40
ERASED = "已清除"
GENDERS = (Subject.Gender.FEMALE, Subject.Gender.MALE)


class BadSubject(ValueError):
    """What was said of somebody cannot be right; the message says why, `field` where."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class AlreadyKnown(Exception):
    """Somebody with this identity number (or this unit) is registered already: `subject`."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(_("%(name)s已经登记过，编号 %(no)s。") % {"name": subject.name, "no": subject.no})
        self.subject = subject


class Erased(Exception):
    """What was known of them was erased."""

    def __init__(self) -> None:
        super().__init__(_("这个人的信息已经按规定清除。"))


# Registering


@transaction.atomic
def register(
    name: str,
    *,
    unit: int,
    at: datetime,
    kind: str = "person",
    gender: str = "",
    born_on: date | None = None,
    phone: str = "",
    identity: str = "",
    person: Person | None = None,
) -> Subject:
    """Register a person (or a unit: `unit` is then itself) of the area `unit`, an id of a net unit.

    Of an identity number the day of birth and the gender are taken; what is said besides must agree with it.
    Raises BadSubject, AlreadyKnown, and what `normal_phone` and `parse_resident_id` raise.
    """
    subject = compose(
        name, unit=unit, at=at, kind=kind, gender=gender, born_on=born_on, phone=phone, identity=identity,
        person=person, no=free_numbers(1)[0],
    )  # fmt: skip
    try:
        with transaction.atomic():
            subject.save(force_insert=True)
    except IntegrityError:
        raise AlreadyKnown(_same(subject)) from None
    return subject


def compose(
    name: str,
    *,
    unit: int,
    at: datetime,
    kind: str = "person",
    gender: str = "",
    born_on: date | None = None,
    phone: str = "",
    identity: str = "",
    person: Person | None = None,
    no: str,
) -> Subject:
    """An unsaved subject, sealed and indexed; see `register`. Whether somebody is known already, the caller looks up."""
    name = tidy(name).strip()
    if not name:
        raise BadSubject(_("请填写姓名。"), "name")
    if len(name) > 80:
        raise BadSubject(_("姓名太长，最多 80 个字。"), "name")
    subject = Subject(
        id=new_id(), no=no, kind=kind, name=name, pinyin=spelled(name), gender=gender,
        born_on=born_on, person=person, made_at=at, **_place(unit),
    )  # fmt: skip
    if phone:
        _seal_phone(subject, normal_phone(phone))
    if identity:
        _seal_identity(subject, parse_resident_id(identity))
    if subject.born_on and subject.born_on > at.date():
        raise BadSubject(_("出生日期在今天以后，请核对。"), "born_on")
    return subject


def free_numbers(count: int) -> list[str]:
    """So many public codes that nobody has. One query."""
    made: set[str] = set()
    while len(made) < count:
        fresh = {new_short_code() for _each in range(count - len(made))}
        made |= fresh - set(Subject.objects.filter(no__in=fresh).values_list("no", flat=True))
    return list(made)


def _place(unit_id: int) -> dict[str, Any]:
    levels = tree.snapshot().levels(unit_id)
    return {"unit_id": unit_id, **{f"l{n}": getattr(levels, f"l{n}") for n in range(1, 6)}}


def _seal_phone(subject: Subject, phone: str) -> None:
    subject.phone_sealed = vault.seal(phone, _use("phone", subject))
    subject.phone_index = vault.phone_index(phone)
    subject.tail_index = vault.tail_index(subject.no, phone[-4:])
    subject.phone_mask = vault.mask_phone(phone)


def _seal_identity(subject: Subject, identity: str) -> None:
    born_on, gender = birth_of(identity), GENDERS[is_male(identity)]
    if subject.born_on and (subject.born_on.year, subject.born_on.month) != (born_on.year, born_on.month):
        raise BadSubject(_("出生日期与身份证号码不一致，请核对。"), "born_on")
    if subject.gender and subject.gender != gender:
        raise BadSubject(_("性别与身份证号码不一致，请核对。"), "gender")
    subject.born_on, subject.gender = born_on, gender
    subject.identity_sealed = vault.seal(identity, _use("identity", subject))
    subject.identity_index = vault.identity_index(identity)
    subject.identity_mask = f"{identity[:4]}**********{identity[-4:]}"


def _use(field: str, subject: Subject) -> str:
    return f"subject.{field}:{subject.pk}"


def _same(subject: Subject) -> Subject:
    """Who stands in the way of registering. Raises Subject.DoesNotExist when it was a number that was taken."""
    taken = Q(person=subject.person) if subject.person_id else Q(pk=None)
    if subject.kind == Subject.Kind.UNIT:
        taken |= Q(kind=Subject.Kind.UNIT, unit_id=subject.unit_id)
    if subject.identity_index:
        taken |= Q(identity_index=subject.identity_index)
    return Subject.objects.filter(taken).get()


@transaction.atomic
def change(subject: Subject, *, phone: str | None = None, identity: str | None = None, unit: int | None = None) -> None:
    """Another phone, an identity number where there was none, or another place to belong to.

    Raises AlreadyKnown, BadSubject, Erased, and what `normal_phone` and `parse_resident_id` raise.
    """
    subject = _locked(subject)
    if phone is not None:
        _seal_phone(subject, normal_phone(phone))
    if identity is not None:
        _seal_identity(subject, parse_resident_id(identity))
    if unit is not None:
        for column, value in _place(unit).items():
            setattr(subject, column, value)
    try:
        with transaction.atomic():
            subject.save()
    except IntegrityError:
        raise AlreadyKnown(_same(subject)) from None


def _locked(subject: Subject) -> Subject:
    """The row itself, brought up to date under its lock, so that the caller's object shows what is written."""
    subject.refresh_from_db(from_queryset=Subject.objects.select_for_update())
    if subject.erased_at:
        raise Erased
    return subject


def relate(subject: Subject, person: Person, relation: str) -> Kin:
    """Put on file that somebody of the net is related to a subject; they decide nothing about them then."""
    return Kin.objects.update_or_create(subject=subject, person=person, defaults={"relation": relation.strip()[:20]})[0]


def close_people(subject: Subject) -> frozenset[int]:
    """Ids of the people of the net who may not decide about a subject: themselves and their kin on file."""
    kin = subject.kin.values_list("person_id", flat=True)
    return frozenset(kin) | ({subject.person_id} if subject.person_id else frozenset())


_REPLACE = """
UPDATE dossier_subject AS subject
SET l1 = unit.l1, l2 = unit.l2, l3 = unit.l3, l4 = unit.l4, l5 = unit.l5
FROM net_unit AS unit
WHERE unit.id = subject.unit_id
  AND (subject.l1, subject.l2, subject.l3, subject.l4, subject.l5)
      IS DISTINCT FROM (unit.l1, unit.l2, unit.l3, unit.l4, unit.l5)
"""


def place_anew() -> int:
    """Bring the levels of subjects up to date after the net changed. Returns how many had moved with their unit."""
    with connection.cursor() as cursor:
        cursor.execute(_REPLACE)
        return cursor.rowcount


# Finding


def by_number(no: str) -> Subject | None:
    """By the public code, in its one form (`lib.codes.parse_short_code`)."""
    return Subject.objects.filter(no=no).first()


def of_unit(unit_id: int, *, at: datetime) -> Subject:
    """The subject that a unit is, registered when it was not."""
    name = tree.snapshot().unit(unit_id).name
    try:
        return register(name, unit=unit_id, at=at, kind=Subject.Kind.UNIT)
    except AlreadyKnown as known:
        return known.subject


def named(words: str, within: int, *, most: int = 20) -> list[Subject]:
    """People and units of an area whose name holds the words, or begins so when spelled in letters. One query."""
    words = words.strip()[:LONGEST_SEARCH]
    if not words:
        return []
    letters = words.replace(" ", "").lower()
    said = Q(name__contains=words)
    if letters.isascii() and letters.isalpha():
        said |= Q(pinyin__startswith=letters) | Q(pinyin__contains=f" {letters}")
    return list(here(within).filter(said, erased_at=None).order_by("pinyin", "pk")[:most])


def here(within: int) -> QuerySet[Subject]:
    """The subjects of an area (or of the area that an office lies in)."""
    return Subject.objects.filter(in_area(within))


@transaction.atomic
def find(*, phone: str = "", identity: str = "", by: Posting, purpose: str, at: datetime) -> list[Subject]:
    """Whoever has this phone or identity number, wherever they live; masked. The search itself is a look.

    Raises PurposeMissing, and what `normal_phone` and `parse_resident_id` raise.
    """
    wanted = Q(pk=None)
    if phone:
        wanted |= Q(phone_index=vault.phone_index(normal_phone(phone)))
    if identity:
        wanted |= Q(identity_index=vault.identity_index(parse_resident_id(identity)))
    region = tree.snapshot().region_of(by.unit_id)
    looks.note(region_id=region, case_id=None, what="search", by=by, purpose=purpose, at=at)
    return list(Subject.objects.filter(wanted).order_by("pk")[: vault.HISTORY])


def by_identity(numbers: Iterable[str]) -> dict[str, Subject]:
    """Who has these identity numbers (normalised); for machines that register, so no look is recorded. One query."""
    index = {vault.identity_index(number): number for number in numbers}
    found = Subject.objects.filter(identity_index__in=list(index))
    return {index[bytes(subject.identity_index or b"")]: subject for subject in found}


def tail_fits(subject: Subject, tail4: str) -> bool:
    """Whether `tail4` ends the subject's phone: what opens their public page. No phone, no fit."""
    kept = subject.tail_index
    return kept is not None and hmac.compare_digest(bytes(kept), vault.tail_index(subject.no, tail4))


# Looking and forgetting


@dataclass(frozen=True, slots=True)
class Revealed:
    """Phone and identity number in the clear, on their way to one pair of eyes."""

    phone: str
    identity: str


@transaction.atomic
def reveal(subject: Subject, *, by: Posting, purpose: str, at: datetime) -> Revealed:
    """Open phone and identity number for `by` and write down the look. Whether `by` may, is the caller's question.

    Raises PurposeMissing, Erased or Unreadable; in none of these cases is anything shown.
    """
    if subject.erased_at:
        raise Erased
    _note(subject, "subject", by, purpose, at)
    return Revealed(_open(subject, "phone"), _open(subject, "identity"))


def phones_for_sending(subject_ids: Iterable[int]) -> dict[int, str]:
    """Phones by subject id, for a machine about to send messages; those without a phone are left out."""
    subjects = Subject.objects.filter(pk__in=list(subject_ids), phone_sealed__isnull=False)
    return {subject.pk: _open(subject, "phone") for subject in subjects}


def _open(subject: Subject, field: str) -> str:
    sealed = getattr(subject, f"{field}_sealed")
    return "" if sealed is None else vault.unseal(sealed, _use(field, subject))


def _note(subject: Subject, what: str, by: Posting | None, purpose: str, at: datetime) -> None:
    region = tree.snapshot().region_of(subject.unit_id)
    looks.note(
        region_id=region, case_id=None, what=what, by=by, purpose=purpose, at=at, subject_id=subject.pk
    )  # fmt: skip


@transaction.atomic
def erase(subject: Subject, *, by: Posting | None, at: datetime, ground: str) -> None:
    """Forget who a subject is and what was known of them; `ground` says by what right, and is kept as a look.

    What happened to them stays, under nobody's name: events, transactions and counts hold no personal words (F4).
    """
    subject = _locked(subject)
    _note(subject, "erase", by, ground, at)
    Fact.objects.filter(subject=subject).delete()
    pages = [key for keys in subject.papers.values_list("photos", flat=True) for key in keys]
    Paper.objects.filter(subject=subject).delete()
    Photo.objects.filter(key__in=pages, holder="paper").delete()
    Kin.objects.filter(subject=subject).delete()
    for column in ("phone_sealed", "phone_index", "tail_index", "identity_sealed", "identity_index", "person"):
        setattr(subject, column, None)
    subject.phone_mask = subject.identity_mask = subject.pinyin = subject.gender = ""
    subject.name, subject.born_on, subject.erased_at = ERASED, None, at
    subject.save()


def rotate(*, after: int = 0, limit: int = 1000) -> tuple[int, int]:
    """Seal again under the current key, as `vault.rotate` does for contacts."""
    with transaction.atomic():
        subjects = list(Subject.objects.select_for_update().filter(pk__gt=after).order_by("pk")[:limit])
        changed = [subject for subject in subjects if any([_reseal(subject, "phone"), _reseal(subject, "identity")])]
        Subject.objects.bulk_update(changed, ["phone_sealed", "identity_sealed"])
    return (subjects[-1].pk if len(subjects) == limit else 0), len(changed)


def _reseal(subject: Subject, field: str) -> bool:
    sealed = getattr(subject, f"{field}_sealed")
    if sealed is None or vault.is_current(sealed):
        return False
    setattr(subject, f"{field}_sealed", vault.seal(_open(subject, field), _use(field, subject)))
    return True
