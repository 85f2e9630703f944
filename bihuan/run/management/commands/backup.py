from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now

from bihuan.run.backup import BackupFailed, backup


class Command(BaseCommand):
    help = "把数据库、照片和密钥备份成一个文件。Write database, photos and keys to one file, while running or not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            size = backup(file.absolute(), at=now())
        except (BackupFailed, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"已备份到 {file}（{size / 1e6:.1f} MB）。里面有解开联系方式的密钥，请像钥匙一样保管。")
