from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.net.imports.registry import File, Given, Outcome, importers
from bihuan.net.imports.running import problem_table, run_import, secret_table
from bihuan.net.imports.sheets import BadSheet

SHOWN = 20


class Command(BaseCommand):
    help = "导入表格：区划、单位、网格、岗位、地名、边界、日历、工单、培养对象。Import a sheet; run again, it changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND", title="KIND")
        for importer in importers():
            kind = kinds.add_parser(importer.key, help=str(_(importer.title)), description=str(_(importer.help)))
            kind.add_argument("files", nargs="+", type=Path, metavar="FILE")
            for option in importer.options:
                kind.add_argument(
                    f"--{option.key}", default=option.default, help=_plain(option.help),
                    choices=[value for value, _title in option.choices] or None,
                )  # fmt: skip
            kind.add_argument("--errors", type=Path, help="错误表写到哪里（.csv 或 .xlsx）")
            kind.add_argument("--passwords", type=Path, help="一次性密码表写到哪里；不给就印在屏幕上")
            kind.add_argument("--dry-run", action="store_true", help="只看会怎样，不导入")

    def handle(self, *args: Any, kind: str, files: list[Path], **options: Any) -> None:
        given = Given(at=timezone.now(), options=options)
        try:
            handed_in = [File(path.name, _readable(path)) for path in files]
            outcome = run_import(kind, handed_in, given, preview=options.get("dry_run", False))
        except BadSheet as error:
            raise CommandError(str(error)) from error
        self.tell(outcome, options)

    def tell(self, outcome: Outcome, options: dict[str, Any]) -> None:
        head = "试导入" if options.get("dry_run") else "导入"
        self.stdout.write(
            f"{head}完成：{outcome.rows} 行，新增 {outcome.created}，更改 {outcome.changed}，"
            f"没有变化 {outcome.same}，没有导入 {outcome.wrong} 行。"
        )
        self.tell_problems(outcome, options.get("errors"))
        self.tell_secrets(outcome, options.get("passwords"))

    def tell_problems(self, outcome: Outcome, errors: Path | None) -> None:
        found = outcome.problems + outcome.notes
        for problem in found[:SHOWN]:
            where = f"第 {problem.row} 行 " if problem.row else ""
            self.stdout.write(f"  {where}{problem.column} {problem.value}：{problem.reason}")
        if len(found) > SHOWN:
            self.stdout.write(f"  …… 共 {len(found)} 条" + ("" if errors else "，用 --errors 写成表格"))
        if errors and found:
            problem_table(found).save(errors)
            self.stdout.write(f"错误表在 {errors}")

    def tell_secrets(self, outcome: Outcome, passwords: Path | None) -> None:
        if not outcome.secrets:
            return
        if passwords:
            secret_table(outcome.secrets).save(passwords)
            self.stdout.write(f"{len(outcome.secrets)} 个一次性密码在 {passwords}，发完请删掉。")
            return
        self.stdout.write("一次性密码只显示这一次：")
        for secret in outcome.secrets:
            self.stdout.write("  " + "  ".join(secret))


def _readable(path: Path) -> Path:
    if not path.is_file():
        raise CommandError(f"没有这个文件：{path}")
    return path


def _plain(help: str) -> str:
    """argparse reads % as a format."""
    return str(_(help)).replace("%", "%%") if help else ""
