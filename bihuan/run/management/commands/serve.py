from typing import Any

from django.core.management.base import BaseCommand

from bihuan.run import supervisor


class Command(BaseCommand):
    help = "运行整个产品，直到 Ctrl-C。Run everything: pages, pump, jobs, live hints; Ctrl-C stops it all."

    def handle(self, *args: Any, **options: Any) -> None:
        supervisor.serve()
