"""The journal: what happened (events), what must be told (outbox, messages), what was counted (tallies), who looked;
and the ledger: what was given and what came back (accounts, transactions, entries)."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from bihuan.lib.ids import new_id
from bihuan.net.regions import RegionModel


class Actor(models.TextChoices):
    POSTING = "posting"
    RESIDENT = "resident"
    CLOCK = "clock"
    SYSTEM = "system"  # an import or a migration


class Event(models.Model):
    """One thing that happened to one track (a case, a standing), named in the column TRACK. Rows are only inserted (S2).

    `data` is canonical JSON text, hashed byte for byte. Its member "set" holds the columns of the track that this event
    changed, so folding the events of a track gives its columns (S1). `hash` chains over the previous event's hash.
    """

    TRACK: ClassVar[str] = "case_id"
    CALLED: ClassVar[str] = "工单"  # what a track is called

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
    subject_id = models.BigIntegerField(null=True)  # whose dossier it was, when it was no case
    what = models.CharField(max_length=24)  # phone, name, search ...
    purpose = models.CharField(max_length=200)

    class Meta:
        indexes = [
            models.Index(fields=["region", "case_id"]),
            models.Index(fields=["posting", "at"]),
            models.Index(fields=["subject_id", "at"], condition=Q(subject_id__isnull=False), name="look_at_subject"),
        ]


class Owner(models.TextChoices):
    """Whose account it is. The world is everybody who is not in the net: a bank, a firm, a household."""

    UNIT = "unit"
    SUBJECT = "subject"
    WORLD = "world"


class Account(models.Model):
    """What one owner has given (below zero) and received of one measure. A `floor` account never goes below zero."""

    id = models.BigIntegerField(primary_key=True, default=new_id, editable=False)
    owner_kind = models.CharField(max_length=8, choices=Owner.choices)
    owner_id = models.BigIntegerField()  # 0 for the world
    measure = models.CharField(max_length=60)
    floor = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner_kind", "owner_id", "measure"], name="account_once"),
        ]


class Txn(models.Model):
    """One thing given, or one taken back. Rows are only ever inserted: the application's role may do no more.

    on: the day it is counted on; at: when it became known. What reverses another has its day and the opposite amount,
    so a sum over days is right as known at any instant. l1 .. l5 are the place it is counted for, as it was then.
    note: a few words about the thing; what is said of people belongs into a text of the dossier (`text_id`, erasable).
    """

    class Side(models.TextChoices):
        SUPPORT = "support"  # given to those a program is about
        CONTRIBUTION = "contribution"  # given back by them

    id = models.BigIntegerField(primary_key=True, default=new_id, editable=False)
    program = models.CharField(max_length=60)
    rule = models.CharField(max_length=80)
    cause_kind = models.CharField(max_length=16)
    cause_region = models.BigIntegerField(null=True)
    cause_id = models.BigIntegerField()
    side = models.CharField(max_length=12, choices=Side.choices)
    measure = models.CharField(max_length=60)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    giver_kind = models.CharField(max_length=8, choices=Owner.choices)
    giver_id = models.BigIntegerField()
    giver_name = models.CharField(max_length=80, blank=True)  # of a giver in the world
    receiver_kind = models.CharField(max_length=8, choices=Owner.choices)
    receiver_id = models.BigIntegerField()
    unit_id = models.BigIntegerField()
    l1 = models.BigIntegerField(null=True)
    l2 = models.BigIntegerField(null=True)
    l3 = models.BigIntegerField(null=True)
    l4 = models.BigIntegerField(null=True)
    l5 = models.BigIntegerField(null=True)
    on = models.DateField()
    at = models.DateTimeField()
    by = models.BigIntegerField(null=True)  # posting; null: a clock, an import or the subject
    text_id = models.BigIntegerField(null=True)
    note = models.CharField(max_length=200, blank=True)
    evidence = ArrayField(models.CharField(max_length=32), default=list)  # keys of photos
    reverses = models.OneToOneField("self", models.PROTECT, null=True, related_name="reversed_by")

    class Meta:
        indexes = [
            *[
                models.Index(
                    fields=["program", f"l{level}", "side", "measure", "on"], include=["at", "amount"],
                    name=f"txn_of_l{level}",
                )
                for level in (2, 3, 4, 5)
            ],
            models.Index(fields=["receiver_kind", "receiver_id", "-on", "-id"], name="txn_received"),
            models.Index(fields=["giver_kind", "giver_id", "-on", "-id"], name="txn_given"),
        ]  # fmt: skip
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "cause_kind", "cause_region", "cause_id", "measure"], condition=Q(reverses=None),
                nulls_distinct=False, name="g2_once_per_cause",
            ),
            models.CheckConstraint(
                condition=Q(reverses=None, amount__gt=0) | Q(reverses__isnull=False, amount__lt=0),
                name="txn_amount_has_its_sign",
            ),
            models.CheckConstraint(
                condition=~Q(giver_kind=F("receiver_kind"), giver_id=F("receiver_id")), name="txn_between_two"
            ),
        ]  # fmt: skip


class Entry(models.Model):
    """What one transaction did to one account. G1: the entries of a transaction sum to zero per measure."""

    id = models.BigIntegerField(primary_key=True, default=new_id, editable=False)
    txn = models.ForeignKey(Txn, models.PROTECT, related_name="entries")
    account = models.ForeignKey(Account, models.PROTECT, related_name="entries", db_index=False)
    measure = models.CharField(max_length=60)
    amount = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        indexes = [models.Index(fields=["account", "-id"], include=["amount"], name="entry_of_account")]
