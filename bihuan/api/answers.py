"""JSON out, as bytes."""

from typing import Any

import orjson
from django.http import HttpResponse


def answer(body: Any, status: int = 200) -> HttpResponse:
    """A JSON answer; moments as ISO 8601 with their offset."""
    content = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Content-Length": str(len(content)),
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(content, status=status, headers=headers)
