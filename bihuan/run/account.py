"""The system account that may run PostgreSQL: ourselves, or `postgres` or `nobody` when we are root.

PostgreSQL refuses to run as root. We make no account and change no mode of a directory that we did not make.
"""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int
    dropped: bool

    def options(self) -> dict[str, Any]:
        """Keyword arguments for subprocess that make the child run as this account."""
        if not self.dropped:
            return {"umask": 0o077}
        return {"user": self.uid, "group": self.gid, "extra_groups": [], "umask": 0o077}

    def owns(self, directory: Path) -> Path:
        """Make `directory` for this account alone."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.dropped:
            os.chown(directory, self.uid, self.gid)
        directory.chmod(0o700)
        return directory

    def reaches(self, path: Path) -> bool:
        """Whether this account may enter `path` and every directory above it."""
        return not self.dropped or self.blocked_at(path) is None

    def blocked_at(self, path: Path) -> Path | None:
        """The first existing directory on the way to `path` that this account may not enter."""
        way = [*reversed(path.parents), path]
        return next((step for step in way if step.is_dir() and not self._enters(step)), None)

    def _enters(self, directory: Path) -> bool:
        found = directory.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & 0o100)
        if found.st_gid == self.gid:
            return bool(found.st_mode & 0o010)
        return bool(found.st_mode & 0o001)


def for_server() -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), dropped=False)
    entry = _first_known("postgres", "nobody")
    return Account(entry.pw_uid, entry.pw_gid, dropped=True)


def _first_known(*names: str) -> pwd.struct_passwd:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in names:
        if name in known:
            return known[name]
    raise LookupError("数据库不能以 root 运行，而本机没有 postgres 或 nobody 账户；请换一个普通账户运行。")
