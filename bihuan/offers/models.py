"""Needs and who takes them on, with the plan month by month; lasting pairs of units; studios, their sessions and what
people suggest there.

What has a life of its own is a track: `region_id`, `version`, `n` and `head` are for its events (book/journal.py). None
of these tables is spread over regions: M1 needs one place. Free words are rows of dossier.Text (F4), kept with the
track's id; a person is a dossier.Subject, by id.
"""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bihuan.book.models import Event
from bihuan.lib.ids import new_id


class Track(models.Model):
    """A row with a history: every change is one event, in the transaction of the change (S1)."""

    id = models.BigIntegerField(primary_key=True, default=new_id, editable=False)
    no = models.CharField(max_length=8, unique=True)  # what pages and people call it by
    region_id = models.BigIntegerField()  # the county, or the area above one, that it belongs to; never changes
    version = models.IntegerField(default=0)  # of the program it was judged by; 0 where none has a say
    n = models.IntegerField(default=0)
    head = models.BinaryField(default=bytes(32))

    class Meta:
        abstract = True


class TrackEvent(Event):
    """What happened to one track. Only ever inserted (S2)."""

    TRACK = "track_id"
    pk = models.CompositePrimaryKey("track_id", "n")
    region_id = models.BigIntegerField()
    track_id = models.BigIntegerField()

    class Meta:
        abstract = True


class Placed(models.Model):
    """Where something counts: the ids of its place at the levels it may be summed by."""

    l2 = models.BigIntegerField(null=True)
    l3 = models.BigIntegerField(null=True)
    l4 = models.BigIntegerField(null=True)
    l5 = models.BigIntegerField(null=True)

    class Meta:
        abstract = True


def _by_level(name: str, *fields: str, levels: tuple[str, ...] = ("l2", "l3", "l4"), **more: Q) -> list[models.Index]:
    return [models.Index(fields=[level, *fields], name=f"{name}_{level}", **more) for level in levels]


# --- Who takes part -------------------------------------------------------------------------------------------------


class Member(models.Model):
    """A unit takes part in a program (成员单位) from `since` until `until` (exclusive): it may claim needs."""

    program = models.CharField(max_length=60)
    unit = models.ForeignKey("net.Unit", models.PROTECT, related_name="+")
    since = models.DateField()
    until = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "unit"], condition=Q(until=None), name="member_once"),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gte=F("since")), name="member_runs_forward"),
        ]


# --- Needs ----------------------------------------------------------------------------------------------------------


class Round(Track):
    """A time in which needs are collected from an area (集中征集)."""

    program = models.CharField(max_length=60)
    title = models.CharField(max_length=80)
    unit = models.ForeignKey("net.Unit", models.PROTECT, related_name="+")  # the area whose trainees are asked
    window = models.CharField(max_length=8)  # how long a need waits for a claim before it goes up: "10wd"
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("征集")
        constraints = [
            models.UniqueConstraint(fields=["program", "unit"], condition=Q(closed_at=None), name="round_open_once")
        ]


class RoundEvent(TrackEvent):
    pass


