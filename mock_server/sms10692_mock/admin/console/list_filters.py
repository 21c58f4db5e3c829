"""Lists: which items of one a page shows, as its address says.

Here belongs the way from the address bar to a `ListQuery`.
"""

from typing import Any, Final

from flask import request

from sms10692_mock.admin.services.schemas import ListQuery
from sms10692_mock.domain.bounds import MAX_NUMBER

SHOWN: Final = 50
"""Items that a page shows at a time."""

_NUMBERS: Final = frozenset({"task_id"})


def query_from_url(*names: str) -> tuple[ListQuery, bool]:
    """The newest items that fit these fields of the address, as many as a page shows; and whether any is filled in.

    What can be no number is taken for one that nothing has: then nothing fits.
    """
    wanted: dict[str, Any] = {}
    for name in names:
        written = request.args.get(name, "").strip()
        if written:
            wanted[name] = (_whole(written) or MAX_NUMBER) if name in _NUMBERS else written
    return ListQuery(**wanted, after=_whole(request.args.get("after", "")), order="desc", limit=SHOWN), bool(wanted)


def _whole(written: str) -> int | None:
    """The number that is written there, or None where a `ListQuery` takes none of the kind.

    >>> _whole("100001"), _whole("0"), _whole("-1"), _whole("²"), _whole("9" * 5000)
    (100001, None, None, None, None)
    """
    digits = written if written.isascii() and written.isdigit() and len(written) <= len(str(MAX_NUMBER)) else "0"
    return int(digits) if 1 <= int(digits) <= MAX_NUMBER else None
