"""Public notice (公示): anybody may object; an objection becomes a case, and blocks the gate until it is settled."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.book.journal import RESIDENT, Acting
from bihuan.ladder import course, posts
from bihuan.ladder.models import Notice, Objection, Pass, Standing
from bihuan.ladder.record import locked, note, open_pass, words
from bihuan.ladder.rules import NotNow
from bihuan.loop.actions import intake
from bihuan.loop.models import Secrecy, Source
from bihuan.loop.report import Report
from bihuan.net.models import Posting
from bihuan.net.tree import snapshot

CASE_TYPE = "report"  # 举报: what an objection is among cases


@transaction.atomic
def object_to(
    notice: Notice,
    text: str,
    *,
    by: Acting = RESIDENT,
    at: datetime,
    name: str = "",
    phone: str = "",
    source: str = Source.WEB,
) -> Objection:
    """Anybody objects while the notice is public. The words become a secret case, so that the objector can follow it; the
    notice stands still until it is settled.

    Raises NotNow (the notice is over), and what filing a case raises: BadReport, TooMany.
    """
    standing = locked(notice.passing.standing, at=at)
    passing = open_pass(standing)
    if passing is None or passing.pk != notice.passing_id or passing.step not in ("notice", "objection"):
        raise NotNow(_("公示已经结束，不能再提出异议。您可以另行反映。"))
    filed = _file(standing, notice, text, by, at, name=name, phone=phone, source=source)
    step = course.gate_of(passing).step("objection")
    raised = Objection.objects.create(
        notice=Notice.objects.filter(passing=passing).latest("since"),
        case_region=filed.region_id,
        case_id=filed.id,
        case_no=filed.number,
        opened_at=at,
        unit_id=0,
    )
    facts = {"pass": passing.pk, "gate": passing.gate, "objection": raised.pk, "case": filed.number}
    note(standing, "object", by=by, at=at, facts=facts)
    if passing.step == Pass.Step.NOTICE:
        Notice.objects.filter(passing=passing, withdrawn_at=None, until__gt=at).update(withdrawn_at=at)
        course.begin(passing, step, by=by, at=at)
    Objection.objects.filter(pk=raised.pk).update(unit_id=passing.step_unit)
    raised.unit_id = passing.step_unit
    return raised


def _file(
    standing: Standing, notice: Notice, text: str, by: Acting, at: datetime, *, name: str, phone: str, source: str
) -> intake.Filed:
    """The case of an objection: secret, at the place of the subject, with what it objects to written above."""
    said = f"对公示的异议：{notice.text}"
    report = Report(
        type=CASE_TYPE,
        text=f"{said}\n{text.strip()}" if text.strip() else "",
        source=source,
        secrecy=Secrecy.SECRET,
        area=snapshot().unit(standing.unit_id).code,
        name=name,
        phone=phone,
    )
    return intake.file(report, at=at, by=by if isinstance(by, Posting) and by.role in FILING else RESIDENT)


FILING = ("agent", "dispatcher", "grid_worker")


@transaction.atomic
def settle(objection: Objection, *, upheld: bool, text: str, by: Posting, at: datetime) -> Objection:
    """Say whether an objection is right, and why. Upheld: the gate is not passed. Dismissed, and no other open: the notice
    runs again, its full time.

    By the posts of the review before it, other people than those who voted, or the level above (N2).
    Raises NotNow, NotYours, AboutOneself, NoWords.
    """
    standing = locked(objection.notice.passing.standing, at=at)
    passing = open_pass(standing)
    objection.refresh_from_db()
    step = course.step_of(passing) if passing else None
    if passing is None or step is None or step.kind != "objection" or objection.settled_at is not None:
        raise NotNow(_("这条异议已经处理过了。"))
    on, unit = timezone.localdate(at), passing.step_unit or 0
    home = course.is_home(passing, step)
    posts.require_able(standing, step.by, unit, by, on, passing=passing, home=home)
    said = words(standing, text)
    _settled(objection, upheld, at=at, by=by.pk, text_id=said["text"])
    facts = {"pass": passing.pk, "objection": objection.pk, "upheld": upheld, **said}
    note(standing, "settle", by=by, at=at, facts=facts)
    if upheld:
        close_others(passing, at=at)
        course.fail(passing, by=by, at=at, why=text.strip())
    elif not open_objections(passing).exists():
        notice_again(passing, by=by, at=at)
    return objection


def notice_again(passing: Pass, *, by: Acting, at: datetime) -> None:
    """A notice that was objected to in vain runs its full working days again (D2)."""
    course.begin(passing, course.gate_of(passing).step("notice"), by=by, at=at)


def open_objections(passing: Pass) -> QuerySet[Objection]:
    return Objection.objects.filter(notice__passing=passing, settled_at=None)


def close_others(passing: Pass, *, at: datetime) -> None:
    """What else was objected has come to the same end."""
    open_objections(passing).update(settled_at=at, upheld=True)


def _settled(objection: Objection, upheld: bool, *, at: datetime, by: int | None, text_id: int | None) -> None:
    objection.upheld, objection.settled_at, objection.settled_by, objection.text_id = upheld, at, by, text_id
    objection.save(update_fields=["upheld", "settled_at", "settled_by", "text_id"])


def current(unit_id: int, at: datetime) -> list[Notice]:
    """The notices public in an area now, the latest first: its own and those of the areas around and in it. One query."""
    net = snapshot()
    here = {*net.unit(unit_id).path, *net.below(unit_id)}
    rows = Notice.objects.filter(unit_id__in=here, since__lte=at, until__gt=at, withdrawn_at=None)
    return list(rows.select_related("passing__standing__subject").order_by("-since"))
