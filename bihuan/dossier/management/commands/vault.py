from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from bihuan.dossier import vault


class Command(BaseCommand):
    help = "换密钥以后，把联系方式改用现在的密钥重新加密；可以反复运行。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("deed", choices=["rotate"])

    def handle(self, *args: Any, **options: Any) -> None:
        last, changed = 0, 0
        while True:
            last, some = vault.rotate(after=last)
            changed += some
            if not last:
                break
        self.stdout.write(f"重新加密了 {changed} 条联系方式。")
