"""What the simulated people of the city do to an open case: one small decision each, always through the real actions."""

import random
from collections.abc import Callable
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from bihuan.book.journal import RESIDENT
from bihuan.demo.cast import CAST, POLICE_AUXILIARY, POLICE_CHIEF
from bihuan.demo.matters import FOUND_ON_ROUNDS, MATTERS, SPEECH, TOPICS, Matter
from bihuan.demo.pictures import KINDS, draw
from bihuan.dossier import photos
from bihuan.loop import categories
from bihuan.loop.actions import closing, dispatching, handling, intake, verifying
from bihuan.loop.actions.dispatching import open_tasks
from bihuan.loop.models import Case, Category, State, Task
from bihuan.net import tree
from bihuan.net.models import Level, Posting, Role, Unit
from bihuan.net.tree import UnitRow

Act = Callable[[Case, datetime, random.Random], str]
BY_KEY = {matter.key: matter for matter in MATTERS}
LEFT_TO_THE_CAST = 4  # the newest cases in each state of a desk of the cast are left for whoever tries the demo


class NobodyThere(Exception):
    """No one holds the role that the act needs; another case will do."""


def holder(unit_id: int, *roles: str, dice: random.Random, on: datetime, but: int | None = None) -> Posting:
    """Somebody who holds one of the roles in a unit today, other than the posting `but`. Raises NobodyThere."""
    today = timezone.localdate(on)
    held = Posting.objects.filter(Q(until=None) | Q(until__gt=today), unit_id=unit_id, role__in=roles, since__lte=today)
    held = held.exclude(title__in=[POLICE_CHIEF, POLICE_AUXILIARY]).select_related("person", "unit")
    found = [posting for posting in held if posting.pk != but]
    if not found:
        raise NobodyThere
    return dice.choice(found)


def centre(case: Case) -> int:
    return tree.snapshot().centre_of(case.l3 or case.region_id)


def matter_of(case: Case) -> Matter | None:
    """What the demo knows of the case's category; None for one that it did not invent."""
    lineage = categories.lineage(case.category_id)
    return next((BY_KEY[category.key] for category in lineage if category.key in BY_KEY), None)


def say(kind: str, dice: random.Random) -> str:
    return dice.choice(SPEECH[kind])


def picture(case: Case, at: datetime, dice: random.Random, *, mended: bool = True) -> list[str]:
    """A picture taken on the spot, ready to be attached."""
    matter = matter_of(case)
    file = draw(matter.topic if matter else "", dice.randrange(KINDS), mended)
    return [photos.take(file, region_id=case.region_id, at=at).key]


# One decision for each state a case can be in


def at_the_door(case: Case, at: datetime, dice: random.Random) -> str:
    """Filed by a resident: the agent accepts it, or knows the answer."""
    agent = holder(centre(case), Role.AGENT, dice=dice, on=at)
    category = _guess(case, dice)
    topic = next((topic for topic in TOPICS if category and category.key.startswith(f"{topic.key}.")), None)
    if case.type == "inquiry" and topic and dice.random() < 0.6:
        intake.answer(case, dice.choice(topic.asks)[1], by=agent, at=at, category=category)
        return "直接答复"
    intake.accept(case, by=agent, at=at, category=category)
    return "受理"


def _guess(case: Case, dice: random.Random) -> Category | None:
    if case.category_id is not None:
        return None
    body = _report_of(case)
    found = categories.suggest(body)
    return found[0] if found else None


def _report_of(case: Case) -> str:
    from bihuan.dossier.models import Text

    return Text.objects.get(region_id=case.region_id, pk=case.text_id).body


def to_be_dispatched(case: Case, at: datetime, dice: random.Random) -> str:
    """Accepted: placed if nobody knows where it is, then dispatched as the duty list says."""
    dispatcher = holder(centre(case), Role.DISPATCHER, dice=dice, on=at)
    if case.l4 is None:
        intake.place(case, dice.choice(_communities(case.region_id)).id, by=dispatcher, at=at)
        return "定位"
    if case.finder is not None and case.l5 is not None and dice.random() < 0.97:
        unit = case.l5
    else:
        owed = categories.owed(case, category_id=case.category_id, on=timezone.localdate(at))
        unit = owed.unit_id if owed else case.l4
    assisting = [] if dice.random() < 0.94 or unit == case.l4 else [Unit.objects.get(pk=case.l4)]
    dispatching.dispatch(case, to=Unit.objects.get(pk=unit), by=dispatcher, at=at, assisting=assisting)
    return "派单"


def _communities(region: int) -> list[UnitRow]:
    net = tree.snapshot()
    below = [net.unit(unit) for unit in net.below(region)]
    return [unit for unit in below if unit.is_place and unit.level == Level.COMMUNITY]


def to_be_signed(case: Case, at: datetime, dice: random.Random) -> str:
    handler = holder(case.unit_id, Role.HANDLER, dice=dice, on=at)
    if handler.unit.level < Level.TOWN and case.hand_backs == 0 and dice.random() < 0.07:
        dispatching.hand_back(case, reason="not_ours", text=say("back", dice), by=handler, at=at)
        return "退单"
    dispatching.sign(case, by=handler, at=at)
    return "签收"


