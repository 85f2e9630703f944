"""Addresses of the administrator's desk."""

from django.urls import path, re_path

from bihuan.web.setup import audit, calendar, duties, imports, keys, people, status, units

urlpatterns = [
    path("", status.overview, name="setup"),
    path("status/", status.status, name="setup_status"),
    path("imports/", imports.overview, name="setup_imports"),
    path("imports/runs/<int:number>/", imports.result, name="setup_import"),
    path("imports/runs/<int:number>/do/", imports.do, name="setup_import_do"),
    path("imports/runs/<int:number>/passwords/", imports.passwords, name="setup_import_passwords"),
    re_path(
        r"^imports/runs/(?P<number>\d{1,18})/errors\.(?P<suffix>csv|xlsx)$", imports.errors, name="setup_import_errors"
    ),
    path("imports/<slug:key>/", imports.hand_in, name="setup_hand_in"),
    path("imports/<slug:key>/template.xlsx", imports.template, name="setup_template"),
    path("units/", units.search, name="setup_units"),
    path("units/<str:code>/", units.show, name="setup_unit"),
    path("units/<str:code>/rename/", units.rename, name="setup_unit_rename"),
    path("units/<str:code>/move/", units.move, name="setup_unit_move"),
    path("units/<str:code>/close/", units.close, name="setup_unit_close"),
    path("units/<str:code>/found/", units.found, name="setup_unit_found"),
    path("people/", people.search, name="setup_people"),
    path("people/new/", people.appoint, name="setup_appoint"),
    path("people/<int:number>/", people.show, name="setup_person"),
    path("people/<int:number>/appoint/", people.appoint, name="setup_person_appoint"),
    path("people/<int:number>/password/", people.new_password, name="setup_person_password"),
    path("postings/<int:number>/end/", people.end, name="setup_posting_end"),
    path("calendar/", calendar.show, name="setup_calendar"),
    path("calendar/day/", calendar.set_day, name="setup_calendar_day"),
    path("calendar/drop/", calendar.drop_day, name="setup_calendar_drop"),
    path("calendar/hours/", calendar.set_hours, name="setup_calendar_hours"),
    path("duties/", duties.show, name="setup_duties"),
    path("keys/", keys.show, name="setup_keys"),
    path("keys/make/", keys.make, name="setup_keys_make"),
    path("keys/<int:number>/revoke/", keys.revoke, name="setup_keys_revoke"),
    path("audit/", audit.looks, name="setup_audit"),
    path("audit/verify/", audit.verify, name="setup_audit_verify"),
    path("audit/net/", audit.net, name="setup_audit_net"),
]
