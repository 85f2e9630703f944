"""The design system page shows every part, and keeps the rules that all pages must keep."""

import re
from pathlib import Path

import pytest

PARTS = Path(__file__).parents[2] / "bihuan" / "web" / "templates" / "parts"


@pytest.fixture
def page(client) -> str:
    answer = client.get("/styleguide/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_has_no_inline_style_or_script(page):
    assert " style=" not in page
    assert not re.search(r"\son[a-z]+=", page)
    assert all('src="' in tag for tag in re.findall(r"<script[^>]*>", page))
    assert "<style" not in page


def test_the_policy_refuses_inline_style_and_script(client):
    policy = client.get("/styleguide/")["Content-Security-Policy"]
    assert "unsafe" not in policy


def test_every_field_has_a_label_and_a_wrong_one_says_what_is_wrong(page):
    ids = set(re.findall(r'<label[^>]* for="([^"]+)"', page))
    assert {"id_text", "id_phone", "id_unit", "id_public"} <= ids
    wrong = re.search(r'<input[^>]*name="phone"[^>]*aria-invalid="true"[^>]*>', page)
    assert wrong
    described = re.search(r'aria-describedby="([^"]+)"', wrong.group())
    assert described
    assert all(f'id="{name}"' in page for name in described.group(1).split())
    assert "手机号应为 11 位数字，请核对。" in page


def test_ids_are_unique(page):
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert [name for name in set(ids) if ids.count(name) > 1] == []


def test_it_speaks_english_when_asked(client):
    answer = client.post("/i18n/setlang/", {"language": "en", "next": "/styleguide/"}, follow=True)
    assert '<html lang="en"' in answer.content.decode()


def test_the_chosen_theme_is_there_before_any_script_runs(client):
    client.cookies["theme"] = "dark"
    assert 'data-theme="dark"' in client.get("/styleguide/").content.decode()
    client.cookies["theme"] = '"><script>'
    assert "<script>" not in client.get("/styleguide/").content.decode()


def test_a_lost_page_answers_in_chinese_with_a_way_back(client):
    answer = client.get("/no-such-page/")
    assert answer.status_code == 404
    assert "没有找到" in answer.content.decode()
    assert 'href="/"' in answer.content.decode()


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "409", "429", "500"])
def test_error_pages_need_no_context(name):
    from django.template.loader import get_template

    assert "回到首页" in get_template(f"{name}.html").render()
