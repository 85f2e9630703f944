"""What stands around every page: the policy in its headers, its cookies, what is too large, and what no log may hold."""

import io
import logging
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.core import signals
from django.db import close_old_connections, connection
from django.test import Client
from django.utils import timezone

from bihuan.book import outbox
from bihuan.book.models import Look
from bihuan.loop.links import track_path
from bihuan.loop.models import Case
from bihuan.net.models import Posting
from bihuan.run.logs import Line
from tests.web import lives
from tests.web.doors import doors
from tests.web.test_access_matrix import address, case, values
from tests.world import PASSWORD

__all__ = ["case", "values"]

NAME, PHONE, WORDS = "欧阳蒹葭", "13912345678", "楼上的水漏到我家来了"


# Headers


def keeps_the_policy(answer: Any) -> bool:
    policy = answer.headers.get("Content-Security-Policy", "")
    script, style = (re.search(rf"{kind}-src ([^;]*)", policy) for kind in ("script", "style"))
    return (
        bool(script and style and script[1].strip() == style[1].strip() == "'self'")
        and "unsafe" not in policy
        and all(word in policy for word in ("object-src 'none'", "frame-ancestors 'none'", "base-uri 'self'"))
        and answer.headers.get("X-Frame-Options") == "DENY"
        and answer.headers.get("X-Content-Type-Options") == "nosniff"
        and answer.headers.get("Referrer-Policy") == "same-origin"
    )


def test_every_page_keeps_the_policy(login: Any, cast: SimpleNamespace, values: dict[str, Any]) -> None:
    inside = [
        (getattr(cast, key).role, login(key)) for key in ("agent", "dispatcher", "handler", "worker", "chief", "admin")
    ]
    loose, pages = [], 0
    for door in doors():
        if door.is_api:
            continue
        client = next((client for role, client in inside if role in (door.roles or ())), Client())
        answer = client.get(url := address(door, {**values, "key": "open"}, cast))
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            pages += 1
            loose += [] if keeps_the_policy(answer) else [url]
            assert b" style=" not in answer.content and b"<style" not in answer.content, url
            assert not re.search(rb"<script(?![^>]*(src=|application/json))", answer.content), url
    assert pages > 50
    assert loose == []


def test_pages_of_errors_keep_it_too(client: Client, login: Any, cast: SimpleNamespace, case: Case) -> None:
    strict, broken = Client(enforce_csrf_checks=True), Client(raise_request_exception=False)
    with mock.patch("bihuan.web.resident.render", side_effect=RuntimeError("x")):
        fallen = broken.get("/")
    with mock.patch("bihuan.web.posting._chosen", side_effect=RuntimeError("x")):
        deep = broken.get("/")
    for _try in range(settings.AXES_FAILURE_LIMIT + 1):
        locked = client.post("/login/", {"username": "agent", "password": "wrong"})
    answers = {
        400: client.get("/", HTTP_HOST="evil.example"),
        403: strict.post("/report/", {"text": "x"}),
        404: client.get("/nothing/here/"),
        409: login("handler").post(f"/cases/{case.no}/sign/", {"n": "1"}),
        413: client.post("/report/", {f"f{n}": "1" for n in range(2000)}),
        422: client.post("/report/", {"text": ""}),
        429: locked,
        500: fallen,
    }
    assert {status: answer.status_code for status, answer in answers.items()} == {status: status for status in answers}
    assert [status for status, answer in answers.items() if not keeps_the_policy(answer)] == []
    assert deep.status_code == 500 and keeps_the_policy(deep)
    for answer in answers.values():
        assert re.search(r"[\u4e00-\u9fff]{4,}[，。]", answer.content.decode())
    assert "锁住" in locked.content.decode()


