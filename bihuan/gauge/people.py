"""Figures about people: read as of any day, in any area, summed up the tree, each opening the rows that it counts (Q1, Q2).

`declared.py` says what a figure is; here each source is one query. A figure's value, its parts in the areas below and its
list all come from that one query, so they cannot disagree. A past day is counted as it is known to have been: facts,
entries and spans carry the days on which they were true, whenever somebody wrote them down.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Aggregate, Count, DecimalField, Max, Q, QuerySet, Subquery, Sum, Value
from django.db.models.expressions import RawSQL
from django.utils import timezone

from bihuan.book.models import Txn
from bihuan.dossier.models import Subject
from bihuan.gauge.declared import Figure, figures
from bihuan.ladder.models import Answerable, Span, Standing
from bihuan.net import tree
from bihuan.net.models import Kind, Level, Unit
from bihuan.net.tree import UnitRow
from bihuan.offers.models import Attendance, Circle, Claim, Member, Offer, Pairing, Session, Suggestion
from bihuan.programs import versions
from bihuan.programs.criteria import Criterion, sql
from bihuan.programs.ladder import LadderProgram

MOST_ROWS = 100
DEPTH = {Level.CITY: "l2", Level.COUNTY: "l3", Level.TOWN: "l4", Level.COMMUNITY: "l5"}


class NoFigure(LookupError):
    """The program declares no such figure."""

    def __init__(self, key: str) -> None:
        super().__init__(f"没有“{key}”这个指标。")


@dataclass(frozen=True, slots=True)
class When:
    """The moment a figure is read for: the end of a day."""

    on: date
    at: datetime

    @classmethod
    def end_of(cls, on: date) -> "When":
        return cls(on, timezone.make_aware(datetime.combine(on + timedelta(days=1), time())))

    def begin(self, period: str) -> date | None:
        """The first day of a period that ends here; None: from ever."""
        if period == "year":
            return self.on.replace(month=1, day=1)
        years = {"12m": 1, "5y": 5}.get(period)
        return _years_before(self.on, years) + timedelta(days=1) if years else None


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a source counts: rows, each with its place in columns l2 ... l5 behind `place`, and who it is about.

    person: the column that tells people apart.   amount: the column to add up.   at: the moment column (lists: newest first).
    """

    rows: QuerySet[Any]
    place: str = ""
    person: str = "subject_id"
    amount: str = ""
    moment: str = "id"


@dataclass(frozen=True, slots=True)
class Part:
    """A figure's part in one area below."""

    unit: UnitRow
    value: Decimal


def figure(program: str, key: str) -> Figure:
    """A declared figure. Raises NoFigure."""
    try:
        return figures(program)[key]
    except KeyError:
        raise NoFigure(key) from None


def read(figure: Figure, area: UnitRow, when: When) -> Decimal | None:
    """The figure's value in an area; None where it has none (a share of nobody). One query."""
    if figure.source == "document":
        return _written(figure, when)
    if figure.source == "ratio":
        return _ratio(figure, area, when)
    if figure.source == "growth":
        now, then = _other(figure), _before(figure, when)
        return (read(now, area, when) or Decimal(0)) - (read(now, area, then) or Decimal(0))
    found = counted(figure, when)
    return _sum(figure, found, _within(found, area))


def read_all(program: str, area: UnitRow, when: When) -> dict[str, Decimal | None]:
    """Every figure of a program, by key, as `read` gives them one by one; what is counted comes in one statement."""
    declared = figures(program)
    asked = {(one.key, day.on): (one, day) for figure in declared.values() for one, day in _behind(figure, when)}
    found = dict(zip(asked, _together(list(asked.values()), area), strict=True))
    return {key: _from(found, figure, when) for key, figure in declared.items()}


def _behind(figure: Figure, when: When) -> Iterator[tuple[Figure, When]]:
    """What must be counted, and when, to know a figure."""
    if figure.source == "ratio":
        yield from _behind(_other(figure), when)
        yield from _behind(figures(figure.program)[figure.by], when)
    elif figure.source == "growth":
        yield from _behind(_other(figure), when)
        yield from _behind(_other(figure), _before(figure, when))
    elif figure.source != "document":
        yield figure, when


def _together(asked: Sequence[tuple[Figure, When]], area: UnitRow) -> list[Decimal]:
    """One statement for all that can be a subquery; the most that one has is looked up by itself."""
    alone = {n: read(figure, area, when) for n, (figure, when) in enumerate(asked) if figure.count == "most"}
    columns = {
        f"v{n}": Subquery(_one(figure, area, when), output_field=DecimalField())
        for n, (figure, when) in enumerate(asked)
        if n not in alone
    }
    row = Unit.objects.filter(pk=area.id).values(**columns).get() if columns else {}
    return [Decimal(alone[n] or 0) if n in alone else Decimal(row[f"v{n}"] or 0) for n in range(len(asked))]


