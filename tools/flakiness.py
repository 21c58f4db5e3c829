"""Flakiness check: runs the quick contract suite many times against one emulator, while another process is busy.

Each run uses a new random seed. `make test-flaky` is the command.
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


def _keep_core_busy() -> None:
    while True:
        sum(range(10_000))


def main() -> int:
    """Run the suite repeatedly and print one line per run. Returns 1 when a run failed."""
    parser = argparse.ArgumentParser(prog="flakiness", description=str(__doc__).partition("\n")[0])
    parser.add_argument("--runs", type=int, default=50, help="number of runs (default: 50)")
    runs = parser.parse_args().runs
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    busy_process = multiprocessing.Process(target=_keep_core_busy, daemon=True)
    busy_process.start()
    seconds, failed = [], 0
    try:
        with emulator_process() as (_, (host, port)):
            url = f"http://{host}:{port}"
            for run in range(1, runs + 1):
                seed = random.SystemRandom().randrange(2**32)
                started = time.perf_counter()
                command = [sys.executable, "-m", "sms10692_contract", "run", url, "--control", url]
                command += ["--seed", str(seed)]
                completed = subprocess.run(
                    command, capture_output=True, encoding="utf-8", check=False, env=environment, timeout=600
                )
                seconds.append(time.perf_counter() - started)
                summary = (re.findall(r"^\d+ of \d+ clauses.*", completed.stdout, re.MULTILINE) or ["no summary"])[-1]
                print(
                    f"{run:3}  seed {seed:10}  {seconds[-1]:5.1f} s  exit {completed.returncode}  {summary}", flush=True
                )
                if completed.returncode != 0:
                    failed += 1
                    print(completed.stdout[completed.stdout.find("\n\n") :], completed.stderr, flush=True)
    finally:
        busy_process.terminate()
    median = sorted(seconds)[len(seconds) // 2]
    print(
        f"{runs - failed} of {runs} runs passed; "
        f"min {min(seconds):.1f} s, median {median:.1f} s, max {max(seconds):.1f} s"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
