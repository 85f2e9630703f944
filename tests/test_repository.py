"""What is kept in the repository: no addresses of anybody's package stores, locks with hashes, no products of a build."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
LOCKS = sorted((PROJECT / "requirements").glob("*.txt"))
# Written in pieces, or this file would be its own first finding.
STORES = [
    "py" + "pi.org",
    "pythonhos" + "ted",
    "registry.np" + "mjs",
    "npmmir" + "ror",
    "--find-" + "links",
    "index-u" + "rl =",
    "extra-in" + "dex",
    "file:" + "///",
]
MADE = re.compile(r"(^|/)(\.venv|node_modules|var|__pycache__|dist)/|\.(pyc|mo)$")
BINARY = {".png", ".jpg", ".ico", ".woff2", ".gz", ".xlsx", ".pdf"}


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [PROJECT / name for name in listed.stdout.split("\0") if name and (PROJECT / name).exists()]


def test_no_tracked_file_names_a_package_store() -> None:
    found = [
        f"{file.relative_to(PROJECT)}: {store}"
        for file in _tracked()
        if file.suffix not in BINARY
        for store in STORES
        if store in file.read_text(encoding="utf-8", errors="replace")
    ]
    assert found == []


def test_no_product_of_a_build_is_tracked() -> None:
    assert [str(file) for file in _tracked() if MADE.search(str(file.relative_to(PROJECT)))] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_version_has_hashes(lock: Path) -> None:
    entries = re.split(r"\n(?=[a-zA-Z])", re.sub(r"(?m)^\s*#.*\n", "", lock.read_text()))
    unhashed = [entry.split()[0] for entry in entries if entry.strip() and "--hash=sha256:" not in entry]
    assert entries and unhashed == []
    assert all("==" in entry.split()[0] for entry in entries if entry.strip())


def test_every_requirement_is_locked() -> None:
    for wanted in (PROJECT / "requirements").glob("*.in"):
        locked = wanted.with_suffix(".txt").read_text().lower()
        names = re.findall(r"(?m)^([A-Za-z0-9_.-]+)", wanted.read_text())
        missing = [name for name in names if f"\n{name.lower().replace('_', '-')}==" not in f"\n{locked}"]
        assert missing == [], wanted.name


def test_the_front_ends_lock_names_no_address_and_every_hash() -> None:
    lock = (PROJECT / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') > 5


def test_one_entry_point_and_one_licence() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert list(project["scripts"]) == ["bihuan"]
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in (PROJECT / "LICENSE").read_text()[:200]
