"""Photos: whatever comes in is drawn anew as a JPEG without metadata (no position, no device), kept under its SHA-256.

A file is on disk before its row is in the database, and its row is gone before the file is: a crash leaves at worst a
file that nobody names, which `drop_unclaimed` removes a day later.
"""

import fcntl
import hashlib
import io
import os
import secrets
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from bihuan.dossier.models import Photo
from bihuan.net.regions import across_regions

try:
    from pillow_heif import register_heif_opener
except ImportError:  # an optional package; without it a HEIC photo is refused with a hint
    HEIC: tuple[str, ...] = ()
else:
    register_heif_opener()
    HEIC = ("HEIF",)

FORMATS = ("JPEG", "PNG", "WEBP", *HEIC)
LARGEST = 10 * 1024 * 1024  # bytes of one upload
MOST = 9  # photos of one case and stage
EDGE, THUMB_EDGE = 2560, 480  # pixels
QUALITY, THUMB_QUALITY = 85, 75
# A JPEG is decoded at a fraction of its size, anything else in full: 40 million pixels are 160 MB of memory.
PIXELS, JPEG_PIXELS = 40_000_000, 210_000_000
UNCLAIMED = timedelta(hours=24)
_BROKEN = (OSError, SyntaxError, ValueError, IndexError, EOFError, struct.error, Image.DecompressionBombWarning)


class BadPhoto(Exception):
    """A photo cannot be taken; the message says why and what to do."""


def take(file: IO[bytes], *, region_id: int, at: datetime) -> Photo:
    """Store an upload as a clean JPEG with a thumbnail and return its row, not yet claimed by a case.

    Raises BadPhoto: too large, not a photo, damaged, of a kind that is not taken, or with absurdly many pixels.
    """
    picture = _drawn_anew(_read(file))
    body, thumb = _jpeg(picture, EDGE, QUALITY), _jpeg(picture, THUMB_EDGE, THUMB_QUALITY)
    width, height = _fitted(picture.size, EDGE)
    sha = hashlib.sha256(body).hexdigest()
    photo = Photo(
        key=secrets.token_urlsafe(18), sha256=sha, width=width, height=height, size=len(body), made_at=at,
        region_id=region_id,
    )  # fmt: skip
    with _storing(exclusive=False):
        _keep(photo_path(photo), body, at)
        _keep(photo_path(photo, thumb=True), thumb, at)
    photo.save(force_insert=True)
    return photo


def _read(file: IO[bytes]) -> bytes:
    raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise BadPhoto(_("照片太大：每张最多 10 MB，请压缩或截图后再传。"))
    if not raw:
        raise BadPhoto(_("照片是空的，请重新选择。"))
    return raw


def _drawn_anew(raw: bytes) -> Image.Image:
    """The upright picture in RGB, decoded no larger than needed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the pixels are counted below
        try:
            picture = Image.open(io.BytesIO(raw), formats=FORMATS)
        except Image.DecompressionBombError as error:
            raise BadPhoto(_("照片的像素太多，请缩小后再传。")) from error
        except _BROKEN as error:
            raise BadPhoto(_not_a_photo(raw)) from error
        _count_pixels(picture)
        try:
            picture.draft("RGB", (EDGE, EDGE))  # halves a huge JPEG while decoding; does nothing to other formats
            return _flat(ImageOps.exif_transpose(picture))
        except _BROKEN as error:
            raise BadPhoto(_("照片没有传完整或已损坏，请重新选择后再传。")) from error


def _not_a_photo(raw: bytes) -> str:
    if raw[4:12] in (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypmif1"):
        return _("暂不能接收 HEIC 照片，请在手机里把格式改为“兼容性最佳”（JPG）后再传。")
    return _("这不是能接收的照片，请上传 JPG、PNG 或 WebP 格式的照片。")


def _count_pixels(picture: Image.Image) -> None:
    width, height = picture.size
    if width * height > (JPEG_PIXELS if picture.format in ("JPEG", "MPO") else PIXELS):
        raise BadPhoto(_("照片的像素太多，请缩小后再传。"))


def _flat(picture: Image.Image) -> Image.Image:
    """RGB; what is transparent becomes white."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def _fitted(size: tuple[int, int], edge: int) -> tuple[int, int]:
    """The size within a square of `edge`, proportions kept, never enlarged, never less than one pixel."""
    share = min(1.0, edge / max(size))
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def _jpeg(picture: Image.Image, edge: int, quality: int) -> bytes:
    size, out = _fitted(picture.size, edge), io.BytesIO()
    fitting = picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    # Given explicitly: Pillow would otherwise carry the comment and colour profile of the original over.
    fitting.info.clear()
    fitting.save(out, "JPEG", quality=quality, optimize=True, exif=b"", icc_profile=b"")
    return out.getvalue()


