"""What must be true before the product serves: free ports, tables up to date, a safe role, static files in place."""

import socket
import time
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from bihuan.run import roles

PATIENCE = 10.0  # seconds; a copy that was killed a moment ago needs some to let go of its ports


def all_ready() -> None:
    """Raises CommandError or UnsafeRole with what to do; makes what can be made without asking."""
    _migrate()
    roles.refuse_unsafe()
    collect_static()
    _require_free_ports()
    connection.close()


def waiting_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _migrate() -> None:
    """The embedded database is migrated as it comes; on a named server that is the operator's act."""
    waiting = waiting_migrations()
    if waiting and settings.DATABASE_URL:
        raise CommandError(f"还有 {waiting} 步迁移没有做：请先备份，再运行 bihuan migrate。")
    if waiting:
        call_command("migrate", verbosity=0, skip_checks=True)


def collect_static() -> None:
    """Copy, name by content and compress the static files, when any is newer than the last time."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if settings.DEBUG or settings.TESTING:
        return
    if not manifest.exists() or _newest_static() > manifest.stat().st_mtime:
        call_command("collectstatic", interactive=False, verbosity=0, clear=True)


def _newest_static() -> float:
    files = (storage.path(name) for finder in get_finders() for name, storage in finder.list([]))
    return max((Path(file).stat().st_mtime for file in files), default=0.0)


def _require_free_ports() -> None:
    deadline = time.monotonic() + PATIENCE
    for name, port in (("PORT", settings.PORT), ("BIHUAN_LIVE_PORT", settings.LIVE_PORT)):
        while not port_is_free(port):
            if time.monotonic() > deadline:
                raise CommandError(f"端口 {port} 已被占用。请停掉占用它的程序，或用 {name} 换一个端口。")
            time.sleep(0.2)


def port_is_free(port: int) -> bool:
    family = socket.AF_INET6 if ":" in settings.HOST else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.HOST, port))
        except OSError:
            return False
    return True
