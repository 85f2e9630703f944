"""Loops over ready rows: `{% each row in rows %}<td>{{ row.words }}</td>{% endeach %}`, several times as fast as `for`.

Inside stand markup, `{{ row.field }}`, `{{ words }}` of the page, `{% if %}` on one of these, an `{% icon %}`, and loops
of the same kind. Whatever would work a row out (a filter, a comparison, another tag) is refused when the template is
read: rows arrive as ready strings. What the page itself gives is looked up once, before the loop.
"""

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from django.template import Node, NodeList, TemplateSyntaxError, Variable
from django.template.base import FilterExpression, Parser, TextNode, Token, VariableDoesNotExist, VariableNode
from django.template.context import Context
from django.template.defaulttags import IfNode, TemplateLiteral
from django.template.library import SimpleNode
from django.utils.safestring import SafeString, mark_safe

# What is looked at: the page's own values first, then the row of each loop, the outermost first.
Sight = list[Any]
Look = Callable[[Sight], Any]
Write = Callable[[Sight], str]


class Each(Node):
    """The outermost loop of a part; loops within it are compiled into it."""

    def __init__(self, write: Write, page: Mapping[str, Variable]) -> None:
        self.write, self.page = write, page

    def render(self, context: Context) -> SafeString:
        page = {text: _resolved(variable, context) for text, variable in self.page.items()}
        return mark_safe(self.write([page]))  # every value was escaped where it was written


class Inner(Node):
    """A loop as it was read; what encloses it compiles it."""

    def __init__(self, name: str, rows: FilterExpression, inside: NodeList) -> None:
        self.name, self.rows, self.inside = name, rows, inside


def each(parser: Parser, token: Token) -> Node:
    """The tag; the words of a loop within another are compiled with that one."""
    words = token.split_contents()
    if len(words) != 4 or words[2] != "in":
        raise TemplateSyntaxError("each: {% each row in rows %}")
    depth = parser.each_depth = getattr(parser, "each_depth", 0) + 1
    inner = Inner(words[1], parser.compile_filter(words[3]), parser.parse(("endeach",)))
    parser.delete_first_token()
    parser.each_depth -= 1
    if depth > 1:
        return inner
    reading = _Reading()
    return Each(reading.loop(inner, ()), reading.page)


class _Reading:
    """Turns the nodes of a loop into functions; `page` gathers what they need of the page."""

    def __init__(self) -> None:
        self.page: dict[str, Variable] = {}

    def loop(self, node: Inner, names: tuple[str, ...]) -> Write:
        rows, write, depth = self.look(node.rows, names), self.all((*names, node.name), node.inside), len(names) + 1

        def write_rows(sight: Sight) -> str:
            inside = [*sight[:depth], None]
            written = []
            for inside[depth] in rows(sight) or ():
                written.append(write(inside))
            return "".join(written)

        return write_rows

    def all(self, names: tuple[str, ...], nodes: Iterable[Node]) -> Write:
        parts = [self.one(names, node) for node in nodes]
        return lambda sight: "".join([part if part.__class__ is str else part(sight) for part in parts])  # type: ignore[operator]

    def one(self, names: tuple[str, ...], node: Node) -> str | Write:
        if isinstance(node, TextNode):
            return str(node.s)
        if isinstance(node, VariableNode):
            return _escaping(self.look(node.filter_expression, names))
        if isinstance(node, IfNode):
            return self.choice(node, names)
        if isinstance(node, Inner):
            return self.loop(node, names)
        if isinstance(node, SimpleNode) and not (node.takes_context or node.kwargs or node.target_var):
            return self.call(node, names)
        raise TemplateSyntaxError(
            f"each: rows arrive ready, {node.token.contents if node.token else node} works them out"
        )

    def choice(self, node: IfNode, names: tuple[str, ...]) -> Write:
        ways = [(self.condition(asked, names), self.all(names, nodes)) for asked, nodes in node.conditions_nodelists]

        def write_first(sight: Sight) -> str:
            for holds, write in ways:
                if holds(sight):
                    return write(sight)
            return ""

        return write_first

    def condition(self, asked: Any, names: tuple[str, ...]) -> Look:
        if asked is None:  # {% else %}
            return lambda sight: True
        if isinstance(asked, TemplateLiteral):
            return self.look(asked.value, names)
        raise TemplateSyntaxError(f"each: a row says whether; {asked!r} would work it out")

    def call(self, node: SimpleNode, names: tuple[str, ...]) -> Write:
        function, looks = node.func, [self.look(argument, names) for argument in node.args]
        return lambda sight: escaped(function(*[look(sight) for look in looks]))

    def look(self, expression: FilterExpression, names: tuple[str, ...]) -> Look:
        """How to find a value: in the row of a loop, or on the page."""
        said = expression.var
        if expression.filters:
            raise TemplateSyntaxError(f"each: rows arrive ready, {expression.token} works them out")
        if not isinstance(said, Variable) or said.lookups is None:
            return lambda sight: said if isinstance(said, str) else said.literal
        if any(name.isdecimal() for name in said.lookups):
            raise TemplateSyntaxError(f"each: a row's fields have names, {said.var} has none")
        if said.lookups[0] not in names:
            self.page[said.var] = said
            return lambda sight: sight[0][said.var]
        depth = len(names) - names[::-1].index(said.lookups[0])
        return _field(depth, said.lookups[1:])


def _field(depth: int, path: Iterable[str]) -> Look:
    """The row of a loop, or a field of it, or a field of that. What is not there is empty, as everywhere in templates."""
    path = tuple(path)
    if len(path) != 1:

        def look(sight: Sight) -> Any:
            value = sight[depth]
            for name in path:
                value = _of(value, name)
            return value

        return look
    (name,) = path
    return lambda sight: _of(sight[depth], name)


def _of(value: Any, name: str) -> Any:
    if value.__class__ is dict:
        return value.get(name, "")
    return getattr(value, name, "")


def _escaping(look: Look) -> Write:
    return lambda sight: escaped(look(sight))


def escaped(value: Any) -> str:
    """As text of a page; what is marked as safe stays as it is."""
    return value if value.__class__ is SafeString else escape(str(value))


def _resolved(variable: Variable, context: Context) -> Any:
    try:
        return variable.resolve(context)
    except VariableDoesNotExist:
        return ""
