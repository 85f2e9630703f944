import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from bihuan.demo.cast import roll
from bihuan.demo.limits import publish_short
from bihuan.demo.seeding import LITTLE, WHOLE, NotEmpty, Size, seed, usual_workers
from bihuan.run import roles, supervisor
from bihuan.run.prepare import waiting_migrations

RATE = 30  # acts a minute that the simulator makes unless told otherwise


class Command(BaseCommand):
    help = "演示：生成一座虚构的城市，并让它一直有人反映、有人办理。A made-up city that keeps living."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True, metavar="up|seed|live|cast")
        up = steps.add_parser("up", help="准备好一切并运行：建表、生成数据、启动产品和模拟器")
        seeding = steps.add_parser("seed", help="只生成演示数据；做过的不再做")
        living = steps.add_parser("live", help="只运行模拟器：群众反映、各方办理，直到被要求停下")
        steps.add_parser("cast", help="列出演示账号")
        for one in (up, seeding):
            one.add_argument("--small", action="store_true", help="小规模：约两千件工单，几秒钟")
        for one in (up, living):
            one.add_argument("--rate", type=_rate, default=RATE, help=f"模拟器每分钟做多少步（默认 {RATE}）")
        up.add_argument("--short", action="store_true", help="发布短时限的版本：一个工作日算一小时，好看到超时和催办")

    def handle(self, *args: Any, step: str, **options: Any) -> None:
        getattr(self, f"_{step}")(**options)

    def _seed(self, *, small: bool = False, **options: Any) -> None:
        self._fill(LITTLE if small else WHOLE)

    def _fill(self, size: Size) -> None:
        started, workers = time.monotonic(), 0 if size is LITTLE else usual_workers()
        try:
            wrote = seed(size, at=timezone.now(), say=self._say, workers=workers)
        except NotEmpty as error:
            raise CommandError(str(error)) from error
        if wrote:
            _analyse()
            self._say(f"演示数据已备好（{time.monotonic() - started:.0f} 秒）。")

    def _up(self, *, small: bool = False, rate: float = RATE, short: bool = False, **options: Any) -> None:
        if not settings.DATABASE_URL and waiting_migrations():
            self._say("建表……")
            call_command("migrate", verbosity=0, skip_checks=True)
        self._fill(LITTLE if small else WHOLE)
        if short and publish_short(timezone.now()):
            self._say("新的诉求按短时限办理：一个工作日算一小时。")
        living = supervisor.Program("living", [sys.executable, "-m", "bihuan", "demo", "live", "--rate", str(rate)])
        supervisor.serve([living], announce=self._cast)

    def _live(self, *, rate: float = RATE, **options: Any) -> None:
        from bihuan.demo.live import run  # the simulator reads the seeded city as it starts

        run(rate)

    def _cast(self, **options: Any) -> None:
        self._say(f"\n{roll()}\n")

    def _say(self, line: str) -> None:
        print(line, flush=True)


def _analyse() -> None:
    """Let the planner know of what was written; only the owner of the tables may."""
    with roles.as_owner(), connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate <= 6_000:
        raise ArgumentTypeError("每分钟的步数应在 0 到 6000 之间")
    return rate
