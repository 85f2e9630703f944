"""Telling a resident that the time he was promised has changed with the rules."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from bihuan.book import messages, outbox
from bihuan.book.models import Message, Outbox
from bihuan.lib.codes import spoken
from bihuan.lib.worktime import spell_moment
from bihuan.loop.links import track_url
from bihuan.loop.models import Case


@outbox.handles("rebased")
def tell(rows: Sequence[Outbox], at: datetime) -> None:
    """Say it; a message keeps its row's id, so a second try says nothing twice (S3)."""
    messages.send([_message(row) for row in rows], at)


def _message(row: Outbox) -> Message:
    case = Case.objects.get(region_id=row.region_id, pk=row.case_id)
    body = (
        f"您反映的事（{spoken(case.no)}）改按新的规定办理，答复时间有变：原来说最晚{_spell(row.payload['was'])}答复您，"
        f"现在改为最晚{_spell(row.payload['due'])}，请您谅解。查看进展：{track_url(case.no)}"
    )
    return Message(
        id=row.pk, region_id=row.region_id, case_id=case.pk, contact_id=case.contact_id, template="rebased", body=body,
        made_at=row.run_at,
    )  # fmt: skip


def _spell(moment: str) -> str:
    return spell_moment(timezone.localtime(datetime.fromisoformat(moment)), ends=True)
