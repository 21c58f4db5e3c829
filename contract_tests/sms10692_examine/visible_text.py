"""Control characters in the texts of a driver or of a response, made visible.

A terminal obeys them, and XML cannot hold them.
"""

import re
from typing import Final

_INVISIBLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Everything that XML cannot hold, and the other control characters, but tabs and line feeds."""


def make_visible(text: str) -> str:
    r"""Return a text with escapes, such as `\x1b`, in place of control characters and halves of characters."""
    return _INVISIBLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
