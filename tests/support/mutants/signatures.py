"""Defects of the signature check (manual 1.2): wrong signatures accepted, or correct ones refused."""

from collections.abc import Callable
from typing import Final

from sms10692 import protocol, signing
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.validation import Rule, ValidationContext
from support.mutant_vendor import Defect
from support.mutants import stores
from support.mutants.mutant import Mutant


def _checking_signature(is_correct: Callable[[Account, str, str], bool]) -> Defect:
    """Replace the check of the signature by a function of account, timestamp and sign."""

    def check(context: ValidationContext) -> Evidence | None:
        _, timestamp, sign = context.request.credentials
        if context.account is not None and is_correct(context.account, timestamp, sign):
            return None
        return Evidence("credentials-wrong")

    def replace(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(
            (message, check if message == protocol.CREDENTIALS_WRONG else original) for message, original in rules
        )

    return Defect(rules=replace)


def _correct_sign(account: Account, timestamp: str) -> str:
    return signing.sign(account.account, account.password, timestamp)


SIGNATURES: Final = (
    Mutant(
        "the signature is case-insensitive",
        _checking_signature(lambda account, timestamp, sign: sign.lower() == _correct_sign(account, timestamp)),
        ("1.2-sign-wrong",),
    ),
    Mutant(
        "a signature over password + account",
        _checking_signature(
            lambda account, timestamp, sign: sign == signing.sign(account.password, account.account, timestamp)
        ),
        ("1.2-sign",),
    ),
    Mutant(
        "only the first half of a signature is compared",
        _checking_signature(lambda account, timestamp, sign: sign[:16] == _correct_sign(account, timestamp)[:16]),
        ("1.2-sign-wrong",),
    ),
    Mutant(
        "only the end of a signature is compared",
        _checking_signature(lambda account, timestamp, sign: sign[-8:] == _correct_sign(account, timestamp)[-8:]),
        ("1.2-sign-wrong",),
    ),
    Mutant(
        "any beginning of a signature is accepted",
        _checking_signature(lambda account, timestamp, sign: _correct_sign(account, timestamp).startswith(sign)),
        ("1.2-sign-wrong",),
    ),
    Mutant(
        "the timestamp is not signed",
        _checking_signature(
            lambda account, timestamp, sign: (
                sign in (_correct_sign(account, timestamp), signing.sign(account.account, account.password, ""))
            )
        ),
        ("1.2-sign-wrong",),
    ),
    Mutant(
        "any signature is accepted",
        _checking_signature(lambda account, timestamp, sign: True),
        ("1.2-sign-wrong", "1.3-credentials-wrong"),
    ),
    Mutant(
        "only timestamps of 14 digits are accepted",
        _checking_signature(
            lambda account, timestamp, sign: len(timestamp) == 14 and sign == _correct_sign(account, timestamp)
        ),
        ("Q13", "R3"),
    ),
    Mutant(
        "account names are signed in ASCII",
        _checking_signature(
            lambda account, timestamp, sign: (
                sign == signing.sign(account.account.encode("ascii", "replace").decode(), account.password, timestamp)
            )
        ),
        ("Q14",),
    ),
    Mutant(
        "signatures in GBK are refused",
        _checking_signature(lambda account, timestamp, sign: sign == _correct_sign(account, timestamp)),
        ("R4",),
    ),
    Mutant("any userid is accepted", Defect(store=stores.AcceptsAnyUserid), ("1.2-userid",)),
)
