from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand

from bihuan.dossier import facts, subjects, vault


class Command(BaseCommand):
    help = "换密钥以后，把联系方式、人员信息改用现在的密钥重新加密；可以反复运行。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("deed", choices=["rotate"])

    def handle(self, *args: Any, **options: Any) -> None:
        for rotate, what in ((vault.rotate, "联系方式"), (subjects.rotate, "人员信息"), (facts.rotate, "保密答复")):
            self.stdout.write(f"重新加密了 {_all(rotate)} 条{what}。")


def _all(rotate: Callable[..., tuple[int, int]]) -> int:
    last, changed = rotate()
    while last:
        last, some = rotate(after=last)
        changed += some
    return changed
