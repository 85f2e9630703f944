"""docs/programs.md explains every key a document or a scenario may have, every finding and every variable."""

import re
from pathlib import Path
from typing import Any

import pytest

from bihuan.programs import document, ladder_scenarios, scenarios
from bihuan.programs.checks import RULES
from bihuan.programs.kinds import kind_of
from bihuan.programs.reading import Table
from tests.programs.test_document import PACK, TEXT
from tests.programs.test_ladder_checks import CRAFT, ladders
from tests.programs.test_ladder_checks import TEXT as LADDER

__all__ = ["ladders"]

DOC = (Path(__file__).parents[2] / "docs" / "programs.md").read_text(encoding="utf-8")
PARTS = [part.split("\n", 1) for part in re.split(r"^#{2,3} ", DOC, flags=re.MULTILINE)[1:]]
SECTIONS = {title.replace("`", ""): text for title, text in PARTS}
ENTRIES = ("type", "urgency", "result", "ending", "ask", "reason")


def asked_for(read: Any, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The paths of all keys that the reader asks for while it reads."""
    paths: set[str] = set()
    take = Table.take

    def noting(self: Table, key: str, *args: Any, **kwargs: Any) -> Any:
        paths.add(self.at(key))
        return take(self, key, *args, **kwargs)

    monkeypatch.setattr(Table, "take", noting)
    read()
    return paths


def rows(text: str) -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE))


def test_every_key_of_a_document_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in asked_for(lambda: document.load(TEXT), monkeypatch):
        part, *inner = path.split(".")
        if not inner:
            assert part in rows(SECTIONS["The document"]) or f"[{part}.*]" in SECTIONS, path
        elif part == "en":
            assert inner[0] in rows(SECTIONS["[en.*]"]), path
        elif len(inner) > 1 and part in ("state", "move", "clock", "message", "limit"):
            assert inner[1] in rows(SECTIONS[f"[{part}.*]"]), path
        elif part in ENTRIES and inner[-1] in ("title", "about"):
            assert inner[-1] in rows(SECTIONS["[reason.*]"]), path


# Tables whose keys are names that an author gives.
NAMED = {"review", "choice", "open", "migrate"}


def test_every_key_of_a_ladder_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in asked_for(lambda: document.load(LADDER), monkeypatch):
        part, _, rest = path.partition(".")
        keys = [key for key in rest.split(".")[1:] if not key.isdigit()]
        if part == "en":
            assert rest.split(".")[0] in {"", *rows(SECTIONS["A ladder's [en.*]"])}, path
        elif not rest:
            assert (
                part in rows(SECTIONS["A ladder's document"]) or f"A ladder's [{part}.*]" in SECTIONS or part in NAMED
            )
        elif part not in NAMED and keys:
            said = SECTIONS[f"A ladder's [{part}.*]"]
            explained = {*re.findall(r"`(\w+)`", said), *re.findall(r"(\w+) =", said)}
            assert set(_without_names(keys)) <= explained, path


def _without_names(keys: list[str]) -> list[str]:
    """The keys of a path that are words of the language, not an author's names."""
    return keys[:1] + (keys[2:] if keys[0] in NAMED else keys[1:])


@pytest.mark.parametrize(
    ("section", "load", "pack"),
    [("Scenarios", scenarios.load, PACK), ("Scenarios of a ladder", ladder_scenarios.load, CRAFT)],
)
def test_every_key_of_a_scenario_is_explained(
    monkeypatch: pytest.MonkeyPatch, section: str, load: Any, pack: Path
) -> None:
    said = SECTIONS[section]
    named = {key.split(".")[0] for key in re.findall(r"`([a-z_.<>]+)`", said)}
    stories = {story.key for story in load(document.read(scenarios.beside(pack)))}
    for path in asked_for(lambda: load(document.read(scenarios.beside(pack))), monkeypatch):
        parent, _, key = path.rpartition(".")
        if parent == "scenario" or key in stories:
            continue
        if not parent.endswith((".step", ".clock", ".duty", ".answers", ".others", ".with")):
            assert key in rows(said) | named, path


def test_every_finding_is_explained() -> None:
    told = re.findall(r"^\| `(\w+)` \| (error|warning) \|", SECTIONS["Checks"], flags=re.MULTILINE)
    assert dict(told) == {key: rule.severity for key, rule in RULES.items()}


def test_every_variable_and_audience_of_a_ladder_is_explained() -> None:
    kind, said = kind_of("ladder"), SECTIONS["A ladder's [message.*]"]
    assert {*re.findall(r"`\{(\w+)\}`", said)} == {*kind.variables}
    assert all(f"`{audience}`" in said for audience in kind.audiences)


def test_every_variable_ask_audience_and_clock_is_explained() -> None:
    kind = kind_of("case")
    assert {*re.findall(r"`\{(\w+)\}`", SECTIONS["[message.*]"])} == {*kind.variables}
    assert all(f"`{audience}`" in SECTIONS["[message.*]"] for audience in kind.audiences)
    assert all(ask in SECTIONS["[ask.*]"] for ask in kind.asks)
    clocks = {
        key for row in re.findall(r"^\| ([a-z_, ]+) \|", SECTIONS["How a case runs"], re.M) for key in row.split(", ")
    }
    assert clocks >= document.load(TEXT).clocks.keys()
