"""Photos of pages: taken in one by one while a form is filled, or with the form; shown to whoever may see their case."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from bihuan.api.door import admit
from bihuan.api.errors import Refused, error_body
from bihuan.dossier import photos
from bihuan.dossier.models import Paper, Photo
from bihuan.dossier.photos import MOST, BadPhoto
from bihuan.ladder.models import Standing
from bihuan.loop.access import may_see
from bihuan.loop.links import case_of
from bihuan.loop.models import Case
from bihuan.net import tree
from bihuan.net.models import Posting, Role
from bihuan.net.scope import covers
from bihuan.offers import access as offers

PEOPLE_ROLES = (Role.SECRETARY, Role.ORGANISER, Role.LEADER)

# A picture never changes under its key; only the browser that was shown it may keep it.
kept = cache_control(private=True, max_age=86400, immutable=True)


@require_POST
def upload(request: HttpRequest) -> JsonResponse:
    """One photo of a form still being filled: 201 with the id that the form sends along. An address may not flood us."""
    try:
        admit(request)
        photo = _take(request.FILES.get("file"), timezone.now())
    except Refused as error:
        return JsonResponse(error_body(error.code, error.message), status=error.status)
    except BadPhoto as error:
        return JsonResponse(error_body("bad_photo", str(error)), status=422)
    return JsonResponse({"id": photo.key, "thumb": address(photo.key, small=True)}, status=201)


def _take(file: UploadedFile | None, at: datetime) -> Photo:
    if file is None:
        raise BadPhoto(_("没有收到照片，请重新选择。"))
    return photos.take(file, region_id=tree.snapshot().region_of(None), at=at)


def taken(request: HttpRequest, at: datetime, *, files: str = "photos", ids: str = "photo_ids") -> tuple[str, ...]:
    """The keys of a posted form's photos: those uploaded before, and those that came with the form (no scripts).

    Raises BadPhoto before anything is drawn when there are more than nine, and at the first that is no photo.
    """
    before, now = list(dict.fromkeys(request.POST.getlist(ids))), request.FILES.getlist(files)
    if len(before) + len(now) > MOST:
        raise BadPhoto(_("最多上传%(most)d张照片，您选了%(n)d张。") % {"most": MOST, "n": len(before) + len(now)})
    return (*before, *(_take(file, at).key for file in now))


def held(request: HttpRequest, keys: Iterable[str] = ()) -> list[dict[str, str]]:
    """What a form shows again after a refusal: photos that came with it and are still to be claimed."""
    wanted = [*keys] or request.POST.getlist("photo_ids")
    known = set(Photo.objects.filter(key__in=wanted[:MOST], case_id=None, holder_id=None).values_list("key", flat=True))
    return [{"id": key, "thumb": address(key, small=True)} for key in wanted if key in known]


def address(key: str, *, small: bool = False, link: str = "") -> str:
    """Where a photo is shown. link: the resident's signed page, which opens the photos of its case."""
    return f"{link}photos/{key}/{'small/' if small else ''}" if link else f"/photos/{key}/{'small/' if small else ''}"


def strip(keys: Iterable[str], words: str, *, link: str = "") -> list[dict[str, str]]:
    """Photos ready for parts/photos.html; `words` says what they show."""
    return [
        {"url": address(key, link=link), "thumb": address(key, small=True, link=link), "alt": words} for key in keys
    ]


@require_safe
@kept
def show(request: HttpRequest, key: str, small: bool = False) -> HttpResponse:
    """A photo for staff who may see what it belongs to; one that nothing has yet, for whoever holds its unguessable key."""
    photo = _photo(key)
    if (photo.case_id, photo.holder_id) != (None, None) and not _staff_may_see(request, photo):
        raise Http404
    return _file(photo, small)


def _staff_may_see(request: HttpRequest, photo: Photo) -> bool:
    posting: Any = getattr(request, "posting", None)
    if posting is None:
        return False
    if photo.holder_id is not None:
        return _covers_holder(posting, photo)
    case = Case.objects.filter(region_id=photo.region_id, pk=photo.case_id).first()
    if case is not None:
        return may_see(posting, case)
    standing = Standing.objects.filter(pk=photo.case_id).select_related("unit").first()  # a visit
    return standing is not None and covers(posting, standing.unit)


def _covers_holder(posting: Posting, photo: Photo) -> bool:
    """A paper is for those who answer for the subject's place, help given for those who may know of the need or the pair;
    what else was done for somebody, for the staff of its county."""
    if photo.holder == "paper":
        paper = Paper.objects.filter(pk=photo.holder_id).select_related("subject__unit").first()
        return paper is not None and posting.role in PEOPLE_ROLES and covers(posting, paper.subject.unit)
    if photo.holder in offers.PARTS:
        return offers.may_see_part(posting, photo.holder, photo.holder_id)
    own, region = tree.snapshot().unit(posting.unit_id), tree.snapshot().get(photo.region_id)
    return region is not None and (region.id in own.path or own.id in region.path)


@require_safe
@kept
def show_to_resident(request: HttpRequest, signed: str, key: str, small: bool = False) -> HttpResponse:
    """A photo of the case whose signed link this is; pictures of work done only with the approved reply."""
    case, photo = case_of(signed), _photo(key)
    if (photo.region_id, photo.case_id) != (case.region_id, case.pk) or photo.stage not in stages_told(case):
        raise Http404
    return _file(photo, small)


def stages_told(case: Case) -> tuple[str, ...]:
    """The stages whose photos a resident is shown: what was reported and said; the unit's own once its reply stands."""
    mine = (Photo.Stage.REPORT, Photo.Stage.CHECK)
    return (*mine, Photo.Stage.BEFORE, Photo.Stage.AFTER) if case.replied_at else mine


def _photo(key: str) -> Photo:
    photo = Photo.objects.filter(key=key).first()
    if photo is None:
        raise Http404
    return photo


def _file(photo: Photo, small: bool) -> HttpResponse:
    try:
        file = photos.photo_path(photo, thumb=small).open("rb")
    except FileNotFoundError:
        raise Http404 from None
    return FileResponse(file, content_type="image/jpeg")
