"""A line to paste into a shell that gets a real answer: the first thing that somebody new can do.

Here belongs that one line. It is printed by the command and shown by the empty console.
"""

import re
from typing import Final
from urllib.parse import urlencode

from sms10692 import protocol, signing
from sms10692_mock.app.shell_quoting import quote_text
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.clock import to_china_datetime

_NUMBERS: Final = "15023239810,13527576163"
_TEXT: Final = "内容"
_MANUALS_TIMESTAMP: Final = "20120701231212"
_ORDINARY: Final = re.compile(r"[A-Za-z0-9.:/_\[\]-]+")


def example_curl(url: str, account: Account, now: float | None) -> str:
    """A send for this account. `now` is the moment to sign; None where any will do, and then it is the manual's."""
    timestamp = _MANUALS_TIMESTAMP if now is None else signing.format_timestamp(to_china_datetime(now))
    userid, stamp, sign, mobile, content, _, action, _ = protocol.SEND.parameters
    fields = {
        action: protocol.SEND.action,
        userid: account.userid,
        stamp: timestamp,
        sign: signing.sign(account.account, account.password, timestamp),
        mobile: _NUMBERS,
        content: _TEXT,
    }
    address = f"{url}{protocol.V2SMS.path}"
    # Double quotes are what Windows' cmd reads too; in a form and an ordinary address nothing is special within them.
    quoted = f'"{address}"' if _ORDINARY.fullmatch(address) else quote_text(address)
    return f'curl {quoted} -d "{urlencode(fields, safe=",")}"'
