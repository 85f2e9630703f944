"""Secrets made on this machine when the operator gives none: kept in BIHUAN_VAR/secrets, readable by the owner only."""

import base64
import os
import secrets
from pathlib import Path


def made(directory: Path, name: str, *, size: int = 32) -> str:
    """The secret `name`, url-safe base64 of `size` random bytes; made at the first call and the same ever after.

    Safe when several processes ask at once: the file appears complete or not at all, and the first one wins.
    """
    path = directory / name
    if not path.exists():
        _write_once(path, base64.urlsafe_b64encode(secrets.token_bytes(size)).decode())
    return path.read_text(encoding="ascii").strip()


def _write_once(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="ascii")
    try:
        os.link(draft, path)  # unlike rename, link never replaces what another process wrote a moment before
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def key_bytes(text: str) -> bytes:
    """32 bytes from their url-safe base64; ValueError for anything else."""
    raw = base64.urlsafe_b64decode(text.encode("ascii"))
    if len(raw) != 32:
        raise ValueError("a key is 32 bytes")
    return raw


def all_keys(texts: list[str]) -> bool:
    """Whether every text is a key; raises ValueError for one that is not even base64."""
    return all(key_bytes(text) for text in texts)
