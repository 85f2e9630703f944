"""A time in which needs are collected from an area: opened and closed by those who answer for it; and who takes part."""

from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bihuan.lib.worktime import BadDuration, Duration
from bihuan.loop.moves import IllegalMove, Missing
from bihuan.net.models import Kind, Posting, Unit
from bihuan.offers import access, clock
from bihuan.offers.models import Member, Round
from bihuan.offers.record import begin, note, region_of
from bihuan.offers.topics import program_in_force

WINDOW_LEAST, WINDOW_MOST = 1, 60  # days


@transaction.atomic
def open(program: str, *, title: str, unit: Unit, by: Posting, at: datetime, window: str = clock.WINDOW) -> Round:
    """Open a round for an area; one of a program may be open there. `window`: how long a need waits at each level.

    Raises NotYours, OutOfScope, Missing, NoVersion, or IllegalMove when a round is open already.
    """
    access.require_steering(by, unit)
    version, _rules = program_in_force(program, at, unit.pk)
    if not title.strip():
        raise Missing("title", _("请填写这次征集的名称。"))
    if unit.kind != Kind.AREA:
        raise Missing("unit", _("请选择征集的地区。"))
    _require_window(window)
    opened = Round(
        program=program, title=title.strip()[:80], unit=unit, window=window, opened_at=at, version=version,
        region_id=region_of(unit.pk),
    )  # fmt: skip
    if Round.objects.filter(program=program, unit=unit, closed_at=None).exists():
        raise AlreadyOpen
    try:
        with transaction.atomic():
            begin(opened, by=by, at=at)
    except IntegrityError:
        raise AlreadyOpen from None
    return opened


class AlreadyOpen(IllegalMove):
    """A round of the program is open in this area."""

    def __init__(self) -> None:
        super().__init__(_("这个地区正在征集，请先结束上一次。"))


def _require_window(window: str) -> None:
    try:
        found = Duration.parse(window)
    except BadDuration as error:
        raise Missing("window", str(error)) from None
    if found.unit not in ("wd", "d") or not WINDOW_LEAST <= found.n <= WINDOW_MOST:
        raise Missing("window", _("认领期限应为1到60天（工作日或自然日）。"))


@transaction.atomic
def close(round: Round, *, by: Posting, at: datetime) -> Round:
    """End a round: what it collected goes on, nothing is added. Raises NotYours, OutOfScope, IllegalMove."""
    access.require_steering(by, round.unit)
    round = Round.objects.select_for_update().get(pk=round.pk)
    if round.closed_at is not None:
        raise IllegalMove(_("这次征集已经结束。"))
    note(round, "close", by=by, at=at, closed_at=at)
    return round


# --- Members --------------------------------------------------------------------------------------------------------


@transaction.atomic
def enrol(program: str, unit: Unit, *, since: date, by: Posting | None) -> Member:
    """A unit takes part in a program from a day on. `by` None: an import. Raises NotYours, OutOfScope, IllegalMove."""
    if by is not None:
        access.require_steering(by, unit)
    Unit.objects.select_for_update().get(pk=unit.pk)
    if Member.objects.filter(program=program, unit=unit, until=None).exists():
        raise IllegalMove(_("“%(name)s”已经是成员单位。") % {"name": unit.name})
    return Member.objects.create(program=program, unit=unit, since=since)


@transaction.atomic
def leave(member: Member, *, on: date, by: Posting) -> Member:
    """A unit takes part no longer from a day on; what it claimed it still owes. Raises NotYours, OutOfScope, IllegalMove."""
    access.require_steering(by, member.unit)
    member = Member.objects.select_for_update().get(pk=member.pk)
    if member.until is not None or on < member.since:
        raise IllegalMove(_("这个单位在那一天不是成员单位。"))
    member.until = on
    member.save(update_fields=["until"])
    return member
