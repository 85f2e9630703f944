"""The bottom bar of a grid worker's phone: what the thumb reaches on every page."""

from typing import Any

from django.utils.translation import gettext as _

from bihuan.loop import worklist
from bihuan.net.models import Posting


def bottom_bar(by: Posting, path: str = "", open_tasks: int | None = None) -> list[dict[str, Any]]:
    """Tasks (with how many are open), a report in the middle, the own grid. One query, none when they were counted."""
    return [
        {
            "label": _("任务"),
            "url": "/grid/tasks/",
            "icon": "list-check",
            "count": worklist.count(by) if open_tasks is None else open_tasks,
            "current": path == "/grid/tasks/",
        },
        {
            "label": _("随手报"),
            "url": "/grid/report/",
            "icon": "camera",
            "main": True,
            "current": path == "/grid/report/",
        },
        {"label": _("我的网格"), "url": "/grid/", "icon": "map-pin", "current": path == "/grid/"},
    ]
