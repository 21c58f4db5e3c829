"""Command line of the stress test: `python -m stress [SECONDS [SEED]] [-- OPTIONS OF serve]`.

The exit code is 1 when the records disagree, or when the probe's latency is too high.
"""

import sys

from stress.probe import KINDS
from stress.run import StressSize, format_result, run_stress

_MAX_P99 = 100.0
"""Milliseconds that 99 % of the probe's requests must stay below."""


def main() -> None:
    """Run the command."""
    own, _, serve_options = " ".join(sys.argv[1:]).partition("--")
    arguments = own.split()
    seconds = float(arguments[0]) if arguments else 600.0
    seed = int(arguments[1]) if arguments[1:] else 1
    result = run_stress(StressSize(), seed, seconds, arguments=serve_options.split())
    slow = [kind for kind in KINDS if kind in result.latencies and result.percentile(kind, 0.99) > _MAX_P99]
    sys.stdout.write(f"{seconds:.0f} s, seed {seed}\n{format_result(result)}\n")
    sys.stdout.writelines(f"  WRONG: {failure}\n" for failure in result.failures[:50])
    sys.stdout.writelines(f"  SLOW: {kind}: p99 is above {_MAX_P99:.0f} ms\n" for kind in slow)
    if result.failures or slow:
        sys.exit(1)
    sys.stdout.write("  every acknowledged send has its reports exactly once, and all records agree\n")


if __name__ == "__main__":
    main()
