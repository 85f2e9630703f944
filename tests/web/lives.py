"""Cases brought to a point of their life by the acts themselves, for tests of the pages that go on from there."""

import io
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from django.utils import timezone
from PIL import Image

from bihuan.loop.actions import dispatching, handling, intake
from bihuan.loop.models import Case
from bihuan.loop.report import Report


def filed(cast: SimpleNamespace, *, at: datetime | None = None, finder: Any = None, **words: Any) -> Case:
    """A matter of a resident in 南关一网格, or with `finder` one that this worker found there."""
    given = {"type": "help", "text": "南关一网格门前水管漏水三天了", "grid": cast.grid1.code, "phone": "13812345678"}
    given |= {"source": "grid", "phone": ""} if finder else {}
    acting = {"by": finder} if finder else {}
    number = intake.file(Report(**{**given, **words}), at=at or timezone.now(), **acting).number
    return Case.objects.get(no=number)


def dispatched(
    cast: SimpleNamespace, *, to: Any = None, assisting: Any = (), at: datetime | None = None, **words: Any
) -> Case:
    case, at = filed(cast, at=at, **words), at or timezone.now()
    if case.state == "filed":
        intake.accept(case, by=cast.dispatcher, at=at)
    dispatching.dispatch(
        case, to=to or cast.water, assisting=assisting, by=cast.dispatcher, at=at, category=cast.street, note="请尽快"
    )
    return fresh(case)


def signed(cast: SimpleNamespace, *, by: Any = None, **words: Any) -> Case:
    case = dispatched(cast, **words)
    dispatching.sign(case, by=by or cast.handler, at=timezone.now())
    return fresh(case)


def handling_case(cast: SimpleNamespace, **words: Any) -> Case:
    case = signed(cast, **words)
    handling.contact(case, text="已电话联系，约好下午上门", by=cast.handler, at=timezone.now())
    return fresh(case)


def replied(cast: SimpleNamespace, **words: Any) -> Case:
    case = handling_case(cast, **words)
    handling.reply(case, result="resolved", text="水管已更换，现场试水不漏。", by=cast.handler, at=timezone.now())
    return fresh(case)


def verifying_case(cast: SimpleNamespace) -> Case:
    """Found by the worker of 南关一网格, done and approved: somebody must look."""
    case = replied(cast, finder=cast.worker)
    handling.approve(case, passed=True, by=cast.chief, at=timezone.now())
    return fresh(case)


def fresh(case: Case) -> Case:
    return Case.objects.get(region_id=case.region_id, pk=case.pk)


def picture(colour: str = "teal", name: str = "site.jpg") -> io.BytesIO:
    """A photo as a phone sends it."""
    body = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(body, "JPEG")
    body.seek(0)
    body.name = name
    return body