class Offer(Track, Placed):
    """A need that somebody may claim (需求). Other kinds of offer come with the mechanisms that need them.

    `unit` is the area at which it is offered now: units standing there, and below on the way to `place`, may claim; when
    nobody does by `window_until` it goes up (M2). `taken` counts claims that hold a seat, those done included, and never
    exceeds `capacity` (M1).
    """

    class Kind(models.TextChoices):
        NEED = "need", _("需求")

    class State(models.TextChoices):
        OPEN = "open", _("待认领")
        TAKEN = "taken", _("帮扶中")
        MET = "met", _("已解决")
        CLOSED = "closed", _("未能解决")
        WITHDRAWN = "withdrawn", _("已撤回")

    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.NEED)
    program = models.CharField(max_length=60)
    round = models.ForeignKey(Round, models.PROTECT, null=True, related_name="offers")
    subject_id = models.BigIntegerField(null=True)
    standing_id = models.BigIntegerField(null=True)
    place = models.ForeignKey("net.Unit", models.PROTECT, related_name="+")  # whose it is: the trainee's village
    unit = models.ForeignKey("net.Unit", models.PROTECT, related_name="+")
    topic = models.CharField(max_length=24)  # kind of need, a key of the program: funds, technique, land ...
    text_id = models.BigIntegerField()
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    capacity = models.SmallIntegerField(default=1)
    taken = models.SmallIntegerField(default=0)
    window = models.CharField(max_length=8)
    opened_at = models.DateTimeField()
    window_until = models.DateTimeField(null=True)  # null while no seat is free
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    met_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    rises = models.SmallIntegerField(default=0)  # how often it went up unclaimed

    class Meta:
        verbose_name = _("需求")
        constraints = [
            models.CheckConstraint(
                condition=Q(taken__gte=0) & Q(taken__lte=F("capacity")), name="m1_taken_in_capacity"
            ),
            models.CheckConstraint(condition=Q(capacity__gte=1), name="offer_has_a_seat"),
            models.CheckConstraint(
                condition=Q(state="met", met_at__isnull=False) | (~Q(state="met") & Q(met_at=None)),
                name="offer_met_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, state__in=["open", "taken"])
                | Q(ended_at__isnull=False, state__in=["met", "closed", "withdrawn"]),
                name="offer_ends_once",
            ),
        ]
        indexes = [
            # What lives, in the order in which it waits for claims; what is taken waits for none and stands last.
            *_by_level("offer_live", "window_until", "id", levels=("l2", "l3", "l4", "l5"), condition=Q(ended_at=None)),
            models.Index(fields=["window_until"], condition=Q(state="open"), name="offer_window"),
            *_by_level("offer_opened", "opened_at", "id", levels=("l2", "l3", "l4", "l5")),
            *_by_level("offer_met", "met_at", "id", levels=("l2", "l3", "l4", "l5"), condition=Q(state="met")),
            models.Index(fields=["subject_id", "opened_at"], name="offer_of_subject"),
        ]


class OfferEvent(TrackEvent):
    pass


class Claim(models.Model):
    """A unit, by one of its people, takes an offer on (认领); `personal` when a leader does so for himself.

    `due_at` is when the next thing it owes must be there: first the plan, then, the plan run out, the word that the need
    is met. When that time passes it is marked late once, and the level above is told.
    """

    class State(models.TextChoices):
        TAKEN = "taken", _("帮扶中")
        DONE = "done", _("已完成")
        RELEASED = "released", _("已退回")

    id = models.BigIntegerField(primary_key=True, default=new_id, editable=False)
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="claims")
    unit = models.ForeignKey("net.Unit", models.PROTECT, related_name="+")
    posting = models.BigIntegerField()
    personal = models.BooleanField(default=False)
    at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.TAKEN)
    planned_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    late = models.SmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["offer", "unit"], condition=Q(state="taken"), name="claim_once_per_unit")
        ]
        indexes = [
            models.Index(fields=["unit", "at", "id"], condition=Q(state="taken"), name="claim_of_unit"),
            models.Index(fields=["unit", "ended_at", "id"], condition=~Q(state="taken"), name="claim_ended"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="claim_due"),
        ]


class PlanItem(models.Model):
    """One line of a help plan (帮扶计划书): who does what by when. A task with a clock.

    It opens with its month, is due at the end of `due_on`, and is marked late once (K3). Measure and report are texts.
    """

    class Stage(models.TextChoices):
        WAITING = "waiting", _("未到月份")
        OPEN = "open", _("进行中")
        DONE = "done", _("已完成")
        DROPPED = "dropped", _("已取消")

    id = models.BigIntegerField(primary_key=True, default=new_id, editable=False)
    claim = models.ForeignKey(Claim, models.PROTECT, related_name="items")
    n = models.SmallIntegerField()
    month = models.DateField()  # its first day
    text_id = models.BigIntegerField()
    helper = models.CharField(max_length=40)  # named in the plan, whoever holds the posting later
    helper_posting = models.BigIntegerField(null=True)
    due_on = models.DateField()
    opens_at = models.DateTimeField()
    due_at = models.DateTimeField()
    stage = models.CharField(max_length=8, choices=Stage.choices, default=Stage.WAITING)
    late = models.BooleanField(default=False)
    started_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.BigIntegerField(null=True)
    done_text_id = models.BigIntegerField(null=True)
    photos = models.JSONField(default=list)
    txn_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["claim", "n"], name="plan_item_once"),
            models.CheckConstraint(
                condition=Q(stage="done", done_at__isnull=False) | (~Q(stage="done") & Q(done_at=None)),
                name="plan_item_done_has_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["opens_at"], condition=Q(stage="waiting"), name="plan_item_opens"),
            models.Index(fields=["due_at"], condition=Q(stage="open", late=False), name="plan_item_due"),
            models.Index(fields=["due_at", "id"], condition=Q(stage="open", late=True), name="plan_item_late"),
            models.Index(fields=["helper_posting", "due_at"], condition=Q(stage="open"), name="plan_item_helper"),
        ]