def _one(figure: Figure, area: UnitRow, when: When) -> QuerySet[Any]:
    """A figure's value as a query of one row."""
    found = counted(figure, when)
    rows = _within(found, area).order_by().annotate(_all=Value(1)).values("_all")
    return rows.annotate(_value=_aggregate(figure, found)).values("_value")


def _from(found: dict[tuple[str, date], Decimal], figure: Figure, when: When) -> Decimal | None:
    """A figure from what was counted, as `read` makes it."""
    if figure.source == "document":
        return _written(figure, when)
    if figure.source == "growth":
        now, then = _from(found, _other(figure), when), _from(found, _other(figure), _before(figure, when))
        return (now or Decimal(0)) - (then or Decimal(0))
    if figure.source == "ratio":
        whole = _from(found, figures(figure.program)[figure.by], when)
        return (_from(found, _other(figure), when) or Decimal(0)) * 100 / whole if whole else None
    return found[figure.key, when.on]


def spell(value: Decimal | None) -> str:
    """A value as people read it: thousands apart, a share with one decimal, nothing as a dash."""
    if value is None:
        return "—"
    return f"{value:,.0f}" if value == value.to_integral_value() else f"{value:,.1f}"


def parts(figure: Figure, area: UnitRow, when: When) -> list[Part]:
    """The same figure in each area right below, those without any left out. One query; two for growth and shares."""
    values = _parts(figure, area, when)
    below = tree.snapshot().places_below(area.id)
    return [Part(unit, values[unit.id]) for unit in below if values.get(unit.id)]


def _parts(figure: Figure, area: UnitRow, when: When) -> dict[int, Decimal]:
    """Values by the id of an area below."""
    if figure.source == "document" or area.level >= Level.COMMUNITY:
        return {}
    if figure.source == "growth":
        now, then = (_parts(_other(figure), area, moment) for moment in (when, _before(figure, when)))
        return {id: now.get(id, Decimal(0)) - then.get(id, Decimal(0)) for id in now.keys() | then.keys()}
    if figure.source == "ratio":
        share, whole = _parts(_other(figure), area, when), _parts(figures(figure.program)[figure.by], area, when)
        return {id: share.get(id, Decimal(0)) * 100 / all_ for id, all_ in whole.items() if all_}
    found = counted(figure, when)
    column = f"{found.place}{DEPTH[Level(area.level + 1)]}"
    grouped = _within(found, area).values(column).order_by().annotate(value=_aggregate(figure, found))
    return {row[column]: Decimal(row["value"] or 0) for row in grouped if row[column]}


def rows(figure: Figure, area: UnitRow, when: When, *, after: int | None = None, most: int = MOST_ROWS) -> list[Any]:
    """The rows a figure counts, newest first; those after the row with the id `after`. One query.

    Growth and ratio show the rows of the figure they are about; a document's figure has no rows (`said` lists its words).
    """
    while figure.source in ("growth", "ratio"):
        figure = _other(figure)
    if figure.source == "document":
        return []
    found = counted(figure, when)
    query = _within(found, area).order_by("-id")
    return list(query.filter(id__lt=after)[:most] if after else query[:most])


def _written(figure: Figure, when: When) -> Decimal:
    found = said(figure, when)
    return Decimal(len(found) if figure.count == "rows" else found[0])


def said(figure: Figure, when: When) -> list[Any]:
    """What the document in force says at the figure's path: the keys of a table, a list, or one number."""
    rules = versions.rules(versions.in_force(figure.program, when.at).pk)
    return list(SAYINGS[figure.says.partition(".")[0]](rules, figure.says.partition(".")[2]))


def counted(figure: Figure, when: When) -> Counted:
    """The query behind a figure, everywhere."""
    found = QUERIES[figure.source](figure, when)
    if figure.where is None:
        return found
    return Counted(
        found.rows.filter(**{f"{found.person}__in": knowing(figure.where, figure.program, when)}),
        found.place,
        found.person,
        found.amount,
        found.moment,
    )


def knowing(criterion: Criterion, program: str, when: When) -> RawSQL:
    """Ids of the subjects of whom a criterion held on the day."""
    rules = versions.rules(versions.in_force(program, when.at).pk)
    condition, values = sql(criterion, rules, when.on, subject="known.id")
    return RawSQL(f"SELECT known.id FROM dossier_subject known WHERE {condition}", values)


