"""A new version and those who stand on the ladder: moved they look as if they had been under it all along (C2, C3)."""

from datetime import timedelta

import pytest

from bihuan.jobs.integrity import check_standings
from bihuan.ladder import timers
from bihuan.ladder.actions import entering, gates
from bihuan.ladder.models import Duty, Span, Standing, Timer
from bihuan.lib.worktime import Duration
from bihuan.programs import versions
from bihuan.release import moving, publishing, tracks
from tests.ladder.conftest import DOCUMENT, START, at_gate, now

DAY = timedelta(days=1)
# Longer clocks, shorter visits, another name for a stage, one more place.
NEXT = (
    DOCUMENT.replace(
        '[stage.base]\ntitle = "初级"', '[migrate.1]\nstage.base = "first"\n\n[stage.first]\ntitle = "一级"'
    )
    .replace('from = ["base"]', 'from = ["first"]')
    .replace('from = ["base", "upper"]', 'from = ["first", "upper"]')
    .replace('to = "base"', 'to = "first"')
    .replace('in = ["base", "upper"]', 'in = ["first", "upper"]')
    .replace('limit = "365d"\nlapse = "drop"', 'limit = "730d"\nlapse = "drop"')
    .replace('every = "90d"', 'every = "60d"')
)


@pytest.fixture
def there(world):
    on_stage = entering.enter(world.subject("甲"), "small", "base", START - 100 * DAY, by=world.county, at=START)
    nominee = entering.nominate("small", world.subject("乙"), gate="admit", by=world.village, at=START)
    return on_stage, nominee


def run(at):
    while moving.run_due(at):
        pass


def test_C2_nobody_is_left_in_a_stage_that_is_gone(world, there):
    later = START + DAY
    publishing.release(NEXT, by=None, at=later, since=later)
    run(later)
    assert [now(one).stage for one in there] == ["first", ""]
    assert {one.version for one in Standing.objects.all()} == {versions.in_force("small", later).pk}
    assert list(Span.objects.order_by("since").values_list("stage", flat=True)) == ["base", "first"]
    assert check_standings().breaks == []


def test_C3_clocks_and_duties_count_from_when_they_began_by_the_new_version(world, there):
    later = START + DAY
    publishing.release(NEXT, by=None, at=later, since=later)
    run(later)
    standing = now(there[0])
    timer = Timer.objects.get(standing=standing, stage="running", passing=None)
    assert (timer.key, timer.limit) == ("yearly", "730d")
    assert timer.due_at == timers.due(standing, Duration.parse("730d"), start=START)
    owed = Duty.objects.get(standing=standing, dropped_at=None)
    assert owed.due_at == timers.due(standing, Duration.parse("60d"), start=START)


def test_C2_a_version_without_the_step_somebody_is_at_is_refused_with_the_reason(world, there):
    gone = NEXT.replace("[gate.admit.review.village]", "[gate.admit.review.hamlet]")
    with pytest.raises(versions.NotPublishable, match="“admit”的“village”这一步"):
        publishing.release(gone, by=None, at=START + DAY, since=START + DAY)


def test_who_is_at_a_step_goes_on_with_it(world, there):
    nominee, later = there[1], START + DAY
    longer = NEXT.replace('by = ["secretary@village"]\nlimit = "5wd"', 'by = ["secretary@village"]\nlimit = "8wd"')
    before = at_gate(nominee).step_due
    publishing.release(longer, by=None, at=later, since=later)
    run(later)
    assert at_gate(nominee).step_due > before
    gates.vote(nominee, agree=True, by=world.village, at=later)
    assert at_gate(nominee).step == "town"


def test_moving_twice_changes_nothing(world, there):
    later = START + DAY
    publishing.release(NEXT, by=None, at=later, since=later)
    run(later)
    kind, version = tracks.of("ladder"), versions.in_force("small", later)
    assert [kind.move(one, version, places={}, by=world.county, at=later) for one in kind.live(version.pk, None)] == [
        False, False,
    ]  # fmt: skip


def test_D3_a_cap_below_those_who_stand_there_is_refused(world):
    later = START + DAY
    more = DOCUMENT.replace('cap = { per = "town", n = 1 }', 'cap = { per = "town", n = 2 }')
    publishing.release(more, by=None, at=later, since=later)
    for name in ("甲", "乙"):
        entering.enter(world.subject(name), "small", "upper", START, by=world.county, at=later)
    found = publishing.plan(DOCUMENT, at=later + DAY)
    assert len(found.refusals) == 1 and "现在最多的地方有2人，多于新版本的名额1" in found.refusals[0]
    with pytest.raises(versions.NotPublishable, match="多于新版本的名额1"):
        publishing.release(DOCUMENT, by=None, at=later + DAY, since=later + DAY)
