"""The pictures of the README, as the browser walks leave them: `.venv/bin/python scripts/pictures.py`.

Walks every desk in a real browser, then keeps the pictures named here, with a palette of 256 colours.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PICTURES = {
    "wall": "wall-county",
    "resident": "resident-result",
    "report": "resident-report",
    "grid": "grid-home",
    "case": "case-reply",
    "hotline": "hotline-intake",
    "centre": "centre-dispatch",
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        walks = [sys.executable, "-m", "pytest", "tests/browser", "-q"]
        subprocess.run(walks, cwd=ROOT, env=os.environ | {"BIHUAN_SHOTS": folder}, check=True)
        (ROOT / "docs" / "pictures").mkdir(exist_ok=True)
        for name, shot in PICTURES.items():
            picture = Image.open(Path(folder) / f"{shot}.png").convert("RGB")
            picture.quantize(256).save(ROOT / "docs" / "pictures" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
