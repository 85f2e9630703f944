"""What is personal lives here, and only here (F4): contacts encrypted, free text erasable, photos cleaned; and what is
known of the people and units that programs are about: facts, papers, kin."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bihuan.lib.ids import new_id
from bihuan.net.regions import RegionModel


class Contact(RegionModel):
    """A resident's name and phone for one case, encrypted; found by keyed hash, shown masked."""

    case_id = models.BigIntegerField()
    name_sealed = models.BinaryField(null=True)
    phone_sealed = models.BinaryField(null=True)
    phone_index = models.BinaryField(null=True)  # keyed hash of the normalised phone
    tail_index = models.BinaryField(null=True)  # keyed hash of (case number, last four digits)
    name_mask = models.CharField(max_length=20, blank=True)  # 王**
    phone_mask = models.CharField(max_length=20, blank=True)  # 138****1234
    made_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["phone_index", "-id"], name="contact_by_phone")]


class Text(RegionModel):
    """Free words of one act: a report, a note, a reply. The event keeps this id and a salted SHA-256 of the body.

    Erasure blanks body, place and salt; the event's hash then still verifies, because it only holds the digest (F4).
    """

    case_id = models.BigIntegerField()
    body = models.TextField()
    place = models.CharField(max_length=200, blank=True)  # the address as it was given
    salt = models.BinaryField(null=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["region", "case_id"])]


class Photo(models.Model):
    """A re-encoded picture without its metadata, stored under its SHA-256. Unclaimed ones are dropped after 24 hours.

    A picture comes before its case, so this is no region table: (region_id, case_id) are written when a case claims it.
    What is no case (a paper, an entry of the ledger, a visit) holds it by `holder` and `holder_id`.

    Files: `<BIHUAN_VAR>/photos/ab/cd/<sha256>.jpg` and `...-s.jpg` (thumbnail).
    """

    class Stage(models.TextChoices):
        REPORT = "report"
        BEFORE = "before"
        AFTER = "after"
        CHECK = "check"

    id = models.BigIntegerField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(max_length=32, unique=True)  # unguessable public name
    sha256 = models.CharField(max_length=64)
    width = models.IntegerField()
    height = models.IntegerField()
    size = models.IntegerField()  # bytes of the stored picture
    region_id = models.BigIntegerField(null=True)
    case_id = models.BigIntegerField(null=True)
    stage = models.CharField(max_length=6, choices=Stage.choices, default=Stage.REPORT)
    event_n = models.IntegerField(null=True)
    holder = models.CharField(max_length=16, blank=True)  # paper, txn, duty ...
    holder_id = models.BigIntegerField(null=True)
    made_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["region_id", "case_id"]),
            models.Index(fields=["made_at"], condition=Q(case_id=None, holder_id=None), name="photo_unclaimed"),
            models.Index(fields=["holder", "holder_id"], condition=Q(holder_id__isnull=False), name="photo_held"),
            models.Index(fields=["sha256"]),  # is a stored file still wanted by another row?
        ]


class Subject(models.Model):
    """A person or a unit that programs are about. `no` is the public key; the place is where they belong today.

    Phone and identity number are sealed, found by keyed hash and shown masked. The name is in clear: it is read out in
    public notices and searched for. Erasure blanks all of it and removes facts, papers and kin; the row stays.
    """

    class Kind(models.TextChoices):
        PERSON = "person", _("个人")
        UNIT = "unit", _("单位")

    class Gender(models.TextChoices):
        MALE = "male", _("男")
        FEMALE = "female", _("女")

    id = models.BigIntegerField(primary_key=True, default=new_id, editable=False)
    no = models.CharField(max_length=8, unique=True)
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.PERSON)
    name = models.CharField(max_length=80)
    pinyin = models.CharField(max_length=160, blank=True)
    gender = models.CharField(max_length=6, choices=Gender.choices, blank=True)
    born_on = models.DateField(null=True)
    unit = models.ForeignKey("net.Unit", models.PROTECT, related_name="+")  # of a unit: itself
    l1 = models.BigIntegerField(null=True)
    l2 = models.BigIntegerField(null=True)
    l3 = models.BigIntegerField(null=True)
    l4 = models.BigIntegerField(null=True)
    l5 = models.BigIntegerField(null=True)
    person = models.OneToOneField("net.Person", models.PROTECT, null=True, related_name="subject")  # when also staff
    phone_sealed = models.BinaryField(null=True)
    phone_index = models.BinaryField(null=True)
    tail_index = models.BinaryField(null=True)  # keyed hash of (no, last four digits): what opens the public page
    phone_mask = models.CharField(max_length=20, blank=True)
    identity_sealed = models.BinaryField(null=True)
    identity_index = models.BinaryField(null=True)
    identity_mask = models.CharField(max_length=20, blank=True)
    made_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            *[
                models.Index(
                    fields=[f"l{level}", "pinyin"], opclasses=["int8_ops", "varchar_pattern_ops"],
                    name=f"subject_of_l{level}",
                )
                for level in (2, 3, 4, 5)
            ],
            models.Index(fields=["name"], name="subject_by_name"),
            models.Index(fields=["phone_index"], condition=Q(phone_index__isnull=False), name="subject_by_phone"),
        ]  # fmt: skip
        constraints = [
            models.UniqueConstraint(
                fields=["identity_index"], condition=Q(identity_index__isnull=False), name="subject_identity_once"
            ),
            models.UniqueConstraint(fields=["unit"], condition=Q(kind="unit"), name="subject_once_per_unit"),
        ]

    def __str__(self) -> str:
        return self.name


