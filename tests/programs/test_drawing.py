"""The drawing of a program: every way is there, no line crosses a card, no word stands on another."""

import re
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bihuan.programs import document, drawing, versions
from bihuan.programs.drawing import NARROW, WIDE, Picture, lay_out, svg
from bihuan.programs.graph import graph_of

DOCUMENTS = [*versions.shipped("*"), Path(__file__).with_name("craft.toml")]
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
DRAWN = sorted(PICTURES.glob("program-*.svg"))
whole = pytest.mark.parametrize("steps", [True, False])
both = pytest.mark.parametrize("width", [WIDE, NARROW])
each = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)


def picture(path: Path, width: int, steps: bool = True) -> Picture:
    return lay_out(document.load_file(path), width, steps=steps)


@each
@both
def test_every_place_and_every_way_out_of_it_is_drawn(path: Path, width: int) -> None:
    graph = graph_of(document.load_file(path))
    drawn = picture(path, width)
    assert drawn.cards.keys() == graph.nodes.keys()
    ways = {(card.node.key, way.goal) for card in drawn.cards.values() for way in card.ways}
    assert ways == {(edge.source, edge.target) for edge in graph.edges if edge.source != edge.target}
    led = {*drawn.steps}
    led |= {(key, rail.goal) for rail in drawn.rails for key, card in drawn.cards.items() for y in rail.taps
            if card.top < y < card.bottom}  # fmt: skip
    assert led == ways


@each
@both
@whole
def test_cards_stand_below_one_another_and_rails_beside_them(path: Path, width: int, steps: bool) -> None:
    drawn = picture(path, width, steps)
    assert all(later.top - earlier.bottom >= drawing.GAP for earlier, later in pairwise(drawn.cards.values()))
    for rail in drawn.rails:
        assert drawn.cards[rail.goal].top < rail.door < drawn.cards[rail.goal].bottom
    for one, other in combinations(drawn.rails, 2):
        if (one.right, one.lane) == (other.right, other.lane):
            assert one.span[1] < other.span[0] or other.span[1] < one.span[0]
    assert drawn.left >= drawing.EDGE and drawn.full[0] > drawn.right


@each
@both
@whole
def test_no_word_stands_on_another_or_outside_its_card(path: Path, width: int, steps: bool) -> None:
    root = ElementTree.fromstring(svg(document.load_file(path), width=width, steps=steps))
    boxes = [box(text) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    drawn = picture(path, width, steps)
    for left, top, right, bottom in boxes[1:]:
        assert drawn.left <= left and right <= drawn.right
        assert any(card.top <= top and bottom <= card.bottom for card in drawn.cards.values())
    for one, other in combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def box(text: ElementTree.Element) -> tuple[float, float, float, float]:
    """Where the words stand: left, top, right, bottom. Marks at a line's end may hang over."""
    size, words = int(text.get("font-size", "0")), (text.text or "").rstrip(drawing.STOPS)
    x, y, long = float(text.get("x", "0")), float(text.get("y", "0")), drawing._length(words, size)
    left = x - long if text.get("text-anchor") == "end" else x
    return left, y - 0.86 * size, left + long, y + 0.12 * size


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.stem != "request"], ids=lambda path: path.stem)
def test_by_stages_every_gate_is_one_way_from_each_stage_where_it_is_open(path: Path) -> None:
    program = document.load_file(path)
    drawn = picture(path, WIDE, steps=False)
    assert drawn.cards.keys() == {"", *program.stages}
    for gate in program.gates.values():
        for source in gate.from_ or ("",):
            said = [way.title for way in drawn.cards[source].ways if way.goal == gate.to]
            assert any(title.startswith(gate.title) for title in said) or source == gate.to


@each
def test_a_drawing_has_no_scripts_and_no_style_attributes(path: Path) -> None:
    written = svg(document.load_file(path))
    assert not re.search(r"<script|\sstyle=|\son\w+=|href|<style", written)


@pytest.mark.parametrize("drawn", DRAWN, ids=lambda path: path.stem)
def test_the_drawings_in_the_docs_are_not_stale(drawn: Path) -> None:
    key = drawn.stem.removeprefix("program-")
    path = next(path for path in versions.shipped("*") if path.stem == key)
    fresh = svg(document.load_file(path), steps=False)
    made = f"bihuan programs draw --stages {path} --out docs/pictures/{drawn.name}"
    assert drawn.read_text(encoding="utf-8") == fresh, f"draw it anew: {made}"


def test_the_request_program_is_drawn_in_the_docs() -> None:
    assert "program-request" in {path.stem for path in DRAWN}
