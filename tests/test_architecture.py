"""The packages import only what lies below them, and nothing is named after nothing."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PRODUCT = PROJECT / "bihuan"
# From the top: each imports only those further down. The first line's packages may use one another, but not in a ring.
ORDER = (
    {"web", "api", "jobs", "demo", "run"},
    {"release"},
    {"gauge"},
    {"offers"},
    {"ladder"},
    {"loop"},
    {"dossier"},
    {"book"},
    {"programs"},
    {"net"},
    {"sense"},
    {"lib"},
)
RANK = {package: rank for rank, packages in enumerate(ORDER) for package in packages}
SOURCES = {".py", ".js", ".mjs", ".css"}
EMPTY_NAMES = re.compile(r"^(utils?|helpers?|commons?|base|core|managers?|services?|misc|tools?|stuff)$")


def _modules() -> list[Path]:
    return sorted(PRODUCT.rglob("*.py"))


def _package(file: Path) -> str | None:
    inside = file.relative_to(PRODUCT).parts
    return inside[0] if len(inside) > 1 else None


def _imported(file: Path) -> Iterator[str]:
    """Full names of what a module imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = _absolute(file, node)
            yield from (f"{name}.{alias.name}" for alias in node.names)


def _absolute(file: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = file.relative_to(PROJECT).parts[: -node.level]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _edges() -> dict[str, dict[str, list[str]]]:
    """package -> package it imports -> the modules that do so."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file in _modules():
        package = _package(file)
        for name in _imported(file):
            parts = name.split(".")
            if package and parts[0] == "bihuan" and len(parts) > 1 and parts[1] in RANK and parts[1] != package:
                found[package][parts[1]].append(str(file.relative_to(PROJECT)))
    return found


def test_every_package_has_its_place_in_the_order() -> None:
    packages = {file.parent.name for file in PRODUCT.glob("*/__init__.py")}
    assert packages <= RANK.keys()


def test_packages_import_only_what_lies_below_them() -> None:
    wrong = [
        f"{file}: {package} may not import {other}"
        for package, others in _edges().items()
        for other, files in others.items()
        if RANK[other] < RANK[package]
        for file in files
    ]
    assert wrong == []


def test_no_packages_import_each_other_in_a_ring() -> None:
    edges = _edges()

    def ring_from(package: str, way: tuple[str, ...]) -> tuple[str, ...] | None:
        if package in way:
            return (*way[way.index(package) :], package)
        return next((ring for other in edges.get(package, ()) if (ring := ring_from(other, (*way, package)))), None)

    assert [ring for package in edges if (ring := ring_from(package, ()))] == []


def test_lib_only_calculates() -> None:
    wrong = [
        f"{file.relative_to(PROJECT)}: {name}"
        for file in (PRODUCT / "lib").rglob("*.py")
        for name in _imported(file)
        if name.split(".")[0] in ("django", "psycopg", "procrastinate") or name.startswith("bihuan.settings")
    ]
    assert wrong == []


def test_nothing_is_named_after_nothing() -> None:
    everything = [
        path
        for root in (PRODUCT, PROJECT / "front", PROJECT / "scripts", PROJECT / "tests")
        for path in root.rglob("*")
    ]
    wrong = [
        str(path.relative_to(PROJECT))
        for path in everything
        if (path.is_dir() or path.suffix in SOURCES) and EMPTY_NAMES.match(path.stem)
    ]
    assert wrong == []