# --- Lasting pairs --------------------------------------------------------------------------------------------------


class Pairing(Track, Placed):
    """An office's party branch and a village organisation stand together (结对) until one of them ends it.

    Each year has a plan; `plan_due_at` is when the next one must be there.
    """

    class Kind(models.TextChoices):
        BRANCH = "branch", _("机关党支部")
        FIRM = "firm", _("企业党支部")
        SCHOOL = "school", _("院校党支部")

    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.BRANCH)
    unit_a = models.ForeignKey("net.Unit", models.PROTECT, related_name="+")
    unit_b = models.ForeignKey("net.Unit", models.PROTECT, related_name="+")
    since = models.DateField()
    until = models.DateField(null=True)
    made_at = models.DateTimeField()
    plan_due_at = models.DateTimeField(null=True)
    plans_late = models.SmallIntegerField(default=0)

    class Meta:
        verbose_name = _("结对")
        constraints = [
            models.UniqueConstraint(fields=["unit_b", "kind"], condition=Q(until=None), name="pairing_once_per_kind"),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gte=F("since")), name="pairing_runs_forward"),
            models.CheckConstraint(condition=~Q(unit_a=F("unit_b")), name="pairing_of_two"),
        ]
        indexes = [
            *_by_level("pairing", "since", "id", levels=("l2", "l3", "l4", "l5")),
            models.Index(fields=["unit_a"], condition=Q(until=None), name="pairing_of_branch"),
            models.Index(
                fields=["plan_due_at"], condition=Q(plan_due_at__isnull=False, until=None), name="pairing_plan_due"
            ),
        ]


class PairingEvent(TrackEvent):
    pass


class PairYear(models.Model):
    """What a pair means to do in a year."""

    pairing = models.ForeignKey(Pairing, models.PROTECT, related_name="years")
    year = models.SmallIntegerField()
    text_id = models.BigIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pairing", "year"], name="pair_plan_once_a_year")]


class Deed(models.Model):
    """Something a pair did, on a day of a year, counted."""

    class Kind(models.TextChoices):
        PROBLEM = "problem", _("解决难题")
        LESSON = "lesson", _("联合党课")
        VISIT = "visit", _("走访慰问")
        AID = "aid", _("资金物资")
        TRAINING = "training", _("培训交流")
        OTHER = "other", _("其他")

    id = models.BigIntegerField(primary_key=True, default=new_id, editable=False)
    pairing = models.ForeignKey(Pairing, models.PROTECT, related_name="deeds")
    year = models.SmallIntegerField()
    on = models.DateField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    text_id = models.BigIntegerField()
    count = models.IntegerField(default=1)
    photos = models.JSONField(default=list)
    txn_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(count__gte=1), name="deed_counts")]
        indexes = [models.Index(fields=["pairing", "year", "on"], name="deed_of_pairing")]


# --- Studios --------------------------------------------------------------------------------------------------------


class Circle(Track, Placed):
    """A studio (工作室): somebody able hosts it, others belong to it and meet in sessions."""

    class Kind(models.TextChoices):
        STUDIO = "studio", _("书记工作室")

    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.STUDIO)
    title = models.CharField(max_length=60)
    program = models.CharField(max_length=60)
    unit = models.ForeignKey("net.Unit", models.PROTECT, related_name="+")
    host_subject = models.BigIntegerField(null=True)
    host_posting = models.BigIntegerField(null=True)
    since = models.DateField()
    until = models.DateField(null=True)

    class Meta:
        verbose_name = _("工作室")
        constraints = [
            models.CheckConstraint(
                condition=Q(host_subject__isnull=False) | Q(host_posting__isnull=False), name="circle_has_a_host"
            ),
            models.UniqueConstraint(fields=["unit", "title"], condition=Q(until=None), name="circle_once"),
        ]
        indexes = _by_level("circle", "since", "id", levels=("l2", "l3", "l4", "l5"))