def test_cookies_are_closed_to_scripts_and_other_sites(client: Client, cast: SimpleNamespace) -> None:
    client.get("/report/")
    client.post("/login/", {"username": "handler", "password": PASSWORD})
    client.post("/i18n/setlang/", {"language": "en"})
    with mock.patch.object(settings, "SESSION_COOKIE_SECURE", True):
        again = Client()
        again.post("/login/", {"username": "handler", "password": PASSWORD})
    assert len(client.cookies) == 3
    for cookie in client.cookies.values():
        assert cookie["httponly"] and cookie["samesite"] == "Lax", cookie
    assert again.cookies[settings.SESSION_COOKIE_NAME]["secure"]


# What is too large


def noise(size: int, name: str = "p.jpg") -> io.BytesIO:
    body = io.BytesIO(b"\xff\xd8\xff" + os.urandom(size))
    body.name = name
    return body


def said(answer: Any) -> str:
    return answer.json()["error"]["message"] if "json" in answer["Content-Type"] else answer.content.decode()


REPORT = {"type": "help", "text": WORDS, "name": "", "phone": ""}


@pytest.mark.parametrize(
    ("files", "status", "sentence"),
    [
        ([("p.jpg", 20 << 20)], 422, "每张最多 10 MB"),
        ([("p.jpg", 100)] * 50, 422, "最多上传9张照片"),
        ([("p.jpg", 100)] * 80, 413, "照片最多 9 张"),
        ([("setup.exe", 1000)], 422, "请上传 JPG"),
        ([("empty.jpg", -3)], 422, "照片"),
    ],
)
def test_photos_beyond_measure_get_a_sentence(
    cast: Any, client: Client, files: Any, status: int, sentence: str
) -> None:
    form = {**REPORT, "photos": [noise(max(size, 0), name) for name, size in files]}
    if files[0][1] < 0:
        form["photos"] = [io.BytesIO(b"")]
        form["photos"][0].name = "empty.jpg"
    answer = client.post("/report/", form)
    assert answer.status_code == status or (files[0][1] < 0 and answer.status_code == 302)
    if answer.status_code != 302:
        assert sentence in said(answer)
        assert status == 413 or WORDS in said(answer)
    if len(files) == 1 and status == 422 and files[0][1] > 0:
        for url in ("/photos/", "/api/v1/photos"):
            refused = client.post(url, {"file": noise(files[0][1], files[0][0])})
            assert (refused.status_code, refused.json()["error"]["code"]) == (422, "bad_photo")
            assert sentence in said(refused)


def test_a_body_beyond_measure_is_refused_before_it_is_read(cast: Any, client: Client) -> None:
    for url, length in (("/report/", 1 << 30), ("/photos/", 200 << 20), ("/setup/imports/staff/", 1 << 30)):
        answer = client.generic("POST", url, b"x", "multipart/form-data; boundary=x", CONTENT_LENGTH=str(length))
        assert answer.status_code == 413
        assert "太大" in said(answer)
    assert client.post("/report/", {**REPORT, "text": "字" * 2_000_000}).status_code == 413


# The API, by the way it is served


