"""Demo data of any ladder, from `<key>.demo.toml` beside its document: people, what they said, where they have stood.

Nothing here knows a program: a new document with such a file shows people in the demo without a line of code.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction

from bihuan.dossier import facts, subjects
from bihuan.dossier.models import Subject
from bihuan.ladder import history
from bihuan.ladder.history import Past
from bihuan.ladder.models import Standing
from bihuan.net import tree
from bihuan.programs import document, versions
from bihuan.programs.document import table_of
from bihuan.programs.ladder import Ask, LadderProgram
from bihuan.programs.reading import BadDocument, Table


@dataclass(frozen=True, slots=True)
class Life:
    """One person of the file. steps: the stages with how many days ago, in order."""

    name: str
    village: int
    said: dict[str, Any]
    steps: tuple[tuple[str, int], ...]

    def past(self, subject: Subject, at: datetime) -> Past:
        return Past(subject, [(stage, at - timedelta(days=days)) for stage, days in self.steps])


def beside(path: Path) -> Path:
    """Where the demo data of a program's file is kept."""
    return path.with_name(f"{path.stem}.demo.toml")


def write(*, at: datetime, say: Callable[[str], None]) -> int:
    """Publish and write what is not there yet, of every shipped document with demo data; returns how many people.

    Raises BadDocument.
    """
    versions.ensure_packs(at, pack="*")
    return sum(_write(path, at, say) for path in versions.shipped("*") if beside(path).exists())


@transaction.atomic
def _write(path: Path, at: datetime, say: Callable[[str], None]) -> int:
    """All or nothing: if somebody stands in the program, everything was written."""
    program = document.load_file(path)
    if not isinstance(program, LadderProgram) or Standing.objects.filter(program=program.key).exists():
        return 0
    lives = read(document.read(beside(path)), program, beside(path).name)
    say(f"写下“{program.title}”的 {len(lives)} 人……")
    history.enter_all(program.key, [life.past(_register(life, program, at), at) for life in lives], at=at)
    return len(lives)


def _register(life: Life, program: LadderProgram, at: datetime) -> Subject:
    """The person, with the answers as told on the first day."""
    first = at - timedelta(days=life.steps[0][1])
    subject = subjects.register(life.name, unit=life.village, at=first)
    for source, asks in _by_source(program.asks[key] for key in life.said).items():
        facts.tell_all(subject, {ask.use: life.said[ask.key] for ask in asks}, source=source, by=None, at=first)
    return subject


def _by_source(asks: Iterable[Ask]) -> dict[str, list[Ask]]:
    """Each answer by somebody whose word counts for it."""
    found: dict[str, list[Ask]] = {}
    for ask in asks:
        found.setdefault(ask.source[0] if ask.source else "self", []).append(ask)
    return found


# Reading


def read(text: str, program: LadderProgram, file: str = "") -> list[Life]:
    """The people of a file. Raises BadDocument with every problem."""
    top = table_of(text, file)
    if top.word("program", required=True) != program.key:
        top.wrong("program", top.data.get("program"), f"“{program.key}”")
    lives = [_life(table, program) for _key, table in top.tables("subject", required=True)]
    top.close()
    if top.problems:
        raise BadDocument(top.problems)
    return lives


def _life(table: Table, program: LadderProgram) -> Life:
    life = Life(
        table.text("name", required=True),
        _village(table),
        _said(table.table("answers"), program),
        _steps(table, program),
    )
    table.close()
    return life


def _village(table: Table) -> int:
    """The place by its code, or by a name that only one has."""
    said, net = table.text("village", required=True), tree.snapshot()
    place = net.by_code(said).id if net.has_code(said) else net.resolve_address(said)
    if said and place is None:
        table.wrong("village", said, "一个地方的代码，或不重名的名称")
    return place or 0


def _said(table: Table, program: LadderProgram) -> dict[str, Any]:
    for key in table.data.keys() - program.asks.keys():
        table.wrong(key, key, f"下列问题之一：{'、'.join(program.asks)}")
    table.known |= table.data.keys()
    return dict(table.data)


def _steps(table: Table, program: LadderProgram) -> tuple[tuple[str, int], ...]:
    """How many days ago each stage began; the order is that of time."""
    inner = table.table("stage")
    days = {key: inner.count(key, required=True) or 1 for key in inner.data}
    for key in days.keys() - program.stages.keys():
        inner.wrong(key, key, f"下列阶段之一：{'、'.join(program.stages)}")
    if not days:
        table.wrong("stage", None, "一张表，如 { waiting = 30 }：阶段和几天前进入")
    return tuple(sorted(days.items(), key=lambda step: -step[1]))
