"""Settings read from the environment: each once, with its type, its default and a line of help.

For every secret, `NAME_FILE` may name a file instead. A wrong value refuses to start and names itself.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class BadSetting(Exception):
    """A setting has a value that cannot be used; the message names the setting."""


@dataclass(frozen=True)
class Setting:
    name: str
    default: Any
    kind: str
    help: str
    secret: bool


SETTINGS: dict[str, Setting] = {}

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise ValueError(text)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


_READERS: dict[type, tuple[str, Callable[[str], Any]]] = {
    bool: ("是或否（1 / 0）", _boolean),
    int: ("整数", int),
    float: ("数", float),
    str: ("文字", str),
    list: ("用逗号分开的几项", _words),
    Path: ("路径", _path),
}


def env(
    name: str,
    default: Any,
    type: Any,
    help: str,
    *,
    secret: bool = False,
    check: Callable[[Any], bool] | None = None,
    source: Mapping[str, str] | None = None,
) -> Any:
    """The value of one setting. `check` must hold for a value that was given; `source` replaces os.environ in tests.

    type: bool, int, float, str, list (comma separated) or Path.
    Raises BadSetting, naming the setting, for a value of another type or one that `check` refuses.
    """
    kind, reader = _READERS[type]
    SETTINGS[name] = Setting(name, default, kind, help, secret)
    text = _given(name, secret, os.environ if source is None else source)
    if text is None:
        return default
    try:
        value = reader(text)
        fits = check is None or check(value)
    except ValueError:
        fits = False
    if not fits:
        shown = "（不显示）" if secret else f"“{text}”"
        raise BadSetting(f"设置 {name} 的值{shown}不能用：应为{kind}。{help}")
    return value


def _given(name: str, secret: bool, source: Mapping[str, str]) -> str | None:
    if secret and (file := source.get(f"{name}_FILE")):
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BadSetting(f"设置 {name}_FILE 指向的文件读不出来：{file}（{error.strerror}）。") from error
    return source.get(name)


def positive(value: int | float) -> bool:
    return value > 0


def port(value: int) -> bool:
    return 0 < value < 65536


def colour(value: str) -> bool:
    """#rrggbb, and nothing that could end a rule in a style sheet."""
    return re.fullmatch(r"#[0-9a-fA-F]{6}", value) is not None
