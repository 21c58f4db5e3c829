"""Checks of how parameters are decoded: charsets, escapes, repeated and unknown names (R14, R16, Q6, Q12, Q15, Q16)."""

import json
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.encodings import build_keyword_pairs
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import MOBILE, PARAMETER_NAMES, SEND_ENDPOINT, TEXT
from sms10692_contract.expectations import expect, expect_keyword, expect_message, expect_sent
from sms10692_contract.expected import EMPTY_CREDENTIALS, ParsedResponse
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import (
    CHARSET,
    GBK,
    UTF8,
    build_form,
    build_multipart,
    build_percent_encoder,
    build_raw_encoder,
    build_request,
    replace_body,
)
from sms10692_contract.safety import INVALID_SIGN


@checks("Q6-query")
def _raw_utf8_in_the_query_string_is_read(context: CheckContext) -> None:
    def check_decoded(before: str, after: str) -> None:
        pairs = build_keyword_pairs(context.own, before + context.forbidden_word + after)
        expect_keyword(
            context.exchange(build_request(UTF8, query=pairs, encode=build_raw_encoder("utf-8"), method="GET")),
            is_found=True,
        )

    check_decoded("代开", "")
    context.for_all(check_decoded, TEXT[UTF8], TEXT[UTF8])


@checks("Q12")
def _the_optional_parameters_may_be_absent(context: CheckContext) -> None:
    account = context.create_account()
    fields = account.build_credentials() | {"action": "send", "mobile": context.number, "content": "内容"}
    expect_sent(context.exchange(build_form(UTF8, fields)), 1)


@checks("Q15")
def _a_trailing_comma_adds_no_number(context: CheckContext) -> None:
    account = context.create_account()
    expect_sent(context.send(account, f"{context.number},"), 1)

    def check_accepted(mobiles: list[str], commas: int) -> None:
        expect_sent(context.send(account, ",".join(mobiles) + "," * commas), len(mobiles))

    context.for_all_if_sandboxed(check_accepted, st.lists(MOBILE, min_size=1, max_size=4), st.integers(0, 4))


@checks("Q15-many")
def _fifty_thousand_numbers_are_accepted(context: CheckContext) -> None:
    account = context.create_account(points=50_000)
    expect_sent(context.send(account, ",".join(str(13000000000 + index) for index in range(50_000))), 50_000)


@checks("Q16")
def _text_in_the_charset_of_the_other_endpoint_is_not_understood(context: CheckContext) -> None:
    def check_not_understood(endpoint: str, other_charset: str, before: str, after: str) -> None:
        text = before + context.forbidden_word + after
        if context.forbidden_word not in text.encode(other_charset).decode(CHARSET[endpoint], "replace"):
            response = context.exchange(
                build_request(
                    endpoint, body=build_keyword_pairs(context.own, text), encode=build_percent_encoder(other_charset)
                )
            )
            expect_keyword(response, is_found=False)

    for endpoint, other_charset in ((GBK, "utf-8"), (UTF8, "gbk")):
        check_not_understood(endpoint, other_charset, "", "")
        plain_text = st.text("abc 1，。内容", max_size=6)
        context.for_all(
            check_not_understood,
            st.just(endpoint),
            st.just(other_charset),
            plain_text,
            plain_text,
            examples=context.few_examples,
        )


@checks("R14-plus")
def _a_plus_is_a_space(context: CheckContext) -> None:
    def check_decoded(endpoint: str, timestamp: str, in_query: bool) -> None:
        pairs = list((context.own.build_credentials(timestamp) | {"action": "overage"}).items())
        query, body = (pairs, []) if in_query else ([], pairs)
        request = build_request(
            endpoint,
            body=body,
            query=query,
            encode=lambda text: build_percent_encoder(CHARSET[endpoint])(text).replace(b"%20", b"+"),
        )
        expect_message(context.exchange(request), "")

    for in_query in (False, True):
        check_decoded(UTF8, "2012-07-01 23:12:12", in_query)
    context.for_all(
        check_decoded, SEND_ENDPOINT, st.text(" +%1内", max_size=6).map(lambda text: f"1{text}"), st.booleans()
    )


@checks("R14-query-first")
def _the_query_string_comes_before_the_form(context: CheckContext) -> None:
    credentials = list(context.own.build_credentials().items())
    for content in (context.forbidden_word, ""):
        form_content = "" if content else context.forbidden_word
        query = [("content", content), *credentials]
        body = [("content", form_content), ("action", "checkkeyword")]
        if context.is_sandboxed:  # a server that reads the form first sees a failed login
            body.append(("sign", INVALID_SIGN))
        expect_keyword(context.exchange(build_request(UTF8, query=query, body=body)), is_found=bool(content))

    def check_query_precedes_form(endpoint: str, in_query: frozenset[str], value: str) -> None:
        """Values of the query string take precedence over values of the form."""
        pairs = build_keyword_pairs(context.own, context.forbidden_word)
        query = [pair for pair in pairs if pair[0] in in_query]
        form_values = {name: "overage" if name == "action" else value for name in in_query}
        body = [(name, form_values.get(name, original)) for name, original in pairs]
        expect_keyword(context.exchange(build_request(endpoint, query=query, body=body)), is_found=True)

    context.for_all(check_query_precedes_form, SEND_ENDPOINT, PARAMETER_NAMES, st.text("x0,", max_size=3))


