"""Other systems of the administration: by token, the same lists and acts as the pages."""

import hashlib

import pytest

from bihuan.loop.actions import intake
from bihuan.loop.models import Case
from bihuan.loop.report import Report
from bihuan.net.models import Token


@pytest.fixture
def door(client, cast, at):
    """`door("dispatcher")(method, path, body)` calls the API as that member of the cast."""

    def enter(key):
        Token.objects.create(
            posting=getattr(cast, key), name=key, digest=hashlib.sha256(key.encode()).hexdigest(), made_at=at
        )

        def call(path, body=None):
            head = {"HTTP_AUTHORIZATION": f"Bearer {key}"}
            if body is None:
                return client.get(f"/api/v1{path}", **head)
            return client.post(f"/api/v1{path}", body, content_type="application/json", **head)

        return call

    return enter


@pytest.fixture
def number(cast):
    from django.utils import timezone

    return intake.file(Report(type="help", text="停水", grid="219981001001001"), at=timezone.now()).number


def test_a_stranger_is_sent_away(client, cast):
    assert client.get("/api/v1/cases").status_code == 401
    assert client.get("/api/v1/cases", HTTP_AUTHORIZATION="Bearer nonsense").status_code == 401


def test_a_case_is_driven_by_its_last_event(cast, door, number):
    call = door("dispatcher")
    listed = call("/cases").json()["cases"]
    assert [row["number"] for row in listed] == [number]
    assert call(f"/cases/{number}/accept", {"n": 1}).json()["n"] == 2
    stale = call(f"/cases/{number}/dispatch", {"n": 1, "unit": "219981D01"})
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "stale")
    done = call(f"/cases/{number}/dispatch", {"n": 2, "unit": "219981D01"})
    assert done.json() == {"number": number, "state": "dispatched", "status": "待签收", "n": 3}
    assert Case.objects.get(no=number).unit_id == cast.water.pk


def test_a_posting_elsewhere_finds_nothing(door, number):
    call = door("other_dispatcher")
    assert call("/cases").json()["cases"] == []
    assert call(f"/cases/{number}/accept", {"n": 1}).status_code == 404


def test_what_is_wrong_is_told_in_the_one_shape(door, number):
    call = door("dispatcher")
    assert call(f"/cases/{number}/sign", {"n": 1}).json()["error"]["code"] == "illegal_move"
    assert call(f"/cases/{number}/accept", {}).json()["error"]["field"] == "n"
    call(f"/cases/{number}/accept", {"n": 1})
    missing = call(f"/cases/{number}/dispatch", {"n": 2, "unit": "none"})
    assert (missing.status_code, missing.json()["error"]["field"]) == (422, "unit")
