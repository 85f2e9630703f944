"""People move, and so does the net; their standings follow."""

from datetime import timedelta

import pytest

from bihuan.jobs.integrity import check_standings
from bihuan.ladder.actions import entering, gates, placing
from bihuan.ladder.models import Span
from bihuan.ladder.posts import NotYours
from bihuan.ladder.rooms import Full
from bihuan.net import revisions, tree
from bihuan.net.models import Role
from tests.ladder.conftest import START, at_gate, now

DAY = timedelta(days=1)


def on_stage(world, name, stage, unit=None):
    return entering.enter(world.subject(name, unit), "small", stage, START - 90 * DAY, by=world.county, at=START)


def test_who_moves_to_another_village_is_counted_there_from_then(world):
    standing = on_stage(world, "甲", "base")
    placing.transfer(standing, world.cast.north, by=world.county, at=START + DAY)
    spans = Span.objects.filter(standing=standing).order_by("since").values_list("l5", "since", "until")
    assert list(spans) == [
        (world.cast.south.pk, START - 90 * DAY, START + DAY), (world.cast.north.pk, START + DAY, None),
    ]  # fmt: skip
    assert now(standing).subject.unit_id == world.cast.north.pk and check_standings().breaks == []


def test_the_check_under_way_goes_on_in_the_new_place(world):
    standing = entering.nominate("small", world.subject(), gate="admit", by=world.village, at=START)
    placing.transfer(standing, world.cast.north, by=world.town, at=START)
    assert at_gate(standing).step_unit == world.cast.north.pk
    with pytest.raises(NotYours):
        gates.vote(standing, agree=True, by=world.village, at=START)
    assert gates.vote(standing, agree=True, by=world.village_other, at=START)


def test_D3_nobody_is_transferred_into_a_full_town(world):
    on_stage(world, "在", "upper")
    other = on_stage(world, "乙", "upper", world.cast.other_town)
    with pytest.raises(Full):
        placing.transfer(other, world.cast.south, by=world.county, at=START)


def test_only_organisers_of_both_places_transfer(world):
    standing = on_stage(world, "甲", "base")
    for by in (world.village, world.leader):
        with pytest.raises(NotYours):
            placing.transfer(standing, world.cast.north, by=by, at=START)
    far = world.post("far", world.cast.other_county, Role.ORGANISER)
    with pytest.raises(Exception, match="不在您的职责范围内"):
        placing.transfer(standing, world.cast.north, by=far, at=START)


def test_N4_when_a_village_goes_to_another_town_its_people_are_counted_there(world):
    standing = on_stage(world, "甲", "base")
    assert placing.follow_net(START + DAY) == 0
    tree.move_unit(world.cast.south, world.cast.other_town, on=START.date(), at=START + DAY)
    revisions.forget()
    assert placing.follow_net(START + DAY) == 1
    assert now(standing).l4 == world.cast.other_town.pk and check_standings().breaks == []


def test_a_village_is_not_closed_while_somebody_of_it_is_on_a_ladder(world):
    on_stage(world, "甲", "base", world.cast.north)
    with pytest.raises(tree.TreeFault, match="还有1名在册的培养对象"):
        tree.close_unit(world.cast.north, on=START.date(), at=START + DAY)
