"""Helpers for tests of the diagnosis: build a request with one mistake, and run the diagnosis on it."""

import hashlib
import re
from collections.abc import Sequence
from urllib.parse import urlencode

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import parse_form
from sms10692_mock.diagnosis import DiagnosisContext, Finding, PreviousFetch, diagnose
from sms10692_mock.diagnosis.pre_check import Suspicion, find_suspicion
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account
from sms10692_mock.domain.api_request import parse_request

FORM = "application/x-www-form-urlencoded"
TIMESTAMP = "20120701231212"
NOW = 1341155532.0
"""The time of `TIMESTAMP` in China, in Unix seconds."""

OTHERS = (
    Account(userid="7", account="shop", password="geheim-shop"),
    Account(userid="008", account="店铺", password="geheim-店铺"),
    Account(userid="Q3", account=" spaced ", password="geheim spaced"),
)
SECRETS = tuple(account.password for account in (DEFAULT_ACCOUNT, *OTHERS))


def md5(text: str | bytes) -> str:
    """Return the MD5 of bytes, or of a text in UTF-8, in hexadecimal."""
    return hashlib.md5(text if isinstance(text, bytes) else text.encode()).hexdigest()


def build_form(endpoint: Endpoint = protocol.V2SMS, **fields: str) -> bytes:
    """Build a correct send of the manual's account in the endpoint's charset; `fields` replaces or adds fields."""
    defaults = {
        "action": "send",
        "userid": "12",
        "timestamp": TIMESTAMP,
        "sign": md5(f"testmima{TIMESTAMP}"),
        "mobile": "15023239810,13527576163",
        "content": "内容",
        "sendTime": "",
        "extno": "",
    }
    return urlencode(defaults | fields, encoding="utf-8" if endpoint.charset == "utf-8" else "gbk").encode()


def build_context(
    body: bytes,
    *,
    endpoint: Endpoint = protocol.V2SMS,
    method: str = "POST",
    query: bytes = b"",
    content_type: str = FORM,
    account: Account | None = DEFAULT_ACCOUNT,
    others: tuple[Account, ...] = OTHERS,
    now: float = NOW,
    previous: PreviousFetch | None = None,
    headers: Sequence[tuple[str, str]] = (),
    received: float | None = None,
) -> DiagnosisContext:
    """Parse a request as the emulator does. `account` counts only if the request contains its userid."""
    fields = parse_form(query, content_type, body, DECODERS[endpoint.charset]).fields
    request = parse_request(endpoint, fields)
    named = account if account is not None and request.userid == account.userid else None
    rest = others if named is account or account is None else (account, *others)
    return DiagnosisContext(
        method,
        query,
        content_type,
        body,
        fields,
        request,
        named,
        rest,
        now,
        previous,
        headers=headers,
        received=received,
    )


def find_suspicion_of(context: DiagnosisContext) -> Suspicion:
    """Return what the check before the response says about a request, if the vendor accepts it."""
    decode = DECODERS[context.request.endpoint.charset]
    form = parse_form(context.query, context.content_type, context.body, decode)
    names = [name.lower() for name, _ in context.headers]
    return find_suspicion(context.request, form, context.method, names, context.body, context.now)


def get_findings(request: DiagnosisContext) -> dict[str, Finding]:
    """Run the diagnosis. Returns the findings by code, and asserts that none contains a password."""
    findings = diagnose(request)
    for finding in findings:
        for secret in SECRETS:
            assert secret not in f"{finding.code} {finding.sentence} {finding.meant}"
    return {finding.code: finding for finding in findings}


def find_codes(request: DiagnosisContext, kind: str) -> list[str]:
    """Return the codes of the findings of one kind, without the prefix `kind.`."""
    return [code.removeprefix(f"{kind}.") for code, finding in get_findings(request).items() if finding.kind == kind]


_NAMES = """
account action content extno mobile newpwd password renewpwd sendTime sign statusNum timestamp userid name value
amp data boundary
yyyyMMddHHmmss yyyy MM dd HH mm ss Content Length Encoding Type Transfer CONNECT GET HEAD POST PUT CR LF
application form multipart www urlencoded chunked gzip http https HTTP TLS PROXY URL API IIS aiohttp FormData
ascii big le be latin sig utf ASCII BOM Base Big FFFD GB GBK HMAC HTML JSON Latin MD NUL SHA SQL UTC UTF Unix Windows
XML trailer
--allow-cross-site
"""
"""Names that a Chinese sentence contains: of parameters, headers, methods, charsets, formats and options."""


def find_english(sentence: str, sent: str) -> list[str]:
    """Return the English words of a Chinese sentence that are neither names nor part of the text that was sent."""
    endpoints = {word for endpoint in protocol.ENDPOINTS for word in re.findall("[A-Za-z]{2,}", endpoint.path)}
    actions = {operation.action for operation in protocol.OPERATIONS}
    known = endpoints | actions | set(re.findall("[A-Za-z]{2,}", _NAMES))
    return [
        word for word in re.findall("[A-Za-z]{2,}", sentence) if word not in known and word.lower() not in sent.lower()
    ]
