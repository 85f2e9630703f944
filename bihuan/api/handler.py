"""The API's own way through Django: no sessions, no cookies, no pages' middleware - a third of a filing's cost less."""

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler

PREFIX = "/api/"


class ApiHandler(WSGIHandler):
    """Views and nothing around them: tokens and turnstile stand in the views themselves (`api/door.py`)."""

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware = self._template_response_middleware = self._exception_middleware = []
        self._middleware_chain = convert_exception_to_response(self._get_response)
