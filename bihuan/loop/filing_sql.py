"""The one statement that files a case: every row of it, or none. Written once, prepared once, one round trip.

Nothing is written when the sender's `client_id` is known already, or when the phone has filed too much in the last hour.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.db import models

from bihuan.book.models import Outbox, TallyDelta
from bihuan.dossier.models import Contact, Text
from bihuan.loop.models import CaseEvent, Clock

COMPANIONS: dict[str, type[models.Model]] = {
    "event": CaseEvent,
    "text": Text,
    "contact": Contact,
    "clock": Clock,
    "delta_filed": TallyDelta,
    "delta_accepted": TallyDelta,
    "delta_grid_accepted": TallyDelta,
    "outbox": Outbox,
}

_FILE = """
WITH crowd AS (
    SELECT count(*) >= %(most)s AS crowded FROM dossier_contact
    WHERE phone_index = %(phone_index)s AND id > %(hour_ago)s  -- ids grow with time
), filed AS (
    INSERT INTO loop_case ({columns}) SELECT {values}
    WHERE NOT (SELECT crowded FROM crowd)
      AND NOT EXISTS (SELECT FROM loop_case WHERE client_id = %(client)s)
    ON CONFLICT (client_id, region_id) WHERE client_id IS NOT NULL DO NOTHING
    RETURNING id
){companions}
SELECT (SELECT count(*) FROM filed), {claimed}, (SELECT crowded FROM crowd)
"""
_PHOTOS = """, photos AS (
    UPDATE dossier_photo SET region_id = %(case__region_id)s, case_id = %(case__id)s, event_n = 1
    WHERE key = ANY(%(photos)s) AND case_id IS NULL AND holder_id IS NULL AND EXISTS (SELECT FROM filed)
    RETURNING id
)"""

Shape = tuple[tuple[str, tuple[str, ...]], ...]  # row names with their columns, the case's first


def file_statement(rows: Mapping[str, Mapping[str, Any]], guards: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The statement in PostgreSQL's own $1 form, and its values.

    rows: "case" first, then companions named as in COMPANIONS; columns without a value are left out, for the server takes
    in each one. guards: most, phone_index, hour_ago, client, and photos when there are any.
    The statement answers (filed, photos claimed, crowded).
    """
    given = [(name, {key: value for key, value in row.items() if value is not None}) for name, row in rows.items()]
    values = [value for _, row in given for value in row.values()]
    shape = tuple([(name, tuple(row)) for name, row in given])
    return _statement(shape, tuple(guards)), [*values, *guards.values()]


@cache
def _statement(shape: Shape, guards: tuple[str, ...]) -> str:
    """The text for these columns; its values are theirs, then the guards'. The same few shapes come again and again.

    Numbered here once: psycopg would take a statement of this size apart anew at each call, for a third of its cost.
    """
    (_, columns), *companions = shape
    with_photos = "photos" in guards
    named = _FILE.format(
        columns=_quoted(columns),
        values=_values("case", columns),
        companions="".join([_PHOTOS] * with_photos + [_insert(name, names) for name, names in companions]),
        claimed="(SELECT count(*) FROM photos)" if with_photos else "0",
    )
    order = [f"{name}__{column}" for name, names in shape for column in names] + list(guards)
    numbers = {name: f"${n}" for n, name in enumerate(order, start=1)}
    return _NAME.sub(lambda found: numbers[found[1]], named)


_NAME = re.compile(r"%\((\w+)\)s")


def _insert(name: str, columns: tuple[str, ...]) -> str:
    table = COMPANIONS[name]._meta.db_table
    return f""", {name}_written AS (
    INSERT INTO {table} ({_quoted(columns)}) SELECT {_values(name, columns)} FROM filed
)"""


def _quoted(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _values(name: str, columns: tuple[str, ...]) -> str:
    return ", ".join(f"%({name}__{column})s" for column in columns)
