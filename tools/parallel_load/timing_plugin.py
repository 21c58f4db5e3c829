"""A plugin of pytest that adds up how long the set-up and the tear-down of each test take, and tells it in a file.

Here belongs the adding up. What the times mean is `crowd`'s affair.
"""

import json
import os
from pathlib import Path
from typing import Final

import pytest

FILE: Final = "CROWD_TIMES"
"""What names the file in the environment."""


class _Clock:
    """Adds up what pytest measures of each test's set-up and tear-down."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.passed = 0
        self.processes: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self.passed += report.passed
            self.processes.add(getattr(report, "worker_id", "this"))
        else:
            self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration

    def pytest_sessionfinish(self) -> None:
        told = {"passed": self.passed, "seconds": self.seconds, "processes": len(self.processes)}
        Path(os.environ[FILE]).write_text(json.dumps(told))


def pytest_configure(config: pytest.Config) -> None:
    """Measure where the reports of all processes arrive."""
    if FILE in os.environ and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Clock())
