"""Defects of identity: a userid, signature or timestamp that is only similar to the right one is accepted."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, Final

from sms10692 import protocol, signing
from sms10692.protocol import Endpoint
from sms10692_mock.app.vendor_app import VendorRequest
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.validation import Rule, ValidationContext
from sms10692_mock.stores.memory.store import MemoryStore
from support.mutant_vendor import Defect
from support.mutants.mutant import Mutant

_Condition = Callable[[ApiRequest, Account, str, str], bool]
"""A function of request, account, timestamp and sign."""


def _accepting(is_accepted: _Condition) -> Defect:
    """Accept further credentials of a known userid besides the correct ones."""
    return _changing_rule(lambda context, evidence: None if _is_true(context, is_accepted) else evidence)


def _changing_rule(change: Callable[[ValidationContext, Evidence | None], Evidence | None]) -> Defect:
    """Change what the check of the signature finds: evidence of a wrong one, or None."""

    def replace_rule(rule: Rule) -> Rule:
        message, find = rule
        return (
            (message, lambda context: change(context, find(context))) if message == protocol.CREDENTIALS_WRONG else rule
        )

    return Defect(rules=lambda rules: tuple(replace_rule(rule) for rule in rules))


def _is_true(context: ValidationContext, condition: _Condition) -> bool:
    _, timestamp, sign = context.request.credentials
    return context.account is not None and condition(context.request, context.account, timestamp, sign)


def _sign(account: Account, timestamp: str) -> str:
    return signing.sign(account.account, account.password, timestamp)


def _drop_wide(text: str) -> str:
    return text.encode("ascii", "ignore").decode()


def _is_correct(account: Account, timestamp: str, sign: str) -> bool:
    return sign == _sign(account, timestamp)


def _accepting_unsigned(applies: Callable[[VendorRequest], bool]) -> Defect:
    """Do not check the signature of some HTTP requests, unless it is empty."""
    unsigned: set[str] = set()

    def remember(endpoint: Endpoint, request: VendorRequest) -> VendorRequest:
        unsigned.clear()
        if applies(request):
            found = re.search(
                rb"(?:^|[&\n])sign=([0-9a-fA-F]+)|name=\"?sign\"?[^0-9a-f]+([0-9a-f]+)",
                request.query + b"&" + request.body,
            )
            unsigned.update(group.decode() for group in found.groups() if group) if found else None
        return request

    defect = _accepting(lambda request, account, timestamp, sign: sign in unsigned)
    return Defect(http_request=remember, rules=defect.rules)


class _SharesSignatures(MemoryStore):
    """Remembers all accounts of the newest store, for a vendor that accepts the signature of any of them."""

    accounts_by_userid: ClassVar[dict[str, Account]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.accounts_by_userid.clear()

    def create_account(self, account: Account, *, keep: bool = False) -> bool:
        self.accounts_by_userid[account.userid] = account
        return super().create_account(account, keep=keep)


def _accepting_old_signatures() -> Defect:
    """Accept a signature that was accepted before, with any timestamp."""
    accepted: set[tuple[str, str]] = set()

    def change(context: ValidationContext, evidence: Evidence | None) -> Evidence | None:
        userid, _, sign = context.request.credentials
        if evidence is None:
            accepted.add((userid, sign))
        return None if (userid, sign) in accepted else evidence

    return _changing_rule(change)


def _sharing(defect: Defect) -> Defect:
    return replace(defect, store=_SharesSignatures)


_QUEUES: Final = (protocol.STATUS, protocol.CALL)


def _remembers_accepted() -> _Condition:
    """Accept userid, timestamp and sign if they were correct before."""
    accepted: set[tuple[str, str, str]] = set()

    def is_accepted(request: ApiRequest, account: Account, timestamp: str, sign: str) -> bool:
        credentials = account.userid, timestamp, sign
        if _is_correct(account, timestamp, sign):
            accepted.add(credentials)
        return credentials in accepted

    return is_accepted


def _accepts_other_password(is_former: bool, applies: Callable[[ApiRequest], bool]) -> _Condition:
    """Accept signatures over the password that the account had before the present one, or over its first one."""
    passwords: dict[str, list[str]] = {}

    def is_accepted(request: ApiRequest, account: Account, timestamp: str, sign: str) -> bool:
        known = passwords.setdefault(account.userid, [])
        if account.password not in known[-1:]:
            known.append(account.password)
        other = known[-2:][0] if is_former else known[0]
        return applies(request) and _is_correct(replace(account, password=other), timestamp, sign)

    return is_accepted


IDENTITIES: Final = (
    Mutant(
        "an accepted signature stays accepted after a change of the password",
        _accepting(_remembers_accepted()),
        ("S-password",),
    ),
    Mutant(
        "the password before the present one is accepted too",
        _accepting(_accepts_other_password(is_former=True, applies=lambda request: True)),
        ("S-password",),
    ),
    Mutant(
        "the queues know the first password of an account",
        _accepting(_accepts_other_password(is_former=False, applies=lambda request: request.action == "query")),
        ("S-password",),
    ),
    Mutant(
        "leading zeros of a userid are ignored",
        Defect(api_request=lambda request: request._replace(userid=request.userid.lstrip("0"))),
        ("R2-similar-userid",),
    ),
    Mutant(
        "white space around a userid is ignored",
        Defect(api_request=lambda request: request._replace(userid=request.userid.strip())),
        ("R2-similar-userid",),
    ),
    Mutant(
        "full-width digits of a userid are read as digits",
        Defect(
            api_request=lambda request: request._replace(
                userid=str(int(request.userid))
                if request.userid.isdecimal() and not request.userid.isascii()
                else request.userid
            )
        ),
        ("R2-similar-userid",),
    ),
    Mutant(
        "a userid with digits behind it is accepted",
        Defect(api_request=lambda request: request._replace(userid=re.sub(r"^(\d+)\D.*", r"\1", request.userid))),
        ("R2-similar-userid",),
    ),
    Mutant(
        "white space around a signature is ignored",
        _accepting(lambda request, account, timestamp, sign: _is_correct(account, timestamp, sign.strip())),
        ("R2-similar-signature",),
    ),
    Mutant(
        "the queues accept a signature in upper case",
        _accepting(
            lambda request, account, timestamp, sign: (
                request.operation in _QUEUES and _is_correct(account, timestamp, sign.lower())
            )
        ),
        ("R2-similar-signature",),
    ),
    Mutant(
        "the reply endpoint compares 31 digits of a signature",
        _accepting(
            lambda request, account, timestamp, sign: (
                request.operation is protocol.CALL and sign[:31] == _sign(account, timestamp)[:31]
            )
        ),
        ("R2-similar-signature",),
    ),
    Mutant(
        "a send accepts a signature over password + account",
        _accepting(
            lambda request, account, timestamp, sign: (
                request.operation is protocol.SEND
                and sign == signing.sign(account.password, account.account, timestamp)
            )
        ),
        ("R2-similar-signature",),
    ),
    Mutant(
        "checkkeyword does not check signatures of 32 digits",
        _accepting(
            lambda request, account, timestamp, sign: (
                request.operation is protocol.CHECKKEYWORD and len(sign) == 32 and sign != "0" * 32
            )
        ),
        ("R2-similar-userid",),
    ),
    Mutant(
        "checkkeyword on the GBK endpoint does not check signatures",
        _accepting(
            lambda request, account, timestamp, sign: (
                request.operation is protocol.CHECKKEYWORD and request.endpoint is protocol.V2SMS_GBK
            )
        ),
        ("R2-similar-userid",),
    ),
    Mutant(
        "a timestamp is trimmed before it is signed",
        _accepting(lambda request, account, timestamp, sign: sign == _sign(account, timestamp.strip())),
        ("R3-similar-timestamp",),
    ),
    Mutant(
        "only the first 14 characters of a timestamp are signed",
        _accepting(lambda request, account, timestamp, sign: sign == _sign(account, timestamp[:14])),
        ("R3-similar-timestamp",),
    ),
    Mutant(
        "the seconds of a timestamp are not compared",
        _accepting(
            lambda request, account, timestamp, sign: any(
                sign == _sign(account, f"{timestamp[:12]}{second:02}") for second in range(60)
            )
        ),
        ("R3-similar-timestamp",),
    ),
    Mutant(
        "the signature of any account is accepted",
        _sharing(
            _accepting(
                lambda request, account, timestamp, sign: any(
                    _is_correct(other, timestamp, sign) for other in _SharesSignatures.accounts_by_userid.values()
                )
            )
        ),
        ("R2-similar-userid",),
    ),
    Mutant(
        "a signature once accepted is valid for every timestamp", _accepting_old_signatures(), ("R3-similar-timestamp",)
    ),
    Mutant(
        "a signature followed by another is accepted",
        _accepting(lambda request, account, timestamp, sign: _is_correct(account, timestamp, sign.split(",")[0])),
        ("R2-similar-signature",),
    ),
    Mutant(
        "characters that are not ASCII may be left out of a signature",
        _accepting(
            lambda request, account, timestamp, sign: (
                sign == signing.sign(_drop_wide(account.account), _drop_wide(account.password), timestamp)
            )
        ),
        ("R2-similar-signature",),
    ),
    Mutant(
        "a signature anywhere in sign is accepted",
        _accepting(lambda request, account, timestamp, sign: _sign(account, timestamp) in sign),
        ("R2-similar-signature",),
    ),
    Mutant(
        "a signature of 31 digits without its last is accepted by the queues",
        _accepting(
            lambda request, account, timestamp, sign: (
                request.operation in _QUEUES and len(sign) > 15 and _sign(account, timestamp).startswith(sign)
            )
        ),
        ("R2-similar-signature",),
    ),
    Mutant(
        "the signature of a multipart request is not checked",
        _accepting_unsigned(lambda request: "multipart" in request.content_type),
        ("R2-similar-signature",),
    ),
    Mutant(
        "the signature of a GET request is not checked",
        _accepting_unsigned(lambda request: request.method == "GET"),
        ("R2-similar-signature",),
    ),
    Mutant(
        "the signature of a request for JSON is not checked",
        _accepting(lambda request, account, timestamp, sign: request.wants_json),
        ("R2-similar-userid",),
    ),
    Mutant(
        "the account name is not signed in a send",
        _accepting(
            lambda request, account, timestamp, sign: (
                request.operation is protocol.SEND and sign == signing.sign("", account.password, timestamp)
            )
        ),
        ("R2-similar-signature",),
    ),
    Mutant(
        "the signature of an unknown action is not checked",
        _accepting(lambda request, account, timestamp, sign: request.operation is None),
        ("R2-similar-userid",),
    ),
    Mutant(
        "an account name is signed in lower case too",
        _accepting(
            lambda request, account, timestamp, sign: (
                sign
                in (
                    signing.sign(account.account.lower(), account.password, timestamp),
                    signing.sign(account.account.upper(), account.password, timestamp),
                )
            )
        ),
        ("R2-shared",),
    ),
)
