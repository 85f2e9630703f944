"""A matter's life: the case, its tasks and clocks, its events; and who owes which duty where."""

from datetime import UTC, datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bihuan.book.models import Event
from bihuan.net.regions import RegionModel


class State(models.TextChoices):
    """Where a case is. Which moves lead from one to the next is the program's business."""

    FILED = "filed", _("待受理")
    ACCEPTED = "accepted", _("待派单")
    DISPATCHED = "dispatched", _("待签收")
    RETURNED = "returned", _("退单待定")
    SIGNED = "signed", _("待联系")
    HANDLING = "handling", _("办理中")
    REPLIED = "replied", _("待审核")
    VERIFYING = "verifying", _("待核查")
    CALLING_BACK = "calling_back", _("待回访")
    CLOSED = "closed", _("已办结")
    WITHDRAWN = "withdrawn", _("已撤回")


OPEN = Q(closed_at=None)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)  # due_at of an imported case that nobody promised to do by a time
UNPLACED = Q(grid_id=None)


class Source(models.TextChoices):
    WEB = "web", _("网页")
    PHONE = "phone", _("电话")
    GRID = "grid", _("网格员")
    API = "api", _("接口")
    IMPORT = "import", _("导入")


class Secrecy(models.TextChoices):
    PUBLIC = "public", _("公开")
    PRIVATE = "private", _("不公开")
    SECRET = "secret", _("保密")


class Category(models.Model):
    """What a matter is about: a tree of two or three levels (市容环卫 / 垃圾清运)."""

    key = models.CharField(max_length=60, unique=True)
    title = models.CharField(max_length=60)
    parent = models.ForeignKey("self", models.PROTECT, null=True)
    keywords = models.CharField(max_length=400, blank=True)  # separated by spaces; for suggestions
    retired = models.BooleanField(default=False)


class Duty(models.Model):
    """The duty list (派单目录): for matters of `category` in `area` (and below) `unit` is answerable; the clause says why.

    Without `category` a row is the fallback of its area (属地兜底).
    """

    category = models.ForeignKey(Category, models.CASCADE, null=True)
    area = models.ForeignKey("net.Unit", models.CASCADE, related_name="+")
    unit = models.ForeignKey("net.Unit", models.CASCADE, related_name="duties_owed")
    clause = models.CharField(max_length=200, blank=True)
    since = models.DateField()
    until = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["category", "area"], condition=Q(until=None), nulls_distinct=False, name="duty_once"
            )
        ]


class Numbering(models.Model):
    """The next free case number of a region and day; each process takes a block at a time, gaps are allowed."""

    region = models.ForeignKey("net.Unit", models.PROTECT, related_name="+")
    day = models.DateField()
    next = models.IntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "day"], name="numbering_once")]


