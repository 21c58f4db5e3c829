"""Signature diagnosis: find the mistake that explains a wrong userid, timestamp or sign.

A correct `sign` is the MD5 digest of account, password and timestamp, written one after another (`sms10692.signing`).

The steps, in this order:

1. Is the signature accepted? Then there are no findings.
2. Is a parameter missing? Its value is taken from a parameter with a similar name, if there is one.
3. Are timestamp and sign swapped? They are swapped back.
4. Does no account have the userid? The account that was probably meant is used.
5. Is the repaired signature accepted, copied from the manual, or in no known format?
6. Search for the text that was hashed: every candidate of `signed_text_candidates`, in both charsets, in every matching
   format of `digest_formats`.

**Each step works on the values that the steps before it have repaired, so their order must not change.** Wherever
several explanations fit, the first one is reported: the order of formats, candidates, charsets, parameter names and
userid checks decides.

**The time of a diagnosis is limited by the number of candidates and accounts.** Candidates are generated lazily, and
the search ends at the first match. Digests are compared for at most `OTHERS_TRIED` other accounts.

**Passwords are hashed here and must not get into a finding**: `DiagnosisContext.quote` redacts them. Findings may
contain userids of other accounts, so only the owner of the emulator may see them (`service.public_findings`).
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import chain
from typing import Final, NamedTuple

from sms10692 import protocol
from sms10692_mock.diagnosis.context import REDACTED, DiagnosisContext, Finding, is_signed, make_finding
from sms10692_mock.diagnosis.digest_formats import DigestFormat, matching_formats
from sms10692_mock.diagnosis.form_syntax import find_sent_names
from sms10692_mock.diagnosis.parameter_names import NAMES, PASSWORD_NAMES, SIGN_NAMES
from sms10692_mock.diagnosis.password import find_twin
from sms10692_mock.diagnosis.phrases import Phrase
from sms10692_mock.diagnosis.request_style import MANUALS_SIGN
from sms10692_mock.diagnosis.signed_text_candidates import OTHERS_TRIED, SigningInputs, candidates
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account

_USERID, _TIMESTAMP, _SIGN = protocol.SIGNED.parameters
(_ACTION,) = protocol.OVERAGE.parameters

_MANUALS_ACCOUNT: Final = DEFAULT_ACCOUNT.account + DEFAULT_ACCOUNT.password
"""Account and password of the manual's example."""

_SIMILAR_NAMES: Final = {
    _USERID: ("user_id", "user-id", "uid", "user", "id", "usrid", "userld", "companyid", "corpid"),
    _TIMESTAMP: ("time_stamp", "time-stamp", "timestap", "timestmp", "timestemp", "time", "ts", "t", "stamp", "date"),
    _SIGN: SIGN_NAMES,
}
"""Names under which clients send a parameter by mistake, misspellings included ("userld" has an L in place of an I)."""

_PLAIN_ACCOUNT_NAMES: Final = ("account", "username", "user", "loginname")
"""Parameters of clients that send account and password in plain text, as in an older version of the API."""

_ANOTHER_ACCOUNT_CODES: Final = ("signature.another-account", "signature.another-password", "signature.another-name")
"""Findings whose detail is the userid of another account."""


_SHOWN_TEXTS: Final = frozenset(
    f"signature.{name}"
    for name in (
        *("order", "userid-for-account", "userid-too", "no-account", "no-password", "no-timestamp"),
        *("separators", "labels", "quotes", "line-end", "white-space", "too-much"),
        *("seconds-off", "minutes-off", "manuals-timestamp", "another-moment"),
        *("timestamp-differs", "timestamp-separators", "timestamp-unix", "timestamp-short", "timestamp-milliseconds"),
        *("timestamp-letters", "timestamp-twelve-hour", "timestamp-utc", "timestamp-zone"),
    )
)
"""Findings about a text that contains the password as it is, so that it can be redacted."""


class _Credentials(NamedTuple):
    """The three parameters that authenticate a request, as sent or repaired.

    **The fields have the names of the parameters**: `_missing_parameters` replaces them by name.
    """

    userid: str
    timestamp: str
    sign: str


def signature_findings(context: DiagnosisContext) -> tuple[Finding, ...]:
    """Return the findings about userid, timestamp and sign; empty if the signature is accepted.

    **To decide whether a signature is valid, call `is_signed`**: a diagnosis explains a refusal and takes much longer.
    """
    credentials = _Credentials(*context.request.credentials)
    account = context.account
    if account is not None and is_signed(context, account, credentials.timestamp, credentials.sign):
        return ()
    findings, credentials = _missing_parameters(context, credentials)
    if not all(map(str.strip, credentials)):
        return findings
    swapped, credentials = _swap_back(credentials)
    if account is None:
        unknown, account = _resolve_userid(context, credentials)
        findings = (*findings, *unknown)
    findings = (*findings, *swapped)
    return findings if account is None else (*findings, *_explain_sign(context, account, credentials))


