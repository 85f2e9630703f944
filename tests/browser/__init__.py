"""Walks in a real browser, one for each desk. With BIHUAN_SHOTS=<directory> they leave their pictures there."""

import os
from pathlib import Path
from typing import Any


def shot(page: Any, name: str, *, whole: bool = False) -> None:
    """Keep what the browser shows as `<name>.png`, when somebody asked for pictures. whole: the page beyond the window."""
    folder = os.environ.get("BIHUAN_SHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        size = page.viewport_size
        if whole:  # a taller window, not a stitched picture: bars that stick stay at its edge
            height = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": size["width"], "height": max(size["height"], height)})
        page.wait_for_timeout(300)  # what slides or fades has come to rest
        page.screenshot(path=Path(folder) / f"{name}.png", caret="initial")  # hiding it would be an inline style
        page.set_viewport_size(size)
