"""Authentication of requests: for each kind that `protocol` names, whether the credentials of a request are right.

A kind is a property of an endpoint. The credentials are the values of its parameters, in their order. `validation`
refuses a request without one of them, or with the userid of no account, in the same way for each kind.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from sms10692 import protocol, signing
from sms10692.protocol import Authentication
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest

CredentialsCheck: TypeAlias = Callable[[ApiRequest, Account, float, float | None], bool]
"""A function that returns whether the credentials are the account's, of request, account, time on the account's clock,
and the seconds by which a timestamp may differ from it (None: any timestamp, R3).
"""


_SIGNING_CHARSETS: Final[Mapping[str, tuple[str, ...]]] = {"utf-8": ("utf-8",), "gb2312": ("utf-8", "gbk")}
"""Charsets in which a signature is accepted, by charset of the endpoint (R4)."""


def _is_signed_by(request: ApiRequest, account: Account, now: float, max_clock_skew: float | None) -> bool:
    _, timestamp, sign = request.credentials
    for charset in _SIGNING_CHARSETS[request.endpoint.charset]:
        if sign == _sign_or_none(account, timestamp, charset):
            return max_clock_skew is None or _skew_seconds(timestamp, now) <= max_clock_skew
    return False


def _sign_or_none(account: Account, timestamp: str, charset: str) -> str | None:
    try:
        return signing.sign(account.account, account.password, timestamp, charset)
    except UnicodeEncodeError:
        return None


def _skew_seconds(timestamp: str, now: float) -> float:
    time = signing.parse_timestamp(timestamp)
    return float("inf") if time is None else abs(time.timestamp() - now)


CREDENTIALS_CHECKS: Final[Mapping[Authentication, CredentialsCheck]] = {protocol.SIGNED: _is_signed_by}
"""The check of each authentication."""
