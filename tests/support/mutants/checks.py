"""Defects of validation: missing rules, wrong conditions, and rules in the wrong order. Signatures: `signatures`."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from sms10692 import protocol
from sms10692_mock.domain.clock import parse_time
from sms10692_mock.domain.validation import Rule, ValidationContext
from support.mutant_vendor import Defect
from support.mutants import vendor
from support.mutants.mutant import Mutant


def _without_rule(message: str, chapter: str) -> Defect:
    def left(checks: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(check for check in checks if check[0] != message) if _has_chapter(checks, chapter) else checks

    return Defect(rules=left)


def _has_chapter(checks: Sequence[Rule], chapter: str) -> bool:
    kinds = {7: "send", 2: "asking", 5: "queue", 4: "queue", 3: "none"}
    return kinds[len(checks)] == chapter


def _swap_rules(index: int, chapter: str) -> Defect:
    def swap(checks: tuple[Rule, ...]) -> tuple[Rule, ...]:
        if not _has_chapter(checks, chapter):
            return checks
        return (*checks[:index], checks[index + 1], checks[index], *checks[index + 2 :])

    return Defect(rules=swap)


def _replace_condition(message: str, condition: Callable[[ValidationContext, bool], bool]) -> Defect:
    """Replace the condition of a message. `condition` gets the context and the correct verdict."""

    def changed(checks: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(
            (own, (lambda case, fails=fails: condition(case, fails(case))) if own == message else fails)
            for own, fails in checks
        )

    return Defect(rules=changed)


_UNCHECKED: Final = (
    (protocol.CREDENTIALS_EMPTY, "send", ("1.3-credentials-empty", "R1-send")),
    (protocol.SQL_INJECTION, "send", ("1.3-sql", "R8-injections", "R1-send")),
    (protocol.CREDENTIALS_WRONG, "send", ("1.3-credentials-wrong", "R1-send")),
    (protocol.MOBILE_EMPTY, "send", ("1.3-mobile-empty", "R5-none", "R1-send")),
    (protocol.CONTENT_EMPTY, "send", ("1.3-content-empty", "R18", "R1-send")),
    (protocol.FORBIDDEN_IN_SEND, "send", ("1.3-forbidden", "R1-send")),
    (protocol.OTHER_ERROR, "send", ("1.3-other", "R9-extno", "R9-sendTime", "R1-send")),
    (protocol.CREDENTIALS_EMPTY, "asking", ("2.3-credentials-empty", "3.3-credentials-empty", "R2-blank")),
    (protocol.CREDENTIALS_WRONG, "asking", ("2.3-credentials-wrong", "3.3-credentials-wrong", "1.2-sign-wrong")),
    (protocol.CREDENTIALS_EMPTY, "queue", ("4.4-1", "5.4-1")),
    (protocol.CREDENTIALS_WRONG, "queue", ("4.4-2", "5.4-2")),
    (protocol.REPORTS_NOT_ALLOWED, "queue", ("4.4-3", "5.4-3")),
    (protocol.PARAMETER_WRONG, "queue", ("4.4-4", "5.4-4")),
    (protocol.OTHER_ERROR, "none", ("1.2-action",)),
)

NARROW: Final = (
    Mutant(
        "injections in lower case only",
        _replace_condition(protocol.SQL_INJECTION, lambda case, wrong: wrong and case.request.content.islower()),
        ("R8-injections",),
    ),
    Mutant(
        "every quote is an injection",
        _replace_condition(protocol.SQL_INJECTION, lambda case, wrong: wrong or "'" in case.request.content),
        ("R8-ordinary",),
    ),
    Mutant(
        "an extno of any number of digits",
        _replace_condition(protocol.OTHER_ERROR, lambda case, wrong: wrong and not case.request.extno.isdecimal()),
        ("R9-extno",),
    ),
    Mutant(
        "an extno of white space is refused",
        _replace_condition(
            protocol.OTHER_ERROR, lambda case, wrong: wrong or case.request.extno != case.request.extno.strip()
        ),
        ("R9-extno",),
    ),
    Mutant(
        "any digits in their places are a sendTime",
        _replace_condition(
            protocol.OTHER_ERROR,
            lambda case, wrong: (
                wrong and not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", case.request.send_time, re.ASCII)
            ),
        ),
        ("R9-sendTime",),
    ),
    Mutant(
        "a sendTime of white space is refused",
        _replace_condition(protocol.OTHER_ERROR, lambda case, wrong: wrong or case.request.send_time.isspace()),
        ("1.2-sendTime-empty",),
    ),
    Mutant(
        "a statusNum with a zero before it is refused",
        _replace_condition(
            protocol.PARAMETER_WRONG, lambda case, wrong: wrong or case.request.status_num.startswith("0")
        ),
        ("4.2-statusNum",),
    ),
    Mutant(
        "a statusNum of white space is refused",
        _replace_condition(protocol.PARAMETER_WRONG, lambda case, wrong: wrong or case.request.status_num.isspace()),
        ("R10-statusNum",),
    ),
    Mutant(
        "white space is a text",
        _replace_condition(protocol.CONTENT_EMPTY, lambda case, wrong: not case.request.content),
        ("R18", "1.3-content-empty"),
    ),
    Mutant(
        "a past sendTime is refused",
        _replace_condition(
            protocol.OTHER_ERROR,
            lambda case, wrong: wrong or (parse_time(case.request.send_time) or case.now) < case.now,
        ),
        ("R9-past",),
    ),
    Mutant(
        "white space is a signature",
        _replace_condition(protocol.CREDENTIALS_EMPTY, lambda case, wrong: wrong and not case.request.sign.isspace()),
        ("R2-blank",),
    ),
)

CHECKS: Final = (
    *NARROW,
    *(
        Mutant(f"{chapter} without the check {message}", _without_rule(message, chapter), clauses)
        for message, chapter, clauses in _UNCHECKED
    ),
    *(
        Mutant(f"the checks {index + 1} and {index + 2} of send swapped", _swap_rules(index, "send"), ("R1-send",))
        for index in range(6)
        if index != 4
    ),  # Rules 5 and 6 never both apply: blank text contains no forbidden word.
    *(
        Mutant(
            f"the checks {index + 1} and {index + 2} of the queues swapped", _swap_rules(index, "queue"), ("R1-queues",)
        )
        for index in range(3)
    ),
    Mutant(
        "the checks 7 and 8 of send swapped",
        Defect(vendor=vendor.ChecksBalanceTooEarly, rules=lambda checks: ()),
        ("R1-send",),
    ),
    Mutant(
        "the first two checks of overage swapped",
        _swap_rules(0, "asking"),
        ("2.3-credentials-empty", "3.3-credentials-empty"),
    ),
    *(
        Mutant(
            f"the checks {index + 1} and {index + 2} of an unknown action swapped",
            _swap_rules(index, "none"),
            ("1.2-action",),
        )
        for index in range(2)
    ),
)
