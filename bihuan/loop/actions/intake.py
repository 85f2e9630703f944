"""How a matter comes in: filed by anybody, accepted, answered at once, placed on the net."""

from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import orjson
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils import timezone
from psycopg import RawCursor

from bihuan.book.journal import GENESIS, RESIDENT, Acting, event_data, event_hash, who
from bihuan.dossier import texts, vault
from bihuan.lib import worktime
from bihuan.lib.ids import id_at, new_id
from bihuan.loop.categories import lineage
from bihuan.loop.counts import counted
from bihuan.loop.filing_sql import file_statement
from bihuan.loop.models import Case, CaseEvent, Category, Source, State
from bihuan.loop.moves import post_of, require_asks, require_move, rules_of
from bihuan.loop.numbers import next_number
from bihuan.loop.placing import BadPlace, Placed, at_unit
from bihuan.loop.record import advance, locked, note, words
from bihuan.loop.report import BadReport, Report, checked
from bihuan.net import tree
from bihuan.net.calendar import calendar_for
from bihuan.net.models import Posting
from bihuan.net.regions import across_regions
from bihuan.net.scope import require_scope
from bihuan.programs import versions
from bihuan.programs.document import CaseProgram, Move

PROGRAM = "request"
MOST_AN_HOUR = 20  # reports one phone number may file within an hour


class SameClient(Exception):
    """The sender's own id was used before with another report."""

    def __init__(self) -> None:
        super().__init__("同一个提交编号已用于另一件诉求，请刷新页面后重新填写。")


class TooMany(Exception):
    """One phone number files more than anybody could mean to."""

    def __init__(self) -> None:
        super().__init__("这个号码一小时内反映的事情太多了，请稍后再试，或拨打热线。")


@dataclass(frozen=True, slots=True)
class Filed:
    """A case just filed; `new` is false when the same report had come before and nothing was written."""

    id: int
    region_id: int
    number: str
    new: bool


def file(report: Report, *, at: datetime, by: Acting = RESIDENT) -> Filed:
    """Take in a matter: one statement, one commit, and the number is there.

    The centre answerable for the place has it now and the clock for accepting it runs. Sending the same report twice
    (same `client_id`) gives the same number. Raises BadReport, SameClient, TooMany.
    """
    # A unit's own terms change times, never which types and urgencies there are.
    report, placed = checked(report, versions.rules(versions.in_force(PROGRAM, at).pk))
    version = versions.in_force(PROGRAM, at, placed.grid_id or placed.region_id)
    rules = versions.rules(version.pk)
    move = _filing(rules, by)
    limit = rules.clock_limit(move.starts[0], type=report.type, urgency=report.urgency, category=_category(report))
    due = worktime.due(limit, start=at, calendar=calendar_for(placed.region_id))
    case = _case_row(report, placed, move, version=version.pk, due=due, at=at, by=by)
    rows = {"case": case} | _companions(case, report, move, limit=str(limit), by=by)
    statement, values = file_statement(rows, _guards(case, report, rows.get("contact")))
    with transaction.atomic() if report.photos else nullcontext():
        filed, photos, crowded = _write(statement, values)
        if crowded:
            raise TooMany
        if filed and photos != len(set(report.photos)):
            raise BadReport("photos", "照片已过期或已被使用，请重新上传。")
    return Filed(case["id"], placed.region_id, case["no"], True) if filed else _filed_before(report)


def _write(statement: str, values: list[Any]) -> tuple[int, int, bool]:
    connection = connections[DEFAULT_DB_ALIAS]  # looked up once: it belongs to the thread
    connection.ensure_connection()
    if connection.queries_logged:  # Django's own logging cursor knows only its own form of placeholders
        connection.queries_log.append({"sql": statement, "time": "0"})
    crossing = across_regions("a client's id and a phone are one wherever they file")
    with crossing, connection.make_cursor(RawCursor(connection.connection)) as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


def _filing(rules: CaseProgram, by: Acting) -> Move:
    """A resident's matter waits to be accepted; one that staff file is accepted with it."""
    post = post_of(by)
    return next(move for move in rules.moves_from(None) if post in move.by)


def _category(report: Report) -> list[str]:
    return [category.key for category in lineage(report.category_id)]


def _case_row(
    report: Report, placed: Placed, move: Move, *, version: int, due: datetime, at: datetime, by: Acting
) -> dict[str, Any]:
    """The columns of a new case; `n` and `head` follow from its first event."""
    known = report.client_id is not None
    return {
        "id": new_id(),
        **{slot: getattr(placed, slot) for slot in Placed.__slots__},
        "no": next_number(placed.region_id, timezone.localdate(at)),
        "version": version,
        "type": report.type,
        "source": report.source,
        "secrecy": report.secrecy,
        "urgency": report.urgency,
        "category_id": report.category_id,
        "text_id": new_id(),
        "contact_id": new_id() if report.phone or report.name else None,
        "finder": who(by).posting if report.source == Source.GRID else None,
        "call_ref": report.call_ref,
        "client_id": report.client_id,
        "client_digest": report.digest() if known else None,
        "outside_no": "",
        "state": move.to,
        "result": "",
        "ending": "",
        "unit_id": tree.snapshot().centre_of(placed.region_id),
        "filed_at": at,
        "accepted_at": at if move.to == State.ACCEPTED else None,
        "due_at": due,
        "redos": 0,
        "hand_backs": 0,
        "calls": 0,
        "test": report.test,
        "n": 1,
    }


COUNTED = ("filed_at", "accepted_at", "closed_at", "source", "state", "l1", "l2", "l3", "l4", "l5", "grid_id", "test")
UNSET = ("id", "region_id", "n", "client_digest")  # what the first event does not repeat of a new case


