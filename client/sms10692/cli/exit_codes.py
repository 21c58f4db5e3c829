"""Exit codes of the command line. The help text of `sms10692 --help` documents them for users."""

from typing import Final

REFUSED: Final = 1
USAGE: Final = 2
NO_RESPONSE: Final = 3
INTERNAL_ERROR: Final = 70
"""An unexpected exception: EX_SOFTWARE of sysexits.h."""
INTERRUPTED: Final = 130
