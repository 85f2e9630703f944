"""The ways onto a ladder that a post may open: gates that lead in, and moves without checks where the program has some."""

from dataclasses import dataclass

from bihuan.ladder.models import Standing
from bihuan.ladder.posts import posts_of
from bihuan.loop.wording import language
from bihuan.net.models import Posting
from bihuan.programs.ladder import LadderProgram
from bihuan.web.people.todo import own_post

SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class Way:
    """A gate (checks follow) or a move (at once). `asks` and `tests` are those of its rule."""

    key: str
    is_gate: bool
    title: str
    asks: tuple[str, ...]
    tests: tuple[str, ...]


def ways_in(rules: LadderProgram, posting: Posting) -> list[Way]:
    """What a posting may open for somebody of its own place."""
    return ways_by(rules, own_post(posting))


def ways_by(rules: LadderProgram, post: str) -> list[Way]:
    """The same for a post; SUBJECT: what somebody may open himself."""
    gates = [Way(one.key, True, rules.label("gate", one.key, language()), one.asks, one.tests)
             for one in rules.gates_from(None) if post in one.opens]  # fmt: skip
    moves = [Way(one.key, False, rules.label("move", one.key, language()), one.asks, one.must)
             for one in rules.moves_from(None) if post in one.by]  # fmt: skip
    return gates + moves


def ways_for(rules: LadderProgram, posting: Posting, standing: Standing) -> list[Way]:
    """The same for somebody in particular, at the place he belongs to."""
    posts = posts_of(posting, standing)
    return [way for post in sorted(posts) for way in ways_by(rules, post)]
