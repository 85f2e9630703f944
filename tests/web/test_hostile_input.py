"""Whoever means harm, or whose hands slip: every field of every form, every address, with what no field expects."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.utils import timezone

from bihuan.loop import categories
from bihuan.loop.actions import handling
from bihuan.loop.links import track_path
from bihuan.loop.models import Category, Duty
from bihuan.net import revisions
from bihuan.net.models import Person, Posting, Unit
from tests.web import lives
from tests.web.doors import doors
from tests.web.test_access_matrix import address, case, of_people, read_everything, values

__all__ = ["case", "values"]

MARK = "<script>alert(1)</script>"
# Breaks out of an element, of an attribute in either quotes, of a script's string and of a template.
PAYLOAD = MARK + """"><img src=x onerror=alert(2)>'});alert(3)//{{7919*7907}}{% debug %}"""
ODD = ("a\x00b", PAYLOAD, "9" * 30, "²" * 5000)
LONG = "字" * 100_000
RAW = ("%00", "%FF%FE", "%ED%A0%80", "9" * 30, "9" * 5000, "-1", "1e400", "%C2%B2", "%0d%0aSet-Cookie:%20a=b")

# who, where, what a good form holds. "{no}" and the like are filled in.
FORMS: list[tuple[str, str, dict[str, str]]] = [
    ("anybody", "/report/", {"type": "help", "text": "路灯坏了", "address": "南关社区", "name": "王", "phone": "",
                             "secrecy": "public", "lng": "", "lat": "", "area": "", "client_id": ""}),
    ("anybody", "/track/", {"number": "1", "tail": "1234"}),
    ("anybody", "/login/", {"username": "a", "password": "b", "next": "/x/"}),
    ("anybody", "{link}urge/", {"text": "快点"}),
    ("anybody", "{link}withdraw/", {"text": "不用了"}),
    ("agent", "/hotline/", {"caller": "", "name": "王", "ref": "r", "type": "help", "text": "停水", "urgency": "normal",
                            "address": "南关社区", "secrecy": "public", "category": "", "category_text": "", "unit": "",
                            "unit_text": "", "answer": "", "do": "file", "client_id": "", "assist": ""}),
    ("agent", "/hotline/calls/", {"outcome": "wrong", "ref": "x"}),
    ("worker", "/grid/report/", {"text": "井盖", "grid": "219981001001001", "urgency": "normal", "category": "",
                                 "type": "help", "name": "", "phone": "", "client_id": "", "lng": "", "lat": ""}),
    ("handler", "/cases/{no}/reply/", {"result": "resolved", "text": "修好了", "photo_ids": ""}),
    ("handler", "/cases/{no}/hand_down/", {"to": "", "text": "去看看"}),
    ("handler", "/cases/{no}/reveal/", {"why": "问清位置", "purpose": ""}),
    ("handler", "/desk/sign/", {"case": "1.1", "back": "/desk/?"}),
    ("team_handler", "/cases/{no}/urge/", {"text": "x"}),
    ("supervisor", "/cases/{no}/urge/", {"text": "快点"}),
    ("dispatcher", "/centre/cases/{new}/act/", {
        "list": "todo", "verb": "dispatch", "n": "1", "address": "", "grid": "", "type": "help", "category": "",
        "urgency": "", "unit": "219981D01", "unit_name": "", "unit_code": "", "assist": "", "assist_names": "",
        "note": "请尽快"}),
    ("dispatcher", "/centre/cases/{new}/act/", {"verb": "answer", "answer": "已恢复供水", "type": "", "category": ""}),
    ("dispatcher", "/centre/cases/{new}/act/", {"verb": "place", "address": "南关社区", "grid": ""}),
    ("dispatcher", "/centre/accept/", {"list": "filed", "pick": "x:1"}),
    ("dispatcher", "/centre/urge/", {"list": "late", "pick": "x:1", "note": "快"}),
    ("dispatcher", "/centre/units/urge/", {"unit": "219981D01", "note": "快", "what": "soon"}),
    ("caller", "/centre/cases/{done}/act/", {"list": "callback", "verb": "call_back", "outcome": "reached",
                                             "contacted": "yes", "solved": "yes", "satisfied": "5", "text": "好"}),
    ("admin", "/setup/people/new/", {"name": "新人", "phone": "13800000000", "role": "handler", "title": "x",
                                     "holding": "main", "since": "2026-01-01", "login": "newbie",
                                     "unit": "219981D01"}),
    ("admin", "/setup/units/219981D02/rename/", {"name": "住建局", "short": "住建", "duties": "x", "phone": "0412-1",
                                                 "households": "3"}),
    ("admin", "/setup/units/219981D02/found/", {"code": "219981D0201", "name": "某队", "kind": "organ", "phone": "",
                                                "duties": "x"}),
    ("admin", "/setup/units/219981D0101/move/", {"tree": "admin", "on": "2026-01-02", "parent": "219981D02"}),
    ("admin", "/setup/units/219981D0101/close/", {"on": "2026-01-02", "into": "219981D02"}),
    ("admin", "/setup/postings/{posting}/end/", {"on": "2026-11-16"}),
    ("admin", "/setup/calendar/day/", {"day": "2026-12-24", "works": "0", "name": "停电", "source": "本局通知"}),
    ("admin", "/setup/calendar/hours/", {"windows": "08:30-12:00", "since": "2026-12-01"}),
    ("admin", "/setup/keys/make/", {"name": "x", "posting": "{handler}"}),
]  # fmt: skip
# Words that people write: too many of them are refused in a sentence and shown again.
WRITTEN = {"text", "note", "answer", "address", "name", "unit_name", "assist_names", "title", "short", "duties", "code"}

