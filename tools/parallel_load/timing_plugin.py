"""pytest plugin that writes the duration of each test's set-up plus tear-down, in seconds, to a JSON file."""

import json
import os
from pathlib import Path
from typing import Final

import pytest

TIMES_FILE_VARIABLE: Final = "PARALLEL_TIMES_FILE"
"""Environment variable with the path of the JSON file."""


class _DurationRecorder:
    """Sums the durations in pytest's reports."""

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
        document = {"passed": self.passed, "seconds": self.seconds, "processes": len(self.processes)}
        Path(os.environ[TIMES_FILE_VARIABLE]).write_text(json.dumps(document))


def pytest_configure(config: pytest.Config) -> None:
    """Register the recorder in the controller process, where the reports of all workers arrive."""
    if TIMES_FILE_VARIABLE in os.environ and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_DurationRecorder())
