"""Two questions of whoever watches the process: does it live, and could it serve? Neither needs a session."""

import time

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

PUMP_SILENT_AFTER = 30.0  # seconds; the pump writes its file every few


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers at all; touches nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, tables and pump are as they should be; else 503 with a reason for each that is not."""
    reasons = troubles()
    return JsonResponse({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)


def troubles() -> dict[str, str]:
    """What is not as it should be, with the reason in words; empty when all is well."""
    return {name: reason for name, check in _CHECKS.items() if (reason := check())}


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        connection.close()  # so that the next question opens a new connection
        return "数据库连接不上"
    return ""


def _migrations() -> str:
    if _migrated.seen:
        return ""
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "表的版本读不出来"
    _migrated.seen = not waiting
    return f"还有 {len(waiting)} 步迁移没有做，请运行 bihuan migrate" if waiting else ""


class _migrated:
    """Reading the plan loads every migration; once all are applied they stay so for the life of the process."""

    seen = False


def _pump() -> str:
    try:
        silent = time.time() - (settings.VAR / "run" / "pump.alive").stat().st_mtime
    except FileNotFoundError:
        return "后台 pump 没有运行"
    return f"后台 pump 已有 {silent:.0f} 秒没有动静" if silent > PUMP_SILENT_AFTER else ""


_CHECKS = {"database": _database, "migrations": _migrations, "pump": _pump}
