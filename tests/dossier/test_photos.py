import io
import struct
import zlib
from dataclasses import dataclass
from datetime import timedelta

import pytest
from PIL import Image

from bihuan.dossier import photos
from bihuan.dossier.models import Photo
from bihuan.net.regions import across_regions

pytestmark = pytest.mark.django_db


@dataclass
class ACase:
    pk: int = 7
    region_id: int = 3


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "photos"
    return settings.MEDIA_ROOT


def encoded(picture, format="JPEG", **options):
    out = io.BytesIO()
    picture.save(out, format, **options)
    return out.getvalue()


def picture(width=64, height=48, colour=(200, 30, 30)):
    return Image.new("RGB", (width, height), colour)


def take(raw, at, region_id=3):
    return photos.take(io.BytesIO(raw), region_id=region_id, at=at)


def with_position():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8825)[2] = (40.0, 51.0, 12.0)
    return encoded(picture(), exif=exif, comment=b"king")


def png_that_claims(width, height):
    """A small PNG whose header promises an enormous picture."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    parts = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_a_photo_loses_position_and_device_and_stands_upright(at):
    photo = take(with_position(), at)
    kept = Image.open(photos.photo_path(photo))
    assert (kept.size, photo.width, photo.height) == ((48, 64), 48, 64)
    assert dict(kept.getexif()) == {} and "comment" not in kept.info
    raw = photos.photo_path(photo).read_bytes()
    assert b"Exif" not in raw and b"Maker" not in raw and b"king" not in raw
    assert photo.size == len(raw)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_the_usual_formats_become_jpeg_with_a_thumbnail(at, format):
    photo = take(encoded(picture(3000, 1500), format), at)
    whole, thumb = Image.open(photos.photo_path(photo)), Image.open(photos.photo_path(photo, thumb=True))
    assert (whole.format, whole.size) == ("JPEG", (2560, 1280))
    assert (thumb.format, thumb.size) == ("JPEG", (480, 240))


def test_what_is_transparent_becomes_white(at):
    photo = take(encoded(Image.new("RGBA", (20, 20), (0, 0, 0, 0)), "PNG"), at)
    assert Image.open(photos.photo_path(photo)).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["L", "CMYK", "1", "P"])
def test_odd_colour_modes_are_taken(at, mode):
    format = "PNG" if mode in ("1", "P") else "JPEG"
    assert take(encoded(picture().convert(mode), format), at).width == 64


def test_a_line_of_one_pixel_is_taken(at):
    assert take(encoded(picture(4000, 1), "PNG"), at).height == 1


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "空的"),
        (b"MZ\x90\x00" + b"\0" * 500, "不是能接收的照片"),  # an executable called 照片.jpg
        (b"%PDF-1.7\n", "不是能接收的照片"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "不是能接收的照片"),
        (encoded(picture(), "GIF"), "不是能接收的照片"),
        (encoded(picture(), "TIFF"), "不是能接收的照片"),
        (encoded(picture(400, 400))[:-600], "没有传完整"),
        (encoded(picture(400, 400), "PNG")[:-60], "没有传完整"),
        (encoded(picture())[:30], "不是能接收的照片"),
        (b"\0" * (10 * 1024 * 1024 + 1), "太大"),
        (png_that_claims(60_000, 60_000), "像素太多"),
        (png_that_claims(8_000, 8_000), "像素太多"),
        (png_that_claims(100, 100), "没有传完整"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 100, "HEIC"),
    ],
)
def test_what_is_no_good_photo_is_refused_in_one_clear_sentence(at, raw, sentence, folder):
    if "HEIC" in sentence and photos.HEIC:
        pytest.skip("HEIC is read here")
    with pytest.raises(photos.BadPhoto, match=sentence):
        take(raw, at)
    with across_regions("test"):
        assert not Photo.objects.exists()


def test_a_photo_cut_short_leaves_no_half_written_file(at, folder, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        take(encoded(picture()), at)
    assert not [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]


def test_the_same_picture_twice_is_one_file_and_two_rows(at, folder):
    one, two = take(encoded(picture()), at), take(encoded(picture()), at)
    assert one.key != two.key and one.sha256 == two.sha256
    assert len(list(folder.rglob("*.jpg"))) == 2  # the picture and its thumbnail


def test_claimed_photos_move_to_the_region_of_the_case_and_keep_their_key(at):
    one, two = take(encoded(picture()), at, region_id=1), take(encoded(picture()), at, region_id=3)
    photos.claim([two.key, one.key], case=ACase(), stage="report", event_n=1)
    assert [photo.key for photo in photos.of_case(ACase())] == [one.key, two.key]
    assert {(photo.stage, photo.event_n) for photo in photos.of_case(ACase())} == {("report", 1)}


@pytest.mark.parametrize("keys", [["nobody"], ["' OR 1=1 --"]])
def test_an_unknown_key_is_not_claimed(at, keys):
    mine = take(encoded(picture()), at)
    with pytest.raises(photos.BadPhoto, match="失效"):
        photos.claim([mine.key, *keys], case=ACase(), stage="report", event_n=1)
    assert photos.of_case(ACase()) == []


def test_a_photo_is_claimed_once(at):
    mine = take(encoded(picture()), at)
    photos.claim([mine.key], case=ACase(), stage="report", event_n=1)
    with pytest.raises(photos.BadPhoto):
        photos.claim([mine.key], case=ACase(pk=8), stage="report", event_n=1)


def test_nine_photos_at_a_stage_and_not_ten(at):
    keys = [take(encoded(picture()), at).key for _ in range(10)]
    photos.claim(keys[:5], case=ACase(), stage="before", event_n=4)
    with pytest.raises(photos.BadPhoto, match="最多 9 张"):
        photos.claim(keys[5:], case=ACase(), stage="before", event_n=4)
    photos.claim(keys[5:9], case=ACase(), stage="before", event_n=5)
    photos.claim(keys[9:], case=ACase(), stage="after", event_n=6)
    assert len(photos.of_case(ACase())) == 10


def test_unclaimed_photos_are_dropped_after_a_day_and_claimed_ones_stay(at, folder):
    old, kept = take(encoded(picture(colour=(1, 2, 3))), at), take(encoded(picture(colour=(9, 9, 9))), at)
    photos.claim([kept.key], case=ACase(), stage="report", event_n=1)
    fresh = take(encoded(picture(colour=(5, 5, 5))), at + timedelta(hours=1))
    assert photos.drop_unclaimed(at + timedelta(hours=24, seconds=1)) == 1
    assert not photos.photo_path(old).exists() and not photos.photo_path(old, thumb=True).exists()
    assert photos.photo_path(kept).exists() and photos.photo_path(fresh).exists()


def test_a_file_shared_with_a_claimed_photo_stays(at):
    mine, twin = take(encoded(picture()), at), take(encoded(picture()), at)
    photos.claim([mine.key], case=ACase(), stage="report", event_n=1)
    assert photos.drop_unclaimed(at + timedelta(days=2)) == 1
    assert photos.photo_path(twin).exists()


def test_a_file_that_no_row_names_goes_with_the_sweep_but_not_before_a_day(at, folder):
    forgotten = folder / "ab" / "cd" / ("ab" * 32 + ".jpg")
    photos._keep(forgotten, b"x", at)
    photos.drop_unclaimed(at + timedelta(hours=23))
    assert forgotten.exists()
    photos.drop_unclaimed(at + timedelta(hours=25))
    assert not forgotten.exists()
