"""What can go wrong, as a tree. Each error holds its evidence, and none of them a password.

    SmsError
    ├── Refused          the vendor said no
    ├── Unreadable       it said something else
    ├── Unreachable      it said nothing
    ├── Unkept           it answered, and the answer could not be kept on disk as was asked
    └── UnencodableText  nothing was sent: the text has no bytes on this page

Here belong the errors and the reasons of refusals. All can be pickled: they may come from another process.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from sms10692 import protocol


@dataclass(frozen=True, slots=True)
class RawResponse:
    """An answer as it came: the HTTP status, the headers by lower-case name, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Reason(Enum):
    """Why the vendor said no, so that nobody need compare its messages (1.3, 2.3, 3.3, 4.4, 5.4)."""

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
"""By the vendor's message."""


def classify_refusal(message: str) -> Reason:
    """What a message means. The colon of 包含非法字符： suggests that some servers name the word after it.

    >>> reason_of("包含非法字符：发票"), reason_of("非法签名")
    (<Reason.FORBIDDEN_WORD: 'forbidden-word'>, <Reason.NOT_IN_THE_MANUAL: 'not-in-the-manual'>)
    """
    if message.startswith(protocol.FORBIDDEN_IN_SEND):
        return Reason.FORBIDDEN_WORD
    return REFUSALS.get(message, Reason.NOT_IN_THE_MANUAL)


class SmsError(Exception):
    """Whatever goes wrong between a caller and the vendor."""


class VendorRefusal(SmsError):
    """The vendor said no.

    `message` is its own sentence, `reason` what that means, `code` the number of an error of the queue pages (4.4, 5.4)
    or None, `reply` the whole answer.

    >>> str(Refused("参数不正确", 4, RawReply(200, {}, b"")))
    'error 4: 参数不正确'
    """

    def __init__(self, message: str, code: int | None, reply: RawResponse) -> None:
        super().__init__(message, code, reply)
        self.message = message
        self.code = code
        self.reply = reply
        self.reason = classify_refusal(message)

    def __str__(self) -> str:
        return self.message if self.code is None else f"error {self.code}: {self.message}"


class InvalidResponse(SmsError):
    """The answer is none that the manual knows. What was asked for may have been done.

    `why` says what was amiss; `reply` is what came, up to the limit of the client; `kept` is the file that has it,
    where one was asked for.

    >>> str(Unreadable("no XML", RawReply(502, {}, b"<html>")))
    'no XML (HTTP 502, 6 bytes)'
    """

    def __init__(self, why: str, reply: RawResponse, kept: Path | None = None) -> None:
        super().__init__(why, reply, kept)
        self.why = why
        self.reply = reply
        self.kept = kept

    def __str__(self) -> str:
        kept = f", kept in {self.kept}" if self.kept else ""
        return f"{self.why} (HTTP {self.status}, {len(self.body)} bytes{kept})"

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return self.reply.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer, by lower-case name."""
        return self.reply.headers

    @property
    def body(self) -> bytes:
        """The bytes of the answer."""
        return self.reply.body


class ConnectionFailed(SmsError):
    """No answer came. `sent` says whether the request may have reached the vendor, and so may have been acted on.

    >>> str(Unreachable("ReadTimeout", sent=True))
    'ReadTimeout (it may have been received)'
    """

    def __init__(self, why: str, sent: bool) -> None:
        super().__init__(why, sent)
        self.why = why
        self.sent = sent

    def __str__(self) -> str:
        return f"{self.why} ({'it may have been received' if self.sent else 'nothing was sent'})"


class SpoolError(SmsError):
    """An answer came and could not be written where it was to be kept. `reply` is the whole answer: it comes once.

    >>> str(Unkept("No space left on device", RawReply(200, {}, b"<returnsms>")))
    'the answer could not be kept: No space left on device (11 bytes)'
    """

    def __init__(self, why: str, reply: RawResponse) -> None:
        super().__init__(why, reply)
        self.why = why
        self.reply = reply

    def __str__(self) -> str:
        return f"the answer could not be kept: {self.why} ({len(self.reply.body)} bytes)"


class UnencodableText(SmsError, ValueError):
    """A text has characters that the page has no bytes for. Nothing was sent.

    `charset` is that of the client; `places` are the characters, each with its index in `text`.

    >>> str(UnencodableText("好😀", "gbk", ((1, "😀"),)))
    "the gbk page has no bytes for '\\\\U0001f600' at 1"
    """

    def __init__(self, text: str, charset: str, places: Sequence[tuple[int, str]]) -> None:
        super().__init__(text, charset, tuple(places))
        self.text = text
        self.charset = charset
        self.positions = tuple(places)

    def __str__(self) -> str:
        named = ", ".join(f"{character!a} at {index}" for index, character in self.positions[:10])
        more = f" and {len(self.positions) - 10} more" if len(self.positions) > 10 else ""
        return f"the {self.charset} page has no bytes for {named}{more}"
