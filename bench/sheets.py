"""Import and export of cases: rows a second, with their events."""

import csv
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.core.management import call_command

ROWS = 100_000
MAP = """
title = "Bench"
zone = "Asia/Shanghai"

[region]
code = "990001000000"
name = "测量县"
level = 3

[column]
no = "no"
filed_at = "filed"
due_at = "due"
closed_at = "closed"
category = ["category"]
unit = "unit"
text = "text"

[date]
formats = ["%Y-%m-%d %H:%M:%S"]

[constant]
type = "help"
source = "import"

[unknown]
unit = "create"
category = "create"

[category]
under = "测量"

[due]
from = "file"
missing = "none"

[open]
as = "kept"
"""


def measure(say: Callable[[str], None]) -> None:
    """Import a generated sheet, again, and export what came in."""
    with tempfile.TemporaryDirectory() as folder:
        sheet, plan, out = Path(folder) / "cases.csv", Path(folder) / "map.toml", Path(folder) / "out.csv"
        _write(sheet)
        plan.write_text(MAP, encoding="utf-8")
        say("## Sheets\n\n| what | rows | seconds | rows/s |\n| --- | --- | --- | --- |")
        _timed(say, "import, with events, texts and counts", "import", "cases", str(sheet), map=str(plan))
        _timed(say, "import again (nothing twice)", "import", "cases", str(sheet), map=str(plan))
        _timed(say, "export to CSV", "export", "cases", str(out), region="990001000000")
        say("")


def _timed(say: Callable[[str], None], name: str, *command: str, **options: str) -> None:
    began = time.perf_counter()
    with Path("/dev/null").open("w") as quiet:
        call_command(*command, *(f"--{key}={value}" for key, value in options.items()), stdout=quiet)
    took = time.perf_counter() - began
    say(f"| {name} | {ROWS:,} | {took:.1f} | {ROWS / took:,.0f} |")


def _write(path: Path) -> None:
    dice, first = random.Random(7), datetime(2024, 1, 1, tzinfo=UTC)
    with path.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(["no", "filed", "due", "closed", "category", "unit", "text"])
        for n in range(ROWS):
            filed = first + timedelta(seconds=n * 300)
            due, closed = filed + timedelta(days=10), filed + timedelta(days=dice.random() * 14)
            ended = closed.strftime("%Y-%m-%d %H:%M:%S") if dice.random() < 0.9 else ""
            row = [f"B{n}", filed.strftime("%Y-%m-%d %H:%M:%S"), due.strftime("%Y-%m-%d %H:%M:%S"), ended]
            sheet.writerow([*row, f"类别{n % 40}", f"单位{n % 25}", f"第{n}件：路面破损，请尽快修补。"])
