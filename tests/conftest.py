"""How Hypothesis looks for counterexamples here: repeatably in CI, afresh each time elsewhere; and what is collected.

Here belongs what holds for every test.
"""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A shared machine stalls now and then, so a slow example is no failure; what is slow is measured in benchmarks/.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The suite's clauses are tests only where there is something to examine."""
    has_plugin = config.pluginmanager.hasplugin("sms10692_contract.plugin")
    return True if collection_path.name == "test_clauses.py" and not has_plugin else None


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Whoever was started in the background ignores Ctrl-C, and so would all that the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(
        signal.SIGHUP, signal.SIG_DFL
    )  # `nohup` ignores this signal, and processes that tests start inherit that
