"""Running an import: one transaction, tried (and taken back) or done, with an error sheet that opens in Excel."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import xlsxwriter
from django.db import transaction
from django.utils.translation import gettext as _

from bihuan.lib.cells import harmless
from bihuan.net.imports.columns import Problem, told
from bihuan.net.imports.registry import File, Given, Importer, Outcome, importer_for


def run_import(kind: str, files: Sequence[File], given: Given, *, preview: bool = False) -> Outcome:
    """Import files of one kind, in their order, in one transaction. preview: see what would happen and take it back.

    Raises NoSuchImport, BadSheet; then nothing was imported.
    """
    chosen = importer_for(kind)
    if not chosen.whole:
        return _each(chosen, files, replace(given, preview=preview))
    with transaction.atomic():
        outcome = _each(chosen, files, given)
        if preview:
            transaction.set_rollback(True)
            outcome.secrets.clear()  # they were of accounts that do not exist
    return outcome


def _each(chosen: Importer, files: Sequence[File], given: Given) -> Outcome:
    outcome = Outcome()
    for file in files:
        outcome.add(chosen.run(file, given))
    return outcome


# Sheets to hand back


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a header, to be written as CSV or XLSX."""

    header: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def csv(self) -> bytes:
        """UTF-8 with the mark that makes Excel read Chinese."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(self.header)
        writer.writerows([harmless(cell) for cell in row] for row in self.rows)
        return out.getvalue().encode("utf-8-sig")

    def xlsx(self) -> bytes:
        """Every cell as text, so that codes keep their digits."""
        out = io.BytesIO()
        book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
        sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
        as_text = book.add_format({"num_format": "@"})
        sheet.set_column(0, max(len(self.header) - 1, 0), 22, as_text)
        for at, title in enumerate(self.header):
            sheet.write_string(0, at, title, bold)
        for number, row in enumerate(self.rows, 1):
            for at, cell in enumerate(row):
                sheet.write_string(number, at, cell, as_text)
        sheet.freeze_panes(1, 0)
        book.close()
        return out.getvalue()

    def save(self, path: Path) -> None:
        """As the path's ending says. The file is for its owner alone: it may hold passwords."""
        path.touch(mode=0o600)
        path.write_bytes(self.xlsx() if path.suffix == ".xlsx" else self.csv())


def problem_table(problems: Iterable[Problem]) -> Table:
    """The error sheet."""
    return Table((_("行"), _("列"), _("值"), _("原因")), list(told(list(problems))))


def secret_table(secrets: Iterable[tuple[str, ...]]) -> Table:
    """Logins with their one-time passwords, to be given to their owners."""
    return Table((_("姓名"), _("单位"), _("登录名"), _("一次性密码")), list(secrets))


def template_table(chosen: Importer) -> Table:
    """An empty sheet with the right titles and a row that shows what goes where."""
    titles = tuple(_(title) for title, _what, _needed in chosen.columns)
    return Table(titles, [chosen.example] if chosen.example else [])
