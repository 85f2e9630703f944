"""Who may know of a need and who may take it on: one question, asked in one place. Strangers are told there is no such need.

Those who answer for trainees (organisers, party secretaries, leaders) know the needs of their area. Helping units know
what is offered to them and what they took.
"""

from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.book.journal import Acting
from bihuan.dossier.models import Subject
from bihuan.loop import access
from bihuan.net import tree
from bihuan.net.models import Kind, Posting, Role, Tree
from bihuan.net.postings import require_other_person, standing_on
from bihuan.net.scope import OutOfScope, area_of, covers, require_scope
from bihuan.offers.models import (
    Circle,
    Claim,
    Deed,
    Member,
    Offer,
    Pairing,
    PlanItem,
    Session,
    Suggestion,
    Track,
)
from bihuan.offers.numbers import as_stored

ANSWERABLE = frozenset({Role.ORGANISER, Role.SECRETARY, Role.LEADER})
STEERING = frozenset({Role.ORGANISER, Role.LEADER})  # they open rounds, pair units and take claims back
HELPING = frozenset({Role.HANDLER, Role.CHIEF, Role.SECRETARY, Role.ORGANISER, Role.LEADER})
PEOPLE = ANSWERABLE | HELPING


class NotFound(access.NotFound):
    """There is nothing with this number, or nothing that the asker may know of."""

    def __init__(self) -> None:
        Exception.__init__(self, _("没有找到您要看的内容。请核对编号。"))


class NotYours(access.NotYours):
    """It is another unit's, or another post's, to do. The message is fit for the user."""

    def __init__(self, says: str = "") -> None:
        Exception.__init__(self, says or _("这件事不由您的单位办理。"))


# --- Needs ----------------------------------------------------------------------------------------------------------


def offer_for(posting: Posting, no: str) -> Offer:
    """The need with this number, if the posting may know of it. Raises NotFound. 1 to 3 queries."""
    offer = Offer.objects.filter(no=as_stored(no)).first()
    if offer is None or not may_see(posting, offer):
        raise NotFound
    return offer


def may_see(posting: Posting, offer: Offer) -> bool:
    """Whether a posting may know of a need: it answers for the place, may claim it, its unit has claimed it, or a line of
    its plan names the posting as helper."""
    if posting.role not in PEOPLE:
        return False
    if posting.role in ANSWERABLE and covers(posting, offer.place):
        return True
    if offer.state == Offer.State.OPEN and is_offered_to(posting, offer):
        return True
    units = tree.snapshot().below(posting.unit_id, Tree.ADMIN)
    return (
        Claim.objects.filter(offer=offer, unit__in=units).exists()
        or PlanItem.objects.filter(claim__offer=offer, helper_posting=posting.pk).exists()
    )


def is_offered_to(posting: Posting, offer: Offer) -> bool:
    """Whether a need is offered where the posting stands: at the need's level now, or below it on the way to the trainee.

    A leader answers for his whole area and need not wait until a need has risen to him.
    """
    net = tree.snapshot()
    area, way = area_of(net.unit(posting.unit_id), net), net.unit(offer.place_id).path
    if posting.role == Role.LEADER:
        return area.id in way
    return area.id in way and area.level >= net.unit(offer.unit_id).level


def require_claimant(by: Posting, offer: Offer, *, personal: bool, at: datetime) -> None:
    """Raises unless `by` may take the need on: NotYours (not a helping post, or no member), OutOfScope, AboutOneself."""
    if by.role not in HELPING or (personal and by.role != Role.LEADER):
        raise NotYours(_("您的岗位不能认领需求。") if not personal else _("只有领导可以个人名义认领。"))
    if not is_offered_to(by, offer):
        raise OutOfScope(_("这条需求目前不在您单位的认领范围内。"))
    if not personal and not is_member(offer.program, by.unit_id, timezone.localdate(at)):
        raise NotYours(_("您的单位不是成员单位，不能认领。"))
    require_other_person(by, person_of(offer.subject_id), _("不能认领自己的需求，请由其他同志认领。"))


def person_of(subject_id: int | None) -> int | None:
    """The member of staff a subject also is, if any."""
    if subject_id is None:
        return None
    return Subject.objects.filter(pk=subject_id).values_list("person_id", flat=True).first()


def is_member(program: str, unit_id: int, on: date) -> bool:
    """Whether a unit takes part: itself or the office above it is a member. Governments of areas always do, and where
    nobody was named a member everybody does."""
    unit = tree.snapshot().unit(unit_id)
    if unit.kind == Kind.AREA:
        return True
    members = set(Member.objects.filter(standing_on(on), program=program).values_list("unit_id", flat=True))
    return not members or not members.isdisjoint(unit.path)


