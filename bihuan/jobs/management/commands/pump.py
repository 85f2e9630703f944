import signal
from argparse import ArgumentParser
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from bihuan.jobs.pump import Pump


class Command(BaseCommand):
    help = "归总计数、发出消息、到点触发时限、提示大屏；一直运行，直到被要求停下。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="把现在该做的做完就结束")

    def handle(self, *args: Any, once: bool = False, **options: Any) -> None:
        pump = Pump()
        if not once:
            return pump.run(_until_told())
        pump.run_dry(timezone.now())
        if troubles := pump.troubles():
            raise CommandError(f"没有做完：{troubles}，详见日志。")
        return None


def _until_told() -> Event:
    """An event that SIGTERM or Ctrl-C sets, so that the beat under way is finished."""
    stopping = Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stopping.set())
    return stopping