def _companions(
    case: dict[str, Any], report: Report, move: Move, *, limit: str, by: Acting
) -> dict[str, dict[str, Any]]:
    """Every other row of a new case; puts the first event's hash into `case` as its head."""
    belongs = {"region_id": case["region_id"], "case_id": case["id"]}
    at, actor, salt = case["filed_at"], who(by), texts.new_salt()
    text = belongs | {"id": case["text_id"], "body": report.text, "place": report.address, "salt": salt}
    changes = {column: value for column, value in case.items() if value not in (None, "") and column not in UNSET}
    outcome = {"outcome": move.outcome} if move.outcome else {}
    data = event_data(
        changes, {**outcome, "text": text["id"], "digest": texts.digest(report.text, report.address, salt)}
    )
    case["head"] = event_hash(GENESIS, case["region_id"], case["id"], 1, at, actor, "file", case["version"], data)
    return {
        "event": belongs
        | {"n": 1, "at": at, "actor": str(actor.actor), "posting": actor.posting, "verb": "file"}
        | {"version": case["version"], "data": data, "hash": case["head"]},
        "text": text,
        **({"contact": _contact(case, report)} if case["contact_id"] else {}),
        "clock": belongs
        | {"id": new_id(), "key": move.starts[0], "limit": limit, "started_at": at, "due_at": case["due_at"]}
        | {"ledger": "[]", "stage": "running"},
        "outbox": belongs
        | {"id": new_id(), "topic": "tell", "payload": _told(case, move), "run_at": at, "attempts": 0, "error": ""},
        **_deltas(case),
    }


def _contact(case: dict[str, Any], report: Report) -> dict[str, Any]:
    return vault.sealed_columns(
        report.name,
        report.phone,
        pk=case["contact_id"],
        region_id=case["region_id"],
        case_id=case["id"],
        case_no=case["no"],
        at=case["filed_at"],
    )


def _deltas(case: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What a new case counts for: the same rule as for any other change of a case."""
    counts = [] if case["test"] else counted(SimpleNamespace(**{key: case.get(key) for key in COUNTED}))
    return {
        f"delta_{count.measure}": {"id": new_id(), "region_id": case["region_id"], "amount": 1, **count.columns()}
        for count in counts
    }


def _told(case: dict[str, Any], move: Move) -> str:
    told = {"message": move.tells[0], "n": 1, "unit": case["unit_id"], "version": case["version"], "result": ""}
    told |= {"due": None, "step_due": case["due_at"].isoformat(), "until": None}
    return orjson.dumps(told).decode()


def _guards(case: dict[str, Any], report: Report, contact: dict[str, Any] | None) -> dict[str, Any]:
    """What must hold for the case to be written."""
    return {
        "most": MOST_AN_HOUR,
        "phone_index": contact and contact.get("phone_index"),
        "hour_ago": id_at(case["filed_at"] - timedelta(hours=1)),
        "client": report.client_id,
        **({"photos": list(set(report.photos))} if report.photos else {}),
    }


def _filed_before(report: Report) -> Filed:
    """The case this sender's id already stands for. Raises SameClient when it came with another report."""
    with across_regions("a client's id is unique wherever it filed"):
        case = Case.objects.get(client_id=report.client_id)
    if bytes(case.client_digest) != report.digest():
        raise SameClient
    return Filed(case.pk, case.region_id, case.no, False)


@transaction.atomic
def accept(case: Case, *, by: Acting, at: datetime, category: Category | None = None, type: str = "") -> CaseEvent:
    """Accept a matter as the government's to handle: it is valid from now on and the clock for dispatching runs.

    Raises IllegalMove, or BadReport for a type that its program does not have.
    """
    case = locked(case, at=at)
    move = require_move(case, "accept", by=by)
    if type and type not in rules_of(case).types:
        raise BadReport("type", "请选择诉求类型。")
    changes: dict[str, Any] = {"accepted_at": at}
    if category:
        changes["category_id"] = category.pk
    if type:
        changes["type"] = type
    return advance(case, move, by=by, at=at, changes=changes)


@transaction.atomic
def answer(case: Case, text: str, *, by: Posting, at: datetime, category: Category | None = None) -> CaseEvent:
    """Answer at once (直接答复): the agent or dispatcher knows the answer; the case is accepted, answered and closed.

    Raises IllegalMove, NoWords.
    """
    case = locked(case, at=at)
    move = require_move(case, "answer", by=by)
    require_asks(case, move, by=by, text=text)
    changes = {"accepted_at": case.accepted_at or at, "replied_at": at, "result": move.results[0]}
    changes |= {"settled_level": by.unit.level, "handler": by.pk, "overdue_raw": False, "overdue_scored": False}
    if category:
        changes["category_id"] = category.pk
    return advance(case, move, by=by, at=at, changes=changes, facts=words(case, text))


@transaction.atomic
def place(case: Case, unit_id: int, *, by: Posting, at: datetime) -> CaseEvent:
    """Put a case on the net, or correct where it is; the counts of its old place move to the new one.

    Raises IllegalMove, Missing, BadPlace, or OutOfScope: nobody moves a case to where his own power does not reach.
    """
    case = locked(case, at=at)
    require_asks(case, require_move(case, "place", by=by), by=by, place=unit_id)
    unit = tree.snapshot().unit(unit_id)
    require_scope(by, unit)
    if not unit.is_place:
        raise BadPlace(f"“{unit.name}”不是一个地方，请选街道、社区或网格。")
    placed = asdict(at_unit(unit_id, lng=case.lng, lat=case.lat))
    del placed["region_id"]  # where it was filed never changes
    return note(case, "place", by=by, at=at, facts={}, **placed)
