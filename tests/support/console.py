"""The console's pages as tests ask for them without a browser: which there are, and whom they are asked of.

Here belongs what several of them need. What a browser takes is in `console/`.
"""

from pathlib import Path

import pytest

from sms10692_mock.admin.console import i18n
from support.flask_emulator import FlaskEmulator

CONSOLE = Path(i18n.__file__).parent
CONSOLE_HEADERS = {"HX-Request": "true"}
PAGES = ("/", "/handset", "/requests", "/queues", "/account", "/weather", "/manual")


@pytest.fixture(scope="module")
def read_only_emulator() -> FlaskEmulator:
    """An emulator of which no test changes anything that another looks at."""
    return FlaskEmulator()
