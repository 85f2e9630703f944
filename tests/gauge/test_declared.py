"""Figures are data: the shipped files read, what is wrong is said with its place, and every key has its line in the docs."""

import re
from pathlib import Path

import pytest

from bihuan.gauge.declared import FOLDER, SOURCES, figures, load
from bihuan.gauge.people import QUERIES, SAYINGS, NoFigure, figure
from bihuan.programs.reading import BadDocument

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "figures.md").read_text(encoding="utf-8")
HEAD = 'program = "three_way"\n[group]\npeople = "人"\n'


def _one(body: str) -> str:
    return f'{HEAD}[figure.one]\ntitle = "一"\nunit = "人"\ngroup = "people"\n{body}'


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_a_shipped_file_reads(path: Path) -> None:
    found = figures(path.stem)
    assert found and all(one.program == path.stem and one.group for one in found.values())


def test_every_source_has_a_query_or_is_made_of_other_figures() -> None:
    assert set(SOURCES) - set(QUERIES) == {"document", "growth", "ratio"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('source = "guesses"\n', "source"),
        ('source = "standings"\ncolour = "red"\n', "colour"),
        ('source = "growth"\nof = "nobody"\nsince = "-1y"\n', "nobody"),
        ('source = "standings"\nperiod = "week"\n', "period"),
        ('source = "standings"\nwhere = { ask = "birth" }\n', "where"),
        ('source = "entries"\ngiver_level = 0\n', "giver_level"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(body: str, says: str) -> None:
    with pytest.raises(BadDocument) as refused:
        load(_one(body), "one.toml")
    assert says in str(refused.value)


def test_a_file_that_is_no_toml_is_refused_in_words() -> None:
    with pytest.raises(BadDocument) as refused:
        load("[figure", "one.toml")
    assert "one.toml" in str(refused.value)


def test_what_nobody_declared_is_not_found() -> None:
    with pytest.raises(NoFigure):
        figure("three_way", "happiness")


def test_every_source_key_and_saying_has_a_line_in_the_docs() -> None:
    named = set(re.findall(r"`([a-z_]+)[`.]", DOCS))
    assert set(SOURCES) <= named and set(SAYINGS) <= named
