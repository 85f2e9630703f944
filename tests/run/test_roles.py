"""S2: events are never updated or deleted, because the application's database role has no such right."""

import pytest
from django.db import ProgrammingError, connection, transaction

from bihuan.run import roles

pytestmark = [pytest.mark.django_db, pytest.mark.either_server]


def test_the_journal_and_the_looks_are_append_only() -> None:
    tables = {model._meta.db_table for model in roles.append_only()}
    assert {"loop_caseevent", "book_look", "book_txn", "book_entry"} <= tables


@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = NULL", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_application_cannot_rewrite_history(statement: str) -> None:
    for model in roles.append_only():
        asked = statement.format(model._meta.db_table, model._meta.concrete_fields[-1].column)
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(asked)


def test_F1_the_application_cannot_edit_what_was_told() -> None:
    for asked in (
        "UPDATE dossier_fact SET value = NULL",
        "UPDATE dossier_fact SET until = since",
        "TRUNCATE dossier_fact",
    ):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(asked)


def test_the_application_cannot_make_tables_or_claim_migrations() -> None:
    for asked in ("CREATE TABLE mine (x int)", "DELETE FROM django_migrations"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(asked)


def test_the_applications_role_is_accepted() -> None:
    roles.refuse_unsafe()


@pytest.mark.django_db(transaction=True)
def test_the_owner_is_refused_as_the_applications_role() -> None:
    with roles.as_owner(), pytest.raises(roles.UnsafeRole, match="超级用户"):
        roles.refuse_unsafe()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("right", ["UPDATE", "DELETE", "TRUNCATE", "UPDATE (data)"])
def test_one_right_too_many_is_refused_and_named(right: str) -> None:
    application = connection.settings_dict["USER"]
    with roles.as_owner(), connection.cursor() as cursor:
        cursor.execute(f"GRANT {right} ON loop_caseevent TO {application}")
    try:
        with pytest.raises(roles.UnsafeRole, match=f"对 loop_caseevent 有 {right.split()[0]}"):
            roles.refuse_unsafe()
    finally:
        with roles.as_owner(), connection.cursor() as cursor:
            cursor.execute(f"REVOKE {right} ON loop_caseevent FROM {application}")
            roles.grant()


@pytest.mark.django_db(transaction=True)
def test_without_an_owner_the_sentence_says_what_to_give(settings) -> None:
    settings.OWNER = None
    with pytest.raises(roles.NoOwner, match="DATABASE_OWNER_URL"), roles.as_owner():
        pass
