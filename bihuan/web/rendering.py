"""How Django forms are drawn: with the design system's templates (templates/forms)."""

from typing import Any

from django.forms.renderers import DjangoTemplates

OURS = {"django/forms/errors/list/default.html": "forms/errors.html"}


class BihuanForms(DjangoTemplates):
    """The FORM_RENDERER of the product: `{{ form }}` and `{{ form.text.as_field_group }}` give our fields."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"

    def get_template(self, template_name: str) -> Any:
        # Lists of errors name Django's template in the class, so the name is replaced here.
        return super().get_template(OURS.get(template_name, template_name))
