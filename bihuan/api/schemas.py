"""What the API takes in and gives out, for OpenAPI and for checking. Words of choice are the Chinese ones people see."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """A body with a field nobody knows is a mistake, and is told. Plain pydantic: ninja's own schema costs 0.1 ms."""

    model_config = ConfigDict(extra="forbid")


class PlaceIn(Strict):
    address: str = ""
    grid: str = Field("", description="网格编码；有它就以它为准")
    lng: float | None = Field(None, ge=-180, le=180)
    lat: float | None = Field(None, ge=-90, le=90)
    crs: Literal["wgs84", "gcj02", "bd09"] = "wgs84"


class ContactIn(Strict):
    name: str = ""
    phone: str = ""


class RequestIn(Strict):
    type: str = Field(description="咨询、求助、投诉、举报、建议、表扬")
    text: str
    place: PlaceIn = PlaceIn()
    contact: ContactIn = ContactIn()
    secrecy: Literal["公开", "不公开", "保密"] = "公开"
    photos: list[str] = Field([], description="POST /photos 给出的编号，最多9张")
    client_id: UUID | None = Field(None, description="提交方自己的编号：重复提交只算一次")


class FiledOut(Schema):
    number: str
    track_url: str
    status: str


class PhotoOut(Schema):
    id: str
    width: int
    height: int


class ErrorDetail(Schema):
    code: str
    message: str
    field: str = ""


class ErrorOut(Schema):
    error: ErrorDetail


class Happening(Schema):
    at: datetime
    text: str
    detail: str = ""


class TrackOut(Schema):
    number: str
    status: str
    unit: str
    due: datetime | None
    due_explained: list[str]
    result: str
    reply: str
    timeline: list[Happening]


class CaseRow(Schema):
    number: str
    type: str
    status: str
    state: str
    category: str
    text: str
    place: str
    unit: str
    filed_at: str
    due_at: str
    clock: str
    n: int


class CasesOut(Schema):
    cases: list[CaseRow]
    after: str


class ActedOut(Schema):
    number: str
    state: str
    status: str
    n: int


class Acting(Strict):
    n: int = Field(description="最后看到的事件序号；不是最新就返回409")


class AcceptIn(Acting):
    category: str = ""
    type: str = ""


class AnswerIn(Acting):
    text: str
    category: str = ""


class PlaceAct(Acting):
    grid: str


class DispatchIn(Acting):
    unit: str = Field(description="主办单位代码")
    assisting: list[str] = []
    category: str = ""
    urgency: str = ""
    note: str = ""


class HandBackIn(Acting):
    reason: str
    text: str


class RuleIn(Acting):
    uphold: bool
    text: str = ""


class TextIn(Acting):
    text: str


class OptionalTextIn(Acting):
    text: str = ""


class HandDownIn(Acting):
    unit: str
    note: str = ""


class PicturesIn(TextIn):
    photos: list[str] = []


class ReplyIn(PicturesIn):
    result: str = Field(description="resolved、explained、planned、unfounded")


class ApproveIn(Acting):
    passed: bool
    text: str = ""


class VerifyIn(Acting):
    passed: bool
    text: str = ""
    photos: list[str] = []


class CallBackIn(Acting):
    reached: bool
    contacted: bool | None = None
    solved: bool | None = None
    satisfied: int | None = Field(None, ge=1, le=5)
    text: str = ""


class StageOut(Schema):
    key: str
    title: str
    order: int
    final: bool


class WayOut(Schema):
    """A gate or a move: what may be opened or made, and what it asks."""

    key: str
    title: str
    asks: list[str]
    entering: bool


class ProgramOut(Schema):
    key: str
    title: str
    version: int
    stages: list[StageOut]
    gates: list[WayOut]
    moves: list[WayOut]


class ProgramsOut(Schema):
    programs: list[ProgramOut]


class StandingRow(Schema):
    number: str
    subject: str = Field(description="人员编号")
    name: str
    stage: str
    status: str
    since: str
    place: str
    n: int


class StandingsOut(Schema):
    standings: list[StandingRow]
    after: str


class TestOut(Schema):
    key: str
    title: str
    met: bool
    why: str
    must: bool


class CheckOut(Schema):
    """The gate somebody is in, and the step that waits."""

    gate: str
    title: str
    step: str
    unit: str
    due: str
    tests: list[TestOut]


class PossibleOut(Schema):
    gates: list[str]
    moves: list[str]
    vote: bool
    withdraw: bool


class StandingOut(StandingRow):
    program: str
    entered: str
    ended: str
    result: str
    check: CheckOut | None
    possible: PossibleOut


class NominateIn(Strict):
    """By a gate, or where a program has none, by a move; `subject` is the number of somebody who is registered."""

    subject: str
    gate: str = ""
    move: str = ""
    answers: dict[str, Any] = Field({}, description="按条件的键填写的答案")
    text: str = ""


class OpenIn(Acting):
    gate: str
    answers: dict[str, Any] = {}
    text: str = ""


class AdvanceIn(Acting):
    move: str
    answers: dict[str, Any] = {}
    text: str = ""


class VoteIn(Acting):
    agree: bool
    text: str = ""


class FigureOut(Schema):
    key: str
    group: str
    title: str
    unit: str
    value: float | None


class FiguresOut(Schema):
    program: str
    area: str
    at: date
    figures: list[FigureOut]


class NeedOut(Schema):
    number: str
    subject: str
    name: str
    topic: str
    text: str
    amount: str
    place: str
    offered_at: str
    seats: str
    state: str
    until: str


class NeedsOut(Schema):
    needs: list[NeedOut]
    after: str


class ClaimIn(Strict):
    personal: bool = Field(False, description="领导以个人名义认领")


class ClaimedOut(Schema):
    number: str
    state: str
    unit: str
    plan_due: str
