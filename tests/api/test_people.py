"""Ladders by token: the same checks, refusals and figures as on the pages, in the one shape of errors."""

import hashlib
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from bihuan.net.models import Token
from tests.web.help.conftest import helping
from tests.web.people.conftest import ladders

__all__ = ["helping", "ladders"]


@pytest.fixture
def door(client: Client, helping: Any) -> Any:
    """`door("county")` calls the API as that post."""

    def enter(key: str) -> Any:
        digest = hashlib.sha256(key.encode()).hexdigest()
        Token.objects.create(posting=helping.post(key), name=key, digest=digest, made_at=now())

        def call(path: str, body: Any = None) -> Any:
            head = {"HTTP_AUTHORIZATION": f"Bearer {key}"}
            if body is None:
                return client.get(f"/api/v1{path}", **head)
            return client.post(f"/api/v1{path}", body, content_type="application/json", **head)

        return call

    return enter


def error(answer: Any) -> tuple[int, str]:
    said = answer.json()["error"]
    assert said["message"] and set(said) == {"code", "message", "field"}
    return answer.status_code, said["code"]


def test_programs_are_told_as_their_documents_say(door):
    found = {one["key"]: one for one in door("county")("/programs").json()["programs"]}
    assert {"three_way", "village_reserve", "tool_shelf"} <= found.keys()
    three_way = found["three_way"]
    assert {"key": "primary", "title": "初级培养", "order": 1, "final": False} in three_way["stages"]
    assert any(gate["entering"] for gate in three_way["gates"])


def test_a_stranger_and_other_roles_find_nothing(door, client, helping):
    assert error(client.get("/api/v1/programs")) == (401, "unauthorized")
    farmer = door("farmer")
    for path in ("/programs/three_way/standings", f"/standings/{helping.trainee.no}", "/programs/three_way/figures"):
        assert error(farmer(path)) == (404, "not_found")
    assert error(door("far")(f"/standings/{helping.trainee.no}")) == (404, "not_found")


def test_standings_page_by_page(door, helping, django_assert_max_num_queries):
    for n in range(4):
        helping.ladders.on("primary", f"第{n}人", phone=f"1380413100{n}")
    call, seen, after = door("county"), [], ""
    while True:
        with django_assert_max_num_queries(4):
            page = call(f"/programs/three_way/standings?stage=primary&limit=2&after={after}").json()
        seen += [row["name"] for row in page["standings"]]
        after = page["after"]
        if not after:
            break
    assert seen == ["第3人", "第2人", "第1人", "第0人", "刘能手"]
    assert call("/programs/three_way/standings?area=219981001002").json()["standings"] == []
    assert error(call("/programs/three_way/standings?area=219902000000")) == (422, "out_of_scope")
    assert error(call("/programs/three_way/standings?area=nowhere")) == (422, "invalid")
    assert error(call("/programs/three_way/standings?stage=nothing")) == (422, "invalid")
    assert error(call("/programs/three_way/standings?after=nothing")) == (422, "bad_cursor")
    assert error(call("/programs/nothing/standings")) == (404, "not_found")


def test_somebody_is_put_forward_and_checked_by_the_last_event(door, helping):
    subject = helping.ladders.subject("孙新人", phone="13804132222")
    village, town = door("village"), door("town")
    made = village("/programs/three_way/standings", {"subject": subject.no, "gate": "recommend"})
    assert made.status_code == 201, made.json()
    one = made.json()
    again = village("/programs/three_way/standings", {"subject": subject.no, "gate": "recommend"})
    assert error(again) == (409, "already_there")
    opened = village(f"/standings/{one['number']}/open", {"n": one["n"], "gate": "admit"})
    assert opened.status_code == 200, opened.json()
    check = opened.json()["check"]
    assert check["gate"] == "admit" and len(check["tests"]) >= 15 and all(test["title"] for test in check["tests"])
    assert error(village(f"/standings/{one['number']}/vote", {"n": one["n"], "agree": True})) == (409, "stale")
    n = opened.json()["n"]
    assert error(town(f"/standings/{one['number']}/vote", {"n": n, "agree": True})) == (403, "not_yours")
    voted = village(f"/standings/{one['number']}/vote", {"n": n, "agree": True, "text": "同意"})
    assert voted.status_code == 200 and voted.json()["n"] > n
    moved = village(f"/standings/{one['number']}/advance", {"n": voted.json()["n"], "move": "nothing"})
    assert error(moved) == (409, "not_now")
    assert error(village(f"/standings/{one['number']}/vote", {"agree": True})) == (422, "invalid")
    assert error(village("/programs/three_way/standings", {"subject": "AAAA", "gate": "recommend"})) == (422, "invalid")


def test_a_program_made_of_data_alone_runs_through_the_same_doors(door, helping):
    subject = helping.ladders.subject("周借用", phone="13804133333")
    village = door("village")
    joining = {"subject": subject.no, "gate": "join", "answers": {"tool": "drill", "promise": True}}
    made = village("/programs/tool_shelf/standings", joining)
    assert made.status_code == 201, made.json()
    one = made.json()
    listed = village("/programs/tool_shelf/standings").json()["standings"]
    assert one["number"] in {row["number"] for row in listed}
    left = village(f"/standings/{one['number']}/advance", {"n": one["n"], "move": "give_up"})
    assert left.status_code == 200, left.json()
    unkept = joining | {"answers": {"tool": "drill", "promise": False}}
    assert error(village("/programs/tool_shelf/standings", unkept))[0] in (409, 422)


def test_figures_as_of_a_day(door):
    call = door("county")
    found = {one["key"]: one for one in call("/programs/three_way/figures").json()["figures"]}
    assert (found["trainees"]["value"], found["trainees"]["unit"], found["policies"]["value"]) == (1, "人", 12)
    before = {one["key"]: one["value"] for one in call("/programs/three_way/figures?at=2020-01-01").json()["figures"]}
    assert before["trainees"] == 0
    assert error(call("/programs/three_way/figures?at=2999-01-01")) == (422, "invalid")
    assert error(call("/programs/three_way/figures?at=gestern")) == (422, "invalid")


def test_needs_are_listed_and_claimed(door, helping):
    need = helping.need()
    call = door("farmer")
    assert [row["number"] for row in call("/needs").json()["needs"]] == [need.no]
    claimed = call(f"/needs/{need.no}/claim", {})
    assert (claimed.status_code, claimed.json()["state"]) == (201, "taken")
    assert error(call(f"/needs/{need.no}/claim", {})) == (409, "illegal_move")
    assert error(call("/needs/AAAAAAAA/claim", {})) == (404, "not_found")
    assert error(call("/needs?after=nothing")) == (422, "bad_cursor")
    assert error(call(f"/needs/{need.no}/claim", {"who": 1})) == (422, "invalid")


def test_it_is_described(client):
    said = client.get("/api/v1/openapi.json").json()
    paths = said["paths"]
    for path in ("/programs", "/programs/{key}/standings", "/standings/{number}", "/standings/{number}/vote",
                 "/programs/{key}/figures", "/needs", "/needs/{number}/claim"):  # fmt: skip
        assert f"/api/v1{path}" in paths, path
    assert "NominateIn" in said["components"]["schemas"]