class Case(RegionModel):
    """A resident's matter (工单).

    `state` is where it is, `result` how it ended. `unit` is the one responsible unit (L1). `due_at` is when the present
    step must be done; `promise_at` is the handling deadline told to the resident (K2), null before the first dispatch.
    `n` and `head` are the number and the hash of the last event.
    """

    no = models.CharField(max_length=19)
    version = models.IntegerField()  # programs.Version
    type = models.CharField(max_length=12)  # inquiry, help, complaint, report, suggestion, praise
    source = models.CharField(max_length=6, choices=Source.choices)
    secrecy = models.CharField(max_length=7, choices=Secrecy.choices, default=Secrecy.PUBLIC)
    urgency = models.CharField(max_length=7, default="normal")  # normal, urgent, danger
    category_id = models.IntegerField(null=True)
    text_id = models.BigIntegerField()  # dossier.Text: the resident's words
    contact_id = models.BigIntegerField(null=True)  # dossier.Contact
    finder = models.BigIntegerField(null=True)  # posting of the grid worker who found it
    call_ref = models.CharField(max_length=60, blank=True, default="")
    client_id = models.UUIDField(null=True)  # the sender's own key: the same one twice is one case
    client_digest = models.BinaryField(null=True)  # SHA-256 of what came with it
    outside_no = models.CharField(
        max_length=60, blank=True, default=""
    )  # the number in the system it was imported from

    l1 = models.BigIntegerField(null=True)
    l2 = models.BigIntegerField(null=True)
    l3 = models.BigIntegerField(null=True)
    l4 = models.BigIntegerField(null=True)
    l5 = models.BigIntegerField(null=True)
    grid_id = models.BigIntegerField(null=True)  # the deepest grid or area known
    lng = models.FloatField(null=True)  # WGS-84
    lat = models.FloatField(null=True)

    state = models.CharField(max_length=12, choices=State.choices)
    result = models.CharField(
        max_length=12, blank=True, default=""
    )  # resolved, explained, planned, unfounded, answered
    ending = models.CharField(max_length=12, blank=True, default="")  # confirmed, verified, unreached, unverified, ...
    unit_id = models.BigIntegerField()  # responsible now
    handler = models.BigIntegerField(null=True)  # the posting that signed or replied last
    settled_level = models.SmallIntegerField(null=True)  # level of the unit that settled it (5 and more: grassroots)
    filed_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True)
    contacted_at = models.DateTimeField(null=True)
    replied_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    promise_at = models.DateTimeField(null=True)
    overdue_raw = models.BooleanField(null=True)  # fixed at the reply; null while not known
    overdue_scored = models.BooleanField(null=True)
    redos = models.SmallIntegerField(default=0)
    hand_backs = models.SmallIntegerField(default=0)
    calls = models.SmallIntegerField(default=0)  # call-back attempts of the present round
    rating = models.SmallIntegerField(null=True)  # 1 .. 5
    test = models.BooleanField(default=False)
    n = models.IntegerField(default=1)
    head = models.BinaryField()

    ticking: "list[Clock] | None" = None  # not stored: its running clocks, while an act holds the lock (clock.ticking)
    seen_n: int | None = None  # not stored: the last event the caller has seen; an act on an older sight is refused

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "no"], name="case_number_once"),
            models.UniqueConstraint(
                fields=["client_id", "region"], condition=Q(client_id__isnull=False), name="case_client_once"
            ),
            models.UniqueConstraint(
                fields=["region", "outside_no"], condition=~Q(outside_no=""), name="case_import_once"
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(state__in=["closed", "withdrawn"]), name="only_ended_cases_have_an_end"
            ),
            models.CheckConstraint(condition=Q(rating=None) | Q(rating__range=(1, 5)), name="rating_1_to_5"),
        ]
        indexes = [
            models.Index(
                fields=["finder", "accepted_at", "id"], condition=Q(finder__isnull=False), name="case_by_finder"
            ),
            # Read in the order of due times; a state or category asked for is compared in the index, without the rows.
            *[
                models.Index(
                    fields=[level, "due_at", "id", "state", "category_id"], condition=OPEN, name=f"case_open_{level}"
                )
                for level in ("l2", "l3", "l4", "l5", "unit_id")
            ],
            models.Index(fields=["grid_id", "due_at", "id"], condition=OPEN, name="case_open_grid"),
            # Of a whole city even a rare state must be found without reading all that is open.
            models.Index(fields=["l2", "state", "due_at", "id"], condition=OPEN, name="case_open_state"),
            *[
                models.Index(fields=[level, "due_at", "id"], condition=OPEN & UNPLACED, name=f"case_unplaced_{level}")
                for level in ("l2", "l3")
            ],
            *[
                models.Index(fields=[level, "closed_at", "id"], condition=~OPEN, name=f"case_closed_{level}")
                for level in ("l2", "l3", "l4", "l5", "unit_id")
            ],
            *[
                models.Index(
                    fields=[level, "accepted_at", "id"],
                    condition=Q(accepted_at__isnull=False),
                    name=f"case_accepted_{level}",
                )
                for level in ("l2", "l3", "l4", "l5")
            ],
        ]