# Not read: no case of that number, not an answer but a filing, a case of others.
UNREAD = {
    ("/centre/urge/", "note"),
    ("/centre/units/urge/", "note"),
    ("/hotline/", "answer"),
    ("/cases/{no}/urge/", "text"),
}


@pytest.fixture
def filled(cast: SimpleNamespace, case: Any) -> dict[str, Any]:
    """What the addresses of FORMS are filled with: cases at several points of their life."""
    done = lives.replied(cast, text="第三件")
    handling.approve(done, passed=True, by=cast.chief, at=timezone.now())
    new = lives.filed(cast, text="第二件事停水")
    return {
        "no": case.no,
        "new": new.no,
        "done": done.no,
        "link": track_path(new.no),
        "posting": cast.other_worker.pk,
        "handler": cast.handler.pk,
    }


class Undone(Exception):
    """Takes a test's act back, so that the next one finds the same world."""


def send(door: Client, url: str, form: dict[str, str]) -> Any:
    cache.clear()
    revisions.forget()
    try:
        with transaction.atomic():
            answer = door.post(url, form)
            raise Undone
    except Undone:
        return answer


def filled_in(form: dict[str, str], filled: dict[str, Any]) -> dict[str, str]:
    return {name: words.format(**filled) for name, words in form.items()}


def sendings(login: Any, filled: dict[str, Any], odd: tuple[str, ...]) -> Iterator[tuple[str, str, Any]]:
    """(address, field, answer) of every form with each of its fields replaced by each odd thing."""
    for who, url, form in FORMS:
        door = Client() if who == "anybody" else login(who)
        door.raise_request_exception = False
        for field in form:
            for words in odd:
                yield url, field, send(door, url.format(**filled), {**filled_in(form, filled), field: words})


def test_good_forms_are_taken(login: Any, filled: dict[str, Any]) -> None:
    """Otherwise the next tests would prove nothing."""
    bad = {}
    for who, url, form in FORMS:
        answer = send(Client() if who == "anybody" else login(who), url.format(**filled), filled_in(form, filled))
        bad |= {url: answer.status_code} if answer.status_code not in (200, 302) else {}
    # No such case; wrong password; a choice left open; a reply without its photo; somebody who may not see it.
    assert set(bad) <= {"/track/", "/login/", "/cases/{no}/hand_down/", "/cases/{no}/reply/", "/cases/{no}/urge/"}, bad


def test_no_field_breaks_a_page(login: Any, filled: dict[str, Any]) -> None:
    broken = []
    for url, field, answer in sendings(login, filled, ODD):
        text = answer.content.decode("utf-8", "replace")
        if answer.status_code >= 500 or MARK in text or "<img src=x" in text or "62615533" in text:
            broken.append((url, field, answer.status_code))
    assert broken == []


