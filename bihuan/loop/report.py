"""What somebody reports, checked before anything is written. Every refusal is one clear sentence with its field."""

import hashlib
from dataclasses import dataclass, replace
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _noop

from bihuan.dossier.texts import tidy
from bihuan.lib.canonical import canonical_json
from bihuan.lib.codes import BadPhone, normal_phone
from bihuan.loop.models import Secrecy, Source
from bihuan.loop.placing import BadPlace, Placed, place
from bihuan.programs.document import CaseProgram

MOST_CHARACTERS = 5_000
MOST_PHOTOS = 9


class BadReport(Exception):
    """A report that cannot be taken. `field` names what to mend; the message is fit for the user."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Report:
    """A matter as it came in. Coordinates are WGS-84; `photos` are keys of photos already taken in."""

    type: str
    text: str
    source: str = Source.WEB
    secrecy: str = Secrecy.PUBLIC
    urgency: str = "normal"
    address: str = ""
    grid: str = ""
    area: str = ""  # whose matter it is while the place is unknown: the area of the agent who took the call
    lng: float | None = None
    lat: float | None = None
    name: str = ""
    phone: str = ""
    photos: tuple[str, ...] = ()
    client_id: UUID | None = None
    category_id: int | None = None
    call_ref: str = ""
    test: bool = False

    def digest(self) -> bytes:
        """SHA-256 of all that was given but the client's id: the same id with another digest is another report."""
        given = {slot: value for slot in self.__slots__ if (value := getattr(self, slot)) and slot != "client_id"}
        return hashlib.sha256(canonical_json(given).encode()).digest()


def checked(report: Report, rules: CaseProgram) -> tuple[Report, Placed]:
    """The report with its words and phone tidied, and its place on the net. Raises BadReport."""
    report = replace(
        report,
        text=_words(report.text),
        address=tidy(report.address).strip(),
        name=tidy(report.name).strip(),
        phone=_phone(report.phone),
        call_ref=tidy(report.call_ref).strip()[:60],
    )
    _check_lists(report, rules)
    try:
        return report, _placed(report)
    except BadPlace as error:
        raise BadReport("place", str(error)) from None


def _placed(report: Report) -> Placed:
    return place(grid=report.grid, lng=report.lng, lat=report.lat, address=report.address, area=report.area)


def _check_lists(report: Report, rules: CaseProgram) -> None:
    _require(report.type in rules.types, "type", _noop("请选择诉求类型。"))
    _require(report.urgency in rules.urgencies, "urgency", _noop("紧急程度填写有误。"))
    _require(report.secrecy in Secrecy.values, "secrecy", _noop("请选择是否公开。"))
    _require(len(report.address) <= 200, "address", _noop("地址太长了，请控制在200字以内。"))
    _require(len(report.name) <= 40, "name", _noop("姓名太长了，请控制在40字以内。"))
    _require(len(set(report.photos)) <= MOST_PHOTOS, "photos", _noop("最多上传%(most)d张照片。"), most=MOST_PHOTOS)


def _words(text: str) -> str:
    text = tidy(text).strip()
    _require(bool(text), "text", _noop("请写下您要反映的事情。"))
    too_long = _noop("内容太长了（%(n)d字），请控制在%(most)d字以内。")
    _require(len(text) <= MOST_CHARACTERS, "text", too_long, n=len(text), most=MOST_CHARACTERS)
    return text


def _phone(text: str) -> str:
    if not text.strip():
        return ""
    try:
        return normal_phone(text)
    except BadPhone as error:
        raise BadReport("phone", _(error.sentence) % error.given) from None


def _require(holds: bool, field: str, message: str, **given: int) -> None:
    if not holds:
        raise BadReport(field, _(message) % given)
