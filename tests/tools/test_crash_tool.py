"""Crash recovery: acknowledged sends survive a kill exactly once. `make test-crash` kills far more often."""

from pathlib import Path

import pytest

from stress.crash import CLIENTS, SCENARIOS, emulator_killed, run_crash_test

pytestmark = pytest.mark.slow("Kills and restarts emulators and Valkey servers under load.")


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_kill_loses_no_acknowledged_send_and_repeats_none(name: str, tmp_path: Path) -> None:
    counts = run_crash_test(SCENARIOS[name](tmp_path), 2, seed=1)
    assert counts["sends acknowledged"] >= 2 * CLIENTS, "each kill waits for as many"
    assert counts["reports received"] > 0
    assert counts["replies received"] > 0


def test_a_store_that_forgets_is_noticed() -> None:
    with pytest.raises(AssertionError, match="is recorded in task None"):
        run_crash_test(emulator_killed("memory"), 1, seed=1)
