"""After the database server died and came back, nobody's next click fails."""

import os

import psycopg
import pytest
from django.db import connection
from django.test import Client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.either_server]


def _backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def test_a_connection_that_died_while_idle_is_replaced_before_it_is_used(client: Client) -> None:
    before = _backend()
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("SELECT pg_terminate_backend(%s, 5000)", [before])
    assert "database" not in client.get("/readyz").json()["reasons"]
    assert _backend() != before


def test_a_living_connection_is_kept(client: Client) -> None:
    before = _backend()
    client.get("/readyz")
    assert _backend() == before
