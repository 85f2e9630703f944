"""The API's own way through Django: no sessions, no cookies, no pages' middleware - a third of a filing's cost less."""

from collections.abc import Callable

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.http import Http404, HttpRequest, HttpResponse

from bihuan.api.errors import not_allowed, nothing_here, ours, too_big
from bihuan.dossier.photos import LARGEST

PREFIX = "/api/"
MOST_BYTES = LARGEST + 1024 * 1024  # a photo with what a form adds around it; everything else is far smaller

Answering = Callable[[HttpRequest], HttpResponse]


class ApiHandler(WSGIHandler):
    """Views and nothing around them: tokens and turnstile stand in the views themselves (`api/door.py`)."""

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware = self._template_response_middleware = self._exception_middleware = []
        self._middleware_chain = convert_exception_to_response(in_one_shape(self._get_response))


def in_one_shape(get_response: Answering) -> Answering:
    """What goes wrong outside the views is told in the shape of all errors: no such address, a body too large."""

    def respond(request: HttpRequest) -> HttpResponse:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
            return too_big()
        try:
            response = get_response(request)
        except Http404:
            return nothing_here(request)
        except Exception as error:  # noqa: BLE001 - logged with its trace; the caller gets JSON, not a page
            return ours(request, error)
        return not_allowed(response.headers["Allow"]) if response.status_code == 405 else response

    return respond
