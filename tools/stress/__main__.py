"""`python -m stress SECONDS [SEED] [-- OPTIONS OF serve]`: let it storm, and print what came of it.

Here belongs the command; it ends with 1 where the books do not agree, or a quick request waited for long.
"""

import sys

from stress.probe import KINDS
from stress.run import StressSize, figures_in_words, run_stress

_LONGEST = 100.0
"""Milliseconds that 99 of 100 quick requests may wait at most."""


def main() -> None:
    """Run the command."""
    own, _, others = " ".join(sys.argv[1:]).partition("--")
    given = own.split()
    seconds, seed = float(given[0]) if given else 600.0, int(given[1]) if given[1:] else 1
    figures = run_stress(StressSize(), seed, seconds, arguments=others.split())
    slow = [kind for kind in KINDS if kind in figures.waits and figures.wait(kind, 0.99) > _LONGEST]
    sys.stdout.write(f"{seconds:.0f} s, seed {seed}\n{figures_in_words(figures)}\n")
    sys.stdout.writelines(f"  WRONG: {complaint}\n" for complaint in figures.complaints[:50])
    sys.stdout.writelines(f"  SLOW: {kind}: p99 is above {_LONGEST:.0f} ms\n" for kind in slow)
    if figures.complaints or slow:
        sys.exit(1)
    sys.stdout.write("  every acknowledged send has its reports exactly once, and the books agree\n")


if __name__ == "__main__":
    main()