def _missing_parameters(
    context: DiagnosisContext, credentials: _Credentials
) -> tuple[tuple[Finding, ...], _Credentials]:
    """Return a finding per missing parameter, and the credentials with the values sent under other names.

    Plain-text credentials replace two parameters and are reported once.
    """
    findings = []
    for name, value in zip((_USERID, _TIMESTAMP, _SIGN), credentials, strict=True):
        if not value.strip():
            finding, substitute = _find_substitute(context, name)
            findings.append(finding)
            credentials = credentials._replace(**{name: substitute})
    return tuple(dict.fromkeys(findings)), credentials


def _find_substitute(context: DiagnosisContext, name: str) -> tuple[Finding, str]:
    """Return the finding about a missing parameter, and the value sent under another name (or an empty string)."""
    for sent_name, value in context.fields.items():
        if sent_name == f"{name} ":
            # The manual's example prints "sign " with a space, hence the separate code. Test this before the next
            # condition, which is also true for that name.
            return make_finding("signature.sign-space" if name == _SIGN else "signature.name-space", name), value
        if sent_name != name and re.sub(r"[\s\ufeff\u200b\0]", "", sent_name) == name:
            return make_finding("signature.name-space", name), value
        if sent_name == f"amp;{name}":
            return make_finding("signature.name-entity", name), value
    for similar in _SIMILAR_NAMES[name]:
        value = context.fields.get(similar, "")
        if value.strip():
            sent = find_sent_names(context).get(similar, similar)
            return make_finding("signature.misnamed", Phrase("{} should be '{}'", context.quote(sent), name)), value
    if name != _USERID and _has_plain_password(context):
        older = find_twin(context.request.endpoint, protocol.PASSWORD)
        return make_finding("signature.clear-credentials", older), ""
    if name in context.fields:
        return make_finding("signature.blank", name), ""
    if context.has_authorization:
        return make_finding("signature.authorization-header"), ""
    return make_finding("signature.absent", name), ""


def _has_plain_password(context: DiagnosisContext) -> bool:
    return any(name in context.fields for name in PASSWORD_NAMES) and any(
        name in context.fields for name in (*_PLAIN_ACCOUNT_NAMES, _USERID)
    )


def _swap_back(credentials: _Credentials) -> tuple[tuple[Finding, ...], _Credentials]:
    """Return the finding about swapped timestamp and sign, if each looks like the other, and the correct order."""
    if re.fullmatch(r"[0-9]{10,17}", credentials.sign) and re.fullmatch(r"[0-9A-Fa-f]{32}", credentials.timestamp):
        return (make_finding("signature.swapped"),), credentials._replace(
            sign=credentials.timestamp, timestamp=credentials.sign
        )
    return (), credentials


def _normalize_userid(userid: str) -> str:
    """Strip white space, quotes and leading zeros; make full-width characters half-width and capitals lower-case."""
    return unicodedata.normalize("NFKC", userid).strip("\"'\ufeff\u200b\0 \t\r\n\x0b\f").lstrip("0").lower()


def _resolve_userid(context: DiagnosisContext, credentials: _Credentials) -> tuple[tuple[Finding, ...], Account | None]:
    """Return the finding about an unknown userid, and the account that was probably meant.

    There is no finding if an account has exactly this userid: `_missing_parameters` found it under another name.
    """
    userid = credentials.userid
    stripped, normalized = userid.strip(), _normalize_userid(userid)
    for code, matches in (
        ("", lambda account: account.userid == userid),
        ("signature.userid-space", lambda account: account.userid == stripped),
        ("signature.account-as-userid", lambda account: account.account == stripped),
        ("signature.userid-form", lambda account: _normalize_userid(account.userid) == normalized),
    ):
        for account in context.others:
            if matches(account):
                return (make_finding(code, context.quote(account.userid)),) if code else (), account
    for account in context.others[:OTHERS_TRIED]:
        if is_signed(context, account, credentials.timestamp, credentials.sign):
            return (make_finding("signature.userid-of-another", context.quote(account.userid)),), account
    return (make_finding("signature.userid-unknown", context.quote(userid)),), None


def _explain_sign(context: DiagnosisContext, account: Account, credentials: _Credentials) -> tuple[Finding, ...]:
    """Return what is wrong with the repaired signature; empty if it is accepted.

    The last resort is "unexplained", with the format of the signature if that is wrong.
    """
    timestamp, sign = credentials.timestamp, credentials.sign
    if is_signed(context, account, timestamp, sign):
        return ()
    # An account like the manual's has signed correctly, and sent another timestamp: the search finds that.
    if sign.lower() == MANUALS_SIGN and account.account + account.password != _MANUALS_ACCOUNT:
        return (make_finding("signature.manuals-example"),)
    formats = matching_formats(sign)
    if not formats:
        return (make_finding("signature.not-32-digits"),)
    match = _search(context, _signing_inputs(context, account, timestamp), formats, sign)
    if match is not None:
        return match.findings
    return (*_explain_format(formats), make_finding("signature.unexplained"))


