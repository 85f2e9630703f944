from datetime import UTC, date, datetime

import pytest

from bihuan.net.models import Kind, Level, Person, Posting, Role, Unit

AT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)


@pytest.fixture
def at():
    return AT


@pytest.fixture
def county(db):
    """海城市, the only area of this net and therefore its own region."""
    unit = Unit.objects.create(
        code="210381000000", kind=Kind.AREA, name="海城市", level=Level.COUNTY, born=date(1985, 1, 1)
    )
    unit.l3, unit.path = unit.pk, [unit.pk]
    unit.save()
    return unit


@pytest.fixture
def agent(county):
    """王芳 answers the hotline of 海城市."""
    person = Person.objects.create(name="王芳")
    return Posting.objects.create(person=person, unit=county, role=Role.AGENT, since=date(2020, 1, 1))