@checks("R14-repeated")
def _values_of_a_repeated_name_are_joined_with_commas(context: CheckContext) -> None:
    account = context.create_account()
    fields = [*account.build_credentials().items(), ("action", "send"), ("content", "内容")]
    repeated = [("mobile", "13000000001"), ("mobile", "13000000002")]
    expect_sent(context.exchange(build_request(UTF8, body=[*fields, *repeated])), 2)
    expect_sent(context.exchange(build_request(UTF8, query=[*fields, *repeated])), 2)

    def check_joined(endpoint: str, mobiles: list[str], in_query: bool) -> None:
        pairs = [*fields, *(("mobile", number) for number in mobiles)]
        request = build_request(endpoint, query=pairs) if in_query else build_request(endpoint, body=pairs)
        expect_sent(context.exchange(request), len(mobiles))

    context.for_all(check_joined, SEND_ENDPOINT, st.lists(MOBILE, min_size=2, max_size=5), st.booleans())


@checks("R14-names")
def _a_name_is_not_trimmed(context: CheckContext) -> None:
    def check_not_recognized(endpoint: str, renamed: str, before: str, after: str) -> None:
        credentials = context.own.build_credentials().items()
        fields = [(f"{before}{name}{after}" if name == renamed else name, value) for name, value in credentials]
        if before or after:
            expect_message(
                context.exchange(build_request(endpoint, body=[*fields, ("action", "overage")])), EMPTY_CREDENTIALS
            )

    check_not_recognized(UTF8, "sign", "", " ")
    space = st.text(" \t\r\n", max_size=2)
    context.for_all(check_not_recognized, SEND_ENDPOINT, st.sampled_from(["userid", "timestamp", "sign"]), space, space)


@checks("R14-euro")
def _0x80_is_the_euro_sign_on_the_gbk_endpoint(context: CheckContext) -> None:
    response = _request_echo(context, GBK, b"%80")
    expect(response.get_raw_element("checkCounts") == "&#8364;", response, "checkCounts &#8364;")


_UNREADABLE_IN_GBK: Final = (b"%FF", b"%A2%E3", b"%81%30%81%30", b"%95%32%82%36", b"%94%39%FC%36", b"%FE%FE%FF")
"""Bytes that are no character in GBK: an invalid byte, and €, U+0080, U+20000 and an emoji in its successor GB18030."""


@checks("R14-unreadable")
def _a_byte_that_cannot_be_decoded_is_a_replacement_character(context: CheckContext) -> None:
    response = _request_echo(context, UTF8, b"a%FFb%zz")
    expect(response.get_element("checkCounts") == "a\ufffdb%zz", response, "checkCounts a\ufffdb%zz")

    def check_decoded(parts: list[tuple[str, str]]) -> None:
        actual = _request_echo(context, UTF8, "".join(raw for raw, _ in parts).encode()).get_element("checkCounts")
        expected = "".join(text for _, text in parts)
        expect(actual == expected, response, f"checkCounts {expected!r}", repr(actual))

    escapes = [("%FF", "\ufffd"), ("%80", "\ufffd"), ("%", "%"), ("%z", "%z"), ("%ud83d", "\ufffd")]
    part_pairs = st.tuples(st.sampled_from(escapes), st.sampled_from([("x", "x"), ("%E5%86%85", "内")]))
    context.for_all(
        lambda pairs: check_decoded([part for pair in pairs for part in pair]),
        st.lists(part_pairs, min_size=1, max_size=4),
    )
    for raw in _UNREADABLE_IN_GBK:
        response = _request_echo(context, GBK, b"a%b+b" % raw)
        actual = response.get_element("checkCounts")
        is_replaced = actual[:1] == "a" and actual[-2:] == " b" and "\ufffd" in actual
        expect(is_replaced, response, "checkCounts with U+FFFD between a and a space", repr(actual))


@checks("R16-files")
def _a_part_with_a_file_name_is_ignored(context: CheckContext) -> None:
    def check_ignored(endpoint: str, file: str) -> None:
        request = build_multipart(endpoint, build_keyword_pairs(context.own, context.forbidden_word))
        body = request.body.replace(b'name="content"', f'name="content"; filename="{file}"'.encode())
        response = context.exchange(replace_body(request, body, dict(request.headers)["Content-Type"]))
        expect_keyword(response, is_found=False)

    check_ignored(UTF8, "a.txt")
    context.for_all(
        check_ignored, SEND_ENDPOINT, st.text("ab.-_1", min_size=1, max_size=8), examples=context.few_examples
    )


@checks("R16-json")
def _a_json_body_has_no_fields(context: CheckContext) -> None:
    def check_no_fields(endpoint: str, content_type: str, as_form: bool) -> None:
        pairs = build_keyword_pairs(context.own, context.forbidden_word)
        request = build_form(endpoint, dict(pairs))
        body = request.body if as_form else json.dumps(dict(pairs)).encode()
        expect_message(context.exchange(replace_body(request, body, content_type)), EMPTY_CREDENTIALS)

    check_no_fields(UTF8, "application/json", True)
    content_types = st.sampled_from(["application/json", "application/json; charset=utf-8", "Application/JSON"])
    context.for_all(check_no_fields, SEND_ENDPOINT, content_types, st.booleans(), examples=context.few_examples)


def _request_echo(context: CheckContext, endpoint: str, raw: bytes) -> ParsedResponse:
    """Send `raw` as content to an account of the profile `observed`, whose response repeats the decoded text."""
    pairs = build_keyword_pairs(context.create_account(profile="observed"), "CONTENT")
    return context.exchange(
        build_request(endpoint, body=pairs, transform=lambda raw_form: raw_form.replace(b"CONTENT", raw))
    )
