"""For residents' apps and other systems: file a request, send a photo, follow a case."""

from datetime import datetime
from functools import cache
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import File, Router
from ninja.files import UploadedFile
from pydantic import ValidationError

from bihuan.api.answers import answer
from bihuan.api.door import admit
from bihuan.api.errors import Refused
from bihuan.api.schemas import ErrorOut, FiledOut, PhotoOut, RequestIn, TrackOut
from bihuan.dossier import photos
from bihuan.lib.coords import to_wgs84
from bihuan.loop import story, wording
from bihuan.loop.access import resident_case
from bihuan.loop.actions import intake
from bihuan.loop.links import track_url
from bihuan.loop.models import Source
from bihuan.loop.report import MOST_CHARACTERS, Report
from bihuan.net import tree

router = Router(tags=["群众诉求"])
LARGEST = 200_000  # bytes of a request's JSON
SECRECY = {"公开": "public", "不公开": "private", "保密": "secret"}


@router.post(
    "/requests",
    response={201: FiledOut, 200: FiledOut, 409: ErrorOut, 422: ErrorOut, 429: ErrorOut},
    summary="提交诉求",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/RequestIn"}}},
        }
    },
)
def file_request(request: HttpRequest) -> HttpResponse:
    """One statement, one commit: 201 with the number. The same client_id and body again: 200 with the same number.

    The body is read by hand: this is the hot way in, and a city's crowd comes through it all at once.
    """
    admit(request)
    now = timezone.now()
    filed = intake.file(_report(_body(request), now), at=now)
    said = {"number": filed.number, "track_url": track_url(filed.number), "status": _first_status(now.date())}
    return answer(said, 201 if filed.new else 200)


@cache
def _first_status(day: Any) -> str:
    return wording.in_force(timezone.now()).states["filed"].title


def _body(request: HttpRequest) -> RequestIn:
    if len(request.body) > LARGEST:
        raise Refused(422, "too_long", f"内容太长了，请控制在{MOST_CHARACTERS}字以内。", "text")
    try:
        return RequestIn.model_validate(orjson.loads(request.body))
    except orjson.JSONDecodeError as error:
        raise Refused(422, "bad_json", "请求内容不是合法的 JSON。") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Refused(422, "invalid", f"“{field or '请求'}”填写有误，请对照接口说明。", field) from error


def _report(body: RequestIn, at: datetime) -> Report:
    place = body.place
    if (place.lng is None) != (place.lat is None):
        raise Refused(422, "invalid", "经度和纬度要一起填写。", "place")
    lng, lat = (None, None) if place.lng is None else to_wgs84(place.lng, place.lat, place.crs)
    return Report(
        type=_type(body.type, at),
        text=body.text,
        source=Source.API,
        secrecy=SECRECY[body.secrecy],
        address=place.address,
        grid=place.grid,
        lng=lng,
        lat=lat,
        name=body.contact.name,
        phone=body.contact.phone,
        photos=tuple(body.photos),
        client_id=body.client_id,
    )


def _type(title: str, at: datetime) -> str:
    """The key of a type by its Chinese title (or the key itself)."""
    types = wording.in_force(at).types
    return next((key for key, word in types.items() if title in (key, word.title)), title)


@router.post("/photos", response={201: PhotoOut, 422: ErrorOut, 429: ErrorOut}, summary="上传照片")
def send_photo(request: HttpRequest, file: UploadedFile = File(...)) -> HttpResponse:  # noqa: B008 - ninja's way
    """Take one photo in; name its id when filing. A photo that no request claims within 24 hours is dropped."""
    admit(request)
    photo = photos.take(file, region_id=tree.snapshot().region_of(None), at=timezone.now())
    return answer({"id": photo.key, "width": photo.width, "height": photo.height}, 201)


@router.get("/requests/{number}", response={200: TrackOut, 404: ErrorOut, 429: ErrorOut}, summary="查进度")
def follow(request: HttpRequest, number: str, phone_tail: str = "") -> HttpResponse:
    """Where a request is, who has it, until when and why then. Needs the last four digits of the phone left with it."""
    admit(request)
    now = timezone.now()
    case = resident_case(number, phone_tail.strip(), at=now)
    return answer(story.told(case, at=now))
