"""How a report says whether its message was delivered: status and errorcode, by the key `delivered` of a profile."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from sms10692 import protocol

StateWriter: TypeAlias = Callable[[int, str], tuple[str | int, str]]
"""A function from status and errorcode to what a report has instead."""

STATE_WRITERS: Final[Mapping[str, StateWriter | None]] = {
    "status-10": None,
    "status-DELIVRD": lambda status, errorcode: (
        protocol.DELIVERED_WORD if status == protocol.DELIVERED else protocol.FAILED_WORD,
        "",
    ),
    "errorcode-10": lambda status, errorcode: (
        status,
        str(protocol.DELIVERED) if status == protocol.DELIVERED else errorcode,
    ),
}
"""By the value of the key; None changes nothing."""

WITHOUT_ERRORCODE: Final = frozenset({"status-DELIVRD"})
"""The values with which a report has no errorcode."""
