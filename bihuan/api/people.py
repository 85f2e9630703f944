"""Ladders for other systems of the administration: who stands where, the checks, needs to claim, and the figures."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from bihuan.api.answers import answer
from bihuan.api.door import ByToken
from bihuan.api.errors import Refused
from bihuan.api.schemas import (
    Acting,
    AdvanceIn,
    ClaimedOut,
    ClaimIn,
    ErrorOut,
    FiguresOut,
    NeedsOut,
    NominateIn,
    OpenIn,
    OptionalTextIn,
    ProgramsOut,
    StandingOut,
    StandingsOut,
    VoteIn,
)
from bihuan.dossier import subjects
from bihuan.gauge import declared
from bihuan.gauge import people as gauge
from bihuan.ladder import reading, steps
from bihuan.ladder.actions import entering, gates, moving
from bihuan.ladder.models import Pass, Standing
from bihuan.ladder.record import open_pass
from bihuan.ladder.rules import rules_of
from bihuan.lib.codes import BadNumber, parse_short_code
from bihuan.net import tree
from bihuan.net.models import Level, Posting, Role
from bihuan.net.scope import area_of, covers, in_area
from bihuan.net.tree import NoSuchUnit, UnitRow
from bihuan.offers import access, lists
from bihuan.offers.actions import needs
from bihuan.programs import versions
from bihuan.programs.ladder import LadderProgram
from bihuan.programs.models import Program

router = Router(auth=ByToken(), tags=["人才培养"])
RAISING = frozenset({Role.ORGANISER, Role.SECRETARY, Role.LEADER})
PAGE, MOST = 100, 500
REFUSALS: dict[int, Any] = dict.fromkeys((403, 404, 409, 422), ErrorOut)


# Programs


@router.get("/programs", response={200: ProgramsOut}, summary="正在实行的培养项目")
def programs(request: HttpRequest) -> HttpResponse:
    """The ladders in force where the token's posting stands, with their stages and ways."""
    keys = Program.objects.filter(kind="ladder").order_by("pk").values_list("key", flat=True)
    now = timezone.now()
    found = [(key, _in_force(key, request.auth, now)) for key in keys]
    return answer({"programs": [_program(version, rules) for _key, (version, rules) in found if rules is not None]})


def _in_force(key: str, by: Posting, at: datetime) -> tuple[int, LadderProgram | None]:
    try:
        version = versions.in_force(key, at, by.unit_id)
    except versions.NoVersion:
        return 0, None
    rules = versions.rules(version.pk)
    return version.n, rules if isinstance(rules, LadderProgram) else None


def _program(version: int, rules: LadderProgram) -> dict[str, Any]:
    stages = [
        {"key": one.key, "title": one.title, "order": one.order, "final": one.final} for one in rules.stages.values()
    ]
    ways = {
        name: [{"key": one.key, "title": one.title, "asks": list(one.asks), "entering": not one.from_} for one in rows]
        for name, rows in (("gates", rules.gates.values()), ("moves", rules.moves.values()))
    }
    return {"key": rules.key, "title": rules.title, "version": version, "stages": stages, **ways}


def _rules(key: str, by: Posting) -> LadderProgram:
    """A ladder in force where the posting stands. Raises Http404."""
    _require_raising(by)
    _version, rules = _in_force(key, by, timezone.now())
    if rules is None:
        raise Http404
    return rules


def _require_raising(by: Posting) -> None:
    """Who does not answer for people is a stranger here."""
    if by.role not in RAISING:
        raise Http404


def _area(code: str, by: Posting) -> UnitRow:
    """The area with this code within what the posting answers for, or its own. Raises Refused."""
    net = tree.snapshot()
    if not code:
        return area_of(net.unit(by.unit_id), net)
    try:
        unit = net.by_code(code)
    except NoSuchUnit:
        raise Refused(422, "invalid", f"没有代码为“{code}”的地区。", "area") from None
    if not unit.is_place or not covers(by, unit):
        raise Refused(422, "out_of_scope", f"“{unit.name}”不在您的职责范围内。", "area")
    return unit


# Standings


