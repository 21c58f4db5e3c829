"""The number of a refusal of the two queue operations (4.4, 5.4)."""

from collections.abc import Mapping
from typing import Final

from sms10692 import protocol
from sms10692.protocol import Operation

_OTHER_NUMBERS: Final[Mapping[str, int]] = {protocol.REPLIES_NOT_ALLOWED: 3, protocol.NO_RECORDS: 5}
"""Numbers of messages that the manual does not have."""

_NUMBERS_TO_6: Final[Mapping[str, int]] = {protocol.BALANCE_TOO_SMALL: 5, protocol.OTHER_ERROR: 6}
"""Numbers of further messages in profiles with six errors (R22)."""


def error_number(operation: Operation, message: str, queue_errors: int = 4) -> int:
    """Return the number of a message in the manual's list, that of another known message, and otherwise 4 (R21).

    `queue_errors` is that of the profile.

    >>> error_number(protocol.STATUS, protocol.CREDENTIALS_WRONG), error_number(protocol.STATUS, "非法签名")
    (2, 4)
    >>> error_number(protocol.CALL, protocol.OTHER_ERROR), error_number(protocol.CALL, protocol.OTHER_ERROR, 6)
    (4, 6)
    """
    messages = operation.messages
    if message in messages:
        return messages.index(message) + 1
    others = _OTHER_NUMBERS if queue_errors == len(messages) else {**_OTHER_NUMBERS, **_NUMBERS_TO_6}
    return others.get(message, len(messages))
