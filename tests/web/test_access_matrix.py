"""Who may come in where: every address of the resolver, for everybody; and what is secret stays with those who handle it."""

import hashlib
import io
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from bihuan.dossier import photos, subjects
from bihuan.ladder.actions import entering
from bihuan.ladder.models import Standing
from bihuan.loop import exports
from bihuan.loop.links import track_path
from bihuan.loop.models import Case, Task
from bihuan.net import tree
from bihuan.net.models import ImportRun, Posting, Role, Token
from tests.web import lives
from tests.web.doors import Door, doors

SECRET_WORDS = "举报我们单位有人倒卖救济粮"
# One of the cast for each role.
ROLES = {
    "agent": Role.AGENT,
    "dispatcher": Role.DISPATCHER,
    "caller": Role.CALLER,
    "supervisor": Role.SUPERVISOR,
    "handler": Role.HANDLER,
    "chief": Role.CHIEF,
    "worker": Role.GRID_WORKER,
    "leader": Role.LEADER,
    "admin": Role.ADMIN,
}
EVERYBODY = (*ROLES, "team_handler", "roads_handler", "roads_chief", "town_handler", "town_chief", "other_worker",
             "secretary", "other_dispatcher")  # fmt: skip


@pytest.fixture
def case(cast: SimpleNamespace) -> Case:
    """In the water bureau's hands, for a resident of 南关一网格."""
    return lives.handling_case(cast, text="南关一网格门前黑水外溢三天了")


@pytest.fixture
def values(cast: SimpleNamespace, case: Case) -> dict[str, Any]:
    """What fills the addresses' parameters."""
    return of_people(cast) | {
        "number": case.no, "code": cast.county.code, "verb": "urge", "key": "open", "signed": signed(case),
    }  # fmt: skip


def of_people(cast: SimpleNamespace, name: str = "王小满") -> dict[str, Any]:
    """What fills the addresses of people: somebody on a ladder, a question about him, and things that are not there."""
    return {
        "no": raised(cast, name).no,
        "program": "three_way",
        "ask": "output",
        "case_no": "1",
        "txn": 1,
        "member": 1,
        "n": 1,
    }


def raised(cast: SimpleNamespace, name: str) -> Standing:
    """Somebody of 南关社区 on a ladder."""
    at = timezone.now()
    return entering.enter(subjects.register(name, unit=cast.south.pk, at=at), "three_way", "primary", at, at=at)


def signed(case: Case) -> str:
    return track_path(case.no).removeprefix("/t/").removesuffix("/")


def staff_doors() -> list[Door]:
    return [door for door in doors() if door.roles is not None]


def address(door: Door, values: dict[str, Any], cast: SimpleNamespace) -> str:
    """The desk of setup counts people, postings and runs; the kinds of sheets are its keys. An author's keys are programs."""
    if door.pattern.startswith("programs/"):
        return door.url({**values, "key": "request", "number": 1})
    if not door.pattern.startswith("setup/"):
        return door.url(values)
    number = cast.worker.pk if "postings" in door.pattern else cast.worker.person_id
    return door.url({**values, "number": number, "suffix": "csv", "key": "postings"})


def ask(door: Client, url: str) -> Any:
    """The page, or where there is none to read, the act without any words."""
    answer = door.get(url)
    return door.post(url) if answer.status_code == 405 else answer


def test_every_address_has_an_owner() -> None:
    assert [door.pattern for door in doors() if not door.is_known] == []


def test_a_stranger_is_sent_to_the_login(client: Client, cast: SimpleNamespace, values: dict[str, Any]) -> None:
    let_in = []
    for door in staff_doors():
        answer = ask(client, url := address(door, values, cast))
        if answer.status_code != 302 or not answer["Location"].startswith("/login/?next=/"):
            let_in.append((url, answer.status_code))
    assert let_in == []


def test_a_stranger_finds_no_staff_page_by_htmx_either(
    client: Client, cast: SimpleNamespace, values: dict[str, Any]
) -> None:
    for door in staff_doors():
        url, head = address(door, values, cast), {"HTTP_HX_REQUEST": "true"}
        answer = client.get(url, **head)
        answer = client.post(url, **head) if answer.status_code == 405 else answer
        assert answer.headers.get("HX-Redirect", "").startswith("/login/"), url
        assert not answer.content


