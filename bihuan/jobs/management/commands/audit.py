import sys
from argparse import ArgumentParser
from datetime import date, datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import get_current_timezone

from bihuan.book import ledger
from bihuan.jobs.integrity import check_cases, check_offers, check_standings
from bihuan.net.models import Unit
from bihuan.programs import versions

SHOWN = 20


class Command(BaseCommand):
    help = "核对台账：逐条重算校验值，核对工单和培养档案的现状与各条记录推算的结果，以及账目两边是否相平；发现被改动就以 1 退出。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("deed", choices=["verify"], metavar="verify")
        parser.add_argument("--region", metavar="代码", help="只核对这个区县（区划代码）；不给就全部核对")
        parser.add_argument("--since", metavar="日期", help="只核对这一天（如 2026-03-01）以来有变动的工单")

    def handle(self, *args: Any, region: str | None = None, since: str | None = None, **options: Any) -> None:
        chosen: dict[str, Any] = {"region": _region(region), "since": _moment(since)}
        cases, standings, offers = check_cases(**chosen), check_standings(**chosen), check_offers(**chosen)
        self.stdout.write(f"核对了 {cases.tracks} 件工单、{cases.events} 条记录。")
        self.stdout.write(f"核对了 {standings.tracks} 份培养档案、{standings.events} 条记录。")
        self.stdout.write(f"核对了 {offers.tracks} 件需求、结对和活动，{offers.events} 条记录。")
        breaks: list[object] = [*cases.breaks, *standings.breaks, *offers.breaks]
        if region is None:  # an account may be of several
            accounts = ledger.verify(since=chosen["since"])
            self.stdout.write(f"核对了 {accounts.txns} 笔账。")
            breaks += [*accounts.breaks, *versions.broken()]  # nor are programs of a region
        if not breaks:
            self.stdout.write("全部相符。")
            return
        self._show(breaks)
        sys.exit(1)

    def _show(self, breaks: list[object]) -> None:
        self.stdout.write(f"不相符 {len(breaks)} 处，第一处：{breaks[0]}")
        for one in breaks[1:SHOWN]:
            self.stdout.write(f"  {one}")


def _region(code: str | None) -> int | None:
    if code is None:
        return None
    unit = Unit.objects.filter(code=code).first()
    if unit is None:
        raise CommandError(f"没有代码为“{code}”的区县。")
    return unit.pk


def _moment(day: str | None) -> datetime | None:
    if day is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), time.min, get_current_timezone())
    except ValueError:
        raise CommandError(f"日期“{day}”不对，应为 2026-03-01 这样。") from None
