"""Rules that every template keeps: words go through translation, no inline style or script, icons that exist."""

import re
from pathlib import Path

import pytest
from django.template import engines

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "bihuan" / "web" / "templates"
TEMPLATES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.html"))
ICONS = set((ROOT / "front" / "icons.txt").read_text().split())

COMMENT = re.compile(r"\{% comment.*?%\}.*?\{% endcomment %\}|\{#.*?#\}|<!--.*?-->", re.S)
TRANSLATED = re.compile(r"\{% blocktranslate.*?%\}.*?\{% endblocktranslate %\}", re.S)
TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.S)
HAN = re.compile(r"[\u3400-\u9fff\uff01-\uff5e\u3001\u3002]+")


def source(name: str) -> str:
    return COMMENT.sub("", (FOLDER / name).read_text())


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_compiles(name):
    engines["django"].get_template(name)


@pytest.mark.parametrize("name", TEMPLATES)
def test_chinese_stands_only_in_translation_tags(name):
    text = TRANSLATED.sub("", source(name))
    loose = HAN.findall(TAG.sub("", text))
    in_tags = [tag for tag in TAG.findall(text) if HAN.search(tag) and not re.match(r"\{%\s*translate\s", tag)]
    assert loose == []
    assert in_tags == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_inline_style_or_script(name):
    text = source(name)
    assert not re.search(r"\sstyle\s*=", text)
    assert "<style" not in text
    assert not re.search(r"\son[a-z]+\s*=", re.sub(r"\{%.*?%\}", "", text))
    assert not re.search(r"\shx-on", text)
    assert "js:" not in text
    for opening, inside in re.findall(r"<script([^>]*)>(.*?)</script>", text, re.S):
        assert "src=" in opening or 'type="application/json"' in opening
        assert not inside.strip() or 'type="application/json"' in opening


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_icon_named_is_in_the_sprite(name):
    text = source(name)
    named = set(re.findall(r"\{% icon ['\"]([a-z0-9-]+)['\"]", text))
    named |= set(re.findall(r"\bicon=['\"]([a-z0-9-]+)['\"]", text))
    assert named <= ICONS


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_form_that_changes_something_has_its_token(name):
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", source(name), re.S):
        assert "{% csrf_token %}" in form


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name.startswith("parts/")])
def test_every_part_says_what_it_takes(name):
    assert (FOLDER / name).read_text().startswith("{% comment %}")


def test_the_icons_are_sorted_and_named_once():
    named = (ROOT / "front" / "icons.txt").read_text().split()
    assert len(named) == len(set(named))
