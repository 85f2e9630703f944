"""Widgets that are written directly are what Django's templates write, but for the space between tags."""

import re

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy


class Everything(forms.Form):
    words = forms.CharField(
        max_length=9, help_text="h", widget=forms.TextInput(attrs={"data-key": "<&'\">", "x": True})
    )
    absent = forms.CharField(widget=forms.TextInput(attrs={"placeholder": gettext_lazy("首页"), "y": False}))
    hidden = forms.CharField(widget=forms.HiddenInput)
    long = forms.CharField(widget=forms.Textarea(attrs={"rows": 3, "data-voice": ""}))
    one = forms.ChoiceField(
        choices=[("a", gettext_lazy("关闭")), ("<", mark_safe("<b>b</b>")), (3, "<c>")],
        widget=forms.RadioSelect(attrs={"class": "wide", "data-key": "k"}),
    )
    group = forms.ChoiceField(choices=[("g", [("a", "A")])], widget=forms.RadioSelect)
    many = forms.MultipleChoiceField(choices=[("a", "A")], widget=forms.CheckboxSelectMultiple)


def tags(text: str) -> str:
    return re.sub(r"\s+(?=<)|(?<=>)\s+", "", text)


@pytest.mark.parametrize("name", list(Everything.base_fields))
@pytest.mark.parametrize(
    "given", [None, {}, {"words": "<w>'", "hidden": "1", "long": "a\n<b>", "one": "3", "group": "a"}]
)
def test_a_widget_is_what_django_draws(name, given):
    ours, django = (Everything(given), Everything(given, renderer=DjangoTemplates()))
    assert tags(str(ours[name])) == tags(str(django[name]))
    assert "<w>" not in str(ours[name])
