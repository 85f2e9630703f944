"""docs/write-a-program.md is replayed: its blocks are the shipped document, and its commands say what it shows."""

import re
import shlex
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from bihuan.net.revisions import forget
from bihuan.programs import document

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "write-a-program.md").read_text(encoding="utf-8")
SHIPPED = document.PACKS / "examples"
KEY = "tool_shelf"
FENCE = re.compile(r"^```(?P<language>\w+) ?(?P<about>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(found["language"], found["about"], found["text"]) for found in FENCE.finditer(GUIDE)]


def blocks_of(name: str) -> list[str]:
    return [text for language, about, text in BLOCKS if language == "toml" and about == name]


def joined(texts: list[str]) -> str:
    return "\n".join(texts)


def test_the_document_in_the_guide_is_the_shipped_one() -> None:
    assert joined(blocks_of(f"{KEY}.toml")) == (SHIPPED / f"{KEY}.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [f"{KEY}.scenarios.toml", f"{KEY}.demo.toml"])
def test_what_is_shown_of_other_files_stands_in_them(name: str) -> None:
    shown, shipped = blocks_of(name), (SHIPPED / name).read_text(encoding="utf-8")
    assert shown and all(text in shipped for text in shown)


@pytest.mark.django_db
def test_every_command_says_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    forget()
    written: dict[str, list[str]] = {}
    for language, about, text in BLOCKS:
        if language == "toml" and about.endswith(".toml"):
            written.setdefault(about, []).append(text)
            Path(about).write_text(joined(written[about]), encoding="utf-8")
        elif language == "console":
            follow(text, first_try=about == "first try")


def follow(text: str, *, first_try: bool) -> None:
    """Run a block's commands and compare what each says with what stands below it."""
    for command, _, shown in (part.partition("\n") for part in text.split("$ ")[1:]):
        whole = Path(f"{KEY}.toml").read_text(encoding="utf-8")
        if first_try:
            Path(f"{KEY}.toml").write_text(tried(), encoding="utf-8")
        assert_says(run(shlex.split(command)), shown)
        Path(f"{KEY}.toml").write_text(whole, encoding="utf-8")


def tried() -> str:
    """The finished document with the first try of the guide in it."""
    [attempt] = blocks_of("first try")
    whole = (SHIPPED / f"{KEY}.toml").read_text(encoding="utf-8")
    for table, tries in re.findall(r"^\[([\w.]+)\]\n(.*?)(?=^\[|\Z)", attempt, re.MULTILINE | re.DOTALL):
        begins = whole.index(f"[{table}]")
        ends = whole.index("\n\n", begins)
        keys = re.findall(r"^(\w+) =", tries, re.MULTILINE)
        kept = [line for line in whole[begins:ends].splitlines() if line.partition(" =")[0] not in keys]
        whole = whole[:begins] + "\n".join([*kept, *tries.strip().splitlines()]) + whole[ends:]
    return whole


def run(words: list[str]) -> str:
    if words[0] == "cp":
        shutil.copy(ROOT / words[1], words[2])
        return ""
    out = StringIO()
    try:
        call_command(*words[1:], stdout=out)
    except CommandError as error:
        return f"CommandError: {error}"
    except SystemExit:
        pass  # the check ends so when it has found something
    return out.getvalue()


def assert_says(said: str, shown: str) -> None:
    """What is shown is what was said; a line "…" stands for any lines, "…" in a line for any words."""
    lines = [re.escape(line).replace("…", ".*") if line.strip() != "…" else r"(?s:.*)" for line in shown.splitlines()]
    pattern = "\n".join(lines).replace("(?s:.*)\n", r"(?s:.*)")
    assert re.fullmatch(pattern.strip("\n"), said.strip("\n")), f"{said}\n--- is not ---\n{shown}"
