"""Which server and which roles: the application's and the owner's, as psycopg parameters and as a Django entry."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from bihuan.env import BadSetting
from bihuan.run.postgres import APPLICATION, OWNER, Postgres

Parameters = dict[str, Any]


def parameters(url: str, owner_url: str, var: Path, binaries: Path | None) -> tuple[Parameters, Parameters | None]:
    """(application's, owner's) parameters. The owner's are None when a server was named without them.

    Names the embedded server's when `url` is empty, without starting it.
    """
    if url:
        return read("DATABASE_URL", url), read("DATABASE_OWNER_URL", owner_url) if owner_url else None
    server = embedded(var, binaries)
    return server.parameters(APPLICATION), server.parameters(OWNER)


@lru_cache(maxsize=8)
def embedded(var: Path, binaries: Path | None) -> Postgres:
    """One object per data directory in a process: whoever starts the server also reaps it."""
    return Postgres(var / "postgres", given=binaries)


def read(name: str, url: str) -> Parameters:
    """Parameters from a URL or `key=value` text, as libpq reads them. Raises BadSetting, password unshown."""
    try:
        found = conninfo_to_dict(url)
    except ProgrammingError:
        raise BadSetting(f"设置 {name} 的值不能用：应为 postgresql://用户:口令@主机:端口/库名。") from None
    if not found.get("dbname"):
        raise BadSetting(f"设置 {name} 的值不能用：没有写库名。")
    return dict(found)


def entry(found: Parameters) -> dict[str, Any]:
    """Django's DATABASES entry. Statements are prepared at once: unprepared ones cost the server twice the time."""
    return _entry(found, {"prepare_threshold": 0, "server_side_binding": True})


def owner_entry(found: Parameters) -> dict[str, Any]:
    """The same for the owner, who makes tables: such statements come several at once and take no parameters."""
    return _entry(found, {"prepare_threshold": None, "server_side_binding": False})


def _entry(found: Parameters, preparing: dict[str, Any]) -> dict[str, Any]:
    named = {key: found[key] for key in found if key not in ("dbname", "user", "password", "host", "port")}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": found["dbname"],
        "USER": found.get("user", ""),
        "PASSWORD": found.get("password", ""),
        "HOST": found.get("host", ""),
        "PORT": str(found.get("port", "")),
        "CONN_MAX_AGE": None,
        "OPTIONS": {**named, **preparing},
    }
