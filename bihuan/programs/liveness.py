"""Whether nobody can be held for ever: from every place an end can be reached although any one party never acts.

A walk is every place that can be come to, with what can happen next; each kind makes its own (`course.case_walk`,
`ladder_course.ladder_walk`). Where a place has no such way to an end, the counter-example is told as a story.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bihuan.programs.kinds import CLOCK, Kind

P = TypeVar("P", bound=Hashable)
NUMBERS = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"


@dataclass(frozen=True, slots=True)
class Way(Generic[P]):
    """One thing that can happen at a place: by people in `posts`, or by the clock. `key`: what of the document says so."""

    key: str
    kind: str
    title: str
    after: P
    posts: frozenset[str] = frozenset()
    by_clock: bool = False


@dataclass(frozen=True)
class Walk(Generic[P]):
    """Places with their ways. ended: whether nothing more is due there.   name: what people call it.   node: its key.

    spared: where a clock hands it to the level above, so that no party's silence holds it there.
    """

    starts: Sequence[P]
    ways: Mapping[P, Sequence[Way[P]]]
    ended: Callable[[P], bool]
    name: Callable[[P], str]
    node: Callable[[P], str]
    spared: Callable[[P], bool]


@dataclass(frozen=True, slots=True)
class Held:
    """A node where one is held. party: who keeps silent, "" where not even everybody acting helps.   story: how it comes."""

    node: str
    party: str
    story: str


def walked(
    starts: Sequence[P],
    next_of: Callable[[P], Iterable[Way[P]]],
    *,
    ended: Callable[[P], bool],
    name: Callable[[P], str],
    node: Callable[[P], str],
    spared: Callable[[P], bool] = lambda place: False,
) -> Walk[P]:
    """Go everywhere from the starts."""
    ways: dict[P, Sequence[Way[P]]] = {}
    waiting = list(starts)
    while waiting:
        here = waiting.pop()
        if here not in ways:
            ways[here] = tuple(next_of(here))
            waiting.extend(way.after for way in ways[here])
    return Walk(starts, ways, ended, name, node, spared)


def held(walk: Walk[P], kind: Kind) -> Iterator[Held]:
    """Every node where one can be held for ever, by whom, and a story for each; nobody's fault comes first."""
    nobody = _held_places(walk, frozenset())
    yield from _told(walk, nobody, kind, "")
    for party in sorted({*kind.posts.values()} - {kind.posts[CLOCK]}):
        silent = frozenset(post for post, theirs in kind.posts.items() if theirs == party)
        yield from _told(walk, _held_places(walk, silent) - nobody, kind, party)


def _held_places(walk: Walk[P], silent: frozenset[str]) -> set[P]:
    """Places from which no end is reached while these posts never act."""
    before: dict[P, list[P]] = {}
    for place, ways in walk.ways.items():
        for way in ways:
            if _can_happen(way, silent) or walk.spared(place):
                before.setdefault(way.after, []).append(place)
    waiting = [place for place in walk.ways if walk.ended(place)]
    reaching: set[P] = set()
    while waiting:
        place = waiting.pop()
        if place not in reaching:
            reaching.add(place)
            waiting.extend(before.get(place, ()))
    return {*walk.ways} - reaching - {*walk.starts}


def _can_happen(way: Way[P], silent: frozenset[str]) -> bool:
    return way.by_clock or not way.posts <= silent


def _told(walk: Walk[P], places: set[P], kind: Kind, party: str) -> Iterator[Held]:
    """One story, the shortest, for each node where it comes to a halt; places that a story has led through have theirs."""
    silent = frozenset(post for post, theirs in kind.posts.items() if party and theirs == party)
    halts: set[str] = set()
    told: set[P] = set()
    for place, path in _paths(walk) if places else ():
        if place in places - told:
            path, halt, through = _to_the_halt(walk, path, place, silent)
            told |= through
            if walk.node(halt) not in halts:
                halts.add(walk.node(halt))
                yield Held(walk.node(halt), party, _story(walk, path, halt, silent, kind))


def _paths(walk: Walk[P]) -> Iterator[tuple[P, tuple[Way[P], ...]]]:
    """Each place with a shortest way to it, nearest first."""
    waiting: deque[tuple[P, tuple[Way[P], ...]]] = deque((start, ()) for start in walk.starts)
    seen = {*walk.starts}
    while waiting:
        place, path = waiting.popleft()
        yield place, path
        for way in walk.ways[place]:
            if way.after not in seen:
                seen.add(way.after)
                waiting.append((way.after, (*path, way)))


def _story(walk: Walk[P], path: tuple[Way[P], ...], place: P, silent: frozenset[str], kind: Kind) -> str:
    """ "① 登记 ② 受理 到“待核查”，只有网格能动，网格一直不办，就停在这里" """
    steps = " ".join(f"{_number(n)} {way.title}" for n, way in enumerate(path))
    return f"{steps}，到“{walk.name(place)}”，{_halt(walk, place, silent, kind)}"


def _to_the_halt(
    walk: Walk[P], path: tuple[Way[P], ...], place: P, silent: frozenset[str]
) -> tuple[tuple[Way[P], ...], P, set[P]]:
    """Follow what happens without the silent party, clocks first, to where it halts or comes round again.

    Returns the whole way, the place, and what it led through from `place` on.
    """
    seen: set[P] = set()
    while place not in seen:
        seen.add(place)
        ways = sorted((w for w in walk.ways[place] if _can_happen(w, silent)), key=lambda way: not way.by_clock)
        fresh = next((way for way in ways if way.after not in seen), None)
        if fresh is None:
            break
        path, place = (*path, fresh), fresh.after
    return path, place, seen


def _halt(walk: Walk[P], place: P, silent: frozenset[str], kind: Kind) -> str:
    """What there is at the end of the story: one who could act, a circle, or nothing."""
    waiting = sorted({post for way in walk.ways[place] if way.posts <= silent for post in way.posts})
    who = kind.party(waiting[0]) if waiting else ""
    round_again = {walk.name(way.after) for way in walk.ways[place] if _can_happen(way, silent)}
    if round_again:
        names = "、".join(f"“{name}”" for name in sorted(round_again))
        return f"{f'{who}一直不办，' if who else ''}此后只能回到{names}，到不了终点"
    return f"只有{who}能动，{who}一直不办，就停在这里" if who else "没有可走的路，就停在这里"


def _number(n: int) -> str:
    return NUMBERS[n] if n < len(NUMBERS) else f"({n + 1})"
