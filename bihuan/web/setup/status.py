"""How the installation runs: database, pump, backlog, jobs, disk; and the first page of the desk."""

import shutil
import time
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import connection
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bihuan.book import outbox
from bihuan.dossier.models import Photo
from bihuan.net import tree
from bihuan.net.calendar import computed_years
from bihuan.net.models import Boundary, Kind, Level, Place, Posting, Role
from bihuan.net.postings import standing_on
from bihuan.net.regions import across_regions
from bihuan.programs.models import Program
from bihuan.web.health import troubles
from bihuan.web.posting import desk
from bihuan.web.setup.frame import has_whole, own_area, page, table

DATABASE = """
SELECT current_setting('server_version'), pg_database_size(current_database()),
    (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())
"""
JOBS = "SELECT status::text, count(*) FROM procrastinate_jobs WHERE task_name = 'work' GROUP BY status"
MEGABYTE = 1 << 20


@desk(Role.ADMIN)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """What is set up and what is still to do, in the order of a first day."""
    net, area = tree.snapshot(), own_area(request)
    here = [unit for unit in net if area in unit.path]
    context = {
        "area": net.unit(area).name,
        "stats": _stats(here, area),
        "steps": _steps(here, area) if has_whole(request) else [],
        "computed": _("、").join(map(str, computed_years())),
    }
    return page(request, "setup", "overview.html", context)


def _stats(here: list[Any], area: int) -> list[dict[str, Any]]:
    people = Posting.objects.filter(standing_on(localdate()), unit__path__contains=[area])
    counted = [
        (_("街道（乡镇）"), sum(unit.level == Level.TOWN and unit.kind == Kind.AREA for unit in here), "setup_units"),
        (
            _("社区（村）"),
            sum(unit.level == Level.COMMUNITY and unit.kind == Kind.AREA for unit in here),
            "setup_units",
        ),
        (_("网格"), sum(unit.kind == Kind.GRID for unit in here), "setup_units"),
        (_("部门单位"), sum(unit.kind in (Kind.ORGAN, Kind.CENTRE) for unit in here), "setup_units"),
        (_("在任岗位"), people.count(), "setup_people"),
        (_("事项"), Program.objects.count(), "programs"),
    ]
    return [{"label": label, "value": f"{value:,}", "url": reverse(name)} for label, value, name in counted]


def _steps(here: list[Any], area: int) -> list[dict[str, Any]]:
    """The way from an empty county to one that works; a step is done when its result is there."""
    kinds = {unit.kind for unit in here}
    staffed = set(
        Posting.objects.filter(standing_on(localdate()), unit__path__contains=[area]).values_list("role", flat=True)
    )
    asked = [
        ("divisions", _("导入行政区划"), any(unit.level == Level.COMMUNITY for unit in here)),
        ("units", _("导入部门和诉求中心"), Kind.CENTRE in kinds and Kind.ORGAN in kinds),
        ("grids", _("导入网格"), Kind.GRID in kinds),
        ("postings", _("导入人员和岗位"), {Role.DISPATCHER, Role.HANDLER} <= staffed),
        ("places", _("导入地名"), Place.objects.exists()),
        ("boundaries", _("导入边界"), Boundary.objects.exists()),
    ]
    return [{"label": label, "done": done, "url": reverse("setup_hand_in", args=[key])} for key, label, done in asked]


@desk(Role.ADMIN)
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    at = now()
    context = {
        "troubles": list(troubles().values()),
        "facts": _facts(at),
        "dead": _dead(),
    }
    return page(request, "setup_status", "status.html", context)


def _facts(at: datetime) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(DATABASE)
        server, size, connections = cursor.fetchone()
        cursor.execute(JOBS)
        jobs = dict(cursor.fetchall())
    with across_regions("the backlog is one queue"):
        waiting, unfolded = outbox.backlog(at), _unfolded()
    disk = shutil.disk_usage(settings.VAR)
    said = [
        (_("版本"), f"Bihuan {_version()} · Django {django.__version__} · PostgreSQL {server}"),
        (_("数据库大小"), f"{size // MEGABYTE} MB"),
        (_("数据库连接"), connections),
        (_("pump 最近动静"), _pump_age()),
        (_("待处理的后续事项"), waiting),
        (_("待汇总的计数"), unfolded),
        (_("后台任务"), _("，").join(f"{name} {count}" for name, count in sorted(jobs.items())) or _("没有")),
        (_("数据目录剩余空间"), f"{disk.free // MEGABYTE} MB"),
        (_("照片占用"), f"{_photos() // MEGABYTE} MB"),
    ]
    return [{"label": label, "value": value} for label, value in said]


def _unfolded() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM book_tallydelta")
        return cursor.fetchone()[0]


def _dead() -> dict[str, Any] | None:
    with across_regions("dead rows are mended by one administrator"):
        rows = [[row.topic, {"text": row.error, "wide": True}] for row in outbox.dead(20)]
    return table(_("多次失败、已停下的后续事项"), [_("种类"), _("原因")], rows) if rows else None


def _pump_age() -> str:
    try:
        age = time.time() - (Path(settings.VAR) / "run" / "pump.alive").stat().st_mtime
    except FileNotFoundError:
        return _("没有运行")
    return _("%(seconds)d 秒前") % {"seconds": age}


def _photos() -> int:
    with across_regions("the size of all photos"):
        return Photo.objects.aggregate(size=Sum("size"))["size"] or 0


def _version() -> str:
    try:
        return version("bihuan")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return ""
