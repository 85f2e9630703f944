"""What scripts add to a page, in a real browser: nothing is lost, nothing is sent twice, nothing breaks the content policy."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test.testcases import LiveServerThread

DIST = Path(__file__).parents[2] / "bihuan" / "web" / "static" / "dist"

pytestmark = pytest.mark.skipif(not (DIST / "app.js").exists(), reason="not built yet: run node front/build.mjs")

# A page of the product's own with two forms, so that what is sent can be counted.
FORMS = """
<form id="plain" method="post" action="/sent/" data-draft="plain">
<input type="hidden" name="client_id" value="first-id"><textarea name="text"></textarea>
<input name="phone" data-private><button name="act" value="file">send</button></form>
<form id="danger" method="post" action="/sent/"><button data-confirm="really?">void</button></form>
<form id="parts" hx-post="/part/" hx-target="#answer"><input name="q"><button>ask</button></form><div id="answer"></div>
"""

PARTS = (("mine", "unit:5"), ("other", "unit:6"))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The product's pages over HTTP, for pages that read no table: so no test here has to empty the database."""
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    server.start()
    server.is_ready.wait()
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    context = browser.new_context(locale="zh-CN", viewport={"width": 1366, "height": 900})
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(f"{address}/styleguide/")
    yield page
    context.close()


@pytest.fixture
def forms(page: Any) -> Any:
    """The same frame with forms in it; /sent/ and /part/ are answered here and counted in page.sent."""
    page.sent = []
    body = re.sub(r'(<main[^>]*id="main"[^>]*>).*?(</main>)', lambda m: m[1] + FORMS + m[2], page.content(), flags=re.S)
    page.route("**/forms/", lambda route: route.fulfill(body=body, content_type="text/html; charset=utf-8"))
    page.route("**/sent/", lambda route: (page.sent.append(route.request.post_data), route.fulfill(status=204)))
    page.goto(page.url.replace("/styleguide/", "/forms/"))
    return page


def test_the_page_keeps_the_policy_and_speaks_no_error(page):
    page.locator(".leaflet-container .area").first.wait_for()
    assert page.complaints == []


def test_a_theme_is_chosen_and_kept(page):
    page.locator(".rail [data-theme-set=dark]").click()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.locator(".rail [data-theme-set=dark]").get_attribute("aria-pressed") == "true"


def test_a_destructive_act_is_asked_once(forms):
    button = forms.locator("#danger button")
    button.click()
    forms.locator("[data-confirm-no]").click()
    assert forms.sent == []
    button.click()
    assert forms.locator("[data-confirm-text]").inner_text() == "really?"
    forms.locator("[data-confirm-ok]").click()
    forms.wait_for_timeout(200)
    assert len(forms.sent) == 1


def test_a_repeated_click_sends_once(forms):
    forms.evaluate("for (let n = 0; n < 5; n++) document.querySelector('#plain button').click()")
    forms.wait_for_timeout(300)
    assert len(forms.sent) == 1
    assert "act=file" in forms.sent[0]
    assert forms.locator("#plain button").is_disabled()


def test_typed_words_come_back_with_their_client_id_but_no_phone(forms):
    forms.fill("#plain textarea", "路灯不亮")
    forms.fill("#plain [name=phone]", "13800000000")
    forms.wait_for_timeout(500)
    forms.reload()
    assert forms.input_value("#plain textarea") == "路灯不亮"
    assert forms.input_value("#plain [name=client_id]") == "first-id"
    assert forms.input_value("#plain [name=phone]") == ""
    assert forms.locator(".draft-note").is_visible()


def test_a_refused_part_is_shown_and_a_lost_connection_says_so(forms):
    forms.route(
        "**/part/", lambda route: route.fulfill(status=422, body="<p id='why'>no</p>", content_type="text/html")
    )
    forms.locator("#parts button").click()
    forms.locator("#why").wait_for()
    forms.route("**/part/", lambda route: route.abort())
    forms.locator("#parts button").click()
    forms.locator("#toasts .bad").wait_for()
    assert forms.locator("#parts button").is_enabled()


