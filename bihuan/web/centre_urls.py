"""Addresses of the centre's desk."""

from django.urls import path

from bihuan.web.centre import views

urlpatterns = [
    path("", views.home, name="centre"),
    path("units/", views.units, name="centre_units"),
    path("units/urge/", views.urge_units, name="centre_urge_units"),
    path("accept/", views.accept_many, name="centre_accept"),
    path("urge/", views.urge_many, name="centre_urge"),
    path("options/places/", views.place_options, name="centre_places"),
    path("options/units/", views.unit_options, name="centre_unit_options"),
    path("cases/<str:number>/", views.case, name="centre_case"),
    path("cases/<str:number>/act/", views.act, name="centre_act"),
    path("cases/<str:number>/contact/", views.contact, name="centre_contact"),
    path("cases/<str:number>/advice/", views.advice, name="centre_advice"),
    path("<str:key>/", views.queue, name="centre_queue"),
    path("<str:key>/list/", views.queue_part, name="centre_list"),
]
