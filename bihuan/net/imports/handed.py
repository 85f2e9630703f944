"""Sheets handed in on a page: kept in a folder of their own, tried first, then imported, at once or by the worker."""

import logging
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path, PurePath
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from bihuan.net.imports.columns import Problem
from bihuan.net.imports.registry import File, Given, Outcome, importer_for
from bihuan.net.imports.running import problem_table, run_import, secret_table
from bihuan.net.imports.sheets import BadSheet
from bihuan.net.models import ImportRun, Posting

log = logging.getLogger(__name__)
State = ImportRun.State

SMALL = 300_000  # bytes in all; what is larger goes to the worker
PACKED = 10  # times larger when unpacked
SHOWN = 50  # rows of the error sheet on the page
KEPT = timedelta(days=30)
SECRETS_KEPT = timedelta(days=1)


def receive(
    kind: str, files: Sequence[tuple[str, bytes]], *, options: dict[str, Any], by: Posting, at: datetime
) -> ImportRun:
    """Keep files to be tried. Raises NoSuchImport, BadSheet (none given, or an ending this kind does not take)."""
    suffixes = importer_for(kind).suffixes
    if not files:
        raise BadSheet(_("请选一个文件。"))
    for name, _content in files:
        if not name.lower().endswith(suffixes):
            raise BadSheet(_("“%(name)s”不能用，请用 %(suffixes)s。") % {"name": name, "suffixes": "、".join(suffixes)})
    _sweep(at)
    names = "、".join(PurePath(name).name for name, _content in files)[:200]
    run = ImportRun.objects.create(kind=kind, name=names, options=options, by=by, made_at=at)
    folder(run).mkdir(parents=True, mode=0o700)
    for number, (name, content) in enumerate(files):
        (folder(run) / f"{number:03}-{_safe(name)}").write_bytes(content)
    return run


def _safe(name: str) -> str:
    """The ending decides how a file is read; nothing else of a name from outside touches the disk."""
    ending = "".join(PurePath(name).suffixes[-2:]).lower()
    return "sheet" + "".join(letter for letter in ending if letter.isalnum() or letter == ".")[-16:]


def folder(run: ImportRun) -> Path:
    return Path(settings.VAR) / "imports" / str(run.pk)


def is_small(run: ImportRun) -> bool:
    """Whether the page may wait for it."""
    return sum(path.stat().st_size * (PACKED if path.suffix == ".gz" else 1) for path in _sheets(run)) <= SMALL


def _sheets(run: ImportRun) -> list[Path]:
    return sorted(folder(run).glob("[0-9][0-9][0-9]-*"))


def execute(run: ImportRun, *, at: datetime) -> None:
    """Try or import, as the run says, and write down what came of it. A bad sheet ends as FAILED with its sentence."""
    _begin(run)
    given = Given(at=at, by=run.by, options=run.options, tell=lambda done, total: _tell(run, done, total))
    files = [File(run.name if len(_sheets(run)) == 1 else path.name, path) for path in _sheets(run)]
    try:
        outcome = run_import(run.kind, files, given, preview=run.trial)
    except BadSheet as error:
        _fail(run, str(error), at)
    except Exception:
        _fail(run, _("导入中断，什么也没有写入；原因已记入日志。"), at)
        raise
    else:
        _finish(run, outcome, at)


def _begin(run: ImportRun) -> None:
    run.state = State.RUNNING
    run.save(update_fields=["state"])


def _fail(run: ImportRun, message: str, at: datetime) -> None:
    run.state, run.message, run.ended_at = State.FAILED, message[:400], at
    run.save(update_fields=["state", "message", "ended_at"])


def _finish(run: ImportRun, outcome: Outcome, at: datetime) -> None:
    for name in ("rows", "created", "changed", "same", "wrong"):
        setattr(run, name, getattr(outcome, name))
    run.problems, run.notes = _first(outcome.problems), _first(outcome.notes)
    run.samples = [[str(part) for part in sample] for sample in outcome.samples]
    run.state, run.ended_at, run.message = State.TRIED if run.trial else State.DONE, at, ""
    if outcome.problems or outcome.notes:
        problem_table([*outcome.problems, *outcome.notes]).save(folder(run) / "errors.csv")
        problem_table([*outcome.problems, *outcome.notes]).save(folder(run) / "errors.xlsx")
    if outcome.secrets:
        secret_table(outcome.secrets).save(folder(run) / "passwords.xlsx")
    run.save()


def _first(problems: Sequence[Problem]) -> list[list[str]]:
    return [[str(one.row or ""), one.column, one.value, one.reason] for one in problems[:SHOWN]]


def confirm(run: ImportRun) -> None:
    """The trial was looked at and is wanted: the next `execute` imports."""
    run.trial, run.state = False, State.QUEUED
    run.save(update_fields=["trial", "state"])


# Progress and what is fetched


def _tell(run: ImportRun, done: int, total: int) -> None:
    # A file, because the import's own transaction shows nothing before its end.
    (folder(run) / "progress").write_text(f"{done} {total}", encoding="ascii")


def progress(run: ImportRun) -> tuple[int, int] | None:
    """(rows done, rows in all), when the import tells."""
    try:
        done, total = (folder(run) / "progress").read_text(encoding="ascii").split()
    except (FileNotFoundError, ValueError):
        return None
    return int(done), int(total)


def error_sheet(run: ImportRun, suffix: str) -> bytes | None:
    path = folder(run) / f"errors.{suffix}"
    return path.read_bytes() if path.exists() else None


def has_passwords(run: ImportRun) -> bool:
    return (folder(run) / "passwords.xlsx").exists()


def fetch_passwords(run: ImportRun) -> bytes | None:
    """The sheet of one-time passwords: the first fetch removes it, so the second finds nothing."""
    taken = folder(run) / "passwords.taken"
    try:
        (folder(run) / "passwords.xlsx").rename(taken)  # of two at once only one succeeds
    except FileNotFoundError:
        return None
    content = taken.read_bytes()
    taken.unlink()
    return content


def _sweep(at: datetime) -> None:
    """Passwords nobody fetched within a day and files of old imports go; what went before is not looked for again."""
    kept = [int(path.name) for path in (Path(settings.VAR) / "imports").glob("[0-9]*")]
    for run in ImportRun.objects.filter(pk__in=kept, made_at__lt=at - SECRETS_KEPT).only("id", "made_at"):
        if run.made_at < at - KEPT:
            shutil.rmtree(folder(run), ignore_errors=True)
        else:
            (folder(run) / "passwords.xlsx").unlink(missing_ok=True)