def require_answerable(by: Acting, offer: Offer, roles: Iterable[str] = ANSWERABLE) -> None:
    """Raises NotYours or OutOfScope unless `by` answers for the need's place; the trainee himself and clocks may."""
    if isinstance(by, Posting):
        require_role(by, roles)
        require_scope(by, offer.place)


def require_helper(by: Posting, claim: Claim, helper: int | None = None) -> None:
    """Raises NotYours unless the claim is the posting's: of its unit, made by it, or with a line that names it."""
    if by.unit_id != claim.unit_id and by.pk not in (claim.posting, helper):
        raise NotYours


def require_role(by: Posting, roles: Iterable[str]) -> None:
    """Raises NotYours unless the posting has one of the roles."""
    if by.role not in roles:
        raise NotYours(_("您的岗位不能办理这件事。"))


def require_steering(by: Posting, unit: object) -> None:
    """Raises NotYours or OutOfScope unless `by` is an organiser or leader of the area."""
    require_role(by, STEERING)
    require_scope(by, unit)  # type: ignore[arg-type]


def may_see_part(posting: Posting, kind: str, id: int) -> bool:
    """Whether a posting may see pictures held by a part of one of our tracks (PARTS): whoever may know of the track."""
    if posting.role not in PEOPLE:
        return False
    if kind == "planitem":
        item = PlanItem.objects.filter(pk=id).select_related("claim__offer__place").first()
        return item is not None and may_see(posting, item.claim.offer)
    if kind == "claim":
        claim = Claim.objects.filter(pk=id).select_related("offer__place").first()
        return claim is not None and may_see(posting, claim.offer)
    if kind == "deed":
        deed = Deed.objects.filter(pk=id).select_related("pairing").first()
        return deed is not None and is_partner(posting, deed.pairing)
    return kind == "session"


PARTS = frozenset({"planitem", "claim", "deed", "session"})


# --- Pairs, studios, suggestions ------------------------------------------------------------------------------------


def pairing_for(posting: Posting, no: str) -> Pairing:
    """The pair with this number, for its partners. Raises NotFound."""
    pairing = _found(Pairing, no)
    if not is_partner(posting, pairing):
        raise NotFound
    return pairing


def is_partner(posting: Posting, pairing: Pairing) -> bool:
    """Whether a posting acts in a pair: it belongs to one of its units or the office above it (a branch is often a party
    unit below its office), or answers for the village's area."""
    if posting.role not in PEOPLE:
        return False
    net = tree.snapshot()
    offices = {id for id in net.unit(pairing.unit_a_id).path if not net.unit(id).is_place}
    own = posting.unit_id in offices or posting.unit_id == pairing.unit_b_id
    return own or _answers_for(posting, pairing.unit_b_id)


def circle_for(posting: Posting, no: str) -> Circle:
    """The studio with this number: everybody who works with trainees may know of it. Raises NotFound."""
    return _for_people(Circle, posting, no)


def session_for(posting: Posting, no: str) -> Session:
    """The session with this number: everybody who works with trainees may know of it. Raises NotFound."""
    return _for_people(Session, posting, no)


def suggestion_for(posting: Posting, no: str) -> Suggestion:
    """The suggestion with this number: for those answerable in its area and who made it. Raises NotFound."""
    suggestion = _found(Suggestion, no)
    own = suggestion.posting == posting.pk
    if posting.role not in PEOPLE or not (own or _answers_for(posting, suggestion.unit_id)):
        raise NotFound
    return suggestion


def suggestion_of(region_id: int, case_id: int) -> Suggestion | None:
    """What a case was before it became one: the way back from a case to its suggestion."""
    return Suggestion.objects.filter(case_region=region_id, case_id=case_id).first()


def _found(model: type[Track], no: str):  # type: ignore[no-untyped-def]
    found = model._default_manager.filter(Q(no=as_stored(no))).first()
    if found is None:
        raise NotFound
    return found


def _for_people(model: type[Track], posting: Posting, no: str):  # type: ignore[no-untyped-def]
    found = _found(model, no)
    if posting.role not in PEOPLE:
        raise NotFound
    return found


def _answers_for(posting: Posting, unit_id: int) -> bool:
    return posting.role in ANSWERABLE and covers(posting, tree.snapshot().unit(unit_id))
