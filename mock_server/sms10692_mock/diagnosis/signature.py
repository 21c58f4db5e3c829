"""Signature diagnosis: find the mistake that explains a wrong userid, timestamp or sign.

The steps are: missing parameters, exchanged parameters, unknown userid, and a search for the text that was hashed. The
search tries every text of `signed_text_candidates` (with the timestamps of `timestamp_candidates`) in every matching
format of `digest_formats`.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import chain
from typing import Final, NamedTuple

from sms10692 import protocol
from sms10692_mock.diagnosis.context import DiagnosisContext, Finding, is_signed, make_finding
from sms10692_mock.diagnosis.digest_formats import DigestFormat, matching_formats
from sms10692_mock.diagnosis.signed_text_candidates import OTHERS_TRIED, SigningInputs, candidates
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account

_USERID, _TIMESTAMP, _SIGN = protocol.SEND.parameters[:3]
_ACTION: Final = protocol.OVERAGE.parameters[3]

MANUALS_SIGN: Final = "5cc68982f55ac74348e3d819f868fbe1"
"""Signature of the manual's example (1.2)."""
_MANUALS_TEXT: Final = DEFAULT_ACCOUNT.account + DEFAULT_ACCOUNT.password

_MISNAMED: Final = {
    _USERID: ("user_id", "user-id", "uid", "user", "id", "usrid", "userld", "companyid", "corpid"),
    _TIMESTAMP: ("time_stamp", "time-stamp", "timestap", "timestmp", "timestemp", "time", "ts", "t", "stamp", "date"),
    _SIGN: ("signature", "sgin", "sing", "signs", "sig", "md5", "token", "mac", "hash", "signstr"),
}
_CLEAR_NAMES: Final = ("account", "username", "user", "loginname")
_CLEAR_PASSWORDS: Final = ("password", "pwd", "passwd", "pass")
_ANOTHER_ACCOUNT_CODES: Final = ("signature.another-account", "signature.another-password", "signature.another-name")


class _Credentials(NamedTuple):
    """The three parameters that authenticate a request, as sent."""

    userid: str
    timestamp: str
    sign: str


def signature_findings(context: DiagnosisContext) -> tuple[Finding, ...]:
    """Return the findings about userid, timestamp and sign; empty if the signature is accepted."""
    credentials = _Credentials(context.request.userid, context.request.timestamp, context.request.sign)
    account = context.account
    if account is not None and is_signed(context, account, credentials.timestamp, credentials.sign):
        return ()
    missing, credentials = _missing_parameters(context, credentials)
    if not all(map(str.strip, credentials)):
        return missing
    swapped, credentials = _swap_back(credentials)
    if account is None:
        unknown, account = _resolve_userid(context, credentials)
        missing = (*missing, *unknown)
    if account is None:
        return (*missing, *swapped)
    return (*missing, *swapped, *_explain_sign(context, account, credentials))


def _missing_parameters(
    context: DiagnosisContext, credentials: _Credentials
) -> tuple[tuple[Finding, ...], _Credentials]:
    """Return a finding per missing credential, and the credentials with the values sent under other names."""
    findings = []
    for name, value in zip((_USERID, _TIMESTAMP, _SIGN), credentials, strict=True):
        if not value.strip():
            finding, substitute = _find_substitute(context, name)
            findings.append(finding)
            credentials = credentials._replace(**{name: substitute})
    return tuple(dict.fromkeys(findings)), credentials


def _find_substitute(context: DiagnosisContext, name: str) -> tuple[Finding, str]:
    """Return the finding about a missing parameter, and the value sent under another name (or an empty string)."""
    for other, value in context.fields.items():
        if other == f"{name} ":
            return make_finding("signature.sign-space" if name == _SIGN else "signature.name-space", name), value
        if other != name and re.sub(r"[\s\ufeff\u200b\0]", "", other) == name:
            return make_finding("signature.name-space", name), value
        if other == f"amp;{name}":
            return make_finding("signature.name-entity", name), value
    for other in _MISNAMED[name]:
        if context.fields.get(other, "").strip():
            return make_finding("signature.misnamed", f"{context.quote(other)} should be '{name}'"), context.fields[
                other
            ]
    if name != _USERID and _has_clear_password(context):
        return make_finding("signature.clear-credentials"), ""
    return make_finding("signature.blank" if name in context.fields else "signature.absent", name), ""


def _has_clear_password(context: DiagnosisContext) -> bool:
    return any(name in context.fields for name in _CLEAR_PASSWORDS) and any(
        name in context.fields for name in (*_CLEAR_NAMES, _USERID)
    )


