"""Tags of the design system: `icon "clock"`, `asset "app.css"`, the block `wrap "parts/card.html"`, the loop `each`; and
`translate` as Django has it, looked up once per language."""

from functools import cache
from typing import Any

from django import template
from django.conf import settings
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.templatetags.i18n import TranslateNode, do_translate
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from bihuan.jobs.hints import live_token
from bihuan.web.rows import each

register = template.Library()
register.tag("each", each)


@register.simple_tag
@cache
def asset(name: str) -> str:
    """The address of a built file (`app.js`), with its content's hash outside development."""
    return static(f"dist/{name}")


@register.simple_tag
@cache
def icon(name: str, label: str = "", extra: str = "") -> SafeString:
    """An icon of front/icons.txt. Without a label it is decoration, and the words beside it must say what it means."""
    spoken = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    classes = f"icon {extra}".strip()
    return format_html(
        '<svg class="{}" {} focusable="false"><use href="{}#{}"/></svg>', classes, spoken, asset("icons.svg"), name
    )


@register.simple_tag(takes_context=True)
def live_attributes(context: Context) -> SafeString | str:
    """The body's attributes that make a page live, when its view gave `live_topics` (a list of topics of jobs/hints)."""
    topics = context.get("live_topics")
    if not topics:
        return ""
    posting = getattr(context.get("request"), "posting", None)
    return format_html(
        ' data-live-url="{}" data-live-topics="{}" data-live-token="{}"',
        settings.LIVE_URL,
        " ".join(topics),
        live_token(posting, topics),
    )


class Said(template.Node):
    """`{% translate "words" %}`: the same words in the same language are looked up and escaped once, not on each page."""

    def __init__(self, node: TranslateNode) -> None:
        self.node, self.known = node, dict[str | None, Any]()

    def render(self, context: Context) -> str:
        language = get_language()
        if language not in self.known:
            self.known[language] = self._looked_up(context)
        if self.node.asvar:
            context[self.node.asvar] = self.known[language]
            return ""
        return self.known[language]

    def _looked_up(self, context: Context) -> str:
        said = self.node.render(context)
        return context[self.node.asvar] if self.node.asvar else said


@register.tag
def translate(parser: Parser, token: Token) -> template.Node:
    """Django's own tag; words that stand in the template itself are kept once they were looked up."""
    node = do_translate(parser, token)
    said = node.filter_expression
    constant = said.var.lookups is None and not said.filters and not node.message_context
    return Said(node) if constant else node


class Wrap(template.Node):
    """Renders a part around the lines between the tags, given to the part as `body`; the part sees nothing else of the page."""

    child_nodelists = ("inside",)

    def __init__(self, part: FilterExpression, values: dict[str, FilterExpression], inside: NodeList) -> None:
        self.part, self.values, self.inside = part, values, inside

    def render(self, context: Context) -> str:
        values = {name: value.resolve(context) for name, value in self.values.items()}
        body = self.inside.render(context)
        found = context.template.engine.get_template(self.part.resolve(context))
        return found.render(context.new({**values, "body": body}))


@register.tag
def wrap(parser: Parser, token: Token) -> Wrap:
    """`{% wrap "parts/card.html" title=words %}...{% endwrap %}`: the part prints `{{ body }}` where the lines go."""
    _, part, *rest = token.split_contents()
    values = token_kwargs(rest, parser)
    if rest:
        raise template.TemplateSyntaxError(f"wrap takes name=value only, not {rest}")
    inside = parser.parse(("endwrap",))
    parser.delete_first_token()
    return Wrap(parser.compile_filter(part), values, inside)
