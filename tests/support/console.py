"""The console's pages as tests ask for them without a browser: which there are, and whom they are asked of.

Here belongs what several of them need. What a browser takes is in `console/`.
"""

from pathlib import Path

import pytest

from sms10692_mock.admin.console import i18n
from support.flask_emulator import Office

CONSOLE = Path(i18n.__file__).parent
OF_THE_CONSOLE = {"HX-Request": "true"}
PAGES = ("/", "/handset", "/requests", "/queues", "/account", "/weather", "/manual")


@pytest.fixture(scope="module")
def quiet() -> Office:
    """An emulator of which no test changes anything that another looks at."""
    return Office()
