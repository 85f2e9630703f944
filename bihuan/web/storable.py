"""What no database holds is dropped before any page reads it: a NUL in an address, a query or a form.

A browser never sends one; whoever does gets the page as if it were not there, and no page breaks on it.
"""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict

NUL = "\x00"


class StorableMiddleware:
    """Stands after whatever may refuse a request before its form is read (the form's token, its size)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]) -> None:
        """Raises Http404 for an address with a NUL: nothing has such a name."""
        if NUL in request.path_info:
            raise Http404
        if "%00" in request.META.get("QUERY_STRING", ""):
            request.GET = without_nul(request.GET)  # type: ignore[misc]
        if request.method == "POST" and _holds_nul(request.POST):
            request.POST = without_nul(request.POST)  # type: ignore[misc]


def _holds_nul(said: QueryDict) -> bool:
    return any(NUL in word for _name, words in said.lists() for word in words)


def without_nul(said: QueryDict) -> QueryDict:
    """The same fields with the same words, without NUL."""
    clean = QueryDict(mutable=True, encoding=said.encoding)
    for name, words in said.lists():
        clean.setlist(name.replace(NUL, ""), [word.replace(NUL, "") for word in words])
    clean._mutable = False
    return clean
