"""A city's accent colour, toned so that text in it and on it keeps WCAG AA in light and dark."""

import colorsys
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

LIGHT_SUNKEN, DARK_PAGE, DARK_RAISED = "#eff1f4", "#0f1319", "#1e242e"  # as in front/css/tokens.css
WHITE, NIGHT = "#ffffff", "#0c1420"
ENOUGH = 4.6  # AA asks 4.5; the rest is for rounding


@require_GET
@cache_control(max_age=3600)
def theme_css(request: HttpRequest) -> HttpResponse:
    """The accent as a style sheet of its own, so that no page needs an inline style."""
    return HttpResponse(stylesheet(settings.ACCENT_COLOR), content_type="text/css; charset=utf-8")


def stylesheet(accent: str) -> str:
    light, dark = tones_for_light(accent).css(), tones_for_dark(accent).css()
    return (
        f":root{{{light}}}"
        f'@media (prefers-color-scheme:dark){{:root:not([data-theme="light"]){{{dark}}}}}'
        f':root[data-theme="dark"]{{{dark}}}'
        f"@media print{{:root,:root[data-theme]{{{light}}}}}"
    )


@dataclass(frozen=True)
class Tones:
    accent: str
    strong: str
    soft: str
    line: str
    on: str

    def css(self) -> str:
        return (
            f"--accent:{self.accent};--accent-strong:{self.strong};--accent-soft:{self.soft};"
            f"--accent-line:{self.line};--on-accent:{self.on}"
        )


def tones_for_light(accent: str) -> Tones:
    """Darkened until it reads as text on its own soft tint, which is the hardest ground it meets."""
    soft = mixed(accent, WHITE, 0.09)
    toned = until_readable(until_readable(accent, LIGHT_SUNKEN, lighter=False), soft, lighter=False)
    return Tones(toned, mixed(toned, "#000000", 0.78), soft, mixed(toned, WHITE, 0.32), WHITE)


def tones_for_dark(accent: str) -> Tones:
    soft = mixed(accent, DARK_PAGE, 0.22)
    toned = until_readable(until_readable(accent, DARK_RAISED, lighter=True), soft, lighter=True)
    return Tones(toned, mixed(toned, WHITE, 0.7), soft, mixed(toned, DARK_PAGE, 0.38), NIGHT)


def until_readable(colour: str, ground: str, *, lighter: bool) -> str:
    hue, lightness, saturation = colorsys.rgb_to_hls(*channels(colour))
    for step in range(101):
        moved = min(1.0, lightness + step / 100) if lighter else max(0.0, lightness - step / 100)
        candidate = hexed(colorsys.hls_to_rgb(hue, moved, saturation))
        if contrast(candidate, ground) >= ENOUGH:
            return candidate
    raise AssertionError("black or white always reads")


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2: from 1 (the same) to 21 (black on white)."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def mixed(colour: str, ground: str, share: float) -> str:
    """`share` of the colour laid over the ground."""
    pairs = zip(channels(colour), channels(ground), strict=True)
    red, green, blue = (share * top + (1 - share) * below for top, below in pairs)
    return hexed((red, green, blue))


def channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def hexed(rgb: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in rgb)
