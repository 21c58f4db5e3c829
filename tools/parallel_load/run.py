"""A crowd of tests with the fixture `sms_vendor`, run by a pytest of its own, and how long the fixture takes.

Here belongs starting that pytest. It tells its times by `crowd_times`; what the tests do is in `crowded_tests`.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from parallel_load.timing_plugin import FILE


class Times(NamedTuple):
    """How a crowd fared: what pytest said, and milliseconds of set-up and tear-down for each test.

    `fixture` are those of tests with `sms_vendor` but for the first of each process, `bare` those of tests without.
    """

    passed: int
    said: str
    fixture: list[float]
    bare: list[float]

    def cost(self) -> float:
        """The median of what the fixture adds."""
        return statistics.median(self.fixture) - statistics.median(self.bare)

    def figures(self) -> str:
        """The same in words, with how it spreads."""
        tenth, *_, last = statistics.quantiles(self.fixture, n=10)
        return f"{self.cost():.2f} ms, nine of ten from {tenth:.2f} to {last:.2f} with what pytest itself takes"


def crowd(folder: Path, tests: int, *arguments: str) -> Times:
    """Run `tests` tests in this folder, as many again that look at a fresh account, and as many without the fixture."""
    shutil.copy(Path(__file__).with_name("template_tests.py"), folder / "test_crowd.py")
    times = folder / "times.json"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "SMS10692_"))}
    environment |= {"CROWD": str(tests), FILE: str(times), "PYTHONPATH": str(Path(__file__).parent)}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "timing_plugin", "-W", "error", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=240,
    )
    assert times.exists(), ended.stdout + ended.stderr
    told: dict[str, Any] = json.loads(times.read_text())
    bare = [1e3 * seconds for name, seconds in told["seconds"].items() if "without" in name]
    fixture = [1e3 * seconds for name, seconds in told["seconds"].items() if "without" not in name]
    return Times(told["passed"], ended.stdout, sorted(fixture)[: -told["processes"]], bare)
