"""Defects of the signature check (manual 1.2): wrong signatures accepted, or correct ones refused."""

from collections.abc import Callable
from typing import Final

from sms10692 import protocol, signing
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.validation import Rule, ValidationContext
from support.mutant_vendor import Defect
from support.mutants import stores
from support.mutants.mutant import Mutant


def _checking_signature(right: Callable[[ValidationContext, Account], bool]) -> Defect:
    def wrong(case: ValidationContext) -> bool:
        return case.account is None or not right(case, case.account)

    def changed(checks: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple((message, wrong if message == protocol.CREDENTIALS_WRONG else fails) for message, fails in checks)

    return Defect(rules=changed)


def _correct_sign(case: ValidationContext, one: Account) -> str:
    return signing.sign(one.account, one.password, case.request.timestamp)


SIGNATURES: Final = (
    Mutant(
        "a signature without case",
        _checking_signature(lambda case, one: case.request.sign.lower() == _correct_sign(case, one)),
        ("1.2-sign-wrong",),
    ),
    Mutant(
        "a signature over password + account",
        _checking_signature(
            lambda case, one: case.request.sign == signing.sign(one.password, one.account, case.request.timestamp)
        ),
        ("1.2-sign",),
    ),
    Mutant(
        "half a signature is enough",
        _checking_signature(lambda case, one: case.request.sign[:16] == _correct_sign(case, one)[:16]),
        ("1.2-sign-wrong",),
    ),
    Mutant(
        "the end of a signature is enough",
        _checking_signature(lambda case, one: case.request.sign[-8:] == _correct_sign(case, one)[-8:]),
        ("1.2-sign-wrong",),
    ),
    Mutant(
        "any beginning of a signature is enough",
        _checking_signature(lambda case, one: _correct_sign(case, one).startswith(case.request.sign)),
        ("1.2-sign-wrong",),
    ),
    Mutant(
        "the timestamp is not signed",
        _checking_signature(
            lambda case, one: (
                case.request.sign in (_correct_sign(case, one), signing.sign(one.account, one.password, ""))
            )
        ),
        ("1.2-sign-wrong",),
    ),
    Mutant("any signature", _checking_signature(lambda case, one: True), ("1.2-sign-wrong", "1.3-credentials-wrong")),
    Mutant(
        "only timestamps of 14 digits",
        _checking_signature(
            lambda case, one: len(case.request.timestamp) == 14 and case.request.sign == _correct_sign(case, one)
        ),
        ("Q13",),
    ),
    Mutant(
        "names in ASCII alone",
        _checking_signature(
            lambda case, one: (
                case.request.sign
                == signing.sign(one.account.encode("ascii", "replace").decode(), one.password, case.request.timestamp)
            )
        ),
        ("Q14",),
    ),
    Mutant(
        "GBK signatures on no page",
        _checking_signature(lambda case, one: case.request.sign == _correct_sign(case, one)),
        ("R4",),
    ),
    Mutant("any userid", Defect(store=stores.AcceptsAnyUserid), ("1.2-userid",)),
)
