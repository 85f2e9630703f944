"""A program as a picture: a card for each place, the ways out of it as lines of the card, and rails that lead elsewhere.

Cards stand in one column, those further on below. A way to the next card is an arrow between the two; any other leaves its
line sideways, forward on the right and back on the left, and joins the rail of its goal. So no line ever crosses a card,
and no word stands on another. Plain SVG: no scripts, no style attributes; classes let a page give it other colours.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape

from bihuan.lib.worktime import Duration
from bihuan.programs.case import CaseProgram
from bihuan.programs.document import Document
from bihuan.programs.graph import START, Edge, Graph, Node, graph_of
from bihuan.programs.kinds import CLOCK
from bihuan.programs.ladder import LadderProgram
from bihuan.programs.telling import post

WIDE, NARROW = 560, 330  # of a card: for a page of paper or a desk, and for a phone
SIZE, SMALL = 14, 12  # of letters
LINE, ROW, HEAD, PAD, GAP, RAIL, EDGE = 17, 22, 30, 12, 26, 13, 14
INK, QUIET, PAPER, FRAME = "#1f2937", "#4b5563", "#ffffff", "#9ca3af"
PLACES = ("start", "state", "stage", "out")
OFFERED = {"notice": "向群众公示", "appeal": "本人可以申诉"}  # steps that wait for somebody who owes nothing
UNNAMED = {"start": "开始", "out": "没有进入"}
# Dark enough to be read on white as words; each goal has one, on its rail and in the lines that lead there.
COLOURS = ("#1d4ed8", "#b45309", "#047857", "#7e22ce", "#be123c", "#0e7490", "#4d7c0f", "#9d174d", "#374151")
FONT = "system-ui, 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif"


@dataclass(frozen=True, slots=True)
class Way:
    """One line of a card: what leads out of it, by whom, to where. `lines`: its words, wrapped; `y`: its middle."""

    title: str
    posts: str
    goal: str
    by_clock: bool
    lines: tuple[str, ...]
    y: float


@dataclass(frozen=True, slots=True)
class Card:
    """A place with everything that is said of it. `notes`: its owner, clocks and what can be done without leaving it."""

    node: Node
    title: str
    notes: tuple[str, ...]
    ways: tuple[Way, ...]
    top: float
    height: float

    @property
    def door(self) -> float:
        """Where rails come in: the middle of the heading."""
        return self.top + HEAD / 2 + 2

    @property
    def bottom(self) -> float:
        return self.top + self.height


@dataclass(frozen=True, slots=True)
class Rail:
    """A line beside the cards that gathers ways with one goal. lane: 0 is the nearest to the cards."""

    goal: str
    right: bool
    taps: tuple[float, ...]
    door: float
    lane: int = 0

    @property
    def span(self) -> tuple[float, float]:
        return min(*self.taps, self.door), max(*self.taps, self.door)


@dataclass
class Picture:
    """All that is drawn, with its place."""

    title: str
    width: int
    cards: dict[str, Card] = field(default_factory=dict)
    rails: list[Rail] = field(default_factory=list)
    steps: list[tuple[str, str]] = field(default_factory=list)  # from a card straight to the next

    @property
    def left(self) -> float:
        return EDGE + RAIL * (1 + max((rail.lane + 1 for rail in self.rails if not rail.right), default=0))

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def full(self) -> tuple[float, float]:
        """Width and height of the whole."""
        lanes = 1 + max((rail.lane + 1 for rail in self.rails if rail.right), default=0)
        return self.right + RAIL * lanes + EDGE, max(card.bottom for card in self.cards.values()) + EDGE


def svg(program: Document, *, width: int = WIDE, steps: bool = True) -> str:
    """The drawing of a program whose names are all known. width: of the cards, WIDE for paper, NARROW for a phone.

    steps: False draws a ladder by its stages alone, each gate as one way with its steps in words.
    """
    return "\n".join(_written(lay_out(program, width, steps=steps))) + "\n"


def lay_out(program: Document, width: int = WIDE, *, steps: bool = True) -> Picture:
    """Where everything is drawn."""
    graph = graph_of(program)
    if not steps and isinstance(program, LadderProgram):
        graph = stages_of(program, graph)
    picture = Picture(program.title, width)
    top: float = EDGE + HEAD
    for node in _ordered(graph):
        card = _card(program, graph, node, top, width)
        picture.cards[node.key] = card
        top = card.bottom + GAP
    _connect(picture)
    return picture


def stages_of(program: LadderProgram, graph: Graph) -> Graph:
    """The same graph without the steps of gates: a gate is one way, from where it is open to where it leads."""
    nodes = {key: node for key, node in graph.nodes.items() if node.kind in ("start", "stage")}
    return Graph(nodes, (*_gate_ways(program), *_move_ways(program)))


def _gate_ways(program: LadderProgram) -> Iterator[Edge]:
    for gate in program.gates.values():
        people = tuple(post for post in gate.opens if post != CLOCK)
        title = f"{gate.title}，经{'、'.join(step.title for step in gate.steps)}" if gate.steps else gate.title
        for source in gate.from_ or (START,):
            if people:
                yield Edge(source, gate.to, title, people, (), False, gate.key, "open")
            if CLOCK in gate.opens or _lapses(program, source, gate.key):
                yield Edge(source, gate.to, title, (), (), True, gate.key, "lapse")
            if gate.fails_to and gate.fails_to != source:
                yield Edge(source, gate.fails_to, f"{gate.title}：未通过", (), (), False, f"{gate.key}.fails", "fail")


def _move_ways(program: LadderProgram) -> Iterator[Edge]:
    for move in program.moves.values():
        people = tuple(post for post in move.by if post != CLOCK)
        for source in move.from_ or (START,):
            if people:
                yield Edge(source, move.to or source, move.title, people, (), False, move.key, "move")
            if move.when_free or CLOCK in move.by or _lapses(program, source, move.key):
                yield Edge(source, move.to or source, move.title, (), (), True, move.key, "lapse")


def _lapses(program: LadderProgram, stage: str, key: str) -> bool:
    """Whether a clock of the stage opens this gate or makes this move by itself."""
    clocks = program.stages[stage].clocks if stage in program.stages else ()
    return any(program.clocks[clock].lapse == key for clock in clocks)


# In which order


def _ordered(graph: Graph) -> list[Node]:
    """Starts first, ends last; places as the document has them, with the steps of gates as they are passed."""
    has_steps = any(node.kind not in PLACES for node in graph.nodes.values())
    nodes = _as_passed(graph) if has_steps else [*graph.nodes.values()]
    return sorted(nodes, key=lambda node: (node.final, node.kind == "out"))


def _as_passed(graph: Graph) -> list[Node]:
    """Each after those that lead to it, but for ways back: nodes by when the last way out of them was followed."""
    ways: dict[str, list[str]] = {}
    for edge in graph.edges:
        ways.setdefault(edge.source, []).append(edge.target)
    rank = {key: nth for nth, key in enumerate(graph.nodes)}
    steps = {key for key, node in graph.nodes.items() if node.kind not in PLACES}  # right after what leads to them
    done: list[str] = []
    seen: set[str] = set()

    def walk(key: str) -> None:
        seen.add(key)
        for target in sorted(ways.get(key, ()), key=lambda target: (target in steps, -rank[target])):
            if target not in seen:
                walk(target)
        done.append(key)

    walk(START)
    left = [key for key in graph.nodes if key not in seen]
    return [graph.nodes[key] for key in (*reversed(done), *left)]


# What a card says


def _card(program: Document, graph: Graph, node: Node, top: float, width: int) -> Card:
    notes = tuple(_wrapped(_notes(program, graph, node), width - 2 * PAD, SMALL))
    y = top + HEAD + len(notes) * LINE + (4 if notes else 0)
    ways: list[Way] = []
    for (_, goal), edges in _grouped(graph, node.key).items():
        way = _way(graph, _called(node), goal, edges, y, width)
        ways.append(way)
        y += ROW + (len(way.lines) - 1) * LINE
    return Card(node, _called(node), notes, tuple(ways), top, y + 6 - top)


def _called(node: Node) -> str:
    return node.title or UNNAMED.get(node.kind, node.key)


def _grouped(graph: Graph, source: str) -> dict[tuple[str, str], list[Edge]]:
    """Ways out, what people and the clock do alike together."""
    found: dict[tuple[str, str], list[Edge]] = {}
    for edge in graph.edges:
        if edge.source == source != edge.target:
            found.setdefault((edge.key, edge.target), []).append(edge)
    return found


def _way(graph: Graph, card: str, goal: str, edges: list[Edge], y: float, width: int) -> Way:
    people = [edge for edge in edges if not edge.by_clock]
    title = (people[0].title if people else edges[0].title).removeprefix(f"{card}：")
    who = "、".join(dict.fromkeys(post(key) for edge in people for key in edge.posts))
    automatic = any(edge.by_clock for edge in edges)
    by = "，".join(part for part in (who, "到期自动" if automatic and people else "") if part)
    said = f"{title}（{by}）" if by else title
    room = width - 2 * PAD - _length(f"↓ {_called(graph.nodes[goal])}", SIZE) - 16
    lines = tuple(_wrapped([said], room, SIZE))
    return Way(title, by, goal, automatic, lines, y + ROW / 2)


def _notes(program: Document, graph: Graph, node: Node) -> Iterator[str]:
    if node.owner:
        who = OFFERED.get(node.kind) or f"{post(node.owner)}负责"
        yield "；".join([who, *_clocks(program, node)])
    elif clocks := [*_clocks(program, node)]:
        yield "；".join(clocks)
    here = [edge.title for edge in graph.edges if edge.source == edge.target == node.key]
    stays = dict.fromkeys(title.removeprefix(f"{node.title}：") for title in here)
    if stays:
        yield f"不离开这里：{'、'.join(stays)}"


def _clocks(program: Document, node: Node) -> Iterator[str]:
    """The clocks of a place with how long they take; a step of a gate has a limit of its own."""
    for key in node.clocks:
        clock = program.clocks.get(key)
        if clock is None:
            yield f"时限{Duration.parse(key).chinese()}"
        elif isinstance(clock.limit, Duration):
            yield f"{clock.title}{clock.limit.chinese()}"
        elif isinstance(program, CaseProgram):
            yield f"{clock.title}{program.limits[clock.limit].default.chinese()}"


def _length(text: str, size: int) -> float:
    """How wide words are: a Chinese character is as wide as high, others a little more than half."""
    return sum(size if ord(letter) > 0x2E7F or letter in "“”…—" else 0.58 * size for letter in text)


STOPS = "，。；：、）”！？"  # do not begin a line


def _wrapped(texts: Iterable[str], width: float, size: int) -> Iterator[str]:
    for text in texts:
        line = ""
        for letter in text:
            if _length(line + letter, size) > width and letter not in STOPS:
                yield line
                line = ""
            line += letter
        yield line


# What leads where


def _connect(picture: Picture) -> None:
    order = {key: nth for nth, key in enumerate(picture.cards)}
    gathered: dict[tuple[str, bool], list[float]] = {}
    for key, card in picture.cards.items():
        for way in card.ways:
            ahead = order[way.goal] - order[key]
            if ahead == 1:
                picture.steps.append((key, way.goal))
            else:
                gathered.setdefault((way.goal, ahead > 0), []).append(way.y)
    rails = [Rail(goal, right, tuple(taps), picture.cards[goal].door) for (goal, right), taps in gathered.items()]
    picture.steps = list(dict.fromkeys(picture.steps))
    picture.rails = [*_in_lanes(rail for rail in rails if rail.right), *_in_lanes(r for r in rails if not r.right)]


def _in_lanes(rails: Iterable[Rail]) -> Iterator[Rail]:
    """Short rails near the cards; rails whose spans do not touch share a lane."""
    lanes: list[list[Rail]] = []
    for rail in sorted(rails, key=lambda rail: rail.span[1] - rail.span[0]):
        free = next((nth for nth, lane in enumerate(lanes) if all(_apart(rail, other) for other in lane)), len(lanes))
        if free == len(lanes):
            lanes.append([])
        placed = Rail(rail.goal, rail.right, rail.taps, rail.door, free)
        lanes[free].append(placed)
        yield placed


def _apart(one: Rail, other: Rail) -> bool:
    return one.span[1] + RAIL < other.span[0] or other.span[1] + RAIL < one.span[0]


# Writing it down


def _written(picture: Picture) -> Iterator[str]:
    colours = _coloured(picture)
    width, height = picture.full
    title = escape(picture.title)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="program" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img" aria-label="{title}" font-family="{escape(FONT)}">'
    )
    yield f"<title>{title}</title>"
    yield f'<rect class="sheet" width="{width:g}" height="{height:g}" fill="{PAPER}"/>'
    yield _text(picture.left, EDGE + 16, picture.title, 17, INK, "heading", bold=True)
    for rail in picture.rails:
        yield from _rail(rail, picture, colours[rail.goal])
    for source, target in picture.steps:
        yield from _step(picture, picture.cards[source], picture.cards[target], colours[target])
    for card in picture.cards.values():
        yield from _drawn(card, picture, colours)
    yield "</svg>"


def _coloured(picture: Picture) -> dict[str, str]:
    """A colour for each goal, one after the other."""
    goals = dict.fromkeys(way.goal for card in picture.cards.values() for way in card.ways)
    return {goal: COLOURS[nth % len(COLOURS)] for nth, goal in enumerate(goals)}


def _rail(rail: Rail, picture: Picture, colour: str) -> Iterator[str]:
    side, out = (picture.right, 1) if rail.right else (picture.left, -1)
    x = side + out * RAIL * (rail.lane + 1)
    top, bottom = rail.span
    line = f'class="rail" stroke="{colour}" stroke-width="1.6" fill="none"'
    yield f'<path {line} d="M{x:g} {top:g}V{bottom:g}"/>'
    for tap in rail.taps:
        yield f'<path {line} d="M{side:g} {tap:g}H{x:g}"/>'
        yield f'<circle class="tap" cx="{x:g}" cy="{tap:g}" r="2.6" fill="{colour}"/>'
    yield f'<path {line} d="M{x:g} {rail.door:g}H{side + out * 7:g}"/>'
    yield _head(side + out, rail.door, -out * 8, 0, colour)


def _step(picture: Picture, card: Card, following: Card, colour: str) -> Iterator[str]:
    x = picture.left + picture.width / 2
    yield f'<path class="step" stroke="{colour}" stroke-width="2" d="M{x:g} {card.bottom:g}V{following.top - 7:g}"/>'
    yield _head(x, following.top - 1, 0, 8, colour)


def _head(x: float, y: float, dx: float, dy: float, colour: str) -> str:
    """The head of an arrow that ends at a point, coming by (dx, dy)."""
    a, b = (x - dx - dy / 2, y - dy - dx / 2), (x - dx + dy / 2, y - dy + dx / 2)
    return f'<path class="head" fill="{colour}" d="M{x:g} {y:g}L{a[0]:g} {a[1]:g}L{b[0]:g} {b[1]:g}Z"/>'


def _drawn(card: Card, picture: Picture, colours: Mapping[str, str]) -> Iterator[str]:
    x, inner = picture.left, picture.left + PAD
    ends = card.node.final
    yield (
        f'<rect class="card{" final" if ends else ""}" x="{x:g}" y="{card.top:g}" width="{picture.width:g}" '
        f'height="{card.height:g}" rx="6" fill="{"#f3f4f6" if ends else PAPER}" stroke="{FRAME}" '
        f'stroke-width="{2.4 if ends else 1.2}"/>'
    )
    yield _text(inner, card.top + 21, card.title, 16, colours.get(card.node.key, INK), "title", bold=True)
    for nth, note in enumerate(card.notes):
        yield _text(inner, card.top + HEAD + 12 + nth * LINE, note, SMALL, QUIET, "note")
    for way in card.ways:
        yield from _line(card, way, picture, colours[way.goal])


def _line(card: Card, way: Way, picture: Picture, colour: str) -> Iterator[str]:
    inner, end = picture.left + PAD, picture.right - PAD
    for nth, words in enumerate(way.lines):
        yield _text(inner, way.y + 5 + nth * LINE, words, SIZE, INK, "way")
    goal = picture.cards[way.goal]
    sign = "↓" if (card.node.key, way.goal) in picture.steps else "→" if goal.top > card.top else "←"
    yield _text(end, way.y + 5, f"{sign} {goal.title}", SIZE, colour, "goal", anchor="end")


def _text(
    x: float, y: float, words: str, size: int, colour: str, kind: str, *, bold: bool = False, anchor: str = ""
) -> str:
    extra = (' font-weight="600"' if bold else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" font-size="{size}" fill="{colour}"{extra}>{escape(words)}</text>'
