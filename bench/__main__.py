"""`make bench`: measures the product on this machine and prints Markdown.

python -m bench [--cases 10000,100000,1000000] [--only filing,pages,sheets] [--keep DIR]
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default="10000,100000,1000000", help="table sizes, growing")
    parser.add_argument("--only", default="filing,pages,sheets", help="which tables")
    parser.add_argument("--keep", type=Path, help="data directory to use and keep; a temporary one otherwise")
    given = parser.parse_args()
    home = given.keep or Path(tempfile.mkdtemp(prefix="bihuan-bench-"))
    _settle(home)
    try:
        from bench import session

        session.run([int(size) for size in given.cases.split(",")], set(given.only.split(",")), say)
    finally:
        stop_database()
        if not given.keep:
            shutil.rmtree(home, ignore_errors=True)


def _settle(home: Path) -> None:
    """Name the data directory and a free port in the environment, before settings are read."""
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o711)
    os.environ |= {
        "BIHUAN_VAR": str(home),
        "PORT": str(free_port()),
        "BIHUAN_CHANNEL": "file",
        "BIHUAN_CALLS_A_MINUTE": "100000000",
        "BIHUAN_LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "bihuan.settings",
    }
    os.environ.pop("DATABASE_URL", None)
    subprocess.run([sys.executable, "-m", "bihuan", "db", "start"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)

    import django

    django.setup()


def stop_database() -> None:
    subprocess.run([sys.executable, "-m", "bihuan", "db", "stop"], check=False, cwd=ROOT, stdout=subprocess.DEVNULL)


def free_port() -> int:
    """A port with a free neighbour for the live process."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def say(line: str = "") -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