@pytest.fixture
def served(cast: SimpleNamespace) -> Iterator[Any]:
    """`served(path, method, body, type)` asks the WSGI application itself: the API takes a way of its own there."""
    from bihuan.wsgi import application

    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)  # they would end the test's own transaction

    def ask(path: str, method: str = "GET", body: bytes = b"", kind: str = "application/json", length: int = 0) -> Any:
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "localhost"}
        environ |= {"SERVER_PORT": "80", "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO()}
        environ |= {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(length or len(body)), "wsgi.url_scheme": "http"}
        got: list[Any] = []
        content = b"".join(
            application(environ, lambda status, headers, *_: got.extend((int(status[:3]), dict(headers))))
        )
        return SimpleNamespace(status=got[0], headers=got[1], content=content)

    yield ask
    for signal in (signals.request_started, signals.request_finished):
        signal.connect(close_old_connections)


FILE, PHOTOS = "/api/v1/requests", "/api/v1/photos"


@pytest.mark.parametrize(
    ("path", "method", "body", "kind", "status"),
    [
        ("/api/v1/nothing", "GET", b"", "", 404),
        ("/api/v1/", "GET", b"", "", 404),
        ("/api/", "GET", b"", "", 404),
        ("/api/v1/\x00\xff", "GET", b"", "", 404),
        (FILE, "GET", b"", "", 405),
        (FILE, "POST", b'{"text": "' + b"x" * 5_000_000 + b'"}', "application/json", 413),
        (FILE, "POST", b'{"text": "' + b"x" * 300_000 + b'"}', "application/json", 422),
        (FILE, "POST", b"[]", "application/json", 422),
        (FILE, "POST", b"[" * 100_000, "application/json", 422),
        (FILE, "POST", b'{"type": "\xff"}', "application/json", 422),
        (FILE, "POST", rb'{"type": "help", "text": "\ud800"}', "application/json", 422),
        (FILE, "POST", rb'{"type": "help", "text": "x", "photos": ["a\u0000b"]}', "application/json", 422),
        (FILE, "POST", rb'{"type": "help", "text": "x", "place": {"grid": "\u0000"}}', "application/json", 422),
        (FILE, "POST", b'{"type": "help", "text": "x", "place": {"grid": "219981D01"}}', "application/json", 422),
        (FILE, "POST", b'{"type": "help", "text": "x", "place": {"lng": NaN, "lat": 1}}', "application/json", 422),
        (FILE, "POST", b'{"type": "help", "text": "x", "place": {"lng": 122.7}}', "application/json", 422),
        (FILE, "POST", b'{"type": "help", "text": "x", "admin": true}', "application/json", 422),
        (PHOTOS, "POST", b"", "multipart/form-data; boundary=x", 422),
        (PHOTOS, "POST", b"abc", "multipart/form-data", 400),
        ("/api/v1/requests/%00", "GET", b"", "", 404),
    ],
)
def test_the_api_has_one_shape_for_every_error(
    served: Any, path: str, method: str, body: bytes, kind: str, status: int
) -> None:
    import json

    answer = served(path, method, body, kind)
    assert answer.status == status
    error = json.loads(answer.content)["error"]
    assert set(error) == {"code", "message", "field"}
    assert re.search(r"[\u4e00-\u9fff]{3,}", error["message"])
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


def test_what_nobody_foresaw_is_told_in_that_shape_too(served: Any) -> None:
    with mock.patch("bihuan.api.app.get_schema", side_effect=RuntimeError("x")):
        answer = served("/api/v1/openapi.json")
    assert (answer.status, answer.headers["Content-Type"]) == (500, "application/json; charset=utf-8")
    assert served("/api/v1/photos", "POST", b"", "multipart/form-data; boundary=x", length=1 << 30).status == 413


def test_staff_systems_cannot_store_what_the_pages_could_not_show(cast: Any, client: Client) -> None:
    """A type, urgency or place that is none would make a case that no page can paint."""
    from tests.web.test_access_matrix import token_of

    new, head = lives.filed(cast), {"HTTP_AUTHORIZATION": f"Bearer {token_of(cast.dispatcher)}"}
    for verb, body in (
        ("accept", {"type": "x"}),
        ("accept", {"category": "x\x00"}),
        ("place", {"grid": cast.water.code}),
        ("place", {"grid": cast.other_county.code}),
        ("place", {"grid": "\x00"}),
        ("dispatch", {"unit": cast.water.code, "urgency": "x"}),
        ("dispatch", {"unit": "\x00"}),
        ("accept", {"n": 10**30}),
    ):
        if verb == "dispatch" and lives.fresh(new).state == "filed":
            client.post(f"/api/v1/cases/{new.no}/accept", {"n": new.n}, "application/json", **head)
        body = {"n": lives.fresh(new).n, **body}
        answer = client.post(f"/api/v1/cases/{new.no}/{verb}", body, "application/json", **head)
        assert answer.status_code in (409, 422), (verb, body)
        assert answer.json()["error"]["message"]
    assert lives.fresh(new).type == "help"
    for query in ("after=x", "after=nan-1", "type=%00", "unit=%00", "limit=x", "limit=-5", "limit=9999999", "view=x"):
        assert client.get(f"/api/v1/cases?{query}", **head).status_code in (200, 422), query


# Signing in


def test_a_locked_name_stays_locked_for_the_right_password(cast: Any, client: Client) -> None:
    for _try in range(settings.AXES_FAILURE_LIMIT):
        last = client.post("/login/", {"username": "handler", "password": "wrong"}, HTTP_USER_AGENT="u" * 5000)
    assert last.status_code == 429
    right = client.post("/login/", {"username": "handler", "password": PASSWORD})
    assert right.status_code == 429
    assert "锁住" in right.content.decode()
    assert client.get("/desk/").status_code == 302
    assert client.post("/login/", {"username": "chief", "password": PASSWORD}).status_code == 302


def test_who_holds_no_posting_is_told_whom_to_ask(cast: Any, client: Client) -> None:
    Posting.objects.filter(pk=cast.handler.pk).update(until=timezone.localdate() - timedelta(days=1))
    answer = client.post("/login/", {"username": "handler", "password": PASSWORD}, follow=True)
    assert answer.redirect_chain[-1][0] == "/posting/"
    assert "管理员" in answer.content.decode()
    assert client.get("/desk/").headers["Location"] == "/posting/"


def test_nobody_approves_his_own_reply_under_another_posting(login: Any, cast: Any) -> None:
    case = lives.replied(cast)
    cast.both = Posting.objects.create(
        person=cast.handler.person, unit=cast.water, role=cast.chief.role, since=cast.chief.since
    )
    answer = login("both").post(f"/cases/{case.no}/approve/", {"outcome": "pass", "n": case.n})
    assert answer.status_code == 409
    assert "不能审核自己起草的答复" in answer.content.decode()
    assert lives.fresh(case).state == "replied"


# What no log, message file or public page holds


@pytest.fixture
def logged(caplog: Any) -> Any:
    """Everything logged from here on, as it would stand in the log."""
    caplog.set_level(logging.DEBUG)
    for name in ("bihuan", "django.request", "django.security", "axes"):
        caplog.set_level(logging.DEBUG, logger=name)
    return lambda: [Line().format(record) for record in caplog.records if not record.name.startswith("django.db")]


def test_no_log_holds_a_name_a_phone_or_words(login: Any, cast: Any, client: Client, logged: Any) -> None:
    form = {**REPORT, "name": NAME, "phone": PHONE, "address": WORDS}
    client.post("/report/", {**form, "type": "x"})
    client.post("/report/", {**form, "phone": PHONE + "9"})
    signed = client.post("/report/", form)["Location"]
    number = Case.objects.get().no
    client.get(signed)
    client.post("/track/", {"number": number, "tail": "0000"})
    client.post("/api/v1/requests", {"type": "x", "text": WORDS, "contact": {"phone": PHONE}}, "application/json")
    agent, caller = login("agent"), login("dispatcher")
    for url in (f"/hotline/?caller={PHONE}", f"/hotline/caller/?caller={PHONE}", f"/hotline/find/?number={PHONE}"):
        agent.get(url)
    agent.post("/hotline/", {"caller": PHONE, "name": NAME, "type": "x", "text": WORDS})
    caller.post(f"/cases/{number}/reveal/", {"why": "核实"})
    caller.get(f"/centre/?q={PHONE}")
    client.get(f"/nothing/?phone={PHONE}")
    outbox.drain(timezone.now(), 100)
    text = "\n".join(logged())
    assert text
    for private in (NAME, PHONE, PHONE[-8:], WORDS):
        assert private not in text


def test_the_databases_own_log_quotes_no_row(db: None) -> None:
    """On a failure PostgreSQL would write the failing row and the statement's values into its log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [[*QUIET]])
        assert dict(cursor.fetchall()) == QUIET


QUIET = {"log_error_verbosity": "terse", "log_parameter_max_length_on_error": "0", "log_min_duration_statement": "-1",
         "log_statement": "none"}  # fmt: skip


def test_a_line_end_in_a_request_begins_no_line_in_the_log(cast: Any, client: Client, logged: Any) -> None:
    client.get("/nothing%0a2026-01-01 00:00:00 INFO bihuan all is well/")
    client.post("/login/", {"username": "x\r\n2026-01-01 INFO forged", "password": "x"}, HTTP_USER_AGENT="a\nb")
    for name in ("a\nforged", "a\rforged", "a\u2028forged", "a\x1b[2Jforged"):
        logging.getLogger("bihuan").info("said %s", name, extra={"who": name})
    assert len(logged()) >= 5
    for line in logged():
        assert len(line.splitlines()) == 1
        assert "\x1b" not in line


def test_the_file_of_messages_is_for_its_owner_alone(cast: Any, settings: Any, tmp_path: Any) -> None:
    settings.VAR, settings.CHANNEL = tmp_path, "file"
    lives.filed(cast, phone=PHONE, name=NAME)
    outbox.drain(timezone.now(), 100)
    (file,) = (tmp_path / "messages").iterdir()
    assert PHONE in file.read_text()
    assert NAME not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_public_pages_hold_nothing_personal(cast: Any, client: Client) -> None:
    told = lives.replied(cast, text=WORDS, name=NAME, phone=PHONE)
    pages = [door.url({}) for door in doors() if not door.parts and door.roles is None]
    pages += [
        f"/net/?area={cast.town.code}&area={cast.south.code}",
        f"/track/?no={told.no}",
        f"/api/v1/requests/{told.no}",
    ]
    for url in pages:
        text = client.get(url).content.decode("utf-8", "replace")
        for private in (NAME, PHONE, WORDS, "13900000000", "周水务"):
            assert private not in text, (url, private)


def test_a_matter_is_followed_by_its_link_or_tail_alone(cast: Any, client: Client) -> None:
    told, link = lives.filed(cast, text=WORDS, phone=PHONE), ""
    link = track_path(told.no)
    assert WORDS in client.get(link).content.decode()
    other = lives.filed(cast, text="别的事")
    forged = [link[:-2] + ("A" if link[-2] != "A" else "B") + "/", link.replace(told.no, other.no), f"/t/{told.no}/"]
    forged += [f"/t/{told.no}~/", link.replace("~", ":"), f"/report/done/{told.no}/"]
    for url in forged:
        answer = client.get(url)
        assert answer.status_code == 404, url
        assert WORDS not in answer.content.decode() and "别的事" not in answer.content.decode()
    for tail in ("0000", "0001", "0002", "0003", "0004"):
        assert client.post("/track/", {"number": told.no, "tail": tail}).status_code == 404
    assert client.post("/track/", {"number": told.no, "tail": PHONE[-4:]}).status_code == 429
    assert client.get(f"/api/v1/requests/{told.no}?phone_tail={PHONE[-4:]}").status_code == 429
    assert client.get(link).status_code == 200


def test_every_look_at_a_phone_is_written_down(login: Any, cast: Any, case: Case) -> None:
    """By the case's page, by the call-back and by the search; a look without a purpose shows nothing."""
    reached = lives.replied(cast)
    from bihuan.loop.actions import handling

    handling.approve(reached, passed=True, by=cast.chief, at=timezone.now())
    login("handler").post(f"/cases/{case.no}/reveal/", {"why": "问清漏水位置"})
    login("caller").post(f"/centre/cases/{reached.no}/contact/")
    login("agent").get("/hotline/caller/?caller=13812345678")
    looks = [
        (look.posting, look.what, look.purpose) for look in Look.objects.filter(region_id=case.region_id).order_by("pk")
    ]
    assert looks == [
        (cast.handler.pk, "contact", "问清漏水位置"),
        (cast.caller.pk, "contact", "回访"),
        (cast.agent.pk, "search", "来电登记"),
    ]
    empty = login("handler").post(f"/cases/{case.no}/reveal/", {"why": " ", "purpose": ""})
    assert empty.status_code == 422
    assert "13812345678" not in empty.content.decode()
    assert Look.objects.filter(region_id=case.region_id).count() == 3
