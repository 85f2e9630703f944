"""Two movers at once, and an act in the middle of a move: everybody is moved exactly once, and no act is lost."""

from datetime import timedelta

import pytest

from bihuan.jobs.integrity import check_cases
from bihuan.loop.actions import dispatching
from bihuan.loop.models import Case, CaseEvent
from bihuan.programs.models import Move
from bihuan.release import moving
from bihuan.release.publishing import release
from tests.concurrency.test_loop_races import accepted, at_once
from tests.release.test_release import SOONER
from tests.world import make_cast

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def cast(transactional_db):
    return make_cast()


def move_all(at):
    while moving.run_due(at, 1) or Move.objects.filter(stage="waiting", moved=0).exists():
        pass


def test_C3_two_movers_move_each_case_once(cast, at):
    cases = [accepted(cast, at) for _ in range(6)]
    to = release(SOONER, by=None, at=at + HOUR, since=at + HOUR)
    moving._waiting.clear()
    assert at_once(lambda: move_all(at + HOUR), lambda: move_all(at + HOUR)) == [None, None]
    while moving.run_due(at + HOUR):
        pass
    assert {case.version for case in Case.objects.filter(region_id=cases[0].region_id)} == {to.pk}
    told = CaseEvent.objects.filter(region_id=cases[0].region_id, verb="rebase").values_list("case_id", flat=True)
    assert sorted(told) == sorted(case.pk for case in cases)
    assert Move.objects.get().moved == 6
    assert check_cases().breaks == []


def test_S1_an_act_and_a_move_at_once_both_happen(cast, at):
    case = accepted(cast, at)
    to = release(SOONER, by=None, at=at + HOUR, since=at + HOUR)
    at_once(
        lambda: dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at + HOUR),
        lambda: move_all(at + HOUR),
    )
    while moving.run_due(at + HOUR):
        pass
    case = Case.objects.get(region_id=case.region_id, pk=case.pk)
    assert (case.version, case.state) == (to.pk, "dispatched")
    assert case.promise_at.astimezone(at.tzinfo).isoformat() == "2026-11-25T17:00:00+08:00"
    assert check_cases().breaks == []
