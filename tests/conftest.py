"""Settings of all tests: Hypothesis profiles (repeatable in CI, random elsewhere), collection, and signals."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No deadline: a busy machine must not fail tests. Speed is measured in benchmarks/.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect the contract suite's `test_clauses.py` only if its pytest plugin is active."""
    has_plugin = config.pluginmanager.hasplugin("sms10692_contract.plugin")
    return True if collection_path.name == "test_clauses.py" and not has_plugin else None


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs with SIGINT ignored, and child processes would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    # `nohup` ignores SIGHUP, and child processes would inherit that.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
