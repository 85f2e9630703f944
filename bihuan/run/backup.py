"""One file that holds a whole city: database, photos and the keys without which contacts cannot be read.

A tar archive: `about.json`, `database.dump` (pg_dump's custom format, already compressed), `secrets/`, `photos/`,
in this order, so that a restore fails early. Readable by its owner only: whoever has it can read every contact.
"""

import base64
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import connection

from bihuan.env import BadSetting
from bihuan.run import binaries, roles, secrets

FORMAT = 1
ABOUT, DUMP, PHOTOS, SECRETS = "about.json", "database.dump", "photos", "secrets"


class BackupFailed(Exception):
    """Nothing was written or changed; the message says why."""


# --- Backing up -----------------------------------------------------------------------------------------------------


def backup(file: Path, *, at: datetime) -> int:
    """Write the whole city to `file` and return its size. The product may go on running.

    The dump comes before the photos: a photo is never changed, so every photo that a dumped row names is in the archive.
    """
    draft = file.with_name(f".{file.name}.part")
    try:
        with roles.as_owner(), _private(draft) as out, tarfile.open(fileobj=out, mode="w") as archive:
            _add_bytes(archive, ABOUT, json.dumps(_about(at), ensure_ascii=False).encode())
            with _dump() as dumped:
                archive.add(dumped, DUMP)
            for name, content in _secrets().items():
                _add_bytes(archive, f"{SECRETS}/{name}", content.encode())
            _add_photos(archive)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return file.stat().st_size


def _about(at: datetime) -> dict[str, Any]:
    return {"format": FORMAT, "made_at": at.isoformat(), "server": _server_major()}


def _server_major() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        return int(cursor.fetchone()[0]) // 10000


@contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    """A new file that only we can read, safely on disk when the block ends."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


@contextmanager
def _workplace() -> Iterator[Path]:
    """Beside the data, not in /tmp: a city's dump may be larger than a memory file system."""
    parent = settings.VAR / "tmp"
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=parent) as directory:
        yield Path(directory)


@contextmanager
def _dump() -> Iterator[Path]:
    with _workplace() as directory:
        file = directory / DUMP
        _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={file}")
        yield file


def _secrets() -> dict[str, str]:
    """The keys in force, wherever they came from."""
    keys = {
        name: base64.urlsafe_b64encode(getattr(settings, name.upper())).decode() for name in ("vault_key", "blind_key")
    }
    return keys | {"secret_key": settings.SECRET_KEY}


def _add_photos(archive: tarfile.TarFile) -> None:
    root = Path(settings.MEDIA_ROOT)
    for path in sorted(root.rglob("*")) if root.exists() else ():
        try:
            archive.add(path, f"{PHOTOS}/{path.relative_to(root)}", recursive=False)
        except FileNotFoundError:  # an unclaimed photo, swept after a day, while we were reading
            continue


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    archive.addfile(entry, BytesIO(content))


# --- Restoring ------------------------------------------------------------------------------------------------------


def restore(file: Path, *, force: bool = False) -> dict[str, Any]:
    """Put the archive in place of what is there, and return what it says about itself.

    Refuses a database with tables in it unless `force`, one that others use now, and keys given as settings that differ
    from the archive's. The tables are replaced in one transaction: a restore that fails leaves the old ones.
    """
    try:
        with tarfile.open(file, "r:") as archive, _workplace() as directory:
            archive.extractall(directory, filter="data")
            return _restore_from(directory, force)
    except (tarfile.TarError, FileNotFoundError, KeyError, ValueError) as error:
        raise BackupFailed(f"{file} 不是完整的备份文件：{error}") from error


def _restore_from(directory: Path, force: bool) -> dict[str, Any]:
    about = json.loads((directory / ABOUT).read_text(encoding="utf-8"))
    if about["format"] != FORMAT:
        raise BackupFailed(f"备份文件是第 {about['format']} 版格式，本程序只认得第 {FORMAT} 版。")
    keys = {path.name: path.read_text() for path in sorted((directory / SECRETS).iterdir())}
    _require_same_given_keys(keys)
    with roles.as_owner():
        _require_free_target(force)
        _replace_tables(directory / DUMP)
        roles.grant()
    _replace_secrets(keys)
    _replace_photos(directory / PHOTOS)
    return about


def _require_same_given_keys(keys: dict[str, str]) -> None:
    """A key given by the environment would win over the restored one, and nothing could be read."""
    for name, setting in (("vault_key", "BIHUAN_VAULT_KEY"), ("blind_key", "BIHUAN_BLIND_KEY")):
        given = os.environ.get(setting) or os.environ.get(f"{setting}_FILE")
        if given and secrets.key_bytes(keys[name]) != getattr(settings, name.upper()):
            raise BadSetting(f"设置 {setting} 与备份里的密钥不同：请先去掉这个设置，或改成备份时用的密钥。")


def _require_free_target(force: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        if others := cursor.fetchone()[0]:
            raise BackupFailed(f"还有 {others} 个连接在用这个数据库，请先停止服务。")
    if connection.introspection.table_names() and not force:
        raise BackupFailed("数据库里已有数据，没有恢复。确实要用备份替换现有的全部数据，请加 --force。")


def _replace_tables(dump: Path) -> None:
    """The old schema goes and the new one comes in one transaction, so pg_restore writes a script and psql runs it."""
    script = dump.with_suffix(".sql")
    _run(
        "pg_restore", "--no-owner", "--no-privileges", "--schema=public", f"--file={script}", str(dump), connects=False
    )
    emptied = "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
    _run(
        "psql",
        "--quiet",
        "--no-psqlrc",
        "--set=ON_ERROR_STOP=1",
        "--single-transaction",
        "-c",
        emptied,
        "-f",
        str(script),
    )


def _replace_secrets(keys: dict[str, str]) -> None:
    for name, text in keys.items():
        path = settings.VAR / SECRETS / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{name}.part")
        with _private(draft) as out:
            out.write(text.encode())
        draft.replace(path)


def _replace_photos(source: Path) -> None:
    """Moved, not copied: the workplace is on the same disk as a rule."""
    target = Path(settings.MEDIA_ROOT)
    shutil.rmtree(target, ignore_errors=True)
    if source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, target)


# --- PostgreSQL's own programs --------------------------------------------------------------------------------------


def _run(program: str, *arguments: str, connects: bool = True) -> None:
    """Run pg_dump, pg_restore or psql as the owner, on the database in use."""
    command = [_program(program), *arguments]
    done = subprocess.run(
        command, env=os.environ | (_login() if connects else {}), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupFailed(f"{program} 失败：{done.stderr.strip()[-2000:]}")


def _program(name: str) -> str:
    """Of the version nearest to the server's and not older: an older one refuses, a newer one says what it cannot read."""
    needed, given = _server_major(), settings.POSTGRES_BIN
    sets = [binaries.given_or_refused(given)] if given else binaries.installed()
    for found in sorted(sets, key=lambda one: one.major):
        if found.major >= needed and (found.directory / name).exists():
            return found.path(name)
    raise binaries.NoPostgres(f"没有找到 {name} {needed} 或更新的版本；可用 BIHUAN_POSTGRES_BIN 指定它所在的目录。")


_VARIABLES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "sslmode": "PGSSLMODE"}


def _login() -> dict[str, str]:
    """By environment: a password on a command line can be read by everybody on the machine."""
    given = {_VARIABLES[key]: str(value) for key, value in settings.OWNER.items() if key in _VARIABLES}
    return given | {"PGDATABASE": str(connection.settings_dict["NAME"]), "PGOPTIONS": "-c client_min_messages=warning"}
