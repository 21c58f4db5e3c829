"""What was acknowledged is there after a kill, once, and what was lost is known.

Here belong a few kills of each kind. `make crash` does many.
"""

import random
from pathlib import Path

import pytest

from crashing.rounds import SCENES, crash
from valkey_servers import THERE_ARE_SERVERS


@pytest.mark.parametrize("name", SCENES)
def test_a_kill_loses_nothing_that_was_acknowledged_and_repeats_nothing(name: str, tmp_path: Path) -> None:
    if "Valkey" in name and not THERE_ARE_SERVERS:
        pytest.skip("there is no server for Windows")
    balance = crash(SCENES[name](tmp_path), 2, random.Random(1))
    assert balance.sends > 16
    assert balance.lost_in <= balance.unanswered_fetches
