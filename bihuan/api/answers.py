"""JSON out, as bytes."""

from typing import Any

import orjson
from django.http import HttpResponse


def answer(body: Any, status: int = 200) -> HttpResponse:
    """A JSON answer; moments as ISO 8601 with their offset."""
    return HttpResponse(orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS), status=status, content_type="application/json; charset=utf-8")
