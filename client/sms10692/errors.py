"""What can go wrong, as a tree. Each error holds its evidence, and none of them a password.

    SmsError
    ├── Refused          the vendor said no
    ├── Unreadable       it said something else
    ├── Unreachable      it said nothing
    └── UnencodableText  nothing was sent: the text has no bytes on this page

Here belong the errors and the reasons of refusals. Any other exception that leaves the client is a bug.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from sms10692 import contract


@dataclass(frozen=True, slots=True)
class RawReply:
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


REASONS: Final[Mapping[str, Reason]] = {
    contract.CREDENTIALS_EMPTY: Reason.CREDENTIALS_EMPTY,
    contract.SQL_INJECTION: Reason.SQL_INJECTION,
    contract.CREDENTIALS_WRONG: Reason.CREDENTIALS_WRONG,
    contract.MOBILE_EMPTY: Reason.MOBILE_EMPTY,
    contract.CONTENT_EMPTY: Reason.CONTENT_EMPTY,
    contract.FORBIDDEN_IN_SEND: Reason.FORBIDDEN_WORD,
    contract.FORBIDDEN_FOUND: Reason.FORBIDDEN_WORD,
    contract.BALANCE_TOO_SMALL: Reason.BALANCE_TOO_SMALL,
    contract.OTHER_ERROR: Reason.OTHER_ERROR,
    contract.REPORTS_NOT_ALLOWED: Reason.REPORTS_NOT_ALLOWED,
    contract.PARAMETER_WRONG: Reason.PARAMETER_WRONG,
}
"""By the vendor's message."""


class SmsError(Exception):
    """Whatever goes wrong between a caller and the vendor."""


class Refused(SmsError):
    """The vendor said no.

    `message` is its own sentence, `reason` what that means, `code` the number of an error of the queue pages (4.4, 5.4)
    or None, `reply` the whole answer.
    """

    def __init__(self, message: str, code: int | None, reply: RawReply) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reply = reply
        self.reason = REASONS.get(message, Reason.NOT_IN_THE_MANUAL)


class Unreadable(SmsError):
    """The answer is none that the manual knows. What was asked for may have been done.

    `why` says what was amiss; `status`, `headers` and `body` are what came.
    """

    def __init__(self, why: str, reply: RawReply) -> None:
        super().__init__(f"{why} (HTTP {reply.status}, {len(reply.body)} bytes)")
        self.why = why
        self.reply = reply

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
        """The answer, up to the limit of the client."""
        return self.reply.body


class Unreachable(SmsError):
    """No answer came. `sent` says whether the request may have reached the vendor, and so may have been acted on."""

    def __init__(self, why: str, *, sent: bool) -> None:
        super().__init__(f"{why} ({'it may have been received' if sent else 'nothing was sent'})")
        self.sent = sent


class UnencodableText(SmsError, ValueError):
    """A text has characters that the page has no bytes for. Nothing was sent.

    `places` are the characters, each with its index in `text`.
    """

    def __init__(self, text: str, charset: str, places: Sequence[tuple[int, str]]) -> None:
        named = ", ".join(f"{character!a} at {index}" for index, character in places[:10])
        more = f" and {len(places) - 10} more" if len(places) > 10 else ""
        super().__init__(f"the {charset} page has no bytes for {named}{more}")
        self.text = text
        self.charset = charset
        self.places = tuple(places)
