"""`bihuan <command>`: the only way in. Starts the embedded database for as long as a command needs it."""

import os
import signal
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import NoReturn

from bihuan.env import BadSetting
from bihuan.run.binaries import NoPostgres
from bihuan.run.postgres import PostgresFailed

# Commands of Django's that developers need; everything else of Django's stays out of an operator's sight.
FOR_DEVELOPERS = {"makemigrations", "showmigrations", "sqlmigrate", "check", "shell", "collectstatic"}
DJANGOS = {
    "--version",
    "--settings",
    "--pythonpath",
    "--force-color",
    "--no-color",
    "--skip-checks",
    "--traceback",
    "-v",
}
WITHOUT_DATABASE = {"db", "collectstatic", "makemigrations", "check"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bihuan.settings")
    signal.signal(signal.SIGTERM, _leave)
    try:
        _dispatch(sys.argv[1:])
    except (BadSetting, NoPostgres, PostgresFailed) as error:
        _fail(error)
    except KeyboardInterrupt:
        sys.exit(130)


def _leave(*_: object) -> NoReturn:
    """A polite end runs the `finally` blocks, the release of the database among them."""
    sys.exit(143)


def _fail(error: Exception) -> NoReturn:
    print(f"bihuan: {error}", file=sys.stderr)
    sys.exit(2)


def _dispatch(arguments: list[str]) -> None:
    _set_up()
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        return _overview()
    name = arguments[0]
    if name not in known():
        _fail(LookupError(f"没有“{name}”这个命令。`bihuan --help` 列出全部命令。"))
    return _run(name, arguments)


def _run(name: str, arguments: list[str]) -> None:
    from django.core.management import load_command_class

    from bihuan.run.roles import NoOwner, UnsafeRole

    command = load_command_class(known()[name], name)
    command.suppressed_base_arguments = DJANGOS
    try:
        with _database(name, arguments):
            command.run_from_argv(["bihuan", *arguments])
    except (NoOwner, UnsafeRole) as error:
        _fail(error)


def _set_up() -> None:
    import django

    django.setup()


def _database(name: str, arguments: list[str]) -> AbstractContextManager[object]:
    """The embedded server, up while the command runs; nothing when a server was named or none is needed."""
    from django.conf import settings

    from bihuan.run.database import embedded

    asks_for_help = {"-h", "--help"} & set(arguments)
    if settings.DATABASE_URL or name in WITHOUT_DATABASE or asks_for_help:
        return nullcontext()
    return embedded(settings.VAR, settings.POSTGRES_BIN).lease()


def known() -> dict[str, object]:
    """Our own commands, and Django's that developers need, by name."""
    from django.core.management import get_commands

    return {name: app for name, app in get_commands().items() if _ours(app) or name in FOR_DEVELOPERS}


def _ours(app: object) -> bool:
    return str(getattr(app, "name", app)).startswith("bihuan.")


def _overview() -> None:
    from django.core.management import load_command_class

    print("闭环 Bihuan\n\n用法 usage: bihuan <命令 command> [选项 options]    bihuan <命令> --help\n")
    ours = {name: app for name, app in sorted(known().items()) if _ours(app)}
    for name, app in ours.items():
        first_line = (load_command_class(app, name).help or "").strip().split("\n", 1)[0]
        print(f"  {name:<12}{first_line}")
    print(f"\n开发用 for developers: {', '.join(sorted(FOR_DEVELOPERS - ours.keys()))}")
