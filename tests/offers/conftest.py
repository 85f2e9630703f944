from types import SimpleNamespace

import pytest

from tests.offers.people import make_folk


@pytest.fixture
def folk(db: None) -> SimpleNamespace:
    """The cast, those who work with trainees, and trainees."""
    return make_folk()
