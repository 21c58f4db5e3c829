"""Crash recovery: acknowledged sends survive a kill exactly once. `make test-crash` kills far more often."""

import random
from pathlib import Path

import pytest

from crash.killable_emulator import open_crash_store
from crash.run import CLIENTS, SCENARIOS, run_crash_test

pytestmark = pytest.mark.slow("Kills and restarts emulators and Valkey servers under load.")


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_kill_loses_no_acknowledged_send_and_repeats_none(name: str, tmp_path: Path) -> None:
    result = run_crash_test(SCENARIOS[name](tmp_path), 2, open_crash_store, random.Random(1))
    assert result.sends >= 2 * CLIENTS, "each kill waits for as many"
    assert result.lost_responses <= result.unanswered_fetches
