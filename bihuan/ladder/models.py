"""A rise: the standing on a ladder, its events and spans, the passes through gates with votes, notices and appeals.

None of these tables is spread by region (D1 needs one place): `region_id` is a plain number here, kept because the
journal chains it and because messages and cases that follow from a standing belong to a region.
"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bihuan.book.models import Event
from bihuan.lib.ids import new_id

NOMINEE = ""  # the stage of somebody who is at an entering gate and on no stage yet


class LadderModel(models.Model):
    """A row whose id is made by the application and grows with time."""

    id = models.BigIntegerField(primary_key=True, default=new_id, editable=False)

    class Meta:
        abstract = True


class Standing(LadderModel):
    """Where one subject stands in one program. D1: one that has not ended per subject and program.

    `stage` is NOMINEE until an entering gate is passed. `since`: since when on this stage. `rung` is the stage's order
    in the program, higher is higher. `reached` says that the subject became what the ladder aims at, which is another
    fact than the stage. `result` tells how it ended. `n` and `head` are the number and the hash of the last event.
    """

    no = models.CharField(max_length=16, unique=True)
    program = models.CharField(max_length=60)  # programs.Program.key
    version = models.IntegerField()  # programs.Version
    subject = models.ForeignKey("dossier.Subject", models.PROTECT, related_name="standings")
    unit = models.ForeignKey("net.Unit", models.PROTECT, related_name="+")  # the village or area it belongs to
    region_id = models.BigIntegerField()  # the county-level unit
    l2 = models.BigIntegerField(null=True)
    l3 = models.BigIntegerField(null=True)
    l4 = models.BigIntegerField(null=True)
    l5 = models.BigIntegerField(null=True)
    stage = models.CharField(max_length=40, blank=True, default=NOMINEE)
    rung = models.SmallIntegerField(default=0)
    since = models.DateTimeField()
    entered_at = models.DateTimeField(null=True)  # the first stage; null for a nominee
    ended_at = models.DateTimeField(null=True)
    result = models.CharField(max_length=40, blank=True, default="")
    reached = models.BooleanField(default=False)
    reached_at = models.DateTimeField(null=True)
    answerable = models.BigIntegerField(null=True)  # the posting answerable for it (包保)
    rank_value = models.CharField(max_length=40, blank=True, default="")  # the answer it was last ranked by
    n = models.IntegerField(default=0)
    head = models.BinaryField(default=bytes(32))

    seen_n: int | None = None  # not stored: the last event the caller has seen; an act on an older sight is refused

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "program"], condition=Q(ended_at=None), name="d1_one_standing"),
            models.CheckConstraint(condition=Q(ended_at=None) | ~Q(result=""), name="an_ended_standing_says_how"),
        ]
        indexes = [
            *[
                models.Index(
                    fields=["program", level, "stage", "id"], condition=Q(ended_at=None), name=f"standing_{level}"
                )
                for level in ("l2", "l3", "l4", "l5")
            ],
            models.Index(fields=["program", "ended_at"], condition=~Q(ended_at=None), name="standing_ended"),
            models.Index(fields=["answerable"], condition=Q(ended_at=None), name="standing_answerable"),
        ]


class StandingEvent(Event):
    """What happened to a standing; the chain is the same as a case's."""

    TRACK: ClassVar[str] = "standing_id"
    CALLED: ClassVar[str] = "培养档案"

    pk = models.CompositePrimaryKey("standing_id", "n")
    standing_id = models.BigIntegerField()
    region_id = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["at"])]


class Span(LadderModel):
    """A standing was on a stage from `since` until `until` (exclusive), at a place: for counts as of any past moment."""

    standing = models.ForeignKey(Standing, models.PROTECT, related_name="spans")
    program = models.CharField(max_length=60)
    stage = models.CharField(max_length=40)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    l2 = models.BigIntegerField(null=True)
    l3 = models.BigIntegerField(null=True)
    l4 = models.BigIntegerField(null=True)
    l5 = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["standing"], condition=Q(until=None), name="span_open_once"),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=models.F("since")), name="ladder_span_runs_forward"
            ),
        ]
        indexes = [
            models.Index(fields=["program", "stage", "since"]),
            *[models.Index(fields=["program", level, "stage"], name=f"span_{level}") for level in ("l3", "l4", "l5")],
        ]


