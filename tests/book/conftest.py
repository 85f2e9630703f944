from datetime import UTC, datetime

import pytest

AT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)


@pytest.fixture
def at():
    return AT
