"""What tests of the diagnosis are made of: a request of the manual's account, right but for what a test says.

Here belongs the way from a form to all that a diagnosis is asked about. What it must find is the affair of the tests.
"""

import hashlib
from collections.abc import Mapping
from urllib.parse import urlencode

from sms10692 import protocol
from sms10692.protocol import Page
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import fields_of
from sms10692_mock.diagnosis import Asked, Fetch, Finding, diagnose
from sms10692_mock.domain.accounts import MANUALS_OWN, Account
from sms10692_mock.domain.api_request import call_of

FORM = "application/x-www-form-urlencoded"
TIMESTAMP = "20120701231212"
NOW = 1341155532.0
"""The moment of that timestamp, in China."""

OTHERS = (
    Account(userid="7", account="shop", password="geheim-shop"),
    Account(userid="008", account="店铺", password="geheim-店铺"),
    Account(userid="Q3", account=" spaced ", password="geheim spaced"),
)
SECRETS = tuple(account.password for account in (MANUALS_OWN, *OTHERS))


def md5(text: str | bytes) -> str:
    """Of the text's UTF-8 bytes, by hashlib itself."""
    return hashlib.md5(text if isinstance(text, bytes) else text.encode()).hexdigest()


def form(page: Page = protocol.V2SMS, **fields: str) -> bytes:
    """The form of a send by the manual's account, in the page's charset; `fields` are put in the place of its own."""
    sent = {
        "action": "send",
        "userid": "12",
        "timestamp": TIMESTAMP,
        "sign": md5(f"testmima{TIMESTAMP}"),
        "mobile": "15023239810,13527576163",
        "content": "内容",
        "sendTime": "",
        "extno": "",
    }
    return urlencode(sent | fields, encoding="utf-8" if page.charset == "utf-8" else "gbk").encode()


def asked(
    body: bytes,
    *,
    page: Page = protocol.V2SMS,
    method: str = "POST",
    query: bytes = b"",
    content_type: str = FORM,
    account: Account | None = MANUALS_OWN,
    others: tuple[Account, ...] = OTHERS,
    now: float = NOW,
    previous: Fetch | None = None,
) -> Asked:
    """A request as the emulator would have read it. An account counts only where the request names it."""
    fields: Mapping[str, str] = fields_of(query, content_type, body, DECODERS[page.charset])
    call = call_of(page, fields)
    named = account if account is not None and call.userid == account.userid else None
    rest = others if named is account or account is None else (account, *others)
    return Asked(method, query, content_type, body, fields, call, named, rest, now, previous)


def found(request: Asked) -> dict[str, Finding]:
    """What is found, by code; and no password in any of it."""
    findings = diagnose(request)
    for finding in findings:
        for secret in SECRETS:
            assert secret not in f"{finding.code} {finding.sentence} {finding.meant}"
    return {finding.code: finding for finding in findings}


def codes(request: Asked, kind: str) -> list[str]:
    """The codes of one kind, without the kind."""
    return [code.removeprefix(f"{kind}.") for code, finding in found(request).items() if finding.kind == kind]
