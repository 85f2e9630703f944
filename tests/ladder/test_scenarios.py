"""The stories of every shipped ladder, played through the real actions: what its author wrote is what happens."""

from datetime import datetime
from pathlib import Path

import pytest
from django.utils import timezone

from bihuan.net.calendar import seed_calendar
from bihuan.programs import document, ladder_scenarios, scenarios, versions
from bihuan.programs.ladder import LadderProgram
from tests.ladder.doors import RealDoor

HERE = Path(__file__).parent.parent
SHIPPED = {path.stem: path for path in versions.shipped("*") if isinstance(document.load_file(path), LadderProgram)}
PACKS = SHIPPED | {"craft": HERE / "programs" / "craft.toml"}
STORIES = [
    pytest.param(path, story, id=f"{key}-{story.key}")
    for key, path in PACKS.items()
    if scenarios.beside(path).exists()
    for story in ladder_scenarios.load(document.read(scenarios.beside(path)), scenarios.beside(path).name)
]


@pytest.mark.parametrize(("path", "story"), STORIES)
def test_the_ladder_does_what_the_program_tells(cast, path, story, at):
    seed_calendar(at=at, first=2019, last=2025)
    if path not in versions.shipped():
        since = datetime(2019, 1, 1, tzinfo=timezone.get_default_timezone())
        versions.publish(document.read(path), by=None, at=at, since=since)
    program = document.load_file(path)
    mismatches = ladder_scenarios.play(story, RealDoor(cast, program, story))
    assert not mismatches, "\n".join(map(str, mismatches))
