"""Scenarios are played from the document alone: the shipped ones hold and show all; a wrong one says where."""

import pytest

from bihuan.programs import document, scenarios
from bihuan.programs.course import courses
from bihuan.programs.paper import Coverage, Paper, play_all
from bihuan.programs.proof import prove_file
from bihuan.programs.reading import BadDocument
from bihuan.programs.scenarios import play
from tests.programs.test_document import PACK, TEXT

STORIES = document.read(scenarios.beside(PACK))


@pytest.fixture(scope="module")
def program() -> document.CaseProgram:
    return document.load_file(PACK)


@pytest.mark.parametrize("story", scenarios.load(STORIES), ids=lambda story: story.key)
def test_a_shipped_scenario_goes_as_written(program, story) -> None:  # type: ignore[no-untyped-def]
    assert play(story, Paper(program, Coverage())) == []


def test_the_shipped_scenarios_show_every_move_limit_and_deadline() -> None:
    assert prove_file(PACK).errors == []


@pytest.mark.parametrize(
    ("without", "gap"),
    [
        ("answered", "动作 move.answer 没有发生过"),
        ("praise", "时限 limit.handle.type.praise 没有用到过"),
        ("too_late", "move.redo.within 没有超限被拒绝过"),
        ("urgent", "move.urge.per_day 没有在限内发生过"),
        ("verified_above", "clock.verify_up 没有按时过"),
        ("never_verified", "clock.verify_up 没有到期过"),
    ],
)
def test_what_no_scenario_shows_is_told(program, without: str, gap: str) -> None:  # type: ignore[no-untyped-def]
    stories = [story for story in scenarios.load(STORIES) if story.key != without]
    _, coverage = play_all(program, stories)
    assert gap in coverage.gaps(program)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('then.state = "filed"', 'then.state = "closed"', "场景 confirmed 的 file：状态应为closed，实际为filed"),
        ("2025-03-03 11:00:00", "2025-03-03 11:30:00", "时限 accept应为2025-03-03 11:30:00，实际为2025-03-03 11:00:00"),
        ('then.tells = ["received"]', "then.tells = []", "告知应为（无），实际为received"),
        ('then.refused = "post"', 'then.refused = "late"', "拒绝应为late，实际为post"),
        ('then.refused = "post"', "", "拒绝应为（无），实际为post"),
        ('given.type = "complaint"', 'given.type = "gossip"', "场景 confirmed 的 file：拒绝应为（无），实际为answer"),
    ],
)
def test_a_scenario_that_goes_otherwise_says_where(program, old: str, new: str, said: str) -> None:  # type: ignore[no-untyped-def]
    assert old in STORIES
    mismatches, _ = play_all(program, scenarios.load(STORIES.replace(old, new, 1)))
    assert any(said in str(mismatch) for mismatch in mismatches)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("at = 2025-03-03 09:20:00", 'at = "Monday"', "写的是“Monday”，应为时间"),
        ("at = 2025-03-03 09:20:00", "at = 2025-03-03 08:00:00", "confirmed.step.accept.at：写的是“2025-03-03 08:00:00”"),
        ('by = "resident"\n', "", "scenario.confirmed.step.file.by：写的是空（没有写）"),
        ("then.state", "then.sate", "scenario.confirmed.step.file.then.sate：写的是不认识的键"),
        ('then.refused = "state"', 'then.refused = "no"', "写的是“no”，应为state、post、ending、late、often、answer 之一"),
        ('given.type = "complaint"', "", "scenario.confirmed.given.type：写的是空（没有写）"),
        ("[scenario.answered]", "[scenario.answered", "不合 TOML 格式"),
    ],
)  # fmt: skip
def test_a_wrong_scenario_file_says_where(old: str, new: str, said: str) -> None:
    with pytest.raises(BadDocument) as caught:
        scenarios.load(STORIES.replace(old, new, 1), "x.scenarios.toml")
    assert said in str(caught.value)


def test_a_moment_with_an_offset_is_taken_as_written() -> None:
    (first, *_) = scenarios.load(STORIES.replace("2025-03-03 09:00:00", "2025-03-03T01:00:00Z", 1))
    assert first.steps[0].at == scenarios.load(STORIES)[0].steps[0].at


def test_nobody_acting_never_leaves_a_case_without_a_clock(program) -> None:  # type: ignore[no-untyped-def]
    open_courses = [c for c in courses(program) if c.state and not program.states[c.state].final]
    assert open_courses
    assert all(course.running for course in open_courses)


def test_a_document_without_scenarios_is_not_trusted(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "request.toml"
    path.write_bytes(TEXT.encode())
    assert prove_file(path).errors == ["没有场景文件（<名字>.scenarios.toml），没有任何动作和时限被试过"]
