"""`bihuan demo`: what it prints, what it refuses."""

from datetime import UTC, date, datetime

import pytest
from django.core.management import CommandError, call_command

from bihuan.demo.cast import CAST, PASSWORD
from bihuan.demo.seeding import LITTLE, NotEmpty, seed
from bihuan.net.models import Kind, Level, Unit


def test_it_prints_the_cast(capsys) -> None:
    call_command("demo", "cast")
    said = capsys.readouterr().out
    assert PASSWORD in said and all(actor.login in said for actor in CAST)


@pytest.mark.parametrize("rate", ["0", "-3", "100000", "快"])
def test_it_refuses_a_rate_that_is_none(rate: str) -> None:
    with pytest.raises(CommandError):
        call_command("demo", "live", "--rate", rate)


@pytest.mark.django_db
def test_it_does_not_mix_with_a_real_place() -> None:
    Unit.objects.create(code="210381000000", kind=Kind.AREA, name="海城市", level=Level.COUNTY, born=date(2020, 1, 1))
    with pytest.raises(NotEmpty, match="空库"):
        seed(LITTLE, at=datetime(2026, 3, 12, tzinfo=UTC), say=lambda line: None)
    assert Unit.objects.count() == 1
