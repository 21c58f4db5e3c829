"""Parallel load test of the fixture `sms_vendor`: runs many tests in a pytest process, and measures the fixture's cost.

`template_tests` contains the tests; `timing_plugin` writes the durations to a JSON file.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from parallel_load.timing_plugin import TIMES_FILE_VARIABLE


class ParallelResult(NamedTuple):
    """Result of a run: pytest's output, and milliseconds of set-up plus tear-down for each test.

    `fixture` is for tests that use `sms_vendor`, without the slowest of each process (the first, which starts the
    emulator); `bare` is for tests that do not use the fixture.
    """

    passed: int
    output: str
    fixture: list[float]
    bare: list[float]

    def cost(self) -> float:
        """Return the median milliseconds that the fixture adds to a test."""
        return statistics.median(self.fixture) - statistics.median(self.bare)

    def format(self) -> str:
        """Format the cost with its spread."""
        tenth, *_, last = statistics.quantiles(self.fixture, n=10)
        return f"{self.cost():.2f} ms (10th to 90th percentile, pytest included: {tenth:.2f} to {last:.2f} ms)"


def run_parallel_tests(folder: Path, tests: int, *arguments: str) -> ParallelResult:
    """Run three groups of `tests` tests each: using an account, checking that it is fresh, and without the fixture."""
    shutil.copy(Path(__file__).with_name("template_tests.py"), folder / "test_parallel.py")
    times = folder / "times.json"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "SMS10692_"))}
    environment |= {"TEST_COUNT": str(tests), TIMES_FILE_VARIABLE: str(times), "PYTHONPATH": str(Path(__file__).parent)}
    completed = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "timing_plugin", "-W", "error", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=240,
    )
    assert times.exists(), completed.stdout + completed.stderr
    document: dict[str, Any] = json.loads(times.read_text())
    bare = [1e3 * seconds for name, seconds in document["seconds"].items() if "without" in name]
    fixture = [1e3 * seconds for name, seconds in document["seconds"].items() if "without" not in name]
    return ParallelResult(document["passed"], completed.stdout, sorted(fixture)[: -document["processes"]], bare)