class Pass(LadderModel):
    """A standing's way through one gate. D2: stages change only through one.

    `step` is where it is now: the key of a review, or one of the words of `Step`; empty when it has ended. `unit_id`
    must see to that step. `facts` are the ids of the facts the tests were judged by (F1). `result` is null while open.
    `effective_at`: when it took effect on the standing.
    """

    class Result(models.TextChoices):
        PASSED = "passed", _("通过")
        FAILED = "failed", _("未通过")
        WITHDRAWN = "withdrawn", _("已撤回")

    class Step(models.TextChoices):
        NOTICE = "notice", _("公示")
        OBJECTION = "objection", _("异议处理")
        RANK = "rank", _("等待排名")
        ROOM = "room", _("等待名额")
        APPEAL = "appeal", _("申诉期")
        RULING = "ruling", _("申诉处理")

    standing = models.ForeignKey(Standing, models.PROTECT, related_name="passes")
    gate = models.CharField(max_length=40)
    round = models.SmallIntegerField(default=1)  # of this gate for this standing
    opened_at = models.DateTimeField()
    opened_by = models.BigIntegerField(null=True)  # posting; null: the subject, or the clock
    opener = models.CharField(max_length=8)  # book.Actor
    step = models.CharField(max_length=40, blank=True)
    step_unit = models.BigIntegerField(null=True)
    step_since = models.DateTimeField()
    step_due = models.DateTimeField(null=True)
    facts = ArrayField(models.BigIntegerField(), default=list)
    tests = models.JSONField(default=list)  # [[test, held, sentence], ...] as judged at the opening
    result = models.CharField(max_length=9, choices=Result.choices, null=True)
    ended_at = models.DateTimeField(null=True)
    effective_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["standing"], condition=Q(ended_at=None), name="one_open_pass"),
            models.CheckConstraint(
                condition=Q(ended_at=None, result=None) | Q(ended_at__isnull=False, result__isnull=False),
                name="an_ended_pass_says_how",
            ),
        ]
        indexes = [
            models.Index(fields=["step_unit", "step", "step_due"], condition=Q(ended_at=None), name="pass_open_unit"),
            models.Index(fields=["gate", "ended_at"]),
        ]


class Vote(LadderModel):
    """One verdict in one step of a pass, by a posting. Only ever inserted."""

    class Verdict(models.TextChoices):
        AGREE = "agree", _("同意")
        REFUSE = "refuse", _("不同意")

    class StandingIn(models.TextChoices):
        MAIN = "main", _("本岗位")
        ACTING = "acting", _("代理")
        SECONDED = "seconded", _("挂职")
        UP = "up", _("上级代审")

    passing = models.ForeignKey(Pass, models.PROTECT, related_name="votes")
    step = models.CharField(max_length=40)
    unit_id = models.BigIntegerField()  # whose vote it is
    posting = models.BigIntegerField()
    person = models.BigIntegerField()
    verdict = models.CharField(max_length=6, choices=Verdict.choices)
    text_id = models.BigIntegerField(null=True)  # dossier.Text: the reason
    standing_in = models.CharField(max_length=8, choices=StandingIn.choices)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["passing", "person"], name="d2_one_vote_a_person")]


class Notice(LadderModel):
    """A public notice (公示) of a pass, in public from `since` until `until`; `withdrawn_at` when an objection ended it."""

    passing = models.ForeignKey(Pass, models.PROTECT, related_name="notices")
    unit_id = models.BigIntegerField()  # the area in which it is public
    text = models.CharField(max_length=600)
    since = models.DateTimeField()
    until = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["unit_id", "until"])]


class Objection(LadderModel):
    """Somebody objects to a notice (异议). The words are those of the case (case_region, case_id); it blocks the pass.

    `unit_id` must settle it now.
    """

    notice = models.ForeignKey(Notice, models.PROTECT, related_name="objections")
    case_region = models.BigIntegerField()
    case_id = models.BigIntegerField()
    case_no = models.CharField(max_length=19)
    opened_at = models.DateTimeField()
    unit_id = models.BigIntegerField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.BigIntegerField(null=True)
    upheld = models.BooleanField(null=True)
    text_id = models.BigIntegerField(null=True)  # what was found

    class Meta:
        indexes = [models.Index(fields=["unit_id"], condition=Q(settled_at=None), name="objection_open")]
        constraints = [
            models.CheckConstraint(
                condition=Q(settled_at=None, upheld=None) | Q(settled_at__isnull=False, upheld__isnull=False),
                name="a_settled_objection_says_how",
            )
        ]


class Appeal(LadderModel):
    """The subject appeals (申诉) against a decision that has not taken effect yet; it blocks until ruled."""

    passing = models.OneToOneField(Pass, models.PROTECT, related_name="appeal")
    at = models.DateTimeField()
    text_id = models.BigIntegerField()
    unit_id = models.BigIntegerField()  # who must rule now
    decided_at = models.DateTimeField(null=True)
    upheld = models.BooleanField(null=True)
    by = models.BigIntegerField(null=True)
    ruling_id = models.BigIntegerField(null=True)  # dossier.Text

    class Meta:
        indexes = [models.Index(fields=["unit_id"], condition=Q(decided_at=None), name="appeal_open")]


