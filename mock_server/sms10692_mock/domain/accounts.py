"""Accounts of the emulated vendor: credentials, way of payment and permissions.

An account is written `USERID:ACCOUNT:PASSWORD[:POINTS]` on the command line. Balances change, so they are in the store.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sms10692_mock.domain.bounds import check_balance
from sms10692_mock.domain.clock import ClockOverride
from sms10692_mock.domain.delivery import NO_DELIVERY_RULES, DeliveryRules
from sms10692_mock.domain.faults import Fault

POINTS_DEFAULT: Final = 1000

_RESERVED_SEGMENTS: Final = frozenset({".", ".."})
_RANDOM_BYTES: Final = 8
"""Random bytes in the name of a temporary account."""

_FIRST_USERID: Final = 100_000_000
_USERID_LENGTH: Final = len(str(_FIRST_USERID))
"""Length of the userid of a temporary account. Such a number fits into 32 bits."""

_POINTS: Final = re.compile(r"[0-9]+")
_MAX_DIGITS: Final = 15


@dataclass(frozen=True, slots=True)
class Account:
    """One account. `points` is the initial balance of a prepaid account; a postpaid account starts at zero (R6).

    `clock` and `profile` override those of the emulator, `faults` are the faults of the account's requests. A
    `temporary` account is deleted after a long time without use. `withheld_points` were taken from the balance by the
    preset of a low balance, which gives them back; None if it is off.
    """

    userid: str
    account: str
    password: str
    points: int = POINTS_DEFAULT
    postpaid: bool = False
    can_read_queues: bool = True
    clock: ClockOverride | None = None
    profile: str | None = None
    delivery_rules: DeliveryRules = NO_DELIVERY_RULES
    faults: tuple[Fault, ...] = ()
    temporary: bool = False
    withheld_points: int | None = None


DEFAULT_ACCOUNT: Final = Account(userid="12", account="test", password="mima")
"""The account of the manual's examples. It always exists, so that the example signature of 1.2 is valid."""


def initial_balance(account: Account) -> int:
    """Return the balance of a new account, which is also the sum of all points added. Raises BalanceOutOfBounds.

    >>> initial_balance(Account("7", "shop", "a", points=5)), initial_balance(Account("7", "shop", "a", postpaid=True))
    (5, 0)
    """
    points = 0 if account.postpaid else account.points
    check_balance(points, points)
    return points


def random_id() -> str:
    """Return a random account name for a temporary account."""
    return secrets.token_hex(_RANDOM_BYTES)


def temporary_userid() -> str:
    """Return a random userid for a temporary account: nine digits.

    There is no leading zero, so clients may store the userid as an integer. The userid may be taken: create the account
    with `keep` and check the result.
    """
    return str(_FIRST_USERID + secrets.randbelow(9 * _FIRST_USERID))


def exclude_temporary(userids: Iterable[str]) -> list[str]:
    """Return the userids that do not have the form of a temporary account's userid. Fast for long lists.

    >>> exclude_temporary(["12", temporary_userid(), "trade", "012345678"])
    ['12', 'trade', '012345678']
    """
    return [
        userid
        for userid in userids
        if len(userid) != _USERID_LENGTH or not (userid.isascii() and userid.isdigit()) or userid[0] == "0"
    ]


def parse_account(text: str) -> Account:
    """Parse `USERID:ACCOUNT:PASSWORD[:POINTS]`. A password may contain colons: a last part of digits is POINTS.

    Raises ValueError with a message for the user.

    >>> parse_account("7:shop:a:b:50").password, parse_account("7:shop:a:b:50").points
    ('a:b', 50)
    >>> parse_account("7:shop:1234").password
    '1234'
    """
    userid, _, rest = text.partition(":")
    account, _, password = rest.partition(":")
    head, colon, tail = password.rpartition(":")
    points = POINTS_DEFAULT
    if colon and _POINTS.fullmatch(tail):
        if len(tail) > _MAX_DIGITS:
            raise ValueError(f"POINTS has at most {_MAX_DIGITS} digits")
        password, points = head, int(tail)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("the account is not valid UTF-8")
    if not (userid.strip() and account.strip() and password.strip()):
        raise ValueError("expected USERID:ACCOUNT:PASSWORD[:POINTS], and the first three must not be blank")
    if not is_url_safe(userid):
        raise ValueError(f"the userid {userid} cannot be part of a URL path: it must not contain '/' or be '.' or '..'")
    return Account(userid, account, password, points)


def is_url_safe(userid: str) -> bool:
    """Return whether this userid can be a path segment of the control API.

    >>> is_url_safe("12"), is_url_safe("商户?"), is_url_safe("a/b"), is_url_safe("..")
    (True, True, False, False)
    """
    return "/" not in userid and userid not in _RESERVED_SEGMENTS
