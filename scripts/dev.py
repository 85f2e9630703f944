#!/usr/bin/env python3
"""From a fresh checkout to a running product. Needs Python >= 3.11 and nothing else; uses its standard library only.

python3 scripts/dev.py setup | demo | serve | test | lint | bench | lock | clean
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
LOCKS = ROOT / "requirements"
FRONT, DIST, MODULES = ROOT / "front", ROOT / "bihuan" / "web" / "static" / "dist", ROOT / "node_modules"
LOCALE = ROOT / "bihuan" / "locale"
OLDEST_PYTHON, OLDEST_NODE = (3, 11), 20
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


def main() -> int:
    use_a_python_new_enough()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=sorted(COMMANDS))
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="passed on")
    given = parser.parse_args()
    os.chdir(ROOT)
    try:
        return COMMANDS[given.what](given.rest)
    except subprocess.CalledProcessError as error:
        say(f"failed ({error.returncode}): {' '.join(map(str, error.cmd))}")
        return 1
    except KeyboardInterrupt:
        return 130


# --- What can be asked for ------------------------------------------------------------------------------------------


def setup(rest: list[str]) -> int:
    """Virtual environment, locked dependencies, front end, translations; each step only when its sources changed."""
    began = time.monotonic()
    make_venv()
    install(["build", "run", *(["dev"] if "--dev" in rest else [])])
    build_front()
    compile_messages()
    say(f"ready in {time.monotonic() - began:.1f} s")
    return 0


def demo(rest: list[str]) -> int:
    setup([])
    return become([BIN / "bihuan", "demo", *(rest or ["up"])])


def serve(rest: list[str]) -> int:
    setup([])
    return become([BIN / "bihuan", "serve", *rest])


def test(rest: list[str]) -> int:
    """Lint, types, the tests that differ by server on a server given by address, then all tests. Says what it skips."""
    setup(["--dev"])
    have_chromium()
    if rest:
        return become([BIN / "python", "-m", "pytest", *rest])
    failed = failures(CHECKS)
    given = [BIN / "python", "-m", "tests.cluster", "--", BIN / "python", "-m", "pytest", "-q", "-m", "either_server"]
    failed += failures({"tests on a server named by DATABASE_URL": given})
    tests = [BIN / "python", "-m", "pytest", "-q"]
    failed += failures({"tests": [*tests, "-m", "not browser", "-n", "auto", "--dist", "loadfile"]})
    # By themselves, one after the other: a browser beside other tests on two cores waits for what they use. What failed
    # is walked once more, because a real browser may stumble over nothing of ours; failing twice is failing.
    walks = {"walks in a browser": [*tests, "-m", "browser"]}
    if failures(walks):
        failed += failures({"walks that failed, again": [*tests, "-m", "browser", "--last-failed"]})
    for name in failed:
        say(f"FAILED: {name}")
    return 1 if failed else 0


def lint(rest: list[str]) -> int:
    setup(["--dev"])
    return 1 if failures(CHECKS) else 0


def bench(rest: list[str]) -> int:
    setup(["--dev"])
    return become([BIN / "python", "-m", "bench", *rest])


def lock(rest: list[str]) -> int:
    """Write requirements/*.txt anew from *.in, with hashes for every file of every version and no index address."""
    make_venv()
    install(["build"])
    for name in ("build", "node", "run", "dev", "ml"):
        bound = ["-c", "run.txt"] if name in ("dev", "ml") else []
        options = ["--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--upgrade"]
        plain = ["--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "make lock"]
        run([BIN / "uv", "pip", "compile", *options, *plain, *bound, f"{name}.in", "-o", f"{name}.txt"], cwd=LOCKS)
    return 0


def clean(rest: list[str]) -> int:
    """Remove what setup made. The data in var/ stays: it is not ours to throw away."""
    for path in (VENV, MODULES, DIST, *ROOT.glob("*.egg-info"), *ROOT.glob(".*_cache")):
        shutil.rmtree(path, ignore_errors=True)
    return 0


COMMANDS = {one.__name__: one for one in (setup, demo, serve, test, lint, bench, lock, clean)}
CHECKS = {
    "ruff check": [BIN / "ruff", "check", "."],
    "ruff format": [BIN / "ruff", "format", "--check", "."],
    "mypy": [BIN / "mypy"],
}


def failures(steps: dict[str, list]) -> list[str]:
    failed = []
    for name, command in steps.items():
        say(name)
        if subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode:
            failed.append(name)
    return failed


# --- Python ---------------------------------------------------------------------------------------------------------


def use_a_python_new_enough() -> None:
    if sys.version_info >= OLDEST_PYTHON:
        return
    for minor in range(14, OLDEST_PYTHON[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            os.execv(newer, [newer, *sys.argv])
    sys.exit(f"Python >= 3.11 is needed; this is {sys.version.split()[0]}")


def make_venv() -> None:
    if works([BIN / "python", "-m", "pip", "--version"]):
        return
    say("virtual environment")
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=False)
    if done.returncode:
        sys.exit("this Python has no venv module; on Debian: apt-get install python3-venv")


def install(sets: list[str]) -> None:
    """Install the locked sets by uv, which is several times faster, or by pip; both check the hashes."""
    files = [LOCKS / f"{name}.txt" for name in sets]
    stamp, key = VENV / f"installed-{'-'.join(sets)}", digest([*files, ROOT / "pyproject.toml", LOCKS / "run.in"])
    if up_to_date(stamp, key):
        return
    say(f"dependencies: {', '.join(sets)}")
    pip = [BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "-r", LOCKS / "build.txt"])
    asked = [part for file in files for part in ("-r", file)]
    uv = [BIN / "uv", "pip", "install", "--quiet", "--python", BIN / "python"]
    # pip may know a mirror that uv does not: when uv fails for whatever reason, pip has the last word.
    if not tried([*uv, "--require-hashes", *asked]):
        for file in files:
            run([*pip, "--require-hashes", "-r", file])
    if "run" in sets:
        run([*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT])
    stamp.write_text(key)


# --- Front end and translations -------------------------------------------------------------------------------------


def build_front() -> None:
    sources = [file for file in sorted(FRONT.rglob("*")) if file.is_file()]
    if not (FRONT / "build.mjs").exists():
        return say("no front end sources: skipped")
    stamp, key = VENV / "built-front", digest([*sources, ROOT / "package-lock.json"])
    if up_to_date(stamp, key) and DIST.exists():
        return None
    node, npm = find_node()
    install_modules(npm)
    say("front end")
    run([*node, "front/build.mjs"], env=path_with(node[0]))
    stamp.write_text(key)
    return None


def install_modules(npm: list) -> None:
    stamp, key = MODULES / ".installed", digest([ROOT / "package-lock.json"])
    if up_to_date(stamp, key):
        return
    say("front end packages")
    command = [*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    if not tried(command, env=path_with(npm[0])):
        run(command, env=path_with(npm[0]))  # a second time: a single lost connection should not stop a first day
    stamp.write_text(key)


def find_node() -> tuple[list, list]:
    """(node, npm): the system's when new enough, else the ones that a Python package brings."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and node_major(node) >= OLDEST_NODE:
        return [node], [npm]
    install(["build", "node"])
    return [BIN / "node"], [BIN / "npm"]


def node_major(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return int(said.strip().lstrip("v").split(".")[0] or 0) if said.startswith("v") else 0


def path_with(program: object) -> dict[str, str]:
    return {"PATH": f"{Path(str(program)).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def compile_messages() -> None:
    stale = [po for po in LOCALE.rglob("*.po") if not newer(po.with_suffix(".mo"), po)]
    for po in stale:
        run([BIN / "pybabel", "--quiet", "compile", "-i", po, "-o", po.with_suffix(".mo")])


# --- Browser for the tests ------------------------------------------------------------------------------------------


def have_chromium() -> None:
    if any(Path(path).exists() for path in CHROMIUM):
        return
    can = hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")
    if can:
        say("chromium and Chinese fonts for the browser tests")
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        packages = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-noto-cjk"]
        if tried(["apt-get", "update", "-qq"], env=quiet) and tried(packages, env=quiet):
            return
    say("no chromium here and none could be installed: the browser tests will be SKIPPED")


# --- Small things ---------------------------------------------------------------------------------------------------


def say(words: str) -> None:
    print(f"\033[1m· {words}\033[0m" if sys.stdout.isatty() else f"· {words}", flush=True)


def run(command: list, *, env: dict[str, str] | None = None, cwd: Path = ROOT) -> None:
    subprocess.run([str(part) for part in command], cwd=cwd, env=os.environ | (env or {}), check=True)


def tried(command: list, *, env: dict[str, str] | None = None) -> bool:
    try:
        run(command, env=env)
    except (subprocess.CalledProcessError, OSError) as error:
        say(f"did not work: {error}")
        return False
    return True


def works(command: list) -> bool:
    try:
        return not subprocess.run([str(part) for part in command], capture_output=True, check=False).returncode
    except OSError:
        return False


def become(command: list) -> int:
    """Replace this process, so that Ctrl-C and signals reach the program itself."""
    sys.stdout.flush()
    os.execv(str(command[0]), [str(part) for part in command])
    return 1


def digest(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for file in files:
        total.update(str(file.relative_to(ROOT)).encode() + b"\0" + (file.read_bytes() if file.exists() else b""))
    return total.hexdigest()


def up_to_date(stamp: Path, key: str) -> bool:
    return stamp.exists() and stamp.read_text() == key


def newer(made: Path, source: Path) -> bool:
    return made.exists() and made.stat().st_mtime >= source.stat().st_mtime


if __name__ == "__main__":
    sys.exit(main())
