"""Addresses of the ladders: the desk of those who raise people, and what is public of it."""

from django.urls import path

import bihuan.web.people.keys  # noqa: F401  registers <ladder:...>
from bihuan.web.people import home

urlpatterns = [
    path("people/", home.home, name="people"),
]