def test_a_photo_is_made_small_and_its_place_removed(page):
    got: list[bytes] = []

    def answer(route: Any) -> None:
        got.append(route.request.post_data_buffer)
        route.fulfill(status=201, body=json.dumps({"id": "77"}), content_type="application/json")

    page.route("**/api/v1/photos", answer)
    page.set_input_files(
        "[data-photos] input[type=file]",
        files=[photo_with_place(), {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"MZ not a photo"}],
    )
    page.locator("input[name=photo_ids][value='77']").wait_for(state="attached")
    assert page.locator(".shot").count() == 1
    size = page.evaluate(
        "[...document.querySelectorAll('.shot canvas')].map((one) => Math.max(one.width, one.height))[0]"
    )
    assert size == 2000
    assert b"Exif" not in got[0]
    page.locator("[data-shot-remove]").click()
    assert page.locator("input[name=photo_ids]").count() == 0


def photo_with_place() -> dict[str, Any]:
    from io import BytesIO

    from PIL import Image

    image, out = Image.new("RGB", (3000, 1500), "teal"), BytesIO()
    exif = image.getexif()
    exif[0x8825] = {1: "N", 2: (40.0, 52.0, 0.0)}
    image.save(out, "JPEG", exif=exif)
    assert b"Exif" in out.getvalue()
    return {"name": "road.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


def test_photos_open_large_and_the_arrow_turns(page):
    page.locator("#photos .photos a").first.click()
    page.keyboard.press("ArrowRight")
    assert "2 / 2" in page.locator("#lightbox figcaption").inner_text()
    page.keyboard.press("Escape")
    assert not page.locator("#lightbox").is_visible()


def test_shortcuts_work_outside_of_boxes(page):
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"
    page.evaluate("document.querySelector('[data-key=\"alt+1\"]').addEventListener('click', () => { window.hit = 1 })")
    page.keyboard.press("Alt+1")
    assert page.evaluate("window.hit") == 1


def test_ticking_all_rows_wakes_the_batch_button(page):
    assert page.locator("[data-needs-pick]").is_disabled()
    page.locator("[data-pick-all]").check()
    assert page.locator("[data-picked]").inner_text() == "4"
    assert page.locator("[data-needs-pick]").is_enabled()


def test_a_hint_fetches_the_parts_of_its_topic_once(forms):
    forms.route(
        "**/live/**",
        lambda route: route.fulfill(body="data: unit:5 area:1\n\ndata: unit:5\n\n", content_type="text/event-stream"),
    )
    fetched = live_page(forms)
    forms.wait_for_timeout(600)
    assert fetched == ["mine"]
    assert "token=seal" in forms.asked[0]


def test_without_hints_the_parts_are_fetched_every_few_seconds(forms):
    forms.route("**/live/**", lambda route: route.abort())
    fetched = live_page(forms)
    forms.locator("body[data-live-state=poll]").wait_for()
    forms.wait_for_timeout(5600)
    assert sorted(fetched) == ["mine", "other"]


def live_page(forms: Any) -> list[str]:
    """A page with two live parts; returns the names of the parts fetched, as they come."""
    fetched: list[str] = []
    forms.asked = []
    forms.on("request", lambda request: forms.asked.append(request.url) if "/live/" in request.url else None)
    forms.route(
        "**/part/*", lambda route: (fetched.append(route.request.url.split("/")[-1]), route.fulfill(body="new"))
    )
    live = 'data-live-url="/live/" data-live-topics="unit:5" data-live-token="seal"'
    parts = "".join(f'<div data-live="{topic}" hx-get="/part/{name}" hx-trigger="live"></div>' for name, topic in PARTS)
    body = forms.content().replace("<body", f"<body {live}", 1).replace('id="answer">', f'id="answer">{parts}')
    forms.route("**/live-page/", lambda route: route.fulfill(body=body, content_type="text/html; charset=utf-8"))
    forms.goto(forms.url.replace("/forms/", "/live-page/"))
    return fetched


@pytest.mark.parametrize("width", [360, 1366, 1920])
def test_nothing_runs_over_the_edge(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("[name=language][value=en]:visible").first.click()
    page.locator("html[lang=en]").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
