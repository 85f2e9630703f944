"""Each setting is read once, with a type; a wrong value refuses to start and names itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bihuan.env import SETTINGS, BadSetting, colour, env, port
from bihuan.run import database

PROJECT = Path(__file__).resolve().parents[2]


def _read(text: str | None, kind: type, **more: object) -> object:
    source = {} if text is None else {"BIHUAN_SAMPLE": text}
    try:
        return env("BIHUAN_SAMPLE", "unset", kind, "A sample.", source=source, **more)  # type: ignore[arg-type]
    finally:
        del SETTINGS["BIHUAN_SAMPLE"]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (None, int, "unset"),
        ("8080", int, 8080),
        ("1", bool, True),
        ("No", bool, False),
        ("", bool, False),
        (" a, b ,,c", list, ["a", "b", "c"]),
        ("海城", str, "海城"),
        ("0.5", float, 0.5),
        ("/srv/bihuan", Path, Path("/srv/bihuan")),
    ],
)
def test_a_value_is_read_by_its_type(text: str | None, kind: type, value: object) -> None:
    assert _read(text, kind) == value


@pytest.mark.parametrize(
    ("text", "kind", "check"),
    [("many", int, None), ("perhaps", bool, None), ("70000", int, port), ("0", int, port), ("red", str, colour)],
)
def test_a_wrong_value_names_its_setting_and_itself(text: str, kind: type, check: object) -> None:
    with pytest.raises(BadSetting, match=f"BIHUAN_SAMPLE.*“{text}”"):
        _read(text, kind, check=check)


def test_a_secret_is_never_shown_and_may_come_from_a_file(tmp_path: Path) -> None:
    with pytest.raises(BadSetting) as caught:
        _read("hunter2", int, secret=True)
    assert "hunter2" not in str(caught.value) and "BIHUAN_SAMPLE" in str(caught.value)
    file = tmp_path / "secret"
    file.write_text("from a file\n")
    source = {"BIHUAN_SAMPLE_FILE": str(file)}
    assert env("BIHUAN_SAMPLE", "", str, "", secret=True, source=source) == "from a file"
    file.unlink()
    with pytest.raises(BadSetting, match="BIHUAN_SAMPLE_FILE"):
        env("BIHUAN_SAMPLE", "", str, "", secret=True, source=source)
    del SETTINGS["BIHUAN_SAMPLE"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "http"), ("BIHUAN_WORKERS", "0"), ("BIHUAN_VAULT_KEY", "short"), ("DATABASE_URL", "postgresql://")],
)
def test_the_program_refuses_to_start_and_says_why(name: str, value: str) -> None:
    command = [sys.executable, "-m", "bihuan", "db", "status"]
    done = subprocess.run(
        command, env=os.environ | {name: value}, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert name in done.stderr and "Traceback" not in done.stderr


def test_an_address_is_read_as_libpq_reads_it() -> None:
    found = database.read(
        "DATABASE_URL", "postgresql://app:p%40ss@db.example:6432/city?sslmode=require&connect_timeout=5"
    )
    made = database.entry(found)
    assert (made["HOST"], made["PORT"], made["USER"], made["PASSWORD"], made["NAME"]) == (
        "db.example",
        "6432",
        "app",
        "p@ss",
        "city",
    )
    assert made["OPTIONS"]["sslmode"] == "require" and made["OPTIONS"]["prepare_threshold"] == 0


def test_a_bad_address_does_not_show_its_password() -> None:
    with pytest.raises(BadSetting) as caught:
        database.read("DATABASE_URL", "postgresql://app:hunter2@db.example:port/city?nonsense=1")
    assert "hunter2" not in str(caught.value) and "DATABASE_URL" in str(caught.value)
