"""What is personal lives here, and only here (F4): contacts encrypted, free text erasable, photos cleaned."""

from django.db import models

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
    made_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["region_id", "case_id"]),
            models.Index(fields=["made_at"], condition=models.Q(case_id=None), name="photo_unclaimed"),
            models.Index(fields=["sha256"]),  # is a stored file still wanted by another row?
        ]
