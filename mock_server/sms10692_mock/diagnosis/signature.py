"""Why is a request not signed by the account that it names?

Here belong the steps from the parameters that are there to the mistake that explains the signature. The mistakes
themselves are tables in `recipes`, `moments` and `digests`.
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
"""The signature of the manual's example (1.2)."""
_MANUALS_TEXT: Final = DEFAULT_ACCOUNT.account + DEFAULT_ACCOUNT.password

_MISNAMED: Final = {
    _USERID: ("user_id", "user-id", "uid", "user", "id", "usrid", "userld", "companyid", "corpid"),
    _TIMESTAMP: ("time_stamp", "time-stamp", "timestap", "timestmp", "timestemp", "time", "ts", "t", "stamp", "date"),
    _SIGN: ("signature", "sgin", "sing", "signs", "sig", "md5", "token", "mac", "hash", "signstr"),
}
_CLEAR_NAMES: Final = ("account", "username", "user", "loginname")
_CLEAR_PASSWORDS: Final = ("password", "pwd", "passwd", "pass")
_ABOUT_ANOTHER: Final = ("signature.another-account", "signature.another-password", "signature.another-name")


class _Credentials(NamedTuple):
    userid: str
    timestamp: str
    sign: str


def signature_findings(asked: DiagnosisContext) -> tuple[Finding, ...]:
    """What is wrong with userid, timestamp and sign; nothing where the signature is accepted."""
    given = _Credentials(asked.call.userid, asked.call.timestamp, asked.call.sign)
    account = asked.account
    if account is not None and is_signed(asked, account, given.timestamp, given.sign):
        return ()
    absent, given = _stand_ins(asked, given)
    if not all(map(str.strip, given)):
        return absent
    swapped, given = _unswapped(given)
    if account is None:
        whose, account = _userid(asked, given)
        absent = (*absent, *whose)
    if account is None:
        return (*absent, *swapped)
    return (*absent, *swapped, *_sign(asked, account, given))


def _stand_ins(asked: DiagnosisContext, given: _Credentials) -> tuple[tuple[Finding, ...], _Credentials]:
    """What is said about each of the three that is absent, and the three with what was sent in their place."""
    findings = []
    for name, value in zip((_USERID, _TIMESTAMP, _SIGN), given, strict=True):
        if not value.strip():
            found, stand_in = _stand_in(asked, name)
            findings.append(found)
            given = given._replace(**{name: stand_in})
    return tuple(dict.fromkeys(findings)), given


def _stand_in(asked: DiagnosisContext, name: str) -> tuple[Finding, str]:
    """The finding about an absent parameter, and the value that another one has in its place, or nothing."""
    for other, value in asked.fields.items():
        if other == f"{name} ":
            return make_finding("signature.sign-space" if name == _SIGN else "signature.name-space", name), value
        if other != name and re.sub(r"[\s\ufeff\u200b\0]", "", other) == name:
            return make_finding("signature.name-space", name), value
        if other == f"amp;{name}":
            return make_finding("signature.name-entity", name), value
    for other in _MISNAMED[name]:
        if asked.fields.get(other, "").strip():
            return make_finding("signature.misnamed", f"{asked.quote(other)} should be '{name}'"), asked.fields[other]
    if name != _USERID and _in_clear(asked):
        return make_finding("signature.clear-credentials"), ""
    return make_finding("signature.blank" if name in asked.fields else "signature.absent", name), ""


def _in_clear(asked: DiagnosisContext) -> bool:
    return any(name in asked.fields for name in _CLEAR_PASSWORDS) and any(
        name in asked.fields for name in (*_CLEAR_NAMES, _USERID)
    )


def _unswapped(given: _Credentials) -> tuple[tuple[Finding, ...], _Credentials]:
    if re.fullmatch(r"[0-9]{10,17}", given.sign) and re.fullmatch(r"[0-9A-Fa-f]{32}", given.timestamp):
        return (make_finding("signature.swapped"),), given._replace(sign=given.timestamp, timestamp=given.sign)
    return (), given


