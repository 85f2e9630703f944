"""Pages and API for a WSGI server. Refuses to load when the database role could rewrite history."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bihuan.settings")
application = get_wsgi_application()

from bihuan.run.roles import refuse_unsafe  # noqa: E402 -- needs the applications loaded above

refuse_unsafe()