def test_too_many_words_get_a_sentence(login: Any, filled: dict[str, Any]) -> None:
    silent = []
    for url, field, answer in sendings(login, filled, (LONG,)):
        assert answer.status_code < 500, (url, field)
        if field in WRITTEN and (url, field) not in UNREAD:
            told = answer.status_code == 422 and re.search("长|最多|没有找到|只能用", answer.content.decode())
            silent += [] if told else [(url, field, answer.status_code)]
    assert silent == []


def test_no_query_breaks_a_page(login: Any, cast: SimpleNamespace, values: dict[str, Any]) -> None:
    """Every name that any page reads from its address or form, at once, with raw bytes no browser would send."""
    names = "address after area asked assist at before below box by caller case category category_text day done from"
    names += " grid lang lat list lng n name next no note number of outcome photo_ids pick posting purpose q range ref"
    names += " result satisfied seen shown since state tab tail text type unit unit_name unit_text v verb way what year"
    inside = [
        (getattr(cast, key).role, login(key))
        for key in ("agent", "dispatcher", "handler", "worker", "chief", "admin", "leader")
    ]
    broken = []
    for door in doors():
        if door.is_api or door.pattern in ("logout/", "readyz"):
            continue
        client = next((client for role, client in inside if role in (door.roles or ())), Client())
        client.raise_request_exception = False
        for raw in RAW:
            query, url = (
                "&".join(f"{name}={raw}" for name in names.split()),
                address(door, {**values, "key": "x"}, cast),
            )
            form = {"content_type": "application/x-www-form-urlencoded"}
            for answer in (client.get(f"{url}?{query}"), client.post(url, query, **form)):
                if answer.status_code >= 500 or "Set-Cookie: a" in str(answer.headers) or "a" in answer.cookies:
                    broken.append((url, raw[:20], answer.status_code))
    assert broken == []


def test_no_name_in_an_address_breaks_a_page(login: Any, cast: SimpleNamespace) -> None:
    """Numbers, codes, verbs and keys: what is none is not found. A key leads out of no folder."""
    odd = ("%00", "%FF%FE", "9" * 30, "9" * 4400, "..%2F..%2F..%2Fetc%2Fpasswd", "....//....//etc/passwd", "%0a", "-1")
    inside = [
        (getattr(cast, key).role, login(key))
        for key in ("agent", "dispatcher", "handler", "worker", "chief", "admin", "leader")
    ]
    wrong = []
    for door in doors():
        client = next((client for role, client in inside if role in (door.roles or ())), Client())
        client.raise_request_exception = False
        for word in odd:
            if not door.parts or door.is_api:
                continue
            answer = client.get(door.url({**dict.fromkeys(door.parts, word), "suffix": "csv"}))
            if answer.status_code not in (404, 405):
                wrong.append((door.pattern, word[:20], answer.status_code))
    assert wrong == []


def test_what_is_no_cursor_moment_or_figure_is_told(login: Any) -> None:
    chief, handler = login("chief"), login("handler")
    for after in ("x", "1-2-3", "nan-1", "inf-1", "-99999999999-1", "253402300799-5", "9" * 40 + "-1"):
        for door, url in ((handler, "/desk/?tab=doing&after="), (chief, "/wall/219981000000/list/?what=open&after=")):
            answer = door.get(url + after)
            assert answer.status_code == 422
            assert "请回到第一页" in answer.content.decode()
    assert handler.get(f"/desk/?tab=doing&after=1790000000.5-{'9' * 30}").status_code == 200
    for at in ("x", "2026-13-45", "0001-01-01T00:00", "9999-12-31", "2020-01-01T00:00+23:59", "1999-01-01", "-1"):
        answer = chief.get("/wall/", {"at": at})
        assert answer.status_code in (422, 200) and (answer.status_code == 422 or at.startswith("2020"))
    assert chief.get("/wall/219981000000/list/?what=x").status_code == 404


# Shown as words, everywhere