class Kin(models.Model):
    """Somebody of the net who is related to a subject, and therefore decides nothing about them."""

    subject = models.ForeignKey(Subject, models.CASCADE, related_name="kin", db_index=False)
    person = models.ForeignKey("net.Person", models.PROTECT, related_name="+")
    relation = models.CharField(max_length=20)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "person"], name="kin_once")]


class Question(models.Model):
    """What can be known of a subject: `key` is shared by all programs that ask it, so one answer serves them all."""

    class Type(models.TextChoices):
        TEXT = "text", _("文字")
        NUMBER = "number", _("数")
        MONEY = "money", _("金额")
        DATE = "date", _("日期")
        CHOICE = "choice", _("选项")
        FLAG = "flag", _("是否")
        PAPER = "paper", _("材料")

    key = models.CharField(max_length=60, primary_key=True)
    type = models.CharField(max_length=8, choices=Type.choices)
    title = models.CharField(max_length=80)
    unit = models.CharField(max_length=12, blank=True)  # 元, 亩 ...
    choice = models.JSONField(default=list)  # [[key, title], ...], in the order in which they are offered
    minutes = models.SmallIntegerField(default=1)  # what answering costs
    personal = models.BooleanField(default=False)  # an answer in words is sealed

    @property
    def choices(self) -> dict[str, str]:
        """Titles by key."""
        return dict(self.choice)


class Paper(models.Model):
    """A document of a subject as photographed pages: what it is (`material`), and until when it holds."""

    id = models.BigIntegerField(primary_key=True, default=new_id, editable=False)
    subject = models.ForeignKey(Subject, models.PROTECT, related_name="papers", db_index=False)
    material = models.CharField(max_length=60)
    title = models.CharField(max_length=80)
    photos = ArrayField(models.CharField(max_length=32))  # keys, in the order of the pages
    sha256 = ArrayField(models.CharField(max_length=64))
    expires = models.DateField(null=True)  # the last day on which it holds
    made_at = models.DateTimeField()
    by = models.BigIntegerField(null=True)  # the posting that took it in; null: the subject

    class Meta:
        indexes = [
            models.Index(fields=["subject", "material", "-made_at"], name="paper_of_subject"),
            models.Index(fields=["expires"], condition=Q(expires__isnull=False), name="paper_expiring"),
        ]


class Source(models.TextChoices):
    """Who says so; the further up, the higher the usual grade."""

    SELF = "self", _("本人")
    VILLAGE = "village", _("村（社区）")
    TOWN = "town", _("乡镇（街道）")
    COUNTY = "county", _("县（市、区）")
    CITY = "city", _("市")
    REGISTER = "register", _("登记信息")


class Fact(models.Model):
    """One answer about a subject. F1: never edited; the application's role may not. A later word stands before it:

    the answer on a day is the fact with the latest `since` up to that day, the last told where several share it.
    So what changes is told with the day of the change, and what was wrong with the `since` of the wrong fact; a null
    value takes an answer back. `since`, `until` (exclusive) say when it is true, `made_at` when it became known.
    """

    id = models.BigIntegerField(primary_key=True, default=new_id, editable=False)
    subject = models.ForeignKey(Subject, models.PROTECT, related_name="facts", db_index=False)
    question = models.CharField(max_length=60)
    value = models.JSONField(null=True)
    sealed = models.BinaryField(null=True)  # the words of a personal answer; `value` is then its mask
    source = models.CharField(max_length=8, choices=Source.choices)
    grade = models.SmallIntegerField()  # 1 (said) ... 5 (registered)
    since = models.DateField()
    until = models.DateField(null=True)
    proof = models.ForeignKey(Paper, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    by = models.BigIntegerField(null=True)  # the posting that wrote it down; null: the subject or a register

    class Meta:
        indexes = [
            models.Index(fields=["subject", "question", "-since", "-made_at", "-id"], name="fact_in_order"),
            models.Index(fields=["question", "subject"], name="fact_of_question"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(grade__gte=1, grade__lte=5), name="fact_grade_1_to_5"),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gt=F("since")), name="fact_runs_forward"),
        ]
