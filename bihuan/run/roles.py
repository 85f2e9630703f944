"""Two database roles: the owner makes tables, the application uses them and cannot rewrite history (S2).

Event tables are found through Django's registry: every model under `book.Event`; then `book.Look` and the ledger.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.conf import settings
from django.db import connection, models
from psycopg import sql

from bihuan.book.models import Entry, Event, Look, Txn
from bihuan.dossier.models import Fact
from bihuan.ladder.models import Vote
from bihuan.run import database


class NoOwner(Exception):
    """The owner's address is needed and was not given."""


class UnsafeRole(Exception):
    """The application's role could rewrite history; the message lists how."""


def append_only() -> list[type[models.Model]]:
    """The models whose rows are only ever inserted."""
    return [*(model for model in apps.get_models() if issubclass(model, Event)), Look, Txn, Entry, Vote]


@contextmanager
def as_owner() -> Iterator[None]:
    """Run the block with the default connection of this thread as the owner, for migrate, grants and restore."""
    if settings.OWNER is None:
        raise NoOwner("给了 DATABASE_URL 就要同时给 DATABASE_OWNER_URL：建表、备份、恢复要用所有者角色。")
    # settings.OWNER may name another database than the one in use (tests): role and server are its, the name is not.
    owner = database.owner_entry(settings.OWNER) | {"NAME": connection.settings_dict["NAME"]}
    with _connected_with({key: owner[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME", "OPTIONS")}):
        yield


@contextmanager
def _connected_with(changes: dict[str, object]) -> Iterator[None]:
    before = {key: connection.settings_dict[key] for key in changes}
    connection.close()
    connection.settings_dict.update(changes)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def grant() -> None:
    """Give the application's role what it needs and no more. To be called as the owner, after every migrate."""
    application = sql.Identifier(settings.APPLICATION["user"])
    with connection.cursor() as cursor:
        for statement in _GRANTS:
            cursor.execute(sql.SQL(statement).format(application=application).as_string())
        for table in _made():
            revoke = sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(sql.Identifier(table), application)
            cursor.execute(revoke.as_string())
        for statement in _ON_FACTS if Fact._meta.db_table in _there() else ():
            cursor.execute(sql.SQL(statement).format(application=application).as_string())


_GRANTS = (
    "GRANT USAGE ON SCHEMA public TO {application}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {application}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {application}",
    "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON django_migrations FROM {application}",
    # A published document never changes (C1); only its end and state are written later.
    "REVOKE UPDATE, DELETE, TRUNCATE ON programs_version FROM {application}",
    "GRANT UPDATE (state, until) ON programs_version TO {application}",
    "REVOKE CREATE ON SCHEMA public FROM {application}",
)
# What was told is never edited (F1); it is forgotten whole at erasure, and sealed again when the vault's key changes.
_ON_FACTS = (
    "REVOKE UPDATE, TRUNCATE ON dossier_fact FROM {application}",
    "GRANT UPDATE (sealed) ON dossier_fact TO {application}",
)


def _made() -> list[str]:
    """The append-only tables that exist already: `migrate` may have been asked to stop half-way."""
    there = _there()
    return [model._meta.db_table for model in append_only() if model._meta.db_table in there]


def _there() -> set[str]:
    return set(connection.introspection.table_names())


_RIGHTS = """
SELECT c.relname,
       pg_has_role(current_user, c.relowner, 'MEMBER') AS owns,
       has_any_column_privilege(current_user, c.oid, 'UPDATE') AS updates,
       has_table_privilege(current_user, c.oid, 'DELETE') AS deletes,
       has_table_privilege(current_user, c.oid, 'TRUNCATE') AS empties
  FROM pg_class c
 WHERE c.oid = ANY(SELECT to_regclass(name) FROM unnest(%s::text[]) AS name)
"""


def refuse_unsafe() -> None:
    """Raise UnsafeRole when the role of the default connection could change or remove what is recorded."""
    dangers = _dangers()
    if dangers:
        raise UnsafeRole(
            f"拒绝启动：数据库角色 {connection.settings_dict['USER']} 能改写历史（{'；'.join(dangers)}）。"
            "请用 DATABASE_URL 给应用一个没有这些权限的角色，所有者角色只写在 DATABASE_OWNER_URL。"
        )


def _dangers() -> list[str]:
    tables = [model._meta.db_table for model in append_only()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        found = ["是超级用户"] if cursor.fetchone()[0] else []
        cursor.execute(_RIGHTS, [tables])
        for table, owns, *rights in cursor.fetchall():
            named = zip(("UPDATE", "DELETE", "TRUNCATE"), rights, strict=True)
            found += [f"是 {table} 的所有者"] if owns else [f"对 {table} 有 {right}" for right, has in named if has]
    return found
