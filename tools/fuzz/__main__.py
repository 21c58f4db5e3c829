"""`python -m fuzz [REQUESTS] [--seconds S] [--seed N]`: so many malformed requests, or as many as there is time for.

Here belongs the command: nine of ten in process on every core, a few over a socket, and what came of it in figures.
It ends with 1 where an answer was wrong.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from fuzz.run import FuzzStats, fuzz_in_process, fuzz_over_socket
from support.emulators import emulator_process

_OVER_A_SOCKET = 50
"""One request of so many goes over a socket."""
_TO_CONTROL = 0.05
_SLICE = 50_000
"""Requests of one seed; the next slice has another, and begins with the real requests again."""


def _in_process(task: tuple[int, int, float]) -> FuzzStats:
    seed, requests, until = task
    return fuzz_in_process(seed, requests, until, _TO_CONTROL)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="fuzz", description="Send malformed HTTP requests and check every response.")
    parser.add_argument(
        "requests", nargs="?", type=int, default=1_000_000, help="number of requests (default: 1000000)"
    )
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time (default: no limit)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first slice (default: 1)")
    options = parser.parse_args()
    requests, seconds, first_seed, begun = options.requests, options.seconds, options.seed, time.monotonic()
    until, found = begun + seconds, FuzzStats()
    over_socket = requests // _OVER_A_SOCKET
    rest = requests - over_socket
    slices = [min(_SLICE, rest - done) for done in range(0, rest, _SLICE)]
    tasks = [
        (seed, size, until - seconds * 0.1 if seconds < 1e9 else until) for seed, size in enumerate(slices, first_seed)
    ]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for seen in pool.map(_in_process, tasks):
            found.add(seen)
    with emulator_process("--log-level", "error", "--account", "12:test:mima:100000000") as (process, address):
        found.add(fuzz_over_socket(first_seed, over_socket, address, until))
        process.terminate()
        said = process.communicate()[1]
        if "Traceback" in said:
            found.wrongs.append(f"the log has a traceback:\n{said[said.index('Traceback') :][:3000]}")
    took = time.monotonic() - begun
    asked = found.asked.total()
    sys.stdout.write(f"{asked:,} malformed requests in {took:.0f} s, seeds from {first_seed}\n")
    sys.stdout.writelines(
        f"  {name:<44} {count:>9,}\n" for name, count in sorted((found.asked + found.answers).items())
    )
    sys.stdout.write(f"  {'kinds of answers':<44} {len(found.kinds):>9,}\n")
    sys.stdout.writelines(f"  WRONG: {one}\n" for one in found.wrongs)
    if found.wrongs:
        sys.exit(1)
    sys.stdout.write("  no exception, no 5xx, and every answer well-formed\n")


if __name__ == "__main__":
    main()