class CircleEvent(TrackEvent):
    pass


class CircleMember(models.Model):
    """Somebody belongs to a studio from `since` until `until` (exclusive)."""

    circle = models.ForeignKey(Circle, models.PROTECT, related_name="members")
    subject_id = models.BigIntegerField()
    since = models.DateField()
    until = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["circle", "subject_id"], condition=Q(until=None), name="circle_member_once")
        ]
        indexes = [models.Index(fields=["subject_id"], condition=Q(until=None), name="circle_member_of")]


class Session(Track, Placed):
    """People come together at a time: a studio's, or an area's own (then without a circle).

    `signed` counts those who hold a seat and never exceeds `seats` (M1; null: as many as come).
    """

    class Kind(models.TextChoices):
        PAIRING = "pairing", _("结对帮带")
        TALK = "talk", _("交流座谈")
        TOUR = "tour", _("观摩比拼")
        STUDY = "study", _("外出学习")
        TRAINING = "training", _("培训")

    class State(models.TextChoices):
        PLANNED = "planned", _("已安排")
        HELD = "held", _("已举办")
        CANCELLED = "cancelled", _("已取消")

    circle = models.ForeignKey(Circle, models.PROTECT, null=True, related_name="sessions")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    title = models.CharField(max_length=80)
    program = models.CharField(max_length=60)
    unit = models.ForeignKey("net.Unit", models.PROTECT, related_name="+")
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    venue = models.CharField(max_length=80)
    speaker_subject = models.BigIntegerField(null=True)
    seats = models.SmallIntegerField(null=True)
    signed = models.SmallIntegerField(default=0)
    state = models.CharField(max_length=9, choices=State.choices, default=State.PLANNED)
    text_id = models.BigIntegerField(null=True)  # what came of it
    photos = models.JSONField(default=list)

    class Meta:
        verbose_name = _("活动")
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("begins_at")), name="session_runs_forward"),
            models.CheckConstraint(
                condition=Q(signed__gte=0) & (Q(seats=None) | Q(signed__lte=F("seats"))), name="m1_signed_in_seats"
            ),
        ]
        indexes = [
            *_by_level("session", "begins_at", "id", levels=("l2", "l3", "l4", "l5")),
            models.Index(fields=["circle", "begins_at"], name="session_of_circle"),
        ]


class SessionEvent(TrackEvent):
    pass


class Attendance(models.Model):
    """Somebody has a seat in a session; `present` is null until it was held."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="attendances")
    subject_id = models.BigIntegerField()
    present = models.BooleanField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "subject_id"], name="attendance_once")]
        indexes = [models.Index(fields=["subject_id", "session"], name="attendance_of_subject")]


class Suggestion(Track, Placed):
    """What somebody proposed (建议), in a session or studio or without one; it may become a case, and stays linked to it."""

    program = models.CharField(max_length=60)
    session = models.ForeignKey(Session, models.PROTECT, null=True, related_name="suggestions")
    circle = models.ForeignKey(Circle, models.PROTECT, null=True, related_name="suggestions")
    subject_id = models.BigIntegerField(null=True)
    posting = models.BigIntegerField(null=True)
    unit = models.ForeignKey("net.Unit", models.PROTECT, related_name="+")  # where it belongs
    text_id = models.BigIntegerField()
    at = models.DateTimeField()
    case_region = models.BigIntegerField(null=True)
    case_id = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("建议")
        constraints = [
            models.CheckConstraint(
                condition=Q(subject_id__isnull=False) | Q(posting__isnull=False), name="suggestion_is_somebodys"
            ),
            models.CheckConstraint(
                condition=Q(case_region=None, case_id=None) | Q(case_region__isnull=False, case_id__isnull=False),
                name="suggestion_case_is_whole",
            ),
            models.UniqueConstraint(
                fields=["case_region", "case_id"], condition=Q(case_id__isnull=False), name="suggestion_of_one_case"
            ),
        ]
        indexes = _by_level("suggestion", "at", "id", levels=("l2", "l3", "l4", "l5"))


class SuggestionEvent(TrackEvent):
    pass
