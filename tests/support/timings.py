"""Milliseconds that tests measure: whether they are asserted, as `make test-timing` does with nothing else at work.

Here belongs that one word. Beside other work tests assert what comes before what, and ratios.
"""

import os
from typing import Final

TIMINGS_ASSERTED: Final = bool(os.environ.get("SMS10692_ASSERT_TIMING"))
