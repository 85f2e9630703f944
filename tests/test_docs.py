"""The words keep up with the program: every setting and every command has a heading in docs/operations.md."""

import re
from pathlib import Path

import pytest

from bihuan import cli
from bihuan.env import SETTINGS

DOCS = Path(__file__).resolve().parent.parent / "docs"
OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")
HEADINGS = set(re.findall(r"(?m)^#+ `([^`]+)`", OPERATIONS))


def test_every_setting_has_a_heading() -> None:
    assert sorted(SETTINGS.keys() - HEADINGS) == []


def test_every_command_has_a_heading() -> None:
    ours = {f"bihuan {name}" for name, app in cli.known().items() if cli._ours(app)}
    assert sorted(ours - HEADINGS) == []


def test_no_heading_describes_what_is_gone() -> None:
    known = SETTINGS.keys() | {f"bihuan {name}" for name in cli.known()}
    assert sorted(HEADINGS - known) == []


def test_every_setting_says_what_it_is_for_in_chinese() -> None:
    assert [name for name, setting in SETTINGS.items() if not re.search(r"[\u4e00-\u9fff]", setting.help)] == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


STORIES = re.findall(r"`(bihuan/[\w/]+\.py)::(\w+)`", (DOCS / "tour.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("file", "name"), STORIES, ids=[f"{file}::{name}" for file, name in STORIES])
def test_every_step_of_the_tour_stands_where_it_says(file: str, name: str) -> None:
    source = (DOCS.parent / file).read_text(encoding="utf-8")
    assert re.search(rf"(?m)^(?:async )?(?:def|class) {name}\b", source), f"{file} has no {name}"


def test_the_tour_tells_of_every_verb() -> None:
    from bihuan.loop.kind import VERBS

    by_clocks_or_another_name = {"close", "lapse", "redo"}
    assert sorted(set(VERBS) - {name for _file, name in STORIES} - by_clocks_or_another_name) == []
