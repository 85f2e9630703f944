"""Scenarios of ladders are played from the document alone: the invented ones hold and show all; a wrong one says where."""

import pytest

from bihuan.programs import document, ladder_scenarios, scenarios
from bihuan.programs.ladder_paper import LadderCoverage, LadderPaper, play_all
from bihuan.programs.proof import prove_file
from bihuan.programs.reading import BadDocument
from tests.programs.test_ladder_checks import CRAFT, edited, ladders

__all__ = ["ladders"]

STORIES = document.read(scenarios.beside(CRAFT))


@pytest.mark.parametrize("story", ladder_scenarios.load(STORIES), ids=lambda story: story.key)
def test_a_story_goes_as_written(story) -> None:  # type: ignore[no-untyped-def]
    assert ladder_scenarios.play(story, LadderPaper(edited(), LadderCoverage())) == []


def test_the_stories_show_every_gate_test_and_deadline_both_ways() -> None:
    proof = prove_file(CRAFT)
    assert (proof.errors, proof.warnings, proof.told) == ([], [], True)


@pytest.mark.parametrize(
    ("without", "gap"),
    [
        ("reviewed", "关口 gate.drop 没有通过过"),
        ("kept_not", "关口 gate.keep 没有不通过过"),
        ("unfit", "条件 test.grown 没有不符合过"),
        ("objected", "期限 admit.objection 没有按时过"),
        ("objected", "期限 admit.notice 没有按时过"),  # nobody objected in time
        ("waiting", "期限 clock.wait 没有到期过"),
        ("risen", "期限 duty.visit 没有按时过"),
        ("waiting", "动作 move.give_up 没有发生过"),
        ("risen", "gate.admit.cool 没有超限过"),
    ],
)
def test_what_no_story_shows_is_told(without: str, gap: str) -> None:
    stories = [story for story in ladder_scenarios.load(STORIES) if story.key != without]
    _, coverage = play_all(edited(), stories)
    assert gap in coverage.gaps(edited())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('then.step = "village"', 'then.step = "town"', "场景 risen 的 apply：步骤应为town，实际为village"),
        ("then.due = 2025-03-10 17:00:00", "then.due = 2025-03-11 17:00:00", "这一步的期限应为2025-03-11 17:00:00"),
        ('then.unmet = ["recommended"]', "then.unmet = []", "不符合的条件应为（无），实际为recommended"),
        ('then.refused = "post"', 'then.refused = "state"', "场景 risen 的 too_early：拒绝应为state，实际为post"),
        ('then.entries = ["visits"]', "then.entries = []", "台账应为（无），实际为visits"),
        ("then.reached = true", "then.reached = false", "达到目标应为（无），实际为True"),
        ('then.fired = ["wait"]', "then.fired = []", "场景 waiting 的 gave_up：到期的期限应为（无），实际为wait"),
        (
            'what = "admit"\nby = "subject"',
            'what = "enter"\nby = "subject"',
            "场景 risen 的 apply：拒绝应为（无），实际为state",
        ),
    ],
)
def test_a_story_that_goes_otherwise_says_where(old: str, new: str, said: str) -> None:
    assert old in STORIES
    mismatches, _ = play_all(edited(), ladder_scenarios.load(STORIES.replace(old, new, 1)))
    assert any(said in str(mismatch) for mismatch in mismatches), list(map(str, mismatches))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('do = "nominate"', 'do = "name"', "risen.step.apply.do：写的是“name”，应为nominate、open、vote"),
        ('what = "admit"\n', "", "risen.step.apply.what：写的是空（没有写）"),
        ('by = "subject"\n', "", "risen.step.apply.by：写的是空（没有写）"),
        ('verdict = "agree"\n', "", "risen.step.too_early.verdict：写的是空（没有写）"),
        ('verdict = "agree"', 'verdict = "maybe"', "写的是“maybe”，应为agree、refuse"),
        ("works = 20", "works = [20]", "risen.given.answers.works：写的是数组"),
        ("{ crafting = 1 }", "{ crafting = -1 }", "risen.given.others.crafting：写的是整数 -1"),
        ("then.stage", "then.state", "risen.step.apply.then.state：写的是不认识的键"),
    ],
)
def test_a_wrong_file_of_stories_says_where(old: str, new: str, said: str) -> None:
    with pytest.raises(BadDocument) as caught:
        ladder_scenarios.load(STORIES.replace(old, new, 1), "x.scenarios.toml")
    assert said in str(caught.value)


def test_who_leaves_frees_a_place_for_who_waits_at_a_gate() -> None:
    """A gate into a full stage is passed, and takes effect when a place is free."""
    program = edited(
        ('to = "pool"\nopens', 'to = "crafting"\nopens'),
        ('[move.place]', '[move.join]'),
        ('from = ["pool"]\nto = "crafting"', 'from = []\nto = "pool"'),
        ("when_free = true", ""),
    )  # fmt: skip
    text = STORIES[: STORIES.index("[scenario.silent]")].replace("crafting = 1", "crafting = 2")
    head, _ = text.split("[scenario.risen.step.placed]")
    (story,) = ladder_scenarios.load(
        head
        + """
        [scenario.risen.step.passed]
        at = 2025-03-15 09:00:00
        then.stage = ""
        then.step = "room"
        [scenario.risen.step.free]
        at = 2025-03-17 09:00:00
        do = "free"
        what = "crafting"
        then.stage = "crafting"
        then.step = ""
        then.tells = ["welcome"]
        """
    )
    assert ladder_scenarios.play(story, LadderPaper(program, LadderCoverage())) == []
