"""The quick profile many times in a row against one emulator, with the other core busy. `make test-flaky` runs it.

Here belong the repeating, by which a flake would show, and the counting of seconds. What is examined is the suite's
own affair.
"""

import argparse
import multiprocessing
import os
import random
import re
import subprocess
import sys
import time

from support.emulators import emulator_process


def _busy() -> None:
    while True:
        sum(range(10_000))


def main() -> int:
    """Run, and print the figures; 1 where a run was not green."""
    parser = argparse.ArgumentParser(prog="flakiness", description=str(__doc__).partition("\n")[0])
    parser.add_argument("--runs", type=int, default=50)
    runs = parser.parse_args().runs
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    other = multiprocessing.Process(target=_busy, daemon=True)
    other.start()
    seconds, red = [], 0
    try:
        with emulator_process() as (_, (host, port)):
            url = f"http://{host}:{port}"
            for run in range(1, runs + 1):
                seed = random.SystemRandom().randrange(2**32)
                started = time.perf_counter()
                command = [sys.executable, "-m", "sms10692_contract", url, "--control", url, "--seed", str(seed)]
                ended = subprocess.run(
                    command, capture_output=True, encoding="utf-8", check=False, env=environment, timeout=600
                )
                seconds.append(time.perf_counter() - started)
                summary = (re.findall(r"^\d+ of \d+ clauses.*", ended.stdout, re.MULTILINE) or ["no summary"])[-1]
                print(f"{run:3}  seed {seed:10}  {seconds[-1]:5.1f} s  exit {ended.returncode}  {summary}", flush=True)
                if ended.returncode != 0:
                    red += 1
                    print(ended.stdout[ended.stdout.find("\n\n") :], ended.stderr, flush=True)
    finally:
        other.terminate()
    quickest, slowest = min(seconds), max(seconds)
    middle = sorted(seconds)[len(seconds) // 2]
    print(f"{runs - red} of {runs} green; {quickest:.1f} s to {slowest:.1f} s, half of them within {middle:.1f} s")
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main())
