"""The one shape of every error: {"error": {"code", "message", "field"}}; the message is a Chinese sentence for people."""

import logging
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, ValidationError

from bihuan.api.answers import answer
from bihuan.loop.refusals import REFUSED, refusal

log = logging.getLogger(__name__)


class Refused(Exception):
    """An answer of the API itself, outside the loop: bad JSON, too many calls."""

    def __init__(self, status: int, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.field = status, code, message, field


def error_body(code: str, message: str, field: str = "") -> dict[str, Any]:
    """The one error shape."""
    return {"error": {"code": code, "message": message, "field": field}}


def answer_errors(api: NinjaAPI) -> None:
    """Teach the API to answer every refusal in the one shape."""
    for kind in REFUSED:
        api.add_exception_handler(kind, _refused)
    api.add_exception_handler(Refused, _own)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(AuthenticationError, _stranger)
    api.add_exception_handler(Http404, _missing)


def _refused(request: HttpRequest, error: Exception) -> HttpResponse:
    found = refusal(error)
    return answer(error_body(found.code, found.message, found.field), found.status)


def _own(request: HttpRequest, error: Refused) -> HttpResponse:
    return answer(error_body(error.code, error.message, error.field), error.status)


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """What pydantic found first, as a sentence with the field's name."""
    first = error.errors[0]
    field = ".".join(str(part) for part in first["loc"][1:] if part != "body")
    return answer(error_body("invalid", f"“{field or '请求'}”填写有误，请对照接口说明。", field), 422)


def _stranger(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return answer(error_body("unauthorized", "请提供有效的访问令牌。"), 401)


def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return answer(error_body("not_found", "没有找到。"), 404)
