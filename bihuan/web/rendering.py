"""How Django forms are drawn: with the design system's templates (templates/forms), and widgets without any.

A radio with four choices goes through fifteen of Django's templates; what they write is written here directly.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe

from bihuan.web.rows import escaped

OURS = {"django/forms/errors/list/default.html": "forms/errors.html"}


class BihuanForms(DjangoTemplates):
    """The FORM_RENDERER of the product: `{{ form }}` and `{{ form.text.as_field_group }}` give our fields."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"

    def get_template(self, template_name: str) -> Any:
        # Lists of errors name Django's template in the class, so the name is replaced here.
        return super().get_template(OURS.get(template_name, template_name))

    def render(self, template_name: str, context: Any, request: HttpRequest | None = None) -> SafeString:
        draw = DRAWN.get(template_name)
        if draw is None or any(title for title, *_rest in context["widget"].get("optgroups", ())):
            return super().render(template_name, context, request)  # choices in groups are Django's to draw
        return mark_safe(draw(context["widget"]))


def _input(widget: Mapping[str, Any]) -> str:
    value = "" if widget["value"] is None else f' value="{escaped(widget["value"])}"'
    return f'<input type="{widget["type"]}" name="{escaped(widget["name"])}"{value}{_attributes(widget["attrs"])}>'


def _textarea(widget: Mapping[str, Any]) -> str:
    words = escaped(widget["value"] or "")
    return f'<textarea name="{escaped(widget["name"])}"{_attributes(widget["attrs"])}>\n{words}</textarea>'


def _radio(widget: Mapping[str, Any]) -> str:
    about = {name: widget["attrs"][name] for name in ("id", "class") if widget["attrs"].get(name)}
    choices = [option for _title, options, _index in widget["optgroups"] for option in options]
    return f"<div{_attributes(about)}>{''.join(map(_choice, choices))}</div>"


def _choice(option: Mapping[str, Any]) -> str:
    label = _attributes({"for": option["attrs"]["id"]} if option["attrs"].get("id") else {})
    return f"<div><label{label}>{_input(option)} {escaped(option['label'])}</label></div>"


def _attributes(given: Mapping[str, Any]) -> str:
    shown = ((name, value) for name, value in given.items() if value is not False)
    return "".join(f" {name}" if value is True else f' {name}="{escaped(value)}"' for name, value in shown)


DRAWN: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "django/forms/widgets/text.html": _input,
    "django/forms/widgets/hidden.html": _input,
    "django/forms/widgets/textarea.html": _textarea,
    "django/forms/widgets/radio.html": _radio,
}
