"""Nobody is held for ever: what the checks find agrees with trying every path, on walks of any shape."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.programs.kinds import Kind
from bihuan.programs.liveness import Walk, Way, held, walked

POSTS = {"clerk": "village", "mayor": "village", "judge": "town", "clock": "clock"}
KIND = Kind("k", "种类", {}, frozenset(), POSTS, frozenset(), frozenset(), parties={"village": "村里", "town": "镇里"})
END = 5
Ways = dict[int, list[tuple[int, frozenset[str], bool]]]

posts = st.frozensets(st.sampled_from(["clerk", "mayor", "judge"]), min_size=1)
people = st.tuples(st.integers(1, END), posts, st.just(False))
by_clock = st.tuples(st.integers(1, END), st.just(frozenset()), st.just(True))
maps = st.fixed_dictionaries({n: st.lists(st.one_of(people, by_clock), max_size=3) for n in range(END)})


def walk_of(ways: Ways) -> Walk[int]:
    def next_of(place: int) -> Iterator[Way[int]]:
        for n, (after, who, clock) in enumerate(ways.get(place, [])):
            yield Way(f"{place}.{n}", "move", f"{place}到{after}", after, who, clock)

    return walked([0], next_of, ended=lambda place: place == END, name=str, node=str)


def reached(ways: Ways, start: int, silent: frozenset[str]) -> set[int]:
    """Everywhere that can be come to from a place without these posts, by trying."""
    seen, waiting = set[int](), [start]
    while waiting:
        place = waiting.pop()
        if place not in seen:
            seen.add(place)
            waiting += [after for after, who, clock in ways.get(place, []) if clock or who - silent]
    return seen


@given(maps)
def test_who_is_found_held_is_held(ways: Ways) -> None:
    """Found for a party: from there the party's silence leaves no way to the end; and some are found whenever any are held."""
    walk = walk_of(ways)
    found = list(held(walk, KIND))
    for party, silent in {
        "": frozenset[str](),
        "village": frozenset({"clerk", "mayor"}),
        "town": frozenset({"judge"}),
    }.items():
        stuck = {place for place in walk.ways if place and END not in reached(ways, place, silent)}
        hopeless = {place for place in walk.ways if END not in reached(ways, place, frozenset())}
        told = {int(one.node) for one in found if one.party == party}
        assert told <= stuck
        assert bool(told) == bool(stuck - (hopeless if party else set()))


def story(ways: Ways) -> str:
    (one,) = held(walk_of(ways), KIND)
    return one.story


CLERK, JUDGE, NOBODY = frozenset({"clerk"}), frozenset({"judge"}), frozenset[str]()


@pytest.mark.parametrize(
    ("ways", "told"),
    [
        ({0: [(1, CLERK, False)], 1: [(5, JUDGE, False)]}, "① 0到1，到“1”，只有镇里能动，镇里一直不办，就停在这里"),
        ({0: [(1, CLERK, False)], 1: []}, "① 0到1，到“1”，没有可走的路，就停在这里"),
        (
            {0: [(1, CLERK, False)], 1: [(2, NOBODY, True), (5, JUDGE, False)], 2: [(1, NOBODY, True)]},
            "① 0到1 ② 1到2，到“2”，此后只能回到“1”，到不了终点",
        ),
    ],
    ids=["waits for one party", "no way at all", "round and round"],
)
def test_the_story_tells_how_it_comes(ways: Ways, told: str) -> None:
    assert story(ways) == told


def test_a_clock_or_another_party_keeps_it_moving() -> None:
    assert not list(held(walk_of({0: [(1, CLERK, False)], 1: [(5, JUDGE, False), (5, NOBODY, True)]}), KIND))
    assert not list(held(walk_of({0: [(1, CLERK, False)], 1: [(5, CLERK | JUDGE, False)]}), KIND))
