import asyncio
from collections.abc import Iterator
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


@pytest.fixture(autouse=True)
def _no_event_loop_left_by_a_browser() -> Iterator[None]:
    """A driven browser, used before in the same process, leaves its loop marked as running in this thread."""
    left = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(left)