@router.get("/programs/{key}/standings", response={200: StandingsOut, **REFUSALS}, summary="名单")
def standings(
    request: HttpRequest, key: str, stage: str = "", area: str = "", after: str = "", limit: int = PAGE
) -> HttpResponse:
    """Who stands on the ladder in an area, the latest first; `after`: the number of the last one seen."""
    rules = _rules(key, request.auth)
    if stage and stage not in rules.stages:
        raise Refused(422, "invalid", f"没有“{stage}”这个阶段。", "stage")
    rows = Standing.objects.filter(in_area(_area(area, request.auth).id), program=key, ended_at=None)
    rows = rows.filter(stage=stage) if stage else rows
    if after:
        rows = rows.filter(pk__lt=_seen(after))
    limit = min(max(limit, 1), MOST)
    found = list(rows.select_related("subject").order_by("-pk")[: limit + 1])
    more = found[limit - 1].no if len(found) > limit else ""
    return answer({"standings": [_row(one) for one in found[:limit]], "after": more})


def _seen(number: str) -> int:
    pk = Standing.objects.filter(no=_code(number)).values_list("pk", flat=True).first()
    if pk is None:
        raise Refused(422, "bad_cursor", "翻页位置不对，请从第一页重新开始。", "after")
    return pk


def _code(number: str) -> str:
    try:
        return parse_short_code(number)
    except BadNumber:
        return ""


def _row(one: Standing) -> dict[str, Any]:
    rules = rules_of(one)
    return {
        "number": one.no,
        "subject": one.subject.no,
        "name": one.subject.name,
        "stage": one.stage,
        "status": rules.stages[one.stage].title if one.stage else "",
        "since": timezone.localtime(one.since).isoformat(),
        "place": tree.snapshot().full_name(one.unit_id, Level.COUNTY),
        "n": one.n,
    }


@router.get("/standings/{number}", response={200: StandingOut, 404: ErrorOut}, summary="一个人的情况")
def standing(request: HttpRequest, number: str) -> HttpResponse:
    """Where somebody stands, the check under way with every criterion, and what the posting may do now."""
    return answer(_standing(_find(number, request.auth), request.auth))


def _find(number: str, by: Posting) -> Standing:
    """The standing with this number within the posting's area. Raises Http404."""
    found = Standing.objects.filter(no=_code(number)).select_related("subject", "unit").first()
    if found is None or by.role not in RAISING or not covers(by, found.unit):
        raise Http404
    return found


def _standing(one: Standing, by: Posting) -> dict[str, Any]:
    now = timezone.now()
    may, passing = reading.possible(one, by, now), open_pass(one)
    possible = {
        "gates": [gate.key for gate in may.gates],
        "moves": [move.key for move in may.moves],
        "vote": may.vote,
        "withdraw": may.withdraw,
    }
    return {
        **_row(one),
        "program": one.program,
        "entered": _iso(one.entered_at),
        "ended": _iso(one.ended_at),
        "result": one.result,
        "check": _check(one, passing, now) if passing else None,
        "possible": possible,
    }


def _iso(moment: datetime | None) -> str:
    return timezone.localtime(moment).isoformat() if moment else ""


def _check(one: Standing, passing: Pass, at: datetime) -> dict[str, Any]:
    step, gate = steps.step_of(passing), rules_of(one).gates[passing.gate]
    lines = reading.explain(one, passing.gate, at)
    tests = [
        {"key": line.test, "title": line.title, "met": line.ok, "why": line.sentence, "must": line.must}
        for line in lines
    ]
    unit = tree.snapshot().get(passing.step_unit)
    return {
        "gate": passing.gate, "title": gate.title, "step": step.title if step else passing.step,
        "unit": unit.name if unit else "", "due": _iso(passing.step_due), "tests": tests,
    }  # fmt: skip


@router.post("/programs/{key}/standings", response={201: StandingOut, **REFUSALS}, summary="推荐")
def nominate(request: HttpRequest, key: str, body: NominateIn) -> HttpResponse:
    """Put somebody who is registered forward at an entering gate, or where the program has none, by a move."""
    by, now = request.auth, timezone.now()
    _rules(key, by)
    subject = subjects.by_number(_code(body.subject))
    if subject is None or subject.erased_at is not None or not covers(by, subject.unit):
        raise Refused(422, "invalid", "您的辖区里没有这个编号的人。", "subject")
    if bool(body.gate) == bool(body.move):
        raise Refused(422, "invalid", "“gate”和“move”填一个。", "gate")
    said = {"by": by, "at": now, "answers": body.answers}
    if body.move:
        made = entering.start(key, subject, move=body.move, **said)
    else:
        made = entering.nominate(key, subject, gate=body.gate, text=body.text, **said)
    return answer(_standing(_find(made.no, by), by), 201)


