"""One file brings a city back: what was recorded, the photos, and the key without which no contact can be read."""

import io
import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from PIL import Image
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bihuan.dossier import photos, vault
from bihuan.env import BadSetting
from bihuan.run import backup as backups
from bihuan.run import secrets

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.either_server]
PROJECT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LOOKS = """
from bihuan.dossier import photos, vault; from bihuan.dossier.models import Contact, Photo
from bihuan.net.regions import across_regions; from bihuan.run import roles
with across_regions("what came back"):
    contact = Contact.objects.get()
    print(vault.unseal(contact.phone_sealed, vault._use("phone", contact.pk)))
    print(photos.photo_path(Photo.objects.get()).stat().st_size > 0)
roles.refuse_unsafe()
print("safe")
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A backup of a city with one contact and one photo."""
    vault.sealed_contact("王淑芬", "13804120001", region_id=3, case_id=7, case_no="2103812603020001", at=AT).save()
    picture = io.BytesIO()
    Image.new("RGB", (80, 60), (10, 120, 200)).save(picture, "JPEG")
    photos.take(io.BytesIO(picture.getvalue()), region_id=3, at=AT)
    file = tmp_path / "city.tar"
    backups.backup(file, at=AT)
    return file


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of another installation: an empty database, a data directory of its own."""
    owner, name = (
        os.environ["DATABASE_OWNER_URL"],
        f"{conninfo_to_dict(os.environ['DATABASE_URL'])['dbname']}_elsewhere",
    )
    with psycopg.connect(make_conninfo(owner, dbname="postgres"), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name}")
        server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        urls = {key: make_conninfo(os.environ[key], dbname=name) for key in ("DATABASE_URL", "DATABASE_OWNER_URL")}
        yield os.environ | urls | {"BIHUAN_VAR": str(tmp_path / "var")}
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _bihuan(environment: dict[str, str], *arguments: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bihuan", *arguments]
    return subprocess.run(
        command, env=environment, cwd=PROJECT, input=typed, capture_output=True, text=True, check=False
    )


def test_everything_comes_back_elsewhere(archive: Path, elsewhere: dict[str, str]) -> None:
    restored = _bihuan(elsewhere, "restore", str(archive))
    assert restored.returncode == 0, restored.stderr
    seen = _bihuan(elsewhere, "shell", "--no-imports", "--command", LOOKS)
    assert seen.stdout.split() == ["13804120001", "True", "safe"], seen.stderr
    again = _bihuan(elsewhere, "restore", str(archive))
    assert again.returncode != 0 and "--force" in again.stderr
    assert _bihuan(elsewhere, "restore", str(archive), "--force").returncode == 0


def test_a_backup_is_for_its_owner_only_and_names_nothing_outside(archive: Path) -> None:
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with tarfile.open(archive) as opened:
        names = opened.getnames()
    assert names[:2] == ["about.json", "database.dump"]
    assert {"secrets/vault_key", "secrets/blind_key", "secrets/secret_key"} <= set(names)
    assert any(name.startswith("photos/") and name.endswith(".jpg") for name in names)


def test_another_key_in_the_environment_refuses_before_anything_changes(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIHUAN_VAULT_KEY", "x")
    monkeypatch.setattr(settings, "VAULT_KEY", bytes(32))
    with pytest.raises(BadSetting, match="BIHUAN_VAULT_KEY"):
        backups.restore(archive, force=True)


def test_a_database_in_use_is_not_replaced(archive: Path) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]), pytest.raises(backups.BackupFailed, match="停止服务"):
        backups.restore(archive, force=True)


@pytest.mark.parametrize("content", [b"", b"not an archive at all" * 400])
def test_a_file_that_is_no_backup_says_so(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "other.tar"
    file.write_bytes(content)
    with pytest.raises(backups.BackupFailed, match="不是完整的备份文件"):
        backups.restore(file)


def test_a_half_written_archive_changes_nothing(archive: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.tar"
    half.write_bytes(archive.read_bytes()[: archive.stat().st_size // 3])
    with pytest.raises(backups.BackupFailed):
        backups.restore(half, force=True)


def test_made_secrets_stay_the_same_and_are_private(tmp_path: Path) -> None:
    first = secrets.made(tmp_path / "secrets", "vault_key")
    assert secrets.made(tmp_path / "secrets", "vault_key") == first
    assert len(secrets.key_bytes(first)) == 32
    assert stat.S_IMODE((tmp_path / "secrets" / "vault_key").stat().st_mode) == 0o600
    with pytest.raises(ValueError):
        secrets.key_bytes("c2hvcnQ=")
