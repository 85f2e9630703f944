"""Addresses of the grid worker's phone."""

from django.urls import path

from bihuan.web import grid

urlpatterns = [
    path("grid/", grid.home, name="grid"),
    path("grid/outlines.json", grid.outlines, name="grid_outlines"),
    path("grid/pins.json", grid.pins, name="grid_pins"),
    path("grid/tasks/", grid.tasks, name="grid_tasks"),
    path("grid/reports/", grid.reports, name="grid_reports"),
    path("grid/report/", grid.report, name="grid_report"),
]
