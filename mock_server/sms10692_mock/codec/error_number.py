"""The number of a refusal of the two queue operations (4.4, 5.4)."""

from sms10692.protocol import Operation


def error_number(operation: Operation, message: str) -> int:
    """Return the number of a message in the manual's list, and the last number for any other message (R21).

    >>> from sms10692 import protocol
    >>> error_number(protocol.STATUS, protocol.CREDENTIALS_WRONG), error_number(protocol.STATUS, "非法签名")
    (2, 4)
    """
    messages = operation.messages
    return messages.index(message) + 1 if message in messages else len(messages)
