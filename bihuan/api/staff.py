"""Cases for other systems of the administration: the same lists and the same acts as on the pages."""

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from bihuan.api.answers import answer
from bihuan.api.door import ByToken
from bihuan.api.errors import Refused
from bihuan.api.schemas import (
    AcceptIn,
    ActedOut,
    Acting,
    AnswerIn,
    ApproveIn,
    CallBackIn,
    CasesOut,
    DispatchIn,
    ErrorOut,
    HandBackIn,
    HandDownIn,
    OptionalTextIn,
    PicturesIn,
    PlaceAct,
    ReplyIn,
    RuleIn,
    TextIn,
    VerifyIn,
)
from bihuan.loop import lists
from bihuan.loop.access import case_for
from bihuan.loop.actions import closing, dispatching, handling, intake, verifying
from bihuan.loop.categories import categories
from bihuan.loop.models import Case, Category, State
from bihuan.net.models import Posting, Unit

router = Router(auth=ByToken(), tags=["工单"])


@router.get("/cases", response={200: CasesOut, 422: ErrorOut}, summary="工单列表")
def cases(
    request: HttpRequest,
    view: str = "open",
    state: str = "",
    category: str = "",
    type: str = "",
    unit: str = "",
    late: bool = False,
    after: str = "",
    limit: int = 100,
) -> HttpResponse:
    """Cases within the token's reach; open ones by due time, closed and accepted ones newest first. Keyset pages."""
    if view not in lists.VIEWS or (state and state not in State.values):
        raise Refused(422, "invalid", "“view”或“state”填写有误，请对照接口说明。", "view")
    listing = lists.listing_for(
        request.auth,
        view=view,
        states=(state,) if state else (),
        category_id=_category(category).pk if category else None,
        type=type,
        unit_id=_unit(unit).pk if unit else None,
        late=late,
    )
    page = lists.page(listing, at=timezone.now(), after=after, limit=limit)
    return answer({"cases": [_row(row) for row in page.rows], "after": page.after})


def _row(row: lists.Row) -> dict[str, Any]:
    return {
        "number": row.number,
        "type": row.type,
        "status": row.state,
        "state": row.state_key,
        "category": row.category,
        "text": row.words,
        "place": row.place,
        "unit": row.unit,
        "filed_at": row.filed,
        "due_at": row.due,
        "clock": row.clock,
        "n": row.n,
    }


def _unit(code: str) -> Unit:
    unit = Unit.objects.filter(code=code).first()
    if unit is None:
        raise Refused(422, "invalid", f"没有代码为“{code}”的单位。", "unit")
    return unit


def _category(key: str) -> Category:
    found = next((category for category in categories().values() if category.key == key and not category.retired), None)
    if found is None:
        raise Refused(422, "invalid", f"没有“{key}”这个类别。", "category")
    return found


def _named(key: str) -> Category | None:
    return _category(key) if key else None


Act = Callable[[Case, Any, Posting, Any], Any]
VERBS: dict[str, tuple[type[Acting], str, Act]] = {
    "accept": (
        AcceptIn,
        "受理",
        lambda case, body, by, at: intake.accept(case, by=by, at=at, category=_named(body.category), type=body.type),
    ),
    "answer": (
        AnswerIn,
        "直接答复",
        lambda case, body, by, at: intake.answer(case, body.text, by=by, at=at, category=_named(body.category)),
    ),
    "place": (
        PlaceAct,
        "定位到网格",
        lambda case, body, by, at: intake.place(case, _unit(body.grid).pk, by=by, at=at),
    ),
    "dispatch": (
        DispatchIn,
        "派单",
        lambda case, body, by, at: dispatching.dispatch(
            case,
            to=_unit(body.unit),
            by=by,
            at=at,
            assisting=[_unit(code) for code in body.assisting],
            category=_named(body.category),
            urgency=body.urgency,
            note=body.note,
        ),
    ),
    "sign": (Acting, "签收", lambda case, body, by, at: dispatching.sign(case, by=by, at=at)),
    "hand_back": (
        HandBackIn,
        "退单",
        lambda case, body, by, at: dispatching.hand_back(case, reason=body.reason, text=body.text, by=by, at=at),
    ),
    "rule": (
        RuleIn,
        "裁定退单",
        lambda case, body, by, at: dispatching.rule(case, uphold=body.uphold, text=body.text, by=by, at=at),
    ),
    "contact": (TextIn, "先行联系", lambda case, body, by, at: handling.contact(case, text=body.text, by=by, at=at)),
    "hand_down": (
        HandDownIn,
        "下派",
        lambda case, body, by, at: handling.hand_down(case, to=_unit(body.unit), by=by, at=at, note=body.note),
    ),
    "assist": (
        PicturesIn,
        "提交协办意见",
        lambda case, body, by, at: handling.assist(case, text=body.text, by=by, at=at, pictures=body.photos),
    ),
    "reply": (
        ReplyIn,
        "答复",
        lambda case, body, by, at: handling.reply(
            case, result=body.result, text=body.text, by=by, at=at, pictures=body.photos
        ),
    ),
    "approve": (
        ApproveIn,
        "审核答复",
        lambda case, body, by, at: handling.approve(case, passed=body.passed, by=by, at=at, text=body.text),
    ),
    "verify": (
        VerifyIn,
        "核查",
        lambda case, body, by, at: verifying.verify(
            case, passed=body.passed, text=body.text, by=by, at=at, pictures=body.photos
        ),
    ),
    "call_back": (
        CallBackIn,
        "回访",
        lambda case, body, by, at: closing.call_back(case, by=by, at=at, **body.model_dump(exclude={"n"})),
    ),
    "urge": (OptionalTextIn, "催办", lambda case, body, by, at: closing.urge(case, by=by, at=at, text=body.text)),
}


def _offer(verb: str, schema: type[Acting], title: str, act: Act) -> None:
    """One operation for one verb: find the case for this posting, hold it to what the caller saw, act once."""

    def operation(request: HttpRequest, number: str, body: Acting) -> HttpResponse:
        case = case_for(request.auth, number)
        case.seen_n = body.n
        event = act(case, body, request.auth, timezone.now())
        state = json.loads(event.data)["set"].get("state", case.state)
        return answer({"number": case.no, "state": state, "status": str(State(state).label), "n": event.n})

    operation.__annotations__["body"] = schema
    operation.__name__ = verb
    answers = {200: ActedOut, **dict.fromkeys((403, 404, 409, 422), ErrorOut)}
    router.post(f"/cases/{{number}}/{verb}", response=answers, summary=title, operation_id=f"case_{verb}")(operation)


for _verb, (_schema, _title, _act) in VERBS.items():
    _offer(_verb, _schema, _title, _act)
