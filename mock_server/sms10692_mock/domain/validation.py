"""Validation of requests: the manual's refusal messages, each with one condition, in the manual's order (R1).

These rules need only the request and the account. Two refusals need more and are in `vendor`: insufficient balance, and
a reserved number that triggers a refusal (R13).
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from sms10692 import protocol
from sms10692.protocol import Operation
from sms10692_mock.domain import clock
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.authentication import CREDENTIALS_CHECKS
from sms10692_mock.domain.keywords import Keywords


class ValidationContext(NamedTuple):
    """The input of a rule."""

    request: ApiRequest
    account: Account | None
    keywords: Keywords
    now: float
    max_clock_skew: float | None


Rule: TypeAlias = tuple[str, Callable[[ValidationContext], bool]]
"""A message of the manual, and the condition under which the vendor refuses with that message."""

_SQL: Final = re.compile(
    r"""(?aix)                              # ASCII, in any case
      '\s*(?:(?:or|and)\b|--|;)             # a quote, followed by the continuation of an injection
    | \bunion\s+select\b
    | ;(?:drop|delete|insert|update)\b
    | \bexec\(
    | \bxp_
    """
)
_SPACES: Final = re.compile(r"(?a)\s{2,}")
_WINDOW: Final = 65_536
"""Characters per search step: a step holds the interpreter lock."""
_OVERLAP: Final = 16
"""Characters repeated between two windows: more than the longest match, single-spaced, and the character before it."""
_EXTNO: Final = re.compile(rf"[0-9]{{1,{protocol.EXTNO_MAX_DIGITS}}}")
_COUNT: Final = re.compile(r"0*[1-9][0-9]*")


def _credentials_empty(context: ValidationContext) -> bool:
    return not all(map(str.strip, context.request.credentials))


def _contains_sql_injection(text: str) -> bool:
    """Return whether a text of any length contains a typical SQL injection.

    >>> _contains_sql_injection("it's"), _contains_sql_injection("' or 1=1")
    (False, True)
    >>> _contains_sql_injection(" " * (_WINDOW - 2) + "union" + " " * _WINDOW + "select")
    True
    """
    if len(text) <= _WINDOW:
        return _SQL.search(text) is not None
    tail = ""
    for start in range(0, len(text), _WINDOW):
        window = _SPACES.sub(" ", tail + text[start : start + _WINDOW])
        # A match at index 0 was evaluated in the previous window; a match that ends with the window may be half a word.
        found = _SQL.search(window, 1 if len(tail) == _OVERLAP else 0)
        if found and (found.end() < len(window) or start + _WINDOW >= len(text)):
            return True
        tail = window[-_OVERLAP:]
    return False


def _credentials_wrong(context: ValidationContext) -> bool:
    request, account, _, now, max_clock_skew = context
    if account is None:
        return True
    return not CREDENTIALS_CHECKS[request.endpoint.authentication](request, account, now, max_clock_skew)


def _queues_not_allowed(context: ValidationContext) -> bool:
    return context.account is not None and not context.account.can_read_queues


def _request_wrong(context: ValidationContext) -> bool:
    """R9: return whether extno or sendTime is malformed."""
    extno, send_time = context.request.extno, context.request.send_time
    if extno.strip() and not _EXTNO.fullmatch(extno):
        return True
    return bool(send_time.strip()) and clock.parse_time(send_time) is None


def _action_wrong(context: ValidationContext) -> bool:
    operation = context.request.operation
    return operation is None or context.request.action != operation.action


def _status_num_wrong(context: ValidationContext) -> bool:
    return bool(context.request.status_num.strip()) and not _COUNT.fullmatch(context.request.status_num)


_CREDENTIALS_EMPTY: Final[Rule] = (protocol.CREDENTIALS_EMPTY, _credentials_empty)
_CREDENTIALS_WRONG: Final[Rule] = (protocol.CREDENTIALS_WRONG, _credentials_wrong)

RULES: Final[Mapping[Operation | None, tuple[Rule, ...]]] = {
    protocol.SEND: (
        _CREDENTIALS_EMPTY,
        (protocol.SQL_INJECTION, lambda context: _contains_sql_injection(context.request.content)),
        _CREDENTIALS_WRONG,
        (protocol.MOBILE_EMPTY, lambda context: not context.request.mobile.replace(",", " ").strip()),
        (protocol.CONTENT_EMPTY, lambda context: not context.request.content.strip()),
        (protocol.FORBIDDEN_IN_SEND, lambda context: context.keywords.contains_any(context.request.content)),
        (protocol.OTHER_ERROR, _request_wrong),
    ),
    protocol.OVERAGE: (_CREDENTIALS_EMPTY, _CREDENTIALS_WRONG),
    protocol.CHECKKEYWORD: (_CREDENTIALS_EMPTY, _CREDENTIALS_WRONG),
    protocol.STATUS: (
        _CREDENTIALS_EMPTY,
        _CREDENTIALS_WRONG,
        (protocol.REPORTS_NOT_ALLOWED, _queues_not_allowed),
        (protocol.PARAMETER_WRONG, _action_wrong),
        (protocol.PARAMETER_WRONG, _status_num_wrong),
    ),
    protocol.CALL: (
        _CREDENTIALS_EMPTY,
        _CREDENTIALS_WRONG,
        (protocol.REPORTS_NOT_ALLOWED, _queues_not_allowed),
        (protocol.PARAMETER_WRONG, _action_wrong),
    ),
    None: (_CREDENTIALS_EMPTY, _CREDENTIALS_WRONG, (protocol.OTHER_ERROR, _action_wrong)),
}
"""The rules of each operation, in the order in which they are checked. None stands for an unknown action."""


def first_failure(context: ValidationContext) -> str | None:
    """Return the message of the first rule that fails, or None if the request is valid."""
    for message, fails in RULES[context.request.operation]:
        if fails(context):
            return message
    return None
