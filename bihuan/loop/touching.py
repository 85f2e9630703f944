"""Which units an act touched, so that their open screens are told: every event of a case is heard of within a second.

A hint is a row of the outbox. The pump, which drains it, passes on whose rows it took (jobs/pump.py): the area of the
row's region, where the centres look, and the row's unit.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from bihuan.book import outbox
from bihuan.book.models import Outbox
from bihuan.loop.models import Case

TOPIC = "hint"


def hints(case: Case, units: Iterable[int], *, at: datetime) -> list[Outbox]:
    """Unsaved rows, one for each unit."""
    return [
        Outbox(region_id=case.region_id, topic=TOPIC, case_id=case.pk, payload={"unit": unit}, run_at=at)
        for unit in dict.fromkeys(units)
    ]


@outbox.handles(TOPIC)
def nothing_to_say(rows: Sequence[Outbox], at: datetime) -> None:
    """That the rows were taken is all that anybody needs to know."""