def _plain(userid: str) -> str:
    """A userid without what may have crept into it: white space, quotes, full-width digits, zeros in front."""
    return unicodedata.normalize("NFKC", userid).strip("\"'\ufeff\u200b\0 \t\r\n\x0b\f").lstrip("0").lower()


def _userid(asked: DiagnosisContext, given: _Credentials) -> tuple[tuple[Finding, ...], Account | None]:
    """What is wrong with a userid that is nobody's, and the account that was meant, where that can be told."""
    userid = given.userid
    stripped, plain = userid.strip(), _plain(userid)
    for code, meets in (
        ("signature.userid-space", lambda account: account.userid == stripped),
        ("signature.account-as-userid", lambda account: account.account == stripped),
        ("signature.userid-form", lambda account: _plain(account.userid) == plain),
    ):
        for account in asked.others:
            if meets(account):
                if code == "signature.userid-space" and userid == stripped:
                    return (), account  # The userid came under another name.
                return (make_finding(code, asked.quote(account.userid)),), account
    for account in asked.others[:OTHERS_TRIED]:
        if is_signed(asked, account, given.timestamp, given.sign):
            return (make_finding("signature.userid-of-another", asked.quote(account.userid)),), account
    return (make_finding("signature.userid-unknown", asked.quote(userid)),), None


def _sign(asked: DiagnosisContext, account: Account, given: _Credentials) -> tuple[Finding, ...]:
    """What explains the signature: how it is written, what was hashed, or that neither is known here."""
    timestamp, sign = given.timestamp, given.sign
    if is_signed(asked, account, timestamp, sign):
        return ()
    if sign.lower() == MANUALS_SIGN and account.account + account.password != _MANUALS_TEXT:
        return (make_finding("signature.manuals-example"),)
    shapes = matching_formats(sign)
    if not shapes:
        return (make_finding("signature.not-32-digits"),)
    known = SigningInputs(
        account.account, account.password, account.userid, timestamp, _extras(asked), _but(asked, account), asked.now
    )
    explained = _explained(asked, known, shapes, sign)
    if explained is not None:
        return explained
    evident = [shape.code for shape in shapes if shape.code and shape.conclusive]
    shaped = evident[:1] or ([] if not shapes[0].code else ["signature.not-32-digits"])
    return (*map(make_finding, shaped), make_finding("signature.unexplained"))


def _but(asked: DiagnosisContext, account: Account) -> tuple[Account, ...]:
    return tuple(other for other in asked.others if other != account)


def _extras(asked: DiagnosisContext) -> tuple[tuple[str, str], ...]:
    call = asked.call
    return (
        ("content", call.content),
        ("mobile", call.mobile),
        (_ACTION, call.action),
        ("mobile and content", call.mobile + call.content),
        ("content and mobile", call.content + call.mobile),
    )


def _explained(
    asked: DiagnosisContext, known: SigningInputs, shapes: tuple[DigestFormat, ...], sign: str
) -> tuple[Finding, ...] | None:
    wanted = [(shape, shape.algorithm, shape.encode, shape.normalize(sign)) for shape in shapes]
    for code, detail, text in chain((("", "", known.text),), candidates(known)):
        for charset, raw in _bytes_of(text):
            for shape, algorithm, write, read in wanted:
                if write(algorithm(raw, usedforsecurity=False).digest()) == read:
                    return tuple(_named(asked, shape, code, detail, charset))
    return None


def _bytes_of(text: str | bytes) -> tuple[tuple[str, bytes], ...]:
    """A text in both charsets of the vendor's, where it makes a difference."""
    if isinstance(text, bytes):
        return (("utf-8", text),)
    if text.isascii():
        return (("utf-8", text.encode()),)
    return ("utf-8", text.encode("utf-8", "surrogatepass")), ("gbk", text.encode("gbk", "replace"))


def _named(asked: DiagnosisContext, shape: DigestFormat, code: str, detail: str, charset: str) -> Iterator[Finding]:
    if code:
        yield make_finding(code, asked.quote(detail) if code in _ABOUT_ANOTHER else detail)
    if charset == "gbk" and asked.call.page.charset == "utf-8":
        yield make_finding("signature.gbk")
    if shape.code:
        yield make_finding(shape.code, shape.hash_name)
