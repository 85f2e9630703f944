"""Who is calling: the earlier matters of a phone number, for the agent who has the caller on the line."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from bihuan.dossier import vault
from bihuan.dossier.models import Contact, Text
from bihuan.lib.codes import spoken
from bihuan.loop.models import Case, Secrecy, State
from bihuan.net import tree
from bihuan.net.models import Posting
from bihuan.net.regions import across_regions
from bihuan.net.scope import reach

PURPOSE = "来电登记"
MOST = 8


@dataclass(frozen=True, slots=True)
class Earlier:
    """One earlier matter of the caller, as it is shown."""

    number: str
    spoken: str
    filed: str
    words: str
    state: str
    open: bool
    unit: str


@dataclass(frozen=True, slots=True)
class Caller:
    """What is known of a phone number: a masked name and the newest matters that the agent may see."""

    name: str
    matters: list[Earlier]
    open: int


def known(phone: str, *, by: Posting, at: datetime) -> Caller:
    """The caller with this number. The search is a look and is written down as one. Five statements.

    Secret matters and those beyond the agent's area are not among them. Raises BadPhone.
    """
    contacts = vault.find_by_phone(phone, by=by, purpose=PURPOSE, at=at)
    if not contacts:
        return Caller("", [], 0)
    cases = _cases(contacts, by)
    words = _words(cases)
    net = tree.snapshot()
    matters = [_earlier(case, words.get(case.text_id, ""), net.unit(case.unit_id).name) for case in cases[:MOST]]
    shown = {case.contact_id for case in cases}
    name = next((contact.name_mask for contact in contacts if contact.pk in shown and contact.name_mask), "")
    return Caller(name, matters, sum(1 for case in cases if case.closed_at is None))


def _cases(contacts: list[Contact], by: Posting) -> list[Case]:
    regions = {contact.region_id for contact in contacts}
    wanted = Q(region_id__in=regions, pk__in=[contact.case_id for contact in contacts])
    scope = reach(by)
    with across_regions("a caller is one person, wherever the matters were filed"):
        found = list(Case.objects.filter(wanted).exclude(secrecy=Secrecy.SECRET).order_by("-filed_at"))
    return [case for case in found if scope.holds(case)]


def _words(cases: list[Case]) -> dict[int, str]:
    regions = {case.region_id for case in cases}
    with across_regions("the words of one caller's matters"):
        texts = Text.objects.filter(region_id__in=regions, pk__in=[case.text_id for case in cases[:MOST]])
        return dict(texts.values_list("pk", "body"))


def _earlier(case: Case, words: str, unit: str) -> Earlier:
    return Earlier(
        number=case.no,
        spoken=spoken(case.no),
        filed=f"{timezone.localtime(case.filed_at):%Y-%m-%d}",
        words=words.replace("\n", " ")[:60],
        state=str(State(case.state).label),
        open=case.closed_at is None,
        unit=unit,
    )
