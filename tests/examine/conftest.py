"""A careless client for the tests of the command and of its reports."""

from pathlib import Path

import pytest

from examine.careless_clients import CARELESS_BY_NAME


@pytest.fixture
def careless(tmp_path: Path) -> str:
    """The path of a client that does not escape &."""
    driver = tmp_path / "careless & driver.py"
    driver.write_text(CARELESS_BY_NAME["& is not escaped"].build(), "utf-8")
    return str(driver)
