"""A live server with the cast in it, and windows onto it."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1366, "height": 768}

# Parts of a small town around 122.70 E, 40.85 N: corners shared by neighbours, so that nothing overlaps or is left out.
CORNERS = {
    "a": (122.690, 40.862), "b": (122.703, 40.864), "c": (122.716, 40.861), "d": (122.688, 40.853),
    "e": (122.7015, 40.8545), "f": (122.718, 40.852), "g": (122.691, 40.844), "h": (122.703, 40.8425), "i": (122.715, 40.8445),
    "j": (122.6955, 40.8535), "k": (122.697, 40.863),
}  # fmt: skip
OUTLINES = {
    "south": "abed", "north": "bcfe", "other_town": "defihg", "grid1": "akjd", "grid2": "kbej", "leaf": "akj",
}  # fmt: skip


@pytest.fixture
def outlines(cast: SimpleNamespace) -> None:
    """Boundaries of the cast's communities and grids, for pages with a map."""
    from bihuan.net import revisions
    from bihuan.net.models import Boundary

    for key, corners in OUTLINES.items():
        ring = [CORNERS[corner] for corner in (*corners, corners[0])]
        shape = {"type": "Polygon", "coordinates": [ring]}
        Boundary.objects.create(
            unit=getattr(cast, key), geometry=shape, source="test", made_up=True, updated_at=timezone.now()
        )
    revisions.forget()


@pytest.fixture
def visit(browser: Any, live_server: Any, cast: SimpleNamespace) -> Iterator[Callable[..., Any]]:
    """`visit("agent")` opens a window, signed in as that member of the cast; `visit()` one of somebody unknown.

    size: PHONE or DESK; scripts: False for a browser without them. A page that breaks the content policy or throws
    fails its test.
    """
    opened, complaints = [], []

    def open_window(who: str = "", *, size: dict[str, int] = DESK, scripts: bool = True, **more: Any) -> Any:
        hand = {"is_mobile": True, "has_touch": True, "device_scale_factor": 2} if size == PHONE else {}
        context = browser.new_context(
            base_url=live_server.url, locale="zh-CN", timezone_id="Asia/Shanghai", viewport=size,
            java_script_enabled=scripts, **hand, **more,
        )  # fmt: skip
        context.set_default_timeout(20_000)
        if who:
            context.add_cookies([_session(getattr(cast, who), live_server.url)])
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if _is_ours(said) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        opened.append(context)
        return page

    yield open_window
    for context in opened:
        context.close()
    assert complaints == []


def _session(posting: Any, url: str) -> dict[str, str]:
    client = Client()
    client.force_login(posting.person.user)
    session = client.session
    session["posting"] = posting.pk
    session.save()
    return {"name": settings.SESSION_COOKIE_NAME, "value": session.session_key, "url": url}


def _is_ours(said: Any) -> bool:
    """Errors of our pages; not what the browser notes of a 4xx answer, of the live stream that tests lack, or of a
    request that was on its way when the page was left (htmx notes an abort and the end that it makes)."""
    passing = ("Failed to load resource", "/live", "htmx:sendAbort", "htmx:afterRequest")
    return said.type == "error" and not any(words in said.text for words in passing)
