"""Addresses of the wall: one screen per area, and the parts that it fetches anew."""

from django.urls import path

from bihuan.web import wall, wall_list

urlpatterns = [
    path("", wall.own, name="wall"),
    path("<str:code>/", wall.screen, name="wall_area"),
    path("<str:code>/numbers/", wall.numbers, name="wall_numbers"),
    path("<str:code>/pressing/", wall.pressing, name="wall_pressing"),
    path("<str:code>/units/", wall.units, name="wall_units"),
    path("<str:code>/latest/", wall.latest, name="wall_latest"),
    path("<str:code>/curve.json", wall.curve, name="wall_curve"),
    path("<str:code>/counts.json", wall.counts, name="wall_counts"),
    path("<str:code>/parts.json", wall.parts, name="wall_parts"),
    path("<str:code>/list/", wall_list.cases, name="wall_list"),
]
