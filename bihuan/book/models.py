"""The journal: what happened (events), what must be told (outbox, messages), what was counted (tallies), who looked."""

from django.db import models
from django.db.models import Q

from bihuan.net.regions import RegionModel


class Actor(models.TextChoices):
    POSTING = "posting"
    RESIDENT = "resident"
    CLOCK = "clock"
    SYSTEM = "system"  # an import or a migration


class Event(models.Model):
    """One thing that happened to one track (a case). Rows are only ever inserted (S2).

    `data` is canonical JSON text, hashed byte for byte. Its member "set" holds the columns of the track that this event
    changed, so folding the events of a track gives its columns (S1). `hash` chains over the previous event's hash.
    """

    n = models.IntegerField()  # 1, 2, 3 ... within the track
    at = models.DateTimeField()
    actor = models.CharField(max_length=8, choices=Actor.choices)
    posting = models.BigIntegerField(null=True)  # who, when the actor is a posting
    verb = models.CharField(max_length=16)
    version = models.IntegerField()  # id of the program version the act was judged by
    data = models.TextField()
    hash = models.BinaryField()

    class Meta:
        abstract = True


class Outbox(RegionModel):
    """Work to do after the commit, written in the transaction of the act and drained by the pump."""

    topic = models.CharField(max_length=16)  # tell | ...
    case_id = models.BigIntegerField(null=True)
    payload = models.JSONField()
    run_at = models.DateTimeField()
    attempts = models.SmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["run_at", "id"], condition=Q(attempts__lt=8), name="outbox_due"),
            models.Index(fields=["id"], condition=Q(attempts__gte=8), name="outbox_dead"),
        ]


class Message(RegionModel):
    """One message as it was sent. Its id is the outbox row's, so a second attempt cannot show it twice (S3)."""

    class State(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        FAILED = "failed"

    case_id = models.BigIntegerField(null=True)
    contact_id = models.BigIntegerField(null=True)
    posting = models.BigIntegerField(null=True)
    channel = models.CharField(max_length=12)
    template = models.CharField(max_length=40)
    body = models.TextField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    made_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["region", "case_id"])]


class TallyDelta(RegionModel):
    """A change of counts, written with the event; the pump folds it into `Tally` for every level. Reading adds both."""

    measure = models.CharField(max_length=24)  # accepted, settled, filed, overdue ... (gauge/measures.py)
    at = models.DateTimeField()
    amount = models.IntegerField(default=1)
    l1 = models.BigIntegerField(null=True)
    l2 = models.BigIntegerField(null=True)
    l3 = models.BigIntegerField(null=True)
    l4 = models.BigIntegerField(null=True)
    l5 = models.BigIntegerField(null=True)
    grid = models.BigIntegerField(null=True)
    unit = models.BigIntegerField(null=True)  # the unit the count is scored to


class Tally(models.Model):
    """A folded count: `amount` of `measure` for `unit` (an area, a grid or an organ) in the hour or day at `bucket`.

    `period` is 'hour', 'day' (of settings.TIME_ZONE, stored as the instant they begin) or 'all' (1970); hours are kept for
    40 days, the others for ever. `role` tells whether the unit is counted as the place ('place') or as the handler ('unit').
    """

    region = models.ForeignKey("net.Unit", models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    unit = models.BigIntegerField()
    role = models.CharField(max_length=6)
    measure = models.CharField(max_length=24)
    period = models.CharField(max_length=4)
    bucket = models.DateTimeField()
    amount = models.BigIntegerField()
    pk = models.CompositePrimaryKey("region_id", "unit", "role", "measure", "period", "bucket")

    class Meta:
        # Without `amount`: a column in no index may change in place (HOT), and every fold changes it.
        indexes = [models.Index(fields=["unit", "role", "measure", "period", "bucket"], name="tally_read")]


class Look(RegionModel):
    """Who saw which personal data, when and why. Only ever inserted."""

    at = models.DateTimeField()
    posting = models.BigIntegerField()
    case_id = models.BigIntegerField(null=True)
    what = models.CharField(max_length=24)  # phone, name, search ...
    purpose = models.CharField(max_length=200)

    class Meta:
        indexes = [models.Index(fields=["region", "case_id"]), models.Index(fields=["posting", "at"])]
