"""Findings about account and password in clear, the credentials of the older endpoints (R19).

**No finding contains a password**: a finding names the parameter, and the mistake.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

from sms10692 import protocol
from sms10692.protocol import Authentication, Endpoint
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.diagnosis.context import DiagnosisContext, Finding, is_authenticated, make_finding
from sms10692_mock.diagnosis.form_syntax import find_sent_names
from sms10692_mock.domain.accounts import Account

_USERID_UNKNOWN: Final = "password.userid-unknown"
UNKNOWN_USERID: Final = frozenset(("signature.userid-unknown", _USERID_UNKNOWN))
"""Findings to drop where accounts are not known: then every userid looks unknown."""

_USERID, _ACCOUNT, _PASSWORD = protocol.PASSWORD.parameters
_SIGN: Final = protocol.SIGNED.parameters[2]
_HEX_DIGITS: Final = frozenset("0123456789abcdef")
_DIGEST_LENGTH: Final = 32
_PARAMETER_ENDS: Final = "&+#%"

_SIMILAR_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    _USERID: ("user_id", "user-id", "uid", "id", "companyid", "corpid", "enterpriseid"),
    _ACCOUNT: ("username", "user", "name", "loginname", "login", "acount", "accounts", "account_name"),
    _PASSWORD: ("pwd", "passwd", "pass", "psw", "password_", "passsword", "pasword"),
}
"""Names under which clients send a parameter by mistake."""


def password_findings(context: DiagnosisContext) -> tuple[Finding, ...]:
    """Return the findings about userid, account and password; empty if the account's were sent."""
    account = context.account
    if account is not None and is_authenticated(context, account):
        return ()
    missing = tuple(_missing_parameters(context))
    if missing:
        return missing
    if account is None:
        return tuple(_explain_userid(context))
    return tuple(_compare(context, account))


def _missing_parameters(context: DiagnosisContext) -> Iterator[Finding]:
    if context.fields.get(_SIGN, "").strip() and not context.fields.get(_PASSWORD, "").strip():
        yield make_finding("password.signed-request", find_twin(context.request.endpoint, protocol.SIGNED))
        return
    for name, value in zip(protocol.PASSWORD.parameters, context.request.credentials, strict=True):
        if value.strip():
            continue
        similar = next((other for other in _SIMILAR_NAMES[name] if context.fields.get(other, "").strip()), None)
        if similar is not None:
            yield make_finding("password.misnamed", context.show(find_sent_names(context).get(similar, similar)), name)
        elif name in context.fields:
            yield make_finding("password.blank", name)
        elif context.has_authorization:
            yield make_finding("password.authorization-header")
        else:
            yield make_finding("password.absent", name)


def find_twin(endpoint: Endpoint, authentication: Authentication) -> str:
    """Return the path of the endpoint with this authentication and the same operations and charset."""
    twins = (
        twin.path
        for twin in protocol.ENDPOINTS
        if twin.authentication is authentication
        and twin.charset == endpoint.charset
        and twin.operations[0] is endpoint.operations[0]
    )
    return next(twins)


def _explain_userid(context: DiagnosisContext) -> Iterator[Finding]:
    """Explain a userid that no account has."""
    userid, name, password = context.request.credentials
    for other in context.others:
        if other.userid == userid.strip():
            yield make_finding("password.white-space", _USERID)
            return
    for other in context.others:
        if (other.account, other.password) == (name, password):
            yield make_finding("password.userid-of-another", context.show(other.userid))
            return
    yield make_finding(_USERID_UNKNOWN, context.show(userid))
    if _is_digest(password):
        yield make_finding("password.digest-form")


def _compare(context: DiagnosisContext, account: Account) -> Iterator[Finding]:
    """Explain how account and password differ from those of the account with this userid."""
    _, name, password = context.request.credentials
    if (name, password) == (account.password, account.account):
        yield make_finding("password.swapped")
        return
    charset = context.request.endpoint.charset
    if name != account.account:
        yield _explain_difference(_ACCOUNT, name, account.account, charset)
    if password == account.password:
        return
    if password.lower() in _digests(account.password):
        yield make_finding("password.hashed")
    elif any(password == other.password for other in context.others if other.userid != account.userid):
        yield make_finding("password.of-another")
    else:
        yield _explain_difference(_PASSWORD, password, account.password, charset)


def _explain_difference(parameter: str, value: str, expected: str, charset: str) -> Finding:
    for code, is_cause in _CAUSES.items():
        if is_cause(value, expected, charset):
            return make_finding(code, parameter)
    if parameter == _PASSWORD and _is_digest(value):
        return make_finding("password.digest-form")
    return make_finding("password.differs", parameter)


def _is_cut(value: str, expected: str, _charset: str) -> bool:
    return expected.startswith(value) and expected[len(value)] in _PARAMETER_ENDS


def _is_in_another_charset(value: str, expected: str, charset: str) -> bool:
    decode = DECODERS[charset]
    return any(value == decode(expected.encode(other, "replace")) for other in ("utf-8", "gbk"))


def _is_encoded_again(value: str, expected: str, _charset: str) -> bool:
    return value.lower() in (quote(expected, safe="").lower(), quote_plus(expected).lower())


_CAUSES: Final[Mapping[str, Callable[[str, str, str], bool]]] = {
    "password.white-space": lambda value, expected, charset: value.strip() == expected.strip(),
    "password.letter-case": lambda value, expected, charset: value.casefold() == expected.casefold(),
    "password.plus": lambda value, expected, charset: value == expected.replace("+", " "),
    "password.cut": _is_cut,
    "password.encoded-twice": _is_encoded_again,
    "password.charset": _is_in_another_charset,
    "password.quotes": lambda value, expected, charset: value.strip("\"'") == expected,
}
"""For each code, whether its mistake makes the expected value the received one, at an endpoint with this charset."""


def _digests(password: str) -> tuple[str, ...]:
    md5 = hashlib.md5(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
    return md5, md5[8:24]


def _is_digest(value: str) -> bool:
    return len(value) == _DIGEST_LENGTH and _HEX_DIGITS.issuperset(value.lower())
