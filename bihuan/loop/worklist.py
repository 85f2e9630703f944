"""What a posting owes: the open tasks in its own name and in its unit's queue, most pressing first."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils.translation import gettext as _

from bihuan.loop.lists import ROW, Listing, Row, clock_of, rows_of, states_statement, states_summed
from bihuan.loop.models import Secrecy, Task
from bihuan.net.models import Posting, Role
from bihuan.net.regions import across_regions

MOST = 200
KINDS = tuple(Task.Kind.values)
HELPING = (Task.Kind.ASSIST.value, Task.Kind.HAND.value, Task.Kind.VERIFY.value)  # work on others' cases


@dataclass(frozen=True, slots=True)
class Owed:
    """One open task with its case as a row. `clock`: ok, soon or late, of the task itself."""

    kind: str
    title: str
    mine: bool  # in the posting's own name, not only in the unit's queue
    due: datetime
    clock: str
    row: Row


def owed(posting: Posting, *, at: datetime, kinds: tuple[str, ...] = KINDS, most: int = MOST) -> list[Owed]:
    """Open tasks of the posting and of its unit's queue. One query."""
    terms, values = _whose(posting, kinds)
    statement = f"""
        SELECT t.kind, t.posting, COALESCE(t.due_at, c.due_at), {ROW.replace("t.body", "x.body")}
        FROM loop_task t
        JOIN loop_case c ON c.region_id = t.region_id AND c.id = t.case_id
        JOIN dossier_text x ON x.region_id = c.region_id AND x.id = c.text_id
        WHERE {terms} ORDER BY 3, t.id LIMIT %s
    """
    with across_regions("a posting's work lies wherever its cases were filed"), connection.cursor() as cursor:
        cursor.execute(statement, [*values, most])
        found = cursor.fetchall()
    rows = rows_of([line[3:] for line in found], at)
    return [_owed(line, row, at) for line, row in zip(found, rows, strict=True)]


def _owed(line: tuple, row: Row, at: datetime) -> Owed:
    kind, posting, due = line[:3]
    return Owed(kind, _titles()[kind], posting is not None, due, clock_of(due, at), row)


def _titles() -> dict[str, str]:
    return {"lead": _("主办"), "assist": _("协办"), "hand": _("交办"), "verify": _("核查")}


def count(posting: Posting, *, kinds: tuple[str, ...] = KINDS) -> int:
    """How many open tasks `owed` would list. One query."""
    statement, values = _count_statement(posting, kinds)
    with across_regions("a posting's work lies wherever its cases were filed"), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[1]


def badges(listing: Listing, posting: Posting, *, at: datetime, kinds: tuple[str, ...] = KINDS) -> dict[str, int]:
    """`lists.count_states` with the number of open tasks as "tasks". One query for all of a desk's badges."""
    states, of_states = states_statement(listing, at)
    tasks, of_tasks = _count_statement(posting, kinds)
    with across_regions("a desk covers what its posting covers"), connection.cursor() as cursor:
        cursor.execute(f"{states} UNION ALL {tasks}", [*of_states, *of_tasks])
        return states_summed(cursor.fetchall())


def _count_statement(posting: Posting, kinds: tuple[str, ...]) -> tuple[str, list[object]]:
    terms, values = _whose(posting, kinds)
    statement = f"""
        SELECT 'tasks', count(*), 0, 0 FROM loop_task t
        JOIN loop_case c ON c.region_id = t.region_id AND c.id = t.case_id WHERE {terms}
    """
    return statement, values


def _whose(posting: Posting, kinds: tuple[str, ...]) -> tuple[str, list[object]]:
    """Secret cases are for handlers and chiefs of the unit that has them now, as `access.may_see` says."""
    secrets = posting.unit_id if posting.role in (Role.HANDLER, Role.CHIEF) else None
    terms = """t.stage = 'open' AND t.unit_id = %s AND (t.posting IS NULL OR t.posting = %s) AND t.kind = ANY(%s)
        AND NOT c.test AND (c.secrecy <> %s OR c.unit_id = %s)"""
    return terms, [posting.unit_id, posting.pk, list(kinds), Secrecy.SECRET.value, secrets]
