"""The planned cities, drawn once for all tests; they are never changed but for the ids they get when written down."""

import pytest

from bihuan.demo.city import SMALL, City, plan


@pytest.fixture(scope="session")
def whole() -> City:
    return plan()


@pytest.fixture
def small() -> City:
    return plan(scale=SMALL)
