"""Both kinds come out as one kind of graph: what one can be in, and what leads on."""

import pytest

from bihuan.programs import document
from bihuan.programs.graph import Edge, Graph, graph_of
from tests.programs.test_document import PACK
from tests.programs.test_ladder_checks import edited, ladders

__all__ = ["ladders"]


@pytest.fixture(scope="module")
def craft(ladders) -> Graph:  # type: ignore[no-untyped-def]
    return graph_of(edited())


def between(graph: Graph, source: str, target: str) -> set[tuple[str, str, bool]]:
    return {(e.kind, e.key, e.by_clock) for e in graph.edges if (e.source, e.target) == (source, target)}


def test_a_ladder_has_its_stages_and_every_step_of_its_gates(craft: Graph) -> None:
    kinds: dict[str, list[str]] = {}
    for node in craft.nodes.values():
        kinds.setdefault(node.kind, []).append(node.key)
    assert kinds["stage"] == ["pool", "crafting", "master", "left", "dropped"]
    assert kinds["review"] == ["admit.village", "admit.town", "raise.county", "keep.town", "drop.county"]
    assert (kinds["notice"], kinds["objection"]) == (["admit.notice"], ["admit.objection"])
    assert (kinds["appeal"], kinds["ruling"], kinds["rank"]) == (["drop.appeal"], ["drop.ruling"], ["raise.rank"])
    assert craft.nodes["admit.town"].party == "town"
    assert craft.nodes["drop.ruling"].owner == "organiser@city"  # one above the last review
    assert craft.nodes["out"].final


def test_what_leads_through_a_gate(craft: Graph) -> None:
    assert between(craft, "", "admit.village") == {("open", "admit", False)}
    assert between(craft, "admit.village", "admit.town") == {("pass", "admit.village", False)}
    assert between(craft, "admit.village", "admit.village") == {("raise", "admit.village", True)}
    assert between(craft, "admit.town", "admit.notice") == {
        ("pass", "admit.town", False),
        ("lapse", "admit.town", True),
    }
    assert between(craft, "admit.notice", "admit.objection") == {("complain", "admit.notice", False)}
    assert ("lapse", "admit.notice", True) in between(craft, "admit.notice", "pool")
    assert between(craft, "pool", "crafting") == {("move", "place", True)}
    assert between(craft, "drop.ruling", "crafting") >= {("fail", "drop.ruling", False)}  # an appeal upheld undoes it


def test_every_edge_joins_nodes_and_says_who(craft: Graph) -> None:
    for edge in craft.edges:
        assert {edge.source, edge.target} <= craft.nodes.keys()
        assert edge.by_clock != bool(edge.posts), edge


def test_a_case_has_its_states() -> None:
    graph = graph_of(document.load_file(PACK), "en")
    assert graph.nodes["signed"].title == "To be contacted"
    assert (graph.nodes["replied"].owner, graph.nodes["replied"].party) == ("chief", "unit")
    assert Edge("", "filed", "登记", ("resident",), ("resident",), False, "file", "move") in graph.edges
    assert ("lapse", "accept", True) in between(graph, "filed", "accepted")
