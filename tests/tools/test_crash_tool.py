"""What was acknowledged is there after a kill, once, and what was lost is known.

Here belong a few kills of each kind. `python -m crash` does many.
"""

import random
from pathlib import Path

import pytest

from crash.killable_emulator import opened
from crash.run import CLIENTS, SCENES, crash


@pytest.mark.parametrize("name", SCENES)
def test_a_kill_loses_nothing_that_was_acknowledged_and_repeats_nothing(name: str, tmp_path: Path) -> None:
    balance = crash(SCENES[name](tmp_path), 2, opened, random.Random(1))
    assert balance.sends >= 2 * CLIENTS, "each kill waits for as many"
    assert balance.lost_in <= balance.unanswered_fetches
