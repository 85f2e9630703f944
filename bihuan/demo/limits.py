"""Short limits for watching clocks run out: a version of the request program in which a working day is an hour.

It is published like any other version, from now on. Cases under way stay under theirs: less time for calling back is worse
for the resident, so the whole counts as tightening. The clock itself is never bent.
"""

import re
from datetime import datetime

from bihuan.programs import versions
from bihuan.programs.models import Version

_SECTION = re.compile(r"^\[([a-z_.]+)\]", re.MULTILINE)
_LIMIT = re.compile(r'"(\d+)(wd|wh|h)"')


def shorten(doc: str) -> str:
    """The document with every limit and repetition cut: N working days become N hours, a day and night four."""
    parts = _SECTION.split(doc)  # text before the first section, then name and body in turn
    for nth in range(1, len(parts), 2):
        name = parts[nth]
        if name.split(".")[0] in ("limit", "clock"):
            parts[nth + 1] = _LIMIT.sub(_shorter, parts[nth + 1])
        parts[nth] = f"[{name}]"
    return "".join(parts)


def _shorter(found: re.Match[str]) -> str:
    """A second time changes nothing: what is ten hours or less stays."""
    n, unit = int(found[1]), found[2]
    hours = {"wd": n, "wh": 1, "h": n if n <= 10 else n // 6}[unit]
    return f'"{hours}h"'


def publish_short(at: datetime) -> Version | None:
    """Put the short limits in force from `at`; None when they are already."""
    now = versions.in_force("request", at)
    doc = Version.objects.values_list("doc", flat=True).get(pk=now.pk)
    short = shorten(doc)
    if short == doc:
        return None
    return versions.release(short, by=None, at=at, since=at, file="request.toml")