Act = Callable[[Standing, Any, Posting, datetime], Any]
VERBS: dict[str, tuple[type[Acting], str, Act]] = {
    "open": (
        OpenIn,
        "发起把关",
        lambda one, body, by, at: gates.open_gate(
            one, body.gate, by=by, at=at, answers=body.answers, text=body.text
        ),
    ),
    "vote": (
        VoteIn,
        "把关意见",
        lambda one, body, by, at: gates.vote(one, agree=body.agree, text=body.text, by=by, at=at),
    ),
    "advance": (
        AdvanceIn,
        "变动",
        lambda one, body, by, at: moving.advance(one, body.move, by=by, at=at, answers=body.answers, text=body.text),
    ),
    "withdraw": (
        OptionalTextIn,
        "撤回申报",
        lambda one, body, by, at: gates.withdraw(one, text=body.text, by=by, at=at),
    ),
}  # fmt: skip


def _offer(verb: str, schema: type[Acting], title: str, act: Act) -> None:
    """One operation for one verb: find the standing for this posting, hold it to what the caller saw, act once."""

    def operation(request: HttpRequest, number: str, body: Acting) -> HttpResponse:
        found = _find(number, request.auth)
        found.seen_n = body.n
        act(found, body, request.auth, timezone.now())
        return answer(_standing(_find(number, request.auth), request.auth))

    operation.__annotations__["body"] = schema
    operation.__name__ = verb
    path, answers = f"/standings/{{number}}/{verb}", {200: StandingOut, **REFUSALS}
    router.post(path, response=answers, summary=title, operation_id=f"standing_{verb}")(operation)


for _verb, (_schema, _title, _act) in VERBS.items():
    _offer(_verb, _schema, _title, _act)


# Figures


@router.get("/programs/{key}/figures", response={200: FiguresOut, **REFUSALS}, summary="统计")
def figures(request: HttpRequest, key: str, at: str = "", area: str = "") -> HttpResponse:
    """Every declared figure of a program at the end of a day (today), in an area (the own). One statement counts them."""
    rules, where, on = _rules(key, request.auth), _area(area, request.auth), _day(at)
    found = declared.figures(rules.key)
    if not found:
        raise Http404
    values = gauge.read_all(rules.key, where, gauge.When.end_of(on))
    rows = [
        {"key": name, "group": one.group, "title": one.title, "unit": one.unit, "value": _number(values[name])}
        for name, one in found.items()
    ]
    return answer({"program": key, "area": where.code, "at": on.isoformat(), "figures": rows})


def _number(value: Any) -> float | int | None:
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)


def _day(said: str) -> date:
    today = timezone.localdate()
    try:
        on = date.fromisoformat(said) if said else today
    except ValueError:
        raise Refused(422, "invalid", "日期请写成 2026-11-20 这样。", "at") from None
    if on > today or on.year < 2000:
        raise Refused(422, "invalid", "日期不能晚于今天。", "at")
    return on


# Needs


@router.get("/needs", response={200: NeedsOut, 422: ErrorOut}, summary="待认领的需求")
def open_needs(
    request: HttpRequest, program: str = "", topic: str = "", after: str = "", limit: int = PAGE
) -> HttpResponse:
    """Needs that the posting may claim or answers for, those that go up first first. Keyset pages."""
    found = lists.open_needs(
        request.auth, at=timezone.now(), program=program, topic=topic, after=after, limit=min(limit, MOST)
    )
    return answer({"needs": [_need(row) for row in found.rows], "after": found.after})


def _need(row: lists.NeedRow) -> dict[str, Any]:
    return {
        "number": row.no, "subject": row.subject_no, "name": row.name, "topic": row.topic_key, "text": row.words,
        "amount": row.amount, "place": row.place, "offered_at": row.level, "seats": row.seats, "state": row.state_key,
        "until": row.until,
    }  # fmt: skip


@router.post("/needs/{number}/claim", response={201: ClaimedOut, **REFUSALS}, summary="认领需求")
def claim(request: HttpRequest, number: str, body: ClaimIn) -> HttpResponse:
    """The posting's unit takes the need on; a help plan is due from now on."""
    offer = access.offer_for(request.auth, number)
    made = needs.claim(offer, by=request.auth, at=timezone.now(), personal=body.personal)
    offer.refresh_from_db()
    said = {"number": offer.no, "state": offer.state, "unit": request.auth.unit.code, "plan_due": _iso(made.due_at)}
    return answer(said, 201)
