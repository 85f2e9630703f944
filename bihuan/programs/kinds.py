"""Kinds: the vocabularies that programs speak. A kind is code, registered at start-up by the package that acts it out.

`programs` knows no kind by itself, so it imports nothing above it; a document of an unregistered kind is refused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CLOCK = "clock"  # the post that acts when a limit runs out


class UnknownKind(LookupError):
    """No package has registered this kind."""

    def __init__(self, key: str) -> None:
        super().__init__(f"事项种类“{key}”没有登记，现有：{'、'.join(sorted(_kinds)) or '无'}")


@dataclass(frozen=True, slots=True)
class Verb:
    """One deed of a kind. `outcomes` are the ways it can end; without any, a move has no outcome.

    `raises` lists the outcomes that hand the matter to the level above, so that the same posts act there.
    """

    title: str
    outcomes: frozenset[str] = frozenset()
    raises: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Kind:
    """What documents of one kind may say. Every list is closed: code stands behind each word.

    posts: who may act, each with its party; a party is those who may all keep still together.
    parties: what each party is called in a sentence.   asks: what a move may require.
    variables: what a message may insert, each with its meaning.
    A kind whose documents name their own states and asks leaves these two lists empty.
    """

    key: str
    title: str
    verbs: Mapping[str, Verb]
    states: frozenset[str]
    posts: Mapping[str, str]
    asks: frozenset[str]
    audiences: frozenset[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    parties: Mapping[str, str] = field(default_factory=dict)

    def party(self, post: str) -> str:
        """What the party of a post is called: "grid_worker" -> "网格"."""
        party = self.posts.get(post, post)
        return self.parties.get(party, party)


_kinds: dict[str, Kind] = {}


def register_kind(
    key: str,
    *,
    title: str,
    verbs: Mapping[str, Verb],
    states: Iterable[str],
    posts: Mapping[str, str],
    asks: Iterable[str],
    audiences: Iterable[str],
    variables: Mapping[str, str],
    parties: Mapping[str, str] | None = None,
) -> Kind:
    """Make a kind known; called once, from the `ready` of the app that acts it out. Again replaces it."""
    closed = (frozenset(states), posts, frozenset(asks), frozenset(audiences))
    _kinds[key] = Kind(key, title, verbs, *closed, variables, parties or {})
    return _kinds[key]


def kind_of(key: str) -> Kind:
    """The registered kind. Raises UnknownKind."""
    try:
        return _kinds[key]
    except KeyError:
        raise UnknownKind(key) from None
