"""Which kinds of sheet there are. A package registers its own; the command and the desk read this list."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from bihuan.net.imports.columns import Problem
from bihuan.net.models import Posting


class NoSuchImport(Exception):
    """A kind of sheet was named that nobody registered."""


@dataclass(frozen=True)
class File:
    """A file as it was handed in: its bytes, or the path of one too large to hold."""

    name: str
    source: bytes | Path

    @property
    def content(self) -> bytes:
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()


@dataclass(frozen=True, slots=True)
class Given:
    """What an import works with: who hands it in (None: the command line), when, and the options chosen.

    tell(rows done, rows in all) may be called now and then; it writes progress for the page.
    preview: see what would happen, write nothing; only kinds with transactions of their own need to look at it.
    """

    at: datetime
    by: Posting | None = None
    preview: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    tell: Callable[[int, int], None] = lambda done, total: None


@dataclass
class Outcome:
    """What an import did. `secrets` (login, one-time password) are shown once and never stored.

    problems: rows left out; notes: what was imported and should still be looked at.
    """

    rows: int = 0
    created: int = 0
    changed: int = 0
    same: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    secrets: list[tuple[str, ...]] = field(default_factory=list)
    samples: list[tuple[str, ...]] = field(default_factory=list)  # a few rows as they were understood
    touched: set[int] = field(default_factory=set)  # rows that created or changed something

    def add(self, other: "Outcome") -> None:
        """Take in what a further file did."""
        for name in ("rows", "created", "changed", "same"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("problems", "notes", "secrets", "samples"):
            getattr(self, name).extend(getattr(other, name))

    @property
    def wrong(self) -> int:
        """How many rows were left out."""
        return len({problem.row for problem in self.problems})


@dataclass(frozen=True, slots=True)
class Option:
    """A choice people make for an import: on the command line `--key`, on the page a field."""

    key: str
    title: str
    help: str = ""
    default: str = ""
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Importer:
    """One kind of sheet. columns: (title, what it holds, needed or not), in words that are translated for the page."""

    key: str
    title: str
    help: str
    run: Callable[[File, Given], Outcome]
    columns: tuple[tuple[str, str, bool], ...] = ()
    options: tuple[Option, ...] = ()
    suffixes: tuple[str, ...] = (".csv", ".csv.gz", ".xlsx", ".xls", ".ods")
    example: tuple[str, ...] = ()  # a row for the template
    rank: int = 50  # the place in an administrator's first day
    desk: bool = True  # offered on the administrator's page
    whole: bool = True  # in one transaction; False: the function makes its own and heeds `given.preview`


_importers: dict[str, Importer] = {}


def importer(
    key: str,
    *,
    title: str,
    help: str,
    columns: Iterable[tuple[str, str, bool]] = (),
    options: Sequence[Option] = (),
    **facts: Any,
) -> Callable[[Callable[[File, Given], Outcome]], Callable[[File, Given], Outcome]]:
    """Register a function (File, Given) -> Outcome. It runs inside one transaction, which a preview rolls back."""

    def register(run: Callable[[File, Given], Outcome]) -> Callable[[File, Given], Outcome]:
        _importers[key] = Importer(key, title, help, run, tuple(columns), tuple(options), **facts)
        return run

    return register


def importers() -> list[Importer]:
    """In the order in which a first day needs them."""
    return sorted(_importers.values(), key=lambda one: one.rank)


def importer_for(key: str) -> Importer:
    """Raises NoSuchImport."""
    try:
        return _importers[key]
    except KeyError:
        kinds = "、".join(_importers)
        raise NoSuchImport(_("没有“%(key)s”这种导入；有：%(kinds)s。") % {"key": key, "kinds": kinds}) from None
