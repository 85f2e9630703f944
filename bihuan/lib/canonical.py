"""One text for one value, and hashes that chain: what makes the journal's events provable."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson


class NotCanonical(ValueError):
    """The value has no single text; the message says what is in the way."""


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no spaces, and characters as they are; equal values give equal texts.

    Datetimes become UTC with microseconds ("2026-11-20T01:30:00.000000Z"), dates ISO, Decimal and UUID strings.
    Raises NotCanonical for NaN and infinity, keys that are not text, naive datetimes, lone surrogates, other types.
    """
    quick = _quickly(value)
    return _surely(value) if quick is None else quick


def _quickly(value: Any) -> str | None:
    """The text by a faster encoder; None where it might write another one."""
    try:
        text = orjson.dumps(value, default=_plain, option=_SAME_AS_SURELY)
    except TypeError:  # what it does not take, the slower way takes or refuses in our words
        return None
    return None if _DOUBTFUL.search(text) else text.decode()


_SAME_AS_SURELY = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
# Where orjson's text may be another than ours: numbers with exponents, and null, which it also writes for NaN.
_DOUBTFUL = re.compile(rb"(?:^|[:\[,])(?:null|-?[\d.]+[eE]|-?\d{16,}\.|-?0\.0000)")


def _surely(value: Any) -> str:
    _require_text_keys(value)
    try:
        text = _encode(value)
        text.encode()  # a lone surrogate can be neither stored nor hashed
    except UnicodeEncodeError:
        raise NotCanonical("文字中有无法保存的字符") from None
    except NotCanonical:
        raise
    except ValueError as error:  # NaN, infinity, or a value that holds itself
        raise NotCanonical(f"数据无法写成规范的 JSON（{error}）") from None
    return text


def chain(previous: bytes, *fields: str | int | bytes) -> bytes:
    """SHA-256 over the previous hash and the fields, each as "length:bytes", text as UTF-8 and numbers in decimal.

    The lengths make field borders part of what is hashed: ("ab", "c") and ("a", "bc") differ.
    """
    parts = [b"%d:" % len(previous), previous]
    for field in fields:
        if isinstance(field, str):
            field = field.encode()
        elif isinstance(field, int):
            field = b"%d" % field
        elif not isinstance(field, bytes):
            raise NotCanonical(f"{type(field).__name__} 类型的值不能进入哈希链")
        parts += (b"%d:" % len(field), field)
    return sha256(b"".join(parts)).digest()


def _plain(value: object) -> str:
    """What JSON has no word for, as a string."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise NotCanonical("时间缺少时区")
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise NotCanonical(f"{type(value).__name__} 类型的值不能写成 JSON")


_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), default=_plain
).encode


def _require_text_keys(value: Any) -> None:
    """Other keys would sort as numbers once and as text the next time."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise NotCanonical(f"键 {key} 应是文字")
        _each_nested(value.values())
    elif isinstance(value, list | tuple):
        _each_nested(value)


def _each_nested(values: Iterable[Any]) -> None:
    for inner in values:
        if isinstance(inner, dict | list | tuple):
            _require_text_keys(inner)
