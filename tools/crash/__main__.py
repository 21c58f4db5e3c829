"""Command line of the crash test: `python -m crash [KILLS]` prints one table row per scenario."""

import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from crash.killable_emulator import open_crash_store
from crash.oracle import CrashResult
from crash.run import SCENARIOS, run_crash_test

_DEFAULT_KILLS = 50


def main() -> None:
    """Run every scenario, and print each row as soon as the scenario has finished."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else _DEFAULT_KILLS
    print("| killed | " + " | ".join(name.replace("_", " ") for name in CrashResult._fields) + " |")
    print("|---|" + "---:|" * len(CrashResult._fields))
    for name, scenario in SCENARIOS.items():
        with TemporaryDirectory() as folder:
            result = run_crash_test(scenario(Path(folder)), kills, open_crash_store, random.Random())
        print(f"| {name} | " + " | ".join(f"{count:,}" for count in result) + " |", flush=True)


main()
