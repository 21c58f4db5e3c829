"""Why a call is refused: the manual's messages, each with its one condition, in the order of the manual (R1).

Here belong the refusals that can be seen from the call and the account alone. Two need more and are in `vendor`:
a balance too small, and a number that was reserved to be refused (R13).
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from sms10692 import protocol, signing
from sms10692.protocol import Operation
from sms10692_mock.domain import clock
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.keywords import Keywords


class ValidationContext(NamedTuple):
    """All that a check may look at."""

    call: ApiRequest
    account: Account | None
    keywords: Keywords
    now: float
    max_clock_skew: float | None


Rule: TypeAlias = tuple[str, Callable[[ValidationContext], bool]]
"""A message of the manual, and the condition under which it is the answer."""

_SQL: Final = re.compile(
    r"""(?aix)                              # ASCII, in any case
      '\s*(?:(?:or|and)\b|--|;)             # a quote, then what an injection goes on with
    | \bunion\s+select\b
    | ;(?:drop|delete|insert|update)\b
    | \bexec\(
    | \bxp_
    """
)
_SPACES: Final = re.compile(r"(?a)\s{2,}")
_WINDOW: Final = 65_536
"""Characters that are searched at one go: meanwhile no other thread does anything."""
_OVERLAP: Final = 16
"""More characters than an injection takes, with one space where it has several, and the one before it."""
_EXTNO: Final = re.compile(rf"[0-9]{{1,{protocol.EXTNO_MAX_DIGITS}}}")
_COUNT: Final = re.compile(r"0*[1-9][0-9]*")


def _credentials_empty(case: ValidationContext) -> bool:
    call = case.call
    return not (call.userid.strip() and call.timestamp.strip() and call.sign.strip())


def _contains_sql_injection(text: str) -> bool:
    """Whether a text, however long, has what an injection of SQL goes on with.

    >>> _injects("it's"), _injects("' or 1=1"), _injects(" " * (_PIECE - 2) + "union" + " " * _PIECE + "select")
    (False, True, True)
    """
    if len(text) <= _WINDOW:
        return _SQL.search(text) is not None
    before = ""
    for begin in range(0, len(text), _WINDOW):
        piece = _SPACES.sub(" ", before + text[begin : begin + _WINDOW])
        # What begins at the very begin of a piece was seen in the one before; what ends at its end may be half a word.
        found = _SQL.search(piece, 1 if len(before) == _OVERLAP else 0)
        if found and (found.end() < len(piece) or begin + _WINDOW >= len(text)):
            return True
        before = piece[-_OVERLAP:]
    return False


def _signed(account: Account, timestamp: str, charset: str) -> str | None:
    try:
        return signing.sign(account.account, account.password, timestamp, charset)
    except UnicodeEncodeError:
        return None


def _credentials_wrong(case: ValidationContext) -> bool:
    call, account = case.call, case.account
    if account is None:
        return True
    if call.sign != _signed(account, call.timestamp, "utf-8") and not (
        call.page is protocol.V2SMS_GBK and call.sign == _signed(account, call.timestamp, "gbk")  # R4
    ):
        return True
    return case.max_clock_skew is not None and _skew(call.timestamp, case.now) > case.max_clock_skew


def _skew(timestamp: str, now: float) -> float:
    moment = signing.parse_timestamp(timestamp)
    return float("inf") if moment is None else abs(moment.timestamp() - now)


def _may_not_read_reports(case: ValidationContext) -> bool:
    return case.account is not None and not case.account.may_read_reports


def _request_wrong(case: ValidationContext) -> bool:
    """R9: an extno that is none, or a sendTime that is none."""
    extno, send_time = case.call.extno, case.call.send_time
    if extno.strip() and not _EXTNO.fullmatch(extno):
        return True
    return bool(send_time.strip()) and clock.parse_time(send_time) is None


def _action_wrong(case: ValidationContext) -> bool:
    operation = case.call.operation
    return operation is None or case.call.action != operation.action


def _status_num_wrong(case: ValidationContext) -> bool:
    return bool(case.call.status_num.strip()) and not _COUNT.fullmatch(case.call.status_num)


_EMPTY: Final[Rule] = (protocol.CREDENTIALS_EMPTY, _credentials_empty)
_WRONG: Final[Rule] = (protocol.CREDENTIALS_WRONG, _credentials_wrong)

RULES: Final[Mapping[Operation | None, tuple[Rule, ...]]] = {
    protocol.SEND: (
        _EMPTY,
        (protocol.SQL_INJECTION, lambda case: _contains_sql_injection(case.call.content)),
        _WRONG,
        (protocol.MOBILE_EMPTY, lambda case: not case.call.mobile.replace(",", " ").strip()),
        (protocol.CONTENT_EMPTY, lambda case: not case.call.content.strip()),
        (protocol.FORBIDDEN_IN_SEND, lambda case: case.keywords.contains_any(case.call.content)),
        (protocol.OTHER_ERROR, _request_wrong),
    ),
    protocol.OVERAGE: (_EMPTY, _WRONG),
    protocol.CHECKKEYWORD: (_EMPTY, _WRONG),
    protocol.STATUS: (
        _EMPTY,
        _WRONG,
        (protocol.REPORTS_NOT_ALLOWED, _may_not_read_reports),
        (protocol.PARAMETER_WRONG, _action_wrong),
        (protocol.PARAMETER_WRONG, _status_num_wrong),
    ),
    protocol.CALL: (
        _EMPTY,
        _WRONG,
        (protocol.REPORTS_NOT_ALLOWED, _may_not_read_reports),
        (protocol.PARAMETER_WRONG, _action_wrong),
    ),
    None: (_EMPTY, _WRONG, (protocol.OTHER_ERROR, _action_wrong)),
}


def first_failure(case: ValidationContext) -> str | None:
    """The first message of the operation's checks whose condition holds, or None."""
    for message, fails in RULES[case.call.operation]:
        if fails(case):
            return message
    return None
