"""Whether time limits are asserted: `make test-timing` sets SMS10692_ASSERT_TIMING on an idle machine.

Other runs assert order and ratios only, because a busy machine must not fail tests.
"""

import os
from typing import Final

TIMINGS_ASSERTED: Final = bool(os.environ.get("SMS10692_ASSERT_TIMING"))
