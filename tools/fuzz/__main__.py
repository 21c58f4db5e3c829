"""Command line of the fuzzer: `python -m fuzz [REQUESTS] [--seconds S] [--seed N]`.

Nearly all requests run in process, on every core; a few go over a socket. The exit code is 1 when a response was wrong.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from fuzz.run import FuzzStats, fuzz_in_process, fuzz_over_socket
from support.emulators import emulator_process

_SOCKET_RATIO = 50
"""One of this many requests goes over a socket."""
_SLICE_SIZE = 50_000
"""Requests per seed. The next slice uses the next seed and starts again from the unchanged requests."""


def _run_slice(task: tuple[int, int, float]) -> FuzzStats:
    seed, requests, deadline = task
    return fuzz_in_process(seed, requests, deadline)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fuzz", description="Send malformed HTTP requests and check every response.")
    parser.add_argument(
        "requests", nargs="?", type=int, default=1_000_000, help="number of requests (default: 1000000)"
    )
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time (default: no limit)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first slice (default: 1)")
    return parser.parse_args()


def main() -> None:
    """Run the command."""
    options = _parse_arguments()
    started = time.monotonic()
    deadline, stats = started + options.seconds, FuzzStats()
    over_socket = options.requests // _SOCKET_RATIO
    in_process = options.requests - over_socket
    sizes = [min(_SLICE_SIZE, in_process - done) for done in range(0, in_process, _SLICE_SIZE)]
    # With a time limit, the last tenth of the time is left for the requests over a socket.
    slice_deadline = deadline if options.seconds == float("inf") else deadline - options.seconds * 0.1
    tasks = [(seed, size, slice_deadline) for seed, size in enumerate(sizes, options.seed)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for slice_stats in pool.map(_run_slice, tasks):
            stats.add(slice_stats)
    with emulator_process("--log-level", "error", "--account", "12:test:mima:100000000") as (process, address):
        stats.add(fuzz_over_socket(options.seed, over_socket, address, deadline))
        process.terminate()
        log = process.communicate()[1]
        if "Traceback" in log:
            stats.failures.append(f"the log has a traceback:\n{log[log.index('Traceback') :][:3000]}")
    seconds = time.monotonic() - started
    total = stats.requests.total()
    sys.stdout.write(f"{total:,} malformed requests in {seconds:.0f} s, first seed {options.seed}\n")
    sys.stdout.writelines(
        f"  {name:<44} {count:>9,}\n" for name, count in sorted((stats.requests + stats.responses).items())
    )
    sys.stdout.write(f"  {'different kinds of responses':<44} {len(stats.novelty_keys):>9,}\n")
    sys.stdout.writelines(f"  WRONG: {failure}\n" for failure in stats.failures)
    if stats.failures:
        sys.exit(1)
    sys.stdout.write("  no exception, no 5xx, and every response is well-formed\n")


if __name__ == "__main__":
    main()