@pytest.mark.parametrize("key", ROLES)
def test_another_role_finds_nothing(login: Any, cast: SimpleNamespace, values: dict[str, Any], key: str) -> None:
    door, wrong = login(key), []
    for one in staff_doors():
        if ROLES[key] in (one.roles or ()):
            continue
        answer = ask(door, url := address(one, values, cast))
        if answer.status_code != 404:
            wrong.append((url, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("key", ROLES)
def test_the_own_pages_answer(login: Any, cast: SimpleNamespace, values: dict[str, Any], key: str) -> None:
    """Nothing an own door leads to breaks, be it a page or an act without any words."""
    door, wrong = login(key), []
    for one in staff_doors():
        if ROLES[key] not in (one.roles or ()) or "runs/" in one.pattern or "keys/<" in one.pattern:
            continue
        answer = ask(door, url := address(one, values, cast))
        if answer.status_code not in (200, 302, 409, 422) and not _own_refusal(one, key):
            wrong.append((url, answer.status_code))
    assert wrong == []


def _own_refusal(door: Door, key: str) -> bool:
    """Who may look at the matter but has no business with its resident, or does nothing without a verb."""
    ends = ("reveal/", "contact/", "act/", "find/", "list/", "calendar/drop/", "cases/<str:number>/<slug:verb>/",
            "programs/<slug:key>/terms/", "terms/<str:code>/end/", "moves/<int:number>/")  # fmt: skip
    return door.pattern.endswith(ends) or _has_nothing_there(door.pattern)


def _has_nothing_there(pattern: str) -> bool:
    """Pages of people: what their keys name is not there, and a leader proposes nobody."""
    named = any(part in pattern for part in ("<slug:key>", "<str:case_no>", "<str:code>", "nominate/", "<int:txn>"))
    other = "<str:no>" in pattern and not pattern.startswith("people/s/")
    return pattern.startswith("people/") and (named or other or pattern.endswith("s/<str:no>/rule/"))


# Another county, another unit


CASE_PAGES = ("/cases/{no}/", "/cases/{no}/map.json", "/cases/{no}/reveal/", "/cases/{no}/sign/", "/cases/{no}/urge/")
CENTRE_PAGES = tuple(f"/centre/cases/{{no}}/{part}" for part in ("", "act/", "contact/", "advice/"))
CENTRE_PAGES += ("/centre/open/?case={no}",)


@pytest.mark.parametrize(
    ("key", "pages"),
    [
        ("roads_handler", CASE_PAGES),
        ("roads_chief", CASE_PAGES),
        ("town_handler", CASE_PAGES),
        ("other_worker", CASE_PAGES),
        ("team_handler", CASE_PAGES),
        ("other_dispatcher", (*CASE_PAGES, *CENTRE_PAGES)),
        ("admin", CASE_PAGES),
    ],
)
def test_a_case_of_others_is_not_there(login: Any, case: Case, key: str, pages: tuple[str, ...]) -> None:
    door = login(key)
    for page in pages:
        answer = ask(door, page.format(no=case.no))
        assert answer.status_code == 404, page
        assert "黑水外溢" not in answer.content.decode()


def test_an_administrator_sees_no_case_whose_unit_is_his_own(login: Any, cast: SimpleNamespace, case: Case) -> None:
    person = cast.admin.person
    cast.water_admin = Posting.objects.create(person=person, unit=cast.water, role=Role.ADMIN, since=cast.admin.since)
    cast.roads_admin = Posting.objects.create(person=person, unit=cast.roads, role=Role.ADMIN, since=cast.admin.since)
    Task.objects.create(
        region_id=case.region_id, case_id=case.pk, kind=Task.Kind.ASSIST, unit_id=cast.roads.pk, opened_at=case.filed_at
    )
    for key in ("water_admin", "roads_admin"):
        assert login(key).get(f"/cases/{case.no}/").status_code == 404


@pytest.mark.parametrize("key", ["roads_handler", "other_worker", "other_dispatcher", "team_handler", "admin"])
def test_lists_of_others_are_empty(login: Any, cast: SimpleNamespace, values: dict[str, Any], key: str) -> None:
    told = [url for url, text in read_everything(login(key), cast, values, getattr(cast, key)) if "黑水外溢" in text]
    assert told == []


def test_a_wall_ends_at_its_own_area(login: Any, cast: SimpleNamespace) -> None:
    door = login("other_dispatcher")
    for part in ("", "numbers/", "pressing/", "units/", "latest/", "curve.json", "counts.json", "parts.json", "list/"):
        assert door.get(f"/wall/{cast.county.code}/{part}?what=open").status_code == 404
        assert door.get(f"/wall/{cast.city.code}/{part}?what=open").status_code == 404
    assert door.get(f"/wall/{cast.other_county.code}/list/?what=unit_settled&unit={cast.water.code}").status_code == 404


def test_a_run_of_imports_shows_nothing_to_an_administrator_of_a_part(login: Any, cast: SimpleNamespace) -> None:
    run = ImportRun.objects.create(kind="staff", name="x.csv", by=cast.admin, made_at=timezone.now())
    small = Posting.objects.create(
        person=cast.other_dispatcher.person, unit=cast.other_county, role=Role.ADMIN, since=cast.admin.since
    )
    cast.small_admin = small
    door = login("small_admin")
    for path in ("", "do/", "passwords/", "errors.csv"):
        assert ask(door, f"/setup/imports/runs/{run.pk}/{path}").status_code == 404
    for path in ("units/{code}/", "people/{person}/", "people/{person}/password/", "postings/{posting}/end/"):
        url = "/setup/" + path.format(code=cast.water.code, person=cast.handler.person_id, posting=cast.handler.pk)
        assert ask(door, url).status_code == 404, url


# Posts without the token


def test_a_post_without_its_token_is_refused(cast: SimpleNamespace, case: Case, values: dict[str, Any]) -> None:
    asked, before = 0, Case.objects.filter(region_id=case.region_id).values_list("n").get(pk=case.pk)
    door = Client(enforce_csrf_checks=True)
    for one in doors():
        if one.is_api or one.pattern in ("healthz", "readyz", "theme.css"):
            continue
        url = address(one, {**values, "key": "x"}, cast)
        if door.get(url).status_code == 405 or b"csrfmiddlewaretoken" in door.get(url).content:
            asked += 1
            answer = door.post(url, {"text": "x"})
            assert answer.status_code == 403, url
            assert "没有" in answer.content.decode() or "请" in answer.content.decode()
    assert asked > 15
    assert Case.objects.filter(region_id=case.region_id).values_list("n").get(pk=case.pk) == before


def test_a_members_posts_need_the_token_too(login: Any, case: Case) -> None:
    inside, door = login("handler"), Client(enforce_csrf_checks=True)
    door.cookies = inside.cookies
    for url in (f"/cases/{case.no}/reply/", f"/cases/{case.no}/reveal/", "/desk/sign/", "/logout/"):
        assert door.post(url, {"text": "x"}).status_code == 403
    assert door.get("/desk/").status_code == 200


# The API


def api_doors() -> list[Door]:
    return [door for door in doors() if door.is_api and "/cases" in door.pattern]


def call(client: Client, door: Door, values: dict[str, Any], token: str = "") -> Any:
    head = {"HTTP_AUTHORIZATION": f"Bearer {token}"} if token else {}
    url = door.url(values)
    return client.get(url, **head) if url.endswith("/cases") else client.post(url, "{}", "application/json", **head)


def token_of(posting: Posting, **more: Any) -> str:
    digest = hashlib.sha256(f"key-{posting.pk}".encode()).hexdigest()
    Token.objects.create(posting=posting, name="k", digest=digest, made_at=timezone.now(), **more)
    return f"key-{posting.pk}"


def test_the_api_of_staff_asks_for_a_token(client: Client, cast: SimpleNamespace, values: dict[str, Any]) -> None:
    revoked = token_of(cast.handler, revoked_at=timezone.now())
    ended = token_of(cast.roads_handler)
    Posting.objects.filter(pk=cast.roads_handler.pk).update(until=timezone.localdate() - timedelta(days=1))
    assert len(api_doors()) > 14
    for token in ("", "nonsense", revoked, ended):
        for door in api_doors():
            answer = call(client, door, values, token)
            assert answer.status_code == 401, (door.pattern, token)
            assert answer.json()["error"]["code"] == "unauthorized"


def test_the_api_takes_no_session_for_a_token(login: Any, values: dict[str, Any]) -> None:
    assert {call(login("dispatcher"), door, values).status_code for door in api_doors()} == {401}


def test_the_token_of_a_blocked_account_opens_nothing(client: Client, cast: SimpleNamespace, values: Any) -> None:
    token, user = token_of(cast.handler), cast.handler.person.user
    user.is_active = False
    user.save()
    assert {call(client, door, values, token).status_code for door in api_doors()} == {401}


# Secret


@pytest.fixture
def secret(cast: SimpleNamespace) -> Case:
    """A secret matter with a photo and a phone, in the water bureau's hands; an assisting unit has a task in it."""
    body = lives.picture()
    photo = photos.take(body, region_id=tree.snapshot().region_of(None), at=timezone.now())
    return lives.dispatched(
        cast, assisting=[cast.roads], text=SECRET_WORDS, secrecy="secret", type="report", photos=(photo.key,)
    )


def read_everything(
    door: Client, cast: SimpleNamespace, values: dict[str, Any], posting: Posting
) -> Iterator[tuple[str, str]]:
    """Every page that this posting can open, with the lists behind the wall's figures and the searches."""
    more = [
        "/centre/?q={number}",
        "/desk/find/?q={number}",
        "/hotline/find/?number={number}",
        "/hotline/?done={number}",
    ]
    more += [f"/centre/{key}/" for key in ("todo", "filed", "accepted", "late", "soon", "unplaced", "closed", "units")]
    more += ["/centre/open/?case={number}", "/hotline/caller/?caller=13812345678", "/hotline/?caller=13812345678"]
    more += [f"/desk/?tab={tab}&below=1" for tab in ("sign", "doing", "late", "review", "help", "replied", "done")]
    whats = ("accepted", "accepted_today", "open", "late", "soon", "settled", "grid_accepted", "grid_grassroots")
    more += [f"/wall/{{code}}/list/?what={what}" for what in whats]
    more += ["/photos/{photo}/", "/photos/{photo}/small/"] if "photo" in values else []
    urls = [address(one, values, cast) for one in doors() if not one.is_api and "<str:signed>" not in one.pattern]
    for url in [*urls, *(url.format(**values) for url in more)]:
        answer = door.get(url, follow=True)
        if answer.status_code == 200:
            yield url, b"".join(answer).decode("utf-8", "replace")


NAMED = {"dispatcher", "caller", "handler", "chief"}  # the centre's, and those of the unit that has it


@pytest.mark.parametrize("key", [key for key in EVERYBODY if key not in NAMED])
def test_a_secret_matter_is_shown_to_nobody_else(
    login: Any, cast: SimpleNamespace, secret: Case, values: dict[str, Any], key: str
) -> None:
    photo = photos.of_case(secret)[0].key
    door, known = login(key), {**values, "number": secret.no, "photo": photo}
    told = []
    for url, text in read_everything(door, cast, known, getattr(cast, key)):
        if SECRET_WORDS[:6] in text or f"/cases/{secret.no}/" in text or f"/photos/{photo}/" in url:
            told.append(url)
    assert told == []
    assert door.get(f"/cases/{secret.no}/").status_code == 404


@pytest.mark.parametrize("key", sorted(NAMED))
def test_who_handles_a_secret_matter_reads_it(login: Any, secret: Case, key: str) -> None:
    page = login(key).get(f"/cases/{secret.no}/")
    assert SECRET_WORDS in page.content.decode()
    assert login(key).get(f"/photos/{photos.of_case(secret)[0].key}/").status_code == 200


def test_the_api_keeps_a_secret_as_the_pages_do(client: Client, cast: SimpleNamespace, secret: Case) -> None:
    for key in EVERYBODY:
        head = {"HTTP_AUTHORIZATION": f"Bearer {token_of(getattr(cast, key))}"}
        rows = client.get("/api/v1/cases", **head).json()["cases"]
        assert (secret.no in {row["number"] for row in rows}) == (key in NAMED), key
        if key not in NAMED:
            answer = client.post(f"/api/v1/cases/{secret.no}/urge", {"n": 3}, "application/json", **head)
            assert answer.status_code == 404


def test_a_secret_matter_does_not_leave_in_a_sheet(secret: Case, case: Case) -> None:
    out = io.StringIO()
    exports.export_cases(out, exports.Wanted(), at=timezone.now())
    assert case.no in out.getvalue()
    assert secret.no not in out.getvalue()
    assert SECRET_WORDS not in out.getvalue()


def test_an_agent_who_takes_a_secret_matter_down_can_read_its_number_out(login: Any, cast: SimpleNamespace) -> None:
    """The caller needs the number; the matter itself is closed to the agent from then on."""
    door = login("agent")
    said = {"type": "report", "text": SECRET_WORDS, "caller": "13812345678", "secrecy": "secret", "urgency": "normal"}
    page = door.post("/hotline/", {**said, "address": "南关社区", "do": "file"}, follow=True)
    secret = Case.objects.get(secrecy="secret")
    assert secret.no in page.content.decode()
    assert SECRET_WORDS not in page.content.decode()
    assert door.get(f"/cases/{secret.no}/").status_code == 404


# The doors of the login


def test_a_posting_that_ended_yesterday_acts_no_more(login: Any, cast: SimpleNamespace, case: Case) -> None:
    door = login("handler")
    assert door.get(f"/cases/{case.no}/").status_code == 200
    Posting.objects.filter(pk=cast.handler.pk).update(until=timezone.localdate())
    for url in ("/desk/", f"/cases/{case.no}/"):
        answer = door.get(url)
        assert (answer.status_code, answer["Location"]) == (302, "/posting/")
    before = case.n
    assert door.post(f"/cases/{case.no}/reply/", {"result": "resolved", "text": "修好了"})["Location"] == "/posting/"
    assert lives.fresh(case).n == before
    assert "/desk/" not in door.get("/posting/").content.decode()


def test_a_session_cookie_is_a_fresh_one_after_the_login(client: Client, cast: SimpleNamespace) -> None:
    from tests.world import PASSWORD

    client.get("/report/")
    client.cookies[settings.SESSION_COOKIE_NAME] = "planted0planted0planted0planted0"
    client.post("/login/", {"username": "handler", "password": PASSWORD})
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != "planted0planted0planted0planted0"
    assert client.get("/desk/").status_code == 200
