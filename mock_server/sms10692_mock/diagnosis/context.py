"""What a diagnosis is asked about, and what it finds.

Here belong the two ends, as values, and the rule that no password leaves through a finding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias, cast

from sms10692 import signing
from sms10692_mock.diagnosis.messages import MESSAGES
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest

Kind: TypeAlias = Literal["signature", "text", "habit"]

REDACTED: Final = "***"
"""Stands where a text held a password."""

_QUOTED: Final = 64
_MEANT: Final = 2000
"""Characters of a text that a finding shows at most."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `meant` is the text as it was meant, for findings of kind text, and else None.

    `detail` is what the sentence of its code left open: whoever says it in another language needs it.
    """

    code: str
    sentence: str
    meant: str | None = None
    detail: str = ""

    @property
    def kind(self) -> Kind:
        return cast("Kind", self.code.partition(".")[0])


class PreviousFetch(NamedTuple):
    """An earlier request to a queue that was answered: when, and how many items it handed over."""

    moment: float
    items: int


class DiagnosisContext(NamedTuple):
    """All that is known of one request.

    `fields` are those that `wire.forms` made of it, `call` what `calls` made of them. `account` is the one of this
    userid; `others` are the other known accounts, those that are likely to be meant first. `previous` is the
    account's previous fetch of the same queue, where this is a fetch and there was one.
    """

    method: str
    query: bytes
    content_type: str
    body: bytes
    fields: Mapping[str, str]
    call: ApiRequest
    account: Account | None
    others: Sequence[Account]
    now: float
    previous: PreviousFetch | None = None

    def redact(self, text: str, limit: int = _MEANT) -> str:
        """A text of the request's, fit to be shown: no password of an account given here, and not without end."""
        accounts = self.others if self.account is None else (self.account, *self.others)
        # The longest first: one password may be a part of another. Cut afterwards: a cut one would not be found.
        for password in sorted({account.password for account in accounts if account.password}, key=len, reverse=True):
            if password in text:
                text = text.replace(password, REDACTED)
        return text if len(text) <= limit else f"{text[:limit]}…"

    def quote(self, text: str) -> str:
        """The same for a name or a value inside a sentence: short, and one line of ASCII."""
        return f"'{ascii(self.redact(text, _QUOTED))[1:-1]}'"


def make_finding(code: str, detail: str = "", meant: str | None = None) -> Finding:
    """The finding of this code, with its sentence; `detail` is what the sentence leaves open."""
    return Finding(code, MESSAGES[code].format(detail), meant, detail)


def is_signed(asked: DiagnosisContext, account: Account, timestamp: str, sign: str) -> bool:
    """Whether this is the account's signature of that timestamp, to this page (R4)."""
    charsets = ("utf-8",) if asked.call.page.charset == "utf-8" else ("utf-8", "gbk")
    for charset in charsets:
        try:
            if signing.sign(account.account, account.password, timestamp, charset) == sign:
                return True
        except UnicodeEncodeError:
            continue
    return False
