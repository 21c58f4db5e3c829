"""A customer of the imaginary vendor: who signs, how they pay, and what they may read.

Here belong the account and how one is written on a command line. Balances change, so they live in the store.
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

_NO_SEGMENTS: Final = frozenset({".", ".."})
_FRESH: Final = 8
"""Bytes of chance in the name of a throw-away account: among a hundred thousand, no two are ever the same."""

_FIRST_USERID: Final = 100_000_000
_DIGITS: Final = len(str(_FIRST_USERID))
"""Of the userid of a throw-away account: such a number fits into 32 bits."""

_POINTS: Final = re.compile(r"[0-9]+")
_MAX_DIGITS: Final = 15


@dataclass(frozen=True, slots=True)
class Account:
    """One account. `points` is what it starts with; a post-paid one starts at nothing (R6).

    `clock` is its own, if it has one, and `dialect` the name of its own; else those of the emulator hold. `outcomes`
    are its own rules for what becomes of messages, `faults` those that strike its requests. A `throwaway` one is
    closed when nobody has used it for long.
    """

    userid: str
    account: str
    password: str
    points: int = POINTS_DEFAULT
    postpaid: bool = False
    may_read_reports: bool = True
    clock: ClockOverride | None = None
    dialect: str | None = None
    outcomes: DeliveryRules = NO_DELIVERY_RULES
    faults: tuple[Fault, ...] = ()
    throwaway: bool = False


DEFAULT_ACCOUNT: Final = Account(userid="12", account="test", password="mima")
"""The account of the manual's examples. It always exists, so that the example signature of 1.2 is valid."""


def first_points(account: Account) -> int:
    """The balance with which an account begins, and all that was charged up by then. Raises BalanceOutOfBounds.

    >>> first_points(Account("7", "shop", "a", points=5)), first_points(Account("7", "shop", "a", postpaid=True))
    (5, 0)
    """
    points = 0 if account.postpaid else account.points
    check_balance(points, points)
    return points


def random_id() -> str:
    """A name that nobody has, for a throw-away account."""
    return secrets.token_hex(_FRESH)


def temporary_userid() -> str:
    """A userid for a throw-away account: nine digits, the first not 0, so that a program may keep it as an integer.

    Another account may have the same one: who opens an account of it looks whether there is none.
    """
    return str(_FIRST_USERID + secrets.randbelow(9 * _FIRST_USERID))


def exclude_temporary(userids: Iterable[str]) -> list[str]:
    """Those that have not the form of a throw-away account's userid, as hardly another has; soon, of very many too.

    >>> lasting_among(["12", random_userid(), "trade", "012345678"])
    ['12', 'trade', '012345678']
    """
    return [
        userid
        for userid in userids
        if len(userid) != _DIGITS or not (userid.isascii() and userid.isdigit()) or userid[0] == "0"
    ]


def parse_account(text: str) -> Account:
    """Read `USERID:ACCOUNT:PASSWORD[:POINTS]`. A password may hold colons: POINTS is the last part if it is a number.

    Raises ValueError, in words for the person who wrote it.

    >>> account_from("7:shop:a:b:50").password, account_from("7:shop:a:b:50").points
    ('a:b', 50)
    >>> account_from("7:shop:1234").password
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
        raise ValueError("an account is written in UTF-8")
    if not (userid.strip() and account.strip() and password.strip()):
        raise ValueError("an account is written USERID:ACCOUNT:PASSWORD[:POINTS], and none of the three may be blank")
    if not is_url_safe(userid):
        raise ValueError(f"the userid {userid} can be no part of an address, such as the control address's")
    return Account(userid, account, password, points)


def is_url_safe(userid: str) -> bool:
    """Whether an account of this userid can have an address below the control address; the vendor's are numbers.

    >>> is_nameable("12"), is_nameable("商户?"), is_nameable("a/b"), is_nameable("..")
    (True, True, False, False)
    """
    return "/" not in userid and userid not in _NO_SEGMENTS
