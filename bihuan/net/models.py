"""One net: units in trees, their boundaries and places, the people who hold posts in them, and their calendar.

All tables here are reference tables: small, read everywhere, changed by administrators. Region tables may point at
them.
"""

from django.contrib.auth.models import User
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _


class Level(models.IntegerChoices):
    """Administrative levels l1 .. l5; grids lie below level 5 and may be nested to any depth (6, 7, 8 ...)."""

    PROVINCE = 1, _("省")
    CITY = 2, _("市")
    COUNTY = 3, _("县（市、区）")
    TOWN = 4, _("街道（乡镇）")
    COMMUNITY = 5, _("社区（村）")
    GRID = 6, _("网格")


class Kind(models.TextChoices):
    AREA = "area", _("行政区划")
    GRID = "grid", _("网格")
    ORGAN = "organ", _("部门单位")
    CENTRE = "centre", _("诉求中心")
    PARTY = "party", _("党组织")
    TEAM = "team", _("队伍")


class Tree(models.TextChoices):
    ADMIN = "admin", _("行政")
    GRID = "grid", _("网格")
    PARTY = "party", _("党建")
    ALLIANCE = "alliance", _("联盟")


class Unit(models.Model):
    """An organisation, an area or a grid. Never deleted: it is born, may die, and its history stays (N4).

    `level` is the administrative level an area has, or the level an organ stands at (a county bureau is 3).
    `path` holds the ids from the top of the administrative tree down to the unit itself; it is kept by `net.tree`.
    l1 .. l5 are the ids on that path by level (null where the unit lies above the level).
    """

    code = models.CharField(max_length=32, unique=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=80)
    short = models.CharField(max_length=40, blank=True)
    pinyin = models.CharField(max_length=160, blank=True)  # full spelling and initials, for search and sorting
    level = models.SmallIntegerField()
    l1 = models.BigIntegerField(null=True)
    l2 = models.BigIntegerField(null=True)
    l3 = models.BigIntegerField(null=True)
    l4 = models.BigIntegerField(null=True)
    l5 = models.BigIntegerField(null=True)
    path = ArrayField(models.BigIntegerField(), default=list)
    duties = models.CharField(max_length=400, blank=True)  # what the unit does, in public words
    phone = models.CharField(max_length=30, blank=True)  # a public office number
    households = models.IntegerField(null=True)
    lng = models.FloatField(null=True)  # WGS-84; a point on the unit's surface or its office
    lat = models.FloatField(null=True)
    born = models.DateField()
    died = models.DateField(null=True)
    successor = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")  # who took over when it died

    class Meta:
        indexes = [
            models.Index(fields=["level", "kind"]),
            models.Index(fields=["l3", "kind"]),
            models.Index(fields=["l5"]),
        ]

    def __str__(self) -> str:
        return f"{self.name}({self.code})"


def _point(field: str) -> Func:
    """An integer column as a one-point range, so that an exclusion constraint needs no extension."""
    return Func(F(field), F(field), models.Value("[]"), function="int8range")


def _span(start: str, end: str) -> Func:
    return Func(F(start), F(end), models.Value("[)"), function="daterange")


class Edge(models.Model):
    """`child` hangs under `parent` in one tree from `since` until `until` (exclusive; null means still).

    N1: at any instant one parent per unit and tree, alliances excepted; held by the exclusion constraint.
    """

    child = models.ForeignKey(Unit, models.PROTECT, related_name="up")
    parent = models.ForeignKey(Unit, models.PROTECT, related_name="down")
    tree = models.CharField(max_length=8, choices=Tree.choices)
    since = models.DateField()
    until = models.DateField(null=True)

    class Meta:
        indexes = [models.Index(fields=["parent", "tree"]), models.Index(fields=["child", "tree"])]
        constraints = [
            models.CheckConstraint(condition=~Q(child=F("parent")), name="edge_not_to_itself"),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gte=F("since")), name="edge_runs_forward"),
            *[
                ExclusionConstraint(
                    name=f"n1_one_parent_{tree}",
                    expressions=[(_point("child_id"), "&&"), (_span("since", "until"), "&&")],
                    condition=Q(tree=tree),
                )
                for tree in ("admin", "grid", "party")
            ],
        ]


class Boundary(models.Model):
    """The outline of an area or grid as GeoJSON geometry in WGS-84. `made_up` outlines are generated and say so."""

    unit = models.OneToOneField(Unit, models.CASCADE, primary_key=True)
    geometry = models.JSONField()
    source = models.CharField(max_length=120)
    made_up = models.BooleanField(default=False)
    updated_at = models.DateTimeField()