class Timer(LadderModel):
    """A running limit of a stage, a step, an objection. K3: it fires exactly once, stamped with `due_at`."""

    class Stage(models.TextChoices):
        RUNNING = "running"
        STOPPED = "stopped"
        FIRED = "fired"

    standing = models.ForeignKey(Standing, models.PROTECT, related_name="timers")
    passing = models.ForeignKey(Pass, models.PROTECT, null=True, related_name="timers")
    objection = models.ForeignKey(Objection, models.PROTECT, null=True, related_name="timers")
    key = models.CharField(max_length=90)  # a clock of the program, or of a pass the node of its step ("admit.village")
    limit = models.CharField(max_length=8)
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    stage = models.CharField(max_length=8, choices=Stage.choices, default=Stage.RUNNING)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["standing", "key", "objection"],
                condition=Q(stage="running"),
                nulls_distinct=False,
                name="timer_runs_once",
            )
        ]
        indexes = [models.Index(fields=["due_at", "id"], condition=Q(stage="running"), name="timer_due")]


class Room(models.Model):
    """The places of a capped stage in one area: the row that is locked while one is taken or left (D3)."""

    program = models.CharField(max_length=60)
    stage = models.CharField(max_length=40)
    unit_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["program", "stage", "unit_id"], name="room_once")]


class Ranking(LadderModel):
    """One stored comparison of those who wait at a gate for the places of an area."""

    program = models.CharField(max_length=60)
    gate = models.CharField(max_length=40)
    unit_id = models.BigIntegerField()
    at = models.DateTimeField()
    by = models.BigIntegerField(null=True)  # null: the clock
    places = models.IntegerField(null=True)  # free then; null: no cap
    rule = models.CharField(max_length=200)  # how ties were broken, in words

    class Meta:
        indexes = [models.Index(fields=["program", "gate", "unit_id", "-at"])]


class Ranked(LadderModel):
    """One place in a ranking. `value` and `tie` are the answers compared, as text; empty: not answered, comes last."""

    ranking = models.ForeignKey(Ranking, models.PROTECT, related_name="rows")
    standing = models.ForeignKey(Standing, models.PROTECT, related_name="ranked")
    place = models.IntegerField()
    value = models.CharField(max_length=40, blank=True)
    tie = models.CharField(max_length=40, blank=True)
    waiting_since = models.DateTimeField()
    chosen = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ranking", "place"], name="one_a_place"),
            models.UniqueConstraint(fields=["ranking", "standing"], name="ranked_once"),
        ]


class Duty(LadderModel):
    """Something owed to a standing by `due_at`, again and again: a visit. `late` is marked once, and told above."""

    standing = models.ForeignKey(Standing, models.PROTECT, related_name="duties")
    key = models.CharField(max_length=40)  # the duty's key in the program
    posting = models.BigIntegerField(null=True)  # who owes it; null: whoever holds the post in `unit_id`
    unit_id = models.BigIntegerField()
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    late = models.BooleanField(default=False)
    done_at = models.DateTimeField(null=True)
    done_by = models.BigIntegerField(null=True)
    text_id = models.BigIntegerField(null=True)
    photos = ArrayField(models.CharField(max_length=32), default=list)
    txn_id = models.BigIntegerField(null=True)  # book.Txn: what its doing entered
    dropped_at = models.DateTimeField(null=True)  # the standing left the stages it belongs to

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["standing", "key"], condition=Q(done_at=None, dropped_at=None), name="duty_open_once"
            )
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(done_at=None, dropped_at=None), name="ladder_duty_due"),
            models.Index(fields=["posting", "due_at"], condition=Q(done_at=None, dropped_at=None), name="duty_posting"),
            models.Index(fields=["unit_id", "due_at"], condition=Q(done_at=None, dropped_at=None), name="duty_unit"),
            models.Index(fields=["done_at"], condition=~Q(done_at=None), name="duty_done"),
        ]


class Answerable(LadderModel):
    """Who was answerable for a standing (包保), from `since` until `until` (exclusive): exactly one at a time."""

    standing = models.ForeignKey(Standing, models.PROTECT, related_name="leaders")
    posting = models.BigIntegerField()
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["standing"], condition=Q(until=None), name="one_answerable"),
        ]
        indexes = [models.Index(fields=["posting"], condition=Q(until=None), name="answerable_for")]
