"""Addresses of the API."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from bihuan.api.answers import answer
from bihuan.api.app import api, openapi


def openapi_json(request: HttpRequest) -> HttpResponse:
    """The description of the API, for clients and generators."""
    return answer(openapi())


urlpatterns = [path("openapi.json", openapi_json), *api.urls[0]]