def _swap_back(credentials: _Credentials) -> tuple[tuple[Finding, ...], _Credentials]:
    """Exchange timestamp and sign if each looks like the other, with the finding about that."""
    if re.fullmatch(r"[0-9]{10,17}", credentials.sign) and re.fullmatch(r"[0-9A-Fa-f]{32}", credentials.timestamp):
        return (make_finding("signature.swapped"),), credentials._replace(
            sign=credentials.timestamp, timestamp=credentials.sign
        )
    return (), credentials


def _normalize_userid(userid: str) -> str:
    """Remove white space, quotes and leading zeros, and convert full-width digits and capital letters."""
    return unicodedata.normalize("NFKC", userid).strip("\"'\ufeff\u200b\0 \t\r\n\x0b\f").lstrip("0").lower()


def _resolve_userid(context: DiagnosisContext, credentials: _Credentials) -> tuple[tuple[Finding, ...], Account | None]:
    """Return the finding about an unknown userid, and the account that was probably meant."""
    userid = credentials.userid
    stripped, normalized = userid.strip(), _normalize_userid(userid)
    for code, matches in (
        ("signature.userid-space", lambda account: account.userid == stripped),
        ("signature.account-as-userid", lambda account: account.account == stripped),
        ("signature.userid-form", lambda account: _normalize_userid(account.userid) == normalized),
    ):
        for account in context.others:
            if matches(account):
                if code == "signature.userid-space" and userid == stripped:
                    return (), account  # The userid was sent under another parameter name.
                return (make_finding(code, context.quote(account.userid)),), account
    for account in context.others[:OTHERS_TRIED]:
        if is_signed(context, account, credentials.timestamp, credentials.sign):
            return (make_finding("signature.userid-of-another", context.quote(account.userid)),), account
    return (make_finding("signature.userid-unknown", context.quote(userid)),), None


def _explain_sign(context: DiagnosisContext, account: Account, credentials: _Credentials) -> tuple[Finding, ...]:
    """Return what is wrong with the signature: its format, the hashed text, or "unexplained"."""
    timestamp, sign = credentials.timestamp, credentials.sign
    if is_signed(context, account, timestamp, sign):
        return ()
    if sign.lower() == MANUALS_SIGN and account.account + account.password != _MANUALS_TEXT:
        return (make_finding("signature.manuals-example"),)
    formats = matching_formats(sign)
    if not formats:
        return (make_finding("signature.not-32-digits"),)
    inputs = SigningInputs(
        account=account.account,
        password=account.password,
        userid=account.userid,
        timestamp=timestamp,
        extra_parameters=_extra_parameters(context),
        others=_other_accounts(context, account),
        now=context.now,
    )
    explanation = _search(context, inputs, formats, sign)
    if explanation is not None:
        return explanation
    conclusive = [format_.code for format_ in formats if format_.code and format_.conclusive]
    codes = conclusive[:1] or ([] if not formats[0].code else ["signature.not-32-digits"])
    return (*map(make_finding, codes), make_finding("signature.unexplained"))


def _other_accounts(context: DiagnosisContext, account: Account) -> tuple[Account, ...]:
    return tuple(other for other in context.others if other != account)


def _extra_parameters(context: DiagnosisContext) -> tuple[tuple[str, str], ...]:
    request = context.request
    return (
        ("content", request.content),
        ("mobile", request.mobile),
        (_ACTION, request.action),
        ("mobile and content", request.mobile + request.content),
        ("content and mobile", request.content + request.mobile),
    )


def _search(
    context: DiagnosisContext, inputs: SigningInputs, formats: tuple[DigestFormat, ...], sign: str
) -> tuple[Finding, ...] | None:
    """Hash every candidate text in every charset and format until one equals `sign`; None if none does."""
    targets = [(format_, format_.algorithm, format_.encode, format_.normalize(sign)) for format_ in formats]
    for code, detail, text in chain((("", "", inputs.text),), candidates(inputs)):
        for charset, raw in _encode(text):
            for format_, algorithm, encode, normalized in targets:
                if encode(algorithm(raw, usedforsecurity=False).digest()) == normalized:
                    return tuple(_to_findings(context, format_, code, detail, charset))
    return None


def _encode(text: str | bytes) -> tuple[tuple[str, bytes], ...]:
    """Encode a text in UTF-8 and GBK, or once if both are equal."""
    if isinstance(text, bytes):
        return (("utf-8", text),)
    if text.isascii():
        return (("utf-8", text.encode()),)
    return ("utf-8", text.encode("utf-8", "surrogatepass")), ("gbk", text.encode("gbk", "replace"))


def _to_findings(
    context: DiagnosisContext, format_: DigestFormat, code: str, detail: str, charset: str
) -> Iterator[Finding]:
    if code:
        yield make_finding(code, context.quote(detail) if code in _ANOTHER_ACCOUNT_CODES else detail)
    if charset == "gbk" and context.request.endpoint.charset == "utf-8":
        yield make_finding("signature.gbk")
    if format_.code:
        yield make_finding(format_.code, format_.hash_name)
