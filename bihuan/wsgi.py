"""Pages and API for a WSGI server. Refuses to load when the database role could rewrite history."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bihuan.settings")
pages = get_wsgi_application()

from bihuan.api.handler import PREFIX, ApiHandler  # noqa: E402 -- needs the applications loaded above
from bihuan.run.roles import refuse_unsafe  # noqa: E402

refuse_unsafe()
api = ApiHandler()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The API by its own short way, everything else through the whole of Django."""
    answer = api if environ["PATH_INFO"].startswith(PREFIX) else pages
    return answer(environ, start_response)