def _within(found: Counted, area: UnitRow) -> QuerySet[Any]:
    if area.level > Level.COMMUNITY:  # nothing is summed below communities: a grid's figures are its community's
        area = tree.snapshot().unit(area.l5 or area.id)
    column = DEPTH.get(area.level)
    return found.rows.filter(**{f"{found.place}{column}": area.id}) if column else found.rows


def _sum(figure: Figure, found: Counted, query: QuerySet[Any]) -> Decimal:
    return Decimal(query.order_by().aggregate(value=_aggregate(figure, found))["value"] or 0)


def _aggregate(figure: Figure, found: Counted) -> Aggregate:
    if figure.count == "people":
        return Count(found.person, distinct=True)
    if figure.count == "amount":
        return Sum(found.amount)
    if figure.count == "most":
        return Max(found.amount)
    return Count("id")


def _other(figure: Figure) -> Figure:
    return figures(figure.program)[figure.of]


def _before(figure: Figure, when: When) -> When:
    """The day a growth is measured from: "-1y", or the last day of the year before."""
    if figure.since == "year":
        return When.end_of(date(when.on.year - 1, 12, 31))
    return When.end_of(_years_before(when.on, int(figure.since.strip("-y"))))


def _ratio(figure: Figure, area: UnitRow, when: When) -> Decimal | None:
    whole = read(figures(figure.program)[figure.by], area, when)
    share = read(_other(figure), area, when)
    return (share or Decimal(0)) * 100 / whole if whole else None


# Sources


def _standings(figure: Figure, when: When) -> Counted:
    there = Q(since__lt=when.at) & (Q(until=None) | Q(until__gte=when.at))
    spans = Span.objects.filter(there, program=figure.program)
    if figure.stages:
        spans = spans.filter(stage__in=figure.stages)
    return Counted(spans.select_related("standing__subject"), person="standing__subject_id", moment="since")


def _ended(figure: Figure, when: When) -> Counted:
    ended = Standing.objects.filter(program=figure.program, ended_at__lt=when.at)
    ended = ended.filter(result=figure.result) if figure.result else ended
    return Counted(_since(ended, "ended_at", figure, when).select_related("subject"), moment="ended_at")


def _reached(figure: Figure, when: When) -> Counted:
    reached = Standing.objects.filter(program=figure.program, reached_at__lt=when.at)
    return Counted(_since(reached, "reached_at", figure, when).select_related("subject"), moment="reached_at")


def _subjects(figure: Figure, when: When) -> Counted:
    return Counted(Subject.objects.filter(erased_at=None), person="id", moment="made_at")


def _entries(figure: Figure, when: When) -> Counted:
    rows = Txn.objects.filter(program=figure.program, on__lte=when.on)
    given = {"side": figure.side, "measure": figure.measure, "rule": figure.rule}
    rows = rows.filter(**{key: value for key, value in given.items() if value})
    if begin := when.begin(figure.period):
        rows = rows.filter(on__gte=begin)
    if figure.giver or figure.giver_level:
        rows = rows.filter(giver_kind="unit", giver_id__in=_givers(figure))
    person = "receiver_id" if figure.side == "support" else "giver_id"
    if figure.count == "people":  # what was taken back has a row of its own; the people are those of what stands
        rows = rows.filter(reverses=None, reversed_by=None)
    return Counted(rows, person=person, amount="amount", moment="on")


def _givers(figure: Figure) -> QuerySet[Any]:
    """The ids of the units that a figure counts as givers, to be looked up in its own statement."""
    units = Unit.objects.filter(code__endswith=figure.giver)
    return (units.filter(level=figure.giver_level) if figure.giver_level else units).values("pk")


def _needs(figure: Figure, when: When) -> Counted:
    column = "met_at" if figure.state == "met" else "opened_at"
    needs = Offer.objects.filter(kind=Offer.Kind.NEED, program=figure.program, **{f"{column}__lt": when.at})
    needs = needs.filter(topic=figure.topic) if figure.topic else needs
    if figure.giver:
        takers = Claim.objects.filter(unit__code__endswith=figure.giver, at__lt=when.at)
        needs = needs.filter(pk__in=takers.exclude(state=Claim.State.RELEASED).values("offer_id"))
    return Counted(_since(needs, column, figure, when), moment=column)


def _sessions(figure: Figure, when: When) -> Counted:
    held = Session.objects.filter(program=figure.program, state=Session.State.HELD, begins_at__lt=when.at)
    held = held.filter(kind__in=figure.kinds) if figure.kinds else held
    return Counted(_since(held, "begins_at", figure, when), person="id", moment="begins_at")