class Place(models.Model):
    """A name by which people find a grid: a compound, a road, a landmark, a village group."""

    name = models.CharField(max_length=60)
    unit = models.ForeignKey(Unit, models.CASCADE)  # the deepest area or grid that holds it
    kind = models.CharField(max_length=12, default="compound")  # compound | road | landmark | group
    lng = models.FloatField(null=True)
    lat = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "name"], name="place_once_per_unit")]


class Person(models.Model):
    """Somebody who works in the net. Residents are not here: their names live in the contact vault."""

    name = models.CharField(max_length=40)
    phone = models.CharField(max_length=20, blank=True)  # a duty number, public within the net
    user = models.OneToOneField(User, models.SET_NULL, null=True, blank=True)
    must_change_password = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    AGENT = "agent", _("话务员")
    DISPATCHER = "dispatcher", _("派单员")
    CALLER = "caller", _("回访员")
    HANDLER = "handler", _("承办人")
    CHIEF = "chief", _("承办单位负责人")
    GRID_WORKER = "grid_worker", _("网格员")
    SUPERVISOR = "supervisor", _("督办员")
    LEADER = "leader", _("领导")
    ORGANISER = "organiser", _("组织干部")
    SECRETARY = "secretary", _("党组织书记")
    ADMIN = "admin", _("管理员")


class Posting(models.Model):
    """A person holds a role in a unit from `since` until `until` (exclusive). All power comes from a posting."""

    class Holding(models.TextChoices):
        MAIN = "main", _("主职")
        ACTING = "acting", _("代理")
        SECONDED = "seconded", _("挂职")

    person = models.ForeignKey(Person, models.PROTECT, related_name="postings")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="postings")
    role = models.CharField(max_length=12, choices=Role.choices)
    holding = models.CharField(max_length=8, choices=Holding.choices, default=Holding.MAIN)
    title = models.CharField(max_length=40, blank=True)  # as posted in public: 党委书记、网格长 ...
    since = models.DateField()
    until = models.DateField(null=True)

    class Meta:
        indexes = [models.Index(fields=["unit", "role"]), models.Index(fields=["person"])]
        constraints = [
            models.CheckConstraint(condition=Q(until=None) | Q(until__gte=F("since")), name="posting_runs_forward"),
            models.UniqueConstraint(
                fields=["person", "unit", "role"], condition=Q(until=None), name="posting_held_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person.name}·{self.unit.name}·{self.get_role_display()}"


class Token(models.Model):
    """A key by which another system acts as one posting. Only its SHA-256 is kept."""

    posting = models.ForeignKey(Posting, models.CASCADE)
    name = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)


class CalendarDay(models.Model):
    """One day's rule: national (`unit` null) or a unit's own exception for itself and everything below it."""

    unit = models.ForeignKey(Unit, models.CASCADE, null=True)
    date = models.DateField()
    is_workday = models.BooleanField()
    name = models.CharField(max_length=40, blank=True)
    source = models.CharField(max_length=120)
    confirmed = models.BooleanField(default=True)  # false: computed, shown as 推算

    class Meta:
        constraints = [models.UniqueConstraint(fields=["date", "unit"], nulls_distinct=False, name="calendar_day_once")]


class WorkWindow(models.Model):
    """One stretch of working hours, every working day from `since` until `until` (exclusive), for a unit or all."""

    unit = models.ForeignKey(Unit, models.CASCADE, null=True)
    opens = models.TimeField()
    closes = models.TimeField()
    since = models.DateField()
    until = models.DateField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(closes__gt=F("opens")), name="window_runs_forward")]


class Revision(models.Model):
    """A counter per part of the net (tree, places, boundaries, calendar, duty); a change raises it, caches notice.

    The number is made from the time, so that a restored or rolled back database never shows a number seen before.
    """

    part = models.CharField(max_length=16, primary_key=True)
    number = models.BigIntegerField(default=0)
    changed_at = models.DateTimeField(null=True)


class ImportRun(models.Model):
    """One sheet that an administrator handed in: first tried (`trial`), then, if wanted, done.

    The sheets and what came of them (error sheet, one-time passwords, progress) lie in `<BIHUAN_VAR>/imports/<id>/`; the
    passwords are removed when they have been fetched. `problems` holds the first rows of the error sheet, for the page.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("排队中")
        RUNNING = "running", _("进行中")
        TRIED = "tried", _("已试算，未导入")
        DONE = "done", _("已导入")
        FAILED = "failed", _("没有导入")

    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=200)
    options = models.JSONField(default=dict)
    by = models.ForeignKey(Posting, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    trial = models.BooleanField(default=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    rows = models.IntegerField(default=0)
    created = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    same = models.IntegerField(default=0)
    wrong = models.IntegerField(default=0)
    message = models.CharField(max_length=400, blank=True)
    problems = models.JSONField(default=list)
    notes = models.JSONField(default=list)
    samples = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["-made_at"])]
