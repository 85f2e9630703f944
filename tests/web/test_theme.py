"""A city's own colour never makes a page hard to read."""

import pytest

from bihuan.web.theme import DARK_RAISED, LIGHT_SUNKEN, WHITE, contrast, stylesheet, tones_for_dark, tones_for_light

COLOURS = ["#1a5fb4", "#c8102e", "#ffd400", "#00a650", "#000000", "#ffffff", "#7f7f7f", "#e8f4ff", "#0b0b3b"]
AA = 4.5


@pytest.mark.parametrize("accent", COLOURS)
def test_text_in_the_accent_and_on_it_reads_in_light_and_dark(accent):
    light, dark = tones_for_light(accent), tones_for_dark(accent)
    assert min(contrast(light.accent, ground) for ground in (WHITE, LIGHT_SUNKEN, light.soft)) >= AA
    assert contrast(light.on, light.accent) >= AA
    assert contrast(light.on, light.strong) >= AA
    assert contrast(dark.accent, DARK_RAISED) >= AA
    assert contrast(dark.accent, dark.soft) >= AA
    assert contrast(dark.on, dark.accent) >= AA
    assert contrast(dark.on, dark.strong) >= AA


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_sheet_says_the_same_for_the_system_s_dark_and_the_chosen_one():
    sheet = stylesheet("#1a5fb4")
    assert sheet.count("--accent:" + tones_for_dark("#1a5fb4").accent) == 2


def test_the_sheet_is_served(client):
    answer = client.get("/theme.css")
    assert answer["Content-Type"].startswith("text/css")
    assert "--accent:" in answer.content.decode()
