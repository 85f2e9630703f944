"""Other systems at the door: filing, photos, following a case."""

import io
import uuid

import pytest
from PIL import Image

from bihuan.loop.models import Case

URL = "/api/v1/requests"


def post(client, **body):
    return client.post(URL, {"type": "投诉", "text": "楼下烧烤油烟太大", **body}, content_type="application/json")


def test_a_request_gets_a_number_at_once_in_two_statements(cast, client, django_assert_num_queries):
    first = post(client, place={"grid": "219981001001001"}, contact={"name": "王某", "phone": "138 1234 5678"})
    assert first.status_code == 201 and first.json()["status"] == "待受理"
    with django_assert_num_queries(1):  # the number comes from the block taken before
        second = post(client, place={"grid": "219981001001001"})
    case = Case.objects.get(no=second.json()["number"])
    assert (case.l5, case.grid_id, case.type) == (cast.south.pk, cast.grid1.pk, "complaint")


def test_the_same_client_id_is_the_same_case(cast, client):
    key = str(uuid.uuid4())
    first, again = post(client, client_id=key), post(client, client_id=key)
    other = post(client, client_id=key, text="另一件事")
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json()["number"] == again.json()["number"]
    assert other.json()["error"]["code"] == "client_id_reused"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "  \n "}, "text"),
        ({"text": "字" * 5001}, "text"),
        ({"text": "字" * 100_000}, "text"),
        ({"type": "骂人"}, "type"),
        ({"secrecy": "绝密"}, "secrecy"),
        ({"contact": {"phone": "12345"}}, "phone"),
        ({"place": {"grid": "999999999999999"}}, "place"),
        ({"place": {"lng": 122.9}}, "place"),
        ({"place": {"lng": 222.9, "lat": 40}}, "place.lng"),
        ({"photos": ["nope"]}, "photos"),
        ({"photos": [str(n) for n in range(50)]}, "photos"),
        ({"client_id": "no-uuid"}, "client_id"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_bad_input_is_one_chinese_sentence_and_no_case(cast, client, body, field):
    answer = post(client, **body)
    error = answer.json()["error"]
    assert (answer.status_code, error["field"]) == (422, field)
    assert any("一" <= mark <= "鿿" for mark in error["message"])
    assert not Case.objects.exists()


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE loop_case;--", "<script>alert(1)</script>", "😀𠮷\x00龘", "\ud800坏字"]
)
def test_odd_text_is_kept_as_text(cast, client, text):
    answer = post(client, text=text)
    assert answer.status_code in (201, 422)
    assert Case.objects.count() == (answer.status_code == 201)


def test_no_json_is_told(cast, client):
    answer = client.post(URL, "{not json", content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_json")


def picture() -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(out, "JPEG")
    out.seek(0)
    out.name = "a.jpg"
    return out


def test_photos_are_claimed_once(cast, client):
    photo = client.post("/api/v1/photos", {"file": picture()})
    assert photo.status_code == 201
    key = photo.json()["id"]
    assert post(client, photos=[key]).status_code == 201
    assert post(client, photos=[key]).json()["error"]["field"] == "photos"
    assert Case.objects.count() == 1


def test_a_renamed_executable_is_no_photo(cast, client):
    fake = io.BytesIO(b"MZ\x90\x00" + b"\x00" * 500)
    fake.name = "holiday.jpg"
    answer = client.post("/api/v1/photos", {"file": fake})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_photo")


def test_following_needs_the_phone_tail_and_five_wrong_ones_shut_the_door(cast, client):
    number = post(client, contact={"phone": "13812345678"}).json()["number"]
    good = client.get(f"{URL}/{number}?phone_tail=5678")
    assert good.status_code == 200 and good.json()["status"] and good.json()["timeline"]
    wrong = [client.get(f"{URL}/{number}?phone_tail=000{n}").status_code for n in range(5)]
    assert wrong == [404] * 5
    assert client.get(f"{URL}/{number}?phone_tail=5678").status_code == 429


def test_an_address_that_names_no_grid_is_left_to_the_dispatcher(cast, client):
    number = post(client, place={"address": "老槐树往东二百米"}).json()["number"]
    case = Case.objects.get(no=number)
    assert (case.grid_id, case.region_id, case.unit_id) == (None, cast.city.pk, cast.city_centre.pk)


def test_the_api_describes_itself(client, db):
    described = client.get("/api/v1/openapi.json").json()
    assert "/api/v1/requests" in described["paths"] and "RequestIn" in described["components"]["schemas"]
    assert "/api/v1/cases/{number}/dispatch" in described["paths"]
