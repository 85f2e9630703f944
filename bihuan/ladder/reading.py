"""Reading a ladder: why (not), what may be done now, and by whom."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from bihuan.book.journal import Acting
from bihuan.dossier.models import Kin, Subject
from bihuan.ladder import posts, steps
from bihuan.ladder.actions.gates import cooled, may_withdraw
from bihuan.ladder.answers import known
from bihuan.ladder.models import Pass, Standing, Vote
from bihuan.ladder.record import open_pass
from bihuan.ladder.rules import rules_of, stage_of
from bihuan.net.models import Posting
from bihuan.net.scope import area_of
from bihuan.net.tree import snapshot
from bihuan.programs import versions
from bihuan.programs.ladder import Gate, LadderMove, LadderProgram


@dataclass(frozen=True, slots=True)
class Line:
    """One test of a gate for somebody: whether it is met, and the sentence that says why not. `must`: it alone decides."""

    test: str
    title: str
    ok: bool
    sentence: str
    must: bool


def explain(about: Standing | Subject, gate: str, at: datetime, *, program: str = "", lang: str = "zh") -> list[Line]:
    """Every test of a gate as it stands for somebody today, in the document's order. One query.

    about: a standing, or a subject that might enter; then `program` says where.
    """
    rules, subject = _rules(about, program, at)
    values = known(subject, rules, at).values
    lines = rules.lines(rules.gates[gate], values, timezone.localdate(at))
    return [
        Line(
            one.test.key, rules.label("test", one.test.key, lang), one.verdict.ok, _why(rules, one, lang), one.must
        )
        for one in lines
    ]  # fmt: skip


def _why(rules: LadderProgram, one, lang: str) -> str:  # type: ignore[no-untyped-def]
    """The sentence of failure; a missing answer is named in Chinese as the test itself says it."""
    if one.verdict.ok:
        return ""
    return one.verdict.why if one.verdict.missing else rules.label("otherwise", one.test.key, lang)


def met(lines: list[Line]) -> int:
    return sum(line.ok for line in lines)


def admits(about: Standing | Subject, gate: str, at: datetime, *, program: str = "") -> bool:
    """Whether the gate's tests let somebody in today."""
    rules, subject = _rules(about, program, at)
    return rules.admits(rules.gates[gate], known(subject, rules, at).values, timezone.localdate(at))


def _rules(about: Standing | Subject, program: str, at: datetime) -> tuple[LadderProgram, Subject]:
    if isinstance(about, Standing):
        return rules_of(about), about.subject
    return versions.rules(versions.in_force(program, at, about.unit_id).pk), about


@dataclass(frozen=True, slots=True)
class Possible:
    """What somebody may do with a standing now: the buttons of its page."""

    gates: tuple[Gate, ...] = ()
    moves: tuple[LadderMove, ...] = ()
    vote: bool = False
    settle: bool = False
    rule: bool = False
    appeal: bool = False
    withdraw: bool = False


def possible(standing: Standing, by: Acting, at: datetime) -> Possible:
    """The gates and moves a post may open and make, and whether the step under way waits for it. Up to six queries."""
    if standing.ended_at is not None:
        return Possible()
    passing = open_pass(standing)
    if passing is not None:
        return _in_gate(standing, passing, by, at)
    rules, own = rules_of(standing), posts.posts_of(by, standing)
    recused = isinstance(by, Posting) and by.person_id in posts.recused(standing)
    if recused:
        return Possible()
    gates = (gate for gate in rules.gates_from(stage_of(standing)) if own & {*gate.opens})
    moves = (move for move in rules.moves_from(stage_of(standing)) if own & {*move.by})
    return Possible(tuple(gate for gate in gates if cooled(standing, gate, at) is None), tuple(moves))


def _in_gate(standing: Standing, passing: Pass, by: Acting, at: datetime) -> Possible:
    step = steps.step_of(passing)
    mine = step is not None and isinstance(by, Posting) and _is_able(standing, passing, by, at)
    kind = step.kind if step is not None else ""
    subject = not isinstance(by, Posting) and "subject" in posts.posts_of(by, standing)
    return Possible(
        vote=mine and kind == "review",
        settle=mine and kind == "objection",
        rule=mine and kind == "ruling",
        appeal=subject and kind == "appeal",
        withdraw=kind not in ("appeal", "ruling") and may_withdraw(passing, by),
    )


def _is_able(standing: Standing, passing: Pass, by: Posting, at: datetime) -> bool:
    step = steps.step_of(passing)
    if step is None or passing.step_unit is None or step.kind in ("notice", "appeal"):
        return False
    home = steps.is_home(passing, step)
    there = posts.able(
        standing, step.by, passing.step_unit, timezone.localdate(at), passing=passing, home=home
    )  # fmt: skip
    return by.pk in {one.pk for one in there}


def waiting_for(by: Posting, at: datetime, *, program: str = "", limit: int = 200) -> list[Pass]:
    """The open passes whose step waits for this posting, the one due first first: a desk's list.

    Three queries; a few more for each that comes to an acting or seconded holder, or up from below.
    """
    net = snapshot()
    area = area_of(net.unit(by.unit_id), net)
    rows = Pass.objects.filter(step_unit=area.id, ended_at=None).exclude(step__in=("notice", "appeal", "room"))
    rows = rows.filter(standing__program=program) if program else rows
    found = list(rows.select_related("standing__subject", "standing__unit").order_by("step_due", "id")[:limit])
    return [one for one in _not_recused(found, by) if _waits_for(one, by, at)]


def _not_recused(passes: list[Pass], by: Posting) -> list[Pass]:
    """Without those that concern the person too closely, and those he has voted on."""
    kin = set(
        Kin.objects.filter(person=by.person_id, subject__in={one.standing.subject_id for one in passes}).values_list(
            "subject_id", flat=True
        )
    )
    voted = set(Vote.objects.filter(person=by.person_id, passing__in=passes).values_list("passing_id", flat=True))
    return [
        one
        for one in passes
        if one.pk not in voted and one.standing.subject_id not in kin and one.standing.subject.person_id != by.person_id
    ]


def _waits_for(passing: Pass, by: Posting, at: datetime) -> bool:
    """A main holder of the step's own post has his turn; for anybody else it depends on who else is there."""
    step = steps.step_of(passing)
    if step is None:
        return False
    if by.holding == Posting.Holding.MAIN and by.role in posts.roles(step.by):
        return snapshot().unit(by.unit_id).level == snapshot().unit(passing.step_unit or by.unit_id).level
    return _is_able(passing.standing, passing, by, at)
