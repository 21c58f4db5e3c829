"""Validation of requests: the manual's refusal messages, each with one check, in the manual's order (R1).

These rules need only the request and the account. Two refusals need more and are in `vendor`: insufficient balance, and
a reserved number that triggers a refusal (R13).
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple, TypeAlias

from sms10692 import protocol
from sms10692.protocol import Operation
from sms10692_mock.domain import clock
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.authentication import CREDENTIALS_CHECKS
from sms10692_mock.domain.bounds import MAX_TEXT
from sms10692_mock.domain.evidence import Evidence, excerpt
from sms10692_mock.domain.evidence_texts import EVIDENCE
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.profile_key import BrandCheck
from sms10692_mock.domain.profiles import FORBIDDEN_WORD_PLACE, KEYS, MANUAL, Profile, get_operations
from sms10692_mock.domain.results import Refusal


class ValidationContext(NamedTuple):
    """The input of a rule."""

    request: ApiRequest
    account: Account | None
    keywords: Keywords
    now: float
    profile: Profile = MANUAL


Check: TypeAlias = Callable[[ValidationContext], Evidence | None]
"""A check returns None for a correct request, otherwise the evidence of what is wrong."""

Rule: TypeAlias = tuple[str, Check]
"""A message of the manual, and the check after which the vendor refuses with that message."""

_SQL: Final = re.compile(
    r"""(?aix)                              # ASCII, in any case
      '\s*(?:(?:or|and)\b|--|;)             # a quote, followed by the continuation of an injection
    | \bunion\s+select\b
    | ;(?:drop|delete|insert|update)\b
    | \bexec\(
    | \bxp_
    """
)
_WHITE_SPACE: Final = " \t\n\r\f\v"
_SPACES: Final = re.compile(f"[{_WHITE_SPACE}]{{2,}}")
_WINDOW: Final = 65_536
"""Characters per search step: a step holds the interpreter lock."""
_OVERLAP: Final = 16
"""Characters repeated between two windows: more than the longest match, single-spaced, and the character before it."""
_COUNT: Final = re.compile(r"0*[1-9][0-9]*")


def _check_credentials_given(context: ValidationContext) -> Evidence | None:
    if all(map(str.strip, context.request.credentials)):
        return None
    *names, last = context.request.endpoint.authentication.parameters
    return Evidence("credentials-empty", (", ".join(names), last))


def _find_sql_injection(text: str) -> tuple[str, int] | None:
    """Return the first typical SQL injection in a text of any length and its index in the text; or None.

    In a text longer than a window, runs of white space are shortened before the search.

    >>> _find_sql_injection("it's"), _find_sql_injection("it' oral ' or 1=1")
    (None, ("' or", 9))
    >>> _find_sql_injection(" " * (_WINDOW - 2) + "union" + " " * _WINDOW + "select") == ("union select", _WINDOW - 2)
    True
    """
    if len(text) <= _WINDOW:
        found = _SQL.search(text)
        return None if found is None else (found[0], found.start())
    tail = ""
    for start in range(0, len(text), _WINDOW):
        window = _SPACES.sub(" ", tail + text[start : start + _WINDOW])
        # A match at index 0 was evaluated in the previous window; a match that ends with the window may be half a word.
        found = _SQL.search(window, 1 if len(tail) == _OVERLAP else 0)
        if found and (found.end() < len(window) or start + _WINDOW >= len(text)):
            return found[0], _go_back(text, start + _WINDOW, len(window) - found.start())
        tail = window[-_OVERLAP:]
    return None


def _go_back(text: str, end: int, count: int) -> int:
    """Return the index that is `count` characters before `end`, where a run of white space counts as one.

    >>> _go_back("a  b c", 6, 3), _go_back("a  b c", 6, 4), _go_back("a", 9, 1)
    (3, 1, 0)
    """
    index = min(end, len(text))
    for _ in range(count):
        index -= 1
        if text[index] in _WHITE_SPACE:
            while index and text[index - 1] in _WHITE_SPACE:
                index -= 1
    return index


def _check_sql_injection(context: ValidationContext) -> Evidence | None:
    found = _find_sql_injection(context.request.content)
    if found is None:
        return None
    injection, index = found
    return Evidence("sql-injection", (excerpt(injection), index + 1))


def _check_credentials(context: ValidationContext) -> Evidence | None:
    request, account, _, now, profile = context
    if account is None:
        return Evidence("credentials-wrong")
    return CREDENTIALS_CHECKS[request.endpoint.authentication](request, account, now, profile.max_clock_skew)


def _check_queues_allowed(context: ValidationContext) -> Evidence | None:
    account = context.account
    if account is None or account.can_read_queues:
        return None
    return Evidence("replies-not-allowed" if context.request.operation is protocol.CALL else "queues-not-allowed")


def _check_mobile(context: ValidationContext) -> Evidence | None:
    mobile = context.request.mobile
    return None if mobile.replace(",", " ").strip() else Evidence("mobile-empty", (excerpt(mobile),))


def _check_content(context: ValidationContext) -> Evidence | None:
    content = context.request.content
    return None if content.strip() else Evidence("content-empty", (excerpt(content),))


def _check_words(context: ValidationContext) -> Evidence | None:
    request = context.request
    is_optional = request.endpoint.send_parameters and context.profile.check_words == "checkContent"
    if (is_optional and not request.wants_word_check) or not context.keywords.contains_any(request.content):
        return None
    found = context.keywords.find(context.request.content)
    if found is None:
        return None
    word, index = found
    return Evidence("forbidden-word", (excerpt(word), index + 1))


def find_unchecked_word(context: ValidationContext) -> Evidence | None:
    """Return the forbidden word with which a send passes because nobody asked for the check (R19)."""
    request = context.request
    if request.operation is not protocol.SEND or request.wants_word_check:
        return None
    found = context.keywords.find(request.content) if context.keywords.contains_any(request.content) else None
    return None if found is None else Evidence("word-unchecked", (excerpt(found[0]), found[1] + 1))


def _check_extno_and_send_time(context: ValidationContext) -> Evidence | None:
    """R9: both are optional."""
    extno, send_time = context.request.extno, context.request.send_time
    most_digits = context.profile.extno_max_digits
    if extno.strip() and not (len(extno) <= most_digits and extno.isascii() and extno.isdigit()):
        if extno.isascii() and extno.isdigit():
            return Evidence("extno-too-long", (len(extno), most_digits))
        return Evidence("extno-not-digits", (excerpt(extno),))
    if send_time.strip() and clock.parse_send_time(send_time, context.profile.send_time_formats) is None:
        formats = context.profile.send_time_formats
        if clock.has_send_time_format(send_time, formats):
            return Evidence("send-time-no-date", (excerpt(send_time),))
        expected, example = clock.describe_send_time_formats(formats)
        return Evidence("send-time-format", (excerpt(send_time), expected, example))
    return None


def _check_action(context: ValidationContext) -> Evidence | None:
    operation, action = context.request.operation, context.request.action
    if operation is not None and action == operation.action:
        return None
    operations = get_operations(context.request.endpoint, context.profile)
    return Evidence("action", (excerpt(action), ", ".join(operation.action for operation in operations)))


def _check_status_num(context: ValidationContext) -> Evidence | None:
    number = context.request.status_num
    if not number.strip() or _COUNT.fullmatch(number):
        return None
    return Evidence("status-num-zero" if number.strip("0") == "" else "status-num", (excerpt(number),))


def _check_new_password(context: ValidationContext) -> Evidence | None:
    """R20: the same visible text twice."""
    password, again = context.request.new_passwords
    if not password.strip():
        return Evidence("new-password-empty")
    if len(password) > MAX_TEXT or any("\ud800" <= character <= "\udfff" for character in password):
        return Evidence("new-password-unusable", (MAX_TEXT,))
    return None if password == again else Evidence("new-passwords-differ")


_CREDENTIALS_GIVEN: Final[Rule] = (protocol.CREDENTIALS_EMPTY, _check_credentials_given)
_CREDENTIALS_RIGHT: Final[Rule] = (protocol.CREDENTIALS_WRONG, _check_credentials)

RULES: Final[Mapping[Operation | None, tuple[Rule, ...]]] = {
    protocol.SEND: (
        _CREDENTIALS_GIVEN,
        (protocol.SQL_INJECTION, _check_sql_injection),
        _CREDENTIALS_RIGHT,
        (protocol.MOBILE_EMPTY, _check_mobile),
        (protocol.CONTENT_EMPTY, _check_content),
        (protocol.FORBIDDEN_IN_SEND, _check_words),
        (protocol.OTHER_ERROR, _check_extno_and_send_time),
    ),
    protocol.OVERAGE: (_CREDENTIALS_GIVEN, _CREDENTIALS_RIGHT),
    protocol.CHECKKEYWORD: (_CREDENTIALS_GIVEN, _CREDENTIALS_RIGHT),
    protocol.STATUS: (
        _CREDENTIALS_GIVEN,
        _CREDENTIALS_RIGHT,
        (protocol.REPORTS_NOT_ALLOWED, _check_queues_allowed),
        (protocol.PARAMETER_WRONG, _check_action),
        (protocol.PARAMETER_WRONG, _check_status_num),
    ),
    protocol.CALL: (
        _CREDENTIALS_GIVEN,
        _CREDENTIALS_RIGHT,
        (protocol.REPORTS_NOT_ALLOWED, _check_queues_allowed),
        (protocol.PARAMETER_WRONG, _check_action),
    ),
    protocol.CHANGESPWD: (_CREDENTIALS_GIVEN, _CREDENTIALS_RIGHT, (protocol.OTHER_ERROR, _check_new_password)),
    None: (_CREDENTIALS_GIVEN, _CREDENTIALS_RIGHT, (protocol.OTHER_ERROR, _check_action)),
}
"""The rules of each operation, in the order in which they are checked. None stands for an unknown action."""


def _to_rule(check: BrandCheck) -> Rule:
    return protocol.OTHER_ERROR, lambda context: check(context.request, context.profile)


_CHECKS: Final = dict.fromkeys(spec.check for spec in KEYS.values() if spec.check is not None)
_BRAND_RULES: Final = [
    (frozenset(name for name, spec in KEYS.items() if spec.check is check), _to_rule(check)) for check in _CHECKS
]
"""The rules of a send that profiles add, each with the keys of which one has another value than the manual's (R22)."""

_REPLACED: Final[Mapping[str, Mapping[Rule, Rule]]] = {
    "queue_errors": {(protocol.PARAMETER_WRONG, _check_action): (protocol.OTHER_ERROR, _check_action)},
}
"""By key of a profile: the manual's rules that a value other than the manual's replaces (R22)."""


def get_rules(operation: Operation | None, profile: Profile) -> tuple[Rule, ...]:
    """Return the rules of an operation in a profile, in the order in which they are checked."""
    rules = RULES[operation]
    if not profile.differences:
        return rules
    for name in profile.differences & _REPLACED.keys():
        rules = tuple(_REPLACED[name].get(rule, rule) for rule in rules)
    if operation is not protocol.SEND:
        return rules
    return (*rules, *(rule for names, rule in _BRAND_RULES if not names.isdisjoint(profile.differences)))


def find_refusal(context: ValidationContext, ignored: Collection[str] = ()) -> Refusal | None:
    """Return the refusal of the first rule whose check finds something that is not ignored, or None."""
    profile = context.profile
    for message, check in get_rules(context.request.operation, profile):
        evidence = check(context)
        if evidence is not None and evidence.code not in ignored:
            return build_refusal(message, evidence, profile)
    return None


def build_refusal(message: str, evidence: Evidence, profile: Profile) -> Refusal:
    """Return the refusal, with the profile's text if it has one for this cause."""
    if not profile.differences.isdisjoint(EVIDENCE[evidence.code].keys):
        evidence = evidence._replace(profile=profile.name)
    text = profile.texts.get(evidence.code)
    if text is None:
        return Refusal(message, evidence)
    if evidence.code == "forbidden-word":
        text = text.replace(FORBIDDEN_WORD_PLACE, str(evidence.values[0]))
    return Refusal(text, evidence, message)
