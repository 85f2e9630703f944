"""Addresses of the hotline."""

from django.urls import path

from bihuan.web import hotline

urlpatterns = [
    path("", hotline.intake, name="hotline"),
    path("caller/", hotline.caller, name="hotline_caller"),
    path("find/", hotline.find, name="hotline_find"),
    path("suggest/", hotline.suggest, name="hotline_suggest"),
    path("categories/", hotline.category_options, name="hotline_categories"),
    path("units/", hotline.unit_options, name="hotline_units"),
    path("calls/", hotline.count_call, name="hotline_calls"),
]