def spoiled(cast: SimpleNamespace) -> Any:
    """A world whose names are an attack: units, people, categories, clauses - and a case with it in every word."""
    Unit.objects.filter(pk__in=[cast.water.pk, cast.south.pk, cast.grid1.pk, cast.county.pk]).update(
        name=PAYLOAD[:80], short=PAYLOAD[:40], duties=PAYLOAD, phone=MARK
    )
    Category.objects.update(title=PAYLOAD[:60])
    Duty.objects.update(clause=PAYLOAD[:200])
    Person.objects.update(name=PAYLOAD[:40])
    Posting.objects.update(title=PAYLOAD[:40])
    revisions.forget()
    said = {"text": PAYLOAD, "address": PAYLOAD, "name": PAYLOAD[:40], "call_ref": PAYLOAD[:60]}
    worked = lives.handling_case(cast, **said, category_id=cast.tap.pk)
    handling.hand_down(worked, to=cast.water_team, by=cast.handler, at=timezone.now(), note=PAYLOAD)
    new = lives.filed(cast, **said)
    done = lives.replied(cast, **said)
    handling.approve(done, passed=True, by=cast.chief, at=timezone.now(), text=PAYLOAD)
    return worked, new, done


@pytest.mark.parametrize("key", ["anybody", "agent", "dispatcher", "caller", "supervisor", "handler", "worker", "chief",
                                 "leader", "admin"])  # fmt: skip
def test_words_are_words_on_every_page(login: Any, cast: SimpleNamespace, key: str) -> None:
    cases, seen = spoiled(cast), 0
    people = of_people(cast, PAYLOAD[:80])
    door = Client() if key == "anybody" else login(key)
    for one in cases:
        known = {"number": one.no, "code": cast.county.code, "verb": "urge", "key": "open", **people}
        pages = read_everything(door, cast, known, getattr(cast, "worker" if key == "anybody" else key))
        if key == "anybody":
            pages = iter([*pages, (url := track_path(one.no), door.get(url).content.decode())])
        for url, text in pages:
            if url.endswith(".json") or text.startswith("{"):
                continue  # data, served as such and never as a page
            assert MARK not in text, url
            assert "<img src=x" not in text, url
            assert "62615533" not in text, url
            seen += "&lt;script&gt;alert(1)" in text
    assert seen > 0
    assert categories.full_title(cast.tap.pk).startswith("<script>")


def test_data_is_served_as_data(login: Any, cast: SimpleNamespace) -> None:
    """What a browser must not take for a page says so, however it begins."""
    new = spoiled(cast)[1]
    asked = {
        "worker": ("/grid/pins.json", "/grid/outlines.json", "/outlines.json"),
        "chief": ("/wall/219981000000/counts.json",),
    }
    asked |= {"dispatcher": (f"/cases/{new.no}/map.json",)}
    for key, url in [(key, url) for key, urls in asked.items() for url in urls]:
        answer = login(key).get(url)
        assert answer["Content-Type"].startswith("application/json"), url
        assert answer["X-Content-Type-Options"] == "nosniff"


# Ways out


AWAY = ("http://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)")
AWAY += ("http:evil.example", "///evil.example", "\thttp://evil.example")


@pytest.mark.parametrize("away", AWAY)
def test_no_way_leads_to_another_site(login: Any, client: Client, cast: SimpleNamespace, away: str) -> None:
    from tests.world import PASSWORD

    ways = [
        client.post("/login/", {"username": "handler", "password": PASSWORD, "next": away}),
        client.get("/login/", {"next": away}),
        client.get("/work/", {"next": away}),
        client.post("/posting/", {"posting": cast.handler.pk, "next": away}),
        client.post("/i18n/setlang/", {"language": "en", "next": away}, HTTP_REFERER=away),
        login("handler").post("/desk/sign/", {"back": f"/desk/?{away}"}),
        login("handler").post("/desk/sign/", {"back": away}),
    ]
    for answer in ways:
        assert answer.status_code == 302
        assert re.match(r"/(?![/\\])", answer["Location"]), answer["Location"]


def test_a_host_that_is_not_ours_is_refused(client: Client, cast: SimpleNamespace) -> None:
    for url in ("/", "/report/", "/login/"):
        assert client.get(url, HTTP_HOST="evil.example").status_code == 400
