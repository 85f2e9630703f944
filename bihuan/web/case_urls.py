"""Addresses of the page of a case."""

from django.urls import path

from bihuan.web import case

urlpatterns = [
    path("cases/<str:number>/", case.show, name="case"),
    path("cases/<str:number>/map.json", case.place, name="case_map"),
    path("cases/<str:number>/reveal/", case.reveal, name="case_reveal"),
    path("cases/<str:number>/<slug:verb>/", case.act, name="case_act"),
]
