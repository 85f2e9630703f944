"""Signing in, the one-time password, choosing a posting, and the door of a desk."""

from collections.abc import Iterator

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from bihuan.net import people, postings
from bihuan.net.models import Posting, Role
from bihuan.web import urls as product
from bihuan.web.posting import desk
from tests.net.conftest import AT, BORN, County, county

__all__ = ["county"]
PASSWORD = "海城的雪-2026-真大"


@desk(Role.HANDLER)
def handlers_only(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.posting))  # type: ignore[attr-defined]


urlpatterns = [path("", include(product)), path("handlers/", handlers_only)]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def handler(county: County) -> Posting:
    return with_password(county.post("李建国", county.housing, Role.HANDLER), "lijianguo")


def with_password(posting: Posting, login: str) -> Posting:
    given = people.open_account(posting.person, login)
    people.change_password(posting.person, old=given.password, new=PASSWORD)
    return posting


def sign_in(client: Client, login: str = "lijianguo", password: str = PASSWORD, **more: str) -> HttpResponse:
    return client.post("/login/", {"username": login, "password": password, **more})


def test_a_person_with_one_posting_lands_where_they_wanted(client: Client, handler: Posting) -> None:
    asked = client.get("/handlers/?q=1")
    assert asked["Location"] == "/login/?next=/handlers/%3Fq%3D1"
    assert sign_in(client, next="/handlers/?q=1")["Location"] == "/handlers/?q=1"
    assert "李建国·海城市住建局·承办人" in client.get("/handlers/").content.decode()


def test_the_way_back_never_leads_to_another_site(client: Client, handler: Posting) -> None:
    assert sign_in(client, next="https://evil.example/")["Location"].startswith("/")


def test_the_door_of_a_desk_costs_two_queries(
    client: Client, handler: Posting, django_assert_num_queries: object
) -> None:
    sign_in(client)
    client.get("/handlers/")
    with django_assert_num_queries(2):  # type: ignore[operator]  # session; posting with person, account, unit
        client.get("/handlers/")


def test_another_role_is_a_stranger(client: Client, county: County) -> None:
    with_password(county.post("赵网格员", county.first, Role.GRID_WORKER), "zhao")
    sign_in(client, "zhao")
    assert client.get("/handlers/").status_code == 404


def test_an_ended_posting_opens_no_door_any_more(client: Client, handler: Posting) -> None:
    sign_in(client)
    postings.end(handler, on=AT.date(), by=None, at=AT)
    assert client.get("/handlers/")["Location"] == "/posting/"
    assert "没有在任的岗位" in client.get("/posting/").content.decode()


def test_a_person_with_several_postings_chooses(client: Client, county: County, handler: Posting) -> None:
    postings.appoint(handler.person, county.team, Role.CHIEF, since=BORN, by=None, holding="acting")
    assert sign_in(client)["Location"] == "/posting/"
    page = client.get("/posting/").content.decode()
    assert "海城市住建局" in page and "住建局供热科" in page and "代理" in page
    assert client.get("/handlers/")["Location"] == "/posting/"
    client.post("/posting/", {"posting": handler.pk, "next": "/handlers/"})
    assert client.get("/handlers/").status_code == 200


def test_nobody_acts_as_another_person(client: Client, county: County, handler: Posting) -> None:
    other = county.post("周航", county.housing, Role.HANDLER)
    postings.appoint(handler.person, county.team, Role.CHIEF, since=BORN, by=None)
    sign_in(client)
    client.post("/posting/", {"posting": other.pk})
    session = client.session
    session["posting"] = other.pk
    session.save()
    assert client.get("/handlers/")["Location"] == "/posting/"


def test_a_one_time_password_opens_only_its_own_change(client: Client, county: County) -> None:
    given = people.open_account(county.post("李建国", county.housing, Role.HANDLER).person, "lijianguo")
    assert sign_in(client, password=given.password)["Location"] == "/password/"
    assert client.get("/handlers/")["Location"] == "/password/"
    page = client.post("/password/", {"old": given.password, "new": PASSWORD, "again": "别的"})
    assert page.status_code == 422 and "两次写的新密码不一样" in page.content.decode()
    page = client.post("/password/", {"old": given.password, "new": "12345678901", "again": "12345678901"})
    assert page.status_code == 422
    client.post("/password/", {"old": given.password, "new": PASSWORD, "again": PASSWORD})
    assert client.get("/handlers/").status_code == 200  # still signed in, now with the new password


def test_wrong_passwords_count_down_and_lock(client: Client, handler: Posting) -> None:
    said = [sign_in(client, password="错的") for _ in range(4)]
    assert [page.status_code for page in said] == [422] * 4
    assert "还可以再试 1 次" in said[-1].content.decode()
    assert sign_in(client, password="错的").status_code == 429
    locked = sign_in(client)
    assert locked.status_code == 429 and "已锁住" in locked.content.decode()


def test_an_unknown_name_is_answered_like_a_wrong_password(client: Client, handler: Posting) -> None:
    known, unknown = sign_in(client, password="错的"), sign_in(client, "meiyou", "错的")
    assert "登录名或密码不对" in known.content.decode() and "登录名或密码不对" in unknown.content.decode()


def test_a_changed_password_ends_other_sessions(client: Client, handler: Posting) -> None:
    elsewhere = Client()
    sign_in(client)
    sign_in(elsewhere)
    new = "下一个-密码-2027"
    client.post("/password/", {"old": PASSWORD, "new": new, "again": new})
    assert elsewhere.get("/handlers/")["Location"].startswith("/login/")


def test_signing_out_needs_a_post(client: Client, handler: Posting) -> None:
    sign_in(client)
    assert client.get("/logout/").status_code == 405
    client.post("/logout/")
    assert client.get("/handlers/")["Location"].startswith("/login/")


def test_an_htmx_part_sends_the_whole_page_to_the_login(client: Client, county: County) -> None:
    answer = client.get("/handlers/", headers={"hx-request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (200, "/login/")


@pytest.fixture(autouse=True)
def _no_attempts_left_over() -> Iterator[None]:
    from django.core.cache import cache

    cache.clear()
    yield
    cache.clear()
