"""Every address of the product. One line per desk; a desk's own addresses stand in `<desk>_urls.py`."""

from django.urls import include, path

from bihuan.web.health import healthz, readyz
from bihuan.web.styleguide import outlines, styleguide
from bihuan.web.theme import theme_css
from bihuan.web.who import who

handler400 = "bihuan.web.mistakes.bad_request"

urlpatterns = [
    path("api/v1/", include("bihuan.api.urls")),  # first: the hot way in
    path("i18n/", include("django.conf.urls.i18n")),
    path("theme.css", theme_css, name="theme_css"),
    path("", include("bihuan.web.account_urls")),
    path("centre/", include("bihuan.web.centre_urls")),
    path("setup/", include("bihuan.web.setup_urls")),
    path("net/", who, name="who"),
    path("healthz", healthz),
    path("readyz", readyz),
    path("", include("bihuan.web.resident_urls")),
    path("", include("bihuan.web.case_urls")),
    path("", include("bihuan.web.desk_urls")),
    path("", include("bihuan.web.grid_urls")),
    path("people/", include("bihuan.web.help_urls")),
    path("", include("bihuan.web.people_urls")),
    path("programs/", include("bihuan.web.programs_urls")),
    path("hotline/", include("bihuan.web.hotline_urls")),
    path("wall/", include("bihuan.web.wall_urls")),
    path("styleguide/", styleguide, name="styleguide"),
    path("styleguide/outlines.json", outlines),
]
