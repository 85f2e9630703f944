import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from bihuan.run import binaries, database
from bihuan.run.postgres import Postgres


class Command(BaseCommand):
    help = "自带数据库：start | stop | status | psql。The embedded database; psql opens either."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["start", "stop", "status", "psql"])
        parser.add_argument("--owner", action="store_true", help="psql：以所有者角色 as the owner")

    def handle(self, *args: Any, what: str, **options: Any) -> None:
        if what == "psql":
            return self.psql(options["owner"])
        if settings.DATABASE_URL:
            raise CommandError("已用 DATABASE_URL 指定了数据库服务器，自带数据库不启用。")
        return getattr(self, what)(database.embedded(settings.VAR, settings.POSTGRES_BIN))

    def start(self, server: Postgres) -> None:
        with server.lease():
            server.keep()
        self.status(server)

    def stop(self, server: Postgres) -> None:
        server.keep(False)
        server.stop()
        self.status(server)

    def status(self, server: Postgres) -> None:
        pid = server.pid()
        self.stdout.write(f"PostgreSQL {server.programs().major}：{f'运行中（进程 {pid}）' if pid else '没有运行'}")
        self.stdout.write(f"数据 {server.data}\n套接字 {server.socket}\n日志 {server.log}")

    def psql(self, owner: bool) -> None:
        """Becomes psql; the embedded server is used as it is (`bihuan db start` first, or beside `bihuan serve`)."""
        found = settings.OWNER if owner else settings.APPLICATION
        if found is None:
            raise CommandError("没有给 DATABASE_OWNER_URL。")
        names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
        given = {names[key]: str(value) for key, value in found.items() if key in names}
        program = binaries.find(given=settings.POSTGRES_BIN).path("psql")
        os.execve(program, [program], os.environ | given)
