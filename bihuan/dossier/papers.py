"""Papers: photographed documents of a subject, each with what it is and until when it holds."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from bihuan.dossier import facts, photos
from bihuan.dossier.models import Fact, Paper, Subject
from bihuan.dossier.questions import known
from bihuan.dossier.subjects import Erased
from bihuan.lib.ids import new_id
from bihuan.net.models import Posting


class BadPaper(ValueError):
    """A paper cannot be taken in; the message says why."""


@transaction.atomic
def take_in(
    subject: Subject,
    material: str,
    pages: Sequence[str],
    *,
    source: str = "self",
    by: Posting | None,
    at: datetime,
    expires: date | None = None,
    title: str = "",
) -> Paper:
    """Keep photographed pages (keys of `photos.take`) as a paper, and tell that the question `material` is answered.

    expires: the last day on which it holds; the fact ends with it.
    Raises BadPaper, BadPhoto, NoSuchQuestion, Erased.
    """
    if subject.erased_at:
        raise Erased
    question = known([material])[material]
    if not pages:
        raise BadPaper(_("请上传“%(title)s”的照片。") % {"title": question.title})
    if expires is not None and expires < timezone.localdate(at):
        raise BadPaper(_("“%(title)s”已经过了有效期，请换一份有效的。") % {"title": question.title})
    paper = Paper(
        id=new_id(), subject=subject, material=material, title=(title.strip() or question.title)[:80], expires=expires,
        made_at=at, by=by.pk if by else None,
    )  # fmt: skip
    held = photos.hold(pages, holder="paper", holder_id=paper.pk)
    paper.photos, paper.sha256 = [photo.key for photo in held], [photo.sha256 for photo in held]
    paper.save(force_insert=True)
    until = expires + timedelta(days=1) if expires else None
    facts.tell(subject, material, str(paper.pk), source=source, by=by, at=at, until=until, proof=paper)
    return paper


def of_subject(subject: Subject) -> list[Paper]:
    """All papers, the newest first."""
    return list(Paper.objects.filter(subject=subject).order_by("-made_at", "-pk"))


def valid(subject: Subject, material: str, on: date) -> Paper | None:
    """The newest paper of a kind that holds on a day."""
    rows = Paper.objects.filter(Q(expires=None) | Q(expires__gte=on), subject=subject, material=material)
    return rows.order_by("-made_at", "-pk").first()


def proven_by(paper: Paper) -> list[Fact]:
    """The facts that rest on a paper."""
    return list(Fact.objects.filter(subject_id=paper.subject_id, proof=paper).order_by("question", "-made_at"))


def expiring(subject_ids: Sequence[int], on: date, *, within: timedelta = timedelta(days=30)) -> list[Paper]:
    """Papers of these subjects that end within so many days from `on`, or ended before and were not replaced."""
    rows = Paper.objects.filter(subject_id__in=list(subject_ids))
    newest = rows.order_by("subject_id", "material", "-made_at", "-pk").distinct("subject_id", "material")
    soon = [paper for paper in newest if paper.expires is not None and paper.expires <= on + within]
    return sorted(soon, key=lambda paper: (paper.expires or on, paper.pk))
