"""The loop of ready rows writes what Django's own loop writes, and refuses rows that are not ready."""

from dataclasses import dataclass

import pytest
from django.template import TemplateSyntaxError, engines
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy, override


def written(source: str, **page: object) -> str:
    return engines["django"].from_string("{% load i18n bihuan %}" + source).render(page)


@dataclass
class Way:
    label: object
    url: str = "/?a=1&b=2"


ROWS = [
    {"words": "<b> & 'c'", "tone": "late", "marks": [{"text": "急"}, {"text": "<"}], "icon": "x"},
    {"words": mark_safe("<i>ready</i>"), "other": True, "marks": [], "none": None, "n": 1200},
    {"words": gettext_lazy("关闭"), "marks": [Way(gettext_lazy("首页"))], "way": Way("<>")},
]
LOOP = """{% LOOP row in rows %}
<p>{{ row.words }}{% if row.tone %} {{ row.tone }}{% elif row.other %}{{ word }}{% else %}-{% endif %}</p>
{% LOOP mark in row.marks %}[{{ mark.text }}{{ mark.label }}{{ row.way.url }}{{ shown.deep }}]{% endLOOP %}
{{ row.none }}{{ row.n }}{{ row.missing.deeper }}{{ missing }}{% icon "check" %}{% icon row.icon %}
{% endLOOP %}"""
PAGE = {"rows": ROWS, "word": "<W>", "shown": {"deep": "d&d"}}


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_it_writes_what_for_writes(language):
    with override(language):
        ours, django = (written(LOOP.replace("LOOP", name), **PAGE) for name in ("each", "for"))
    assert ours == django
    assert "<b>" not in ours
    assert "<i>ready</i>" in ours


def test_no_rows_write_nothing():
    assert written("{% each row in rows %}x{% endeach %}", rows=[]) == ""
    assert written("{% each row in rows %}x{% endeach %}") == ""


def test_what_the_page_gives_is_looked_up_once():
    asked = []

    class Page:
        @property
        def words(self) -> str:
            asked.append(1)
            return "w"

    assert written("{% each row in rows %}{{ page.words }}{% endeach %}", rows=[1, 2, 3], page=Page()) == "www"
    assert len(asked) == 1


@pytest.mark.parametrize(
    "inside",
    [
        "{{ row.words|upper }}",
        "{{ row.pair.1 }}",
        "{% if row.n == 1 %}x{% endif %}",
        "{% if not row.n %}x{% endif %}",
        "{% url 'desk' %}",
        "{% translate '关闭' %}",
        "{% include 'parts/badge.html' %}",
        "{% for mark in row.marks %}x{% endfor %}",
    ],
)
def test_a_row_that_is_not_ready_is_refused(inside):
    with pytest.raises(TemplateSyntaxError, match="row"):
        written("{% each row in rows %}" + inside + "{% endeach %}")


def test_words_are_kept_by_language():
    words = "{% translate '关闭' %}{% translate '关闭' as kept %}{{ kept }}"
    for language, said in (("zh-hans", "关闭"), ("en", "Close"), ("zh-hans", "关闭")):
        with override(language):
            assert written(words) == said * 2
