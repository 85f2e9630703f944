"""Addresses of the author's desk."""

from django.urls import path

from bihuan.web.programs import editing, moving, overview, publishing, show, terms

urlpatterns = [
    path("", overview.overview, name="programs"),
    path("<slug:key>/", show.show, name="program"),
    path("<slug:key>/edit/", editing.edit, name="program_edit"),
    path("<slug:key>/check/", editing.check, name="program_check"),
    path("<slug:key>/affects/", editing.affects, name="program_affects"),
    path("<slug:key>/publish/", publishing.publish, name="program_publish"),
    path("<slug:key>/terms/", terms.choose, name="program_terms_of"),
    path("<slug:key>/terms/<str:code>/", terms.terms, name="program_terms"),
    path("<slug:key>/terms/<str:code>/end/", terms.end, name="program_terms_end"),
    path("<slug:key>/moves/<int:number>/", moving.move, name="program_move"),
]
