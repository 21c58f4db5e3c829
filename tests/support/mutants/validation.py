"""Defects of validation: missing rules, wrong conditions, and rules in the wrong order. Signatures: `signatures`."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from sms10692 import protocol
from sms10692_mock.domain.clock import parse_time
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.validation import Check, Rule, ValidationContext
from support.mutant_vendor import Defect
from support.mutants import vendors
from support.mutants.mutant import Mutant, changing_sent_text


def _without_rule(message: str, group: str) -> Defect:
    def remove(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(rule for rule in rules if rule[0] != message) if _is_group(rules, group) else rules

    return Defect(rules=remove)


def _is_group(rules: Sequence[Rule], group: str) -> bool:
    """Return whether these are the rules of a group of operations; the groups have different numbers of rules."""
    groups = {7: "send", 2: "overage and checkkeyword", 5: "the queues", 4: "the queues", 3: "an unknown action"}
    return groups[len(rules)] == group


def _swap_rules(index: int, group: str) -> Defect:
    def swap(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        if not _is_group(rules, group):
            return rules
        return (*rules[:index], rules[index + 1], rules[index], *rules[index + 2 :])

    return Defect(rules=swap)


def _replace_condition(message: str, condition: Callable[[ValidationContext, bool], bool]) -> Defect:
    """Replace the condition of a message. `condition` gets the context and the correct verdict."""

    def replace(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(
            (own, partial(_check_condition, condition, check) if own == message else check) for own, check in rules
        )

    return Defect(rules=replace)


def _check_condition(
    condition: Callable[[ValidationContext, bool], bool], check: Check, context: ValidationContext
) -> Evidence | None:
    return Evidence("credentials-wrong") if condition(context, check(context) is not None) else None


def _taking_for_empty(pattern: str) -> Defect:
    """Refuse texts of this pattern as empty."""
    return _replace_condition(
        protocol.CONTENT_EMPTY,
        lambda context, fails: fails or bool(re.fullmatch(pattern, context.request.content.strip(), re.IGNORECASE)),
    )


_REMOVED_RULES: Final = (
    (protocol.CREDENTIALS_EMPTY, "send", ("1.3-credentials-empty", "R1-send")),
    (protocol.SQL_INJECTION, "send", ("1.3-sql", "R8-injections", "R1-send")),
    (protocol.CREDENTIALS_WRONG, "send", ("1.3-credentials-wrong", "R1-send")),
    (protocol.MOBILE_EMPTY, "send", ("1.3-mobile-empty", "R5-none", "R1-send")),
    (protocol.CONTENT_EMPTY, "send", ("1.3-content-empty", "R18", "R1-send")),
    (protocol.FORBIDDEN_IN_SEND, "send", ("1.3-forbidden", "R1-send")),
    (protocol.OTHER_ERROR, "send", ("R9-other", "R9-extno", "R9-sendTime", "R1-send")),
    (
        protocol.CREDENTIALS_EMPTY,
        "overage and checkkeyword",
        ("2.3-credentials-empty", "3.3-credentials-empty", "R2-blank"),
    ),
    (
        protocol.CREDENTIALS_WRONG,
        "overage and checkkeyword",
        ("2.3-credentials-wrong", "3.3-credentials-wrong", "1.2-sign-wrong"),
    ),
    (protocol.CREDENTIALS_EMPTY, "the queues", ("4.4-1", "5.4-1")),
    (protocol.CREDENTIALS_WRONG, "the queues", ("4.4-2", "5.4-2")),
    (protocol.REPORTS_NOT_ALLOWED, "the queues", ("4.4-3", "5.4-3")),
    (protocol.PARAMETER_WRONG, "the queues", ("4.4-4", "R10-action-queues")),
    (protocol.OTHER_ERROR, "an unknown action", ("1.2-action",)),
)


def _refusing_before(first: str) -> Defect:
    """Return the defect that a sendTime before this time is refused, as by a column of a database."""
    return _replace_condition(
        protocol.OTHER_ERROR, lambda context, fails: fails or "" < context.request.send_time.strip() < first
    )


_CHANGED_CONDITIONS: Final = (
    Mutant(
        "SQL injections are found in lower case only",
        _replace_condition(protocol.SQL_INJECTION, lambda context, fails: fails and context.request.content.islower()),
        ("R8-injections",),
    ),
    *(
        Mutant(name, changing_sent_text(change), ("R8-ordinary",))
        for name, change in (
            ("typographic apostrophes are quotes", lambda text: re.sub("[’‘＇′´]", "'", text)),
            ("full-width characters are half-width in injections", lambda text: unicodedata.normalize("NFKC", text)),
            ("a word that begins with or is an SQL injection", lambda text: re.sub("'(or|and)", "' or ", text)),
        )
    ),
    Mutant(
        "every quote is an SQL injection",
        _replace_condition(protocol.SQL_INJECTION, lambda context, fails: fails or "'" in context.request.content),
        ("R8-ordinary",),
    ),
    Mutant(
        "an extno may have any number of digits",
        _replace_condition(
            protocol.OTHER_ERROR, lambda context, fails: fails and not context.request.extno.isdecimal()
        ),
        ("R9-extno", "1.2-extno-invalid"),
    ),
    Mutant(
        "an extno of white space is refused",
        _replace_condition(
            protocol.OTHER_ERROR, lambda context, fails: fails or context.request.extno != context.request.extno.strip()
        ),
        ("R9-extno",),
    ),
    Mutant(
        "a sendTime may be an impossible date",
        _replace_condition(
            protocol.OTHER_ERROR,
            lambda context, fails: (
                fails and not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", context.request.send_time, re.ASCII)
            ),
        ),
        ("R9-sendTime",),
    ),
    Mutant(
        "a sendTime is required",
        _replace_condition(protocol.OTHER_ERROR, lambda context, fails: fails or not context.request.send_time),
        ("1.2-sendTime-empty", "Q12"),
    ),
    Mutant(
        "a sendTime of white space is refused",
        _replace_condition(protocol.OTHER_ERROR, lambda context, fails: fails or context.request.send_time.isspace()),
        ("R9-sendTime",),
    ),
    Mutant(
        "a statusNum with a leading zero is refused",
        _replace_condition(
            protocol.PARAMETER_WRONG, lambda context, fails: fails or context.request.status_num.startswith("0")
        ),
        ("R10-statusNum",),
    ),
    Mutant(
        "a statusNum of white space is refused",
        _replace_condition(
            protocol.PARAMETER_WRONG, lambda context, fails: fails or context.request.status_num.isspace()
        ),
        ("R10-statusNum",),
    ),
    Mutant("a text of 0 is empty", _taking_for_empty("0"), ("R18-short",)),
    Mutant("a text of null is empty", _taking_for_empty("null|none"), ("R18-short",)),
    Mutant("a text of one sign is empty", _taking_for_empty(r"\W"), ("R18-short",)),
    Mutant(
        "white space is accepted as a text",
        _replace_condition(protocol.CONTENT_EMPTY, lambda context, fails: not context.request.content),
        ("R18",),
    ),
    Mutant(
        "a past sendTime is refused",
        _replace_condition(
            protocol.OTHER_ERROR,
            lambda context, fails: fails or (parse_time(context.request.send_time) or context.now) < context.now,
        ),
        ("R9-past",),
    ),
    *(
        Mutant(
            f"a sendTime before {first[:10]} is refused",
            _refusing_before(first),
            ("R9-past",),
        )
        for first in ("1753-01-01", "1900-01-01", "1970-01-01 08:00:00")
    ),
    Mutant(
        "a userid that is not a number is empty",
        _replace_condition(
            protocol.CREDENTIALS_EMPTY, lambda context, fails: fails or not context.request.userid.isdecimal()
        ),
        ("R2-userid",),
    ),
    Mutant(
        "an empty signature is a wrong one",
        _replace_condition(
            protocol.CREDENTIALS_EMPTY, lambda context, fails: fails and not context.request.userid.strip()
        ),
        ("R2-blank",),
    ),
    Mutant(
        "an unknown userid is empty",
        _replace_condition(protocol.CREDENTIALS_EMPTY, lambda context, fails: fails or context.account is None),
        ("R2-userid",),
    ),
    Mutant(
        "the action of the queues in any case",
        _replace_condition(
            protocol.PARAMETER_WRONG,
            lambda context, fails: fails and context.request.action.lower() != "query",
        ),
        ("R10-action-queues",),
    ),
    Mutant(
        "white space is accepted as a signature",
        _replace_condition(
            protocol.CREDENTIALS_EMPTY, lambda context, fails: fails and not context.request.credentials[2].isspace()
        ),
        ("R2-blank",),
    ),
)


VALIDATION: Final = (
    *_CHANGED_CONDITIONS,
    *(
        Mutant(f"{group} without the rule {message}", _without_rule(message, group), clauses)
        for message, group, clauses in _REMOVED_RULES
    ),
    *(
        Mutant(f"the rules {index + 1} and {index + 2} of send swapped", _swap_rules(index, "send"), ("R1-send",))
        for index in range(6)
        if index != 4
    ),  # Rules 5 and 6 never both apply: blank text contains no forbidden word.
    *(
        Mutant(
            f"the rules {index + 1} and {index + 2} of the queues swapped",
            _swap_rules(index, "the queues"),
            ("R1-queues",),
        )
        for index in range(3)
    ),
    Mutant(
        "the rules 7 and 8 of send swapped",
        Defect(vendor=vendors.ChecksBalanceTooEarly, rules=lambda rules: ()),
        ("R1-send",),
    ),
    Mutant(
        "the first two rules of overage swapped",
        _swap_rules(0, "overage and checkkeyword"),
        ("2.3-credentials-empty", "3.3-credentials-empty"),
    ),
    *(
        Mutant(
            f"the rules {index + 1} and {index + 2} of an unknown action swapped",
            _swap_rules(index, "an unknown action"),
            ("R10-action",),
        )
        for index in range(2)
    ),
)
