"""Checks of the charset of responses: Content-Type, declaration and bytes agree in every response (1.1, R17)."""

import json
import re
from collections.abc import Iterator
from typing import Final

from sms10692_contract.checks.operation_trials import ESCAPED_REPLY_NUMBER, REPLYING_NUMBER, parse_document
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.request_forms import HEADED, RequestForm
from sms10692_contract.checks.strategies import TEXT
from sms10692_contract.expectations import expect, expect_sent
from sms10692_contract.expected import (
    EMPTY_CREDENTIALS,
    EMPTY_MOBILE,
    FORBIDDEN_CONTENT,
    INVALID_PARAMETER,
    NO_WORD_FOUND,
    OTHER_ERROR,
    WORD_FOUND,
    WRONG_CREDENTIALS,
    ParsedResponse,
)
from sms10692_contract.harness import CheckContext
from sms10692_contract.pace import REPORT_TIMEOUT
from sms10692_contract.requests import CALL, GBK, STATUS, UTF8
from sms10692_contract.safety import INVALID_SIGN

_DECLARED: Final = re.compile(rb"""^<\?xml version=["']1\.0["'] encoding=["']([^"']+)["']""")
_LABELLED: Final = re.compile(r"charset=\"?([A-Za-z0-9_-]+)")
_ODD_NUMBER: Final = "号码é😀𠮷"


def _exchange_every_kind(
    context: CheckContext, form: RequestForm, text: str, **extra: str
) -> Iterator[tuple[ParsedResponse, str]]:
    """Send a request of every kind: accepted, refused, with few and many items, with texts that are not ASCII.

    Yields each response with a text that it must contain.
    """
    account = context.create_account(profile="manual")
    echoing = context.create_account(profile="observed")

    def exchange(endpoint: str, fields: dict[str, str], expected: str) -> tuple[ParsedResponse, str]:
        owner = echoing if fields.get("action") == "checkkeyword" else account
        pairs = list((owner.build_credentials() | fields | extra).items())
        return context.exchange(form.build(endpoint, pairs)), expected

    for endpoint in (UTF8, GBK):
        yield exchange(endpoint, {"action": "overage"}, "预付费")
        yield exchange(endpoint, {"action": "checkkeyword", "content": text}, NO_WORD_FOUND)
        yield exchange(endpoint, {"action": "checkkeyword", "content": f"{text}{context.forbidden_word}"}, WORD_FOUND)
        for number in (REPLYING_NUMBER, ESCAPED_REPLY_NUMBER):
            yield exchange(endpoint, {"action": "send", "mobile": number, "content": "内容"}, "ok")
        yield exchange(endpoint, {"action": "send", "mobile": "", "content": "内容"}, EMPTY_MOBILE)
        forbidden = {"action": "send", "mobile": "1", "content": context.forbidden_word}
        yield exchange(endpoint, forbidden, FORBIDDEN_CONTENT)
        yield exchange(endpoint, {"action": "unknown"}, OTHER_ERROR)
        yield exchange(endpoint, {"action": "overage", "sign": INVALID_SIGN}, WRONG_CREDENTIALS)
        yield exchange(endpoint, {"action": "overage", "sign": ""}, EMPTY_CREDENTIALS)
    numbers = [f"1380000{index:04}" for index in range(15)]
    expect_sent(context.send(account, ",".join([*numbers, _ODD_NUMBER])), 16)
    context.clock.advance(account.userid, REPORT_TIMEOUT)
    for endpoint, item in ((CALL, "<好> & 😀"), (STATUS, _ODD_NUMBER)):
        yield exchange(endpoint, {"action": "query"}, item)
        yield exchange(endpoint, {"action": "query"}, "")
        yield exchange(endpoint, {"action": "unknown"}, INVALID_PARAMETER)
        yield exchange(endpoint, {"action": "query", "sign": INVALID_SIGN}, WRONG_CREDENTIALS)


@checks("R17-charsets")
def _content_type_declaration_and_bytes_agree(context: CheckContext) -> None:
    """Check that each response can be parsed as declared, and that its Content-Type names the same charset."""

    def check_agreement(form: RequestForm, text: str) -> None:
        for response, contained in _exchange_every_kind(context, form, text):
            declared = _DECLARED.match(response.raw.body)
            labelled = _LABELLED.search(response.raw.content_type)
            declared_name = declared[1].decode().lower() if declared else "no declaration"
            labelled_name = labelled[1].lower() if labelled else declared_name
            names = {"gbk" if name == "gb2312" else name for name in (declared_name, labelled_name)}
            actual = f"{declared_name} in the declaration, {labelled_name} in the Content-Type"
            expect(len(names) == 1 and declared is not None, response, "one charset", actual)
            read = "".join(parse_document(response).itertext())
            expect(contained in read, response, f"the text {contained!r}, in {declared_name} as declared")

    check_agreement(RequestForm(), "内容")
    context.for_all(check_agreement, HEADED, TEXT[GBK], examples=3)


@checks("R15-json")
def _json_is_utf8(context: CheckContext) -> None:
    """Check that each response to rt=json is JSON that any parser reads: UTF-8, or ASCII with escapes (R15)."""
    for response, contained in _exchange_every_kind(context, RequestForm(), "内容", rt="json"):
        try:
            document = json.loads(response.raw.body.decode("utf-8"))
        except ValueError as error:
            expect(False, response, "JSON in UTF-8", f"{error}")
        expect(contained in json.dumps(document, ensure_ascii=False), response, f"the text {contained!r}")
        expect(response.raw.content_type.startswith("application/json"), response, "application/json")
