"""Lists: which items of one a page shows, as its address says.

Here belongs the way from the address bar to a `Seek`.
"""

from typing import Any, Final

from flask import request

from sms10692_mock.control.documents import Seek

SHOWN: Final = 50
"""Items that a page shows at a time."""

_NUMBERS: Final = frozenset({"task_id"})


def seek_of(*names: str) -> tuple[Seek, bool]:
    """The newest items that fit these fields of the address, as many as a page shows; and whether any is filled in.

    What can be no number is none that anything has: then nothing fits.
    """
    wanted: dict[str, Any] = {}
    for name in names:
        written = request.args.get(name, "").strip()
        if written:
            wanted[name] = _whole(written) if name in _NUMBERS else written
    after = _whole(request.args.get("after", "0"))
    return Seek(**wanted, after=after if after > 0 else None, order="desc", limit=SHOWN), bool(wanted)


def _whole(written: str) -> int:
    return int(written) if written.isascii() and written.isdigit() and len(written) < 19 else -1
