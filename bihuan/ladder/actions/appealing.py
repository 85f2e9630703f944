"""Appeal (申诉): what was decided against somebody takes effect only after he could appeal, and not while it is examined (D4)."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.book.journal import RESIDENT, Acting
from bihuan.ladder import course, posts
from bihuan.ladder.models import Appeal, Pass, Standing
from bihuan.ladder.posts import NotYours
from bihuan.ladder.record import locked, note, open_pass, words
from bihuan.ladder.rules import NotNow
from bihuan.net.models import Posting


@transaction.atomic
def appeal(standing: Standing, text: str, *, by: Acting = RESIDENT, at: datetime) -> Appeal:
    """The subject appeals while the time for it runs; the level above examines it. Once for each pass.

    Raises NotNow (nothing to appeal against, or too late), NotYours, NoWords.
    """
    standing = locked(standing, at=at)
    passing = open_pass(standing)
    if passing is None or passing.step != Pass.Step.APPEAL:
        raise NotNow(_("现在没有可以申诉的决定，或申诉期已过。"))
    if isinstance(by, Posting) and by.person_id != standing.subject.person_id:
        raise NotYours(_("申诉要由本人提出。"))
    said = words(standing, text)
    made = Appeal.objects.create(passing=passing, at=at, text_id=said["text"], unit_id=passing.step_unit or 0)
    facts = {"pass": passing.pk, "gate": passing.gate, "appeal": made.pk, **said}
    note(standing, "appeal", by=by, at=at, facts=facts)
    course.begin(passing, course.gate_of(passing).step("ruling"), by=by, at=at)
    Appeal.objects.filter(pk=made.pk).update(unit_id=passing.step_unit)
    made.unit_id = passing.step_unit
    return made


@transaction.atomic
def rule(made: Appeal, *, upheld: bool, text: str, by: Posting, at: datetime) -> Appeal:
    """Rule on an appeal: upheld undoes the decision, otherwise it takes effect now.

    By people above who have not voted in it (N2). Raises NotNow, NotYours, AboutOneself, NoWords.
    """
    standing = locked(made.passing.standing, at=at)
    passing = open_pass(standing)
    made.refresh_from_db()
    step = course.step_of(passing) if passing else None
    if passing is None or step is None or step.kind != "ruling" or made.decided_at is not None:
        raise NotNow(_("这件申诉已经处理过了。"))
    unit, home = passing.step_unit or 0, course.is_home(passing, step)
    posts.require_able(standing, step.by, unit, by, timezone.localdate(at), passing=passing, home=home)
    said = words(standing, text)
    decided(made, upheld, at=at, by=by.pk, ruling_id=said["text"])
    facts = {"pass": passing.pk, "appeal": made.pk, "upheld": upheld, **said}
    note(standing, "rule", by=by, at=at, facts=facts)
    if upheld:
        course.fail(passing, by=by, at=at, why=text.strip())
    else:
        course.carry_on(passing, by=by, at=at)
    return made


def decided(made: Appeal, upheld: bool, *, at: datetime, by: int | None = None, ruling_id: int | None = None) -> None:
    made.upheld, made.decided_at, made.by, made.ruling_id = upheld, at, by, ruling_id
    made.save(update_fields=["upheld", "decided_at", "by", "ruling_id"])
