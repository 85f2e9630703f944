"""Figures as data: what is counted, of which program, where and within which time. `figures/*.toml` declares them.

A figure names a source from a closed list and narrows it; `people.py` turns it into one query as of any day, in any area,
with the rows it counts. Nothing here asks the database.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bihuan.programs.criteria import Criterion, parse
from bihuan.programs.reading import BadDocument, Problem, Table

FOLDER = Path(__file__).parent / "figures"
SOURCES = (
    "standings",  # who stands on some stages
    "ended",  # whose standing ended, with a result
    "reached",  # who became what the program aims at
    "subjects",  # everybody the facts hold of
    "entries",  # the ledger
    "needs",
    "sessions",
    "attendances",
    "circles",
    "suggestions",
    "pairings",
    "members",  # units that take part
    "units",
    "answerable",  # leaders of one trainee
    "document",  # what the program in force says
    "growth",  # of another figure since a day
    "ratio",  # of two figures, in percent
)
PERIODS = ("ever", "year", "12m", "5y")
COUNTS = ("rows", "people", "amount", "most")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. Only the keys its source understands are set; docs/programs.md lists them.

    period: which time up to the day asked for is looked at.   count: what is added up: rows, different people, amounts,
    or the most that one has.   where: a condition on the facts known of the subject, in the program's own words.
    """

    key: str
    title: str
    unit: str
    source: str
    program: str
    about: str = ""
    group: str = ""
    period: str = "ever"
    count: str = "rows"
    stages: tuple[str, ...] = ()
    result: str = ""
    where: Criterion | None = None
    side: str = ""
    measure: str = ""
    rule: str = ""
    giver: str = ""  # "unit" or "person" gives; or the code tail of one giver's office
    giver_level: int | None = None
    state: str = ""
    topic: str = ""
    kinds: tuple[str, ...] = ()
    level: int | None = None
    says: str = ""  # the path in the document: "gate.admit.need.of"
    of: str = ""  # the figure that grows, or is divided
    by: str = ""  # the figure it is divided by
    since: str = ""  # "-1y": the day from which it grows


@cache
def figures(program: str) -> dict[str, Figure]:
    """The declared figures of a program, in order; none for a program without a file. Raises BadDocument."""
    path = FOLDER / f"{program}.toml"
    return load(path.read_text(encoding="utf-8"), path.name) if path.exists() else {}


def load(text: str, file: str) -> dict[str, Figure]:
    """Read a file of figures. Raises BadDocument with every problem."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadDocument([Problem(file, "", f"不合 TOML 格式的内容（{error}）", "合格的 TOML")]) from error
    problems: list[Problem] = []
    top = Table(data, file, problems)
    program = top.word("program", required=True) or ""
    groups = dict(top.table("group").data.items())
    top.known.add("group")
    found = {key: _figure(key, table, program, groups) for key, table in top.tables("figure", width=60, required=True)}
    top.close()
    for figure in found.values():
        for other in filter(None, (figure.of, figure.by)):
            if other not in found:
                problems.append(Problem(file, f"figure.{figure.key}", f"“{other}”", "本文件里的一个指标"))
    if problems:
        raise BadDocument(problems)
    return found


def _figure(key: str, table: Table, program: str, groups: Mapping[str, str]) -> Figure:
    given: dict[str, Any] = {
        "title": table.text("title", required=True),
        "unit": table.text("unit", required=True),
        "source": table.one_of("source", SOURCES, required=True) or "",
        "about": table.text("about"),
        "group": groups.get(table.word("group") or "", ""),
        "period": table.one_of("period", PERIODS) or "ever",
        "count": table.one_of("count", COUNTS) or "rows",
        "stages": table.words("stages"),
        "kinds": table.words("kinds"),
        "where": parse(table.table("where")) if "where" in table.data else None,
        **{name: table.word(name) or "" for name in ("result", "side", "measure", "state", "topic", "of", "by")},
        **{name: table.text(name) for name in ("rule", "giver", "says", "since")},
        **{name: table.count(name) for name in ("giver_level", "level")},
    }
    table.close()
    return Figure(key, program=program, **given)
