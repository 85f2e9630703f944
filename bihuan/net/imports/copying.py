"""Rows into a table by COPY: ten times as fast as INSERT, and without its limit on values in a statement."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models
from psycopg import sql
from psycopg.types.numeric import Int8


def take_ids(model: type[models.Model], count: int) -> list[int]:
    """So many unused ids from the table's own sequence."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [model._meta.db_table, Int8(count)],
        )
        return [row[0] for row in cursor.fetchall()]


def copy_in(objects: Sequence[models.Model]) -> None:
    """Insert new objects of one model, giving each its id. Nothing else of theirs is changed."""
    if not objects:
        return
    model = type(objects[0])
    for found, id in zip(objects, take_ids(model, len(objects)), strict=True):
        found.pk = id
    fields = model._meta.concrete_fields
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table), sql.SQL(", ").join(sql.Identifier(field.column) for field in fields)
    )
    with connection.cursor() as cursor, cursor.copy(statement.as_string(None)) as copy:
        for found in objects:
            copy.write_row([field.get_db_prep_save(getattr(found, field.attname), connection) for field in fields])


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of plain values, which carry the ids that the application made. JSON is given as its text."""
    names = [model._meta.get_field(column).column for column in columns]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with connection.cursor() as cursor, cursor.copy(statement.as_string(None)) as copy:
        for row in rows:
            copy.write_row(row)


def copy_made(objects: Sequence[models.Model]) -> None:
    """Insert new objects of one model that carry their ids already."""
    if not objects:
        return
    fields = type(objects[0])._meta.concrete_fields
    reads = [(field.attname, json.dumps if isinstance(field, models.JSONField) else None) for field in fields]
    rows = ([dump(getattr(one, name)) if dump else getattr(one, name) for name, dump in reads] for one in objects)
    copy_rows(type(objects[0]), [field.name for field in fields], rows)
