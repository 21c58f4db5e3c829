"""Input and output of the diagnosis: `DiagnosisContext` and `Finding`, and the redaction of passwords.

**Every text of a request that goes into a finding passes through `redact` or `quote`**, because findings are shown in
response headers, logs and the console.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias, cast

from sms10692_mock.diagnosis.messages import MESSAGES, fill_in
from sms10692_mock.diagnosis.parameter_names import PASSWORD_NAME, is_secret
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.authentication import CREDENTIALS_CHECKS, is_signature
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.faults import TriggeredFault

Kind: TypeAlias = Literal["refusal", "signature", "password", "text", "habit", "http"]

REDACTED: Final = "***"
"""Placeholder for a password."""

_QUOTE_LIMIT: Final = 64
_TEXT_LIMIT: Final = 2000
"""Maximum number of characters of a text in a finding."""

_DIGEST: Final = re.compile("[0-9A-Fa-f]{32,}")
_DIGEST_LENGTH: Final = 32
_NAMED_SECRET: Final = re.compile(
    rf"((?:{PASSWORD_NAME.pattern})\w{{0,20}}[\"']{{0,2}}\s{{0,2}}[=:>]\s{{0,2}}[\"']{{0,2}})[^\s&,;\"'<]+",
    re.IGNORECASE,
)
"""A password behind its name, in a part of a request that was not read as a parameter."""

_SHORTEST_SECRET: Final = 4
"""Characters of a parameter's value from which on the value is replaced wherever it occurs."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake in a request.

    `sentence` is the English message of `code`, with `values` filled in; a translation fills in the same values.
    `meant` is the repaired text for findings of kind "text", otherwise None.
    """

    code: str
    sentence: str
    meant: str | None = None
    values: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        return cast("Kind", self.code.partition(".")[0])


class PreviousFetch(NamedTuple):
    """The account's previous successful fetch of a queue: its time in Unix seconds and its number of items."""

    time: float
    items: int


class DiagnosisContext(NamedTuple):
    """One request and the accounts that it is compared with.

    `query` and `body` are the bytes as received, `fields` the decoded form fields (`codec.forms`), `request` the
    request parsed from them. `account` is the account of the request's userid, None if it is unknown; `others` are
    accounts to compare with, the most likely ones first; `account` may be among them. `now` is the time of the
    account's clock in Unix seconds, `received` that of the wall clock, None if they are the same.
    `previous` is the account's previous fetch of the same queue, None if there was none or the request is no fetch.
    `evidence` says why the request was refused, None if it was not. `faults` were triggered by it.
    `were_credentials_right`: the vendor accepted the
    credentials, whatever account there is by now.
    """

    method: str
    query: bytes
    content_type: str
    body: bytes
    fields: Mapping[str, str]
    request: ApiRequest
    account: Account | None
    others: Sequence[Account]
    now: float
    previous: PreviousFetch | None = None
    evidence: Evidence | None = None
    faults: Sequence[TriggeredFault] = ()
    headers: Sequence[tuple[str, str]] = ()
    were_credentials_right: bool = False
    received: float | None = None

    @property
    def has_authorization(self) -> bool:
        """Whether the request has the header Authorization, which the vendor does not read."""
        return any(name.lower() == "authorization" for name, _ in self.headers)

    def redact(self, text: str, limit: int = _TEXT_LIMIT) -> str:
        """Replace passwords and signatures in `text`, and shorten the result to `limit` characters.

        They are the passwords of the context's accounts, the values of the request's secret parameters, what follows a
        name of a password, and whatever has the form of a signature. **Pass whole values: half a password would not be
        found.**
        """
        # Longest first: one may contain another.
        for secret in sorted(set(self._secrets()), key=len, reverse=True):
            if secret in text:
                text = text.replace(secret, REDACTED)
        text = _NAMED_SECRET.sub(rf"\1{REDACTED}", text)
        text = _DIGEST.sub(_redact_digest, text)
        return text if len(text) <= limit else f"{text[:limit]}…"

    def has_secret(self, text: str) -> bool:
        """Return whether `redact` replaces a part of `text`."""
        return self.redact(text, len(text)) != text

    def _secrets(self) -> Iterator[str]:
        for account in self.others if self.account is None else (self.account, *self.others):
            if account.password:
                yield account.password
        for name, value in self.fields.items():
            if len(value) >= _SHORTEST_SECRET and is_secret(name):
                yield value

    def quote(self, text: str) -> str:
        """Redact a name or value for use inside a sentence, with quotation marks."""
        return f"'{self.show(text)}'"

    def show(self, text: str) -> str:
        """Redact a name or value for use inside a sentence: on one line, printable characters only, 64 characters."""
        shown = self.redact(text, _QUOTE_LIMIT)
        return shown if shown.isprintable() else "".join(map(_escape_unprintable, shown))


def _redact_digest(match: re.Match[str]) -> str:
    is_numbers = match[0].isdigit() and len(match[0]) > _DIGEST_LENGTH  # mobile numbers without commas
    return match[0] if is_numbers else REDACTED


def _escape_unprintable(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]


def make_finding(code: str, *values: str, meant: str | None = None) -> Finding:
    """Build the finding of `code`; `values` replace the braces in its message."""
    return Finding(code, fill_in(MESSAGES[code], values), meant, values)


def is_authenticated(context: DiagnosisContext, account: Account) -> bool:
    """Return whether the credentials of the request are the account's, whatever the time."""
    check = CREDENTIALS_CHECKS[context.request.endpoint.authentication]
    return check(context.request, account, context.now, None) is None


def is_signed(context: DiagnosisContext, account: Account, timestamp: str, sign: str) -> bool:
    """Return whether `sign` is the account's signature of `timestamp` at the requested endpoint."""
    return is_signature(sign, account, timestamp, context.request.endpoint.charset)
