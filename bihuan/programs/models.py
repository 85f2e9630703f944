"""Programs and their published versions. A document is data; what it means is in `document.py`."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import F, Func, Q, Value


class Program(models.Model):
    """A mechanism a unit runs: `key` names it for ever, `kind` says which vocabulary of verbs it speaks."""

    key = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=12)  # case (others come with their kinds)
    title = models.CharField(max_length=80)
    owner = models.ForeignKey("net.Unit", models.PROTECT, null=True)


def _point(field: str) -> Func:
    """A number as a one-point range, so that the constraint needs no extension."""
    return Func(F(field), F(field), Value("[]"), function="int8range")


def _span(start: str, end: str) -> Func:
    return Func(F(start), F(end), Value("[)"), function="tstzrange")


class Version(models.Model):
    """One published document. C1: never changed once live; versions in force of one program never overlap."""

    class State(models.TextChoices):
        DRAFT = "draft"
        LIVE = "live"
        RETIRED = "retired"

    program = models.ForeignKey(Program, models.PROTECT, related_name="versions")
    n = models.IntegerField()
    doc = models.TextField()  # the TOML text, byte for byte
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    since = models.DateTimeField(null=True)  # in force from
    until = models.DateTimeField(null=True)  # exclusive
    published_by = models.ForeignKey("net.Posting", models.PROTECT, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "n"], name="version_number_once"),
            ExclusionConstraint(
                name="c1_versions_do_not_overlap",
                expressions=[(_point("program_id"), "&&"), (_span("since", "until"), "&&")],
                condition=~Q(state="draft"),
            ),
            models.CheckConstraint(condition=Q(state="draft") | Q(since__isnull=False), name="live_has_a_start"),
        ]
