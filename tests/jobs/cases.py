"""Small cases, written as the acts write them: a row, its events, its texts."""

from datetime import timedelta

from bihuan.book.journal import GENESIS, RESIDENT, SYSTEM, append, event_data, event_hash
from bihuan.dossier import texts, vault
from bihuan.lib.codes import make_case_number
from bihuan.lib.ids import new_id
from bihuan.loop.models import Case, CaseEvent

REGION = 3


def a_case(at, serial=1, words="井盖坏了", region=REGION):
    """A case just filed, with its text and contact."""
    pk, no = new_id(), make_case_number("210381", at.date(), serial)
    contact = vault.sealed_contact("王建国", "13812341234", region_id=region, case_id=pk, case_no=no, at=at)
    contact.save(force_insert=True)
    text, digest = texts.write(words, region_id=region, case_id=pk)
    columns = {
        "no": no, "version": 1, "type": "complaint", "source": "web", "secrecy": "public", "urgency": "normal",
        "text_id": text.pk, "contact_id": contact.pk, "state": "filed", "unit_id": 90, "filed_at": at, "lng": 122.7,
        "due_at": at + timedelta(days=1), "redos": 0, "hand_backs": 0, "calls": 0, "test": False,
    }  # fmt: skip
    data = event_data(columns, {"text": text.pk, "digest": digest})
    head = event_hash(GENESIS, region, pk, 1, at, RESIDENT, "file", 1, data)
    case = Case.objects.create(id=pk, region_id=region, head=head, n=1, **columns)
    CaseEvent.objects.create(
        region_id=region, case_id=pk, n=1, at=at, actor="resident", verb="file", version=1, data=data, hash=head
    )
    return case


def act(case, verb, at, words=None, **changes):
    """One more event of the case; with `words`, a note."""
    facts = {}
    if words:
        text, digest = texts.write(words, region_id=case.region_id, case_id=case.pk)
        facts = {"note": text.pk, "note_digest": digest}
    return append(case, CaseEvent, verb, by=SYSTEM, at=at, changes=changes, facts=facts)
