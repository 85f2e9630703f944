"""A program as a typed document. `load` reads TOML and refuses what has the wrong shape.

Whether the document makes sense (every clock defined, everything with a way out) is for `checks.check`; only a document
without errors is ever published. Named tables, never arrays: a key is an identity for ever. `docs/programs.md` explains
every key. What each kind says is in `case.py` and `ladder.py`.
"""

import tomllib
from collections.abc import Callable
from pathlib import Path

from bihuan.programs.case import CaseProgram, ClockRule, Limit, Move, StateRule, read_case
from bihuan.programs.ladder import LadderProgram, read_ladder
from bihuan.programs.reading import BadDocument, Problem, Table
from bihuan.programs.wording import Message, Titled, variables_in

__all__ = [
    "PACKS",
    "CaseProgram",
    "ClockRule",
    "Document",
    "LadderProgram",
    "Limit",
    "Message",
    "Move",
    "StateRule",
    "Titled",
    "load",
    "load_file",
    "read",
    "variables_in",
]

PACKS = Path(__file__).parent / "packs"
Document = CaseProgram | LadderProgram
READERS: dict[str, Callable[[Table, str], Document]] = {"case": read_case, "ladder": read_ladder}


def load(text: str, file: str = "") -> Document:
    """Read a document. Raises BadDocument with every problem of shape, each with file, key, found and allowed."""
    top = table_of(text, file)
    key = top.word("program", required=True) or ""
    kind = top.one_of("kind", tuple(READERS), required=True)
    try:
        program = READERS[kind](top, key) if kind else None
    except RecursionError as error:
        raise _too_deep(file) from error
    if top.problems or program is None:
        raise BadDocument(top.problems)
    return program


def table_of(text: str, file: str) -> Table:
    """The top table of a TOML text. Raises BadDocument."""
    try:
        return Table(tomllib.loads(text), file, [])
    except ValueError as error:  # also a number of thousands of digits
        raise BadDocument([Problem(file, "", f"不合 TOML 格式的内容（{error}）", "合格的 TOML")]) from error
    except RecursionError as error:
        raise _too_deep(file) from error


def _too_deep(file: str) -> BadDocument:
    return BadDocument([Problem(file, "", "一层套一层、套得太深的内容", "几层以内的表")])


def load_file(path: Path) -> Document:
    """Read a document from a file. Raises BadDocument also when it cannot be read or is not UTF-8."""
    return load(read(path), path.name)


def read(path: Path) -> str:
    """A file's text, byte for byte: line endings are part of what is hashed. Raises BadDocument."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadDocument([Problem(path.name, "", f"读不出的文件（{error}）", "UTF-8 编码的 TOML 文件")]) from error
