"""The one shape of every error: {"error": {"code", "message", "field"}}; the message is a Chinese sentence for people."""

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, ValidationError

from bihuan.api.answers import answer
from bihuan.ladder import refusals as of_ladders
from bihuan.loop import refusals as of_cases
from bihuan.loop.refusals import Refusal
from bihuan.offers import refusals as of_offers

log = logging.getLogger(__name__)
STATUS = {**of_cases.STATUS, **of_offers.STATUS, **of_ladders.STATUS}  # of every act that the API offers


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
    for kind in STATUS:
        api.add_exception_handler(kind, _refused)
    api.add_exception_handler(Refused, _own)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(AuthenticationError, _stranger)
    api.add_exception_handler(Http404, _missing)
    api.add_exception_handler(RequestDataTooBig, _too_big)
    for kind in (SuspiciousOperation, MultiPartParserError):
        api.add_exception_handler(kind, _unreadable)
    api.add_exception_handler(DataError, _unstorable)
    api.add_exception_handler(Exception, ours)


def _refused(request: HttpRequest, error: Exception) -> HttpResponse:
    found = _refusal(error)
    return answer(error_body(found.code, found.message, found.field), found.status)


def _refusal(error: Exception) -> Refusal:
    status, code = next(answer for kind, answer in STATUS.items() if isinstance(error, kind))
    return Refusal(status, code, str(error), getattr(error, "field", ""))


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


def nothing_here(request: HttpRequest) -> HttpResponse:
    """An address that the API does not have."""
    return answer(error_body("not_found", "没有这个接口地址，请对照接口说明。"), 404)


def not_allowed(allowed: str) -> HttpResponse:
    """An address asked in a way it does not know. allowed: the ways it does, as for the header of that name."""
    response = answer(error_body("not_allowed", f"这个接口地址只能用 {allowed}。"), 405)
    response["Allow"] = allowed
    return response


def too_big() -> HttpResponse:
    return answer(error_body("too_big", "提交的内容太大，请减少后再提交。"), 413)


def _too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return too_big()


def _unreadable(request: HttpRequest, error: Exception) -> HttpResponse:
    return answer(error_body("unreadable", "提交的内容不完整或者格式不对，请检查后再提交。"), 400)


def _unstorable(request: HttpRequest, error: DataError) -> HttpResponse:
    """A NUL, a number beyond any number we keep: the caller's, so it is refused; and logged, in case it was ours."""
    log.warning("what was sent cannot be stored", exc_info=error)
    return answer(error_body("invalid", "提交的内容里有不能保存的字符或数字。"), 422)


def ours(request: HttpRequest, error: Exception) -> HttpResponse:
    """What nobody foresaw: logged with its trace."""
    log.error("%s failed", request.path, exc_info=error)
    return answer(error_body("failed", "系统出了点问题，我们已经记下来了。请稍后再试。"), 500)
