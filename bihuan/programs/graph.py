"""A program as a graph: what one can be in, and what leads from one to the other. Drawings and pages are made from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bihuan.programs.case import CaseProgram
from bihuan.programs.course import case_walk
from bihuan.programs.document import Document
from bihuan.programs.kinds import Kind, kind_of
from bihuan.programs.ladder import LadderProgram
from bihuan.programs.ladder_course import ladder_walk
from bihuan.programs.liveness import Walk

START, OUT = "", "out"


@dataclass(frozen=True, slots=True)
class Node:
    """kind: start, state, stage, review, notice, objection, appeal, ruling, rank, or out (failed before being in).

    Steps of gates are called "gate.step". `clocks` are keys of clocks; of a step, its own limit in words.
    """

    key: str
    title: str
    kind: str
    owner: str | None = None
    party: str | None = None
    final: bool = False
    clocks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """What leads from `source` to `target` (both keys of nodes), declared under `key`: a move, gate, clock or step.

    kind: move, open, pass, fail, complain, lapse, or raise (the level above gets it).   by_clock: nobody needs to act.
    """

    source: str
    target: str
    title: str
    posts: tuple[str, ...]
    parties: tuple[str, ...]
    by_clock: bool
    key: str
    kind: str


@dataclass(frozen=True)
class Graph:
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]


def graph_of(program: Document, language: str = "zh") -> Graph:
    """The graph of a document whose names are all known (`checks.errors` says); titles of nodes in a language."""
    kind = kind_of(program.kind)
    walk: Walk[Any]
    if isinstance(program, CaseProgram):
        nodes, walk = _case_nodes(program, kind, language), case_walk(program, kind)
    else:
        nodes, walk = _ladder_nodes(program, kind, language), ladder_walk(program)
    edges = tuple(_edges(walk, kind))
    drawn = {edge.target for edge in edges}
    return Graph({node.key: node for node in nodes if node.kind != "out" or node.key in drawn}, edges)


def _case_nodes(program: CaseProgram, kind: Kind, language: str) -> list[Node]:
    states = [
        Node(s.key, program.label("state", s.key, language), "state", s.owner, _party(s.owner, kind), s.final, s.clocks)
        for s in program.states.values()
    ]
    return [Node(START, "", "start"), *states]


def _ladder_nodes(program: LadderProgram, kind: Kind, language: str) -> list[Node]:
    stages = [
        Node(s.key, program.label("stage", s.key, language), "stage", s.owner, _party(s.owner, kind), s.final, s.clocks)
        for s in program.stages.values()
    ]
    steps = [
        Node(
            step.node,
            program.label("step", step.node, language),
            step.kind,
            *_owner(step.by, kind),
            clocks=(str(step.limit),),
        )
        for gate in program.gates.values()
        for step in gate.all_steps
    ]
    return [Node(START, "", "start"), *stages, *steps, Node(OUT, "", "out", final=True)]


def _owner(posts: tuple[str, ...], kind: Kind) -> tuple[str | None, str | None]:
    owner = posts[0] if posts else None
    return owner, _party(owner, kind)


def _party(post: str | None, kind: Kind) -> str | None:
    return kind.posts.get(post) if post else None


def _edges(walk: Walk[Any], kind: Kind) -> Iterator[Edge]:
    """Each way once, however many places it is open at."""
    found: dict[Edge, None] = {}
    for place, ways in walk.ways.items():
        for way in ways:
            posts = tuple(sorted(way.posts))
            parties = tuple(sorted({kind.posts[post] for post in posts}))
            ends = (walk.node(place), walk.node(way.after))
            found[Edge(*ends, way.title, posts, parties, way.by_clock, way.key, way.kind)] = None
    yield from sorted(found, key=lambda edge: (edge.source, edge.target, edge.key))