def _attendances(figure: Figure, when: When) -> Counted:
    held = _sessions(figure, when).rows
    present = Attendance.objects.filter(present=True, session__in=held).select_related("session")
    return Counted(present, place="session__", moment="id")


def _circles(figure: Figure, when: When) -> Counted:
    return Counted(_lasting(Circle.objects.filter(program=figure.program), when), person="id", moment="since")


def _suggestions(figure: Figure, when: When) -> Counted:
    said = Suggestion.objects.filter(program=figure.program, at__lt=when.at)
    return Counted(_since(said, "at", figure, when), moment="at")


def _pairings(figure: Figure, when: When) -> Counted:
    return Counted(_lasting(Pairing.objects.all(), when), person="unit_b_id", moment="since")


def _members(figure: Figure, when: When) -> Counted:
    members = _lasting(Member.objects.filter(program=figure.program), when)
    members = members.filter(unit__level=figure.level) if figure.level else members
    return Counted(members.select_related("unit"), place="unit__", person="unit_id", moment="since")


def _units(figure: Figure, when: When) -> Counted:
    units = Unit.objects.filter(Q(died=None) | Q(died__gt=when.on), born__lte=when.on, level=figure.level)
    kinds = figure.kinds or (Kind.AREA,)
    return Counted(units.filter(kind__in=kinds), person="id", moment="born")


_HELD = """(SELECT count(*) FROM ladder_answerable held WHERE held.standing_id = ladder_answerable.standing_id
    AND held.since < %s AND (held.until IS NULL OR held.until >= %s))"""


def _answerable(figure: Figure, when: When) -> Counted:
    there = Q(since__lt=when.at) & (Q(until=None) | Q(until__gte=when.at))
    own = Answerable.objects.filter(there, standing__program=figure.program)
    own = own.annotate(held=RawSQL(_HELD, (when.at, when.at)))
    return Counted(own, place="standing__", person="standing__subject_id", amount="held", moment="since")


def _since(rows: QuerySet[Any], column: str, figure: Figure, when: When) -> QuerySet[Any]:
    """Only what lies in the figure's period."""
    begin = when.begin(figure.period)
    return rows.filter(**{f"{column}__gte": timezone.make_aware(datetime.combine(begin, time()))}) if begin else rows


def _lasting(rows: QuerySet[Any], when: When) -> QuerySet[Any]:
    return rows.filter(Q(until=None) | Q(until__gt=when.on), since__lte=when.on)


QUERIES: dict[str, Callable[[Figure, When], Counted]] = {
    "standings": _standings,
    "ended": _ended,
    "reached": _reached,
    "subjects": _subjects,
    "entries": _entries,
    "needs": _needs,
    "sessions": _sessions,
    "attendances": _attendances,
    "circles": _circles,
    "suggestions": _suggestions,
    "pairings": _pairings,
    "members": _members,
    "units": _units,
    "answerable": _answerable,
}


# What a document says


def _steps(rules: LadderProgram, gate: str) -> Iterator[str]:
    """The recognition by a gate: whoever is put forward, the gate's steps, and the moves that follow until a rung."""
    yield rules.gates_from(None)[0].title
    yield from (step.title for step in rules.gates[gate].steps)
    stage = rules.stages[rules.gates[gate].to]
    while not stage.order and not stage.final:
        move = next(move for move in rules.moves_from(stage.key) if move.to and rules.stages[move.to].final is False)
        yield move.title
        stage = rules.stages[move.to or stage.key]


def _criteria(rules: LadderProgram, gate: str) -> Iterator[str]:
    need = rules.gates[gate].need
    yield from (rules.tests[key].title for key in (need.of if need else ()))


def _levels(rules: LadderProgram, gate: str) -> Sequence[str]:
    return list(dict.fromkeys(step.title for step in rules.gates[gate].reviews.values()))


def _policies(rules: LadderProgram, path: str) -> Sequence[Any]:
    """The policies, or with a path "union_loan.most" one number of one."""
    key, _, column = path.partition(".")
    if not key:
        return [policy.title for policy in rules.policies.values()]
    value = getattr(rules.policies[key], column)
    return [Decimal(str(value)) / (12 if column == "months" else 1)]


def _rooms(rules: LadderProgram, path: str) -> Sequence[Any]:
    """How many a stage wants (floor) or takes (cap): "secretary.cap"."""
    stage, _, bound = path.partition(".")
    room = getattr(rules.stages[stage], bound)
    return [room.n] if room else [0]


SAYINGS: dict[str, Callable[[LadderProgram, str], Any]] = {
    "steps": _steps,
    "criteria": _criteria,
    "levels": _levels,
    "policies": _policies,
    "room": _rooms,
}
