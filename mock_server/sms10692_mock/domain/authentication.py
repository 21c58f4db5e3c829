"""Authentication of requests: for each kind that `protocol` names, the check of the credentials of a request.

A kind is a property of an endpoint. The credentials are the values of its parameters, in their order. `validation`
refuses a request without one of them, or with the userid of no account, in the same way for each kind.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from sms10692 import protocol, signing
from sms10692.protocol import Authentication
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.evidence import Evidence, excerpt

CredentialsCheck: TypeAlias = Callable[[ApiRequest, Account, float, float | None], Evidence | None]
"""A function that returns None if the credentials are the account's, otherwise the evidence of what is wrong.

Its arguments are request, account, time on the account's clock, and the seconds by which a timestamp may differ from it
(None: any timestamp, R3).
"""


_SIGNING_CHARSETS: Final[Mapping[str, tuple[str, ...]]] = {"utf-8": ("utf-8",), "gb2312": ("utf-8", "gbk")}
"""Charsets in which a signature is accepted, by charset of the endpoint (R4)."""


def _check_signature(
    request: ApiRequest, account: Account, now: float, max_clock_skew: float | None
) -> Evidence | None:
    _, timestamp, sign = request.credentials
    if not is_signature(sign, account, timestamp, request.endpoint.charset):
        return Evidence("credentials-wrong")
    return None if max_clock_skew is None else _check_skew(timestamp, now, max_clock_skew)


def is_signature(sign: str, account: Account, timestamp: str, charset: str) -> bool:
    """Return whether `sign` is the account's signature of `timestamp` at an endpoint with this charset (R4)."""
    for signing_charset in _SIGNING_CHARSETS[charset]:
        try:
            if sign == signing.sign(account.account, account.password, timestamp, signing_charset):
                return True
        except UnicodeEncodeError:
            continue
    return False


def _check_skew(timestamp: str, now: float, max_clock_skew: float) -> Evidence | None:
    time = signing.parse_timestamp(timestamp)
    if time is None:
        return Evidence("timestamp-format", (excerpt(timestamp),))
    skew = abs(time.timestamp() - now)
    if skew <= max_clock_skew:
        return None
    return Evidence("timestamp-skew", (excerpt(timestamp), round(skew), f"{max_clock_skew:g}"))


def _check_password(
    request: ApiRequest,
    account: Account,
    now: float,
    max_clock_skew: float | None,
) -> Evidence | None:
    _, name, password = request.credentials
    return None if name == account.account and password == account.password else Evidence("credentials-wrong")


CREDENTIALS_CHECKS: Final[Mapping[Authentication, CredentialsCheck]] = {
    protocol.SIGNED: _check_signature,
    protocol.PASSWORD: _check_password,
}
"""The check of each authentication."""