def find_signed_text(context: DiagnosisContext) -> str:
    """Return what the client signed in place of the correct text, with passwords redacted; empty if it is not known.

    It is also empty where the password was changed before it was signed, because such a password is not redacted.
    **Show it only to the owner of the emulator**, like the findings.
    """
    account = context.account
    _, (_, timestamp, sign) = _swap_back(_Credentials(*context.request.credentials))
    if account is None or not timestamp.strip() or not sign.strip():
        return ""
    match = _search(context, _signing_inputs(context, account, timestamp), matching_formats(sign), sign)
    if match is None or match.code not in _SHOWN_TEXTS or isinstance(match.text, bytes):
        return ""
    return context.show(match.text.replace(account.password, REDACTED) if account.password else match.text)


def _signing_inputs(context: DiagnosisContext, account: Account, timestamp: str) -> SigningInputs:
    return SigningInputs(
        account=account.account,
        password=account.password,
        userid=account.userid,
        timestamp=timestamp,
        extra_parameters=_extra_parameters(context),
        sent=_sent_parameters(context),
        others=tuple(other for other in context.others if other != account),
        now=context.now,
    )


def _explain_format(formats: tuple[DigestFormat, ...]) -> tuple[Finding, ...]:
    """Return the finding about the format of a signature whose text is unknown; empty for the correct format."""
    if not formats[0].code:  # a signature in the correct format matches no other
        return ()
    for format_ in formats:
        if format_.conclusive:
            return (make_finding(format_.code, *format_.values),)
    # The patterns that match are no proof without a digest that matches. Only this is certain:
    return (make_finding("signature.not-32-digits"),)


def _extra_parameters(context: DiagnosisContext) -> tuple[tuple[str, str], ...]:
    request = context.request
    first_number, comma, _ = request.mobile.partition(",")
    return (
        ("content", request.content),
        ("mobile", request.mobile),
        ("mobile", first_number if comma else ""),
        (_ACTION, request.action),
        ("extno", request.extno),
        ("sendTime", request.send_time),
        ("statusNum", request.status_num),
        ("mobile, content", request.mobile + request.content),
        ("content, mobile", request.content + request.mobile),
    )


def _sent_parameters(context: DiagnosisContext) -> tuple[tuple[str, str], ...]:
    """Return the parameters of the manual that were sent, except the signature, with the manual's names."""
    return tuple(
        (NAMES[name], value) for name, value in context.fields.items() if name in NAMES and NAMES[name] != _SIGN
    )


class _Match(NamedTuple):
    """The candidate whose digest was sent: the code of its mistake, its text, and what both explain."""

    code: str
    text: str | bytes
    findings: tuple[Finding, ...]


def _search(
    context: DiagnosisContext, inputs: SigningInputs, formats: tuple[DigestFormat, ...], sign: str
) -> _Match | None:
    """Hash every candidate text in every charset and format until one equals `sign`.

    The correct text comes first: its format or its charset may be wrong. None if nothing is found. A match that
    explains nothing is passed over: the correct text, in GBK with a question mark for a character that GBK lacks.
    """
    targets = [(format_, format_.algorithm, format_.encode, format_.normalize(sign)) for format_ in formats]
    for code, detail, text in chain((("", "", inputs.text),), candidates(inputs)):
        for charset, raw in _encode(text):
            for format_, algorithm, encode, normalized in targets:
                if encode(algorithm(raw, usedforsecurity=False).digest()) == normalized:
                    findings = tuple(_to_findings(context, format_, code, detail, charset))
                    if findings:
                        return _Match(code, text, findings)
    return None


def _encode(text: str | bytes) -> tuple[tuple[str, bytes], ...]:
    """Encode a text in UTF-8 and GBK: once if it is ASCII, not at all if it is bytes.

    Never raises: lone surrogates are encoded too, and a character that GBK lacks is replaced by "?", as by clients.
    """
    if isinstance(text, bytes):
        return (("utf-8", text),)
    if text.isascii():
        return (("utf-8", text.encode()),)
    return ("utf-8", text.encode("utf-8", "surrogatepass")), ("gbk", text.encode("gbk", "replace"))


def _to_findings(
    context: DiagnosisContext, format_: DigestFormat, code: str, detail: str, charset: str
) -> Iterator[Finding]:
    """Yield the findings about a text that was hashed: its mistake, its charset, and the format of the digest.

    The details of candidates are safe, except userids: words of this program, and times.
    """
    if code:
        yield make_finding(code, context.quote(detail) if code in _ANOTHER_ACCOUNT_CODES else detail)
    if charset == "gbk" and context.request.endpoint.charset == "utf-8":
        yield make_finding("signature.gbk")
    if format_.code:
        yield make_finding(format_.code, *format_.values)
