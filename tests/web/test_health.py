"""Whoever watches the process asks two questions: does it live, and could it serve?"""

import os

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from bihuan.web import health


@pytest.fixture
def pump_alive():
    file = settings.VAR / "run" / "pump.alive"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    yield file
    file.unlink(missing_ok=True)


def test_alive_needs_no_database(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_ready_when_database_tables_and_pump_are(client, pump_alive):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": {}})


@pytest.mark.django_db
def test_a_silent_pump_is_a_reason(client, pump_alive):
    os.utime(pump_alive, (0, 0))
    assert "没有动静" in client.get("/readyz").json()["reasons"]["pump"]
    pump_alive.unlink()
    answer = client.get("/readyz")
    assert answer.status_code == 503 and "没有运行" in answer.json()["reasons"]["pump"]


@pytest.mark.django_db
def test_a_lost_database_is_a_reason_and_no_crash(client, pump_alive, monkeypatch):
    def lost(*_):
        raise OperationalError("gone")

    monkeypatch.setattr(connection, "cursor", lost)
    monkeypatch.setattr(connection, "close", lambda: None)
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.json()["reasons"] == {"database": "数据库连接不上"}


@pytest.mark.django_db
def test_tables_behind_the_program_are_a_reason(client, pump_alive, monkeypatch):
    monkeypatch.setattr(health._migrated, "seen", False)
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: [object(), object()])
    assert client.get("/readyz").json()["reasons"] == {"migrations": "还有 2 步迁移没有做，请运行 bihuan migrate"}
