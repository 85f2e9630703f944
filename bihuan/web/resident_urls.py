"""Addresses for residents; photos of all pages too."""

from django.urls import path

from bihuan.web import pictures, places, resident

urlpatterns = [
    path("", resident.home, name="home"),
    path("report/", resident.report, name="report"),
    path("report/place/", places.found, name="report_place"),
    path("report/done/<str:signed>/", resident.reported, name="reported"),
    path("outlines.json", places.outlines, name="outlines"),
    path("track/", resident.track, name="track"),
    path("t/<str:signed>/", resident.follow, name="follow"),
    path("t/<str:signed>/confirm/", resident.confirm, name="confirm"),
    path("t/<str:signed>/deny/", resident.deny, name="deny"),
    path("t/<str:signed>/reopen/", resident.reopen, name="reopen"),
    path("t/<str:signed>/urge/", resident.urge, name="urge"),
    path("t/<str:signed>/withdraw/", resident.withdraw, name="withdraw"),
    path("t/<str:signed>/photos/<str:key>/", pictures.show_to_resident),
    path("t/<str:signed>/photos/<str:key>/small/", pictures.show_to_resident, {"small": True}),
    path("photos/", pictures.upload, name="photos"),
    path("photos/<str:key>/", pictures.show, name="photo"),
    path("photos/<str:key>/small/", pictures.show, {"small": True}),
]
