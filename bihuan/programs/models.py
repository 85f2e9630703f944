"""Programs and their published versions. A document is data; what it means is in `document.py`."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce


class Program(models.Model):
    """A mechanism a unit runs: `key` names it for ever, `kind` says which vocabulary of verbs it speaks."""

    key = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=12)  # case (others come with their kinds)
    title = models.CharField(max_length=80)
    owner = models.ForeignKey("net.Unit", models.PROTECT, null=True)


def _point(field: str) -> Func:
    """A number as a one-point range, so that the constraint needs no extension. None is 0: an empty end would be open."""
    number = Coalesce(F(field), Value(0), output_field=models.BigIntegerField())
    return Func(number, number, Value("[]"), function="int8range")


def _span(start: str, end: str) -> Func:
    return Func(F(start), F(end), Value("[)"), function="tstzrange")


class Version(models.Model):
    """One published document. C1: never changed once live; versions in force of one program and unit never overlap.

    unit: None for the program as it is everywhere. A unit's own version (an overlay) is the whole document again: `base`,
    the version above it, with the unit's `terms` written in. Each unit counts its own versions.
    """

    class State(models.TextChoices):
        DRAFT = "draft"
        LIVE = "live"
        RETIRED = "retired"

    program = models.ForeignKey(Program, models.PROTECT, related_name="versions")
    unit = models.ForeignKey("net.Unit", models.PROTECT, null=True, related_name="+")
    base = models.ForeignKey("self", models.PROTECT, null=True, related_name="overlays")
    n = models.IntegerField()
    terms = models.TextField(default="")  # an overlay's own text: TOML, [set] by path
    doc = models.TextField()  # the TOML text, byte for byte
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    since = models.DateTimeField(null=True)  # in force from
    until = models.DateTimeField(null=True)  # exclusive
    published_by = models.ForeignKey("net.Posting", models.PROTECT, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "unit", "n"], nulls_distinct=False, name="version_number_once"),
            ExclusionConstraint(
                name="c1_versions_do_not_overlap",
                expressions=[
                    (_point("program_id"), "&&"),
                    (_point("unit_id"), "&&"),
                    (_span("since", "until"), "&&"),
                ],
                condition=~Q(state="draft"),
            ),
            models.CheckConstraint(condition=Q(state="draft") | Q(since__isnull=False), name="live_has_a_start"),
            models.CheckConstraint(
                condition=Q(unit=None, base=None, terms="") | Q(unit__isnull=False, base__isnull=False),
                name="an_overlay_has_a_base",
            ),
        ]


class Draft(models.Model):
    """What an author is still writing for a program; any text, never in force. Versions, once written, are never rewritten,
    so drafts stand by themselves."""

    program = models.OneToOneField(Program, models.PROTECT, related_name="draft")
    doc = models.TextField()
    sha256 = models.CharField(max_length=64)
    by = models.ForeignKey("net.Posting", models.PROTECT, related_name="+")
    saved_at = models.DateTimeField()


class Move(models.Model):
    """What a publication does to those who are under an older version: they are moved, or they stay there.

    klass: the worst change between the two versions. within: only those in this unit (its overlay is new).
    planned: how many there were in each place when it was published. moved, left: how many went over since then, and how
    many could not; `reasons` says why, by number. One by one, those who stay may be moved later: they count in `moved`.
    """

    class Stage(models.TextChoices):
        WAITING = "waiting"  # to be moved, from `since` on
        KEPT = "kept"  # they stay
        DONE = "done"

    program = models.ForeignKey(Program, models.PROTECT, related_name="moves")
    from_version = models.ForeignKey(Version, models.PROTECT, related_name="+")
    to_version = models.ForeignKey(Version, models.PROTECT, related_name="+")
    within = models.ForeignKey("net.Unit", models.PROTECT, null=True, related_name="+")
    klass = models.CharField(max_length=10)
    stage = models.CharField(max_length=8, choices=Stage.choices)
    planned = models.JSONField(default=dict)
    moved = models.IntegerField(default=0)
    left = models.IntegerField(default=0)
    reasons = models.JSONField(default=dict)
    by = models.ForeignKey("net.Posting", models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["from_version", "to_version", "within"], nulls_distinct=False, name="move_once"
            )
        ]
        indexes = [models.Index(fields=["since", "id"], condition=Q(stage="waiting"), name="move_waiting")]
