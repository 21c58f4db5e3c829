"""Exceptions of the client, and the reasons for which the vendor refuses a request.

    SmsError
    ├── VendorRefusal     the vendor refused the request
    ├── InvalidResponse   the response does not follow the manual
    ├── ConnectionFailed  no response arrived
    ├── SpoolError        a response arrived and could not be written to the spool directory
    └── UnencodableText   nothing was sent: the endpoint's charset cannot encode the text

Every exception carries its evidence and can be pickled. **No exception contains a password.**
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from sms10692 import protocol


@dataclass(frozen=True, slots=True)
class RawResponse:
    """An HTTP response as received: status, headers by lower-case name, and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Reason(Enum):
    """Reason for a refusal, derived from the vendor's message (1.3, 2.3, 3.3, 4.4, 5.4)."""

    CREDENTIALS_EMPTY = "credentials-empty"
    SQL_INJECTION = "sql-injection"
    CREDENTIALS_WRONG = "credentials-wrong"
    MOBILE_EMPTY = "mobile-empty"
    CONTENT_EMPTY = "content-empty"
    FORBIDDEN_WORD = "forbidden-word"
    BALANCE_TOO_SMALL = "balance-too-small"
    OTHER_ERROR = "other-error"
    REPORTS_NOT_ALLOWED = "reports-not-allowed"
    PARAMETER_WRONG = "parameter-wrong"
    NOT_IN_THE_MANUAL = "not-in-the-manual"


REFUSALS: Final[Mapping[str, Reason]] = {
    protocol.CREDENTIALS_EMPTY: Reason.CREDENTIALS_EMPTY,
    protocol.SQL_INJECTION: Reason.SQL_INJECTION,
    protocol.CREDENTIALS_WRONG: Reason.CREDENTIALS_WRONG,
    protocol.MOBILE_EMPTY: Reason.MOBILE_EMPTY,
    protocol.CONTENT_EMPTY: Reason.CONTENT_EMPTY,
    protocol.FORBIDDEN_IN_SEND: Reason.FORBIDDEN_WORD,
    protocol.FORBIDDEN_FOUND: Reason.FORBIDDEN_WORD,
    protocol.BALANCE_TOO_SMALL: Reason.BALANCE_TOO_SMALL,
    protocol.OTHER_ERROR: Reason.OTHER_ERROR,
    protocol.REPORTS_NOT_ALLOWED: Reason.REPORTS_NOT_ALLOWED,
    protocol.PARAMETER_WRONG: Reason.PARAMETER_WRONG,
}
"""Reason by the vendor's message."""


FORBIDDEN_PREFIXES: Final = (protocol.FORBIDDEN_IN_SEND, "包含屏蔽词：")
"""Beginnings of the message about a forbidden word. Servers of other brands append the word."""


def classify_refusal(message: str) -> Reason:
    """Return the reason that a refusal message stands for, or NOT_IN_THE_MANUAL.

    >>> classify_refusal("包含非法字符：发票"), classify_refusal("非法签名")
    (<Reason.FORBIDDEN_WORD: 'forbidden-word'>, <Reason.NOT_IN_THE_MANUAL: 'not-in-the-manual'>)
    """
    if message.startswith(FORBIDDEN_PREFIXES):
        return Reason.FORBIDDEN_WORD
    return REFUSALS.get(message, Reason.NOT_IN_THE_MANUAL)


class SmsError(Exception):
    """Base class of all exceptions of this package."""


class VendorRefusal(SmsError):
    """The vendor refused the request.

    `message` is the vendor's text and `reason` its classification. `code` is the error number of the queue endpoints
    (4.4, 5.4), None for the others. `response` is the HTTP response. `detail` is what follows the colon of a message
    about a forbidden word: the word, if the vendor names it.

    >>> str(VendorRefusal("参数不正确", 4, RawResponse(200, {}, b"")))
    'error 4: 参数不正确'
    """

    def __init__(self, message: str, code: int | None, response: RawResponse) -> None:
        super().__init__(message, code, response)
        self.message = message
        self.code = code
        self.response = response
        self.reason = classify_refusal(message)
        self.detail = next(
            (message.removeprefix(start) for start in FORBIDDEN_PREFIXES if message.startswith(start)), ""
        )

    def __str__(self) -> str:
        return self.message if self.code is None else f"error {self.code}: {self.message}"


class InvalidResponse(SmsError):
    """The response does not follow the manual. **The request may have taken effect nevertheless.**

    `reason` describes the defect. `response` is the HTTP response, up to the client's size limit. `spool_file` is the
    file in the spool directory that contains its body, or None.

    >>> str(InvalidResponse("not valid XML", RawResponse(502, {}, b"<html>")))
    'not valid XML (HTTP 502, 6 bytes)'
    """

    def __init__(self, reason: str, response: RawResponse, spool_file: Path | None = None) -> None:
        super().__init__(reason, response, spool_file)
        self.reason = reason
        self.response = response
        self.spool_file = spool_file

    def __str__(self) -> str:
        saved = f", saved in {self.spool_file}" if self.spool_file else ""
        return f"{self.reason} (HTTP {self.status}, {len(self.body)} bytes{saved})"

    @property
    def status(self) -> int:
        """HTTP status of the response."""
        return self.response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the response, by lower-case name."""
        return self.response.headers

    @property
    def body(self) -> bytes:
        """Body of the response."""
        return self.response.body


class ConnectionFailed(SmsError):
    """No response arrived.

    `maybe_delivered` is true if the vendor may have received the request. **Such a request may have taken effect:
    repeating a send may deliver and charge the text twice.** `reason` describes the failure.

    >>> str(ConnectionFailed("ReadTimeout", maybe_delivered=True))
    'ReadTimeout (the vendor may have received the request)'
    """

    def __init__(self, reason: str, maybe_delivered: bool) -> None:
        super().__init__(reason, maybe_delivered)
        self.reason = reason
        self.maybe_delivered = maybe_delivered

    def __str__(self) -> str:
        effect = "the vendor may have received the request" if self.maybe_delivered else "nothing was sent"
        return f"{self.reason} ({effect})"


class SpoolError(SmsError):
    """A response could not be written to the spool directory.

    **`response` is the only copy of its items: the vendor returns each item only once.** `reason` describes the cause.

    >>> str(SpoolError("No space left on device", RawResponse(200, {}, b"<returnsms>")))
    'the response could not be written to disk: No space left on device (11 bytes)'
    """

    def __init__(self, reason: str, response: RawResponse) -> None:
        super().__init__(reason, response)
        self.reason = reason
        self.response = response

    def __str__(self) -> str:
        return f"the response could not be written to disk: {self.reason} ({len(self.response.body)} bytes)"


class UnencodableText(SmsError, ValueError):
    """The endpoint's charset cannot encode the text. Nothing was sent.

    `charset` is the client's. `positions` are the characters that cannot be encoded, each with its index in `text`.

    >>> str(UnencodableText("好😀", "gbk", ((1, "😀"),)))
    "gbk cannot encode '\\\\U0001f600' at index 1"
    """

    def __init__(self, text: str, charset: str, positions: Sequence[tuple[int, str]]) -> None:
        super().__init__(text, charset, tuple(positions))
        self.text = text
        self.charset = charset
        self.positions = tuple(positions)

    def __str__(self) -> str:
        listed = ", ".join(f"{character!a} at index {index}" for index, character in self.positions[:10])
        more = f" and {len(self.positions) - 10} more" if len(self.positions) > 10 else ""
        return f"{self.charset} cannot encode {listed}{more}"
