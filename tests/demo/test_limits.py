"""Short limits are a program version like any other: checked, published, and in force for new cases only."""

from datetime import UTC, datetime, timedelta

import pytest

from bihuan.demo.limits import publish_short, shorten
from bihuan.programs import changes, document, versions
from bihuan.programs.checks import check

AT = datetime(2026, 3, 12, 3, 20, tzinfo=UTC)
REQUEST = next(path for path in versions.shipped() if path.name == "request.toml").read_text()


def test_working_days_become_hours() -> None:
    rules = document.load(shorten(REQUEST))
    every = [limit for rule in rules.limits.values() for limit in rule.rows().values()]
    assert {limit.unit for limit in every} == {"uh"}
    assert max(limit.n for limit in every) == 10
    assert rules.limit("handle", type="help", urgency="normal", category="utilities").n == 4
    assert not [finding for finding in check(rules) if finding.severity == "error"]


def test_nothing_but_limits_changes() -> None:
    short, usual = document.load(shorten(REQUEST)), document.load(REQUEST)
    assert (short.moves, short.states, short.messages) == (usual.moves, usual.states, usual.messages)
    assert shorten(shorten(REQUEST)) == shorten(REQUEST)


@pytest.mark.django_db
def test_they_hold_for_new_cases_only() -> None:
    short = changes.diff(REQUEST, shorten(REQUEST))
    assert changes.klass_of(short) == changes.Klass.TIGHTENING  # who is under way stays
    versions.ensure_packs(AT, since=AT)
    usual = versions.in_force("request", AT)
    assert publish_short(AT + timedelta(days=1)) is not None
    assert versions.in_force("request", AT).pk == usual.pk
    assert versions.in_force("request", AT + timedelta(days=2)).pk != usual.pk
    assert publish_short(AT + timedelta(days=3)) is None
