"""Killed under load and started again, an emulator has kept what it promised: a few rounds of `make crash`."""

from pathlib import Path

import pytest

from crashing.killing import examined, killed


@pytest.mark.parametrize("options", [[], ["--durable"]], ids=["sqlite", "sqlite, durable"])
def test_what_was_answered_outlives_a_kill_and_nothing_is_handed_out_twice(tmp_path: Path, options: list[str]) -> None:
    store = f"sqlite:{tmp_path / 'store'}"
    memory, _ = killed(store, 2, 1, *options)
    figures = examined(store, memory, 2)
    assert figures.acknowledged > 0
    assert figures.reports > 0
