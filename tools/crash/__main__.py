"""`python -m crash [KILLS]`: many kills of each kind, and one table of what came of them.

Here belongs how the balance is told.
"""

import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from crash.killable_emulator import opened
from crash.oracle import CrashResult
from crash.run import SCENES, crash

_KILLS = 50


def main() -> None:
    """Print a row for each scene, as soon as it is known."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else _KILLS
    print("| killed | " + " | ".join(name.replace("_", " ") for name in CrashResult._fields) + " |")
    print("|---|" + "---:|" * len(CrashResult._fields))
    for name, scene in SCENES.items():
        with TemporaryDirectory() as folder:
            figures = crash(scene(Path(folder)), kills, opened, random.Random())
        print(f"| {name} | " + " | ".join(f"{figure:,}" for figure in figures) + " |", flush=True)


main()
