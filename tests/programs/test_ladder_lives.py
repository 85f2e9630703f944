"""Any life on a ladder, whatever people do or leave undone: it stays on the walked places, and it can always end."""

from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.programs.ladder_course import Place, ladder_walk
from bihuan.programs.ladder_paper import LadderCoverage, LadderPaper
from bihuan.programs.ladder_scenarios import LadderExpected, LadderGiven, LadderStep
from bihuan.programs.scenarios import ZONE, Refused
from tests.programs.test_criteria import GOOD
from tests.programs.test_ladder_checks import edited, ladders

__all__ = ["ladders"]

PROGRAM = edited()
WALK = ladder_walk(PROGRAM)
START = datetime(2022, 1, 4, 9, tzinfo=ZONE)
LEVELS = ("village", "town", "county", "city")
SAID = {
    "review": [("vote", "agree"), ("vote", "agree"), ("vote", "refuse")],
    "notice": [("object", None)],
    "objection": [("settle", "upheld"), ("settle", "dismissed")],
    "appeal": [("appeal", None)],
    "ruling": [("rule", "upheld"), ("rule", "dismissed")],
    "rank": [("rank", None)],
}
Deed = tuple[str | None, str | None, str, str | None]  # verb, what, by, verdict
chosen = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 40)), max_size=40)  # which deed, after how many days
wrong: Deed = ("move", "leave", "organiser@village", None)


def possible(paper: LadderPaper) -> list[Deed]:
    """What somebody could do now, beside nothing, and something nobody may."""
    always: list[Deed] = [(None, None, "", None), ("free", "crafting", "", None), wrong]
    if paper.waiting:
        return always
    if paper.place.gate:
        posts = paper.place.posts(PROGRAM)
        return [
            (verb, None, by, verdict) for verb, verdict in SAID[paper.place.now(PROGRAM).kind] for by in posts
        ] + always
    here = None if paper.place.is_end(PROGRAM) else paper.place.stage
    opening: list[Deed] = [
        ("open" if here else "nominate", gate.key, by, None) for gate in PROGRAM.gates_from(here) for by in gate.opens
    ]
    leaving: list[Deed] = (
        [("move", move.key, by, None) for move in PROGRAM.moves_from(here) for by in move.by] if here else []
    )
    return [*opening, *opening, *leaving, ("do", "visit", "answerable", None), *always]


def lived(choices: list[tuple[int, int]], silent: str | None = None) -> tuple[LadderPaper, datetime]:
    """Live through deeds, those of a silent level left out; refused ones change nothing."""
    paper, at = LadderPaper(PROGRAM, LadderCoverage()), START
    paper.begin(LadderGiven(GOOD, {"crafting": 1}), at)
    for n, (choice, days) in enumerate(choices):
        at += timedelta(days=days)
        paper.advance_clock(at)
        deeds = possible(paper)
        deed = deeds[choice % len(deeds)]
        if deed[0] and not (silent and deed[2].endswith(silent)):
            _try(paper, deed, n, at)
        assert paper.waiting or paper.place in WALK.ways
    return paper, at


def _try(paper: LadderPaper, deed: Deed, n: int, at: datetime) -> None:
    verb, what, by, verdict = deed
    before = paper.place
    try:
        paper.act(LadderStep(f"s{n}", at, verb, what, by, f"{by}{n}", verdict, GOOD, LadderExpected()))
    except Refused:
        assert paper.place == before


@settings(max_examples=150, deadline=None)
@given(chosen)
def test_no_life_leaves_the_walked_places(choices: list[tuple[int, int]]) -> None:
    paper, _ = lived(choices)
    assert paper.place == Place() or paper.place.running or paper.place.gate or paper.place.is_end(PROGRAM)


@settings(max_examples=60, deadline=None)
@given(chosen, st.sampled_from(LEVELS))
def test_whoever_keeps_silent_a_gate_comes_to_its_end(choices: list[tuple[int, int]], silent: str) -> None:
    """However long the gate and whoever does nothing, in three years without a deed it is over."""
    paper, at = lived(choices, silent)
    paper.others = {}
    paper.act(LadderStep("free", at, "free", "crafting", "", "", None, {}, LadderExpected()))
    gate, since = paper.place.gate, paper.quiet_since
    paper.advance_clock(at + timedelta(days=3 * 365))
    assert gate is None or paper.quiet_since != since


def test_random_lives_come_far() -> None:
    """Else the properties above would hold for want of anything happening."""
    coverage: set[str] = set()
    drawn = Random(3)
    for _each in range(200):
        choices = [(drawn.randint(0, 100), drawn.randint(0, 40)) for _n in range(40)]
        paper, _ = lived(choices)
        coverage |= paper.coverage.passed | paper.coverage.failed | paper.coverage.missed | paper.coverage.kept
    assert coverage >= {
        "admit",
        "raise",
        "keep",
        "drop",
        "admit.objection",
        "drop.ruling",
        "raise.rank",
        "clock.yearly",
    }