class CaseEvent(Event):
    """What happened to a case. `at` of n=1 is the filing."""

    pk = models.CompositePrimaryKey("region_id", "case_id", "n")
    region = models.ForeignKey("net.Unit", models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    case_id = models.BigIntegerField()


class Task(RegionModel):
    """A piece of work on a case that one unit (and perhaps one posting) owes until `due_at`."""

    class Kind(models.TextChoices):
        LEAD = "lead", _("主办")
        ASSIST = "assist", _("协办")
        HAND = "hand", _("交办")  # handed down within the lead unit
        VERIFY = "verify", _("核查")

    class Stage(models.TextChoices):
        OPEN = "open", _("进行中")
        DONE = "done", _("已完成")
        DROPPED = "dropped", _("已取消")

    case_id = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    unit_id = models.BigIntegerField()
    posting = models.BigIntegerField(null=True)  # when one person owes it; null: the unit's queue
    stage = models.CharField(max_length=8, choices=Stage.choices, default=Stage.OPEN)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    text_id = models.BigIntegerField(null=True)  # the assisting unit's opinion

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["region", "case_id", "unit_id", "kind"], condition=Q(stage="open"), name="task_open_once"
            )
        ]
        indexes = [
            models.Index(fields=["unit_id", "due_at", "id"], condition=Q(stage="open"), name="task_open_unit"),
            models.Index(fields=["posting", "due_at"], condition=Q(stage="open"), name="task_open_posting"),
            models.Index(fields=["region", "case_id"], name="task_of_case"),
        ]


class Clock(RegionModel):
    """A running limit of one step. `ledger` lists pauses and extensions; `due_at` is computed from it, never added to.

    A sweep fires it at `due_at` exactly once (K3): the effect is stamped with `due_at`, however late the sweep came.
    """

    class Stage(models.TextChoices):
        RUNNING = "running"
        STOPPED = "stopped"
        FIRED = "fired"

    case_id = models.BigIntegerField()
    key = models.CharField(max_length=16)  # the clock's key in the program
    limit = models.CharField(max_length=8)  # "5wd"
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    ledger = models.JSONField(default=list)
    stage = models.CharField(max_length=8, choices=Stage.choices, default=Stage.RUNNING)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["region", "case_id", "key"], condition=Q(stage="running"), name="clock_runs_once"
            )
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(stage="running"), name="clock_due"),
            models.Index(fields=["region", "case_id"], name="clock_of_case"),
        ]


class Check(RegionModel):
    """Somebody looked whether it was done: on site (verify) or by asking the resident (call_back)."""

    class Kind(models.TextChoices):
        VERIFY = "verify", _("核查")
        CALL_BACK = "call_back", _("回访")

    case_id = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField()
    posting = models.BigIntegerField(null=True)  # null: the resident on the page
    round = models.SmallIntegerField(default=0)  # the case's redos when it was made
    unit_id = models.BigIntegerField()  # scored to
    reached = models.BooleanField(default=True)
    contacted = models.BooleanField(null=True)
    solved = models.BooleanField(null=True)
    satisfied = models.SmallIntegerField(null=True)  # 1 .. 5
    passed = models.BooleanField(null=True)  # verify
    text_id = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["region", "case_id"]), models.Index(fields=["unit_id", "at"])]


class Call(RegionModel):
    """A call that became no case: wrong number, silence, passed on to 110, 119 or 120."""

    class Outcome(models.TextChoices):
        WRONG = "wrong", _("误拨")
        SILENT = "silent", _("无声")
        PASSED_110 = "110", _("转110")
        PASSED_119 = "119", _("转119")
        PASSED_120 = "120", _("转120")
        TEST = "test", _("线路测试")

    at = models.DateTimeField()
    posting = models.BigIntegerField()
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    call_ref = models.CharField(max_length=60, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["region", "at"])]


class WrongTail(models.Model):
    """Somebody asked for a case with a wrong phone tail; five within an hour shut the door for that hour."""

    no = models.CharField(max_length=19)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["no", "at"])]
