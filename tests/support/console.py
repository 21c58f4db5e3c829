"""Helpers for console tests that use the Flask test client. Tests with a browser are in `tests/console`."""

from pathlib import Path

import pytest

from sms10692_mock.admin.console import i18n
from support.flask_emulator import FlaskEmulator

CONSOLE = Path(i18n.__file__).parent
CONSOLE_HEADERS = {"HX-Request": "true"}
PAGES = ("/", "/accounts", "/phone", "/requests", "/queues", "/account", "/faults", "/contract", "/profile", "/send")


@pytest.fixture(scope="module")
def read_only_emulator() -> FlaskEmulator:
    """A shared emulator that no test may change in a way that another test could notice."""
    return FlaskEmulator()
