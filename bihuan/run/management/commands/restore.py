from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bihuan.run.backup import BackupFailed, restore


class Command(BaseCommand):
    help = "从备份文件恢复；服务要先停。Restore a backup into an empty database (or --force), with the service stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--force", action="store_true", help="替换现有的全部数据 replace what is there")

    def handle(self, *args: Any, file: Path, force: bool, **options: Any) -> None:
        try:
            about = restore(file.absolute(), force=force)
        except BackupFailed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"已恢复 {about['made_at']} 的备份。若程序比备份新，请再运行 bihuan migrate。")
