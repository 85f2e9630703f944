import sys
from argparse import ArgumentParser
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date

from bihuan.loop.exports import BadWish, Wanted, export_cases
from bihuan.net.tree import NoSuchUnit


class Command(BaseCommand):
    help = "导出：cases 工单，CSV 或 XLSX，个人信息打码；同样的列可以再导入。Export cases."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = parser.add_subparsers(dest="kind", required=True)
        cases = kinds.add_parser("cases", help="工单")
        cases.add_argument("out", metavar="OUT", help="写到哪里（.csv 或 .xlsx）；- 是标准输出")
        cases.add_argument("--region", default="", help="只要一个地区、网格或单位的，填它的代码")
        cases.add_argument("--from", dest="since", help="这一天起受理的，如 2026-01-01")
        cases.add_argument("--to", dest="until", help="到这一天（含）受理的")
        cases.add_argument("--state", default="", help="open 未办结、closed 已办结，或一个状态，如 handling")
        cases.add_argument("--format", choices=("csv", "xlsx"), help="不给就看文件名的结尾")
        cases.add_argument("--secret", action="store_true", help="保密件也要")

    def handle(self, *args: Any, out: str, **options: Any) -> None:
        wanted = Wanted(
            region=options["region"],
            since=_midnight(options["since"]),
            until=_midnight(options["until"], days=1),
            state=options["state"],
            secret=options["secret"],
        )
        kind = options["format"] or ("xlsx" if out.endswith(".xlsx") else "csv")
        if out == "-" and kind == "xlsx":
            raise CommandError("XLSX 不能写到标准输出，请给一个文件名。")
        try:
            count = export_cases(sys.stdout if out == "-" else Path(out), wanted, at=timezone.now(), kind=kind)
        except (NoSuchUnit, BadWish, OSError) as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"导出 {count:,} 件。")


def _midnight(said: str | None, *, days: int = 0) -> datetime | None:
    """The local midnight that begins a day, or that many days later."""
    if said is None:
        return None
    day: date | None
    try:
        day = parse_date(said)
    except ValueError:
        day = None
    if day is None:
        raise CommandError(f"日期“{said}”看不懂，应写成 2026-01-01 的样子。")
    return timezone.make_aware(datetime.combine(day + timedelta(days=days), time()))
