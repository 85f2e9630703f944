"""Addresses of the desk of a handling unit."""

from django.urls import path

from bihuan.web import desk

urlpatterns = [
    path("desk/", desk.board, name="desk"),
    path("desk/counts/", desk.counts, name="desk_counts"),
    path("desk/sign/", desk.sign, name="desk_sign"),
    path("desk/find/", desk.find, name="desk_find"),
]
