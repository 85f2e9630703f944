from datetime import UTC, datetime

import pytest

AT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)


@pytest.fixture
def at():
    return AT


@pytest.fixture(autouse=True)
def var(settings, tmp_path):
    settings.VAR = tmp_path
    return tmp_path