def photo_path(photo: Photo, thumb: bool = False) -> Path:
    """Where the picture or its thumbnail lies. Who may see it is decided before asking."""
    return _path(photo.sha256, thumb)


def _path(sha: str, thumb: bool) -> Path:
    return Path(settings.MEDIA_ROOT) / sha[:2] / sha[2:4] / f"{sha}{'-s' if thumb else ''}.jpg"


def _keep(path: Path, body: bytes, at: datetime) -> None:
    """Write a file whole or not at all; `at` becomes its time, which keeps a sweep from taking it for forgotten."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as out:
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
        os.utime(draft, (at.timestamp(), at.timestamp()))
        draft.replace(path)
        _sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _sync(directory: Path) -> None:
    """Make a rename survive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _storing(*, exclusive: bool) -> Iterator[None]:
    """Many may store at once; nobody stores while a sweep decides which files are forgotten."""
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield


@transaction.atomic
def claim(keys: Sequence[str], *, case: Any, stage: str, event_n: int) -> list[Photo]:
    """Give uploaded photos to one act of a case (anything with `region_id` and `pk`), in the order of `keys`.

    Raises BadPhoto: more than nine at this stage, or a key that is unknown, dropped or already used by another act.
    """
    keys = list(dict.fromkeys(keys))
    if not keys:
        return []
    mine = Photo.objects.filter(region_id=case.region_id, case_id=case.pk, stage=stage)
    if mine.count() + len(keys) > MOST:
        raise BadPhoto(_("照片太多：一次办理最多 %(most)d 张，请去掉几张。") % {"most": MOST})
    free = _free(keys)
    photos = [free[key] for key in keys]
    for photo in photos:
        photo.region_id, photo.case_id, photo.stage, photo.event_n = case.region_id, case.pk, stage, event_n
    Photo.objects.bulk_update(photos, ["region_id", "case_id", "stage", "event_n"])
    return photos


@transaction.atomic
def hold(keys: Sequence[str], *, holder: str, holder_id: int) -> list[Photo]:
    """Give uploaded photos to something that is no case (a paper, a visit, an entry of the ledger), in the order of `keys`.

    Raises BadPhoto: more than nine, or a key that is unknown, dropped or already used.
    """
    keys = list(dict.fromkeys(keys))
    if len(keys) > MOST:
        raise BadPhoto(_("照片太多：一次最多 %(most)d 张，请去掉几张。") % {"most": MOST})
    free = _free(keys) if keys else {}
    Photo.objects.filter(pk__in=[photo.pk for photo in free.values()]).update(holder=holder, holder_id=holder_id)
    return [free[key] for key in keys]


def _free(keys: list[str]) -> dict[str, Photo]:
    """Photos that nobody has claimed yet, locked."""
    rows = Photo.objects.select_for_update().filter(key__in=keys, case_id=None, holder_id=None)
    free = {photo.key: photo for photo in rows}
    if len(free) != len(keys):
        raise BadPhoto(_("有照片已经失效（上传后 24 小时没有提交），请重新上传。"))
    return free


def held(holder: str, holder_id: int) -> list[Photo]:
    """The photos of something that is no case, in the order they were uploaded."""
    return list(Photo.objects.filter(holder=holder, holder_id=holder_id).order_by("pk"))


def of_case(case: Any) -> list[Photo]:
    """A case's photos in the order of its acts."""
    return list(Photo.objects.filter(region_id=case.region_id, case_id=case.pk).order_by("event_n", "pk"))


def drop_unclaimed(at: datetime) -> int:
    """Forget photos that nothing claimed within 24 hours, and files that no row names. Returns how many rows went."""
    with across_regions("uploads are forgotten by age, wherever they came from"):
        dropped = Photo.objects.filter(case_id=None, holder_id=None, made_at__lt=at - UNCLAIMED).delete()[0]
        with _storing(exclusive=True):
            _drop_forgotten_files(at - UNCLAIMED)
    return dropped


def _drop_forgotten_files(before: datetime) -> None:
    for folder in sorted(Path(settings.MEDIA_ROOT).glob("??/??")):
        old = [path for path in folder.iterdir() if path.stat().st_mtime < before.timestamp()]
        named = set(Photo.objects.filter(sha256__in={path.name[:64] for path in old}).values_list("sha256", flat=True))
        for path in old:
            if path.name[:64] not in named:
                path.unlink()
