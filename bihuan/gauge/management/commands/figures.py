import csv
import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from bihuan.gauge import people
from bihuan.gauge.declared import figures as figures_of
from bihuan.gauge.ontime import VERDICTS, Difference, OnTime, differences, on_time
from bihuan.net import tree
from bihuan.net.tree import NoSuchUnit


class Command(BaseCommand):
    help = "统计：ontime 按时办结（任意时点，可与原系统的按期标志逐件比对）；program 一个项目的指标。Figures."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        figures = parser.add_subparsers(dest="figure", required=True)
        ontime = figures.add_parser("ontime", help="按时办结、超时办结、未办结已超时、没有时限的件数")
        ontime.add_argument("--at", help="截至几时，如 2026-11-20T08:00；不给就是现在")
        ontime.add_argument("--region", default="", help="只算一个地区、网格或单位，填它的代码")
        ontime.add_argument("--compare", action="store_true", help="逐件列出与原系统按期标志不同的工单")
        ontime.add_argument("--json", action="store_true", help="输出 JSON")
        program = figures.add_parser("program", help="一个项目的全部指标，截至任意一天")
        program.add_argument("key", help="项目的键，如 three_way")
        program.add_argument("--at", help="截至哪一天，如 2024-06-30；不给就是今天")
        program.add_argument("--region", default="", help="只算一个地区，填它的代码")
        program.add_argument("--parts", action="store_true", help="每个指标再按下一级地区列出")
        program.add_argument("--json", action="store_true", help="输出 JSON")

    def handle(self, *args: Any, figure: str, **options: Any) -> None:
        {"ontime": self.on_time, "program": self.program}[figure](options)

    def program(self, options: dict[str, Any]) -> None:
        """Every declared figure of a program, in order."""
        net = tree.snapshot()
        try:
            area = net.by_code(options["region"]) if options["region"] else net.unit(net.home)
        except NoSuchUnit as error:
            raise CommandError(str(error)) from error
        if not (declared := figures_of(options["key"])):
            raise CommandError(f"没有项目“{options['key']}”的指标。")
        on = timezone.localdate(_moment(options["at"]) if options["at"] else timezone.now())
        when = people.When.end_of(on)
        found = {key: people.read(one, area, when) for key, one in declared.items()}
        if options["json"]:
            values = {key: None if value is None else float(value) for key, value in found.items()}
            told = {"on": on.isoformat(), "area": area.code, "figures": values}
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
            return
        self.stdout.write(f"{area.name}，截至 {on:%Y-%m-%d}")
        for key, one in declared.items():
            self.stdout.write(f"  {people.spell(found[key]):>14} {one.unit}  {one.title}（{key}）")
            for part in people.parts(one, area, when) if options["parts"] else ():
                self.stdout.write(f"  {people.spell(part.value):>18}  {part.unit.name}")

    def on_time(self, options: dict[str, Any]) -> None:
        now = timezone.now()
        at = _moment(options["at"]) if options["at"] else now
        try:
            found = on_time(at=at, now=now, region=options["region"])
        except NoSuchUnit as error:
            raise CommandError(str(error)) from error
        differing = differences(at=at, region=options["region"]) if options["compare"] else None
        if options["json"]:
            listed = {"differences": [row.as_json() for row in differing]} if differing is not None else {}
            self.stdout.write(json.dumps(found.as_json() | listed, ensure_ascii=False, indent=2))
        else:
            self._print(found)
            if differing is not None:
                self._compare(differing)

    def _print(self, found: OnTime) -> None:
        self.stdout.write(f"截至 {timezone.localtime(found.at):%Y-%m-%d %H:%M:%S}，共 {found.total:,} 件")
        for key, title in VERDICTS.items():
            self.stdout.write(f"  {getattr(found, key):>12,}  {title}")
        rate = "—" if found.rate is None else f"{found.rate}%"
        self.stdout.write(f"  {rate:>12}  按时办结率（按时办结 ÷ 按时办结、超时办结与未办结已超时之和）")

    def _compare(self, rows: Any) -> None:
        """A line for each case, as CSV, so that it can be kept and opened."""
        sheet, count = csv.writer(self.stdout, lineterminator="\n"), 0
        sheet.writerow(["工单编号", "原编号", "受理时间", "应办结时间", "办结时间", "本系统", "原标志", "原系统"])
        for row in rows:
            sheet.writerow(_cells(row))
            count += 1
        self.stdout.write(f"与原系统结论不同的：{count:,} 件")


def _cells(row: Difference) -> list[str]:
    moments = (row.filed_at, row.promise_at, row.closed_at)
    told = [f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}" if moment else "" for moment in moments]
    return [row.number, row.outside_no, *told, row.ours, row.flag, row.theirs]


def _moment(text: str) -> datetime:
    """A moment as typed; a day alone is its end."""
    try:
        day = parse_date(text) if len(text) <= 10 else None
        found = datetime.combine(day, datetime.max.time()) if day else parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"时间“{text}”看不懂，应写成 2026-11-20 或 2026-11-20T08:00 的样子。")
    return found if timezone.is_aware(found) else timezone.make_aware(found)
