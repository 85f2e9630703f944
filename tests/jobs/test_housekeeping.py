from datetime import UTC, datetime, timedelta
from io import BytesIO

import psycopg
import pytest
from django.conf import settings as django_settings
from PIL import Image

from bihuan.book.models import Look, Tally
from bihuan.dossier import photos
from bihuan.dossier.models import Contact, Photo, Text
from bihuan.jobs import housekeeping
from bihuan.jobs.housekeeping import is_time, keep_house, last_time
from bihuan.jobs.integrity import check_cases
from bihuan.loop.models import WrongTail
from bihuan.net.regions import across_regions
from tests.jobs.cases import REGION, a_case, act

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "photos"


def a_photo(at):
    out = BytesIO()
    Image.new("RGB", (9, 9), (at.minute, at.second, 3)).save(out, "PNG")
    out.seek(0)
    return photos.take(out, region_id=REGION, at=at)


def test_a_night_forgets_what_need_not_be_kept_and_checks_the_record(at, tmp_path):
    a_case(at)
    a_photo(at - timedelta(days=2))
    WrongTail.objects.create(no="x", at=at - timedelta(days=2))
    Tally.objects.create(
        region_id=REGION, unit=3, role="place", measure="filed", period="hour", bucket=at - timedelta(days=41), amount=1
    )
    (tmp_path / "messages").mkdir()
    for day in ("2026-01-01", "2026-03-01"):
        (tmp_path / "messages" / f"{day}.jsonl").touch()
    report = keep_house(at)
    done = {
        "erased": 0,
        "photos": 1,
        "places": 0,
        "standings": 0,
        "hours": 1,
        "spool": 1,
        "tails": 1,
        "sessions": 0,
        "record": 1,
    }
    assert report["done"] == done
    assert report["failed"] == {} and report["breaks"] == []
    assert [path.stem for path in (tmp_path / "messages").iterdir()] == ["2026-03-01"]
    assert last_time() == report


def test_a_chore_that_fails_is_told_and_the_others_are_done(at, monkeypatch, caplog):
    a_photo(at - timedelta(days=2))
    monkeypatch.setitem(housekeeping._CHORES, "erased", lambda at: 1 / 0)
    report = keep_house(at)
    assert report["failed"] == {"erased": "ZeroDivisionError: division by zero"}
    assert report["done"]["photos"] == 1 and "erased failed" in caplog.text


def test_a_broken_record_is_an_alarm_in_the_nightly_report(at, caplog):
    case = a_case(at)
    with psycopg.connect(conninfo=django_settings.DATABASE_OWNER_URL, autocommit=True) as owner:
        owner.execute("UPDATE loop_caseevent SET verb = 'void'")
    report = keep_house(at)
    assert case.no in report["breaks"][0] and case.no in caplog.text


@pytest.mark.parametrize(
    ("hour", "days", "hours_since", "time"),
    [
        (19, 0, None, True),  # never done: now
        (19, 0, 23, True),  # three in the morning in Shanghai, last done yesterday at four
        (19, 0, 0.5, False),  # done half an hour ago
        (20, 0, 23, False),  # four in the morning
        (6, 0, 25, False),
        (6, 0, 27, True),  # the night was missed
    ],
)
def test_the_house_is_kept_at_three_in_the_morning_or_when_a_night_was_missed(hour, days, hours_since, time):
    now = datetime(2026, 3, 2, hour, 10, tzinfo=UTC)
    if hours_since is not None:
        housekeeping._remember({"at": (now - timedelta(hours=hours_since)).isoformat()})
    assert is_time(now) is time


def test_F4_at_the_end_of_keeping_what_is_personal_goes_and_the_record_stays_whole(at, settings):
    settings.KEEP_PERSONAL_DAYS = 100
    old, young, still_open = (a_case(at - timedelta(days=200), serial=n) for n in (1, 2, 3))
    act(old, "close", at - timedelta(days=101), state="closed", closed_at=at - timedelta(days=101))
    act(young, "close", at - timedelta(days=99), state="closed", closed_at=at - timedelta(days=99))
    mine = a_photo(at - timedelta(days=150))
    photos.claim([mine.key], case=old, stage="report", event_n=1)
    assert keep_house(at)["done"]["erased"] == 3
    with across_regions("test"):
        assert {one.case_id for one in Contact.objects.filter(erased_at=None)} == {young.pk, still_open.pk}
        assert {one.case_id for one in Text.objects.exclude(body="")} == {young.pk, still_open.pk}
        assert not Photo.objects.exists()
        assert {one.purpose for one in Look.objects.all()} == {"保存期满"}
    assert not photos.photo_path(mine).exists()
    assert check_cases().breaks == []


def test_without_a_time_of_keeping_nothing_personal_goes(at, settings):
    settings.KEEP_PERSONAL_DAYS = 0
    case = a_case(at - timedelta(days=9000))
    act(case, "close", at - timedelta(days=8000), state="closed", closed_at=at - timedelta(days=8000))
    assert keep_house(at)["done"]["erased"] == 0
    assert Contact.objects.get(region_id=REGION).erased_at is None