def handed_back(case: Case, at: datetime, dice: random.Random) -> str:
    dispatcher, uphold = holder(centre(case), Role.DISPATCHER, dice=dice, on=at), dice.random() < 0.6
    words = say("ruled_for" if uphold else "ruled_against", dice)
    dispatching.rule(case, uphold=uphold, text=words, by=dispatcher, at=at)
    return "同意退单" if uphold else "不同意退单"


def to_be_contacted(case: Case, at: datetime, dice: random.Random) -> str:
    handling.contact(case, text=say("contacts", dice), by=_handler(case, at, dice), at=at)
    return "先行联系"


def _handler(case: Case, at: datetime, dice: random.Random) -> Posting:
    """Who signed it, while he still serves in the unit; else a colleague."""
    own = Posting.objects.filter(pk=case.handler, unit_id=case.unit_id, until=None).select_related("person", "unit")
    return own.first() or holder(case.unit_id, Role.HANDLER, dice=dice, on=at)


def in_hand(case: Case, at: datetime, dice: random.Random) -> str:
    """Being handled: handed down to the community now and then, urged by the resident, at last replied.

    A unit that still owes its part does it first: nobody replies over its head.
    """
    if (part := open_tasks(case).exclude(kind=Task.Kind.LEAD).first()) is not None:
        return helped(part, case, at, dice)
    handler = _handler(case, at, dice)
    if case.finder is None and dice.random() < 0.05:
        closing.urge(case, by=RESIDENT, at=at)
        return "群众催办"
    if case.l5 and case.unit_id == case.l4 and case.redos == 0 and not _shared(case) and dice.random() < 0.15:
        handling.hand_down(case, to=Unit.objects.get(pk=case.l5), by=handler, at=at, note="请社区先到现场处理。")
        return "交办社区"
    matter = matter_of(case)
    result = dice.choices(("resolved", "explained", "planned", "unfounded"), (80, 10, 7, 3))[0]
    done = dice.choice(matter.done) if matter else "已到现场核实处理，并向反映人说明了情况。"
    handling.reply(case, result=result, text=done, by=handler, at=at, pictures=picture(case, at, dice))
    return "答复"


def _shared(case: Case) -> bool:
    others = Task.objects.filter(region_id=case.region_id, case_id=case.pk).exclude(kind=Task.Kind.LEAD)
    return others.exists()


def to_be_approved(case: Case, at: datetime, dice: random.Random) -> str:
    chief = holder(case.unit_id, Role.CHIEF, dice=dice, on=at, but=case.handler)
    passed = dice.random() < 0.94
    handling.approve(case, passed=passed, by=chief, at=at, text="" if passed else say("returns", dice))
    return "审核通过" if passed else "退回修改"


def to_be_verified(case: Case, at: datetime, dice: random.Random) -> str:
    """The finder goes and looks."""
    finder = Posting.objects.select_related("person", "unit").get(pk=case.finder)
    passed = dice.random() < 0.93
    words = say("checked" if passed else "failed", dice)
    shots = picture(case, at, dice, mended=passed)
    verifying.verify(case, passed=passed, text=words, by=finder, at=at, pictures=shots)
    return "核查通过" if passed else "核查不通过"


def to_be_asked(case: Case, at: datetime, dice: random.Random) -> str:
    """Half say it themselves on the page, half are called; some are not content, some do not answer."""
    content = dice.random() < (0.92 if case.redos == 0 else 0.98)
    stars = dice.choice((5, 5, 5, 4, 4, 3)) if content else dice.choice((1, 2))
    words = say("content" if content else "unsolved", dice)
    if dice.random() < 0.5:
        closing.confirm(case, solved=content, satisfied=stars, contacted=True, text="" if content else words, at=at)
        return "群众确认解决" if content else "群众说没解决"
    caller = holder(centre(case), Role.CALLER, dice=dice, on=at)
    if dice.random() < 0.12 and case.calls < 2:
        closing.call_back(case, reached=False, by=caller, at=at)
        return "回访未接通"
    asked = {"contacted": True, "solved": content, "satisfied": stars}
    closing.call_back(case, reached=True, by=caller, at=at, text=words, **asked)
    return "回访满意" if content else "回访不满意，重办"


def helped(task: Task, case: Case, at: datetime, dice: random.Random) -> str:
    """A unit that assists, or was handed part of the work, does its part."""
    worker = holder(task.unit_id, Role.HANDLER, dice=dice, on=at)
    handling.assist(case, text="本单位负责的部分已经办好，现场已恢复。", by=worker, at=at)
    return "协办反馈"


STATES: dict[str, tuple[Act, float]] = {
    # What is done in each state, and how eagerly: quick steps do not pile up.
    State.FILED: (at_the_door, 6.0),
    State.ACCEPTED: (to_be_dispatched, 6.0),
    State.DISPATCHED: (to_be_signed, 3.0),
    State.RETURNED: (handed_back, 4.0),
    State.SIGNED: (to_be_contacted, 3.0),
    State.HANDLING: (in_hand, 1.2),
    State.REPLIED: (to_be_approved, 4.0),
    State.VERIFYING: (to_be_verified, 3.0),
    State.CALLING_BACK: (to_be_asked, 2.5),
}
CAST_UNITS = frozenset(actor.unit for actor in CAST)
SEEN_ON_ROUNDS = tuple(matter for matter in MATTERS if matter.topic in FOUND_ON_ROUNDS)
