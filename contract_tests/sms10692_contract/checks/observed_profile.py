"""Checks of the responses of newer servers: the profile `observed` (A12 to A14), and text in XML (R17)."""

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import (
    SEND_ENDPOINT,
    TEXT,
)
from sms10692_contract.expectations import expect, expect_bytes, expect_sent, get_message
from sms10692_contract.expected import (
    ANY_VALUE,
    NO_WORD_FOUND,
    SEND_REFUSED,
    WORD_FOUND,
    WRONG_CREDENTIALS,
    ParsedResponse,
    escape_text,
)
from sms10692_contract.harness import CheckContext
from sms10692_contract.profiles import ECHO
from sms10692_contract.requests import FORM, GBK, UTF8, build_form, escape_unicode, replace_body
from sms10692_contract.safety import INVALID_SIGN


def _expect_echo(response: ParsedResponse, text: str) -> None:
    message = get_message(response)
    expect_bytes(response, ECHO, message=message, text=text)


@checks("R17-unencodable")
def _a_character_that_gbk_lacks_becomes_a_decimal_reference(context: CheckContext) -> None:
    account = context.create_account(profile="observed")
    pairs = account.build_credentials() | {"action": "checkkeyword", "content": "CONTENT"}
    response = context.exchange(build_form(GBK, pairs | {"content": "好ˉ"}))
    expect(response.get_element("checkCounts") == "好ˉ", response, "checkCounts 好ˉ")
    request = build_form(GBK, pairs)
    body = request.body.replace(b"CONTENT", b"%80%ud83d%ude00")
    response = context.exchange(replace_body(request, body, FORM))
    expect(response.get_raw_element("checkCounts") == "&#8364;&#128512;", response, "checkCounts &#8364;&#128512;")

    def check_echo(text: str) -> None:
        request = build_form(GBK, pairs)
        response = context.exchange(replace_body(request, request.body.replace(b"CONTENT", escape_unicode(text)), FORM))
        _expect_echo(response, escape_text(text))

    context.for_all(check_echo, TEXT[UTF8])


@checks("R17-escapes")
def _markup_in_a_text_is_escaped(context: CheckContext) -> None:
    account = context.create_account(profile="observed")
    response = context.checkkeyword(account, "<a>&\"'\r\n")
    expect(
        "<checkCounts>&lt;a&gt;&amp;\"'&#13;\n</checkCounts>" in response.text,
        response,
        "&lt;a&gt;&amp;\"'&#13; and a line feed",
    )
    response = context.checkkeyword(account, "a\x00b\x0bc")
    expect(
        response.get_element("checkCounts") == "abc",
        response,
        "checkCounts abc, without the characters that XML does not allow",
    )

    def check_echo(endpoint: str, text: str) -> None:
        _expect_echo(context.checkkeyword(account, text, endpoint), escape_text(text))

    context.for_all(check_echo, SEND_ENDPOINT, st.text("<>&\"'\r\n\t\x00\x0b\x1fa内;#", max_size=12))


@checks("A13")
def _newer_servers_return_the_text_of_checkkeyword(context: CheckContext) -> None:
    account = context.create_account(profile="observed")

    def check_echo(endpoint: str, before: str, word: str, after: str) -> None:
        text = before + word + after
        message = WORD_FOUND if word else NO_WORD_FOUND
        expect_bytes(context.checkkeyword(account, text, endpoint), ECHO, message=message, text=escape_text(text))

    for endpoint in (UTF8, GBK):
        check_echo(endpoint, "内容", "", "")
        texts = TEXT[endpoint]
        context.for_all(check_echo, st.just(endpoint), texts, st.sampled_from(["", context.forbidden_word]), texts)


@checks("A14")
def _newer_servers_refuse_overage_in_the_elements_of_send(context: CheckContext) -> None:
    response = context.overage(context.create_account(profile="observed"), sign=INVALID_SIGN)
    expect_bytes(response, SEND_REFUSED.replace(ANY_VALUE, "0"), message=WRONG_CREDENTIALS)


@checks("A12")
def _newer_servers_have_errorcode_and_extno_in_cdata(context: CheckContext) -> None:
    account = context.create_account(profile="observed")
    task = expect_sent(context.send(account, extno="01"), 1)
    response = context.fetch_due_reports(account, task)
    actual = response.get_raw_element("errorcode"), response.get_raw_element("extno")
    expect(actual == ("<![CDATA[DELIVRD]]>", "<![CDATA[01]]>"), response, "errorcode and extno in CDATA")
